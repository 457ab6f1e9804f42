/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main program of ffsctl: parses the global options and executes a command. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/help_options.h"
#include "cmd/socket_requests.h"

#define COMMAND(name) &cmd_##name,
#define REQUEST(...) &(const struct command){ .run = cmd_send_request, __VA_ARGS__ },

/* All commands except cmd_continue_after_reexec, in the order of --help; ends with NULL. */
static const struct command *const all_commands[] = { COMMANDS(COMMAND, REQUEST) NULL };

/* The words that global options accept as values. */
static const struct cmd_option_words global_option_words[] = {
	{ "--color", (const char *const[]){ "auto", "always", "never" }, 3 },
	{ 0 },
};

static int print_no_command(void)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_USAGE, EINVAL, NULL, "no command given");
	error_add_hint(&err, "see 'ffsctl --help'");
	return cmd_print_error(&err);
}

static bool set_color(struct globals *g, const char *when)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (streq(when, "always"))
		g->color = DIAG_COLOR;
	else if (streq(when, "never"))
		g->color = DIAG_PLAIN;
	else if (streq(when, "auto"))
		g->color = isatty(STDERR_FILENO) && !(no_color && *no_color) && term &&
					   !streq(term, "dumb")
				   ? DIAG_COLOR
				   : DIAG_PLAIN;
	else
		return false;
	return true;
}

enum { OPT_COLOR = 256, OPT_DIR, OPT_CONFIGFS, OPT_RUN_DIR, OPT_VERSION };

static const struct option options[] = {
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "configfs", required_argument, NULL, OPT_CONFIGFS },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/*
 * Sets a directory to the value of an option. Accepts only an absolute path, because a supervisor's
 * working directory is /.
 */
static int set_directory_option(const char **directory, const char *option)
{
	*directory = optarg;
	if (*optarg == '/')
		return -1;
	log_error("%s takes an absolute path, not '%s'", option, optarg);
	return EX_USAGE;
}

/* Handles a global option. Returns -1 to continue, or an exit status to end the program. */
static int handle_global_option(struct globals *g, int option, char **argv)
{
	switch (option) {
	case 'v':
		log_set_level(LOG_VERBOSE);
		return -1;
	case 'q':
		log_set_level(LOG_QUIET);
		return -1;
	case OPT_COLOR:
		if (set_color(g, optarg))
			return -1;
		log_error("--color takes auto, always or never, not '%s'", optarg);
		return EX_USAGE;
	case OPT_DIR:
		g->gadget_dirs[0] = optarg;
		return -1;
	case OPT_CONFIGFS:
		return set_directory_option(&g->paths.configfs_mount_point, "--configfs");
	case OPT_RUN_DIR:
		return set_directory_option(&g->paths.run_dir, "--run-dir");
	case OPT_VERSION:
		return cmd_print_version();
	case 'h':
		return cmd_print_general_help(g);
	default:
		return cmd_print_bad_global_option_error(g, argv);
	}
}

/* Handles -v or -q after the command's name. Returns false if the word is another one. */
static bool handle_verbosity_word(const char *word)
{
	if (streq(word, "-v") || streq(word, "--verbose"))
		log_set_level(LOG_VERBOSE);
	else if (streq(word, "-q") || streq(word, "--quiet"))
		log_set_level(LOG_QUIET);
	else
		return false;
	return true;
}

/*
 * Handles -v and -q among the arguments of a command, and removes them from `argv`. Returns the new
 * number of arguments. Words that are values of options, or that follow "--", remain.
 */
static int handle_verbosity_options(const struct command *command, int argc, char **argv)
{
	int n = 1, i = 1;

	for (; i < argc && !streq(argv[i], "--"); i++) {
		if (handle_verbosity_word(argv[i]))
			continue;
		argv[n++] = argv[i];
		if (i + 1 < argc &&
		    help_find_option(command->options_help, argv[i]) == OPTION_NEEDS_VALUE)
			argv[n++] = argv[++i];
	}
	while (i < argc)
		argv[n++] = argv[i++];
	argv[n] = NULL;
	return n;
}

static int run_command(struct globals *g, const struct command *command, int argc, char **argv)
{
	g->current_command = command;
	argc = handle_verbosity_options(command, argc, argv);
	return command->run(g, argc, argv);
}

/*
 * Returns `exit`, or EX_IOERR if stdout could not be written completely: scripts must not take
 * incomplete output for the result.
 */
static int check_output_written(int exit)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit;
	log_error("cannot write all output to stdout");
	return exit < EX__BASE ? EX_IOERR : exit;
}

int main(int argc, char **argv)
{
	struct globals g = {
		.all_commands = all_commands,
		.option_words = global_option_words,
		.paths = { .configfs_mount_point = "/sys/kernel/config", .run_dir = "/run/ffsctl" },
		.gadget_dirs = { NULL, FFSCTL_SYSCONFDIR "/ffsctl/gadget.d", "/run/ffsctl/gadget.d",
				 FFSCTL_DATADIR "/gadget.d" }
	};
	const struct command *command;
	int option;

	fd_open_closed_stdio();
	/* With SIGCHLD ignored, which a parent process may have set, waitpid(2) would fail. */
	signal(SIGCHLD, SIG_DFL);
	/*
	 * The usual umask, whatever umask the caller has: all users may read the status, and
	 * workers begin with this umask.
	 */
	umask(022);
	/* Writes whole lines to stderr, so that the lines of several processes do not mix. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	set_color(&g, "auto");
	opterr = 0;
	/* '+': getopt_long stops at the command's name; the command parses the options after it. */
	while ((option = getopt_long(argc, argv, "+vqh", options, NULL)) != -1) {
		int exit = handle_global_option(&g, option, argv);

		if (exit >= 0)
			return check_output_written(exit);
	}
	if (optind == argc)
		return print_no_command();
	argc -= optind;
	argv += optind;
	optind = 0; /* resets getopt in glibc and musl */
	command = cmd_find_command(&g, argv[0]);
	if (command)
		return check_output_written(run_command(&g, command, argc, argv));
	if (streq(argv[0], cmd_continue_after_reexec.name))
		return cmd_continue_after_reexec.run(&g, argc, argv);
	return cmd_print_unknown_command_error(&g, argv[0]);
}

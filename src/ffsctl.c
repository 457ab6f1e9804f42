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
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/requests.h"

#define COMMAND(name) &cmd_##name,
#define REQUEST(...) &(const struct command){ .run = cmd_send_request, __VA_ARGS__ },

/* All commands except cmd_continue_after_reexec, in the order of --help; ends with NULL. */
static const struct command *const all_commands[] = { COMMANDS(COMMAND, REQUEST) NULL };

/* Text of the global options in --help, and the words that they accept as values. */
static const char global_options[] =
	"  -v, --verbose       print each step\n"
	"  -q, --quiet         print only errors\n"
	"  --color=WHEN        auto, always or never\n"
	"  --dir DIR           search gadget files in DIR first\n"
	"  --configfs DIR      mount point of configfs (/sys/kernel/config)\n"
	"  --run-dir DIR       run directory, with the state (/run/ffsctl)\n"
	"  --version\n";

static const struct cmd_option_words global_option_words[] = {
	{ "--color", (const char *const[]){ "auto", "always", "never" }, 3 },
	{ 0 },
};

static void print_help(void)
{
	puts("usage: ffsctl [-v|-q] [--color=WHEN] COMMAND [OPTIONS] [GADGET...]\n\n"
	     "Creates, supervises and removes USB gadgets described by files.\n\n"
	     "  ffsctl check gadget.conf      check the file\n"
	     "  ffsctl up gadget.conf         bring the gadget up\n"
	     "  ffsctl status                 print its status\n"
	     "  ffsctl down gadget.conf       take it down\n\n"
	     "commands:");
	for (size_t i = 0; all_commands[i]; i++)
		printf("  %-10s %s\n", all_commands[i]->name, all_commands[i]->summary);
	printf("\noptions:\n%s\n"
	       "'ffsctl COMMAND --help' lists the options of a command; see also ffsctl(8).\n",
	       global_options);
}

#define SEE_HELP "see 'ffsctl --help'"

static int print_usage_error(const char *text)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_USAGE, EINVAL, NULL, "%s", text);
	error_add_hint(&err, SEE_HELP);
	return cmd_print_error(&err);
}

static int print_unknown_command(const char *word)
{
	_cleanup_error_ struct error err = { 0 };
	const char *meant = NULL;
	size_t best = text_max_misspelling(word) + 1;

	for (size_t i = 0; all_commands[i]; i++) {
		size_t distance = text_edit_distance(word, all_commands[i]->name, best);

		if (distance >= best)
			continue;
		best = distance;
		meant = all_commands[i]->name;
	}
	error_set(&err, EX_USAGE, EINVAL, NULL, "unknown command '%s'", word);
	if (meant)
		error_add_hint(&err, "did you mean '%s'?", meant);
	else
		error_add_hint(&err, SEE_HELP);
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
	_cleanup_free_ char *text = NULL;

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
		return set_directory_option(&g->paths.configfs, "--configfs");
	case OPT_RUN_DIR:
		return set_directory_option(&g->paths.run_dir, "--run-dir");
	case OPT_VERSION:
		puts("ffsctl " PACKAGE_VERSION);
		return 0;
	case 'h':
		print_help();
		return 0;
	default:
		text = cmd_bad_option_message(global_options, argv);
		return print_usage_error(text);
	}
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
		.options_help = global_options,
		.option_words = global_option_words,
		.paths = { .configfs = "/sys/kernel/config", .run_dir = "/run/ffsctl" },
		.gadget_dirs = { NULL, FFSCTL_SYSCONFDIR "/ffsctl/gadget.d", "/run/ffsctl/gadget.d",
				 FFSCTL_DATADIR "/gadget.d" }
	};
	int option;

	fd_open_closed_stdio();
	/* With SIGCHLD ignored, which a parent process may have set, waitpid(2) would fail. */
	signal(SIGCHLD, SIG_DFL);
	/*
	 * The usual umask, whatever umask the caller has: all users may read the status, and workers
	 * begin with this umask.
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
		return print_usage_error("no command given");
	argc -= optind;
	argv += optind;
	optind = 0; /* resets getopt in glibc and musl */
	for (size_t i = 0; all_commands[i]; i++) {
		g.current_command = all_commands[i];
		if (streq(argv[0], g.current_command->name))
			return check_output_written(g.current_command->run(&g, argc, argv));
	}
	if (streq(argv[0], cmd_continue_after_reexec.name))
		return cmd_continue_after_reexec.run(&g, argc, argv);
	return print_unknown_command(argv[0]);
}

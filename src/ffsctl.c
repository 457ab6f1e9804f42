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
#include "cmd/socket_requests.h"

#define COMMAND(name) &cmd_##name,
#define REQUEST(...) &(const struct command){ .run = cmd_send_request, __VA_ARGS__ },

/* All commands except cmd_continue_after_reexec, in the order of --help; ends with NULL. */
static const struct command *const all_commands[] = { COMMANDS(COMMAND, REQUEST) NULL };

static int print_no_command(void)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_USAGE, EINVAL, NULL, "no command given");
	error_add_hint(&err, "see 'ffsctl --help'");
	return cmd_print_error(&err);
}

/* --- global options --- */

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER, COLOR_WHEN_COUNT };

static const char *const color_words[COLOR_WHEN_COUNT] = {
	[COLOR_AUTO] = "auto",
	[COLOR_ALWAYS] = "always",
	[COLOR_NEVER] = "never",
};

/* Returns how messages are printed if the user has not chosen. */
static enum diag_color color_of_terminal(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !(no_color && *no_color) && term && !streq(term, "dumb")
		       ? DIAG_COLOR
		       : DIAG_PLAIN;
}

static int set_verbose(void *globals _unused_, const char *value _unused_,
		       struct error *err _unused_)
{
	log_set_level(LOG_VERBOSE);
	return 0;
}

static int set_quiet(void *globals _unused_, const char *value _unused_, struct error *err _unused_)
{
	log_set_level(LOG_QUIET);
	return 0;
}

/*
 * Accepts only an absolute path, because a supervisor's working directory is /. Stores it in
 * *directory.
 */
static int set_directory(const char **directory, const char *option, const char *path,
			 struct error *err)
{
	*directory = path;
	return *path == '/' ? 0
			    : error_set(err, EX_USAGE, EINVAL, NULL,
					"%s takes an absolute path, not '%s'", option, path);
}

static int set_configfs(void *globals, const char *value, struct error *err)
{
	return set_directory(&((struct globals *)globals)->paths.configfs_mount_point, "--configfs",
			     value, err);
}

static int set_run_dir(void *globals, const char *value, struct error *err)
{
	return set_directory(&((struct globals *)globals)->paths.run_dir, "--run-dir", value, err);
}

static const struct option_row global_options[] = {
	{ "--verbose", NULL, "print each step", OPTION_SET, .letter = 'v', .set = set_verbose },
	{ "--quiet", NULL, "print only errors", OPTION_SET, .letter = 'q', .set = set_quiet },
	{ "--color", "=WHEN", "auto, always or never", OPTION_WORD,
	  .offset = offsetof(struct globals, color_when), .words = color_words,
	  .n_words = COLOR_WHEN_COUNT },
	{ "--dir", " DIR", "search gadget files in DIR first", OPTION_TEXT,
	  .offset = offsetof(struct globals, gadget_dirs) },
	{ "--configfs", " DIR", "mount point of configfs (/sys/kernel/config)", OPTION_SET,
	  .set = set_configfs },
	{ "--run-dir", " DIR", "run directory, with the state (/run/ffsctl)", OPTION_SET,
	  .set = set_run_dir },
	{ "--version", NULL, "", OPTION_FLAG, .offset = offsetof(struct globals, prints_version) },
	{ 0 },
};

/*
 * Handles -v and -q among the arguments of a command, and removes them from `argv`. Returns the new
 * number of arguments. Words that are values of options, or that follow "--", remain.
 */
static int handle_verbosity_options(const struct command *command, int argc, char **argv)
{
	int n = 1, i = 1;

	for (; i < argc && !streq(argv[i], "--"); i++) {
		const struct option_row *own = option_find(command->options, argv[i]),
					*global = option_find(global_options, argv[i]);

		/* Of the global options, only these two have a letter. */
		if (global && global->letter) {
			global->set(NULL, NULL, NULL);
			continue;
		}
		argv[n++] = argv[i];
		if (i + 1 < argc && own && option_needs_value(own))
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
		.options = global_options,
		.paths = { .configfs_mount_point = "/sys/kernel/config", .run_dir = "/run/ffsctl" },
		.gadget_dirs = { NULL, FFSCTL_SYSCONFDIR "/ffsctl/gadget.d", "/run/ffsctl/gadget.d",
				 FFSCTL_DATADIR "/gadget.d" }
	};
	const struct command *command;
	int r;

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
	r = cmd_parse_global_options(&g, argc, argv);
	if (r < 0)
		return -r;
	if (r == OPTIONS_HELP)
		return check_output_written(cmd_print_general_help(&g));
	if (g.prints_version)
		return check_output_written(cmd_print_version());
	g.color = g.color_when == COLOR_AUTO	 ? color_of_terminal()
		  : g.color_when == COLOR_ALWAYS ? DIAG_COLOR
						 : DIAG_PLAIN;
	if (optind == argc)
		return print_no_command();
	argc -= optind;
	argv += optind;
	command = cmd_find_command(&g, argv[0]);
	if (command)
		return check_output_written(run_command(&g, command, argc, argv));
	if (streq(argv[0], cmd_continue_after_reexec.name))
		return cmd_continue_after_reexec.run(&g, argc, argv);
	return cmd_print_unknown_command_error(&g, argv[0]);
}

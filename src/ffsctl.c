/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main program: parses global options and runs a command. */
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

static void help(void)
{
	puts("usage: ffsctl [-v|-q] [--color=WHEN] COMMAND [OPTIONS] [GADGET...]\n\n"
	     "Creates, supervises and removes USB gadgets described by files.\n\n"
	     "  ffsctl check gadget.conf      check the file\n"
	     "  ffsctl up gadget.conf         bring the gadget up\n"
	     "  ffsctl status                 print its status\n"
	     "  ffsctl down gadget.conf       take it down\n\n"
	     "commands:");
	for (size_t i = 0; cmd_all[i]; i++)
		printf("  %-10s %s\n", cmd_all[i]->name, cmd_all[i]->summary);
	printf("\noptions:\n%s\n"
	       "'ffsctl COMMAND --help' lists the options of a command; see also ffsctl(8).\n",
	       cmd_global_options);
}

#define SEE_HELP "see 'ffsctl --help'"

static int usage_error(const char *text)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_USAGE, EINVAL, NULL, "%s", text);
	error_hint(&err, SEE_HELP);
	return cmd_print_error(&err);
}

static int unknown_command(const char *word)
{
	_cleanup_error_ struct error err = { 0 };
	const char *meant = NULL;
	size_t best = text_tolerance(word) + 1;

	for (size_t i = 0; cmd_all[i]; i++) {
		size_t distance = text_distance(word, cmd_all[i]->name, best);

		if (distance >= best)
			continue;
		best = distance;
		meant = cmd_all[i]->name;
	}
	error_set(&err, EX_USAGE, EINVAL, NULL, "unknown command '%s'", word);
	if (meant)
		error_hint(&err, "did you mean '%s'?", meant);
	else
		error_hint(&err, SEE_HELP);
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

/* Accepts only an absolute path, because the supervisor's working directory is /. */
static int set_directory(const char **directory, const char *option)
{
	*directory = optarg;
	if (*optarg == '/')
		return -1;
	log_error("%s takes an absolute path, not '%s'", option, optarg);
	return EX_USAGE;
}

/* Returns -1 to continue, else the exit status. */
static int parse_option(struct globals *g, int option, char **argv)
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
		g->dirs[0] = optarg;
		return -1;
	case OPT_CONFIGFS:
		return set_directory(&g->paths.configfs, "--configfs");
	case OPT_RUN_DIR:
		return set_directory(&g->paths.run_dir, "--run-dir");
	case OPT_VERSION:
		puts("ffsctl " PACKAGE_VERSION);
		return 0;
	case 'h':
		help();
		return 0;
	default:
		text = cmd_bad_option_text(cmd_global_options, argv);
		return usage_error(text);
	}
}

/* Fails if not all output could be written: incomplete output could be mistaken for a result. */
static int written(int exit)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit;
	log_error("cannot write all output to stdout");
	return exit < EX__BASE ? EX_IOERR : exit;
}

int main(int argc, char **argv)
{
	struct globals g = { .commands = cmd_all,
			     .options = cmd_global_options,
			     .choices = cmd_global_choices,
			     .paths = { .configfs = "/sys/kernel/config",
					.run_dir = "/run/ffsctl" },
			     .dirs = { NULL, FFSCTL_SYSCONFDIR "/ffsctl/gadget.d",
				       "/run/ffsctl/gadget.d", FFSCTL_DATADIR "/gadget.d" } };
	int option;

	fd_open_stdio();
	/* If the caller ignored SIGCHLD, waitpid(2) would fail. */
	signal(SIGCHLD, SIG_DFL);
	/* Files for other users must be readable, whatever the caller's umask. */
	umask(022);
	/* One write(2) per line, so that lines of several processes do not mix. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	set_color(&g, "auto");
	opterr = 0;
	/* '+': stops at the command, which parses its own options. */
	while ((option = getopt_long(argc, argv, "+vqh", options, NULL)) != -1) {
		int exit = parse_option(&g, option, argv);

		if (exit >= 0)
			return written(exit);
	}
	if (optind == argc)
		return usage_error("no command given");
	argc -= optind;
	argv += optind;
	optind = 0; /* resets getopt in glibc and musl */
	for (size_t i = 0; cmd_all[i]; i++) {
		g.command = cmd_all[i];
		if (streq(argv[0], g.command->name) || streq_null(argv[0], g.command->alias))
			return written(g.command->run(&g, argc, argv));
	}
	if (streq(argv[0], cmd_resume.name))
		return cmd_resume.run(&g, argc, argv);
	return unknown_command(argv[0]);
}

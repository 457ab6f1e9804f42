/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `reexec`: requests supervisors to execute this program. Also defines the internal command that
 * the supervisors then execute.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "rundir/rundir.h"
#include "supervisor/reexec.h"

struct reexec_command {
	const struct globals *globals;
	const char *program_path;  /* absolute path of this program */
	struct error *first_error; /* error of the first gadget that failed */
};

static int reexec_gadget(void *data, const char *name)
{
	const struct reexec_command *w = data;
	_cleanup_error_ struct error err = { 0 };
	const struct socket_request request = { .command = COMMAND_REEXEC,
						.program_path = w->program_path };

	/* client_send_request returns when the supervisor's new program has answered. */
	if (client_send_request(&w->globals->paths, name, &request, NULL, &err) == 0)
		log_info("%s: continues as ffsctl " PACKAGE_VERSION, name);
	else
		cmd_keep_or_print_error(w->first_error, &err);
	return 0;
}

static int path_of_this_program(char *path, size_t size, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		return error_errno(err, EX_OSERR, errno, "/proc/self/exe",
				   "cannot find the path of this program");
	path[n] = '\0';
	return 0;
}

/* The values are a bool. */
static const struct option_row options[] = {
	{ "--all", NULL, "all gadgets of ffsctl", OPTION_FLAG, .offset = 0 },
	{ 0 },
};

static int run_reexec_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	char program[PATH_MAX];
	struct reexec_command work = { globals, program, &err };
	bool all = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &all, &exit))
		return exit;
	if (all != (optind == argc))
		return cmd_print_usage_error(&cmd_reexec, "expected gadgets or --all");
	if (path_of_this_program(program, sizeof(program), &err) < 0)
		return cmd_print_error(&err);
	if (all)
		rundir_each_gadget(&globals->paths, reexec_gadget, &work);
	for (int i = optind; i < argc; i++) {
		_cleanup_error_ struct error of_name = { 0 };
		_cleanup_free_ char *name = NULL;

		if (cmd_find_gadget_name(globals, argv[i], &name, &of_name) == 0)
			reexec_gadget(&work, name);
		else
			cmd_keep_or_print_error(&err, &of_name);
	}
	return err.exit ? cmd_print_error(&err) : 0;
}

const struct command cmd_reexec = {
	.name = "reexec",
	.usage_arguments = "GADGET... | --all",
	.summary = "make supervisors execute this version of ffsctl, without a disconnect",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.all_arguments_are_of_first_kind = true,
	.run = run_reexec_command,
};

static int run_continue_after_reexec(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	int lock, client;

	if (argc < 4 || argc > 5 || !cmd_parse_fd(argv[2], &lock) ||
	    !cmd_parse_fd(argv[3], &client))
		return cmd_print_usage_error(&cmd_continue_after_reexec,
					     "internal command of 'ffsctl reexec'");
	if (client_resume_after_exec(&globals->paths, argv[1], lock, client, argc == 5, &err) < 0)
		return cmd_print_error(&err);
	return 0;
}

const struct command cmd_continue_after_reexec = { .name = SUPERVISOR_RESUME,
						   .run = run_continue_after_reexec };

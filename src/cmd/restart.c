/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"

/* Runs in the child, which becomes the supervisor. */
static int supervise(const struct globals *globals, const char *name, int report_fd)
{
	_cleanup_error_ struct error err = { 0 };
	bool reported;

	client_take_over(&globals->paths, name, report_fd, &reported, &err);
	return reported || !err.exit ? err.exit : cmd_print_error_about(name, &err);
}

static int restart(const struct globals *globals, const char *name, const char *function,
		   struct error *err)
{
	if (client_restart(&globals->paths, name, function, err) < 0)
		return err->exit;
	log_info("%s: %s%sready again", name, function ? function : "", function ? " " : "");
	return 0;
}

/* Starts a new supervisor first, which takes the gadget over. */
static int restart_orphan(const struct globals *globals, const char *name, const char *function)
{
	_cleanup_error_ struct error err = { 0 };
	struct client_report report;
	int report_fd, exit = client_detach(&report_fd, &report, &err);

	if (report_fd >= 0)
		return supervise(globals, name, report_fd);
	if (exit)
		return err.exit ? cmd_print_error(&err) : exit;
	if (report.result == CLIENT_TAKEN_OVER)
		cmd_print_taken_over(name);
	return restart(globals, name, function, &err) ? cmd_print_error(&err) : 0;
}

static int run(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	const char *function;
	int exit;

	if (!cmd_simple_options(&cmd_restart, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind < 1 || argc - optind > 2)
		return cmd_usage(&cmd_restart,
				 "expected a gadget and optionally one of its functions");
	function = argc - optind == 2 ? argv[optind + 1] : NULL;
	if (cmd_gadget_name(globals, argv[optind], &name, &err) < 0)
		return cmd_print_error(&err);
	if (restart(globals, name, function, &err) == 0)
		return 0;
	if (client_is_orphaned(&globals->paths, name))
		return restart_orphan(globals, name, function);
	return cmd_print_error(&err);
}

const struct command cmd_restart = {
	.name = "restart",
	.args = "GADGET [FUNCTION]",
	.summary = "restart the workers of a gadget or of one function, without a disconnect",
	.words = { CMD_WORDS_GADGETS, CMD_WORDS_FUNCTIONS },
	.run = run,
};

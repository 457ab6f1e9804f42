/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"

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
				 "it takes a gadget and perhaps one of its functions");
	function = argc - optind == 2 ? argv[optind + 1] : NULL;
	if (cmd_gadget_name(globals, argv[optind], &name, &err) < 0 ||
	    front_restart(&globals->world, name, function, &err) < 0)
		return cmd_print_error(&err);
	log_info("%s: %s%sready again", name, function ? function : "", function ? " " : "");
	return 0;
}

const struct command cmd_restart = {
	.name = "restart",
	.args = "GADGET [FUNCTION]",
	.summary = "start a function's worker anew, without a disconnect",
	.words = { CMD_WORDS_GADGETS, CMD_WORDS_FUNCTIONS },
	.run = run,
};

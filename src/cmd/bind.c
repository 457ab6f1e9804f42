/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `bind` and `unbind`: bind a gadget that is up to a UDC, or unbind it and leave it up. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"

enum { OPT_UDC = 256 };

static int bind_gadget(const struct globals *globals, const char *name, const char *udc)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *bound = NULL;
	enum client_result result;

	if (client_bind(&globals->paths, name, udc, &result, &bound, &err) < 0)
		return cmd_print_error(&err);
	log_info("%s: bound%s%s%s", name, result == CLIENT_UNCHANGED ? " already" : "",
		 bound ? " to " : "", bound ? bound : "");
	return 0;
}

static int run_bind(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "udc", required_argument, NULL, OPT_UDC },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	const char *udc = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_help(&cmd_bind);
		if (option == '?')
			return cmd_bad_option(&cmd_bind, argv);
		udc = optarg;
	}
	if (argc - optind < 1 || argc - optind > (udc ? 1 : 2))
		return cmd_usage(&cmd_bind, "expected a gadget and optionally a UDC");
	if (argc - optind == 2)
		udc = argv[optind + 1];
	if (cmd_gadget_name(globals, argv[optind], &name, &err) < 0)
		return cmd_print_error(&err);
	return bind_gadget(globals, name, udc);
}

const struct command cmd_bind = {
	.name = "bind",
	.args = "GADGET [UDC]",
	.summary = "bind a gadget that is up to a UDC",
	.options = "  --udc NAME          the UDC to bind to, same as the argument UDC\n",
	.words = { CMD_WORDS_GADGETS, CMD_WORDS_UDCS },
	.run = run_bind,
};

static int run_unbind(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	enum client_result result;
	int exit;

	if (!cmd_simple_options(&cmd_unbind, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind != 1)
		return cmd_usage(&cmd_unbind, "expected one gadget");
	if (cmd_gadget_name(globals, argv[optind], &name, &err) < 0 ||
	    client_unbind(&globals->paths, name, &result, &err) < 0)
		return cmd_print_error(&err);
	log_info("%s: %s", name, result == CLIENT_UNCHANGED ? "is not bound" : "unbound");
	return 0;
}

const struct command cmd_unbind = {
	.name = "unbind",
	.args = "GADGET",
	.summary = "unbind a gadget and leave it up",
	.words = { CMD_WORDS_GADGETS },
	.run = run_unbind,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"

struct wait_options {
	enum wait_condition condition;
	double seconds;
	bool json;
};

static const struct option_row options[] = {
	{ "--for", " CONDITION", "ready, configured or disconnected (ready)", OPTION_WORD,
	  .offset = offsetof(struct wait_options, condition), .words = wait_condition_words,
	  .n_words = CONDITION_COUNT },
	{ "--timeout", " S",
	  "wait at most S seconds, also for a gadget that is not up; then exit 75", OPTION_SECONDS,
	  .offset = offsetof(struct wait_options, seconds) },
	CMD_JSON_OPTION(offsetof(struct wait_options, json)),
	{ 0 },
};

/* Prints the --json output, with the gadget's status if the gadget could be awaited. */
static int print_json(const struct globals *globals, const char *name, struct error *err)
{
	struct gadget_statuses gadgets = { 0 };
	json_t *json = NULL;

	if (!err->exit && inspect_gadgets(&globals->paths, name, &gadgets, err) == 0)
		json = statuses_to_json(&gadgets);
	statuses_free(&gadgets);
	return cmd_print_gadgets_json(json, err, NULL, err->exit);
}

static int run_wait_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	struct wait_options q = { .condition = CONDITION_READY, .seconds = HUGE_VAL };
	bool by_udc = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (argc - optind != 1)
		return cmd_print_usage_error(&cmd_wait, "expected one gadget");
	if (cmd_find_gadget_name(globals, argv[optind], &name, &err) == 0)
		client_wait_condition(&globals->paths, name, q.condition, q.seconds, &by_udc, &err);
	if (!err.exit)
		log_info("%s: %s%s", name, wait_condition_words[q.condition],
			 by_udc ? ", as the UDC reports" : "");
	if (q.json)
		return print_json(globals, name, &err);
	return err.exit ? cmd_print_error(&err) : 0;
}

const struct command cmd_wait = {
	.name = "wait",
	.usage_arguments = "GADGET [--for CONDITION] [--timeout S] [--json]",
	.summary = "wait until a gadget is ready, configured by its host, or disconnected",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.run = run_wait_command,
};

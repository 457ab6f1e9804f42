/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"

enum { OPT_FOR = 256, OPT_TIMEOUT, OPT_JSON };

static const struct cmd_option_words option_words[] = {
	{ "--for", wait_condition_words, CONDITION_COUNT },
	{ 0 },
};

static enum wait_condition parse_condition(const char *word)
{
	for (enum wait_condition i = 0; i < CONDITION_COUNT; i++)
		if (streq_null(wait_condition_words[i], word))
			return i;
	return CONDITION_UNKNOWN;
}

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
	static const struct option options[] = {
		{ "for", required_argument, NULL, OPT_FOR },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	const char *condition = "ready";
	double seconds = HUGE_VAL;
	bool json = false, by_udc = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_print_help(&cmd_wait);
		if (option == '?')
			return cmd_print_bad_option_error(&cmd_wait, argv);
		if (option == OPT_FOR)
			condition = optarg;
		else if (option == OPT_JSON)
			json = true;
		else if (cmd_parse_seconds_option(&cmd_wait, "--timeout", &seconds))
			return EX_USAGE;
	}
	if (!parse_condition(condition))
		return cmd_print_usage_error(
			&cmd_wait, "--for takes ready, configured or disconnected, not '%s'",
			condition);
	if (argc - optind != 1)
		return cmd_print_usage_error(&cmd_wait, "expected one gadget");
	if (cmd_find_gadget_name(globals, argv[optind], &name, &err) == 0)
		client_wait_condition(&globals->paths, name, parse_condition(condition), seconds,
				      &by_udc, &err);
	if (!err.exit)
		log_info("%s: %s%s", name, condition, by_udc ? ", as the UDC reports" : "");
	if (json)
		return print_json(globals, name, &err);
	return err.exit ? cmd_print_error(&err) : 0;
}

const struct command cmd_wait = {
	.name = "wait",
	.usage_arguments = "GADGET [--for CONDITION] [--timeout S] [--json]",
	.summary = "wait until a gadget is ready, configured by its host, or disconnected",
	.options_help =
		"  --for CONDITION     ready, configured or disconnected (ready)\n"
		"  --timeout S         wait at most S seconds, also for a gadget that is not up; "
		"then exit 75\n"
		"  --json              one JSON document on stdout\n",
	.option_words = option_words,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.run = run_wait_command,
};

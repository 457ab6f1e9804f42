/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `udc`: lists the UDCs and the gadgets that are bound to them. If this system has no UDC, prints
 * hints about the reason.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "configfs/udc.h"

/* Returns an attribute of the UDC in sysfs as JSON; null if it is empty or "UNKNOWN". */
static json_t *attribute_to_json(const struct udc *udc, const char *name)
{
	_cleanup_free_ char *value = udc_read_attribute(udc->name, name);

	return json_string_or_null(value && *value && !streq(value, "UNKNOWN") ? value : NULL);
}

static json_t *udc_to_json(const struct udc *udc)
{
	const struct udc_traits *traits = udc_traits_or_unknown(udc->driver);

	return json_pack(
		"{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", udc->name, "driver",
		json_string_or_null(udc->driver), "virtual", udc->is_virtual, "state",
		attribute_to_json(udc, "state"), "speed", attribute_to_json(udc, "current_speed"),
		"max_speed", attribute_to_json(udc, "maximum_speed"), "gadget",
		json_string_or_null(udc->bound_gadget), "holder", json_string_or_null(udc->holder),
		"endpoints", traits->n_endpoints ? json_integer(traits->n_endpoints) : json_null(),
		"scatter_gather",
		traits->scatter_gather == UDC_SG_UNKNOWN
			? json_null()
			: json_boolean(traits->scatter_gather == UDC_SG_YES));
}

static void print_udc(const json_t *udc)
{
	const json_t *endpoints = json_object_get(udc, "endpoints"),
		     *sg = json_object_get(udc, "scatter_gather");
	const char *speed = json_text(udc, "speed", NULL);

	printf("%s: %s%s, %s%s%s, %s\n", json_text(udc, "name", "?"),
	       json_text(udc, "driver", "unknown driver"),
	       json_is_true(json_object_get(udc, "virtual")) ? " (virtual)" : "",
	       json_text(udc, "state", "state unknown"), speed ? ", " : "", speed ? speed : "",
	       json_text(udc, "holder", "free"));
	printf("  up to %s, endpoints ", json_text(udc, "max_speed", "unknown speed"));
	if (json_is_integer(endpoints))
		printf("%lld", (long long)json_integer_value(endpoints));
	else
		printf("unknown");
	printf(", scatter-gather %s\n",
	       json_is_boolean(sg) ? (json_is_true(sg) ? "yes" : "no") : "unknown");
}

static json_t *hints_to_json(void)
{
	json_t *hints = json_array();
	char **words;
	size_t n = udc_absence_hints(&words);

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(hints, json_string(words[i]));
		free(words[i]);
	}
	free(words);
	return hints;
}

static void print_udcs(const json_t *udcs, const json_t *hints)
{
	const json_t *item;
	size_t i;

	json_array_foreach(udcs, i, item)
		print_udc(item);
	if (json_array_size(udcs) == 0)
		log_info("no UDC");
	json_array_foreach(hints, i, item)
		if (log_get_level() != LOG_QUIET)
			fprintf(stderr, "hint: %s\n", json_string_value(item));
}

static int print_output(bool json, json_t *udcs, json_t *hints, const struct error *err)
{
	json_t *output;

	if (!json) {
		print_udcs(udcs, hints);
		json_decref(udcs);
		json_decref(hints);
		return 0;
	}
	output = cmd_new_json_output();
	json_object_set_new(output, "udcs", udcs);
	json_object_set_new(output, "hints", hints);
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	return cmd_print_json_output(output, err->exit);
}

static int run_udc_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_udcs_ struct udcs udcs = { 0 };
	json_t *array;
	bool json = false;
	int exit;

	if (!cmd_parse_help_and_json(&cmd_udc, argc, argv, &json, &exit))
		return exit;
	if (optind != argc)
		return cmd_error_usage(&cmd_udc, "expected no arguments");
	if (udcs_list(&globals->paths, &udcs, &err) < 0 && !json)
		return cmd_print_error(&err);
	array = json_array();
	for (size_t i = 0; i < udcs.n; i++)
		json_array_append_new(array, udc_to_json(&udcs.list[i]));
	return print_output(json, array, udcs.n == 0 && !err.exit ? hints_to_json() : json_array(),
			    &err);
}

const struct command cmd_udc = {
	.name = "udc",
	.usage_arguments = "[--json]",
	.summary = "list the USB device controllers, and the gadgets bound to them",
	.options_help = "  --json              one JSON document on stdout\n",
	.run = run_udc_command,
};

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

static json_t *answer_to_json(enum udc_answer answer)
{
	return answer == UDC_UNKNOWN ? json_null() : json_boolean(answer == UDC_YES);
}

static json_t *types_to_json(unsigned int types)
{
	static const struct {
		unsigned int bits;
		const char *word;
	} words[] = {
		{ UDC_BULK, "bulk" },
		{ UDC_BULK | UDC_INTERRUPT, "interrupt" }, /* see UDC_BULK */
		{ UDC_ISOCHRONOUS, "isochronous" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (types & words[i].bits)
			json_array_append_new(list, json_string(words[i].word));
	return list;
}

static json_t *endpoint_groups_to_json(const struct udc_traits *traits)
{
	static const char *const directions[] = { "in", "out", "either" };
	json_t *groups = json_array();

	for (const struct udc_endpoint_group *e = traits->endpoints; e->n; e++)
		json_array_append_new(
			groups,
			json_pack("{s:i, s:s, s:o, s:o}", "count", (int)e->n, "direction",
				  directions[e->direction], "types", types_to_json(e->types),
				  "max_packet",
				  e->max_packet ? json_integer(e->max_packet) : json_null()));
	return groups;
}

/* Adds the properties of the UDC's driver. */
static void add_traits_to_json(json_t *object, const struct udc_traits *traits)
{
	unsigned int n = udc_count_endpoints(traits, UDC_IN) +
			 udc_count_endpoints(traits, UDC_OUT) +
			 udc_count_endpoints(traits, UDC_EITHER);

	json_object_set_new(object, "endpoints",
			    n && !traits->endpoints_depend_on_hardware ? json_integer(n)
								       : json_null());
	json_object_set_new(object, "endpoints_by_hardware",
			    json_boolean(traits->endpoints_depend_on_hardware));
	json_object_set_new(object, "endpoint_groups", endpoint_groups_to_json(traits));
	json_object_set_new(object, "isochronous", answer_to_json(udc_has_isochronous(traits)));
	json_object_set_new(object, "zlp", answer_to_json(traits->zlp));
	json_object_set_new(object, "scatter_gather", answer_to_json(traits->scatter_gather));
	json_object_set_new(object, "remote_wakeup", answer_to_json(traits->remote_wakeup));
	json_object_set_new(object, "dual_role", json_boolean(traits->dual_role));
	json_object_set_new(object, "max_transfer",
			    traits->max_transfer ? json_integer(traits->max_transfer)
						 : json_null());
	json_object_set_new(object, "note", json_string_or_null(traits->note));
}

static json_t *udc_to_json(const struct udc *udc)
{
	json_t *object = json_pack(
		"{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "name", udc->name, "driver",
		json_string_or_null(udc->driver), "virtual", udc->is_virtual, "state",
		attribute_to_json(udc, "state"), "speed", attribute_to_json(udc, "current_speed"),
		"max_speed", attribute_to_json(udc, "maximum_speed"), "gadget",
		json_string_or_null(udc->bound_gadget), "holder", json_string_or_null(udc->holder));

	add_traits_to_json(object, udc_traits_or_unknown(udc->driver));
	return object;
}

static const char *answer_word(enum udc_answer answer)
{
	return answer == UDC_UNKNOWN ? "unknown" : answer == UDC_YES ? "yes" : "no";
}

static void print_traits(const struct udc_traits *traits, const char *max_speed)
{
	_cleanup_free_ char *endpoints = udc_endpoint_counts_text(traits),
			    *types = udc_endpoint_types_text(traits),
			    *max_transfer = udc_max_transfer_text(traits);

	printf("  up to %s, endpoints %s, isochronous %s, ZLP %s, scatter-gather %s, "
	       "remote wakeup %s\n",
	       max_speed, endpoints, answer_word(udc_has_isochronous(traits)),
	       answer_word(traits->zlp), answer_word(traits->scatter_gather),
	       answer_word(traits->remote_wakeup));
	if (types)
		printf("  endpoints: %s\n", types);
	if (max_transfer)
		printf("  %s\n", max_transfer);
	if (traits->note)
		printf("  note: %s\n", traits->note);
}

static void print_udc(const json_t *udc)
{
	const char *speed = json_text(udc, "speed", NULL);

	printf("%s: %s%s, %s%s%s, %s\n", json_text(udc, "name", "?"),
	       json_text(udc, "driver", "unknown driver"),
	       json_is_true(json_object_get(udc, "virtual")) ? " (virtual)" : "",
	       json_text(udc, "state", "state unknown"), speed ? ", " : "", speed ? speed : "",
	       json_text(udc, "holder", "free"));
	print_traits(udc_traits_or_unknown(json_text(udc, "driver", NULL)),
		     json_text(udc, "max_speed", "unknown speed"));
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

	if (!cmd_parse_options(globals, argc, argv, &json, &exit))
		return exit;
	if (optind != argc)
		return cmd_print_usage_error(&cmd_udc, "expected no arguments");
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
	.options = cmd_json_options,
	.run = run_udc_command,
};

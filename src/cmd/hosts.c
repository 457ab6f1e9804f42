/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `check` and `descriptors --hosts`: the drivers that hosts have for a gadget. */
#include "cmd/hosts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "predict/hosts.h"

struct host_view cmd_host_view_of(const struct gadget *gadget, enum kernel_series kernel)
{
	struct prediction_input f = { .gadget = gadget, .kernel_version = kernel };
	struct host_view v;

	for (int speed = 0; speed < EP_SPEED_COUNT; speed++)
		if (predict_can_run_at_speed(gadget, speed))
			f.speed = speed;
	host_view_predict(&f, &v);
	return v;
}

/*
 * Returns the hosts of `hosts` that have no driver for an interface, and the row that says why:
 * that of the first of them. The others of the result have the same row.
 */
static unsigned int hosts_without_driver(const struct host_view *v, size_t config, size_t interface,
					 unsigned int hosts, const struct host_driver **why)
{
	unsigned int found = 0;

	for (enum gadget_host host = 0; host < GADGET_HOST_COUNT; host++) {
		const struct host_driver *row =
			hosts & 1U << host ? host_driver_find(v, config, interface, host) : NULL;

		if (!row || row->driver || row == &host_driver_of_other_config ||
		    (found && row != *why))
			continue;
		*why = row;
		found |= 1U << host;
	}
	return found;
}

static char *host_list_text(unsigned int hosts)
{
	char *list = NULL;

	for (enum gadget_host host = 0; host < GADGET_HOST_COUNT; host++)
		if (hosts & 1U << host)
			text_append_to_list(&list, ", ", gadget_host_words[host]);
	return list;
}

static void check_interface(const struct host_view *v, size_t config, size_t interface,
			    unsigned int hosts, struct diags *diags)
{
	const struct host_interface *i = &v->configs[config].list[interface];
	const struct host_driver *why = NULL;
	unsigned int without;

	while ((without = hosts_without_driver(v, config, interface, hosts, &why))) {
		_cleanup_free_ char *list = host_list_text(without);

		diags_add_at_position(diags, DIAG_WARNING, &i->function->at,
				      "no driver for interface %u of '%s' on %s: %s", i->number,
				      i->function->label, list, why->note);
		if (why->remedy)
			diags_hint(diags, "%s", why->remedy);
		hosts &= ~without;
	}
}

void cmd_check_hosts(const struct gadget *gadget, struct diags *diags)
{
	_cleanup_host_view_ struct host_view v = { 0 };

	if (!gadget->hosts)
		return;
	v = cmd_host_view_of(gadget, kernel_series_running());
	for (size_t config = 0; config < v.n; config++)
		for (size_t n = 0; n < v.configs[config].n; n++)
			if (v.configs[config].list[n].driver_from == n)
				check_interface(&v, config, n, gadget->hosts, diags);
}

void cmd_print_hosts(FILE *to, const char *name, const struct gadget *gadget,
		     enum kernel_series kernel)
{
	_cleanup_host_view_ struct host_view v = cmd_host_view_of(gadget, kernel);

	fprintf(to, "%s: the drivers that hosts have for it\n", name);
	host_drivers_print(to, &v);
	for (size_t i = 0; i < gadget->n_functions; i++)
		if (!predict_covers_function(&gadget->functions[i]))
			fprintf(to, "  '%s' (%s): unknown descriptors\n",
				gadget->functions[i].label, gadget->functions[i].type);
}

json_t *cmd_hosts_to_json(const struct gadget *gadget, enum kernel_series kernel)
{
	_cleanup_host_view_ struct host_view v = cmd_host_view_of(gadget, kernel);

	return host_drivers_to_json(&v);
}

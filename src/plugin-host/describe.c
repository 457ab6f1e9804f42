/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ffsctl-worker --describe` prints the table of a plugin as JSON. ffsctl runs this command to read
   the table, because ffsctl never loads a plugin itself. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/plugin_host_state.h"
#include "process/sandbox_permission_names.h"

static json_t *option_to_json(const struct ffsctl_option *o)
{
	json_t *j = json_pack("{s:s, s:s, s:b, s:s?, s:s}", "name", o->name, "type",
			      option_type_name(o->type), "required", (int)o->required, "default",
			      o->default_value, "doc", o->doc ? o->doc : "");
	const char *const *c;
	json_t *choices;

	if (o->min || o->max) {
		json_object_set_new(j, "min", json_integer(o->min));
		json_object_set_new(j, "max", json_integer(o->max));
	}
	if (o->choices) {
		choices = json_array();
		for (c = o->choices; *c; c++)
			if (json_array_append_new(choices, json_string(*c)) < 0)
				return NULL;
		json_object_set_new(j, "choices", choices);
	}
	return j;
}

int plugin_describe(const struct ffsctl_plugin *p, int out, struct error *err)
{
	const struct ffsctl_option *o;
	json_t *doc, *options = json_array();
	char *text;
	int r = 0;

	for (o = p->options; o && o->name; o++)
		if (json_array_append_new(options, option_to_json(o)) < 0)
			r = -EILSEQ;
	doc = json_pack(
		"{s:{s:i, s:s}, s:{s:s, s:s, s:i, s:s, s:o, s:o, s:I, s:I, s:I}}", "ffsctl",
		"schema", 1, "version", PACKAGE_VERSION, "plugin", "name", p->name, "summary",
		p->summary, "interface", FFSCTL_PLUGIN_VERSION, "mode",
		p->framing == FFSCTL_FRAMING_MESSAGES ? "message" : "stream", "needs",
		sandbox_permissions_to_json(p->needs), "options", options, "size",
		(json_int_t)(p->transfer_size ? p->transfer_size : DEFAULT_SIZE), "depth",
		(json_int_t)(p->transfers_per_endpoint ? p->transfers_per_endpoint : DEFAULT_DEPTH),
		"out_length", (json_int_t)p->out_transfer_length);
	if (!doc || r < 0) {
		json_decref(doc);
		return error_set(err, WORKER_EXIT_NEVER, EILSEQ, NULL,
				 "the table of plugin %s contains text that is not UTF-8", p->name);
	}
	text = json_dumps(doc, JSON_INDENT(2));
	if (dprintf(out, "%s\n", text) < 0)
		r = error_errno(err, EX_IOERR, errno, NULL, "cannot write to stdout");
	free(text);
	json_decref(doc);
	return r;
}

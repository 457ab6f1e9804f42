/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin-host/options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "plugin-host/plugin_host.h"

static int resolve_option(struct option_value *v, const json_t *given, struct error *err)
{
	const struct ffsctl_option *o = v->declaration;
	const json_t *j = json_object_get(given, o->name);
	int r;

	if (j) {
		r = option_from_json(v, j, err);
		err->exit = r < 0 ? WORKER_EXIT_NEVER : 0;
		return r;
	}
	if (o->required)
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL, "option '%s' is missing",
				 o->name);
	if (o->default_value && option_from_text(v, o->default_value) < 0)
		return error_set(
			err, WORKER_EXIT_NEVER, EINVAL, NULL,
			"the plugin's default of option '%s' does not have the option's type",
			o->name);
	return 0;
}

const struct option_value *options_find(const struct option_values *values, const char *name)
{
	size_t i;

	for (i = 0; i < values->n_values; i++)
		if (streq(values->values[i].declaration->name, name))
			return &values->values[i];
	return NULL;
}

int options_resolve(const struct ffsctl_option *table, const json_t *given,
		    struct option_values *values, struct error *err)
{
	const struct ffsctl_option *o;
	const char *name;
	json_t *unused;
	int r;

	*values = (struct option_values){ 0 };
	for (o = table; o && o->name; o++) {
		struct option_value *v = array_add(values->values, values->n_values);

		v->declaration = o;
		r = resolve_option(v, given, err);
		if (r < 0)
			goto fail;
	}
	json_object_foreach((json_t *)given, name, unused) {
		if (options_find(values, name))
			continue;
		r = error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL, "unknown option '%s'", name);
		goto fail;
	}
	return 0;
fail:
	options_free(values);
	return r;
}

void options_free(struct option_values *values)
{
	size_t i;

	for (i = 0; i < values->n_values; i++)
		free(values->values[i].text);
	free(values->values);
	*values = (struct option_values){ 0 };
}

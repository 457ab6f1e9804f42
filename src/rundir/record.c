/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "rundir/record.h"

#include "base/util.h"

json_t *record_make(const struct gadget *g, const json_t *form, const char *origin)
{
	json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:O}", "version", PACKAGE_VERSION, "name",
				   g->name, "file", g->file, "dir", g->dir, "form", form);

	if (origin)
		json_object_set_new(record, "origin", json_string(origin));
	return record;
}

/* Who brings it up when is no part of what it is. The caller owns it. */
static json_t *form_of(const json_t *record)
{
	json_t *form = json_copy(json_object_get(record, "form"));

	json_object_del(form, "autostart");
	return form;
}

bool record_is_of_same_gadget(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "name", "dir" };
	json_t *form_a = form_of(a), *form_b = form_of(b);
	bool same = json_equal(form_a, form_b);

	json_decref(form_a);
	json_decref(form_b);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		same = same && json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i]));
	return same;
}

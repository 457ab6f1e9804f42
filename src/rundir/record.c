/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/record.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"
#include "gadgetfile/gadgetfile.h"

static void replace(char **to, const char *s)
{
	free(*to);
	*to = xstrdup_or_null(s);
}

struct record record_make(const struct gadget *g, const json_t *document, const char *origin)
{
	struct record record = { .name = xstrdup(g->name), .origin = xstrdup_or_null(origin) };

	record_set_file(&record, g, document);
	return record;
}

void record_set_file(struct record *record, const struct gadget *g, const json_t *document)
{
	json_t *before = record->document;

	replace(&record->file, g->file);
	replace(&record->dir, g->file_dir);
	record->document = json_incref((json_t *)document); /* the document itself is not changed,
							       only its reference count */
	json_decref(before);
}

void record_free(struct record *record)
{
	char *const strings[] = { record->name,	  record->file, record->dir,
				  record->origin, record->udc,	record->path };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; record->dirs && record->dirs[i]; i++)
		free(record->dirs[i]);
	free(record->dirs);
	json_decref(record->document);
	*record = (struct record){ 0 };
}

/* --- the file --- */

static json_t *to_json(const struct record *record, const struct plan *plan)
{
	json_t *dirs = json_array();

	for (size_t i = 0; record->dirs && record->dirs[i]; i++)
		json_array_append_new(dirs, json_string_or_null(record->dirs[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:O, s:s*, s:o, s:o, s:f, s:f, s:I, s:o, s:o}",
			 "version", PACKAGE_VERSION, "name", record->name, "file", record->file,
			 "dir", record->dir, "form", record->document, "origin", record->origin,
			 "dirs", dirs, "udc_wanted", json_string_or_null(record->udc), "hold",
			 record->hold, "timeout", record->timeout, "group",
			 (json_int_t)record->group, "path", json_string_or_null(record->path),
			 "plan", plan_to_record(plan));
}

static char *copy_member(const json_t *json, const char *key)
{
	return xstrdup_or_null(json_text(json, key, NULL));
}

static char **copy_dirs(const json_t *list)
{
	char **dirs = xcalloc(json_array_size(list) + 1, sizeof(*dirs));
	const json_t *dir;
	size_t i, n = 0;

	json_array_foreach(list, i, dir)
		if (json_is_string(dir))
			dirs[n++] = xstrdup(json_string_value(dir));
	return dirs;
}

static void from_json(struct record *record, const json_t *json)
{
	*record = (struct record){
		.name = copy_member(json, "name"),
		.file = copy_member(json, "file"),
		.dir = copy_member(json, "dir"),
		.document = json_incref(json_object_get(json, "form")),
		.origin = copy_member(json, "origin"),
		.dirs = copy_dirs(json_object_get(json, "dirs")),
		.udc = copy_member(json, "udc_wanted"),
		.hold = json_number_value(json_object_get(json, "hold")),
		.timeout = json_number_value(json_object_get(json, "timeout")),
		.group = (gid_t)json_integer_value(json_object_get(json, "group")),
		.path = copy_member(json, "path"),
	};
}

int record_read(const struct paths *paths, const char *name, struct record *record,
		struct error *err)
{
	json_t *json = NULL;
	int r = rundir_read(paths, name, RUNDIR_RECORD, &json, err);

	*record = (struct record){ 0 };
	if (r == 0)
		from_json(record, json);
	json_decref(json);
	return r;
}

int record_write(const struct rundir *rundir, const struct record *record, const struct plan *plan,
		 struct error *err)
{
	json_t *json = to_json(record, plan);
	int r = rundir_write(rundir, RUNDIR_RECORD, json, err);

	json_decref(json);
	return r;
}

int record_read_plan(const struct paths *paths, const char *name, const struct step_op *const *ops,
		     struct plan *plan, struct error *err)
{
	json_t *json = NULL;
	int r = rundir_read(paths, name, RUNDIR_RECORD, &json, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = plan_from_json(plan, json_object_get(json, "plan"), ops, err);
	json_decref(json);
	if (r == 0)
		plan_assume_applied(plan);
	return r;
}

/* --- comparison --- */

/* Returns a copy of the document without `autostart`, which does not change the gadget. The caller
 * owns it. */
static json_t *without_autostart(const struct record *record)
{
	json_t *document = json_copy(record->document);

	json_object_del(document, "autostart");
	return document;
}

bool record_is_of_same_gadget(const struct record *a, const struct record *b)
{
	json_t *document_a = without_autostart(a), *document_b = without_autostart(b);
	bool same = json_equal(document_a, document_b);

	json_decref(document_a);
	json_decref(document_b);
	return same && streq_null(a->name, b->name) && streq_null(a->dir, b->dir);
}

bool record_is_renamed(const struct record *record)
{
	const char *given = json_text(record->document, "name", NULL);
	_cleanup_free_ char *fallback = record->file ? gadgetfile_default_name(record->file) : NULL;

	return !streq_null(given ? given : fallback, record->name);
}

int record_lacks_file(const char *name, struct error *err)
{
	return error_set(err, EX_SOFTWARE, EBADMSG, NULL,
			 "the record of '%s' does not name the gadget file", name);
}

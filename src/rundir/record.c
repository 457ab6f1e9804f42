/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/record.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"
#include "gadgetfile/gadgetfile.h"

static void replace_string(char **to, const char *s)
{
	free(*to);
	*to = xstrdup_or_null(s);
}

struct record record_make(const struct gadget *g, const json_t *document,
			  const char *first_gadget_name)
{
	struct record record = { .name = xstrdup(g->name),
				 .first_gadget_name = xstrdup_or_null(first_gadget_name) };

	record_set_gadget_file(&record, g, document);
	return record;
}

void record_set_gadget_file(struct record *record, const struct gadget *g, const json_t *document)
{
	json_t *before = record->document;

	replace_string(&record->gadget_file, g->file);
	replace_string(&record->gadget_file_dir, g->file_dir);
	record->document = json_incref((json_t *)document); /* changes only the reference count */
	json_decref(before);
}

void record_free(struct record *record)
{
	char *const strings[] = { record->name,
				  record->gadget_file,
				  record->gadget_file_dir,
				  record->first_gadget_name,
				  record->requested_udc,
				  record->path_env };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; record->gadget_dirs && record->gadget_dirs[i]; i++)
		free(record->gadget_dirs[i]);
	free(record->gadget_dirs);
	json_decref(record->document);
	*record = (struct record){ 0 };
}

/* --- the file --- */

static json_t *record_to_json(const struct record *record, const struct plan *plan)
{
	json_t *dirs = json_array();

	for (size_t i = 0; record->gadget_dirs && record->gadget_dirs[i]; i++)
		json_array_append_new(dirs, json_string_or_null(record->gadget_dirs[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:O, s:s*, s:o, s:o, s:f, s:f, s:I, s:o, s:o}",
			 "version", PACKAGE_VERSION, "name", record->name, "file",
			 record->gadget_file, "dir", record->gadget_file_dir, "form",
			 record->document, "origin", record->first_gadget_name, "dirs", dirs,
			 "udc_wanted", json_string_or_null(record->requested_udc), "hold",
			 record->keeper_takeover_wait_seconds, "timeout",
			 record->up_timeout_seconds, "group",
			 (json_int_t)record->gid_allowed_to_control, "path",
			 json_string_or_null(record->path_env), "plan", plan_to_record(plan));
}

static char *copy_json_text(const json_t *json, const char *key)
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

static void record_from_json(struct record *record, const json_t *json)
{
	*record = (struct record){
		.name = copy_json_text(json, "name"),
		.gadget_file = copy_json_text(json, "file"),
		.gadget_file_dir = copy_json_text(json, "dir"),
		.document = json_incref(json_object_get(json, "form")),
		.first_gadget_name = copy_json_text(json, "origin"),
		.gadget_dirs = copy_dirs(json_object_get(json, "dirs")),
		.requested_udc = copy_json_text(json, "udc_wanted"),
		.keeper_takeover_wait_seconds = json_number_value(json_object_get(json, "hold")),
		.up_timeout_seconds = json_number_value(json_object_get(json, "timeout")),
		.gid_allowed_to_control = (gid_t)json_integer_value(json_object_get(json, "group")),
		.path_env = copy_json_text(json, "path"),
	};
}

int record_read(const struct paths *paths, const char *name, struct record *record,
		struct error *err)
{
	json_t *json = NULL;
	int r = rundir_read(paths, name, RUNDIR_RECORD, &json, err);

	*record = (struct record){ 0 };
	if (r == 0)
		record_from_json(record, json);
	json_decref(json);
	return r;
}

int record_write(const struct rundir *rundir, const struct record *record, const struct plan *plan,
		 struct error *err)
{
	json_t *json = record_to_json(record, plan);
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

/*
 * Returns a copy of the document without the key `autostart`, which does not affect a gadget that
 * is up. The caller owns the copy.
 */
static json_t *document_without_autostart(const struct record *record)
{
	json_t *document = json_copy(record->document);

	json_object_del(document, "autostart");
	return document;
}

bool records_describe_equal_gadgets(const struct record *a, const struct record *b)
{
	json_t *document_a = document_without_autostart(a),
	       *document_b = document_without_autostart(b);
	bool same = json_equal(document_a, document_b);

	json_decref(document_a);
	json_decref(document_b);
	return same && streq_null(a->name, b->name) &&
	       streq_null(a->gadget_file_dir, b->gadget_file_dir);
}

bool record_name_was_overridden(const struct record *record)
{
	const char *given = json_text(record->document, "name", NULL);
	_cleanup_free_ char *fallback =
		record->gadget_file ? gadgetfile_default_name(record->gadget_file) : NULL;

	return !streq_null(given ? given : fallback, record->name);
}

int record_fail_no_gadget_file(const char *name, struct error *err)
{
	return error_set(err, EX_SOFTWARE, EBADMSG, NULL,
			 "the record of '%s' does not contain the path of the gadget file", name);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports the keys of functions that the record contains, but configfs does not: the groups `ffs`
 * and `worker`, and `optional`. Relative paths and ${dir} in these groups refer to the directory of
 * the original gadget file. The functions here make these paths absolute, because the exported
 * gadget file may be in another directory.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "export/common.h"

/*
 * Returns whether a function of the record has a directory. `label` NULL: the function is defined
 * inside a configuration, and so has an instance.
 */
static bool function_has_directory(const json_t *function, const char *gadget, const char *label,
				   const char *directory)
{
	const char *type = json_text(function, "type", "ffs"),
		   *instance = json_text(function, "instance", NULL);
	_cleanup_free_ char *fallback =
		label ? gadgetfile_default_instance(type, gadget, label) : NULL;
	_cleanup_free_ char *name = strf("%s.%s", type,
					 instance   ? instance
					 : fallback ? fallback
						    : "");

	return streq(name, directory);
}

static const json_t *find_inline_function(const json_t *document, const char *directory)
{
	json_t *config, *function;
	size_t c, f;

	json_array_foreach(json_object_get(document, "configs"), c, config) {
		json_array_foreach(json_object_get(config, "functions"), f, function) {
			const json_t *inner = json_object_get(function, "function");

			if (json_is_object(inner) &&
			    function_has_directory(inner, NULL, NULL, directory))
				return inner;
		}
	}
	return NULL;
}

const json_t *export_recorded_function(const struct export *e, const char *directory, char **label)
{
	const json_t *document = e->record ? e->record->document : NULL, *found;
	json_t *function;
	const char *name;

	json_object_foreach(json_object_get(document, "functions"), name, function) {
		if (!function_has_directory(function, e->gadget_name, name, directory))
			continue;
		if (label)
			*label = xstrdup(name);
		return function;
	}
	found = find_inline_function(document, directory);
	if (found && label)
		*label = gadgetfile_inline_label(json_text(found, "type", "ffs"),
						 json_text(found, "instance", ""));
	return found;
}

/* --- Paths ------------------------------------------------------------------------------------ */

/* Whether the value of a key is a path. */
enum path_value_kind {
	ALWAYS_PATH,   /* it is always a path */
	PATH_IF_SLASH, /* it is a path if it contains a slash, else a name */
};

static const struct {
	const char *group, *inner_group, *key; /* inner_group NULL: the key is in `group` */
	enum path_value_kind kind;
} path_keys[] = {
	{ "ffs", "mount", "path", ALWAYS_PATH },       { "ffs", NULL, "device", ALWAYS_PATH },
	{ "ffs", "blob", "descriptors", ALWAYS_PATH }, { "ffs", "blob", "strings", ALWAYS_PATH },
	{ "worker", NULL, "plugin", PATH_IF_SLASH },   { "worker", NULL, "directory", ALWAYS_PATH },
};

/* Returns a JSON string with the absolute path; NULL: `value` is no relative path. */
static json_t *make_absolute_path(const json_t *value, const char *dir, enum path_value_kind kind)
{
	const char *text = json_string_value(value);
	_cleanup_free_ char *path = NULL;

	if (!text || text[0] == '/' || text[0] == '$' ||
	    (kind == PATH_IF_SLASH && !strchr(text, '/')))
		return NULL;
	path = strf("%s/%s", streq(dir, "/") ? "" : dir, text);
	return json_string(path);
}

/* Returns a JSON string in which ${dir} is replaced; NULL: `value` does not contain ${dir}. */
static json_t *expand_dir_variable(const json_t *value, const char *dir)
{
	static const char variable[] = "${dir}";
	const char *rest = json_string_value(value), *at;
	_cleanup_free_ char *text = xstrdup("");

	if (!rest || !strstr(rest, variable))
		return NULL;
	for (; (at = strstr(rest, variable)); rest = at + strlen(variable)) {
		_cleanup_free_ char *old = text;

		text = strf("%s%.*s%s", old, (int)(at - rest), rest, dir);
	}
	{
		_cleanup_free_ char *old = text;

		text = strf("%s%s", old, rest);
	}
	return json_string(text);
}

static void make_path_absolute(json_t *group, const char *key, const char *dir,
			       enum path_value_kind kind)
{
	json_t *value = make_absolute_path(json_object_get(group, key), dir, kind);

	if (value)
		json_object_set_new(group, key, value);
}

static void make_worker_paths_absolute(json_t *worker, const char *dir)
{
	json_t *exec = json_object_get(worker, "exec"), *env = json_object_get(worker, "env"),
	       *item, *program = make_absolute_path(json_array_get(exec, 0), dir, PATH_IF_SLASH);
	const char *name;
	size_t i;

	if (program)
		json_array_set_new(exec, 0, program);
	json_array_foreach(exec, i, item) {
		json_t *value = expand_dir_variable(item, dir);

		if (value)
			json_array_set_new(exec, i, value);
	}
	json_object_foreach(env, name, item) {
		json_t *value = expand_dir_variable(item, dir);

		if (value)
			json_object_set_new(env, name, value);
	}
}

json_t *export_recorded_keys_of_function(const struct export *e, const char *directory)
{
	static const char *const keys[] = { "ffs", "worker", "optional" };
	const json_t *function = export_recorded_function(e, directory, NULL);
	const char *dir = e->record ? e->record->gadget_file_dir : NULL;
	json_t *copy = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(function, keys[i]);

		if (json_is_object(value) || json_is_true(value))
			json_object_set_new(copy, keys[i], json_deep_copy(value));
	}
	for (size_t i = 0; dir && i < ARRAY_SIZE(path_keys); i++) {
		json_t *group = json_object_get(copy, path_keys[i].group);

		if (path_keys[i].inner_group)
			group = json_object_get(group, path_keys[i].inner_group);
		make_path_absolute(group, path_keys[i].key, dir, path_keys[i].kind);
	}
	if (dir)
		make_worker_paths_absolute(json_object_get(copy, "worker"), dir);
	return copy;
}

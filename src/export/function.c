/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports functions. An attribute becomes a key of the gadget file if the table of keys has a row
 * for it; all other attributes become elements of the list `tree`. If a gadget file with the
 * exported function has errors, the function is exported again without these keys: all attributes
 * become elements of `tree`, whose values ffsctl does not check.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "export/common.h"
#include "gadgetfile/write.h"

#define MAX_PATH 1024 /* maximum length of a path in the list `tree`, in bytes */

/* A function that is exported. */
struct function_export {
	struct export *export;
	const char *function_type, *function_label;
	char *directory_name; /* name of the function's directory: TYPE.INSTANCE */
	const struct configfs_tree *directory;
	json_t *function_group; /* the function's group in the document */
	json_t *tree_setting;	/* the list `tree` in that group */
	/*
	 * Attributes, directories and links that other keys or `tree` contain already. They are not
	 * added to `tree` again.
	 */
	const struct configfs_tree **exported_entries;
	size_t n_exported_entries;
};

/* Returns whether mark_entry_exported was called for the entry. */
static bool entry_was_exported(const struct function_export *d, const struct configfs_tree *tree)
{
	for (size_t i = 0; i < d->n_exported_entries; i++)
		if (d->exported_entries[i] == tree)
			return true;
	return false;
}

static void mark_entry_exported(struct function_export *d, const struct configfs_tree *tree)
{
	*array_add(d->exported_entries, d->n_exported_entries) = tree;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static json_t *export_key_group(struct function_export *d, const struct key_group *group,
				const struct configfs_tree *dir);

/* Returns the directory "NAME<n>" of element `n` of the list `row`; NULL: it does not exist. */
static const struct configfs_tree *
find_numbered_directory(const struct key *row, const struct configfs_tree *dir, size_t n)
{
	_cleanup_free_ char *name = strf("%s%zu", row->configfs_directory_prefix, n);

	return configfs_tree_child(dir, name);
}

/*
 * Returns the list `row`, with a group for each of its numbered directories. NULL: there are no
 * such directories, or their numbers are not 0, 1, 2 and so on.
 */
static json_t *export_numbered_list(struct function_export *d, const struct key *row,
				    const struct configfs_tree *dir)
{
	json_t *list;
	size_t n = 0;

	for (size_t i = 0; i < dir->n_children; i++)
		n += dir->children[i].kind == TREE_DIRECTORY &&
		     str_has_prefix(dir->children[i].name, row->configfs_directory_prefix);
	for (size_t i = 0; i < n; i++)
		if (!find_numbered_directory(row, dir, i))
			return NULL;
	list = n > 0 ? json_array() : NULL;
	for (size_t i = 0; i < n; i++) {
		const struct configfs_tree *child = find_numbered_directory(row, dir, i);

		json_array_append_new(list, export_key_group(d, row->group, child));
		mark_entry_exported(d, child);
	}
	return list;
}

static json_t *export_key_group(struct function_export *d, const struct key_group *group,
				const struct configfs_tree *dir)
{
	json_t *object = json_object();

	for (const struct key *row = group->keys; row->name; row++) {
		const struct configfs_tree *child = configfs_tree_child(dir, row->name);
		json_t *value = NULL;

		if (row->configfs_directory_prefix) {
			value = export_numbered_list(d, row, dir);
		} else if (child && child->kind == TREE_ATTRIBUTE && row->set != set_attr_node) {
			value = export_key_value(
				&(struct attribute_with_directory){ d->function_type, dir, child },
				row);
			if (value)
				mark_entry_exported(d, child);
		}
		if (value)
			json_object_set_new(object, row->name, value);
	}
	return object;
}

/* Replaces addresses by the sources from which they are made. */
static void use_address_sources(const struct function_export *d, json_t *attrs)
{
	static const char *const keys[] = { "dev_addr", "host_addr" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *source = export_address_source(d->export, d->directory_name, keys[i],
						       json_text(attrs, keys[i], NULL));

		if (source)
			json_object_set_new(attrs, keys[i], source);
	}
}

static void add_attrs_group(struct function_export *d, const struct function_type *type)
{
	json_t *attrs;

	if (!type || !type->attr_keys)
		return;
	attrs = export_key_group(d, type->attr_keys, d->directory);
	use_address_sources(d, attrs);
	export_set_unless_empty(d->function_group, "attrs", attrs);
}

static void add_os_desc_id(struct function_export *d, json_t *entry,
			   const struct configfs_tree *interface, const char *name)
{
	const struct configfs_tree *id = configfs_tree_child(interface, name);
	json_t *value = id ? export_key_value(&(struct attribute_with_directory){ d->function_type,
										  interface, id },
					      key_find(&function_os_descs_keys, name))
			   : NULL;

	if (!value)
		return;
	json_object_set_new(entry, name, value);
	mark_entry_exported(d, id);
}

/*
 * Adds compatible_id and sub_compatible_id of each os_desc/interface.NAME to the list `os_descs`.
 * make_tree_setting adds the properties of the interfaces to `tree`.
 */
static void add_os_desc_ids(struct function_export *d)
{
	static const char prefix[] = "interface.";
	const struct configfs_tree *dir = configfs_tree_child(d->directory, "os_desc");
	json_t *list = json_array();

	for (size_t i = 0; dir && i < dir->n_children; i++) {
		const struct configfs_tree *interface = &dir->children[i];
		json_t *entry;

		if (!str_has_prefix(interface->name, prefix))
			continue;
		entry = json_pack("{s:s}", "interface", interface->name + strlen(prefix));
		add_os_desc_id(d, entry, interface, "compatible_id");
		add_os_desc_id(d, entry, interface, "sub_compatible_id");
		if (json_object_size(entry) > 1)
			json_array_append(list, entry);
		json_decref(entry);
	}
	export_set_unless_empty(d->function_group, "os_descs", list);
}

/* --- Tree ------------------------------------------------------------------------------------- */

/* Directories whose attributes must be written before those of all other directories. */
static const char *const first_directories[] = { "streaming/color_matching" };
/* Attributes that must be written after the other attributes of the same directory. */
static const char *const last_attributes[] = { "file", "data" };

/*
 * Directories that the kernel makes with the function. They are not added to `tree` if they are
 * empty. If this array lacks a directory, the only effect is a superfluous element of `tree`.
 */
static const char *const kernel_directories[] = {
	"os_desc",
	"os_desc/interface.ncm",
	"os_desc/interface.rndis",
	"control",
	"control/header",
	"control/processing",
	"control/processing/default",
	"control/terminal",
	"control/terminal/camera",
	"control/terminal/camera/default",
	"control/terminal/output",
	"control/terminal/output/default",
	"control/class",
	"control/class/fs",
	"control/class/ss",
	"control/extensions",
	"streaming",
	"streaming/header",
	"streaming/uncompressed",
	"streaming/mjpeg",
	"streaming/framebased",
	"streaming/color_matching",
	"streaming/color_matching/default",
	"streaming/class",
	"streaming/class/fs",
	"streaming/class/hs",
	"streaming/class/ss",
};

static bool is_in_list(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(words[i], word))
			return true;
	return false;
}

/* Adds an element to `tree`. Returns false if a gadget file cannot contain `path`. */
static bool add_element_to_tree_setting(struct function_export *d, const char *path,
					const char *key, json_t *value)
{
	json_t *entry;

	if (strlen(path) > MAX_PATH || !export_is_text(path, strlen(path), EXPORT_ONE_LINE)) {
		export_report_omission(
			d->export, d->function_group,
			"%s of function '%s': a gadget file cannot contain this name", path,
			d->function_label);
		json_decref(value);
		return false;
	}
	entry = json_pack("{s:s}", "path", path);
	if (value)
		json_object_set_new(entry, key, value);
	json_array_append_new(d->tree_setting, entry);
	return true;
}

/* Adds an attribute to `tree`. Returns whether the attribute was added. */
static bool add_attribute_to_tree_setting(struct function_export *d,
					  const struct configfs_tree *dir,
					  const struct configfs_tree *attribute, const char *path)
{
	json_t *value;

	if (attribute->read_errno) {
		export_report_omission(d->export, d->function_group,
				       "%s of function '%s' could not be read: %s", path,
				       d->function_label, errno_words(attribute->read_errno));
		return false;
	}
	value = export_attribute_value(
		&(struct attribute_with_directory){ d->function_type, dir, attribute });
	return value && add_element_to_tree_setting(d, path, "value", value);
}

static char *join_path(const char *prefix, const char *name)
{
	return *prefix ? strf("%s/%s", prefix, name) : xstrdup(name);
}

enum write_order { EARLY, NORMAL };

static bool add_directory_to_tree_setting(struct function_export *d,
					  const struct configfs_tree *dir, const char *prefix,
					  enum write_order order);

static bool add_children_to_tree_setting(struct function_export *d, const struct configfs_tree *dir,
					 const char *prefix, enum tree_kind kind,
					 bool in_last_attributes, enum write_order order)
{
	bool any = false;

	for (size_t i = 0; i < dir->n_children; i++) {
		const struct configfs_tree *child = &dir->children[i];
		_cleanup_free_ char *path = NULL;

		if (child->kind != kind ||
		    is_in_list(child->name, last_attributes, ARRAY_SIZE(last_attributes)) !=
			    in_last_attributes)
			continue;
		path = join_path(prefix, child->name);
		if (kind == TREE_DIRECTORY)
			any |= add_directory_to_tree_setting(d, child, path, order);
		else if (!entry_was_exported(d, child))
			any |= add_attribute_to_tree_setting(d, dir, child, path);
	}
	return any;
}

static bool has_symlinks(const struct configfs_tree *dir)
{
	for (size_t i = 0; i < dir->n_children; i++)
		if (dir->children[i].kind == TREE_SYMLINK)
			return true;
	return false;
}

/*
 * Adds the attributes and directories below `dir` to `tree`. If there are none, adds `dir` itself,
 * unless the kernel makes it. Returns true if `tree` has an element for `dir` or below it. Then
 * `tree` need not contain the parent directory of `dir`: `up` makes the parent directories of each
 * element.
 */
static bool add_directory_to_tree_setting(struct function_export *d,
					  const struct configfs_tree *dir, const char *prefix,
					  enum write_order order)
{
	bool any;

	if (order == NORMAL && is_in_list(prefix, first_directories, ARRAY_SIZE(first_directories)))
		return true;
	any = add_children_to_tree_setting(d, dir, prefix, TREE_ATTRIBUTE, false, order);
	any |= add_children_to_tree_setting(d, dir, prefix, TREE_ATTRIBUTE, true, order);
	any |= add_children_to_tree_setting(d, dir, prefix, TREE_DIRECTORY, false, order);
	if (any || entry_was_exported(d, dir) || has_symlinks(dir) || !*prefix ||
	    is_in_list(prefix, kernel_directories, ARRAY_SIZE(kernel_directories)))
		return any;
	return add_element_to_tree_setting(d, prefix, NULL, NULL);
}

/*
 * Adds the links in a directory to `tree`. If a link leads to a directory, first adds the links in
 * that directory.
 */
static void add_symlinks_to_tree_setting(struct function_export *d, const struct configfs_tree *dir,
					 const char *prefix);

static void add_symlink_to_tree_setting(struct function_export *d, const struct configfs_tree *link,
					const char *path)
{
	_cleanup_free_ char *top =
		strf("usb_gadget/%s/functions/%s/", d->export->gadget_name, d->directory_name);
	const char *target = link->value ? link->value : "";
	const struct configfs_tree *leads_to;

	if (entry_was_exported(d, link))
		return;
	mark_entry_exported(d, link);
	if (!str_has_prefix(target, top)) {
		export_report_omission(
			d->export, d->function_group,
			"the link %s of function '%s' leads to %s, outside of the function", path,
			d->function_label, target);
		return;
	}
	target += strlen(top);
	leads_to = configfs_tree_find(d->directory, target);
	if (leads_to && leads_to->kind == TREE_DIRECTORY)
		add_symlinks_to_tree_setting(d, leads_to, target);
	if (export_is_text(target, strlen(target), EXPORT_ONE_LINE))
		add_element_to_tree_setting(d, path, "link", json_string(target));
}

static void add_symlinks_to_tree_setting(struct function_export *d, const struct configfs_tree *dir,
					 const char *prefix)
{
	for (size_t i = 0; i < dir->n_children; i++) {
		const struct configfs_tree *child = &dir->children[i];
		_cleanup_free_ char *path = join_path(prefix, child->name);

		if (child->kind == TREE_SYMLINK)
			add_symlink_to_tree_setting(d, child, path);
		else if (child->kind == TREE_DIRECTORY)
			add_symlinks_to_tree_setting(d, child, path);
	}
}

/* Makes the list `tree` from all attributes, directories and links that are not exported yet. */
static void make_tree_setting(struct function_export *d)
{
	d->tree_setting = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(first_directories); i++) {
		const struct configfs_tree *dir =
			configfs_tree_find(d->directory, first_directories[i]);

		if (dir)
			add_directory_to_tree_setting(d, dir, first_directories[i], EARLY);
	}
	add_directory_to_tree_setting(d, d->directory, "", NORMAL);
	add_symlinks_to_tree_setting(d, d->directory, "");
	export_set_unless_empty(d->function_group, "tree", steal_ptr(d->tree_setting));
}

/* --- The function ----------------------------------------------------------------------------- */

/* Returns whether a gadget file with the exported function has no errors. */
static bool loads_without_errors(const struct function_export *d)
{
	json_t *document =
		json_pack("{s:{s:O}}", "functions", d->function_label, d->function_group);
	_cleanup_free_ char *text = gadgetfile_write(document);
	_cleanup_gadget_ struct gadget *g = NULL;
	struct diags diags = { 0 };
	bool good = gadgetfile_load_text("export.conf", text, strlen(text), &g, NULL, &diags) == 0;

	diags_free(&diags);
	json_decref(document);
	return good;
}

/* Comments for types of functions that also need data outside of the function's directory. */
static const struct {
	const char *type, *text;
} type_comments[] = {
	{ "ffs",
	  "The program that mounts the FunctionFS instance also writes the descriptors: bring "
	  "the gadget up with --no-bind, let that program write the descriptors, then bind the "
	  "gadget." },
	{ "tcm", "Its target is in configfs, too, below target/, but not a part of the gadget: "
		 "bring the gadget up with --no-bind, make and enable the target, then bind it." },
};

static void add_type_comment(struct function_export *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_comments); i++)
		if (streq(type_comments[i].type, d->function_type) &&
		    !json_object_get(d->function_group, "ffs"))
			export_add_comment(d->function_group, "%s", type_comments[i].text);
}

/* WITH_KEYS: exports attributes as keys where possible. ONLY_TREE: only as elements of `tree`. */
enum export_method { WITH_KEYS, ONLY_TREE };

static void export_attributes(struct function_export *d, json_t *group_without_attributes,
			      enum export_method method)
{
	json_decref(d->function_group);
	d->function_group = json_deep_copy(group_without_attributes);
	d->n_exported_entries = 0;
	add_type_comment(d);
	if (method == WITH_KEYS) {
		add_attrs_group(d, function_type_find(d->function_type));
		add_os_desc_ids(d);
	}
	make_tree_setting(d);
}

static char *replace_invalid_characters(const char *name, const char *allowed,
					const char *otherwise)
{
	char *copy = xstrdup(*name ? name : otherwise);

	for (char *p = copy; *p; p++)
		if (!strchr(allowed, *p))
			*p = '_';
	return copy;
}

static bool is_label_used(const struct export *e, const char *label)
{
	for (size_t i = 0; i < e->n_function_labels; i++)
		if (streq(e->function_labels[i], label))
			return true;
	return false;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/*
 * Chooses the label of a function in the gadget file: the label in the gadget's record, else a
 * valid label that is made from the name of the function's instance. The caller frees the label.
 */
static char *choose_label(const struct export *e, const char *directory, const char *type,
			  const char *instance)
{
	_cleanup_free_ char *base = NULL, *recorded = NULL;
	char *label;

	if (export_recorded_function(e, directory, &recorded) &&
	    gadgetfile_is_setting_name(recorded) && !is_label_used(e, recorded))
		return steal_ptr(recorded);
	base = replace_invalid_characters(instance, LETTERS DIGITS "*_-", "function");
	if (!gadgetfile_is_setting_name(base)) {
		_cleanup_free_ char *old = base, *first = replace_invalid_characters(
							 type, LETTERS DIGITS "_-", "f");

		base = gadgetfile_is_setting_name(first) ? strf("%s_%s", first, old)
							 : strf("f_%s", old);
	}
	label = xstrdup(base);
	for (unsigned int n = 2; is_label_used(e, label); n++) {
		free(label);
		label = strf("%s_%u", base, n);
	}
	return label;
}

/*
 * Returns the name of the function's instance. Replaces, and reports, the characters that
 * gadgetfile_load rejects (gadgetfile/types/function.c, load_instance). The caller frees the name.
 */
static char *make_valid_instance_name(struct function_export *d, const char *instance)
{
	char *copy = xstrdup(*instance ? instance : d->function_label);

	for (char *p = copy; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '/')
			*p = '_';
	if (!streq(copy, instance))
		export_report_omission(
			d->export, d->function_group,
			"the instance name '%s' of function '%s' is not valid in a gadget file",
			instance, d->function_label);
	return copy;
}

static json_t *make_group_without_attributes(struct function_export *d, const char *instance)
{
	const struct export *e = d->export;
	_cleanup_free_ char *fallback = gadgetfile_default_instance(
				    d->function_type, e->gadget_name, d->function_label),
			    *name = NULL;
	json_t *groups = export_recorded_keys_of_function(e, d->directory_name),
	       *group_without_attributes;
	_cleanup_free_ char *correction = function_type_find(d->function_type)
						  ? NULL
						  : function_type_suggest_setting(d->function_type);

	d->function_group = json_object();
	name = make_valid_instance_name(d, instance);
	group_without_attributes = steal_ptr(d->function_group);
	if (!json_object_get(groups, "ffs"))
		json_object_set_new(group_without_attributes, "type",
				    json_string(d->function_type));
	/* The kernel has this type, but the loader refuses it, because it resembles another. */
	if (correction)
		json_object_set_new(group_without_attributes, "type_unchecked", json_true());
	if (!streq(name, fallback))
		json_object_set_new(group_without_attributes, "instance", json_string(name));
	json_object_update(group_without_attributes, groups);
	json_decref(groups);
	return group_without_attributes;
}

static void add_function(struct export *e, json_t *functions, const struct configfs_tree *dir)
{
	size_t n = strcspn(dir->name, ".");
	_cleanup_free_ char *type = xstrndup(dir->name, n), *label = NULL;
	const char *instance = dir->name + n + (dir->name[n] == '.');
	struct function_export d = {
		.export = e, .function_type = type, .directory_name = dir->name, .directory = dir
	};
	size_t n_lost;
	json_t *group_without_attributes;

	d.function_label = label = choose_label(e, dir->name, type, instance);
	*array_add(e->function_labels, e->n_function_labels) = steal_ptr(label);
	d.function_label = e->function_labels[e->n_function_labels - 1];
	group_without_attributes = make_group_without_attributes(&d, instance);
	n_lost = e->n_omissions;
	export_attributes(&d, group_without_attributes, WITH_KEYS);
	if (!loads_without_errors(&d)) {
		export_truncate_omissions(e, n_lost);
		export_attributes(&d, group_without_attributes, ONLY_TREE);
	}
	if (!loads_without_errors(&d))
		export_report_omission(e, d.function_group,
				       "a gadget file cannot contain function '%s'",
				       d.function_label);
	json_object_set_new(functions, d.function_label, d.function_group);
	json_decref(group_without_attributes);
	free(d.exported_entries);
}

void export_functions(struct export *e, json_t *document)
{
	const struct configfs_tree *dir = configfs_tree_child(e->gadget_dir, "functions");
	json_t *functions = json_object();

	for (size_t i = 0; dir && i < dir->n_children; i++)
		if (dir->children[i].kind == TREE_DIRECTORY)
			add_function(e, functions, &dir->children[i]);
	json_object_set_new(document, "functions", functions);
}

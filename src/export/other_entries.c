// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exports what is in the directories of the gadget and of its configurations, and that no key has:
 * as the list `tree` of the gadget or of the configuration.
 */
#include <fnmatch.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/common.h"

#define MAX_PATH 1024 /* maximum length of a path in the list `tree`, in bytes */

/* The list `tree` while it is made. */
struct tree_export {
	struct export *export;
	json_t *group; /* the group of the gadget or configuration */
	json_t *list;
	const char *owner; /* for messages: "the gadget" */
	/* Patterns of fnmatch for the entries that other keys have; ends with NULL. */
	const char *const *exported;
};

/* Directories that the kernel, or another key, makes. An empty one is not exported. */
static bool is_made_by_others(const char *path)
{
	static const char *const patterns[] = { "strings", "strings/*", "os_desc", "webusb" };

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static bool has_key(const struct tree_export *t, const char *path)
{
	for (const char *const *pattern = t->exported; *pattern; pattern++)
		if (fnmatch(*pattern, path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

/* Adds an entry; takes ownership of `value` (NULL: a directory). */
static void add_entry(struct tree_export *t, const char *path, json_t *value)
{
	json_t *entry;

	if (strlen(path) > MAX_PATH || !export_is_text(path, strlen(path), EXPORT_ONE_LINE)) {
		export_report_omission(t->export, t->group,
				       "%s of %s: a gadget file cannot contain this name", path,
				       t->owner);
		json_decref(value);
		return;
	}
	entry = json_pack("{s:s}", "path", path);
	if (value)
		json_object_set_new(entry, "value", value);
	json_array_append_new(t->list, entry);
}

static void add_attribute(struct tree_export *t, const struct configfs_tree *dir,
			  const struct configfs_tree *attribute, const char *path)
{
	json_t *value;

	if (attribute->read_errno) {
		export_report_omission(t->export, t->group, "%s of %s could not be read: %s", path,
				       t->owner, errno_words(attribute->read_errno));
		return;
	}
	value = export_attribute_value(&(struct attribute_with_directory){ "", dir, attribute });
	if (value)
		add_entry(t, path, value);
}

/*
 * Returns the path of an entry in the gadget's directory after `up` of the export: the directory of
 * a language then has the name that ffsctl gives to it. The caller frees the path.
 */
static char *path_after_up(const char *parent, const char *name)
{
	if (streq(parent, "strings"))
		return strf("strings/0x%lx", strtoul(name, NULL, 0));
	return *parent ? strf("%s/%s", parent, name) : xstrdup(name);
}

static void add_directory(struct tree_export *t, const struct configfs_tree *dir, const char *path);

static void add_child(struct tree_export *t, const struct configfs_tree *dir,
		      const struct configfs_tree *child, const char *path)
{
	if (has_key(t, path))
		return;
	switch (child->kind) {
	case TREE_ATTRIBUTE:
		add_attribute(t, dir, child, path);
		break;
	case TREE_DIRECTORY:
		add_directory(t, child, path);
		break;
	case TREE_SYMLINK:
		export_report_omission(t->export, t->group,
				       "the link %s of %s: a gadget file cannot contain it", path,
				       t->owner);
		break;
	}
}

/* Adds everything below a directory; if that is nothing, the directory itself. */
static void add_directory(struct tree_export *t, const struct configfs_tree *dir, const char *path)
{
	size_t n = json_array_size(t->list);

	for (size_t i = 0; i < dir->n_children; i++) {
		_cleanup_free_ char *child = path_after_up(path, dir->children[i].name);

		add_child(t, dir, &dir->children[i], child);
	}
	if (*path && json_array_size(t->list) == n && !is_made_by_others(path))
		add_entry(t, path, NULL);
}

static void export_tree(struct tree_export *t, const struct configfs_tree *dir)
{
	t->list = json_array();
	add_directory(t, dir, "");
	export_set_unless_empty(t->group, "tree", t->list);
}

void export_other_gadget_entries(struct export *e, json_t *document)
{
	static const char *const exported[] = {
		"bcdUSB",
		"bDeviceClass",
		"bDeviceSubClass",
		"bDeviceProtocol",
		"bcdDevice",
		"idVendor",
		"idProduct",
		"bMaxPacketSize0",
		"UDC",
		"max_speed",
		"functions",
		"configs",
		"strings/*/manufacturer",
		"strings/*/product",
		"strings/*/serialnumber",
		"os_desc/use",
		"os_desc/b_vendor_code",
		"os_desc/qw_sign",
		"os_desc/*.*", /* the link to a configuration */
		"webusb/use",
		"webusb/bcdVersion",
		"webusb/bVendorCode",
		"webusb/landingPage",
		NULL,
	};
	struct tree_export t = {
		.export = e, .group = document, .owner = "the gadget", .exported = exported
	};

	export_tree(&t, e->gadget_dir);
}

void export_other_config_entries(struct export *e, json_t *group, const struct configfs_tree *dir)
{
	static const char *const exported[] = { "MaxPower", "bmAttributes",
						"strings/*/configuration", NULL };
	_cleanup_free_ char *owner = strf("configuration %s", dir->name);
	struct tree_export t = {
		.export = e, .group = group, .owner = owner, .exported = exported
	};
	struct configfs_tree without_functions = { .name = dir->name };

	/* The links are those to the functions. */
	for (size_t i = 0; i < dir->n_children; i++)
		if (dir->children[i].kind != TREE_SYMLINK)
			*array_add(without_functions.children, without_functions.n_children) =
				dir->children[i];
	export_tree(&t, &without_functions);
	free(without_functions.children);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the lists `tree`: attributes, directories and links in configfs that have no key. */
#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

/* Maximum levels of directories; no directory of the kernel's gadgets has as many. */
#define MAX_LEVELS 16
#define MAX_TREE_ENTRIES 1024
#define MAX_PATH_LENGTH 1024

/* A configfs directory with entries that a list `tree` sets. */
struct tree_directory {
	const struct key_group *keys;
	const char *name; /* "the function's directory" */
	struct configfs_attributes *attributes;
	const struct config *config; /* NULL: not the directory of a configuration */
	/*
	 * Adds an error about `path`, a valid path, if ffsctl manages what is there, and
	 * returns false. NULL: all entries are allowed.
	 */
	bool (*check_owner)(struct load *l, const struct tree_directory *dir, struct node *path);
};

/* --- what ffsctl manages ---------------------------------------------------------------------- */

/* Returns whether `path` is the entry `owned`, or would be below it. */
static bool is_at_or_below(const char *path, const char *owned)
{
	size_t n = strlen(owned);

	return strncmp(path, owned, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool error_owned(struct load *l, struct node *path, const char *owned, const char *hint)
{
	_cleanup_free_ char *shown = diag_quote(path->text);

	load_error(l, path, "'tree' cannot have %s: ffsctl manages '%s'", shown, owned);
	diags_hint(l->diags, "%s", hint);
	return false;
}

static bool error_owned_by_key(struct load *l, struct node *path, const char *owned,
			       const char *key, const char *group)
{
	_cleanup_free_ char *hint =
		group ? strf("set '%s' in '%s'", key, group) : strf("set '%s'", key);

	return error_owned(l, path, owned, hint);
}

/* Checks the strings in the directory of a language. */
static bool check_strings(struct load *l, struct node *path, const struct key_group *keys,
			  const char *language)
{
	for (const struct key *k = keys->keys; k->name; k++) {
		_cleanup_free_ char *owned = strf("%s/%s", language, k->name);

		if (is_at_or_below(path->text, owned))
			return error_owned_by_key(l, path, owned, k->name, "strings");
	}
	return true;
}

/*
 * Checks an entry below `strings`. The directory of a language exists only if the file has a group
 * of strings for it, which has the language's name in the form that ffsctl gives to the directory.
 */
static bool check_below_strings(struct load *l, const struct tree_directory *dir, struct node *path)
{
	const struct gadget *g = l->gadget;
	size_t n = dir->config ? dir->config->n_strings : g->n_strings;
	_cleanup_free_ char *shown = NULL;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *language =
			strf("strings/0x%x",
			     dir->config ? dir->config->strings[i].lang : g->strings[i].lang);

		if (streq(path->text, language))
			return error_owned(l, path, language, "add 'strings' of the language");
		if (is_at_or_below(path->text, language))
			return check_strings(l, path,
					     dir->config ? &config_strings_keys : &strings_keys,
					     language);
	}
	shown = diag_quote(path->text);
	load_error(l, path, "'tree' cannot have %s: 'strings' has no such language", shown);
	diags_hint(l->diags, "add a group with its 'lang' to 'strings', and write the language as "
			     "in strings/0x409");
	return false;
}

/* Checks an entry below os_desc, which has a link to a configuration, or below webusb. */
static bool check_below_vendor_directory(struct load *l, struct node *path)
{
	static const struct {
		const char *dir, *key;
		const struct key_group *group;
	} dirs[] = {
		{ "os_desc", "os_descs", &os_descs_keys },
		{ "webusb", "webusb", &webusb_keys },
	};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		for (const struct key *k = dirs[i].group->keys; k->name; k++) {
			_cleanup_free_ char *owned = strf("%s/%s", dirs[i].dir, k->name);

			if (is_at_or_below(path->text, owned))
				return error_owned_by_key(l, path, owned, k->name, dirs[i].key);
		}
	for (size_t i = 0; i < l->gadget->n_configs; i++) {
		const struct config *c = &l->gadget->configs[i];
		_cleanup_free_ char *link = strf("os_desc/%s.%u", c->name ? c->name : "", c->id);

		if (is_at_or_below(path->text, link))
			return error_owned_by_key(l, path, link, "config_id", "os_descs");
	}
	return true;
}

static bool check_owner_in_gadget(struct load *l, const struct tree_directory *dir,
				  struct node *path)
{
	static const struct {
		const char *entry, *hint;
	} owned[] = {
		{ "UDC", "set 'udc'" },
		{ "max_speed", "set 'max_speed'" },
		{ "functions", "use 'tree' of the function" },
		{ "configs", "use 'tree' of the configuration" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		if (is_at_or_below(path->text, owned[i].entry))
			return error_owned(l, path, owned[i].entry, owned[i].hint);
	for (size_t i = 0; i < GADGET_ATTR_COUNT; i++)
		if (is_at_or_below(path->text, gadget_attribute_words[i]))
			return error_owned_by_key(l, path, gadget_attribute_words[i],
						  gadget_attribute_words[i], "attrs");
	if (streq(path->text, "strings"))
		return error_owned_by_key(l, path, "strings", "strings", NULL);
	if (is_at_or_below(path->text, "strings"))
		return check_below_strings(l, dir, path);
	return check_below_vendor_directory(l, path);
}

static bool check_owner_in_config(struct load *l, const struct tree_directory *dir,
				  struct node *path)
{
	if (is_at_or_below(path->text, "MaxPower"))
		return error_owned_by_key(l, path, "MaxPower", "bMaxPower", "attrs");
	if (is_at_or_below(path->text, "bmAttributes"))
		return error_owned_by_key(l, path, "bmAttributes", "bmAttributes", "attrs");
	for (size_t i = 0; i < dir->config->n_functions; i++)
		if (is_at_or_below(path->text, dir->config->functions[i].name))
			return error_owned(l, path, dir->config->functions[i].name,
					   "use 'tree' of the function");
	if (streq(path->text, "strings"))
		return error_owned_by_key(l, path, "strings", "strings", NULL);
	return !is_at_or_below(path->text, "strings") || check_below_strings(l, dir, path);
}

/* --- the list --------------------------------------------------------------------------------- */

/* Returns whether a relative path stays below its directory and has at most MAX_LEVELS levels. */
static bool stays_below_directory(const char *path)
{
	const char *p = path;

	for (int level = 0; level < MAX_LEVELS; level++, p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (!*p)
			return true;
	}
	return false;
}

static bool check_configfs_path(struct load *l, const struct tree_directory *dir, const char *key,
				struct node *value)
{
	_cleanup_free_ char *shown = diag_quote(value->text);

	if (stays_below_directory(value->text) && strlen(value->text) <= MAX_PATH_LENGTH)
		return true;
	load_error(l, value,
		   "'%s' must be a path below %s, without '.' and '..' and at most %d levels deep, "
		   "not %s",
		   key, dir->name, MAX_LEVELS, shown);
	return false;
}

static bool has_directory_entry(const struct configfs_attributes *attributes, const char *path,
				size_t n)
{
	for (size_t i = 0; i < attributes->n; i++) {
		const struct configfs_attribute *e = &attributes->list[i];

		if (e->entry_kind == ATTRIBUTE_DIRECTORY && strncmp(e->path, path, n) == 0 &&
		    !e->path[n])
			return true;
	}
	return false;
}

/*
 * Returns whether the directory, the first `n` bytes of a path in the directory of a gadget or a
 * configuration, is the kernel's, or that of a language, which another step makes and undoes.
 */
static bool has_another_maker(const char *path, size_t n)
{
	_cleanup_free_ char *dir = xstrndup(path, n);
	const char *slash = strchr(dir, '/');

	if (str_has_prefix(dir, "strings/"))
		return !strchr(slash + 1, '/');
	return streq(dir, "strings") || streq(dir, "os_desc") || streq(dir, "webusb");
}

/*
 * Adds the parent directories of `path`. Their steps succeed if the kernel has already made the
 * directories.
 */
static void add_parent_directories(struct load *l, const struct tree_directory *dir,
				   const struct node *node, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - path);

		if (!has_directory_entry(dir->attributes, path, n) &&
		    !(dir->check_owner && has_another_maker(path, n)))
			load_add_attribute(l, dir->attributes, ATTRIBUTE_DIRECTORY,
					   xstrndup(path, n), NULL, 0, node);
	}
}

static void load_entry(struct load *l, const struct tree_directory *dir, struct node *item)
{
	struct configfs_entry_settings d = { 0 };
	char *value = NULL;
	size_t size = 0;

	load_group(l, dir->keys, item, &d);
	if (node_member(item, "value") && node_member(item, "link")) {
		diag_error(l->diags, node_range_to_mark(item),
			   "an entry of 'tree' must not have both 'value' and 'link'");
		return;
	}
	if (d.symlink_target && !check_configfs_path(l, dir, "link", d.symlink_target))
		d.symlink_target = NULL;
	if (!d.path || !check_configfs_path(l, dir, "path", d.path) ||
	    (dir->check_owner && !dir->check_owner(l, dir, d.path)))
		return;
	add_parent_directories(l, dir, item, d.path->text);
	if (d.value)
		value = load_value_to_write(l, d.value, &size);
	else if (d.symlink_target)
		value = xstrdup(d.symlink_target->text);
	load_add_attribute(l, dir->attributes,
			   d.value	      ? ATTRIBUTE_VALUE
			   : d.symlink_target ? ATTRIBUTE_LINK
					      : ATTRIBUTE_DIRECTORY,
			   xstrdup(d.path->text), value, d.symlink_target ? strlen(value) : size,
			   item);
}

static void load_tree(struct load *l, const struct tree_directory *dir, struct node *list)
{
	if (list->n_children > MAX_TREE_ENTRIES) {
		load_error(l, list, "'tree' must have at most %d entries, not %zu",
			   MAX_TREE_ENTRIES, list->n_children);
		return;
	}
	node_foreach(item, list)
		if (!item->has_error)
			load_entry(l, dir, item);
}

void load_function_configfs_tree(struct load *l, struct function *f, struct node *list)
{
	const struct tree_directory dir = {
		.keys = &function_tree_keys,
		.name = "the function's directory",
		.attributes = &f->configfs_attributes,
	};

	load_tree(l, &dir, list);
}

void load_gadget_configfs_tree(struct load *l, struct node *list)
{
	const struct tree_directory dir = {
		.keys = &gadget_tree_keys,
		.name = "the gadget's directory",
		.attributes = &l->gadget->configfs_attributes,
		.check_owner = check_owner_in_gadget,
	};

	load_tree(l, &dir, list);
}

void load_config_configfs_tree(struct load *l, struct config *c, struct node *list)
{
	const struct tree_directory dir = {
		.keys = &config_tree_keys,
		.name = "the configuration's directory",
		.attributes = &c->configfs_attributes,
		.config = c,
		.check_owner = check_owner_in_config,
	};

	load_tree(l, &dir, list);
}

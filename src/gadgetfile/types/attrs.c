// SPDX-License-Identifier: GPL-2.0-or-later
/* Converts the attributes of kernel functions in a gadget file to attributes in configfs. */
#include "gadgetfile/types/attrs.h"

#include "base/cleanup.h"

#define BELOW_PATTERN "^[^/]+(/[^/]+)*$"

static const struct key function_tree_rows[] = {
	{ "path", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Path of an attribute, a directory or a link, relative to the function's "
		 "directory. Missing directories in the path are created.",
	  .set = set_configfs_path, FIELD(struct configfs_entry_settings, path) },
	{ "value", NODE_BOOL | NODE_INT | NODE_STRING | TYPE_LIST, NODE_INT, KEY_ITEM_RANGE, BYTE,
	  .doc = "Value to write to the attribute: true is written as 1, false as 0, and a list as "
		 "its bytes.",
	  .set = set_node, FIELD(struct configfs_entry_settings, value) },
	{ "link", NODE_STRING, .flags = KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Target of a link, also relative to the function's directory. Without 'value' and "
		 "'link', the entry is a directory.",
	  .set = set_configfs_path, FIELD(struct configfs_entry_settings, symlink_target) },
	{ 0 },
};
const struct key_group function_tree_keys = { "functions.LABEL.tree", "an entry of 'tree'",
					      function_tree_rows, NULL,
					      "One attribute, directory or link." };

void load_add_attribute(struct load *l, struct configfs_attributes *attributes,
			enum configfs_entry_kind entry_kind, char *path, char *value, size_t size,
			const struct node *node)
{
	struct configfs_attribute *attribute = array_add(attributes->list, attributes->n);

	*attribute = (struct configfs_attribute){ entry_kind, path, value, size,
						  position_of_range(l, node_range_to_mark(node)) };
}

static size_t key_index(const struct attribute_values *d, const char *name)
{
	size_t i = 0;

	while (!streq(d->keys[i].name, name))
		i++;
	return i;
}

struct attribute_value *load_find_attr(struct attribute_values *d, const char *name)
{
	return &d->values[key_index(d, name)];
}

char *attr_element_directory(const struct attribute_values *d, const char *name, size_t n)
{
	return strf("%s%zu", d->keys[key_index(d, name)].configfs_directory_prefix, n);
}

long long load_attr_integer(struct attribute_values *d, const char *name, long long fallback)
{
	const struct node *node = load_find_attr(d, name)->node;

	return node ? node->integer : fallback;
}

/* --- setters ---------------------------------------------------------------------------------- */

/*
 * Returns the value of the key `k` in the struct attribute_values that `field` points to, after
 * setting its node.
 */
static struct attribute_value *find_attr_and_set_node(const struct key *k, struct node *value,
						      void *field)
{
	struct attribute_values *d = field;
	struct attribute_value *a = &d->values[k - d->keys];

	a->node = value;
	return a;
}

void load_set_attr_value(struct attribute_value *a, char *value, size_t size)
{
	free(a->value);
	a->value = value;
	a->size = size;
}

void load_set_attr_default(struct attribute_values *d, const char *name, const char *value,
			   struct node *node)
{
	struct attribute_value *a = load_find_attr(d, name);

	if (a->node)
		return;
	a->node = node;
	load_set_attr_value(a, xstrdup(value), strlen(value));
}

void load_set_attr_text(const struct key *k, struct node *value, void *field, char *text)
{
	load_set_attr_value(find_attr_and_set_node(k, value, field), text, strlen(text));
}

void set_attr_node(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	find_attr_and_set_node(k, value, field);
}

void set_attr_int(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	load_set_attr_text(k, value, field, strf("%lld", (long long)value->integer));
}

/* Sets one of the few attributes that the kernel reads as a hexadecimal number without 0x. */
void set_attr_hex(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	load_set_attr_text(k, value, field, strf("%02llx", (long long)value->integer));
}

/* Sets a BCD number. Writes it as hexadecimal, because 0x0100 is easier to read than 256. */
void set_attr_bcd(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (load_check_bcd(l, value, k->name))
		load_set_attr_text(k, value, field, strf("0x%04llx", (long long)value->integer));
}

/* Sets a boolean. Also accepts 0 and 1, which the scheme files of libusbgx use. */
void set_attr_bool(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (value->integer != 0 && value->integer != 1)
		load_error(l, value, "'%s' must be true or false, not %s", k->name, value->text);
	else
		load_set_attr_text(k, value, field, xstrdup(value->integer ? "1" : "0"));
}

/*
 * Returns whether a value of `size` bytes fits into one write of an attribute; adds an error if
 * not.
 */
static bool fits_one_write(struct load *l, const char *name, struct node *value, size_t size)
{
	if (size <= ATTRIBUTE_VALUE_MAX)
		return true;
	load_error(l, value, "'%s' must have at most %d bytes, not %zu", name, ATTRIBUTE_VALUE_MAX,
		   size);
	return false;
}

void set_attr_string(struct load *l, const struct key *k, struct node *value, void *field)
{
	size_t max = k->max > k->min ? (size_t)k->max : ATTRIBUTE_VALUE_MAX;

	if (strchr(value->text, '\n'))
		load_error(l, value, "'%s' must be one line", k->name);
	else if (strlen(value->text) > max)
		load_error(l, value, "'%s' must have at most %zu bytes, not %zu", k->name, max,
			   strlen(value->text));
	else
		load_set_attr_text(k, value, field, xstrdup(value->text));
}

/*
 * Adds a note about the first relative path in a scheme file: gt, the program of libusbgx, resolves
 * it differently.
 */
static void add_relative_path_note(struct load *l, const struct node *value)
{
	if (*value->text && *value->text != '/' && !l->relative_path_note_added &&
	    str_has_suffix(value->at.source->path, ".scheme"))
		diag_note(l->diags, &value->at, DIAG_RELATIVE);
	l->relative_path_note_added |= *value->text != '/';
}

void set_attr_path(struct load *l, const struct key *k, struct node *value, void *field)
{
	/* An empty path: a LUN without a medium */
	char *path = *value->text ? load_absolute_path(l, value) : xstrdup("");

	add_relative_path_note(l, value);
	if (fits_one_write(l, k->name, value, strlen(path)))
		load_set_attr_text(k, value, field, path);
	else
		free(path);
}

/*
 * Ignores an attribute that cannot be written. Scheme files that libusbgx has exported contain such
 * attributes.
 */
void ignore_readonly_attr(struct load *l, const struct key *k, struct node *value,
			  void *field _unused_)
{
	/* A group is what libusbgx 0.3 exports: dev = { major, minor }. */
	diag_add(l->diags, value->type == NODE_GROUP ? DIAG_WARNING : DIAG_NOTE, &value->name_at,
		 "'%s' is ignored: the kernel chooses it", k->name);
}

void set_attr_bytes(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct ffs_bytes bytes = { 0 };

	if (load_bytes(l, value, &bytes) && fits_one_write(l, k->name, value, bytes.size))
		load_set_attr_value(find_attr_and_set_node(k, value, field),
				    (char *)steal_ptr(bytes.data), bytes.size);
	free(bytes.data);
}

/* --- groups ----------------------------------------------------------------------------------- */

void load_attr_group(struct load *l, const struct key_group *group, struct node *node,
		     struct attribute_values *d)
{
	*d = (struct attribute_values){ .keys = group->keys, .group = node };
	load_group(l, group, node, d);
}

void load_add_attributes(struct load *l, struct configfs_attributes *attributes, const char *prefix,
			 struct attribute_values *d)
{
	for (size_t i = 0; i < ATTRS_MAX; i++) {
		struct attribute_value *a = &d->values[i];

		if (a->value)
			load_add_attribute(l, attributes, a->entry_kind,
					   strf("%s%s", prefix, d->keys[i].name),
					   steal_ptr(a->value), a->size, a->node);
	}
}

/*
 * Returns what is written to an attribute: the bytes of a list, or any other value as text. NULL:
 * an error was added.
 */
static char *value_to_write(struct load *l, struct node *value, size_t *size)
{
	struct ffs_bytes bytes = { 0 };
	char *text;

	if (value->type & NODE_GROUP) {
		load_error(l, value,
			   "'%s' must be true or false, a number, a string or a list of bytes, not "
			   "a group",
			   value->name);
		return NULL;
	}
	if (value->type & TYPE_LIST) {
		if (!load_bytes(l, value, &bytes))
			free(steal_ptr(bytes.data));
		*size = bytes.size;
		text = (char *)bytes.data;
	} else {
		text = value->type == NODE_BOOL	 ? xstrdup(value->integer ? "1" : "0")
		       : value->type == NODE_INT ? strf("%lld", (long long)value->integer)
						 : xstrdup(value->text);
		*size = strlen(text);
	}
	if (text && !fits_one_write(l, value->name, value, *size))
		free(steal_ptr(text));
	return text;
}

/* `other` is the name that libusbgx uses. */
bool load_check_attr_alias(struct load *l, struct attribute_values *d, const char *name,
			   const char *other)
{
	struct node *first = load_find_attr(d, name)->node,
		    *second = load_find_attr(d, other)->node;

	if (!first || !second)
		return true;
	diag_error(l->diags, &second->name_at, "'%s' is another name of '%s', which is also set",
		   other, name);
	return false;
}

void check_and_convert_loopback(struct load *l, struct function *f _unused_,
				struct attribute_values *d)
{
	struct node *other = load_find_attr(d, "buflen")->node;
	_cleanup_free_ char *text = other ? strf("%lld", (long long)other->integer) : NULL;

	if (load_check_attr_alias(l, d, "bulk_buflen", "buflen") && other)
		load_set_attr_default(d, "bulk_buflen", text, other);
}

/*
 * Adds the attributes of a function whose type ffsctl does not know. Their values are not checked.
 */
static void load_attrs_of_unknown_type(struct load *l, struct function *f, const struct node *attrs)
{
	node_foreach(setting, attrs) {
		size_t size;
		char *value;

		if (setting->has_error || setting->type == NODE_BAD)
			continue;
		value = value_to_write(l, setting, &size);
		if (value)
			load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_VALUE,
					   xstrdup(setting->name), value, size, setting);
	}
}

/*
 * Called if the function has no group `attrs`: adds an error for each required key of this group.
 * Adds none if the function has a `tree`, which may set these attributes.
 */
static void report_missing_attrs_group(struct load *l, const struct function_type *type,
				       const struct node *function)
{
	if (l->has_syntax_error || node_member(function, "tree"))
		return;
	for (const struct key *k = type->attr_keys->keys; k->name; k++) {
		if (!(k->flags & KEY_REQUIRED))
			continue;
		diag_error(l->diags, node_range_to_mark(function),
			   "a function of type %s needs 'attrs' with '%s'", type->name, k->name);
		diags_hint(l->diags, "write attrs = { %s = ...; }, see ffsctl-functions(5)",
			   k->name);
	}
}

/*
 * Sets the values that are written although the gadget file does not set their keys. `node` is the
 * group that lacks them.
 */
static void set_values_if_missing(struct attribute_values *d, struct node *node)
{
	for (const struct key *k = d->keys; k->name; k++)
		if (k->value_if_missing)
			load_set_attr_default(d, k->name, k->value_if_missing, node);
}

void load_function_attrs(struct load *l, struct function *f, const struct function_type *type,
			 struct node *function, struct node *attrs)
{
	static const struct key_group none = { "", "'attrs' of this type", NULL, NULL, "" };
	struct attribute_values d = { 0 };

	if (!type) {
		if (attrs)
			load_attrs_of_unknown_type(l, f, attrs);
	} else if (!type->attr_keys) {
		if (attrs)
			load_group(l, &none, attrs, NULL);
	} else {
		d.keys = type->attr_keys->keys;
		if (attrs)
			load_attr_group(l, type->attr_keys, attrs, &d);
		else
			report_missing_attrs_group(l, type, function);
		if (attrs && type->check_and_convert_values)
			type->check_and_convert_values(l, f, &d);
		set_values_if_missing(&d, attrs ? attrs : function);
		load_add_attributes(l, &f->configfs_attributes, "", &d);
	}
}

/* --- tree ------------------------------------------------------------------------------------- */

/* Maximum levels of directories; no kernel function has as many. */
#define MAX_LEVELS 16
#define MAX_TREE_ENTRIES 1024

/*
 * Returns whether a relative path stays below the function's directory and has at most MAX_LEVELS
 * levels.
 */
static bool stays_below_function(const char *path)
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

static bool check_configfs_path(struct load *l, const struct key *k, struct node *value)
{
	_cleanup_free_ char *shown = diag_quote(value->text);

	if (stays_below_function(value->text) && strlen(value->text) <= 1024)
		return true;
	load_error(l, value,
		   "'%s' must be a path below the function's directory, without '.' and '..' and "
		   "at most "
		   "%d levels deep, not %s",
		   k->name, MAX_LEVELS, shown);
	return false;
}

void set_configfs_path(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (check_configfs_path(l, k, value))
		*(struct node **)field = value;
}

static bool has_directory_entry(const struct function *f, const char *path, size_t n)
{
	for (size_t i = 0; i < f->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &f->configfs_attributes.list[i];

		if (e->entry_kind == ATTRIBUTE_DIRECTORY && strncmp(e->path, path, n) == 0 &&
		    !e->path[n])
			return true;
	}
	return false;
}

/*
 * Adds the parent directories of `path`. Their steps succeed if the kernel has already made the
 * directories.
 */
static void add_configfs_parent_directories(struct load *l, struct function *f,
					    const struct node *node, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - path);

		if (!has_directory_entry(f, path, n))
			load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_DIRECTORY,
					   xstrndup(path, n), NULL, 0, node);
	}
}

void load_function_configfs_tree(struct load *l, struct function *f, struct node *list)
{
	if (list->n_children > MAX_TREE_ENTRIES) {
		load_error(l, list, "'tree' must have at most %d entries, not %zu",
			   MAX_TREE_ENTRIES, list->n_children);
		return;
	}
	node_foreach(item, list) {
		struct configfs_entry_settings d = { 0 };
		char *value = NULL;
		size_t size = 0;

		if (item->has_error)
			continue;
		load_group(l, &function_tree_keys, item, &d);
		if (node_member(item, "value") && node_member(item, "link")) {
			diag_error(l->diags, node_range_to_mark(item),
				   "an entry of 'tree' must not have both 'value' and 'link'");
			continue;
		}
		if (!d.path)
			continue;
		add_configfs_parent_directories(l, f, item, d.path->text);
		if (d.value)
			value = value_to_write(l, d.value, &size);
		else if (d.symlink_target)
			value = xstrdup(d.symlink_target->text);
		load_add_attribute(l, &f->configfs_attributes,
				   d.value	      ? ATTRIBUTE_VALUE
				   : d.symlink_target ? ATTRIBUTE_LINK
						      : ATTRIBUTE_DIRECTORY,
				   xstrdup(d.path->text), value,
				   d.symlink_target ? strlen(value) : size, item);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Converts the attributes of kernel functions in a gadget file to attributes in configfs. */
#include "gadgetfile/types/attrs.h"

#include "base/cleanup.h"

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

char *load_value_to_write(struct load *l, struct node *value, size_t *size)
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
		value = load_value_to_write(l, setting, &size);
		if (value)
			load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_VALUE,
					   xstrdup(setting->name), value, size, setting);
	}
}

/*
 * Called if the function has no group `attrs`: adds an error for each required key of this group.
 * Adds none if the function has a `tree` that is not empty, which may set these attributes.
 */
static void report_missing_attrs_group(struct load *l, const struct function_type *type,
				       const struct node *function)
{
	const struct node *tree = node_member(function, "tree");

	if (l->has_syntax_error || (tree && tree->first_child))
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

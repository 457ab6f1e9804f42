// SPDX-License-Identifier: GPL-2.0-or-later
/* Tells where to set an attribute of the kernel that ffsctl does not know: in a list 'tree'. */
#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

/* Returns whether the setting may be an attribute: its value is no group, and no list of groups. */
static bool may_be_attribute(const struct node *setting)
{
	if (setting->type & TYPE_LIST)
		return setting->first_child && setting->first_child->type == NODE_INT;
	return setting->type & (NODE_BOOL | NODE_INT | NODE_STRING);
}

/* Returns the value of such a setting as users write it; "..." for a list, or a text with quotes.
 */
static char *value_as_written(const struct node *setting)
{
	if (setting->type == NODE_STRING && !strpbrk(setting->text, "\"\\"))
		return diag_quote(setting->text);
	return xstrdup(setting->type & (TYPE_LIST | NODE_STRING) ? "..." : setting->text);
}

/*
 * Lists in which users can set attributes of the kernel that a group has no key for, and what the
 * paths of the group's attributes begin with there.
 */
#define TREE_OF_FUNCTION "the function's 'tree'"
#define TREE_OF_GADGET "the gadget's 'tree'"
#define TREE_OF_CONFIG "the configuration's 'tree'"
static const struct {
	const struct key_group *group;
	const char *tree, *prefix;
} trees[] = {
	{ &function_keys, TREE_OF_FUNCTION, "" },    { &lun_keys, TREE_OF_FUNCTION, "lun.N/" },
	{ &function_tree_keys, "the list", "" },     { &gadget_keys, TREE_OF_GADGET, "" },
	{ &attrs_keys, TREE_OF_GADGET, "" },	     { &os_descs_keys, TREE_OF_GADGET, "os_desc/" },
	{ &webusb_keys, TREE_OF_GADGET, "webusb/" }, { &gadget_tree_keys, "the list", "" },
	{ &config_keys, TREE_OF_CONFIG, "" },	     { &config_attrs_keys, TREE_OF_CONFIG, "" },
	{ &config_tree_keys, "the list", "" },
};

static bool is_entry_of_tree(const struct key_group *group)
{
	return group == &function_tree_keys || group == &gadget_tree_keys ||
	       group == &config_tree_keys;
}

static bool has_attributes_of_function(const struct key_group *group)
{
	for (const struct function_type *t = function_table; t->name; t++)
		if (t->attr_keys == group)
			return true;
	return false;
}

/* Returns the list for attributes that the group has no key for; NULL: there is none. */
static const char *tree_for_group(const struct load *l, const struct key_group *group,
				  const struct node *node, const char **prefix)
{
	*prefix = "";
	if (has_attributes_of_function(group))
		return TREE_OF_FUNCTION;
	/* In an entry of 'tree' that has a path, another key is no attribute, but a mistake. */
	if ((group == &function_keys && !l->function_attr_keys) ||
	    (is_entry_of_tree(group) && node_member(node, "path")))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		if (trees[i].group != group)
			continue;
		*prefix = trees[i].prefix;
		return trees[i].tree;
	}
	return NULL;
}

void load_hint_at_attribute(struct load *l, const struct key_group *group, const struct node *node,
			    const struct node *setting)
{
	const char *prefix, *tree = tree_for_group(l, group, node, &prefix);
	_cleanup_free_ char *value = NULL;

	if (!tree || !may_be_attribute(setting))
		return;
	/* The kernel's name of an attribute that has a key of another name */
	if (streq(setting->name, "MaxPower")) {
		diags_hint(l->diags, "write attrs = { bMaxPower = ...; } in a configuration");
		return;
	}
	for (const struct function_type *t = function_table; t->name; t++) {
		if (is_entry_of_tree(group) || !t->attr_keys ||
		    !key_find(t->attr_keys, setting->name))
			continue;
		diags_hint(l->diags, "functions of type %s have it", t->name);
		return;
	}
	value = value_as_written(setting);
	diags_hint(l->diags, "if the kernel has it, add { path = \"%s%s\"; value = %s; } to %s",
		   prefix, setting->name, value, tree);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the configurations, and the functions in each. */
#include <linux/usb/ch9.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/keys/function_types.h"
#include "gadgetfile/types/attrs.h"
#include "gadgetfile/types/language_id.h"

#define MAX_INTERFACES 16 /* MAX_CONFIG_INTERFACES of linux/usb/composite.h */
#define MAX_CONFIGS 255	  /* bConfigurationValue is a byte; 0 means unconfigured */
#define DEFAULT_NAME "c"

static size_t function_index_of_setting(const struct load *l, const struct node *value)
{
	size_t i = 0;

	if (value->type == NODE_GROUP)
		while (i < l->n_function_nodes && l->function_nodes[i] != value)
			i++;
	else
		while (i < l->n_function_nodes &&
		       !streq(l->gadget->functions[i].label, value->text))
			i++;
	return i;
}

/* Returns whether users may mean the function by `text`: a path or a name in configfs. */
static bool has_name_in_configfs(const struct function *f, const char *text)
{
	const char *slash = strrchr(text, '/');
	_cleanup_free_ char *name = NULL;

	if (!f->type || !f->instance)
		return false;
	name = strf("%s.%s", f->type, f->instance);
	return streq(slash ? slash + 1 : text, name);
}

/* Returns the label of the only function of this type or of this instance; NULL: none, or several.
 */
static const char *only_label_of(const struct gadget *g, const char *type_or_instance)
{
	const char *label = NULL;

	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];

		if (!streq_null(f->type, type_or_instance) &&
		    !streq_null(f->instance, type_or_instance))
			continue;
		if (label)
			return NULL;
		label = f->label;
	}
	return label;
}

/*
 * Adds the hint which function users mean who write names of configfs instead of labels. Returns
 * false if there is none.
 */
static bool hint_at_label(struct load *l, const char *text)
{
	const struct gadget *g = l->gadget;
	const char *label = NULL;

	for (size_t i = 0; i < g->n_functions && !label; i++)
		if (has_name_in_configfs(&g->functions[i], text))
			label = g->functions[i].label;
	if (!label)
		label = only_label_of(g, text);
	if (!label)
		return false;
	diags_hint(l->diags, "write \"%s\", the label of this function", label);
	return true;
}

static void error_unknown_label(struct load *l, struct node *value)
{
	const char *meant = NULL;
	_cleanup_free_ char *shown = diag_quote(value->text);

	for (size_t i = 0; i < l->gadget->n_functions; i++)
		text_find_most_similar(value->text, l->gadget->functions[i].label, &meant);
	load_error(l, value, "unknown function %s", shown);
	if (!hint_at_label(l, value->text))
		load_add_suggestion_hint(l, meant);
}

/* Returns whether the configfs directory of every configuration has an entry with this name. */
static bool is_reserved_by_configfs(const char *name)
{
	return streq(name, "MaxPower") || streq(name, "bmAttributes") || streq(name, "strings") ||
	       streq(name, ".") || streq(name, "..");
}

static void check_link_name(struct load *l, const struct config *c, const char *name,
			    struct node *value)
{
	_cleanup_free_ char *shown = diag_quote(name);

	if (strchr(name, '/') || strlen(name) > 255 || is_reserved_by_configfs(name)) {
		load_error(l, value, "%s cannot be the name of a link in configfs", shown);
		return;
	}
	for (size_t i = 0; i + 1 < c->n_functions; i++) {
		if (!streq_null(c->functions[i].name, name))
			continue;
		load_error(l, value, "a second function named %s in this configuration", shown);
		return;
	}
}

/* `c` is the configuration that is being loaded, the last one of the gadget. */
static void check_only_in_one_config(struct load *l, const struct config *c, size_t index,
				     struct node *value)
{
	const struct function *f = &l->gadget->functions[index];
	const struct function_type *type = f->type ? function_type_find(f->type) : NULL;

	if (!type || !type->only_in_one_config || load_is_from_document(l))
		return;
	for (const struct config *other = l->gadget->configs; other != c; other++) {
		for (size_t i = 0; i < other->n_functions; i++) {
			if (other->functions[i].function_index != index)
				continue;
			load_error(l, value,
				   "function '%s' is already in configuration %u, and the kernel "
				   "cannot make the device of a %s function for two",
				   f->label, other->id, f->type);
			diags_hint(l->diags, "define a second function of type %s", f->type);
			return;
		}
	}
}

/*
 * Adds a function to a configuration. `value` is the function's label, or the group of an inline
 * function. `name` is the name of the link; NULL: TYPE.INSTANCE.
 */
static void add_function(struct load *l, struct config *c, struct node *value, struct node *name,
			 const struct position *at)
{
	size_t index = function_index_of_setting(l, value);
	const struct function *f;
	struct config_function *link;

	if (index == l->gadget->n_functions) {
		if (!l->has_syntax_error && value->type == NODE_STRING && l->n_function_nodes > 0)
			error_unknown_label(l, value);
		return;
	}
	for (size_t i = 0; i < c->n_functions; i++) {
		if (c->functions[i].function_index != index)
			continue;
		load_error(l, value, "function '%s' is already in this configuration", value->text);
		return;
	}
	check_only_in_one_config(l, c, index, value);
	f = &l->gadget->functions[index];
	link = array_add(c->functions, c->n_functions);
	link->function_index = index;
	link->at = *at;
	link->name = name ? xstrdup(name->text)
			  : strf("%s.%s", f->type ? f->type : "", f->instance ? f->instance : "");
	if (name || (f->type && f->instance))
		check_link_name(l, c, link->name, name ? name : value);
}

static void load_config_functions(struct load *l, struct config *c, struct node *list)
{
	node_foreach(item, list) {
		struct config_function_settings d = { 0 };
		struct position at = position_of_range(l, &item->at);

		if (item->has_error)
			continue;
		if (item->type == NODE_STRING) {
			add_function(l, c, item, NULL, &at);
			continue;
		}
		load_group(l, &config_function_keys, item, &d);
		if (d.function && (d.name || !node_member(item, "name")))
			add_function(l, c, d.function, d.name, &at);
	}
}

static void load_config_strings(struct load *l, struct config *c, struct node *list)
{
	const struct node *surplus = NULL;

	node_foreach(item, list) {
		struct config_strings *s;
		struct node *lang;

		if (item->has_error)
			continue;
		if (c->n_strings == MAX_LANGUAGES)
			surplus = item;
		s = array_add(c->strings, c->n_strings);
		s->lang = LANG_EN_US;
		s->at = position_of_range(l, &item->at);
		load_group(l, &config_strings_keys, item, s);
		lang = node_member(item, "lang");
		for (size_t i = 0;
		     i + 1 < c->n_strings && !(lang && lang->has_error) && !l->has_syntax_error;
		     i++) {
			if (c->strings[i].lang != s->lang)
				continue;
			diag_error(l->diags, lang ? &lang->at : &item->at,
				   "a second group of strings for language 0x%04x", s->lang);
			break;
		}
	}
	if (surplus)
		load_error_too_many_languages(l, surplus);
}

static void load_config_id(struct load *l, struct config *c, struct node *id,
			   const struct node *node)
{
	struct gadget *g = l->gadget;

	c->id = 1;
	for (size_t i = 0; i + 1 < g->n_configs; i++)
		if (g->configs[i].id >= c->id)
			c->id = g->configs[i].id + 1;
	if (!id) {
		if (c->id <= 255)
			return;
		diag_error(l->diags, &node->at,
			   "the default id, one above the highest id, would be above 255");
		diags_hint(l->diags, "set 'id'");
		return;
	}
	c->id = (unsigned int)id->integer;
	for (size_t i = 0; i + 1 < g->n_configs; i++) {
		if (g->configs[i].id != c->id)
			continue;
		load_error(l, id, "a second configuration with id %u", c->id);
		return;
	}
}

static void load_config_name(struct load *l, struct config *c, struct node *value)
{
	_cleanup_free_ char *full = NULL;

	c->name = xstrdup(value ? value->text : DEFAULT_NAME);
	if (!value)
		return;
	for (const char *p = c->name; *p; p++) {
		if (*p >= ' ' && *p < 0x7f && *p != '/' && *p != '.')
			continue;
		load_error(l, value,
			   "a configuration's name must consist of printable ASCII characters "
			   "without '.' "
			   "and '/'");
		return;
	}
	full = strf("%s.%u", c->name, c->id);
	if (strlen(full) > CONFIGFS_MAX_NAME)
		load_error(l, value, "'%s' has %zu characters, but configfs allows %d", full,
			   strlen(full), CONFIGFS_MAX_NAME);
}

/*
 * Warns about a current that the kernel changes before a host sees it (encode_bMaxPower,
 * composite.c:529).
 */
static void check_max_power(struct load *l, const struct config *c, const struct node *attrs)
{
	const struct node *value = attrs ? node_member(attrs, "bMaxPower") : NULL;
	enum gadget_speed fastest = l->gadget->max_speed;
	bool is_bus_powered = !(c->bm_attributes.value & USB_CONFIG_ATT_SELFPOWER);
	int64_t current = c->max_power.value;

	if (!value || value->has_error || l->has_syntax_error)
		return;
	if (current > 500 && fastest != GADGET_SPEED_NONE && fastest < GADGET_SPEED_SUPER) {
		diag_warning(l->diags, &value->at,
			     "below SuperSpeed a device draws at most 500 mA (USB 2.0, 7.2.1): the "
			     "kernel reports 500 to the host");
		diags_hint(l->diags, "write bMaxPower = 500");
	} else if (current == 0 && is_bus_powered) {
		diag_warning(l->diags, &value->at,
			     "a device without a power supply of its own draws some current: the "
			     "kernel reports its default to the host, usually 2 mA");
		diags_hint(l->diags, "set bmAttributes = 0xc0 if the device has a power supply, or "
				     "write the current that it draws");
	} else if (current == 1) {
		diag_warning(l->diags, &value->at,
			     "the kernel reports 0 mA to the host: the unit is 2 mA, and it rounds "
			     "down");
		diags_hint(l->diags, "write bMaxPower = 2");
	}
}

static void check_interface_count(struct load *l, const struct config *c,
				  const struct text_range *at)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_functions; i++) {
		const struct ffs *ffs = l->gadget->functions[c->functions[i].function_index].ffs;

		n += ffs ? ffs->n_interfaces : 0;
	}
	if (n > MAX_INTERFACES)
		diag_error(l->diags, at,
			   "the configuration's functions have %zu interfaces, but the kernel "
			   "allows %d",
			   n, MAX_INTERFACES);
}

static void load_config(struct load *l, struct node *node)
{
	struct config *c = array_add(l->gadget->configs, l->gadget->n_configs);
	struct config_settings d = { 0 };

	c->at = position_of_range(l, &node->at);
	load_group(l, &config_keys, node, &d);
	load_config_id(l, c, d.id, node);
	load_config_name(l, c, d.name);
	if (d.attrs)
		load_group(l, &config_attrs_keys, d.attrs, c);
	if (d.strings)
		load_config_strings(l, c, d.strings);
	if (d.functions)
		load_config_functions(l, c, d.functions);
	if (d.tree)
		load_config_configfs_tree(l, c, d.tree);
	check_max_power(l, c, d.attrs);
	check_interface_count(l, c, &node->at);
}

static void add_default_config(struct load *l)
{
	struct gadget *g = l->gadget;
	struct config *c = array_add(g->configs, g->n_configs);
	const struct node *functions = node_member(l->scan->root, "functions");

	c->id = 1;
	c->name = xstrdup(DEFAULT_NAME);
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];
		struct config_function *link = array_add(c->functions, c->n_functions);

		link->name = strf("%s.%s", f->type ? f->type : "", f->instance ? f->instance : "");
		link->function_index = i;
		link->at = f->at;
	}
	if (functions) {
		g->functions_at = position_of_range(l, &functions->name_at);
		check_interface_count(l, c, &functions->name_at);
	}
}

static void warn_unused_functions(struct load *l)
{
	for (size_t f = 0; f < l->n_function_nodes; f++) {
		const struct node *node = l->function_nodes[f];
		bool used = false;

		for (size_t i = 0; i < l->gadget->n_configs; i++)
			for (size_t j = 0; j < l->gadget->configs[i].n_functions; j++)
				used |= l->gadget->configs[i].functions[j].function_index == f;
		if (!used)
			diag_warning(
				l->diags, &node->name_at,
				"function '%s' is in no configuration, so that no host sees it",
				node->name);
	}
}

void load_configs(struct load *l, struct node *configs)
{
	if (!configs) {
		if (!node_member(l->scan->root, "configs"))
			add_default_config(l);
		return;
	}
	node_foreach(item, configs) {
		if (l->gadget->n_configs == MAX_CONFIGS) {
			diag_error(l->diags, &item->at, "a device has at most %d configurations",
				   MAX_CONFIGS);
			break;
		}
		if (!item->has_error)
			load_config(l, item);
	}
	if (l->diags->n_errors == 0)
		warn_unused_functions(l);
}

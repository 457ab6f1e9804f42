// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads functions, and checks that they do not conflict. */
#include <ctype.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

/*
 * Checks the function's type. An unknown type causes only a warning, because a newer kernel may
 * have it; one that resembles a known type is more likely a mistake.
 */
static void check_function_type(struct load *l, const struct function *f, struct node *value,
				bool unchecked)
{
	_cleanup_free_ char *shown = diag_quote(f->type), *correction = NULL;

	for (const char *p = f->type; *p; p++) {
		if (strchr("./", *p) || *p <= ' ' || *p >= 0x7f) {
			load_error(l, value, "%s is not a valid function type", shown);
			return;
		}
	}
	if (unchecked || function_type_find(f->type) || load_is_from_document(l))
		return;
	correction = function_type_suggest_setting(f->type);
	if (correction) {
		load_error(l, value, "unknown function type %s", shown);
		diags_hint(l->diags,
			   "use %s, or set 'type_unchecked = true' if the kernel has this type",
			   correction);
		return;
	}
	diag_warning(l->diags, &value->at,
		     "unknown function type %s: its attributes are not checked", shown);
	diags_hint(l->diags, "set 'type_unchecked = true' if the kernel has this type");
}

/*
 * Adds the hint how to write the type, if a type is the name of a group beside which there is
 * none, like 'ffs', or that of the function.
 */
static void hint_at_type_as_name(struct load *l, const struct function *f, const struct node *node)
{
	node_foreach(setting, node) {
		if (!function_type_find(setting->name))
			continue;
		diags_hint(l->diags, "write type = \"%s\", and its attributes in attrs : { ... }",
			   setting->name);
		return;
	}
	if (function_type_find(f->label) && !streq(f->label, "ffs"))
		diags_hint(l->diags, "write type = \"%s\"", f->label);
}

/* Sets the function's type; returns false after adding an error. */
static bool load_function_type(struct load *l, struct function *f, struct node *node,
			       const struct function_settings *d)
{
	const struct node *given = node_member(node, "type");

	if (given && given->has_error)
		return false;
	if (!given && !node_member(node, "ffs")) {
		if (l->has_syntax_error)
			return false;
		diag_error(l->diags, &node->name_at,
			   "function '%s' needs an 'ffs' group or a 'type'", f->label);
		hint_at_type_as_name(l, f, node);
		return false;
	}
	f->type = xstrdup(d->type ? d->type->text : "ffs");
	if (d->type)
		check_function_type(l, f, d->type, d->type_unchecked);
	return true;
}

char *gadgetfile_default_instance(const char *type, const char *gadget, const char *label)
{
	/*
	 * The name of an ffs instance must be unique in the system, other names only in the gadget.
	 */
	return streq(type, "ffs") ? strf("%s-%s", gadget, label) : xstrdup(label);
}

static void load_instance_name(struct load *l, struct function *f, const struct node *node,
			       struct node *given)
{
	/* TYPE.INSTANCE is one directory name in configfs */
	size_t max = CONFIGFS_MAX_NAME - strlen(f->type) - 1;

	if (given) {
		f->instance = xstrdup(given->text);
		for (const char *p = f->instance; *p; p++) {
			if (*p > ' ' && *p < 0x7f && *p != '/')
				continue;
			load_error(l, given,
				   "an instance's name must consist of printable ASCII characters "
				   "without "
				   "blanks and '/'");
			return;
		}
		if (strlen(f->instance) > max)
			load_error(l, given,
				   "the instance's name has %zu characters, but configfs allows "
				   "%zu here",
				   strlen(f->instance), max);
		return;
	}
	f->instance = gadgetfile_default_instance(f->type, l->gadget->name, f->label);
	if (strlen(f->instance) <= max)
		return;
	diag_error(l->diags, &node->name_at,
		   "the instance would be named '%s', but configfs allows %zu characters here",
		   f->instance, max);
	diags_hint(l->diags, "set 'instance'");
}

static void check_instance_is_unique(struct load *l, const struct function *f,
				     const struct node *setting)
{
	for (size_t i = 0; i + 1 < l->gadget->n_functions; i++) {
		const struct function *other = &l->gadget->functions[i];

		if (!streq_null(other->type, f->type) || !streq_null(other->instance, f->instance))
			continue;
		diag_error(l->diags, node_range_to_mark(setting),
			   "instance '%s' of function '%s' is already that of '%s'", f->instance,
			   f->label, other->label);
		return;
	}
}

/*
 * Returns whether the group is an inline function: one without a label, which is the value of
 * 'function' in a configuration.
 */
static bool is_inline_function(const struct node *node)
{
	return node->parent->parent && node->parent->parent->type != NODE_GROUP;
}

char *gadgetfile_inline_label(const char *type, const char *instance)
{
	char *label = strf("%s_%s", type, instance);

	for (char *p = label; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			*p = '_';
	return label;
}

static void check_inline_function(struct load *l, const struct function *f, struct node *node)
{
	if (!node_member(node, "instance") && !l->has_syntax_error)
		diag_error(l->diags, node_range_to_mark(node),
			   "a function inside a configuration needs 'instance', because it has no "
			   "label");
	for (size_t i = 0; f->instance && i + 1 < l->gadget->n_functions; i++) {
		const struct function *other = &l->gadget->functions[i];

		/*
		 * check_instance_is_unique has already reported a function of the same type and
		 * instance
		 */
		if (!streq(other->label, f->label) ||
		    (streq_null(other->type, f->type) && streq_null(other->instance, f->instance)))
			continue;
		diag_error(
			l->diags, node_range_to_mark(node),
			"the type and instance of this function make the label '%s', which another "
			"function has",
			f->label);
		diags_hint(l->diags, "rename one of them");
		return;
	}
}

static bool attribute_is_zero(const struct function *f, const char *attribute)
{
	const struct configfs_attribute *e =
		attribute ? configfs_attributes_find(&f->configfs_attributes, attribute) : NULL;

	return e && streq_null(e->value, "0");
}

static struct endpoint_count count_ffs_endpoints(const struct ffs *ffs)
{
	/*
	 * If the gadget file describes no interfaces, a daemon writes the descriptors. ffsctl does
	 * not know how many endpoints they have, so the count is only a minimum.
	 */
	struct endpoint_count n = { .is_minimum = ffs->n_interfaces == 0 };

	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		for (size_t k = 0; k < ffs->interfaces[i].n_endpoints; k++) {
			const struct endpoint *ep = &ffs->interfaces[i].endpoints[k];

			*(ep->direction == EP_IN ? &n.in : &n.out) += 1;
			n.has_isochronous = n.has_isochronous || ep->type == EP_ISOCHRONOUS;
		}
	}
	return n;
}

static struct endpoint_count count_endpoints(const struct function *f)
{
	const struct function_type *type = function_type_find(f->type);
	struct endpoint_count n = { .is_minimum = true };

	if (f->ffs)
		return count_ffs_endpoints(f->ffs);
	if (!type)
		return n;
	n = type->endpoints;
	n.in = attribute_is_zero(f, type->attribute_enabling_in_endpoint) ? 0 : n.in;
	n.out = attribute_is_zero(f, type->attribute_enabling_out_endpoint) ? 0 : n.out;
	return n;
}

/* Loads the keys of a function. A hint finds attributes that stand beside its type. */
static void load_function_keys(struct load *l, struct node *node, struct function_settings *d)
{
	const struct node *given = node_member(node, "type");
	const struct function_type *type =
		given && given->type == NODE_STRING ? function_type_find(given->text) : NULL;

	l->function_attr_keys = type ? type->attr_keys : NULL;
	load_group(l, &function_keys, node, d);
	l->function_attr_keys = NULL;
}

/* Sets whether the function is optional. Only a worker that the bind waits for can be missing. */
static void load_optional(struct load *l, struct function *f, struct node *node,
			  const struct function_settings *d)
{
	const struct node *setting = node_member(node, "optional");

	f->optional = d->optional && f->ffs && f->worker;
	if (!d->optional || f->optional || l->has_syntax_error)
		return;
	if (!streq(f->type, "ffs")) {
		diag_error(l->diags, &setting->name_at,
			   "'optional' is for FunctionFS functions: a gadget does not wait for "
			   "the worker of a kernel function");
	} else if (!node_member(node, "worker")) {
		diag_error(l->diags, &setting->name_at,
			   "'optional' needs a 'worker', because ffsctl cannot see whether the "
			   "program that you start is ready");
	}
}

static void load_function(struct load *l, struct node *node)
{
	struct function *f = array_add(l->gadget->functions, l->gadget->n_functions);
	struct function_settings d = { 0 };

	f->at = position_of_range(l, &node->name_at);
	load_function_keys(l, node, &d);
	f->label = is_inline_function(node)
			   ? gadgetfile_inline_label(d.type ? d.type->text : "ffs",
						     d.instance ? d.instance->text : "")
			   : xstrdup(node->name);
	if (!load_function_type(l, f, node, &d))
		return;
	if (d.instance || (!node_member(node, "instance") && !is_inline_function(node))) {
		load_instance_name(l, f, node, d.instance);
		check_instance_is_unique(l, f, d.instance ? d.instance : node);
	}
	if (is_inline_function(node))
		check_inline_function(l, f, node);
	load_function_attrs(l, f, function_type_find(f->type), node, d.attrs);
	if (d.os_descs)
		load_function_os_descs(l, f, d.os_descs);
	if (d.tree)
		load_function_configfs_tree(l, f, d.tree);
	if (d.ffs)
		load_ffs(l, f, d.ffs);
	f->endpoints = count_endpoints(f);
	if (d.worker && streq(f->type, "ffs") && !node_member(node, "ffs") && !l->has_syntax_error)
		diag_error(l->diags, &d.worker->name_at,
			   "a 'worker' of a function of type ffs needs an 'ffs' group");
	else if (d.worker)
		load_worker(l, f, d.worker);
	load_optional(l, f, node, &d);
	if (!streq(f->type, "ffs") || node_member(node, "ffs") || l->has_syntax_error)
		return;
	diag_note(l->diags, &node->name_at,
		  "function '%s' has no 'ffs' group: ffsctl only creates it in configfs", f->label);
	diags_hint(l->diags, "run 'ffsctl up --no-bind', then mount the FunctionFS instance, write "
			     "its descriptors and bind the gadget");
}

/*
 * Returns the highest speed that a function supports; assumes the highest speed of all if its
 * descriptors are unknown.
 */
static enum gadget_speed highest_speed_of(const struct function *f)
{
	const struct function_type *type = f->type ? function_type_find(f->type) : NULL;

	if (!f->ffs)
		return type ? type->highest_speed : GADGET_SPEED_SUPER_PLUS;
	if (f->ffs->has_speed[EP_SUPER])
		return GADGET_SPEED_SUPER_PLUS;
	if (f->ffs->has_speed[EP_HIGH])
		return GADGET_SPEED_HIGH;
	return f->ffs->has_speed[EP_FULL] ? GADGET_SPEED_FULL : GADGET_SPEED_SUPER_PLUS;
}

/*
 * Lowers the gadget's maximum speed to the highest speed that all functions support: at a speed for
 * which one function has no descriptors, the host would see no configuration.
 */
static void lower_max_speed(struct load *l)
{
	struct gadget *g = l->gadget;
	const struct node *lowest_node = NULL, *speed;
	enum gadget_speed lowest = GADGET_SPEED_SUPER_PLUS;
	const struct function *by = NULL;

	for (size_t i = 0; i < g->n_functions; i++) {
		if (highest_speed_of(&g->functions[i]) >= lowest)
			continue;
		lowest = highest_speed_of(&g->functions[i]);
		by = &g->functions[i];
		lowest_node = l->function_nodes[i];
	}
	if (!by || (g->max_speed != GADGET_SPEED_NONE && g->max_speed <= lowest))
		return;
	speed = node_member(l->scan->root, "max_speed");
	/*
	 * A speed below SuperSpeed is worth a warning, because it slows down the other functions;
	 * the user can avoid the warning with 'max_speed'
	 */
	diag_add(l->diags, lowest < GADGET_SPEED_SUPER ? DIAG_WARNING : DIAG_NOTE,
		 speed ? &speed->at : &lowest_node->name_at,
		 "'max_speed' is lowered to \"%s\": function '%s' has no descriptors above it",
		 gadget_speed_words[lowest], by->label);
	g->max_speed = lowest;
}

static bool paths_overlap(const char *a, const char *b)
{
	return streq(a, b) || path_is_below(a, b) || path_is_below(b, a);
}

/* Adds an error if a link to an endpoint file ('device') is at, below or above a mount point. */
static void check_device_is_outside_mount(struct load *l, const struct function *with_device,
					  const struct function *with_mount,
					  const struct node *node)
{
	const char *device = with_device->ffs->endpoint_file_symlink.value;

	if (device && with_mount->ffs->mount.path &&
	    paths_overlap(device, with_mount->ffs->mount.path))
		diag_error(
			l->diags, &node->name_at,
			"the device %s of '%s' and the mount point %s of '%s' exclude each other",
			device, with_device->label, with_mount->ffs->mount.path, with_mount->label);
}

/* Adds errors if two functions have paths that exclude each other. */
static void check_paths_of_two_functions(struct load *l, const struct function *other,
					 const struct function *f, const struct node *node)
{
	const char *mount = f->ffs->mount.path, *other_mount = other->ffs->mount.path;
	const char *device = f->ffs->endpoint_file_symlink.value;

	if (streq_null(mount, other_mount))
		diag_error(l->diags, &node->name_at,
			   "functions '%s' and '%s' have the same mount point %s", other->label,
			   f->label, mount);
	else if (mount && other_mount && paths_overlap(mount, other_mount))
		diag_error(l->diags, &node->name_at,
			   "one of the mount points of '%s' and '%s' is inside the other: %s, %s",
			   other->label, f->label, other_mount, mount);
	if (device && streq_null(device, other->ffs->endpoint_file_symlink.value))
		diag_error(l->diags, &node->name_at,
			   "functions '%s' and '%s' have the same device %s", other->label,
			   f->label, device);
	check_device_is_outside_mount(l, f, other, node);
	check_device_is_outside_mount(l, other, f, node);
}

/* Adds errors about mount points and links to endpoint files ('device') that exclude each other. */
static void check_mount_and_symlink_paths(struct load *l)
{
	struct gadget *g = l->gadget;

	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];
		const struct node *node = l->function_nodes[i];

		if (!f->ffs)
			continue;
		check_device_is_outside_mount(l, f, f, node);
		for (size_t j = 0; j < i; j++)
			if (g->functions[j].ffs)
				check_paths_of_two_functions(l, &g->functions[j], f, node);
	}
}

/*
 * Appends the inline functions of a configuration to l->function_nodes. Skips malformed ones, which
 * load_configs reports.
 */
static void find_inline_functions(struct load *l, const struct node *config)
{
	struct node *list = config->type == NODE_GROUP ? node_member(config, "functions") : NULL;

	if (list && !list->has_error)
		load_normalize(l, key_find(&config_keys, "functions"), list);
	if (!list || !(list->type & TYPE_LIST))
		return;
	node_foreach(item, list) {
		struct node *function =
			item->type == NODE_GROUP ? node_member(item, "function") : NULL;

		if (!function || function->type != NODE_GROUP || item->has_error ||
		    function->n_children == 0)
			continue;
		/*
		 * The limit for functions with labels also applies to inline functions. Without it,
		 * loading would take too long, because each function is compared with all others.
		 */
		if (l->n_function_nodes == GADGETFILE_MAX_GROUP) {
			diag_error(l->diags, node_range_to_mark(function), "more than %d functions",
				   GADGETFILE_MAX_GROUP);
			return;
		}
		*array_add(l->function_nodes, l->n_function_nodes) = function;
	}
}

void load_functions(struct load *l, struct node *functions, struct node *configs)
{
	if (functions) {
		load_group(l, key_find(&gadget_keys, "functions")->group, functions, NULL);
		node_foreach(node, functions)
			*array_add(l->function_nodes, l->n_function_nodes) = node;
	}
	if (configs) {
		size_t errors = l->diags->n_errors;

		/* After the error about too many functions, ignores the other configurations. */
		node_foreach(config, configs)
			if (l->diags->n_errors == errors)
				find_inline_functions(l, config);
	}
	if (l->n_function_nodes == 0 && !node_member(l->scan->root, "functions") &&
	    !l->has_syntax_error)
		diag_error(l->diags, &l->scan->root->at, "a gadget file needs 'functions'");
	l->function_has_error = xcalloc(l->n_function_nodes, sizeof(*l->function_has_error));
	for (size_t i = 0; i < l->n_function_nodes; i++) {
		struct node *node = l->function_nodes[i];
		size_t errors = l->diags->n_errors;

		if (node->type == NODE_GROUP && !node->has_error)
			load_function(l, node);
		else
			array_add(l->gadget->functions, l->gadget->n_functions)->label =
				xstrdup(node->name);
		l->function_has_error[i] = node->has_error || l->diags->n_errors > errors;
	}
	lower_max_speed(l);
	if (!l->has_syntax_error)
		check_mount_and_symlink_paths(l);
}

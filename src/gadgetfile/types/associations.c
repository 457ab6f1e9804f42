// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and checks interface associations, by which the host binds one driver to several interfaces
 * (USB 3.2, 9.6.4, and the Interface Association Descriptors ECN of USB 2.0).
 */
#include <stdio.h>

#include "gadgetfile/load.h"

/*
 * Class, subclass and protocol in the device descriptor of a device with associations (IAD ECN; USB
 * 3.2, 9.6.1).
 */
static const struct {
	enum gadget_attr attr;
	int64_t value;
} device_class[] = {
	{ GADGET_DEVICE_CLASS, 0xef },
	{ GADGET_DEVICE_SUB_CLASS, 2 },
	{ GADGET_DEVICE_PROTOCOL, 1 },
};

static void check_association_overlap(struct load *l, const struct ffs *ffs,
				      const struct association *a, struct node *node)
{
	for (size_t i = 0; i + 1 < ffs->n_associations; i++) {
		const struct association *other = &ffs->associations[i];
		int both = a->first_interface > other->first_interface ? a->first_interface
								       : other->first_interface;

		if (both >= a->first_interface + a->n_interfaces ||
		    both >= other->first_interface + other->n_interfaces)
			continue;
		load_error(l, load_member_or_node_itself(node, "first"),
			   "interface %d is already in another association", both);
		return;
	}
}

static void load_association(struct load *l, struct ffs *ffs, struct node *node)
{
	const struct key_group *group = key_find(&ffs_keys, "associations")->group;
	struct association_settings d = { 0 };
	struct association *a;

	load_group(l, group, node, &d);
	if (!d.first_interface.set || !d.n_interfaces.set)
		return;
	if (d.first_interface.value + d.n_interfaces.value > (int64_t)ffs->n_interfaces) {
		if (!l->has_syntax_error)
			load_error(
				l, load_member_or_node_itself(node, "count"),
				"there are no interfaces %lld to %lld: this function has %zu, with "
				"numbers from 0",
				(long long)d.first_interface.value,
				(long long)(d.first_interface.value + d.n_interfaces.value - 1),
				ffs->n_interfaces);
		return;
	}
	a = array_add(ffs->associations, ffs->n_associations);
	a->at = position_of_range(l, &node->at);
	a->first_interface = (uint8_t)d.first_interface.value;
	a->n_interfaces = (uint8_t)d.n_interfaces.value;
	a->class = ffs->interfaces[a->first_interface].class;
	a->subclass = ffs->interfaces[a->first_interface].subclass;
	a->protocol = ffs->interfaces[a->first_interface].protocol;
	load_class(l, &d.class, &a->class, &a->subclass, &a->protocol);
	if (d.string)
		load_ffs_string(l, &a->string, d.string);
	check_association_overlap(l, ffs, a, node);
}

void load_associations(struct load *l, struct ffs *ffs, struct node *list)
{
	node_foreach(item, list)
		if (!item->has_error)
			load_association(l, ffs, item);
}

/* --- the device descriptor -------------------------------------------------------------------- */

bool load_has_association_class(const struct load *l)
{
	const struct positioned_int *attrs = l->gadget->device_attrs;

	for (size_t i = 0; i < ARRAY_SIZE(device_class); i++)
		if (attrs[device_class[i].attr].value != device_class[i].value)
			return false;
	return true;
}

/*
 * Sets the device class, unless the gadget file does; then warns if the host may ignore
 * associations.
 */
static void set_device_class(struct load *l, const struct text_range *at)
{
	struct positioned_int *attrs = l->gadget->device_attrs;
	bool set = false;

	for (size_t i = 0; i < ARRAY_SIZE(device_class); i++)
		set |= attrs[device_class[i].attr].set;
	if (set && !load_has_association_class(l))
		diag_warning(l->diags, at,
			     "hosts may ignore associations unless 'attrs' sets class 'misc', "
			     "subclass 2 and protocol 1 (USB 3.2, 9.6.1)");
	for (size_t i = 0; i < ARRAY_SIZE(device_class) && !set; i++)
		attrs[device_class[i].attr] =
			(struct positioned_int){ .set = true, .value = device_class[i].value };
}

/*
 * Sets *n to the number of interfaces that precede those of a function in a configuration. Returns
 * false if that number is not known, after adding an error.
 */
static bool count_interfaces_before(struct load *l, const struct config *c, size_t function,
				    size_t *n, const struct text_range *at)
{
	*n = 0;
	for (size_t i = 0; c->functions[i].function_index != function; i++) {
		const struct function *f = &l->gadget->functions[c->functions[i].function_index];

		if (!f->ffs) {
			diag_error(l->diags, at,
				   "function '%s' of type %s comes before this function in "
				   "configuration %u, and FunctionFS does not renumber "
				   "associations (f_fs.c)",
				   f->label, f->type ? f->type : "?", c->id);
			diags_hint(l->diags, "in the configuration, list this function before all "
					     "functions without an 'ffs' group");
			return false;
		}
		*n += f->ffs->n_interfaces;
	}
	return true;
}

static bool config_has_function(const struct config *c, size_t function)
{
	for (size_t i = 0; i < c->n_functions; i++)
		if (c->functions[i].function_index == function)
			return true;
	return false;
}

/*
 * Sets the number of the function's first interface, which its associations need. At the bind, the
 * kernel numbers the interfaces and writes the numbers into interface descriptors, but not into
 * association descriptors; those must already contain the final numbers.
 */
static void set_first_interface_of_function(struct load *l, size_t function,
					    const struct text_range *at)
{
	struct ffs *ffs = l->gadget->functions[function].ffs;
	const struct config *first = NULL;

	for (size_t i = 0; i < l->gadget->n_configs; i++) {
		const struct config *c = &l->gadget->configs[i];
		size_t n;

		if (!config_has_function(c, function))
			continue;
		if (!count_interfaces_before(l, c, function, &n, at))
			return;
		if (first && n != ffs->first_interface) {
			diag_error(
				l->diags, at,
				"the interfaces of this function begin at %u in configuration %u, "
				"but at %zu in configuration %u, and FunctionFS does not "
				"renumber associations (f_fs.c)",
				ffs->first_interface, first->id, n, c->id);
			return;
		}
		first = c;
		ffs->first_interface = (uint8_t)n;
	}
}

void load_finish_associations(struct load *l)
{
	bool has_class = false;

	for (size_t i = 0; i < l->gadget->n_functions; i++) {
		const struct function *f = &l->gadget->functions[i];
		const struct node *node;

		if (!f->ffs || f->ffs->n_associations == 0 || l->has_syntax_error)
			continue;
		node = node_member(node_member(l->function_nodes[i], "ffs"), "associations");
		if (!has_class)
			set_device_class(l, &node->name_at);
		has_class = true;
		set_first_interface_of_function(l, i, &node->name_at);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks that the Ethernet addresses of network functions differ. The kernel accepts equal ones
 * (u_ether.c), but the two ends of a link cannot reach each other then, and of two interfaces with
 * one address only one is reached.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

static const char *const address_names[] = { "dev_addr", "host_addr" };

/* An address in the group `attrs` of a function. */
struct address {
	size_t function;	     /* in gadget.functions */
	const char *name;	     /* an element of address_names */
	const struct node *node;     /* NULL: not set, or with an error */
	const char *normalized_text; /* as the kernel shows it: lower case, with ':' */
};

/* The addresses of each function, in the order of address_names. */
struct function_addresses {
	struct address list[ARRAY_SIZE(address_names)];
	bool has_warning; /* a warning about one of them was added */
};

/* Returns whether a function has a type of which ffsctl knows that it has the attribute. */
static bool type_has_attribute(const struct function *f, const char *name)
{
	const struct function_type *type = function_type_find(f->type);

	return type && type->attr_keys && key_find(type->attr_keys, name);
}

static struct address find_address(const struct load *l, size_t function, const char *name)
{
	const struct function *f = &l->gadget->functions[function];
	const struct node *group = l->function_nodes[function], *attrs, *node;
	const struct configfs_attribute *attribute =
		configfs_attributes_find(&f->configfs_attributes, name);
	struct address address = { .function = function, .name = name };

	attrs = group->type == NODE_GROUP ? node_member(group, "attrs") : NULL;
	node = attrs && attrs->type == NODE_GROUP ? node_member(attrs, name) : NULL;
	/* Only an ATTRIBUTE_VALUE contains the address itself. */
	if (!node || node->has_error || !attribute || attribute->entry_kind != ATTRIBUTE_VALUE ||
	    !type_has_attribute(f, name))
		return address;
	address.node = node;
	address.normalized_text = attribute->value;
	return address;
}

static void check_ends_differ(struct load *l, const struct function_addresses *f)
{
	const struct address *board = &f->list[0], *host = &f->list[1];

	if (!board->node || !host->node || !streq(board->normalized_text, host->normalized_text))
		return;
	diag_error(l->diags, &host->node->at,
		   "'host_addr' is equal to 'dev_addr': the two ends of a link need different "
		   "Ethernet addresses");
	diags_hint(l->diags, "change the last byte of one of them");
}

/* For qsort: by the text, then by the function. */
static int compare_addresses(const void *a, const void *b)
{
	const struct address *x = a, *y = b;
	int order = strcmp(x->normalized_text, y->normalized_text);

	if (order != 0)
		return order;
	return x->function < y->function ? -1 : x->function > y->function;
}

/*
 * Warns about the addresses in a configuration that an earlier function of the configuration has,
 * too. This is no error, because a host may use only one of the functions: Windows RNDIS, others
 * ECM.
 */
static void check_functions_differ(struct load *l, struct function_addresses *functions,
				   const struct config *c)
{
	_cleanup_free_ struct address *all =
		xcalloc(c->n_functions * ARRAY_SIZE(address_names), sizeof(*all));
	const struct address *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_functions; i++)
		for (size_t k = 0; k < ARRAY_SIZE(address_names); k++) {
			all[n] = functions[c->functions[i].function_index].list[k];
			n += all[n].node != NULL;
		}
	qsort(all, n, sizeof(*all), compare_addresses);
	for (size_t i = 0; i < n; i++) {
		struct function_addresses *f = &functions[all[i].function];

		if (!first || !streq(all[i].normalized_text, first->normalized_text))
			first = &all[i];
		if (all[i].function == first->function || f->has_warning)
			continue;
		f->has_warning = true;
		diag_warning(l->diags, &all[i].node->at,
			     "'%s' is equal to '%s' of function '%s' in the same configuration: if "
			     "both functions are used, only one is reached",
			     all[i].name, first->name, l->gadget->functions[first->function].label);
		diags_hint(l->diags, "set different addresses");
	}
}

void load_check_ethernet_addresses(struct load *l)
{
	const struct gadget *g = l->gadget;
	_cleanup_free_ struct function_addresses *functions = NULL;

	if (load_is_from_document(l))
		return;
	functions = xcalloc(g->n_functions, sizeof(*functions));
	for (size_t i = 0; i < g->n_functions; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(address_names); k++)
			functions[i].list[k] = find_address(l, i, address_names[k]);
		check_ends_differ(l, &functions[i]);
	}
	for (size_t i = 0; i < g->n_configs; i++)
		check_functions_differ(l, functions, &g->configs[i]);
}

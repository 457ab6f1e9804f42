// SPDX-License-Identifier: GPL-2.0-or-later
/* What is legal, but will not do what was meant: warnings about the gadget as a whole. */
#include "gadgetfile/types/attrs.h"

static bool is_type(const struct function *f, const char *type)
{
	return streq_null(f->type, type);
}

/* Windows' driver looks for its interfaces where the device's first function has them. */
static void check_rndis(struct load *l, const struct config *c)
{
	for (size_t i = 1; i < c->n_functions; i++) {
		size_t function = c->functions[i].function;

		if (is_type(&l->g->functions[function], "rndis"))
			diag_warning(l->diags, node_range(l->functions[function]),
				     "function '%s' is not the first of configuration %u: Windows "
				     "takes RNDIS only there",
				     l->g->functions[function].label, c->id);
	}
}

/*
 * The kernel's function keeps its gadget off the bus until obex_connect, which it calls when a
 * host has configured it (f_obex.c, u_serial.c): seen in Linux 6.1 and 6.12.
 */
static void check_obex(struct load *l, size_t function)
{
	if (is_type(&l->g->functions[function], "obex"))
		diag_warning(l->diags, node_range(l->functions[function]),
			     "no host will see the gadget: the kernel's obex function keeps it off "
			     "the bus until a host has configured it (f_obex.c)");
}

void load_advice(struct load *l)
{
	for (size_t i = 0; i < l->g->n_configs; i++)
		check_rndis(l, &l->g->configs[i]);
	for (size_t i = 0; i < l->g->n_functions; i++)
		check_obex(l, i);
}

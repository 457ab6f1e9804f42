// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns about valid gadgets that will not work as intended. */
#include "gadgetfile/types/attrs.h"

static bool is_function_type(const struct function *f, const char *type)
{
	return streq_null(f->type, type);
}

/*
 * Warns about an RNDIS function that is not the first function of its configuration: the RNDIS
 * driver of Windows uses only the interfaces of the first function.
 */
static void warn_about_rndis(struct load *l, const struct config *c)
{
	for (size_t i = 1; i < c->n_functions; i++) {
		size_t function = c->functions[i].function_index;

		if (is_function_type(&l->gadget->functions[function], "rndis"))
			diag_warning(l->diags, node_range(l->function_nodes[function]),
				     "function '%s' is not the first of configuration %u: Windows "
				     "supports RNDIS only as the first function",
				     l->gadget->functions[function].label, c->id);
	}
}

/*
 * Warns about an obex function, with which a gadget never connects to a host. The kernel's function
 * keeps the gadget disconnected until obex_connect is called, but the kernel calls it only after a
 * host has configured the gadget (f_obex.c, u_serial.c of Linux 6.1 and 6.12).
 */
static void warn_about_obex(struct load *l, size_t function)
{
	if (is_function_type(&l->gadget->functions[function], "obex"))
		diag_warning(l->diags, node_range(l->function_nodes[function]),
			     "the gadget will not connect to a host: the kernel's obex function "
			     "keeps it disconnected until a host configures it (f_obex.c)");
}

void load_add_warnings(struct load *l)
{
	for (size_t i = 0; i < l->gadget->n_configs; i++)
		warn_about_rndis(l, &l->gadget->configs[i]);
	for (size_t i = 0; i < l->gadget->n_functions; i++)
		warn_about_obex(l, i);
}

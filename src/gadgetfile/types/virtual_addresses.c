// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Warns about addresses of endpoints with 'virtual_addr' that a UDC does not assign. The kernel
 * then shows hosts the addresses of the file (f_fs.c:3432), but chooses the UDC's endpoints as
 * always (usb_ep_autoconfig_ss, epautoconf.c), and enables one only if it has the address
 * (config_ep_by_speed_and_alt, composite.c:220).
 */
#include "base/cleanup.h"
#include "blob/uapi.h"
#include "gadgetfile/load.h"

#define EP_TYPES (EP_ISOCHRONOUS + 1)

/* Endpoints of a configuration that the UDC has assigned before those of a function. */
struct assigned_endpoints {
	unsigned int n;			  /* all */
	unsigned int least[2][EP_TYPES];  /* [direction][type]; there may be more */
	bool is_minimum;		  /* there may be more than `n` */
	const struct function *user[256]; /* [address]: a function with 'virtual_addr' */
};

static void warn(struct load *l, const struct node *node, const struct function *f,
		 const struct endpoint *ep, const struct text_range *at, const char *why)
{
	diag_warning(l->diags, at ? at : node_range_to_mark(node),
		     "no host can configure the gadget: endpoint '%s' of function '%s' has the "
		     "address 0x%02x, %s",
		     ep->name, f->label, ep->address, why);
	diags_hint(l->diags, "remove 'virtual_addr', or set the addresses that the UDC assigns to "
			     "the endpoints in their order");
}

/*
 * The numbers of endpoints of one type and direction that drivers of UDCs have differ by at most
 * this (dummy_hcd: 5; lpc32xx_udc: 3; others: 1), and the first is not above it.
 */
#define MAX_STEP 5

/*
 * Returns why no UDC assigns this address to the function's endpoint; NULL: one may. A UDC numbers
 * endpoints from 1 on, either all, or those of each direction, or those of each type, and the
 * kernel takes the first one that is free, in the order in which functions are linked.
 */
static char *why_not_assigned(const struct assigned_endpoints *a, const struct endpoint *ep)
{
	unsigned int number = ep->address & USB_ENDPOINT_NUMBER_MASK,
		     least = a->least[ep->direction][ep->type],
		     first = ep->type == EP_BULK ? 2 : MAX_STEP;

	if (a->user[ep->address])
		return strf("which function '%s' has, too", a->user[ep->address]->label);
	if (number <= least)
		return strf("but %u endpoint%s of its kind before it ha%s the lower numbers", least,
			    least == 1 ? "" : "s", least == 1 ? "s" : "ve");
	if (number > a->n * MAX_STEP + first && !a->is_minimum)
		return xstrdup("but UDCs number endpoints from 1 on");
	return NULL;
}

/* Counts the endpoints of a kernel function: those that it has at least. */
static void count_kernel_function(const struct function *f, struct assigned_endpoints *a)
{
	a->n += f->endpoints.in + f->endpoints.out;
	a->is_minimum |= f->endpoints.is_minimum || f->ffs;
	/* All others that have both directions have a bulk endpoint for each. */
	if (f->endpoints.in > 0 && f->endpoints.out > 0 && !f->endpoints.has_isochronous) {
		a->least[EP_IN][EP_BULK]++;
		a->least[EP_OUT][EP_BULK]++;
	}
}

/* Warns about the first such address of a function. Counts its endpoints. */
static void check_function(struct load *l, const struct config *c, size_t index,
			   struct assigned_endpoints *a)
{
	const struct function *f = &l->gadget->functions[c->functions[index].function_index];
	const struct node *node = l->function_nodes[c->functions[index].function_index];
	const struct ffs *ffs = function_descriptors(f);
	bool virtual = ffs && ffs->flags & FUNCTIONFS_VIRTUAL_ADDR, warned = false;

	if (!ffs) {
		count_kernel_function(f, a);
		return;
	}
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		for (size_t k = 0; k < ffs->interfaces[i].n_endpoints; k++) {
			const struct endpoint *ep = &ffs->interfaces[i].endpoints[k];
			_cleanup_free_ char *why = virtual && !warned ? why_not_assigned(a, ep)
								      : NULL;

			if (why)
				warn(l, node, f, ep, load_find_setting_range(l, node, &ep->at),
				     why);
			warned = warned || why;
			a->least[ep->direction][ep->type]++;
			a->n++;
		}
	}
	for (size_t i = 0; virtual && i < ffs->n_interfaces; i++)
		for (size_t k = 0; k < ffs->interfaces[i].n_endpoints; k++)
			a->user[ffs->interfaces[i].endpoints[k].address] = f;
}

void load_add_virtual_address_warnings(struct load *l, const struct config *c)
{
	struct assigned_endpoints a = { 0 };

	for (size_t i = 0; i < c->n_functions; i++)
		check_function(l, c, i, &a);
}

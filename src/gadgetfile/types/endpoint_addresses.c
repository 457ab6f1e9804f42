// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assigns addresses and names to the endpoints of a function, and checks that their number,
 * addresses, names and pairs are valid.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "blob/uapi.h"
#include "gadgetfile/load.h"

#define MAX_PER_DIRECTION 15

struct used_endpoint_addresses {
	struct load *load;
	bool used_addresses[2][MAX_PER_DIRECTION + 1]; /* [direction][number] */
};

static void reserve_address(struct used_endpoint_addresses *u, const struct endpoint *ep,
			    struct node *node)
{
	bool *used = &u->used_addresses[ep->direction][ep->address & 0x0f];

	if (*used)
		load_error(u->load, load_member_or_node_itself(node, "address"),
			   "a second endpoint with address 0x%02x in this function", ep->address);
	*used = true;
}

/*
 * Gives an endpoint an address. The endpoint number in it is the endpoint's position in the
 * function (`ep->file_number`) if that number is free, else the lowest free number.
 */
static void assign_address(struct used_endpoint_addresses *u, struct endpoint *ep)
{
	const bool *used = u->used_addresses[ep->direction];
	unsigned int number = ep->file_number;

	if (number > MAX_PER_DIRECTION || used[number])
		for (number = 1; number < MAX_PER_DIRECTION && used[number];)
			number++;
	u->used_addresses[ep->direction][number] = true;
	ep->address = (uint8_t)(number | (ep->direction == EP_IN ? 0x80 : 0));
}

static void check_endpoint_names(struct load *l, struct endpoint *const *eps,
				 struct node *const *nodes, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!streq(eps[i]->name, eps[j]->name))
				continue;
			load_error(l, load_member_or_node_itself(nodes[i], "name"),
				   "a second endpoint named '%s' in this function", eps[i]->name);
			break;
		}
	}
}

/*
 * Returns false if there are too many endpoints, after adding an error about the first one beyond
 * the limit.
 */
static bool check_endpoint_count(struct load *l, struct endpoint *const *eps,
				 struct node *const *nodes, size_t n)
{
	unsigned int count[2] = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i == FFS_ENDPOINTS_MAX) {
			load_error(l, nodes[i], "a function has at most %d endpoints",
				   FFS_ENDPOINTS_MAX);
			return false;
		}
		if (++count[eps[i]->direction] > MAX_PER_DIRECTION) {
			load_error(l, nodes[i],
				   "a function has at most %d endpoints in one direction",
				   MAX_PER_DIRECTION);
			return false;
		}
	}
	return true;
}

/*
 * With the key 'rw_proxy' the kernel has one file for two endpoints, an IN and an OUT endpoint;
 * checks these pairs. The kernel pairs endpoints in the order of their descriptors, across
 * interfaces (f_fs.c).
 */
static void check_in_out_pairs(struct load *l, struct endpoint *const *eps,
			       struct node *const *nodes, size_t n, struct node *rw_proxy)
{
	if (n == 0 || n % 2)
		load_error(l, rw_proxy,
			   "'rw_proxy' joins endpoints in pairs: the number of endpoints must be "
			   "even and above 0, not %zu",
			   n);
	for (size_t i = 0; i < n; i++) {
		if (i % 2 && eps[i]->direction == eps[i - 1]->direction && !nodes[i]->has_error)
			load_error(l, nodes[i],
				   "'rw_proxy' joins endpoints %zu and %zu, but both are %s", i,
				   i + 1, eps[i]->direction == EP_IN ? "in" : "out");
		if (str_has_suffix(eps[i]->name, "_rw"))
			load_error(l, load_member_or_node_itself(nodes[i], "name"),
				   "with 'rw_proxy' the name of an endpoint must not end in '_rw', "
				   "as the names of files for endpoint pairs do");
	}
}

void load_finish_endpoints(struct load *l, struct ffs_settings *d)
{
	_cleanup_free_ struct endpoint **eps = xcalloc(d->n_endpoints, sizeof(*eps));
	struct used_endpoint_addresses u = { .load = l };
	struct node *rw_proxy;
	size_t n = 0;

	for (size_t i = 0; i < d->ffs->n_interfaces; i++)
		for (size_t j = 0; j < d->ffs->interfaces[i].n_endpoints; j++)
			eps[n++] = &d->ffs->interfaces[i].endpoints[j];
	for (size_t i = 0; i < n; i++)
		eps[i]->file_number = (unsigned int)i + 1;
	if (!check_endpoint_count(l, eps, d->endpoints, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (eps[i]->address != 0)
			reserve_address(&u, eps[i], d->endpoints[i]);
	for (size_t i = 0; i < n; i++) {
		if (eps[i]->address == 0 && !d->endpoints[i]->has_error)
			assign_address(&u, eps[i]);
		if (!eps[i]->name)
			eps[i]->name =
				strf("ep%zu-%s", i + 1, eps[i]->direction == EP_IN ? "in" : "out");
	}
	check_endpoint_names(l, eps, d->endpoints, n);
	rw_proxy = d->flags[FFS_FLAG_NUMBER(FUNCTIONFS_RW_PROXY_EPS)];
	if (rw_proxy && rw_proxy->integer && !l->has_syntax_error)
		check_in_out_pairs(l, eps, d->endpoints, n, rw_proxy);
}

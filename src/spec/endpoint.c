// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Endpoints: one description becomes one descriptor for each speed. What is general is fitted to
 * the speed, what is exact is checked against it. Sizes: USB 2.0, 5.7.3, 5.8.3, table 9-13; USB
 * 3.2, tables 9-24 and 9-26.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "spec/load.h"

#define MAX_PER_DIRECTION 15
#define MAX_ENDPOINTS 30 /* FFS_MAX_EPS_COUNT, less ep0 */
#define INTERRUPT_DEFAULT_SIZE 64
#define MICROFRAME 0.125 /* ms */

static const char *const speed_keys[EP_SPEED_COUNT] = { "full", "high", "super" };
static const char *const speed_names[EP_SPEED_COUNT] = { "full speed", "high speed", "SuperSpeed" };

/* Where to point when the value at fault is not known any more. */
static struct node *member(struct node *node, const char *name)
{
	struct node *value = node->type == NODE_GROUP ? node_member(node, name) : NULL;

	return value ? value : node;
}

static bool bulk_size_is_legal(int speed, int64_t size)
{
	switch (speed) {
	case EP_FULL:
		return size == 8 || size == 16 || size == 32 || size == 64;
	case EP_HIGH:
		return size == 512;
	default:
		return size == 1024;
	}
}

static int64_t interrupt_limit(int speed)
{
	return speed == EP_FULL ? 64 : 1024;
}

static int64_t fit_size(enum ep_type type, int speed, const struct spec_int *asked)
{
	int64_t size = asked->value;

	if (type == EP_INTERRUPT) {
		if (!asked->set)
			return INTERRUPT_DEFAULT_SIZE;
		return size < interrupt_limit(speed) ? size : interrupt_limit(speed);
	}
	if (speed == EP_FULL)
		return !asked->set || size >= 64 ? 64 : size;
	return speed == EP_HIGH ? 512 : 1024;
}

static const char *bulk_rule(int speed)
{
	switch (speed) {
	case EP_FULL:
		return "8, 16, 32 or 64";
	case EP_HIGH:
		return "512";
	default:
		return "1024";
	}
}

static void check_exact_size(struct load *l, enum ep_type type, int speed, struct node *value)
{
	if (type == EP_BULK && !bulk_size_is_legal(speed, value->integer))
		load_error(l, value, "a bulk endpoint's packets at %s have %s bytes, not %s (%s)",
			   speed_names[speed], bulk_rule(speed), value->text,
			   speed == EP_SUPER ? "USB 3.2, table 9-24" : "USB 2.0, 5.8.3");
	else if (type == EP_INTERRUPT && value->integer > interrupt_limit(speed))
		load_error(
			l, value,
			"an interrupt endpoint's packets at %s have at most %lld bytes (%s), not "
			"%s",
			speed_names[speed], (long long)interrupt_limit(speed),
			speed == EP_SUPER ? "USB 3.2, table 9-24" : "USB 2.0, 5.7.3", value->text);
}

/* The size must be right at one speed at least; the others are fitted. */
static void check_size(struct load *l, enum ep_type type, const struct ffs *ffs, struct node *value)
{
	if (type != EP_BULK || value->bad)
		return;
	for (int i = 0; i < EP_SPEED_COUNT; i++)
		if (ffs->speed[i] && bulk_size_is_legal(i, value->integer))
			return;
	load_error(
		l, value,
		"a bulk endpoint's packets have 8, 16, 32 or 64 bytes at full speed, 512 at high "
		"speed (USB 2.0, 5.8.3) and 1024 at SuperSpeed, not %s",
		value->text);
}

/* The highest bInterval that asks at least as often as every `ms`. */
static uint8_t encode_interval(int speed, double ms)
{
	unsigned int n = 1;

	if (speed == EP_FULL)
		return ms < 1 ? 1 : ms > 255 ? 255 : (uint8_t)ms;
	while (n < 16 && MICROFRAME * (1 << n) <= ms)
		n++;
	return (uint8_t)n;
}

static double decode_interval(int speed, uint8_t interval)
{
	return speed == EP_FULL ? interval : MICROFRAME * (1 << (interval - 1));
}

static void check_exact_interval(struct load *l, int speed, struct node *value)
{
	if (value->bad ||
	    decode_interval(speed, encode_interval(speed, value->real)) == value->real)
		return;
	load_error(l, value, "%s cannot say exactly %s ms: %s", speed_names[speed], value->text,
		   speed == EP_FULL ? "it has whole ms from 1 to 255 (USB 2.0, 5.7.4)"
				    : "it has 0.125 ms times a power of 2 (USB 2.0, 9.6.6)");
}

static void check_burst(struct load *l, enum ep_type type, int64_t size, int64_t burst,
			struct node *value)
{
	if (type != EP_INTERRUPT || burst == 0 || value->bad)
		return;
	if (burst > 2)
		load_error(l, value,
			   "an interrupt endpoint's 'burst' is at most 2 (USB 3.2, 9.6.7)");
	else if (size != 1024)
		load_error(l, value,
			   "an interrupt endpoint with 'burst' has packets of 1024 bytes (USB 3.2, "
			   "9.6.6), not %lld",
			   (long long)size);
}

static void no_interval(struct load *l, struct node *value)
{
	load_error(l, value, "a bulk endpoint has no 'interval'");
}

/* Lays the exact group of one speed over what was fitted. */
static void load_exact(struct load *l, struct endpoint *ep, const struct ffs *ffs, int speed,
		       struct node *node)
{
	struct ep_speed *s = &ep->speed[speed];
	struct exact_draft x = { 0 };
	struct node *size = node_member(node, "max_packet"),
		    *interval = node_member(node, "interval");

	load_group(l, speed == EP_SUPER ? &super_keys : &full_keys, node, &x);
	if (!ffs->speed[speed] && !l->partial) {
		diag_error(l->diags, &node->name_at, "'%s' is not one of the function's 'speeds'",
			   speed_keys[speed]);
		return;
	}
	if (x.max_packet.set) {
		s->max_packet = (uint16_t)x.max_packet.value;
		check_exact_size(l, ep->type, speed, size);
	}
	if (x.interval && ep->type == EP_BULK) {
		no_interval(l, interval);
	} else if (x.interval) {
		s->interval = encode_interval(speed, x.interval->real);
		check_exact_interval(l, speed, interval);
	}
	if (x.burst.set)
		s->burst = (uint8_t)x.burst.value;
}

static void load_speeds(struct load *l, struct endpoint *ep, const struct ffs *ffs,
			const struct endpoint_draft *d, struct node *node)
{
	double ms = d->interval ? d->interval->real : 1;

	if (d->max_packet.set)
		check_size(l, ep->type, ffs, member(node, "max_packet"));
	if (d->interval && ep->type == EP_BULK)
		no_interval(l, d->interval);
	if (d->burst.value > 0 && !ffs->speed[EP_SUPER] && !l->partial)
		load_error(l, member(node, "burst"),
			   "'burst' is of SuperSpeed, which is not one of the function's 'speeds'");
	for (int i = 0; i < EP_SPEED_COUNT; i++) {
		struct ep_speed *s = &ep->speed[i];

		s->used = ffs->speed[i];
		if (s->used) {
			s->max_packet = (uint16_t)fit_size(ep->type, i, &d->max_packet);
			s->interval = ep->type == EP_BULK ? 0 : encode_interval(i, ms);
			s->burst = i == EP_SUPER ? (uint8_t)d->burst.value : 0;
			/* What is not said is made to fit what is. */
			if (s->burst > 0 && ep->type == EP_INTERRUPT && !d->max_packet.set)
				s->max_packet = 1024;
		}
		if (d->exact[i])
			load_exact(l, ep, ffs, i, d->exact[i]);
	}
	if (ep->speed[EP_SUPER].used) {
		struct node *super = d->exact[EP_SUPER];

		check_burst(l, ep->type, ep->speed[EP_SUPER].max_packet, ep->speed[EP_SUPER].burst,
			    super && node_member(super, "burst") ? member(super, "burst")
								 : member(node, "burst"));
	}
}

/* What a group says of direction and address; false: an error has been reported. */
static bool load_direction(struct load *l, struct endpoint *ep, const struct endpoint_draft *d,
			   struct node *node)
{
	int64_t address = d->address.value;
	struct node *given = member(node, "address");

	if (node_member(node, "direction") && !d->direction.node)
		return false;
	if (d->address.set && ((address & 0x0f) == 0 || (address & 0x70) != 0)) {
		load_error(l, given,
			   "an endpoint's address is 0x01 to 0x0f for out, 0x81 to 0x8f for in, "
			   "not %s",
			   given->text);
		return false;
	}
	if (!d->direction.node && !d->address.set) {
		if (!l->partial && !node_member(node, "address"))
			diag_error(l->diags, &node->at, "an endpoint needs 'direction'");
		return false;
	}
	ep->direction = d->direction.node ? (enum ep_direction)d->direction.value
			: address & 0x80  ? EP_IN
					  : EP_OUT;
	/* A number alone is completed by the direction. */
	if (d->address.set && d->direction.node && (address & 0x80) && ep->direction == EP_OUT) {
		load_error(l, given, "address %s is of an in endpoint, the direction is out",
			   given->text);
		return false;
	}
	if (d->address.set)
		ep->address = (uint8_t)((address & 0x0f) | (ep->direction == EP_IN ? 0x80 : 0));
	return true;
}

static void load_endpoint(struct load *l, struct ffs_draft *draft, struct interface *interface,
			  struct node *node)
{
	const struct key *k = key_find(&interface_keys, "endpoints");
	struct endpoint *ep = array_add(interface->endpoints, interface->n_endpoints);
	struct endpoint_draft d = { 0 };

	*array_add(draft->endpoints, draft->n_endpoints) = node;
	ep->at = load_origin(l, &node->at);
	if (node->type == NODE_STRING) {
		unsigned int word = key_find_word(k->words, node->text)->value;

		ep->type = (enum ep_type)(word >> 1);
		ep->direction = (enum ep_direction)(word & 1);
		load_speeds(l, ep, draft->ffs, &d, node);
		return;
	}
	load_group(l, &endpoint_keys, node, &d);
	ep->name = d.name.value;
	if (!load_direction(l, ep, &d, node) || !d.type.node) {
		node->bad = true;
		return;
	}
	ep->type = (enum ep_type)d.type.value;
	ep->zlp = d.zlp;
	/* A plugin's engine cuts long messages into writes, each of which the kernel would end. */
	if (d.zlp.value && (ep->direction == EP_OUT || draft->plugin))
		load_error(l, member(node, "zlp"),
			   ep->direction == EP_OUT
				   ? "'zlp' is of in endpoints: the host ends its transfers itself"
				   : "'zlp' is for programs: a plugin's messages are ended for it");
	load_speeds(l, ep, draft->ffs, &d, node);
}

void load_interface_endpoints(struct load *l, struct ffs_draft *d, struct interface *interface,
			      struct node *list)
{
	node_foreach(item, list)
		if (!item->bad)
			load_endpoint(l, d, interface, item);
}

struct numbering {
	struct load *l;
	bool taken[2][MAX_PER_DIRECTION + 1]; /* [direction][number] */
};

static void take_address(struct numbering *u, const struct endpoint *ep, struct node *node)
{
	bool *taken = &u->taken[ep->direction][ep->address & 0x0f];

	if (*taken)
		load_error(u->l, member(node, "address"),
			   "a second endpoint with address 0x%02x in this function", ep->address);
	*taken = true;
}

/* In file order from 1, where that is free; else the lowest number that is. */
static void give_address(struct numbering *u, struct endpoint *ep)
{
	const bool *taken = u->taken[ep->direction];
	unsigned int number = ep->number;

	if (number > MAX_PER_DIRECTION || taken[number])
		for (number = 1; number < MAX_PER_DIRECTION && taken[number];)
			number++;
	u->taken[ep->direction][number] = true;
	ep->address = (uint8_t)(number | (ep->direction == EP_IN ? 0x80 : 0));
}

static void check_names(struct load *l, struct endpoint *const *eps, struct node *const *nodes,
			size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!streq(eps[i]->name, eps[j]->name))
				continue;
			load_error(l, member(nodes[i], "name"),
				   "a second endpoint named '%s' in this function", eps[i]->name);
			break;
		}
	}
}

/* False: more than the kernel takes; the first one too many is marked. */
static bool check_count(struct load *l, struct endpoint *const *eps, struct node *const *nodes,
			size_t n)
{
	unsigned int count[2] = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i == MAX_ENDPOINTS) {
			load_error(l, nodes[i], "a function has at most %d endpoints",
				   MAX_ENDPOINTS);
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

/* Endpoints are joined in descriptor order, whatever interface they are in (f_fs.c). */
static void check_pairs(struct load *l, struct endpoint *const *eps, struct node *const *nodes,
			size_t n, struct node *rw_proxy)
{
	if (n == 0 || n % 2)
		load_error(l, rw_proxy,
			   "'rw_proxy' joins endpoints in pairs, and this function has %zu", n);
	for (size_t i = 0; i < n; i++) {
		if (i % 2 && eps[i]->direction == eps[i - 1]->direction && !nodes[i]->bad)
			load_error(l, nodes[i],
				   "'rw_proxy' joins endpoints %zu and %zu, and both are %s", i,
				   i + 1, eps[i]->direction == EP_IN ? "in" : "out");
		if (str_has_suffix(eps[i]->name, "_rw"))
			load_error(l, member(nodes[i], "name"),
				   "with 'rw_proxy' names that end in '_rw' are those of files for "
				   "both directions");
	}
}

void load_check_endpoints(struct load *l, struct ffs_draft *d)
{
	_cleanup_free_ struct endpoint **eps = xcalloc(d->n_endpoints, sizeof(*eps));
	struct numbering u = { .l = l };
	size_t n = 0;

	for (size_t i = 0; i < d->ffs->n_interfaces; i++)
		for (size_t j = 0; j < d->ffs->interfaces[i].n_endpoints; j++)
			eps[n++] = &d->ffs->interfaces[i].endpoints[j];
	for (size_t i = 0; i < n; i++)
		eps[i]->number = (unsigned int)i + 1;
	if (!check_count(l, eps, d->endpoints, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (eps[i]->address != 0)
			take_address(&u, eps[i], d->endpoints[i]);
	for (size_t i = 0; i < n; i++) {
		if (eps[i]->address == 0 && !d->endpoints[i]->bad)
			give_address(&u, eps[i]);
		if (!eps[i]->name)
			eps[i]->name =
				strf("ep%zu-%s", i + 1, eps[i]->direction == EP_IN ? "in" : "out");
	}
	check_names(l, eps, d->endpoints, n);
	if (d->rw_proxy && d->rw_proxy->integer && !l->partial)
		check_pairs(l, eps, d->endpoints, n, d->rw_proxy);
}

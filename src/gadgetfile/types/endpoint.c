// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads endpoints. Each endpoint has a descriptor for each speed. A value in the endpoint's group
 * is for all speeds; for each speed it is reduced to what that speed allows. A value in one of the
 * groups `full`, `high` and `super` is for one speed, which must allow it. Sizes:
 * USB 2.0, 5.6.3, 5.7.3, 5.8.3, tables 9-13 and 9-14; USB 3.2, tables 9-24 and 9-26.
 */
#include <stdio.h>

#include "gadgetfile/load.h"

#define INTERRUPT_DEFAULT_SIZE 64
#define MICROFRAME 0.125 /* ms */

static const char *const type_names[] = {
	[EP_BULK] = "a bulk", [EP_INTERRUPT] = "an interrupt", [EP_ISOCHRONOUS] = "an isochronous"
};

/* Maximum packet sizes of periodic endpoints, by transfer type and speed. */
static const struct {
	int64_t bytes;
	const char *rule;
} limits[][EP_SPEED_COUNT] = {
	[EP_INTERRUPT] = { { 64, "USB 2.0, 5.7.3" },
			   { 1024, "USB 2.0, 5.7.3" },
			   { 1024, "USB 3.2, table 9-24" } },
	[EP_ISOCHRONOUS] = { { 1023, "USB 2.0, 5.6.3" },
			     { 1024, "USB 2.0, 5.6.3" },
			     { 1024, "USB 3.2, table 9-24" } },
};

/*
 * Minimum packet size at high speed, indexed by the packets in a microframe (USB 2.0, table 9-14).
 */
static const uint16_t mult_minimum[] = { 1, 1, 513, 683 };

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

static int64_t size_for_speed(enum ep_type type, int speed, const struct positioned_int *asked)
{
	int64_t size = asked->value;

	if (type != EP_BULK) {
		if (!asked->set)
			return INTERRUPT_DEFAULT_SIZE;
		return size < limits[type][speed].bytes ? size : limits[type][speed].bytes;
	}
	if (speed == EP_FULL)
		return !asked->set || size >= 64 ? 64 : size;
	return speed == EP_HIGH ? 512 : 1024;
}

static const char *allowed_bulk_sizes(int speed)
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

static void check_max_packet_for_one_speed(struct load *l, enum ep_type type, int speed,
					   struct node *value)
{
	if (type == EP_BULK && !bulk_size_is_legal(speed, value->integer))
		load_error(l, value,
			   "a bulk endpoint's packets at %s must have %s bytes, not %s (%s)",
			   ep_speed_names[speed], allowed_bulk_sizes(speed), value->text,
			   speed == EP_SUPER ? "USB 3.2, table 9-24" : "USB 2.0, 5.8.3");
	else if (type != EP_BULK && value->integer > limits[type][speed].bytes)
		load_error(l, value,
			   "%s endpoint's packets at %s must have at most %lld bytes (%s), not %s",
			   type_names[type], ep_speed_names[speed],
			   (long long)limits[type][speed].bytes, limits[type][speed].rule,
			   value->text);
}

/*
 * Checks the packet size that a bulk endpoint has for all speeds: at least one of the function's
 * speeds must allow it.
 */
static void check_max_packet_for_any_speed(struct load *l, enum ep_type type, const struct ffs *ffs,
					   struct node *value)
{
	if (type != EP_BULK || value->has_error)
		return;
	for (int i = 0; i < EP_SPEED_COUNT; i++)
		if (ffs->has_speed[i] && bulk_size_is_legal(i, value->integer))
			return;
	load_error(l, value,
		   "a bulk endpoint's packets must have 8, 16, 32 or 64 bytes at full speed, 512 "
		   "at high "
		   "speed (USB 2.0, 5.8.3) and 1024 at SuperSpeed, not %s",
		   value->text);
}

/*
 * Returns whether bInterval n means n frames. Otherwise it means 2^(n-1) frames or microframes (USB
 * 2.0, 9.6.6).
 */
static bool interval_counts_frames(enum ep_type type, int speed)
{
	return speed == EP_FULL && type == EP_INTERRUPT;
}

/* Returns the interval that bInterval 1 means at this speed, in ms. */
static double shortest_interval(int speed)
{
	return speed == EP_FULL ? 1 : MICROFRAME;
}

/* Returns the highest bInterval whose interval is at most `ms`. */
static uint8_t encode_interval(enum ep_type type, int speed, double ms)
{
	unsigned int n = 1;

	if (interval_counts_frames(type, speed))
		return ms < 1 ? 1 : ms > 255 ? 255 : (uint8_t)ms;
	while (n < 16 && shortest_interval(speed) * (1 << n) <= ms)
		n++;
	return (uint8_t)n;
}

static double decode_interval(enum ep_type type, int speed, uint8_t interval)
{
	if (interval_counts_frames(type, speed))
		return interval;
	return shortest_interval(speed) * (1 << (interval - 1));
}

static void check_interval_for_one_speed(struct load *l, enum ep_type type, int speed,
					 struct node *value)
{
	double ms = value->real;

	if (value->has_error ||
	    decode_interval(type, speed, encode_interval(type, speed, ms)) == ms)
		return;
	load_error(l, value, "%s has no interval of exactly %s ms: %s", ep_speed_names[speed],
		   value->text,
		   interval_counts_frames(type, speed)
			   ? "intervals are whole ms from 1 to 255 (USB 2.0, 5.7.4)"
		   : speed == EP_FULL
			   ? "isochronous endpoints have 1 ms times a power of 2 (USB 2.0, 9.6.6)"
			   : "intervals are 0.125 ms times a power of 2 (USB 2.0, 9.6.6)");
}

static void check_burst(struct load *l, enum ep_type type, int64_t size, int64_t burst,
			struct node *value)
{
	if (type == EP_BULK || burst == 0 || value->has_error)
		return;
	if (type == EP_INTERRUPT && burst > 2)
		load_error(l, value,
			   "an interrupt endpoint's 'burst' must be at most 2 (USB 3.2, 9.6.7)");
	else if (size != 1024)
		load_error(l, value,
			   "%s endpoint with 'burst' must have packets of 1024 bytes (USB 3.2, "
			   "9.6.6), not %lld",
			   type_names[type], (long long)size);
}

/*
 * Returns whether endpoints of this type can have several packets or bursts per interval at this
 * speed.
 */
static bool speed_allows_mult(enum ep_type type, int speed)
{
	return speed == EP_HIGH ? type != EP_BULK : speed == EP_SUPER && type == EP_ISOCHRONOUS;
}

static void error_mult_not_allowed(struct load *l, enum ep_type type, int speed, struct node *value)
{
	if (type == EP_BULK) {
		load_error(l, value, "a bulk endpoint cannot have 'mult'");
	} else if (speed == EP_FULL) {
		load_error(l, value,
			   "'mult' needs high speed or SuperSpeed: at full speed a frame has one "
			   "packet (USB 2.0, 9.6.6)");
	} else {
		load_error(l, value,
			   "at SuperSpeed only isochronous endpoints can have 'mult' (USB 3.2, "
			   "9.6.7)");
		diags_hint(l->diags, "use 'burst' for an interrupt endpoint");
	}
}

static void check_mult(struct load *l, const struct endpoint_speed_values *high, struct node *value)
{
	if (value->has_error || high->max_packet >= mult_minimum[high->mult])
		return;
	load_error(l, value,
		   "'mult' %d requires packets of %d to 1024 bytes at high speed (USB 2.0, table "
		   "9-14), not %d",
		   high->mult, mult_minimum[high->mult], high->max_packet);
}

/*
 * Checks or changes mult and burst at SuperSpeed: Mult must be 0 if bMaxBurst is 0 (USB 3.2,
 * 9.6.7). If the gadget file sets 'mult' for all speeds and no burst, changes mult at SuperSpeed to
 * 1: the endpoint has one burst in each service interval. If a packet has 1024 bytes, this burst
 * has as many packets as 'mult' of the gadget file; else it has one packet.
 */
static void set_super_mult(struct load *l, struct endpoint_speed_values *super,
			   const struct endpoint_settings *d, struct node *node)
{
	const struct node *speed_group = d->by_speed[EP_SUPER];

	if (super->mult <= 1 || super->burst > 0)
		return;
	if (speed_group && node_member(speed_group, "mult")) {
		load_error(l, node_member(speed_group, "mult"),
			   "'mult' requires a 'burst' above 0 at SuperSpeed (USB 3.2, "
			   "9.6.7)");
		return;
	}
	if (super->max_packet == 1024 && !node_member(node, "burst") &&
	    !(speed_group && node_member(speed_group, "burst")))
		super->burst = (uint8_t)(super->mult - 1);
	super->mult = 1;
}

static void error_bulk_interval(struct load *l, struct node *value)
{
	load_error(l, value, "a bulk endpoint cannot have 'interval'");
}

/*
 * Replaces, for one speed, the values of the endpoint's group by those in the group of that speed,
 * `node`.
 */
static void load_values_for_one_speed(struct load *l, struct endpoint *ep, const struct ffs *ffs,
				      int speed, struct node *node)
{
	struct endpoint_speed_values *s = &ep->speed[speed];
	struct endpoint_speed_settings x = { 0 };
	struct node *size = node_member(node, "max_packet"),
		    *interval = node_member(node, "interval"), *mult = node_member(node, "mult");

	load_group(l, speed == EP_SUPER ? &super_keys : &full_keys, node, &x);
	if (!ffs->has_speed[speed] && !l->has_syntax_error) {
		diag_error(l->diags, &node->name_at, "'%s' is not one of the function's 'speeds'",
			   ep_speed_words[speed]);
		return;
	}
	if (x.max_packet.set) {
		s->max_packet = (uint16_t)x.max_packet.value;
		check_max_packet_for_one_speed(l, ep->type, speed, size);
	}
	if (x.interval && ep->type == EP_BULK) {
		error_bulk_interval(l, interval);
	} else if (x.interval) {
		s->interval = encode_interval(ep->type, speed, x.interval->real);
		check_interval_for_one_speed(l, ep->type, speed, interval);
	}
	if (x.burst.set)
		s->burst = (uint8_t)x.burst.value;
	if (x.mult.set && speed_allows_mult(ep->type, speed))
		s->mult = (uint8_t)x.mult.value;
	else if (x.mult.value > 1 || (x.mult.set && ep->type == EP_BULK))
		error_mult_not_allowed(l, ep->type, speed, mult);
}

/* Returns whether the groups of all of the function's speeds set max_packet. */
static bool has_max_packet_for_each_speed(const struct ffs *ffs, const struct endpoint_settings *d)
{
	for (int i = 0; i < EP_SPEED_COUNT; i++)
		if (ffs->has_speed[i] &&
		    !(d->by_speed[i] && node_member(d->by_speed[i], "max_packet")))
			return false;
	return true;
}

/* Adds errors about values in the endpoint's group that none of the function's speeds allows. */
static void check_values_for_any_speed(struct load *l, const struct endpoint *ep,
				       const struct ffs *ffs, const struct endpoint_settings *d,
				       struct node *node)
{
	bool any = false;

	if (d->max_packet.set)
		check_max_packet_for_any_speed(l, ep->type, ffs,
					       load_member_or_node_itself(node, "max_packet"));
	else if (ep->type == EP_ISOCHRONOUS && !node_member(node, "max_packet") &&
		 !has_max_packet_for_each_speed(ffs, d) && !l->has_syntax_error)
		diag_error(l->diags, &node->at, "an isochronous endpoint needs 'max_packet'");
	if (d->interval && ep->type == EP_BULK)
		error_bulk_interval(l, d->interval);
	if (d->burst.value > 0 && !ffs->has_speed[EP_SUPER] && !l->has_syntax_error)
		load_error(l, load_member_or_node_itself(node, "burst"),
			   "'burst' needs SuperSpeed, which is not one of the function's 'speeds'");
	for (int i = 0; i < EP_SPEED_COUNT; i++)
		any |= ffs->has_speed[i] && speed_allows_mult(ep->type, i);
	if (d->mult.set && ep->type == EP_BULK)
		error_mult_not_allowed(l, ep->type, EP_HIGH,
				       load_member_or_node_itself(node, "mult"));
	else if (d->mult.value > 1 && !any && !l->has_syntax_error)
		load_error(l, load_member_or_node_itself(node, "mult"),
			   "none of the function's 'speeds' has 'mult'");
}

/*
 * Returns the setting `name` that applies to a speed: the one in the group of that speed,
 * `speed_group`, if it exists, else the one in the endpoint's group.
 */
static struct node *setting_of_speed_or_endpoint(struct node *speed_group,
						 struct node *endpoint_group, const char *name)
{
	return load_member_or_node_itself(
		speed_group && node_member(speed_group, name) ? speed_group : endpoint_group, name);
}

static void load_endpoint_speeds(struct load *l, struct endpoint *ep, const struct ffs *ffs,
				 const struct endpoint_settings *d, struct node *node)
{
	double ms = d->interval ? d->interval->real : 1;

	check_values_for_any_speed(l, ep, ffs, d, node);
	for (int i = 0; i < EP_SPEED_COUNT; i++) {
		struct endpoint_speed_values *s = &ep->speed[i];

		s->is_offered = ffs->has_speed[i];
		if (s->is_offered) {
			s->max_packet = (uint16_t)size_for_speed(ep->type, i, &d->max_packet);
			s->interval = ep->type == EP_BULK ? 0 : encode_interval(ep->type, i, ms);
			s->burst = i == EP_SUPER ? (uint8_t)d->burst.value : 0;
			s->mult = d->mult.set && speed_allows_mult(ep->type, i)
					  ? (uint8_t)d->mult.value
					  : 1;
			/* The default packet size of an endpoint with bursts */
			if (s->burst > 0 && ep->type == EP_INTERRUPT && !d->max_packet.set)
				s->max_packet = 1024;
		}
		if (d->by_speed[i])
			load_values_for_one_speed(l, ep, ffs, i, d->by_speed[i]);
	}
	if (ep->speed[EP_SUPER].is_offered) {
		check_burst(l, ep->type, ep->speed[EP_SUPER].max_packet, ep->speed[EP_SUPER].burst,
			    setting_of_speed_or_endpoint(d->by_speed[EP_SUPER], node, "burst"));
		set_super_mult(l, &ep->speed[EP_SUPER], d, node);
	}
	if (ep->speed[EP_HIGH].is_offered)
		check_mult(l, &ep->speed[EP_HIGH],
			   setting_of_speed_or_endpoint(d->by_speed[EP_HIGH], node, "mult"));
}

/* Loads the direction and the address; returns false after adding an error. */
static bool load_direction_and_address(struct load *l, struct endpoint *ep,
				       const struct endpoint_settings *d, struct node *node)
{
	int64_t address = d->address.value;
	struct node *given = load_member_or_node_itself(node, "address");

	if (node_member(node, "direction") && !d->direction.node)
		return false;
	if (d->address.set && ((address & 0x0f) == 0 || (address & 0x70) != 0)) {
		load_error(
			l, given,
			"an endpoint's address must be 0x01 to 0x0f for out, 0x81 to 0x8f for in, "
			"not %s",
			given->text);
		return false;
	}
	if (!d->direction.node && !d->address.set) {
		if (!l->has_syntax_error && !node_member(node, "address"))
			diag_error(l->diags, &node->at, "an endpoint needs 'direction'");
		return false;
	}
	ep->direction = d->direction.node ? (enum ep_direction)d->direction.value
			: address & 0x80  ? EP_IN
					  : EP_OUT;
	/* An address without the direction bit gets that bit from 'direction' */
	if (d->address.set && d->direction.node && (address & 0x80) && ep->direction == EP_OUT) {
		load_error(l, given,
			   "address %s belongs to an in endpoint, but the direction is out",
			   given->text);
		return false;
	}
	if (d->address.set)
		ep->address = (uint8_t)((address & 0x0f) | (ep->direction == EP_IN ? 0x80 : 0));
	return true;
}

/*
 * Checks 'zlp'. A plugin cannot use 'zlp': the engine splits a long message into several writes,
 * and with 'zlp' the kernel would end each write with a short packet.
 */
static void check_zlp(struct load *l, const struct endpoint *ep, bool has_plugin_worker,
		      struct node *value)
{
	if (ep->direction == EP_OUT)
		load_error(
			l, value,
			"'zlp' is only for IN endpoints: the host itself ends the transfers of OUT "
			"endpoints");
	else if (ep->type == EP_ISOCHRONOUS)
		load_error(l, value,
			   "'zlp' is not for isochronous endpoints: they have no transfers of "
			   "several packets that a zero-length packet could end");
	else if (has_plugin_worker)
		load_error(l, value,
			   "'zlp' is not for plugins: ffsctl-worker itself sends the zero-length "
			   "packet after a plugin's message");
}

/*
 * Warns about an isochronous endpoint in alternate setting 0. This is not an error, because
 * FunctionFS enables the endpoints of all alternate settings, whichever setting the host selects.
 */
static void warn_isochronous_in_setting_0(struct load *l, const struct endpoint *ep,
					  const struct node *node)
{
	if (ep->type == EP_ISOCHRONOUS && ep->alternate == 0)
		diag_warning(l->diags, &node->at,
			     "an isochronous endpoint belongs in one of 'alternates': alternate "
			     "setting 0 must not use bandwidth (USB 2.0, 5.6.3)");
}

static void load_endpoint(struct load *l, struct ffs_settings *settings,
			  struct interface *interface, struct node *node)
{
	const struct key *k = key_find(&interface_keys, "endpoints");
	struct endpoint *ep = array_add(interface->endpoints, interface->n_endpoints);
	struct endpoint_settings d = { 0 };

	*array_add(settings->endpoints, settings->n_endpoints) = node;
	ep->at = position_of_range(l, &node->at);
	ep->alternate = (uint8_t)interface->highest_alternate;
	if (node->type == NODE_STRING) {
		unsigned int word = key_find_word(k->words, node->text)->value;

		ep->type = (enum ep_type)(word >> 1);
		ep->direction = (enum ep_direction)(word & 1);
		if (ep->type != EP_ISOCHRONOUS) {
			load_endpoint_speeds(l, ep, settings->ffs, &d, node);
			return;
		}
		load_error(l, node, "an isochronous endpoint needs 'max_packet'");
		diags_hint(
			l->diags,
			"write { direction = \"%s\"; type = \"isochronous\"; max_packet = 192; }",
			ep->direction == EP_IN ? "in" : "out");
		return;
	}
	load_group(l, &endpoint_keys, node, &d);
	ep->name = d.name.value;
	if (!load_direction_and_address(l, ep, &d, node) || !d.type.node) {
		node->has_error = true;
		return;
	}
	ep->type = (enum ep_type)d.type.value;
	ep->zlp = d.zlp;
	if (d.zlp.value)
		check_zlp(l, ep, settings->has_plugin_worker,
			  load_member_or_node_itself(node, "zlp"));
	warn_isochronous_in_setting_0(l, ep, node);
	load_endpoint_speeds(l, ep, settings->ffs, &d, node);
}

void load_interface_endpoints(struct load *l, struct ffs_settings *d, struct interface *interface,
			      struct node *list)
{
	node_foreach(item, list)
		if (!item->has_error)
			load_endpoint(l, d, interface, item);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks that the attributes of an audio function are consistent; the kernel checks this only at
 * the bind.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/sound.h"
#include "gadgetfile/types/attrs.h"

#define MAX_RATES 10 /* UAC_MAX_RATES of uac_common.h */

void set_attr_rates(struct load *l, const struct key *k, struct node *value, void *field)
{
	char *all = value->type == NODE_INT ? strf("%lld", (long long)value->integer) : NULL;

	if (value->type != NODE_INT && value->n_children > MAX_RATES) {
		load_error(l, value, "'%s' must have at most %d rates", k->name, MAX_RATES);
		return;
	}
	for (struct node *item = value->type == NODE_INT ? NULL : value->first_child; item;
	     item = item->next) {
		char *longer =
			strf("%s%s%lld", all ? all : "", all ? "," : "", (long long)item->integer);

		free(all);
		all = longer;
	}
	if (all)
		load_set_attr_text(k, value, field, all);
}

/* Sets a text, and appends a newline because uac1 always removes the last byte. */
void set_attr_string_with_newline(struct load *l, const struct key *k, struct node *value,
				  void *field)
{
	struct attribute_value *a = load_find_attr(field, k->name);

	set_attr_string(l, k, value, field);
	if (a->value && !value->has_error) {
		char *line = strf("%s\n", a->value);

		load_set_attr_value(a, line, strlen(line));
	}
}

static long long side_attr_integer(struct attribute_values *d, const char *side, const char *name,
				   long long fallback)
{
	_cleanup_free_ char *key = strf("%s_%s", side, name);

	return load_attr_integer(d, key, fallback);
}

static void check_volume_range(struct load *l, struct attribute_values *d, const char *side)
{
	long long min = side_attr_integer(d, side, "volume_min", -25600),
		  max = side_attr_integer(d, side, "volume_max", 0),
		  res = side_attr_integer(d, side, "volume_res", 256);

	if (max <= min)
		diag_error(l->diags, node_range_to_mark(d->group),
			   "'%s_volume_max' (%lld) must be above '%s_volume_min' (%lld)", side, max,
			   side, min);
	else if (res > 0 && (max - min) % res != 0)
		diag_error(l->diags, node_range_to_mark(d->group),
			   "'%s_volume_min' and '%s_volume_max' differ by %lld, which is not a "
			   "multiple of '%s_volume_res' (%lld)",
			   side, side, max - min, side, res);
}

static long long highest_rate(struct attribute_values *d, const char *side, long long fallback)
{
	_cleanup_free_ char *key = strf("%s_srate", side);
	const struct node *node = load_find_attr(d, key)->node;
	long long highest = 0;

	if (!node || node->type == NODE_INT)
		return node ? node->integer : fallback;
	for (const struct node *item = node->first_child; item; item = item->next)
		if (!item->has_error && item->integer > highest)
			highest = item->integer;
	return highest;
}

/*
 * Returns the bytes of a packet of uac2 (get_max_bw_for_bint, f_uac2.c:671). `frame_size`: bytes of
 * a sample of all channels; `fb_max`: how much the rate may be above its nominal value, in
 * thousandths.
 */
static long long uac2_packet(long long rate, long long frame_size, long long per_second, bool async,
			     long long fb_max)
{
	if (async)
		rate = rate * (1000 + fb_max) / 1000;
	return ((rate + per_second - 1) / per_second + !async) * frame_size;
}

/*
 * Maximum bytes of a packet. The kernel tries bInterval 4, 3, 2 and 1 until the packets are small
 * enough, and divides by 0 if none suffices (f_uac2.c, set_ep_max_packet_size_bint).
 */
#define MAX_PACKET 1024
#define MICROFRAMES 8000
static void check_bandwidth(struct load *l, struct attribute_values *d, const char *side,
			    long long default_rate)
{
	_cleanup_free_ char *bint = strf("%s_hs_bint", side), *mask = strf("%s_chmask", side);
	const struct node *sync = load_find_attr(d, "c_sync")->node,
			  *place = load_find_attr(d, mask)->node;
	bool async = *side == 'p' || !sync || !streq(sync->text, "adaptive");
	unsigned long long channels = (unsigned long long)side_attr_integer(d, side, "chmask", 3);
	long long bytes =
		uac2_packet(highest_rate(d, side, default_rate),
			    __builtin_popcountll(channels) * side_attr_integer(d, side, "ssize", 2),
			    MICROFRAMES, async, load_attr_integer(d, "fb_max", 5));

	if (bytes <= MAX_PACKET || load_attr_integer(d, bint, 0) != 0)
		return;
	diag_error(l->diags, node_range_to_mark(place ? place : d->group),
		   "the data %s the host needs %lld bytes per microframe, but Linux crashes above "
		   "%d bytes",
		   *side == 'p' ? "to" : "from", bytes, MAX_PACKET);
	diags_hint(l->diags,
		   "use fewer channels, smaller samples or a lower rate, or '%s = 1', with which a "
		   "part of the sound is lost",
		   bint);
}

void check_and_convert_uac(struct load *l, struct function *f, struct attribute_values *d)
{
	static const char *const sides[] = { "p", "c" };

	if (side_attr_integer(d, "p", "chmask", 3) == 0 &&
	    side_attr_integer(d, "c", "chmask", 3) == 0)
		diag_error(l->diags, node_range_to_mark(d->group),
			   "a sound card needs channels: 'p_chmask' and 'c_chmask' are both 0");
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		check_volume_range(l, d, sides[i]);
	if (streq(f->type, "uac2")) {
		check_bandwidth(l, d, "p", 48000);
		check_bandwidth(l, d, "c", 64000);
	}
}

/* --- warnings --------------------------------------------------------------------------------- */

/* Returns the number of an attribute of a function, or the highest one of a list "1,2". */
static long long highest_number(const struct function *f, const char *side, const char *name,
				long long fallback)
{
	_cleanup_free_ char *path = strf("%s_%s", side, name);
	const struct configfs_attribute *a =
		configfs_attributes_find(&f->configfs_attributes, path);
	long long highest = 0;

	if (!a || !a->value)
		return fallback;
	for (char *p = a->value; *p; p += *p == ',') {
		char *end;
		long long number = strtoll(p, &end, 0);

		if (end == p)
			break;
		if (number > highest)
			highest = number;
		p = end;
	}
	return highest;
}

/* The endpoint of an audio function for one direction, at the highest speed of the gadget. */
struct sound_endpoint {
	long long rate;	      /* Hz */
	long long frame_size; /* bytes of a sample of all channels */
	long long bytes;      /* in an interval */
	long long max_packet;
	const char *interval; /* in words */
	const char *what_to_do;
};

/*
 * The endpoints of uac1 have packets of 200 bytes and bInterval 4 at all speeds (f_uac1.c:216-217,
 * u_uac1.h:14): 1 ms at high speed, 8 ms at full speed (USB 2.0, 9.6.6). u_audio.c:211 and :742 cut
 * the data to the packet.
 */
static void find_uac1_endpoint(bool full, struct sound_endpoint *e)
{
	long long per_second = full ? 125 : 1000;

	e->bytes = (e->rate + per_second - 1) / per_second * e->frame_size;
	e->max_packet = 200;
	e->interval = full ? "8 ms, its interval at full speed" : "1 ms, its interval";
	e->what_to_do = full ? "use type = \"uac2\", or remove 'max_speed'"
			     : "use type = \"uac2\", fewer channels, smaller samples or a lower "
			       "rate";
}

/*
 * The endpoints of uac2 have packets of at most 1023 bytes in 1 ms at full speed, and of at most
 * 1024 in an interval of *_hs_bint above; the kernel cuts what is more (f_uac2.c:702-763).
 */
static void find_uac2_endpoint(const struct function *f, const char *side, bool full,
			       struct sound_endpoint *e)
{
	static const char *const intervals[] = { NULL, "125 us", "250 us", "500 us", "1 ms" };
	const struct configfs_attribute *sync = configfs_attributes_find(&f->configfs_attributes,
									 "c_sync"),
					*fb_max = configfs_attributes_find(&f->configfs_attributes,
									   "fb_max");
	bool async = *side == 'p' || !sync || !sync->value || !str_has_prefix(sync->value, "adap");
	long long bint = full ? 4 : highest_number(f, side, "hs_bint", 0);

	if (bint < 1 || bint > 4) /* the kernel chooses one that suffices (check_bandwidth) */
		return;
	e->bytes = uac2_packet(e->rate, e->frame_size, MICROFRAMES >> (bint - 1), async,
			       fb_max && fb_max->value ? atoll(fb_max->value) : 5);
	e->max_packet = full ? MAX_PACKET - 1 : MAX_PACKET;
	e->interval = intervals[bint];
	e->what_to_do = full ? "use fewer channels, smaller samples or a lower rate, or remove "
			       "'max_speed'"
			     : "use fewer channels, smaller samples, a lower rate or a lower "
			       "'hs_bint'";
}

char *sound_lost_at(const struct function *f, char side, enum gadget_speed speed,
		    const char **what_to_do)
{
	bool full = speed == GADGET_SPEED_FULL, legacy = streq_null(f->type, "uac1_legacy"),
	     uac1 = legacy || streq_null(f->type, "uac1");
	const char *name = side == 'p' ? "p" : "c";
	struct sound_endpoint e = {
		.rate = highest_number(f, name, "srate", side == 'p' || uac1 ? 48000 : 64000),
		.frame_size = __builtin_popcountll(
				      (unsigned long long)highest_number(f, name, "chmask", 3)) *
			      highest_number(f, name, "ssize", 2),
	};

	if ((!uac1 && !streq_null(f->type, "uac2")) || (legacy && side == 'p'))
		return NULL;
	/* The format of uac1_legacy is that of the defaults of uac1 (u_uac1_legacy.c:106). */
	if (uac1)
		find_uac1_endpoint(full, &e);
	else
		find_uac2_endpoint(f, name, full, &e);
	if (e.bytes <= e.max_packet)
		return NULL;
	*what_to_do = e.what_to_do;
	return strf("sound %s the host is lost: at %lld Hz it needs %lld bytes in %s, and the "
		    "endpoint has %lld",
		    side == 'p' ? "to" : "from", e.rate, e.bytes, e.interval, e.max_packet);
}

void load_add_sound_warnings(struct load *l, size_t function)
{
	const struct node *attrs = node_member(l->function_nodes[function], "attrs");

	for (const char *side = "pc"; *side; side++) {
		const char *what_to_do;
		_cleanup_free_ char *key = strf("%c_srate", *side);
		const struct node *node = attrs ? node_member(attrs, key) : NULL;
		_cleanup_free_ char *text = sound_lost_at(&l->gadget->functions[function], *side,
							  l->gadget->max_speed, &what_to_do);

		if (!text)
			continue;
		diag_warning(l->diags,
			     node_range_to_mark(node ? node : l->function_nodes[function]), "%s",
			     text);
		diags_hint(l->diags, "%s", what_to_do);
	}
}

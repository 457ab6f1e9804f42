/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first blob: head, descriptors of each speed. */
#include <string.h>

#include "base/util.h"
#include "blobs_parts.h"

enum { CONTROL, ISOCHRONOUS, BULK, INTERRUPT };
enum { FULL, HIGH, SUPER, SPEEDS };
enum { CLASS_AUDIO = 1, CLASS_HID = 3, CLASS_CCID = 0x0b, CLASS_APPLICATION = 0xfe };

#define CLASS_DESC 0x21
#define DESCS_MAX 96 /* descriptors whose offset is recorded */

struct set {
	struct template_state *m;
	struct blob *b;
	int speed;
	bool first; /* of the announced speeds */
	bool odd;   /* the speed that differs, if one does */
	const struct plan_setting *setting;
	uint32_t n;
};

/* Counts a descriptor; its first two bytes are wrong if that is the twist. */
static void end_descriptor(struct set *s, size_t at)
{
	static const uint8_t types[] = { 1,    2,    3,	   4,	 5,    6,    7,	   8,
					 9,    10,   11,   12,	 13,   15,   0x21, 0x22,
					 0x23, 0x24, 0x25, 0x30, 0x31, 0x7f, 0xff };
	struct dice *d = &s->m->d;
	uint8_t *p = s->b->data + at;

	s->n++;
	if (s->m->twist == TWIST_DESC_LENGTH && dice_percent(d, 25))
		p[0] = dice_percent(d, 60) ? (uint8_t)(p[0] + dice_below(d, 5) - 2)
					   : (uint8_t)dice_next(d);
	if (s->m->twist == TWIST_DESC_TYPE && dice_percent(d, 25))
		p[1] = types[dice_below(d, ARRAY_SIZE(types))];
	if (s->m->twist == TWIST_DESC_LOST && dice_percent(d, 10)) {
		s->b->size = at;
		s->n -= dice_percent(d, 50);
	}
	if (s->m->twist == TWIST_DESC_TWICE && dice_percent(d, 10)) {
		uint8_t copy[64];
		size_t n = s->b->size - at;

		memcpy(copy, s->b->data + at, n);
		blob_put(s->b, copy, n);
		s->n += dice_percent(d, 80);
	}
}

static void put_otg(struct set *s)
{
	size_t at = s->b->size;

	blob_put(s->b,
		 (uint8_t[]){ 3, 9, (uint8_t)dice_below(&s->m->d, s->m->plan.standard ? 4 : 9) },
		 3);
	end_descriptor(s, at);
}

static void put_association(struct set *s, const struct plan_setting *setting)
{
	struct dice *d = &s->m->d;
	size_t at = s->b->size;
	uint8_t a[] = { 8, 11, setting->number, (uint8_t)setting->association, setting->class,
			0, 0,  setting->string };

	if (twisted(s->m, TWIST_STANDARD_ASSOCIATION))
		a[2 + dice_below(d, 3)] = (uint8_t)dice_below(d, 4);
	blob_put(s->b, a, sizeof(a));
	end_descriptor(s, at);
}

/* --- class descriptors --- */

static void put_hid(struct set *s)
{
	uint8_t hid[] = { 9, CLASS_DESC, 0x11, 1, 0, 1, 0x22, 63, 0 };

	if (twisted(s->m, TWIST_CLASS_VALUE))
		hid[4 + dice_below(&s->m->d, 3)] = (uint8_t)dice_below(&s->m->d, 64);
	blob_put(s->b, hid, sizeof(hid));
}

static void put_ccid(struct set *s)
{
	uint8_t ccid[54] = { 54, CLASS_DESC, 0x10, 1, 0, 7, 3 };

	if (twisted(s->m, TWIST_CLASS_VALUE))
		ccid[5] = (uint8_t)dice_below(&s->m->d, 16);
	blob_put(s->b, ccid, sizeof(ccid));
}

static void put_dfu(struct set *s)
{
	uint8_t dfu[] = { 9, CLASS_DESC, 0x0d, 0xff, 0, 0, 4, 0x10, 1 };

	if (twisted(s->m, TWIST_CLASS_VALUE))
		dfu[2] = (uint8_t)dice_next(&s->m->d);
	blob_put(s->b, dfu, sizeof(dfu));
}

static void put_class(struct set *s, unsigned int class)
{
	size_t at = s->b->size;

	if (class == CLASS_HID)
		put_hid(s);
	else if (class == CLASS_CCID)
		put_ccid(s);
	else
		put_dfu(s);
	end_descriptor(s, at);
}

static void put_strange_class(struct set *s)
{
	static const uint8_t classes[] = { CLASS_HID, CLASS_CCID, CLASS_APPLICATION };

	if (s->m->twist == TWIST_CLASS_DESC && dice_percent(&s->m->d, 30))
		put_class(s, classes[dice_below(&s->m->d, ARRAY_SIZE(classes))]);
}

/* --- endpoints --- */

static unsigned int standard_size(struct set *s, unsigned int type)
{
	static const uint16_t fixed[][SPEEDS] = {
		[CONTROL] = { 8, 64, 512 }, [BULK] = { 64, 512, 1024 }
	};
	struct dice *d = &s->m->d;

	if (type == CONTROL || type == BULK)
		return s->speed == FULL ? 8U << dice_below(d, 4) : fixed[type][s->speed];
	if (type == INTERRUPT)
		return 1 + dice_below(d, s->speed == FULL ? 64 : 1024);
	if (s->setting->alternate == 0 && s->speed != SUPER)
		return 0;
	return dice_below(d, s->speed == FULL ? 1024 : 1025);
}

static unsigned int some_size(struct set *s, unsigned int type)
{
	struct dice *d = &s->m->d;
	unsigned int size = standard_size(s, type);

	if (s->speed == HIGH && (type == INTERRUPT || (type == ISOCHRONOUS && size > 0)) &&
	    dice_percent(d, 25))
		size = (683 + dice_below(d, 342)) | (1 + dice_below(d, 2)) << 11;
	if (!s->m->plan.standard || twisted(s->m, TWIST_STANDARD_ENDPOINT)) {
		static const uint16_t sizes[] = { 0,	  1,	  8,	  63,	  64,	 65,
						  512,	  600,	  1023,	  1024,	  1025,	 0x0a00,
						  0x1200, 0x1a00, 0x0c00, 0x8040, 0xffff };

		if (dice_percent(d, 50))
			size = sizes[dice_below(d, ARRAY_SIZE(sizes))];
	}
	return size;
}

static unsigned int some_interval(struct set *s, unsigned int type)
{
	struct dice *d = &s->m->d;

	if (!s->m->plan.standard || twisted(s->m, TWIST_STANDARD_ENDPOINT))
		return dice_below(d, 256);
	if (type == BULK || type == CONTROL)
		return 0;
	return 1 + dice_below(d, type == INTERRUPT && s->speed == FULL ? 255 : 16);
}

static unsigned int some_attributes(struct set *s, unsigned int type)
{
	unsigned int more = type == ISOCHRONOUS ? dice_below(&s->m->d, 12) << 2 : 0;

	if (twisted(s->m, TWIST_STANDARD_ENDPOINT) ||
	    (!s->m->plan.standard && dice_percent(&s->m->d, 10)))
		more = dice_below(&s->m->d, 64) << 2;
	return type | more;
}

static void put_companion(struct set *s, unsigned int type, unsigned int size)
{
	struct dice *d = &s->m->d;
	bool loose = !s->m->plan.standard && dice_percent(d, 40);
	bool full = size == 1024; /* packets, which can come in bursts */
	unsigned int burst = type == CONTROL ? 0
			     : type == BULK  ? dice_below(d, 16)
			     : !full	     ? 0
					     : dice_below(d, type == INTERRUPT ? 3 : 16);
	unsigned int mult = type == ISOCHRONOUS && burst > 0 ? dice_below(d, 3) : 0;
	unsigned int bits = type == BULK ? dice_percent(d, 90) ? 0 : dice_below(d, 17) : mult;
	uint32_t bytes = (size & 0x7ff) * (burst + 1) * (mult + 1);
	size_t at = s->b->size;

	if (type == BULK || type == CONTROL)
		bytes = 0;
	if (loose || twisted(s->m, TWIST_STANDARD_COMPANION)) {
		unsigned int which = dice_below(d, 4);

		burst = which == 0 ? dice_below(d, 20) : burst;
		bits = which == 1   ? dice_below(d, type == ISOCHRONOUS ? 4 : 256)
		       : which == 2 ? dice_below(d, 20)
				    : bits;
		bytes = which == 3 ? bytes + dice_below(d, 3) : bytes;
	}
	blob_put(s->b, (uint8_t[]){ 6, 0x30, (uint8_t)burst, (uint8_t)bits }, 4);
	blob_put16(s->b, bytes & 0xffff);
	end_descriptor(s, at);
}

static uint8_t some_address(struct set *s, const struct plan_endpoint *e)
{
	struct dice *d = &s->m->d;
	uint8_t address = e->address;

	if (s->m->twist == TWIST_ENDPOINT_ZERO && dice_percent(d, 20))
		return address & 0x80;
	if (s->m->twist == TWIST_ENDPOINT_BITS && s->m->plan.n_endpoints % 2)
		return address | 0x10;
	if (s->m->twist == TWIST_ADDRESS && s->odd && dice_percent(d, 50))
		return (uint8_t)(address ^ (dice_percent(d, 50) ? 0x80 : 0x02));
	return address;
}

static void put_endpoint(struct set *s, const struct plan_endpoint *e)
{
	struct dice *d = &s->m->d;
	unsigned int size = some_size(s, e->type);
	bool audio =
		s->setting->class == CLASS_AUDIO || (!s->m->plan.standard && dice_percent(d, 4));
	size_t at = s->b->size;

	blob_put(s->b, (uint8_t[]){ audio ? 9 : 7, 5, some_address(s, e) }, 3);
	blob_put8(s->b, some_attributes(s, e->type));
	blob_put16(s->b, size);
	blob_put8(s->b, some_interval(s, e->type));
	if (audio)
		blob_put16(s->b, 0);
	end_descriptor(s, at);
	if (s->speed == SUPER ? !twisted(s->m, TWIST_STANDARD_COMPANION)
			      : !s->m->plan.standard && dice_percent(d, 3))
		put_companion(s, e->type, size);
	if (twisted(s->m, TWIST_STANDARD_COMPANION) && dice_percent(d, 10))
		put_companion(s, e->type, size);
}

/* --- interfaces --- */

static void put_interface(struct set *s, const struct plan_setting *setting)
{
	struct dice *d = &s->m->d;
	size_t at = s->b->size;
	uint8_t i[] = { 9,
			4,
			setting->number,
			setting->alternate,
			(uint8_t)setting->n,
			setting->class,
			setting->subclass,
			0,
			setting->string };

	if (twisted(s->m, TWIST_STANDARD_INTERFACE))
		i[2 + dice_below(d, 4)] = (uint8_t)dice_below(d, 4);
	/* The same at each speed, or not */
	if (s->m->twist == TWIST_INTERFACE_NUMBER)
		i[2] = (uint8_t)(dice_percent(d, 70) ? i[2] * 37 : dice_next(d));
	if (twisted(s->m, TWIST_STRING_NUMBER) && dice_percent(d, 20))
		i[8] = (uint8_t)dice_next(d);
	blob_put(s->b, i, sizeof(i));
	end_descriptor(s, at);
}

static void put_setting(struct set *s, const struct plan_setting *setting)
{
	s->setting = setting;
	if (setting->association > 0)
		put_association(s, setting);
	put_interface(s, setting);
	if (setting->class_desc)
		put_class(s, setting->class);
	put_strange_class(s);
	for (unsigned int i = 0; i < setting->n; i++)
		put_endpoint(s, &s->m->plan.endpoint[setting->first + i]);
	put_strange_class(s);
}

/* Endpoints alone at each speed, or nothing at the first. False: an ordinary set. */
static bool put_bare_set(struct set *s)
{
	const struct plan *p = &s->m->plan;

	if (s->m->twist != TWIST_FIRST_BARE || (p->n_endpoints == 0 && !s->first))
		return false;
	if (p->n_endpoints == 0)
		put_otg(s);
	s->setting = &p->setting[0];
	for (unsigned int i = 0; i < p->n_endpoints; i++)
		put_endpoint(s, &p->endpoint[i]);
	return true;
}

static void put_set(struct set *s)
{
	const struct plan *p = &s->m->plan;
	unsigned int n = p->n_settings;
	struct plan_setting more = { .number = (uint8_t)p->interfaces, .class = 0xff };

	if (p->otg)
		put_otg(s);
	if (put_bare_set(s))
		return;
	if (s->m->twist == TWIST_CLASS_DESC && dice_percent(&s->m->d, 20))
		put_strange_class(s);
	if (s->m->twist == TWIST_STANDARD_INTERFACE && s->m->plan.n_endpoints > 0 &&
	    dice_percent(&s->m->d, 15)) {
		s->setting = &p->setting[0];
		put_endpoint(s, &p->endpoint[0]);
	}
	if (s->m->twist == TWIST_SET_LESS && s->odd)
		n -= 1;
	for (unsigned int i = 0; i < n; i++)
		put_setting(s, &p->setting[i]);
	if (s->m->twist == TWIST_SET_MORE && s->odd)
		put_setting(s, &more);
	if (s->m->twist == TWIST_STANDARD_INTERFACE && dice_percent(&s->m->d, 10))
		put_otg(s);
}

/* --- the head --- */

static uint32_t some_fd(struct template_state *m)
{
	if (m->twist == TWIST_FD_CLOSED)
		return dice_percent(&m->d, 50) ? BLOBS_CLOSED_FD : (uint32_t)-1;
	if (m->twist == TWIST_FD_OTHER)
		return dice_percent(&m->d, 50) ? BLOBS_OTHER_FD : 0;
	return BLOBS_EVENTFD;
}

static void put_head(struct template_state *m, struct blob *b)
{
	const struct plan *p = &m->plan;
	uint32_t flags = p->flags | (p->eventfd ? 32U : 0) | (p->os ? 8U : 0);

	for (int i = 0; i < SPEEDS; i++)
		flags |= p->speed[i] ? 1U << i : 0;
	if (twisted(m, TWIST_FLAGS))
		flags ^= 1U << dice_below(&m->d, 32);
	blob_put32(b, p->legacy ? 1 : 3);
	blob_put32(b, 0);
	if (p->legacy)
		return;
	blob_put32(b, flags);
	if (p->eventfd)
		blob_put32(b, some_fd(m));
}

/* Zero to two of the counts that the flags announce, and at least 16 bytes. */
static void make_cut_head(struct template_state *m, struct blob *b)
{
	uint32_t flags = dice_below(&m->d, 16);
	bool eventfd = dice_percent(&m->d, 60);
	unsigned int n = dice_below(&m->d, 4);

	if (!eventfd && n == 0)
		n = 1;
	blob_put32(b, 3);
	blob_put32(b, 0);
	blob_put32(b, flags | (eventfd ? 32U : 0));
	if (eventfd)
		blob_put32(b, BLOBS_EVENTFD);
	while (n-- > 0)
		blob_put32(b, 0);
	for (n = dice_below(&m->d, 3); n > 0; n--)
		blob_put8(b, 0);
	blob_finish(b);
}

void make_descriptors(struct template_state *m, struct blob *b)
{
	size_t counts[SPEEDS] = { 0 }, os_count = 0;
	struct plan *p = &m->plan;
	unsigned int seen = 0, odd = dice_below(&m->d, 3);

	b->size = 0;
	if (m->twist == TWIST_HEAD_CUT) {
		make_cut_head(m, b);
		return;
	}
	if (m->twist == TWIST_PROXY && p->n_endpoints > 0)
		p->endpoint[dice_below(&m->d, p->n_endpoints)].address ^= 0x80;
	put_head(m, b);
	for (int i = 0; i < SPEEDS; i++) {
		counts[i] = b->size;
		if (p->speed[i])
			blob_put32(b, 0);
	}
	os_count = b->size;
	if (p->os)
		blob_put32(b, some_count(m, TWIST_COUNT, p->os, 0));
	for (int i = 0; i < SPEEDS && m->twist != TWIST_EMPTY; i++) {
		struct set s = { m, b, i, .first = seen == 0, .odd = seen == odd };

		if (!p->speed[i])
			continue;
		seen++;
		put_set(&s);
		blob_set32(b, counts[i], some_count(m, TWIST_COUNT, s.n, 0));
	}
	if (p->os && m->twist != TWIST_EMPTY)
		make_os_descriptors(m, b);
	else if (p->os)
		blob_set32(b, os_count, 0);
	blob_finish(b);
}

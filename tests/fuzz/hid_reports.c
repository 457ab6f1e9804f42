/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A descriptor is made of items in an order that makes sense, with values that are right most of
 * the time; then some descriptors get an item, a byte or an end that is wrong.
 */
#include "hid_reports.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"
#include "blobs.h"
#include "hid/items.h"
#include "hid/usages.h"

struct making {
	struct dice dice;
	uint8_t *bytes;
	size_t size;
	unsigned int depth;  /* of collections */
	unsigned int faults; /* percent of items with any value at all */
};

static void put_item(struct making *m, unsigned int kind, uint32_t value, unsigned int size)
{
	static const uint8_t codes[] = { 0, 1, 2, 3, 3 };

	if (m->size + 1 + size > HID_REPORTS_MAX)
		return;
	m->bytes[m->size++] = (uint8_t)(kind | codes[size]);
	for (unsigned int i = 0; i < size; i++)
		m->bytes[m->size++] = (uint8_t)(value >> (8 * i));
}

static unsigned int any_size(struct making *m)
{
	static const uint8_t sizes[] = { 0, 1, 1, 1, 2, 2, 4 };

	return sizes[dice_below(&m->dice, ARRAY_SIZE(sizes))];
}

/* Puts an item with `value`, or at times with another one. */
static void put(struct making *m, unsigned int kind, uint32_t value)
{
	static const uint32_t edges[] = {
		0,	1,     0x7f,  0x80,  0xff,   256,    257,	 0x7fff,     0x8000,
		0xffff, 12287, 12288, 12289, 0xff00, 0x00ff, 0x80000000, 0xffffffff, 0x7fffffff
	};
	unsigned int size = value > 0xffff ? 4 : value > 0xff ? 2 : 1;

	if (dice_percent(&m->dice, m->faults)) {
		value = dice_percent(&m->dice, 70) ? edges[dice_below(&m->dice, ARRAY_SIZE(edges))]
						   : (uint32_t)dice_next(&m->dice);
		size = any_size(m);
	} else if (dice_percent(&m->dice, 5)) {
		size = size == 1 ? 2 : 4;
	}
	put_item(m, kind, value, size);
}

static void put_usages(struct making *m)
{
	uint32_t n = dice_below(&m->dice, 4), first;
	bool has_delimiters = dice_percent(&m->dice, 5);

	if (has_delimiters)
		put(m, HID_DELIMITER, 1);
	for (uint32_t i = 0; i < n; i++)
		put(m, HID_USAGE,
		    dice_percent(&m->dice, 10) ? 0xff000001 + i : 0x30 + dice_below(&m->dice, 9));
	if (dice_percent(&m->dice, 40)) {
		first = dice_below(&m->dice, 0xe0);
		put(m, HID_USAGE_MINIMUM, first);
		put(m, HID_USAGE_MAXIMUM, first + dice_below(&m->dice, 200));
	}
	if (has_delimiters)
		put(m, HID_DELIMITER, 0);
}

static void put_range(struct making *m, unsigned int minimum, unsigned int maximum)
{
	static const int32_t ranges[][2] = { { 0, 1 },		{ 0, 255 },	   { -127, 127 },
					     { 0, 32767 },	{ -32768, 32767 }, { 1, 8 },
					     { 0, 0x7fffffff }, { -1, 0 } };
	const int32_t *r = ranges[dice_below(&m->dice, ARRAY_SIZE(ranges))];

	/* A byte holds -127 and 127, but as a maximum 255 only if the minimum is not negative. */
	put_item(m, minimum, (uint32_t)r[0], r[0] < -128 ? 2 : 1);
	put(m, maximum, r[1] < 0 ? 0 : (uint32_t)r[1]);
}

static void put_globals(struct making *m)
{
	static const uint32_t pages[] = { 1, 7, 8, 9, 0x0c, 0x0d, 0xff00, 0xff };

	if (dice_percent(&m->dice, 60))
		put(m, HID_USAGE_PAGE, pages[dice_below(&m->dice, ARRAY_SIZE(pages))]);
	if (dice_percent(&m->dice, 70))
		put_range(m, HID_LOGICAL_MINIMUM, HID_LOGICAL_MAXIMUM);
	if (dice_percent(&m->dice, 20))
		put_range(m, HID_PHYSICAL_MINIMUM, HID_PHYSICAL_MAXIMUM);
	if (dice_percent(&m->dice, 10))
		put(m, HID_UNIT, 0x11 + dice_below(&m->dice, 4));
	if (dice_percent(&m->dice, 80)) {
		put(m, HID_REPORT_SIZE, 1 + dice_below(&m->dice, 16));
		put(m, HID_REPORT_COUNT, 1 + dice_below(&m->dice, 16));
	}
	if (dice_percent(&m->dice, 15))
		put(m, HID_REPORT_ID, 1 + dice_below(&m->dice, 8));
	if (dice_percent(&m->dice, 6))
		put_item(m, HID_PUSH, 0, 0);
	if (dice_percent(&m->dice, 3))
		put_item(m, HID_POP, 0, 0);
}

static void put_field(struct making *m)
{
	static const unsigned int kinds[] = { HID_INPUT, HID_INPUT, HID_OUTPUT, HID_FEATURE };
	static const uint8_t flags[] = { 0, 1, 2, 3, 6 };

	put_globals(m);
	put_usages(m);
	put_item(m, kinds[dice_below(&m->dice, ARRAY_SIZE(kinds))],
		 flags[dice_below(&m->dice, ARRAY_SIZE(flags))], 1);
}

static void put_collection(struct making *m)
{
	put(m, HID_USAGE_PAGE, 1 + dice_below(&m->dice, 13));
	put(m, HID_USAGE, 1 + dice_below(&m->dice, 8));
	put_item(m, HID_COLLECTION, m->depth == 0 ? 1 : dice_below(&m->dice, 7), 1);
	m->depth++;
}

static void end_collection(struct making *m)
{
	put_item(m, HID_END_COLLECTION, 0, 0);
	m->depth--;
}

static void put_sensible_items(struct making *m)
{
	uint32_t n = 1 + dice_below(&m->dice, 12);

	put_collection(m);
	for (uint32_t i = 0; i < n; i++) {
		if (dice_percent(&m->dice, 12))
			put_collection(m);
		if (m->depth > 1 && dice_percent(&m->dice, 20))
			end_collection(m);
		put_field(m);
	}
	while (m->depth > 0)
		end_collection(m);
}

static void change_bytes(struct making *m)
{
	size_t at = dice_below(&m->dice, (uint32_t)m->size);

	switch (dice_below(&m->dice, 6)) {
	case 0: /* any byte */
		m->bytes[at] = (uint8_t)dice_next(&m->dice);
		break;
	case 1: /* a lost byte */
		memmove(m->bytes + at, m->bytes + at + 1, m->size - at - 1);
		m->size--;
		break;
	case 2: /* a cut end */
		m->size = at;
		break;
	case 3: /* a further item at the end */
		put_item(m, (unsigned int)dice_next(&m->dice) & 0xfc, 1, any_size(m));
		break;
	case 4: /* Push without Pop */
		for (unsigned int i = 0; i <= HID_MAX_PUSHED; i++)
			put_item(m, HID_PUSH, 0, 0);
		break;
	case 5: /* a long report or many usages */
		for (unsigned int i = 0; i < 8; i++) {
			put_item(m, HID_REPORT_SIZE, 1 + dice_below(&m->dice, 256), 2);
			put_item(m, HID_REPORT_COUNT, dice_below(&m->dice, HID_MAX_USAGES), 2);
			put_item(m, HID_USAGE_MINIMUM, dice_below(&m->dice, 3), 2);
			put_item(m, HID_USAGE_MAXIMUM, dice_below(&m->dice, 12290), 2);
			if (dice_percent(&m->dice, 40))
				put_item(m, HID_FEATURE, 2, 1);
		}
		break;
	}
}

size_t hid_reports_make(uint8_t bytes[HID_REPORTS_MAX], uint64_t seed, uint64_t index)
{
	struct making m = { .dice = { seed * 0x9e3779b97f4a7c15 + index }, .bytes = bytes };

	dice_next(&m.dice);
	m.faults = dice_percent(&m.dice, 50) ? 0 : 1 + dice_below(&m.dice, 5);
	if (dice_percent(&m.dice, 5)) {
		uint32_t n = dice_below(&m.dice, 40);

		while (n-- > 0)
			put(&m, (unsigned int)dice_next(&m.dice) & 0xfc, dice_below(&m.dice, 300));
		return m.size;
	}
	put_sensible_items(&m);
	while (m.size > 0 && dice_percent(&m.dice, 30))
		change_bytes(&m);
	return m.size;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers, bytes, and random changes of bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "blobs.h"

/* splitmix64: every seed is as good as another, also 0, 1, 2, ... */
uint64_t dice_next(struct dice *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)((dice_next(d) >> 32) * n >> 32);
}

bool dice_percent(struct dice *d, unsigned int percent)
{
	return dice_below(d, 100) < percent;
}

/* --- bytes --- */

static void blob_reserve(struct blob *b, size_t n)
{
	if (b->size + n <= b->room)
		return;
	b->room = (b->size + n) * 2;
	b->data = xreallocarray(b->data, b->room, 1);
}

void blob_put(struct blob *b, const void *data, size_t n)
{
	blob_reserve(b, n);
	if (n > 0)
		memcpy(b->data + b->size, data, n);
	b->size += n;
}

void blob_put8(struct blob *b, unsigned int v)
{
	blob_put(b, &(uint8_t){ (uint8_t)v }, 1);
}

void blob_put16(struct blob *b, unsigned int v)
{
	blob_put8(b, v);
	blob_put8(b, v >> 8);
}

void blob_put32(struct blob *b, uint32_t v)
{
	blob_put16(b, v & 0xffff);
	blob_put16(b, v >> 16);
}

static void set32(uint8_t *data, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		data[i] = (uint8_t)(v >> 8 * i);
}

void blob_set32(struct blob *b, size_t at, uint32_t v)
{
	set32(b->data + at, v);
}

void blob_finish(struct blob *b)
{
	if (b->size >= 8)
		blob_set32(b, 4, (uint32_t)b->size);
}

/* --- mutations --- */

struct piece {
	uint8_t *data;
	size_t size, room;
	struct dice *d;
};

static size_t somewhere(struct piece *p)
{
	return dice_below(p->d, (uint32_t)p->size);
}

/* Mostly a few bytes. */
static size_t some_length(struct piece *p, size_t max)
{
	size_t n = 1 + dice_below(p->d, dice_percent(p->d, 80) ? 12 : 64);

	return n < max ? n : max;
}

static void flip_bit(struct piece *p)
{
	p->data[somewhere(p)] ^= (uint8_t)(1 << dice_below(p->d, 8));
}

static void set_byte(struct piece *p)
{
	static const uint8_t values[] = { 0, 1,	 2,    3,    4,	   5,	 6,    7,    8,
					  9, 11, 0x21, 0x30, 0x7f, 0x80, 0x81, 0xfe, 0xff };

	p->data[somewhere(p)] = dice_percent(p->d, 70)
					? values[dice_below(p->d, ARRAY_SIZE(values))]
					: (uint8_t)dice_next(p->d);
}

static void add_to_byte(struct piece *p)
{
	p->data[somewhere(p)] += dice_percent(p->d, 50) ? 1 : 255;
}

static void set_word(struct piece *p)
{
	static const uint32_t values[] = { 0,	       1,	   2,	       3,	  16,
					   0xff,       0x100,	   0x7fff,     0xffff,	  0x10000,
					   0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	size_t at = somewhere(p) & ~(size_t)3;

	if (at + 4 <= p->size)
		set32(p->data + at, values[dice_below(p->d, ARRAY_SIZE(values))]);
}

static void remove_bytes(struct piece *p)
{
	size_t at = somewhere(p), n = some_length(p, p->size - at);

	memmove(p->data + at, p->data + at + n, p->size - at - n);
	p->size -= n;
}

static void repeat_bytes(struct piece *p)
{
	size_t at = somewhere(p), n = some_length(p, p->size - at);

	if (p->size + n > p->room)
		return;
	memmove(p->data + at + n, p->data + at, p->size - at);
	p->size += n;
}

static void swap_bytes(struct piece *p)
{
	size_t a = somewhere(p), b = somewhere(p);
	size_t n = some_length(p, p->size - (a > b ? a : b));

	for (size_t i = 0; i < n; i++) {
		uint8_t t = p->data[a + i];

		p->data[a + i] = p->data[b + i];
		p->data[b + i] = t;
	}
}

static void cut_end(struct piece *p)
{
	p->size = somewhere(p);
}

static void add_end(struct piece *p)
{
	size_t n = some_length(p, p->room - p->size);

	for (size_t i = 0; i < n; i++)
		p->data[p->size + i] = (uint8_t)dice_next(p->d);
	p->size += n;
}

static void change(struct piece *p)
{
	static void (*const ways[])(struct piece *) = {
		flip_bit,     set_byte,	  add_to_byte, set_word, remove_bytes,
		repeat_bytes, swap_bytes, cut_end,     add_end,
	};
	unsigned int n = dice_percent(p->d, 70) ? 1 : 1 + dice_below(p->d, 6);

	while (n-- > 0 && p->size > 0)
		ways[dice_below(p->d, ARRAY_SIZE(ways))](p);
}

static void mutate(struct piece *p)
{
	change(p);
	if (p->size >= 8 && dice_percent(p->d, 85))
		set32(p->data + 4, (uint32_t)p->size);
}

void blob_mutate(struct blob *b, struct dice *d)
{
	struct piece p;

	blob_reserve(b, 256);
	p = (struct piece){ b->data, b->size, b->room, d };
	mutate(&p);
	b->size = p.size;
}

size_t blobs_mutate(uint8_t *data, size_t size, size_t room, uint64_t seed)
{
	struct dice d = { seed };
	struct piece p = { data, size, room, &d };

	if (size > 0)
		mutate(&p);
	return p.size;
}

size_t bytes_mutate(uint8_t *data, size_t size, size_t room, struct dice *d)
{
	struct piece p = { data, size, room, d };

	change(&p);
	return p.size;
}

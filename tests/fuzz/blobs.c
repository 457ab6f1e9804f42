/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions: a valid function, mostly with one defect. */
#include "blobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "blobs_parts.h"

#define MAX_ALLOC (4u << 20)
#define OTG_SIZE 3
#define TINY_MAX 25

enum ffs_fd_kind blobs_fd_kind(int fd)
{
	if (fd == BLOBS_EVENTFD)
		return FFS_FD_EVENTFD;
	return fd == BLOBS_OTHER_FD || (fd >= 0 && fd <= 2) ? FFS_FD_OTHER : FFS_FD_CLOSED;
}

/* Twists of finished descriptors. */

/* As large as allowed, or a little larger: OTG descriptors, which have no effect. */
static void make_huge(struct template_state *m, struct blob *b)
{
	static const uint8_t otg[OTG_SIZE] = { OTG_SIZE, 9, 0 };
	size_t size = MAX_ALLOC - 16 + dice_below(&m->d, 32);
	uint32_t n = 0;

	b->size = 0;
	blob_put32(b, 3);
	blob_put32(b, 0);
	blob_put32(b, 1);
	blob_put32(b, 0);
	for (; b->size + OTG_SIZE <= size; n++)
		blob_put(b, otg, sizeof(otg));
	/* One too many or not, exact to the byte */
	if (dice_percent(&m->d, 50))
		blob_put(b, otg, size - b->size);
	blob_set32(b, 12, n);
	blob_finish(b);
}

/* Overwrites or inserts a part of another function's descriptors. */
static void splice(struct template_state *m, struct blob *b)
{
	struct template_state other = { .d = { dice_next(&m->d) } };
	struct blob from = { 0 };
	size_t at, begin, n;

	plan_function(&other);
	make_descriptors(&other, &from);
	at = 16 + dice_below(&m->d, (uint32_t)(b->size - 15));
	begin = dice_below(&m->d, (uint32_t)from.size);
	n = dice_below(&m->d, (uint32_t)(from.size - begin));
	if (dice_percent(&m->d, 50)) {
		struct blob end = { 0 };

		blob_put(&end, b->data + at, b->size - at);
		b->size = at;
		blob_put(b, from.data + begin, n);
		blob_put(b, end.data, end.size);
		free(end.data);
	} else {
		b->size = at;
		blob_put(b, from.data + begin, n);
	}
	free(from.data);
	blob_finish(b);
}

static void twist_finished(struct template_state *m, struct blob *b)
{
	switch (m->twist) {
	case TWIST_BYTES:
		blob_mutate(b, &m->d);
		break;
	case TWIST_SPLICE:
		splice(m, b);
		break;
	case TWIST_CUT:
		b->size -= dice_below(&m->d, (uint32_t)(b->size - 15));
		blob_finish(b);
		break;
	case TWIST_WRITE_CUT:
		b->size -= dice_below(&m->d, (uint32_t)b->size);
		break;
	case TWIST_TINY:
		b->size = dice_below(&m->d, TINY_MAX);
		blob_finish(b);
		break;
	case TWIST_HUGE:
		make_huge(m, b);
		break;
	case TWIST_TAIL:
		for (unsigned int n = 1 + dice_below(&m->d, 9); n > 0; n--)
			blob_put8(b, (unsigned int)dice_next(&m->d));
		blob_finish(b);
		break;
	case TWIST_LENGTH:
		blob_set32(b, 4, (uint32_t)b->size + dice_below(&m->d, 5) - 2);
		break;
	case TWIST_MAGIC:
		blob_set32(b, 0, dice_below(&m->d, 5));
		break;
	default:
		break;
	}
}

static const char *const words[] = {
	[TWIST_NONE] = "right", [TWIST_BYTES] = "bytes",	   [TWIST_SPLICE] = "splice",
	[TWIST_HUGE] = "huge",	[TWIST_STRINGS_MEMORY] = "memory",
};

/* Large ones are rare: each takes as long as a thousand others. */
static enum twist choose_twist(struct dice *d)
{
	unsigned int n = dice_below(d, 10000);
	enum twist t;

	if (n < 4)
		return TWIST_HUGE;
	if (n < 6)
		return TWIST_STRINGS_HUGE;
	if (n < 3600)
		return TWIST_NONE;
	if (n < 5000)
		return TWIST_BYTES;
	if (n < 5500)
		return TWIST_STRINGS_BYTES;
	do
		t = dice_below(d, TWIST_COUNT_OF_THEM);
	while (t == TWIST_HUGE || t == TWIST_STRINGS_HUGE);
	return t;
}

static void make_first(struct template_state *m, struct blob *b)
{
	plan_function(m);
	make_descriptors(m, b);
	twist_finished(m, b);
}

static void make_second(struct template_state *m, struct blob *b)
{
	make_strings(m, b);
	if (m->twist == TWIST_STRINGS_BYTES)
		blob_mutate(b, &m->d);
	if (m->twist == TWIST_STRINGS_HUGE) {
		while (b->size < MAX_ALLOC - 16)
			blob_put(b, "0123456789abcde", 16);
		b->size = MAX_ALLOC - 16 + dice_below(&m->d, 32);
		b->data[b->size - 1] = 0;
		/* More than the counts: accepted if no string is needed */
		blob_finish(b);
	}
}

void blobs_make(struct blobs *b, uint64_t seed, uint64_t index)
{
	struct dice d = { seed };
	struct template_state m = { .d = { dice_next(&d) ^ index * UINT64_C(0xd1342543de82ef95) } };

	m.twist = choose_twist(&m.d);
	b->what = m.twist < ARRAY_SIZE(words) && words[m.twist] ? words[m.twist] : "twisted";
	b->retry = dice_percent(&m.d, 6);
	b->n = 0;
	make_first(&m, &b->write[b->n++]);
	if (b->retry) {
		/* The refused write has left state behind; the next one may differ or not */
		m.twist = dice_percent(&m.d, 50) ? TWIST_NONE : choose_twist(&m.d);
		if (dice_percent(&m.d, 50)) {
			make_first(&m, &b->write[b->n++]);
		} else {
			make_descriptors(&m, &b->write[b->n]);
			twist_finished(&m, &b->write[b->n++]);
		}
	}
	make_second(&m, &b->write[b->n++]);
	if (b->retry) {
		m.twist = TWIST_NONE;
		make_second(&m, &b->write[b->n++]);
	}
}

void blobs_free(struct blobs *b)
{
	for (size_t i = 0; i < BLOBS_MAX; i++)
		free(b->write[i].data);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Allocates the memory of the syntax tree: many small pieces that are freed together. */
#include <stdalign.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/lex.h"

struct arena {
	struct arena *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

#define BLOCK_SIZE (16 * 1024)

static void add_block(struct arena **arena, size_t room)
{
	struct arena *a = xcalloc(1, sizeof(*a) + room);

	memory_fault_in(a, sizeof(*a) + room);
	a->size = room;
	a->next = *arena;
	*arena = a;
}

void arena_reserve(struct arena **arena, size_t size)
{
	if (size > BLOCK_SIZE)
		add_block(arena, size);
}

void *arena_alloc(struct arena **arena, size_t size)
{
	const size_t step = alignof(max_align_t), need = (size + step - 1) / step * step;
	struct arena *a;
	void *p;

	if (!*arena || (*arena)->size - (*arena)->used < need)
		add_block(arena, need > BLOCK_SIZE ? need : BLOCK_SIZE);
	a = *arena;
	p = a->data + a->used;
	a->used += need;
	return p;
}

void arena_free(struct arena *arena)
{
	while (arena) {
		struct arena *next = arena->next;

		free(arena);
		arena = next;
	}
}

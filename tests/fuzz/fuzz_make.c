/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generates inputs from a corpus, as libFuzzer does, but without coverage. */
#include <string.h>

#include "base/util.h"
#include "blobs.h"
#include "fuzz_main.h"

/* The target's mutator, and the default one, which it may call. */
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
						     unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static struct dice dice; /* of the current input: LLVMFuzzerMutate() has no argument for it */
static const struct corpus *files;

/* Inserts a part of another file, or overwrites bytes with it. */
static size_t insert_part(uint8_t *data, size_t size, size_t max)
{
	const struct input *from = &files->v[dice_below(&dice, (uint32_t)files->n)];
	size_t at = dice_below(&dice, (uint32_t)size + 1), begin, n;

	if (from->size == 0)
		return size;
	begin = dice_below(&dice, (uint32_t)from->size);
	n = 1 + dice_below(&dice, (uint32_t)(from->size - begin));
	if (dice_percent(&dice, 50) && n > 16)
		n = 1 + dice_below(&dice, 16);
	if (dice_percent(&dice, 70)) {
		if (size + n > max)
			return size;
		memmove(data + at + n, data + at, size - at);
		size += n;
	} else if (at + n > max) {
		return size;
	}
	memcpy(data + at, from->data + begin, n);
	return at + n > size ? at + n : size;
}

/* Joins the beginning of this file and the end of another. */
static size_t splice(uint8_t *data, size_t size, size_t max)
{
	const struct input *from = &files->v[dice_below(&dice, (uint32_t)files->n)];
	size_t at = dice_below(&dice, (uint32_t)size + 1);
	size_t begin = dice_below(&dice, (uint32_t)from->size + 1), n = from->size - begin;

	if (at + n > max)
		n = max - at;
	if (n > 0)
		memcpy(data + at, from->data + begin, n);
	return at + n;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	unsigned int way = dice_below(&dice, 10);

	if (way < 2)
		return insert_part(data, size, max);
	if (way < 3)
		return splice(data, size, max);
	return bytes_mutate(data, size, max, &dice);
}

size_t make_input(const struct corpus *corpus, uint64_t seed, uint64_t number, uint8_t *data)
{
	const struct input *from;
	size_t size;

	files = corpus;
	dice = (struct dice){ seed };
	dice = (struct dice){ dice_next(&dice) ^ number * UINT64_C(0xd1342543de82ef95) };
	from = &corpus->v[dice_below(&dice, (uint32_t)corpus->n)];
	size = from->size;
	if (size > 0)
		memcpy(data, from->data, size);
	do {
		if (LLVMFuzzerCustomMutator)
			size = LLVMFuzzerCustomMutator(data, size, INPUT_MAX,
						       (unsigned int)dice_next(&dice));
		else
			size = LLVMFuzzerMutate(data, size, INPUT_MAX);
	} while (dice_percent(&dice, 60));
	return size;
}

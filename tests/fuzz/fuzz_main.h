/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs a fuzz target without libFuzzer: inputs from files, and others made of them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INPUT_MAX 4096 /* bytes of an input that is made; larger files only run as they are */

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *v;
	size_t n;
};

/*
 * Makes input `number` of `seed` in `data`, which has INPUT_MAX bytes, of a file of the corpus,
 * which has one at least; returns its size. It is always the same for the same corpus.
 */
size_t make_input(const struct corpus *corpus, uint64_t seed, uint64_t number, uint8_t *data);

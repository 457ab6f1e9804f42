/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target without libFuzzer, on files and on inputs generated from them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INPUT_MAX 4096 /* bytes of a generated input; larger files are only run unchanged */

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *v;
	size_t n;
};

/*
 * Generates input `number` of `seed` in `data`, which has INPUT_MAX bytes, from a file of the
 * corpus, which must not be empty. Returns its size. The same arguments give the same input.
 */
size_t make_input(const struct corpus *corpus, uint64_t seed, uint64_t number, uint8_t *data);

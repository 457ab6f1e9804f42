/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of command line options. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "4096", "64K", "16M", "1G" (powers of 1024). */
int args_size(const char *s, uint64_t *n, struct error *err);
/* Seconds, 0 or more, as milliseconds; "2", "0.5". */
int args_seconds(const char *s, unsigned int *ms, struct error *err);
int args_count(const char *s, unsigned int max, unsigned int *n, struct error *err);

/* Lengths as they were asked for: "1-4096,1M,16M" is 4098 of them. */
struct lengths {
	struct {
		uint64_t first, last;
	} * range;
	size_t n;
	uint64_t count, total; /* messages, and bytes in all of them */
};

int args_lengths(const char *s, struct lengths *l, struct error *err);
/* `count` messages of `size` bytes, the last one shorter where `total` asks for it. */
void lengths_even(struct lengths *l, uint64_t total, uint64_t size);
uint64_t lengths_of(const struct lengths *l, uint64_t message);
void lengths_free(struct lengths *l);

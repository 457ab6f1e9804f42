/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of command line options. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "4096", "64K", "16M", "1G" (powers of 1024). */
int args_size(const char *s, uint64_t *n, struct error *err);
/* The other way: "64K", "1M", "100". Returns `text`. */
const char *size_text(uint64_t n, char *text, size_t room);
/* Seconds, 0 or more, as milliseconds; "2", "0.5". */
int args_seconds(const char *s, unsigned int *ms, struct error *err);
int args_count(const char *s, unsigned int max, unsigned int *n, struct error *err);

/* "1K,4K" or "1K-4M", the first doubled until the last: values of a sweep. */
#define LIST_MAX 64
struct list {
	uint64_t value[LIST_MAX];
	size_t n;
};

/* Each from 1 to `max`. `what`: of what they are, for the error. */
int args_list(const char *s, uint64_t max, const char *what, struct list *l, struct error *err);

/* Lengths as they were asked for: "1-4096,1M,16M" is 4098 of them. */
struct lengths {
	struct {
		uint64_t first, last;
	} * range;
	size_t n;
	uint64_t max, seed;    /* lengths_random(); max 0: not so */
	uint64_t count, total; /* messages, and bytes in all of them */
};

int args_lengths(const char *s, struct lengths *l, struct error *err);
/* `count` messages of `size` bytes, the last one shorter where `total` asks for it. */
void lengths_even(struct lengths *l, uint64_t total, uint64_t size);
/* `count` lengths from 1 to `max`, which `seed` decides; one in four is a multiple of 1024. */
void lengths_random(struct lengths *l, uint64_t count, uint64_t max, uint64_t seed);
uint64_t lengths_of(const struct lengths *l, uint64_t message);
void lengths_free(struct lengths *l);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of command line options. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Parses a size in bytes: "4096", "64K", "16M", "1G" (powers of 1024). */
int args_size(const char *s, uint64_t *n, struct error *err);
/* Writes a size as text: "64K", "1M", "100". Returns `text`. */
const char *size_text(uint64_t n, char *text, size_t room);
/* Parses seconds, such as "2" or "0.5", and stores milliseconds. */
int args_seconds(const char *s, unsigned int *ms, struct error *err);
/* Parses an integer from 0 to `max`. */
int args_count(const char *s, unsigned int max, unsigned int *n, struct error *err);

/* The values of a sweep. */
#define LIST_MAX 64
struct list {
	uint64_t value[LIST_MAX];
	size_t n;
};

/* Parses "1K,4K" or "1K-4M" (doubled from the first to the last). Each value is from 1 to `max`.
   `what`: the name of the values in the error. */
int args_list(const char *s, uint64_t max, const char *what, struct list *l, struct error *err);

/* The lengths of the messages of a run. */
struct lengths {
	struct {
		uint64_t first, last;
	} * range;
	size_t n;
	uint64_t max, seed;    /* of lengths_random(); max 0: another kind */
	uint64_t count, total; /* messages, and bytes in all of them */
};

/* Parses lengths in bytes: "1-4096,1M,16M" are 4098 of them. */
int args_lengths(const char *s, struct lengths *l, struct error *err);
/* Sets lengths of `size` bytes, `total` bytes together; the last one may be shorter. */
void lengths_even(struct lengths *l, uint64_t total, uint64_t size);
/* Sets `count` pseudo-random lengths from 1 to `max`; one in four is a multiple of 1024. */
void lengths_random(struct lengths *l, uint64_t count, uint64_t max, uint64_t seed);
/* Returns the length of a message, in bytes. */
uint64_t lengths_of(const struct lengths *l, uint64_t message);
void lengths_free(struct lengths *l);

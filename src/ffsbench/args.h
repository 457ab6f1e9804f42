/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the values of command line options. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Parses a size in bytes: "4096", "64K", "16M", "1G" (powers of 1024). */
int args_size(const char *s, uint64_t *n, struct error *err);
/* Writes a size as text into `text`, such as "64K", "1M" or "100", and returns `text`. */
const char *format_size(uint64_t n, char *text, size_t room);
/* Parses a time in seconds, such as "2" or "0.5", and stores milliseconds. */
int args_seconds(const char *s, unsigned int *ms, struct error *err);
/* Parses an integer from 0 to `max`. */
int args_count(const char *s, unsigned int max, unsigned int *n, struct error *err);

/* The values of an option that accepts several sizes or depths, each of which is measured. */
#define LIST_MAX 64
struct value_list {
	uint64_t value[LIST_MAX];
	size_t n;
};

/* Parses a list such as "1K,4K", or a range such as "1K-4M", in which each value is twice the last
   one. Each value is from 1 to `max`. `what`: the name of the values in the error message. */
int args_list(const char *s, uint64_t max, const char *what, struct value_list *l,
	      struct error *err);

/* The lengths of the messages of a run. */
struct lengths {
	struct {
		uint64_t first, last;
	} * range;
	size_t n;
	uint64_t max, seed;    /* arguments of lengths_random(); max is 0 if it was not called */
	uint64_t count, total; /* number of messages, and the sum of their bytes */
};

/* Parses lengths in bytes. Example: "1-4096,1M,16M" are 4098 lengths. */
int args_lengths(const char *s, struct lengths *l, struct error *err);
/* Sets messages of `size` bytes with a sum of `total` bytes; the last message may be shorter. */
void lengths_even(struct lengths *l, uint64_t total, uint64_t size);
/* Sets `count` messages with pseudo-random lengths from 1 to `max`; one length in four is a
   multiple of 1024. */
void lengths_random(struct lengths *l, uint64_t count, uint64_t max, uint64_t seed);
/* Returns the length of a message, in bytes. */
uint64_t lengths_get(const struct lengths *l, uint64_t message);
void lengths_free(struct lengths *l);

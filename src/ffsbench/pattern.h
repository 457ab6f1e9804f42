/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the messages hold: bytes that depend on the message and on the place in it, so that a lost,
 * doubled or swapped piece of any length shows.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pattern {
	unsigned char *table;
};

void pattern_init(struct pattern *p);
void pattern_free(struct pattern *p);
void pattern_fill(const struct pattern *p, uint64_t message, uint64_t offset, unsigned char *data,
		  size_t length);
/* The index of the first byte that differs; `length`: none does. */
size_t pattern_compare(const struct pattern *p, uint64_t message, uint64_t offset,
		       const unsigned char *data, size_t length);
unsigned char pattern_byte(const struct pattern *p, uint64_t message, uint64_t offset);

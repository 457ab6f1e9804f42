/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of messages: each byte depends on the message and on its offset, so that lost,
 * doubled or swapped data of any length is detected.
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
/* Returns the index of the first byte that differs; `length` if none does. */
size_t pattern_compare(const struct pattern *p, uint64_t message, uint64_t offset,
		       const unsigned char *data, size_t length);
unsigned char pattern_byte(const struct pattern *p, uint64_t message, uint64_t offset);

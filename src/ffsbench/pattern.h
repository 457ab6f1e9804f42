/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of messages. Each byte depends on the index of the message and on the byte's offset
 * in the message. Therefore lost, doubled and swapped data is detected.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pattern {
	unsigned char *random_bytes;
};

void pattern_init(struct pattern *p);
void pattern_free(struct pattern *p);
/* Stores `length` bytes of the message, from `offset` on, in `data`. */
void pattern_fill(const struct pattern *p, uint64_t message, uint64_t offset, unsigned char *data,
		  size_t length);
/* Compares `data` with the bytes of the message from `offset` on. Returns the index of the first
   byte that differs; `length` if none differs. */
size_t pattern_n_matching_bytes(const struct pattern *p, uint64_t message, uint64_t offset,
				const unsigned char *data, size_t length);
/* Returns the byte of the message at `offset`. */
unsigned char pattern_byte(const struct pattern *p, uint64_t message, uint64_t offset);

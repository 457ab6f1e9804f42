/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/*
 * All messages are parts of one table of random bytes. The length of the table is a prime number.
 * Therefore two parts of a message whose distance is a multiple of a packet size or buffer size
 * differ.
 */
#define TABLE_SIZE 1048573
#define MESSAGE_STEP 7919

void pattern_init(struct pattern *p)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t i;

	p->random_bytes = xcalloc(TABLE_SIZE, 1);
	for (i = 0; i < TABLE_SIZE; i++) {
		x ^= x << 13; /* xorshift64 */
		x ^= x >> 7;
		x ^= x << 17;
		p->random_bytes[i] = (unsigned char)(x >> 32);
	}
}

void pattern_free(struct pattern *p)
{
	free(p->random_bytes);
	p->random_bytes = NULL;
}

static size_t table_offset(uint64_t message, uint64_t offset)
{
	return (message % TABLE_SIZE * MESSAGE_STEP + offset) % TABLE_SIZE;
}

void pattern_fill(const struct pattern *p, uint64_t message, uint64_t offset, unsigned char *data,
		  size_t length)
{
	size_t at = table_offset(message, offset), n;

	while (length) {
		n = TABLE_SIZE - at < length ? TABLE_SIZE - at : length;
		memcpy(data, p->random_bytes + at, n);
		data += n;
		length -= n;
		at = 0;
	}
}

unsigned char pattern_byte(const struct pattern *p, uint64_t message, uint64_t offset)
{
	return p->random_bytes[table_offset(message, offset)];
}

size_t pattern_n_matching_bytes(const struct pattern *p, uint64_t message, uint64_t offset,
				const unsigned char *data, size_t length)
{
	size_t at = table_offset(message, offset), done = 0, n, i;

	while (done < length) {
		n = TABLE_SIZE - at < length - done ? TABLE_SIZE - at : length - done;
		if (memcmp(data + done, p->random_bytes + at, n) != 0) {
			for (i = 0; data[done + i] == p->random_bytes[at + i]; i++)
				;
			return done + i;
		}
		done += n;
		at = 0;
	}
	return length;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blobs for the verdicts, made by chance but always the same for a seed and an index: what programs
 * write to ep0, from what every kernel takes to what none does. Shared by the fuzz target, the unit
 * tests and the comparison with the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/validate.h"

/* Numbers of files that blobs with an eventfd in them name. */
enum { BLOBS_EVENTFD = 100, BLOBS_OTHER_FD, BLOBS_CLOSED_FD };
/* For who has no such files: as if there were these and 0, 1 and 2. */
enum ffs_fd_kind blobs_fd_kind(int fd);

struct blob {
	uint8_t *data;
	size_t size, room;
};

#define BLOBS_MAX 4

/* What one program writes, in order. All zero at first; its memory is used again. */
struct blobs {
	struct blob write[BLOBS_MAX];
	size_t n;
	bool retry;	  /* write the next one also when one has been refused */
	const char *what; /* in a word: how it was made */
};

void blobs_make(struct blobs *b, uint64_t seed, uint64_t index);
void blobs_free(struct blobs *b);

/* Changes some bytes of a blob, of which there are at most `room` in the end; the new size. */
size_t blobs_mutate(uint8_t *data, size_t size, size_t room, uint64_t seed);

/* --- chance --- */

struct dice {
	uint64_t state;
};

uint64_t dice_next(struct dice *d);
/* 0 to n - 1; n is not 0. */
uint32_t dice_below(struct dice *d, uint32_t n);
/* True in so many of 100 cases. */
bool dice_percent(struct dice *d, unsigned int percent);

/* --- bytes --- */

void blob_put(struct blob *b, const void *data, size_t n);
void blob_put8(struct blob *b, unsigned int v);
void blob_put16(struct blob *b, unsigned int v);
void blob_put32(struct blob *b, uint32_t v);
void blob_set32(struct blob *b, size_t at, uint32_t v);
/* The length in the head is what it is. */
void blob_finish(struct blob *b);

/* Some of those changes, mostly one or two; the head's length is mostly set right afterwards. */
void blob_mutate(struct blob *b, struct dice *d);
/* The same for bytes that are no blob: no length is set right. The new size. */
size_t bytes_mutate(uint8_t *data, size_t size, size_t room, struct dice *d);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates blobs for the validator, at random but reproducible from a seed and an index: writes to
 * ep0 from what every kernel accepts to what none does. Shared by the fuzz target, the unit tests
 * and the comparison with the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/validate_blob.h"

/* File descriptor numbers in blobs with an eventfd. */
enum { BLOBS_EVENTFD = 100, BLOBS_OTHER_FD, BLOBS_CLOSED_FD };
/* For programs without such files: as if these and 0, 1 and 2 were open. */
enum ffs_fd_kind blobs_fd_kind(int fd);

struct blob {
	uint8_t *data;
	size_t size, room;
};

#define BLOBS_MAX 4

/* The writes of one program, in order. All zero at first; memory is reused. */
struct blobs {
	struct blob write[BLOBS_MAX];
	size_t n;
	bool retry;	  /* continue after a refused write */
	const char *what; /* how it was made, in one word */
};

void blobs_make(struct blobs *b, uint64_t seed, uint64_t index);
void blobs_free(struct blobs *b);

/* Changes some bytes of a blob. Returns the new size, at most `room`. */
size_t blobs_mutate(uint8_t *data, size_t size, size_t room, uint64_t seed);

/* --- random numbers --- */

struct dice {
	uint64_t state;
};

uint64_t dice_next(struct dice *d);
/* 0 to n - 1; n is not 0. */
uint32_t dice_below(struct dice *d, uint32_t n);
/* True in `percent` of 100 cases. */
bool dice_percent(struct dice *d, unsigned int percent);

/* --- bytes --- */

void blob_put(struct blob *b, const void *data, size_t n);
void blob_put8(struct blob *b, unsigned int v);
void blob_put16(struct blob *b, unsigned int v);
void blob_put32(struct blob *b, uint32_t v);
void blob_set32(struct blob *b, size_t at, uint32_t v);
/* Sets the length in the head. */
void blob_finish(struct blob *b);

/* Some of those changes, mostly one or two; mostly corrects the head's length afterwards. */
void blob_mutate(struct blob *b, struct dice *d);
/* The same for bytes that are not a blob: corrects no length. Returns the new size. */
size_t bytes_mutate(uint8_t *data, size_t size, size_t room, struct dice *d);

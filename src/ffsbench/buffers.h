/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buffers of transfers. They are zero-copy memory of usbfs, which the host controller accesses
 * directly, or ordinary memory, whose data the kernel copies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "ffsbench/device.h"

enum memory_choice { MEMORY_AUTO, MEMORY_ZERO_COPY, MEMORY_ORDINARY };

struct transfer_buffers {
	const struct device *device;
	unsigned char **data; /* array of the buffers */
	unsigned int n_allocated, n_requested;
	size_t buffer_size; /* bytes */
	bool zero_copy;
};

/* Parses "auto", "zero-copy" or "ordinary". */
int memory_choice_parse(const char *s, enum memory_choice *choice, struct error *err);
/* Allocates `n` buffers of `size` bytes. If there is not enough zero-copy memory for all
   buffers, MEMORY_AUTO selects ordinary memory for all of them. */
int buffers_allocate(struct transfer_buffers *b, const struct device *d, enum memory_choice choice,
		     unsigned int n, size_t size, struct error *err);
void buffers_free(struct transfer_buffers *b);
/* Adds a hint to `err`, the error of an allocation or of a submission that failed for lack of
   memory. */
int buffers_add_hint(const struct transfer_buffers *b, struct error *err);
/* Returns a warning if `choice` is MEMORY_AUTO and the buffers are ordinary memory, else NULL.
   The caller frees the warning. */
char *buffers_warning(const struct transfer_buffers *b, enum memory_choice choice);

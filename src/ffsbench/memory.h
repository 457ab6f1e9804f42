/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers of transfers: zero-copy memory of usbfs, which the host controller accesses directly, or
 * ordinary memory, which the kernel copies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "ffsbench/device.h"

enum memory_choice { MEMORY_AUTO, MEMORY_ZERO_COPY, MEMORY_ORDINARY };

struct buffers {
	const struct device *device;
	unsigned char **data;
	unsigned int n, requested;
	size_t size; /* bytes of each buffer */
	bool zero_copy;
};

/* Parses "auto", "zero-copy" or "ordinary". */
int memory_parse(const char *s, enum memory_choice *choice, struct error *err);
/* Allocates all buffers. MEMORY_AUTO uses ordinary memory for all of them if there is not enough
 * zero-copy memory. */
int buffers_make(struct buffers *b, const struct device *d, enum memory_choice choice,
		 unsigned int n, size_t size, struct error *err);
void buffers_free(struct buffers *b);
/* Adds a hint to the error of an allocation or submission that failed for lack of memory. */
int buffers_hint(const struct buffers *b, struct error *err);
/* Returns a warning if MEMORY_AUTO had to use ordinary memory, else NULL. The caller frees it. */
char *buffers_remark(const struct buffers *b, enum memory_choice choice);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers of transfers: memory of usbfs, into which the host controller moves data itself, or
 * ordinary memory, which the kernel copies to and from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "ffsbench/device.h"

enum memory_wish { MEMORY_AUTO, MEMORY_ZERO_COPY, MEMORY_ORDINARY };

struct buffers {
	const struct device *d;
	unsigned char **at;
	unsigned int n, wanted;
	size_t size; /* of each */
	bool zero_copy;
};

/* "auto", "zero-copy", "ordinary" */
int memory_parse(const char *s, enum memory_wish *wish, struct error *err);
/* All of one kind: MEMORY_AUTO takes ordinary memory when the kernel refuses one of them. */
int buffers_make(struct buffers *b, const struct device *d, enum memory_wish wish, unsigned int n,
		 size_t size, struct error *err);
void buffers_free(struct buffers *b);
/* Why an allocation or a submission that needs these buffers had no memory, and what to do. */
int buffers_hint(const struct buffers *b, struct error *err);
/* The same as a sentence about MEMORY_AUTO's choice; NULL: there is nothing to say. */
char *buffers_remark(const struct buffers *b, enum memory_wish wish);

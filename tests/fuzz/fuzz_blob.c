/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an enemy writes to ep0, as the verdicts see it: beside what the sanitizers find, everything
 * that blob_check() asks, for every kernel; and a newer or patched kernel takes what the older
 * one takes. An input is what is written, one blob behind the other, divided by their lengths.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "blob_check.h"
#include "blobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
/* Of libFuzzer; not there when only the corpus is run. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static uint32_t length_of(const uint8_t *data)
{
	return data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 | (uint32_t)data[7] << 24;
}

/* Of the blob at the start; the rest if it does not say so. */
static size_t first_size(const uint8_t *data, size_t size)
{
	size_t n = size < 8 ? size : length_of(data);

	return n > size || n == 0 ? size : n;
}

#define KERNELS 4

/* What one kernel takes as its first write, a newer or patched one takes as well. */
static void compare_kernels(const bool takes[KERNELS])
{
	static const char *const more[][2] = { { "6.1-stock", "6.1-patched" },
					       { "6.1-stock", "6.12-stock" },
					       { "6.12-stock", "6.12-patched" },
					       { "6.1-patched", "6.12-patched" } };
	static ptrdiff_t index[ARRAY_SIZE(more)]
			      [2]; /* found once: names take longer than verdicts */
	static bool found;

	for (size_t i = 0; i < ARRAY_SIZE(more) && !found; i++)
		for (size_t k = 0; k < 2; k++)
			index[i][k] = ffs_kernel_find(more[i][k]) - ffs_kernels;
	found = true;
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		if (!takes[index[i][0]] || takes[index[i][1]])
			continue;
		fprintf(stderr, "fuzz_blob: %s takes what %s does not\n", more[i][0], more[i][1]);
		abort();
	}
}

/* One write to the instance of each kernel, and whether it is taken. */
static void write_to_all(struct blob_session s[KERNELS], const uint8_t *data, size_t size,
			 bool takes[KERNELS])
{
	for (size_t i = 0; i < KERNELS; i++)
		if (s[i].kernel.state != FFS_ACTIVE)
			takes[i] = blob_check(&s[i], data, size).rule == FFS_ACCEPTED;
}

static bool all_active(const struct blob_session s[KERNELS])
{
	for (size_t i = 0; i < KERNELS; i++)
		if (s[i].kernel.state != FFS_ACTIVE)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob_session s[KERNELS] = { 0 };
	bool takes[KERNELS];

	for (size_t i = 0; i < KERNELS; i++)
		s[i].validator = (struct ffs_validator){ .kernel = &ffs_kernels[i],
							 .fd_kind = blobs_fd_kind };
	if (ffs_kernels[KERNELS - 1].name == NULL || ffs_kernels[KERNELS].name != NULL)
		abort();
	for (bool first = true; size > 0 && !all_active(s); first = false) {
		size_t n = first_size(data, size);
		/* A copy: nothing may be read behind its end */
		uint8_t *copy = malloc(n);

		if (!copy)
			abort();
		memcpy(copy, data, n);
		write_to_all(s, copy, n, takes);
		free(copy);
		/* Before anything is refused and left behind */
		if (first)
			compare_kernels(takes);
		data += n;
		size -= n;
	}
	return 0;
}

/* A session of the generator in place of what there is. */
static size_t replace(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static struct blobs b; /* its memory is used again */
	size_t n = 0;

	blobs_make(&b, seed, 0);
	for (size_t i = 0; i < b.n && n + b.write[i].size <= max; i++) {
		memcpy(data + n, b.write[i].data, b.write[i].size);
		n += b.write[i].size;
	}
	return n > 0 ? n : size;
}

__attribute__((visibility("default"))) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
								      size_t max, unsigned int seed)
{
	struct dice d = { seed };
	size_t n, left;

	if (dice_percent(&d, 10))
		return replace(data, size, max, seed);
	if (LLVMFuzzerMutate && dice_percent(&d, 50))
		return LLVMFuzzerMutate(data, size, max);
	/* Mostly the first blob, whose length is set right; what follows stays behind it */
	n = dice_percent(&d, 30) ? size : first_size(data, size);
	left = blobs_mutate(data, n, n == size ? max : n, seed);
	memmove(data + left, data + n, size - n);
	return left + size - n;
}

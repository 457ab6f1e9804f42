/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an enemy writes to ep0, as the verdicts see it: beside what the sanitizers find, everything
 * that verdict_check() asks, for every kernel; and a newer or patched kernel takes what the older
 * one takes. An input is what is written, one blob behind the other, divided by their lengths.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "blobs.h"
#include "verdict_check.h"

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

/* How many writes are taken, of a copy each, so that nothing may be read behind its end. */
static unsigned int run(const struct ffs_kernel *kernel, const uint8_t *data, size_t size)
{
	struct verdict_session s = { .judge = { .kernel = kernel, .fd_kind = blobs_fd_kind } };
	unsigned int taken = 0;

	while (size > 0 && s.kernel.state != FFS_ACTIVE) {
		size_t n = first_size(data, size);
		uint8_t *copy = malloc(n);

		if (!copy)
			abort();
		memcpy(copy, data, n);
		taken += verdict_check(&s, copy, n).rule == FFS_ACCEPTED;
		free(copy);
		data += n;
		size -= n;
	}
	return taken;
}

/* Before anything is refused and left behind. */
static bool takes_first(const struct ffs_kernel *kernel, const uint8_t *data, size_t size)
{
	const struct ffs_judge judge = { .kernel = kernel, .fd_kind = blobs_fd_kind };
	struct ffs_instance fresh = { 0 };

	return ffs_verdict_kernel(&judge, &fresh, data, size).rule == FFS_ACCEPTED;
}

static void compare_kernels(const uint8_t *data, size_t size)
{
	static const char *const more[][2] = { { "6.1-stock", "6.1-patched" },
					       { "6.1-stock", "6.12-stock" },
					       { "6.12-stock", "6.12-patched" },
					       { "6.1-patched", "6.12-patched" } };

	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		if (!takes_first(ffs_kernel_find(more[i][0]), data, size) ||
		    takes_first(ffs_kernel_find(more[i][1]), data, size))
			continue;
		fprintf(stderr, "fuzz_verdict: %s takes what %s does not\n", more[i][0],
			more[i][1]);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	compare_kernels(data, first_size(data, size));
	for (const struct ffs_kernel *k = ffs_kernels; k->name; k++)
		run(k, data, size);
	return 0;
}

/* A session of the generator in place of what there is. */
static size_t replace(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct blobs b = { 0 };
	size_t n = 0;

	blobs_make(&b, seed, 0);
	for (size_t i = 0; i < b.n && n + b.write[i].size <= max; i++) {
		memcpy(data + n, b.write[i].data, b.write[i].size);
		n += b.write[i].size;
	}
	blobs_free(&b);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of the validator and the decoder: arbitrary bytes as writes to ep0. Beside what the
 * sanitizers find, everything that blob_check() checks must hold for every kernel, a newer or
 * patched kernel must accept what an older one accepts, and what can be decoded is accepted. An
 * input is one blob after the other, divided by their lengths.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/check_function.h"
#include "blob/decode.h"
#include "blob_check.h"
#include "blobs.h"
#include "gadgetfile/gadget.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
/* libFuzzer's; missing when only the corpus is run. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static uint32_t length_of(const uint8_t *data)
{
	return data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 | (uint32_t)data[7] << 24;
}

/* Of the first blob by its head, or of all that is left. */
static size_t first_size(const uint8_t *data, size_t size)
{
	size_t n = size < 8 ? size : length_of(data);

	return n > size || n == 0 ? size : n;
}

#define KERNELS 6

/* A newer or patched kernel must accept the first write if an older one does. */
static void compare_kernels(const bool accepts[KERNELS])
{
	static const char *const more[][2] = {
		{ "6.1-stock", "6.1-patched" },	  { "6.1-stock", "6.12-stock" },
		{ "6.12-stock", "6.12-patched" }, { "6.1-patched", "6.12-patched" },
		{ "6.12-stock", "6.18-stock" },	  { "6.12-patched", "6.18-patched" },
		{ "6.18-stock", "6.18-patched" }
	};
	static ptrdiff_t index[ARRAY_SIZE(more)]
			      [2]; /* found once: finding takes longer than validating */
	static bool found;

	for (size_t i = 0; i < ARRAY_SIZE(more) && !found; i++)
		for (size_t k = 0; k < 2; k++)
			index[i][k] = ffs_kernel_rules_find(more[i][k]) - ffs_known_kernels;
	found = true;
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		if (!accepts[index[i][0]] || accepts[index[i][1]])
			continue;
		fprintf(stderr, "fuzz_blob: %s accepts what %s refuses\n", more[i][0], more[i][1]);
		abort();
	}
}

/* Writes to the instance of each kernel; `accepts`: whether it accepts. */
static void write_to_all(struct blob_session s[KERNELS], const uint8_t *data, size_t size,
			 bool accepts[KERNELS])
{
	for (size_t i = 0; i < KERNELS; i++)
		if (s[i].kernel.state != FFS_ACTIVE)
			accepts[i] = blob_check(&s[i], data, size).rule == FFS_ACCEPTED;
}

/* The first blob as the file of a gadget file's `blob`. */
static void decode(const uint8_t *data, size_t size)
{
	_cleanup_gadget_ struct gadget *g = xcalloc(1, sizeof(*g));
	struct function *f = array_add(g->functions, g->n_functions);
	_cleanup_error_ struct error err = { 0 };
	struct ffs_refusal refusal;

	f->ffs = xcalloc(1, sizeof(*f->ffs));
	f->ffs->raw_descriptors.data = memcpy(xcalloc(size, 1), data, size);
	f->ffs->raw_descriptors.size = size;
	if (ffs_decode_descriptors(f->ffs, &err) < 0)
		return;
	refusal = ffs_check_blobs(f->ffs);
	if (refusal.finding.rule == FFS_ACCEPTED || refusal.in_strings)
		return;
	fprintf(stderr, "fuzz_blob: decoded, but refused\n");
	abort();
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
	bool accepts[KERNELS];

	for (size_t i = 0; i < KERNELS; i++)
		s[i].options = (struct ffs_validation_options){ .kernel = &ffs_known_kernels[i],
								.fd_kind = blobs_fd_kind };
	if (ffs_known_kernels[KERNELS - 1].name == NULL || ffs_known_kernels[KERNELS].name != NULL)
		abort();
	for (bool first = true; size > 0 && !all_active(s); first = false) {
		size_t n = first_size(data, size);
		/* A copy: the sanitizer notices a read beyond its end */
		uint8_t *copy = malloc(n);

		if (!copy)
			abort();
		memcpy(copy, data, n);
		if (first)
			decode(copy, n);
		write_to_all(s, copy, n, accepts);
		free(copy);
		/* Later ones find what a refused one has left */
		if (first)
			compare_kernels(accepts);
		data += n;
		size -= n;
	}
	return 0;
}

/* Replaces the input by a session of the generator. */
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
	/* Mostly the first blob, whose length is corrected; the others stay after it */
	n = dice_percent(&d, 30) ? size : first_size(data, size);
	left = blobs_mutate(data, n, n == size ? max : n, seed);
	memmove(data + left, data + n, size - n);
	return left + size - n;
}

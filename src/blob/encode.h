/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodes a function's two blobs, descriptors and strings, in the format of
 * linux/usb/functionfs.h (struct usb_functionfs_descs_head_v2, usb_functionfs_strings_head), and
 * records from which part of the gadget file each byte was made:
 *
 *   _cleanup_ffs_blob_ struct ffs_blob blob = { 0 };
 *
 *   ffs_encode_descriptors(ffs, &blob);
 *   at = ffs_blob_position(&blob, finding.offset);
 *
 * In the blobs, the numbers of interfaces, endpoints and strings count from the first one of the
 * function; the kernel renumbers them at bind.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "blob/ffs.h"

/*
 * A part of a blob: the bytes from `offset` up to the offset of the next part. They were made from
 * the setting at the position `at` of the gadget file.
 */
struct ffs_blob_part {
	size_t offset;
	const struct position *at; /* points into the struct ffs that was encoded */
};

/* A blob, with its parts. If all members are 0, the blob is empty. */
struct ffs_blob {
	uint8_t *data;
	size_t size, allocated;	     /* bytes used, bytes allocated */
	struct ffs_blob_part *parts; /* ascending, the first one at offset 0 */
	size_t n_parts;
};

void ffs_blob_clear(struct ffs_blob *b);
#define _cleanup_ffs_blob_ _cleanup_(ffs_blob_clear)

/* Encode the descriptors, or the strings, into an empty blob. These functions cannot fail. */
void ffs_encode_descriptors(const struct ffs *ffs, struct ffs_blob *b);
void ffs_encode_strings(const struct ffs *ffs, struct ffs_blob *b);

/*
 * Returns the position in the gadget file from which the byte at `offset` was made. The end of the
 * blob, where the kernel may have expected more bytes, belongs to the last part. NULL: the blob is
 * empty.
 */
const struct position *ffs_blob_position(const struct ffs_blob *b, size_t offset);

/*
 * Return the bytes of the descriptors or strings without their parts, to write them. The caller
 * frees them.
 */
uint8_t *ffs_blob_descriptors(const struct ffs *ffs, size_t *size);
uint8_t *ffs_blob_strings(const struct ffs *ffs, size_t *size);
/*
 * Returns the descriptors for kernels that expect bcdVersion of Microsoft OS descriptors with its
 * bytes swapped. Must not be called for a function whose descriptors come from a blob file.
 */
uint8_t *ffs_blob_descriptors_swapped(const struct ffs *ffs, size_t *size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodes a function's two blobs, descriptors and strings, in the format of
 * linux/usb/functionfs.h (struct usb_functionfs_descs_head_v2, usb_functionfs_strings_head), and
 * records for each byte the gadget-file key from which it was encoded:
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
 * A part of a blob: the bytes from `offset` up to the offset of the next part. All of them were
 * encoded from one key of the gadget file.
 */
struct ffs_blob_part {
	size_t offset;
	const struct position *at; /* position of the key; points into the encoded struct ffs */
};

/* A blob that is divided into parts. If all members are 0, the blob is empty. */
struct ffs_blob {
	uint8_t *data;
	size_t size, allocated;	     /* bytes used, bytes allocated */
	struct ffs_blob_part *parts; /* sorted by offset; the first part is at offset 0 */
	size_t n_parts;
};

void ffs_blob_clear(struct ffs_blob *b);
#define _cleanup_ffs_blob_ _cleanup_(ffs_blob_clear)

/* Encode the descriptors, or the strings, into an empty blob. These functions cannot fail. */
void ffs_encode_descriptors(const struct ffs *ffs, struct ffs_blob *b);
void ffs_encode_strings(const struct ffs *ffs, struct ffs_blob *b);

/*
 * Returns the position of the gadget-file key from which the byte at `offset` was encoded. The end
 * of the blob, where the kernel may have expected more bytes, belongs to the last part. Returns
 * NULL if the blob is empty.
 */
const struct position *ffs_blob_position(const struct ffs_blob *b, size_t offset);

/*
 * Encode the descriptors or the strings, and return only the bytes of the blob. The caller frees
 * them.
 */
uint8_t *ffs_blob_descriptors(const struct ffs *ffs, size_t *size);
uint8_t *ffs_blob_strings(const struct ffs *ffs, size_t *size);
/*
 * Does the same as ffs_blob_descriptors, but swaps the bytes of bcdVersion in Microsoft OS
 * descriptors, as some kernels expect it. Must not be called for a function whose descriptors come
 * from a blob file.
 */
uint8_t *ffs_blob_descriptors_with_swapped_os_version(const struct ffs *ffs, size_t *size);

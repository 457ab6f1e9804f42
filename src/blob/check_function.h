/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks a function of a gadget file before anything is written: encodes it, validates the bytes,
 * and maps a refusal back to the position in the gadget file. A blob that is refused here is
 * refused by every kernel that the validator knows. For features that only some of these kernels
 * have, see functionfs/features.h, which probes the running kernel.
 */
#pragma once

#include "blob/ffs.h"
#include "blob/validate_blob.h"

struct ffs_refusal {
	struct ffs_finding
		finding; /* the first refusal; rule FFS_ACCEPTED: both blobs are accepted */
	bool in_strings; /* true: the strings blob is refused; false: the descriptor blob */
	const struct position *at; /* position of the gadget-file key from which the refused bytes
				      were encoded; points into the struct ffs that was checked */
};

/* Encodes and validates the descriptors of `ffs`, then its strings. Returns the first refusal. */
struct ffs_refusal ffs_check_blobs(const struct ffs *ffs);

/*
 * Returns whether the kernel (at least up to Linux 6.12) accepts the descriptors of these speeds,
 * but dereferences a null pointer at the bind.
 */
bool ffs_may_crash_kernel_at_bind(const struct ffs *ffs);

/*
 * Validates one descriptor of an interface's key `extra`. The descriptor must have at least 2
 * bytes, and exactly as many bytes as its bLength. The offset in the finding counts from the first
 * byte of the descriptor.
 */
struct ffs_finding ffs_check_extra_descriptor(const struct interface *interface,
					      const struct ffs_bytes *descriptor);

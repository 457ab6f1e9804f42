/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks a function of a gadget file before anything is written: encodes it, validates the bytes,
 * and maps a refusal back to the position in the gadget file. A blob that is refused here is
 * refused by every kernel that the validator knows. Features that only some of these kernels have
 * are probed on the running kernel (functionfs/features.h).
 */
#pragma once

#include "blob/ffs.h"
#include "blob/validate.h"

struct ffs_refusal {
	struct ffs_finding
		finding; /* what is refused, and why; rule FFS_ACCEPTED: nothing is refused */
	bool in_strings; /* the finding is in the strings; false: in the descriptors */
	const struct position
		*at; /* position in the gadget file of the setting that the refused bytes were made
			from; points into the struct ffs that was checked */
};

/* Validates the descriptors of `ffs`, then its strings. Returns the first refusal. */
struct ffs_refusal ffs_check(const struct ffs *ffs);

/*
 * Returns whether the kernel (at least up to Linux 6.12) accepts the descriptors of these speeds,
 * but dereferences a null pointer at the bind.
 */
bool ffs_crashes_at_bind(const struct ffs *ffs);

/*
 * Validates one descriptor of the key `extra` of an interface. The descriptor must have at least 2
 * bytes, and as many as its bLength contains. The finding's offset counts from the descriptor's
 * first byte.
 */
struct ffs_finding ffs_check_extra(const struct interface *interface,
				   const struct ffs_bytes *descriptor);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flags in the head of a descriptor blob (linux/usb/functionfs.h), and the kernels that have
 * them. The table ffs_flags has a row for each flag. A new flag that affects only the kernel needs
 * only a new row: encoder, decoder, validator, loader and probe read the table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* --- kernels --- */

#define FFS_LINUX(major, minor) ((major) << 8 | (minor))
#define FFS_EVERY_LINUX 1 /* a version below every version that ffsctl supports */

/* The properties of a kernel that decide which features it has. */
struct ffs_kernel_version {
	unsigned int linux_version; /* for example FFS_LINUX(6, 12) */
	bool has_ffsctl_patches;    /* the kernel has ffsctl's kernel patches */
};

/* A feature of FunctionFS, and the kernels that have it. */
struct ffs_feature {
	const char *name;	    /* key of the gadget file; NULL: there is no key */
	const char *description;    /* a noun phrase; NULL: every kernel has the feature */
	unsigned int since_version; /* first version of Linux that has the feature, for example
				       FFS_LINUX(7, 3); 0: no version has it */
	bool in_ffsctl_patches;	    /* ffsctl's kernel patches add the feature to every version */
};

bool ffs_kernel_has_feature(const struct ffs_kernel_version *kernel,
			    const struct ffs_feature *feature);
/*
 * Returns the kernels that have the feature: "Linux 7.3 or ffsctl's kernel patches". The caller
 * frees it.
 */
char *ffs_feature_kernels(const struct ffs_feature *feature);

/* --- flags --- */

#define FFS_FLAG_BITS 32
/*
 * Returns the bit number of a flag, to index arrays that have an element for each flag: 5 for
 * FUNCTIONFS_EVENTFD.
 */
#define FFS_FLAG_NUMBER(flag) __builtin_ctz(flag)

struct ffs_flag {
	uint32_t flag; /* FUNCTIONFS_..., one bit */
	/*
	 * feature.name is the boolean key of the group `ffs` that sets the flag; NULL: the encoder
	 * derives the flag from other parts of the model.
	 *
	 * A flag with feature.description is probed (functionfs/features.h): the probe writes a
	 * blob with this flag and one endpoint in each direction. Only a kernel without the flag
	 * refuses this blob with ENOSYS.
	 */
	struct ffs_feature feature;
	/* The kernel accepts the flag only with suitable endpoints (a rule of
	   blob/validate_blob.h). */
	bool needs_in_out_pairs;
	/*
	 * Reason why ffsctl refuses a blob file with this flag, as the end of a message that begins
	 * with "flag 32 "; NULL: ffsctl accepts the flag.
	 */
	const char *why_ffsctl_refuses;
};

/* Sorted by flag; ends with a row whose flag is 0. */
extern const struct ffs_flag ffs_flags[];

/* Returns the flags that a kernel accepts. */
uint32_t ffs_flags_of_kernel(const struct ffs_kernel_version *kernel);
/* Returns the flags of all rows of ffs_flags. A kernel may accept only some of them. */
uint32_t ffs_all_flags(void);

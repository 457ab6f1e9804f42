/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flags in the head of descriptors (linux/usb/functionfs.h). ffs_flags has a row for each,
 * which encoder, decoder, validator, loader, the check of what a gadget file needs and the probe
 * use: none of them names a flag that has only an effect in the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* --- kernels --- */

#define FFS_LINUX(major, minor) ((major) << 8 | (minor))
#define FFS_EVERY_LINUX 1 /* older than any that ffsctl supports */

/* A kernel, as far as it decides about features. */
struct ffs_release {
	unsigned int version; /* FFS_LINUX(6, 12) */
	bool patched;	      /* with ffsctl's kernel patches */
};

/* A feature of FunctionFS, and which kernels have it. */
struct ffs_feature {
	const char *name;      /* the gadget file's key, where one exists */
	const char *what;      /* a noun phrase; NULL if every kernel has the feature */
	unsigned int mainline; /* Linux has it from here: FFS_LINUX(7, 3); 0: not yet */
	bool ours;	       /* ffsctl's kernel patches have it, for every version */
};

bool ffs_release_has(const struct ffs_release *release, const struct ffs_feature *feature);
/*
 * Returns the kernels that have the feature: "Linux 7.3 or ffsctl's kernel patches". The caller
 * frees it.
 */
char *ffs_feature_since(const struct ffs_feature *feature);

/* --- flags --- */

#define FFS_FLAG_BITS 32
/* Returns the number of a flag, for arrays with an element for each: FUNCTIONFS_EVENTFD is 5. */
#define FFS_FLAG_NUMBER(flag) __builtin_ctz(flag)

struct ffs_flag {
	uint32_t flag; /* FUNCTIONFS_..., one bit */
	/*
	 * Its name is the boolean key of the group `ffs` that sets the flag; NULL: the encoder
	 * makes the flag from other parts of the model. With words for `what` it is probed: written
	 * with the descriptors of one endpoint in each direction, which only a kernel without the
	 * flag refuses with ENOSYS.
	 */
	struct ffs_feature feature;
	/* The kernel compares it with the endpoints (a rule of blob/validate.h). */
	bool checked;
	/* Why a blob from a file cannot have it, after "flag 32 "; NULL: it can. */
	const char *refused;
};

/* In ascending order; ends with flag 0. */
extern const struct ffs_flag ffs_flags[];

/* Returns the flags that a kernel accepts. */
uint32_t ffs_release_flags(const struct ffs_release *release);
/* Returns the flags of all rows, which is more than any known kernel needs to accept. */
uint32_t ffs_all_flags(void);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Optional features of FunctionFS. They are probed, never guessed from a version number, because
 * distributions backport patches and modules may be replaced.
 */
#pragma once

#include <stdbool.h>

#include "blob/flags.h"
#include "gadgetfile/gadget.h"

/*
 * Features have numbers: below FFS_FLAG_BITS the flags of ffs_flags, by FFS_FLAG_NUMBER(), and then
 * the others.
 */
enum { FFS_ZLP = FFS_FLAG_BITS, FFS_MMAP, FFS_DMABUF, FFS_SESSIONS, FFS_DFU, FFS_FEATURE_COUNT };

/* Returns the optional feature of this number. NULL: none, or a flag that every kernel has. */
const struct ffs_feature *ffs_feature(int number);

struct ffs_features {
	bool has[FFS_FEATURE_COUNT];
};

/*
 * Probes the features on an instance (a function ffs.INSTANCE in configfs) that is not mounted, and
 * leaves it unchanged. Uses a detached mount, which other processes do not see and which ends with
 * this process. Needs root, but neither UDC nor host. -errno.
 */
int ffs_probe(const char *instance, struct ffs_features *features, struct error *err);

/*
 * A part of ffs_probe(): probes the optional flags of ffs_flags on a mounted instance without
 * descriptors, and leaves it unchanged. `dir` is its directory. -errno.
 */
int ffs_probe_flags(int dir, struct ffs_features *features);

/* Returns whether a function uses the optional feature; *at: the first position that does. */
bool ffs_needs_feature(const struct ffs *ffs, int number, struct position *at);

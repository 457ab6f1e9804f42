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
 * Each feature has a number. The features that are flags of ffs_flags have the numbers
 * FFS_FLAG_NUMBER(flag), which are below FFS_FLAG_BITS. The numbers of the other features follow.
 */
enum { FFS_ZLP = FFS_FLAG_BITS, FFS_MMAP, FFS_DMABUF, FFS_SESSIONS, FFS_DFU, FFS_FEATURE_COUNT };

/*
 * Returns the optional feature with this number; NULL if there is none, or if it is a flag that
 * every kernel has.
 */
const struct ffs_feature *ffs_feature(int number);

struct ffs_features {
	bool has[FFS_FEATURE_COUNT];
};

/*
 * Probes the features on an instance (a function ffs.INSTANCE in configfs) that is not mounted, and
 * leaves it unchanged. Uses a detached mount, which other processes do not see and which ends with
 * this process. Needs root, but neither UDC nor host. Returns 0 or a negative errno.
 */
int ffs_probe(const char *instance, struct ffs_features *features, struct error *err);

/*
 * A part of ffs_probe(): probes the optional flags of ffs_flags on a mounted instance without
 * descriptors, and leaves it unchanged. `dir` is the descriptor of the root directory of the mount.
 * Returns 0 or a negative errno.
 */
int ffs_probe_flags(int dir, struct ffs_features *features);

/*
 * Returns whether a function uses the optional feature. If so, *at becomes the first position that
 * uses it.
 */
bool ffs_needs_feature(const struct ffs *ffs, int number, struct position *at);

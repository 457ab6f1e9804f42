/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Optional features of FunctionFS. ffsctl probes them and does not derive them from the kernel
 * version, because distributions backport patches and modules may be replaced.
 */
#pragma once

#include <stdbool.h>

#include "blob/flags.h"
#include "gadgetfile/gadget.h"

/*
 * Each feature has a number. A feature that is a flag of ffs_flags has the number
 * FFS_FLAG_NUMBER(flag), which is below FFS_FLAG_BITS. The other features have the following
 * numbers.
 */
enum { FFS_ZLP = FFS_FLAG_BITS, FFS_MMAP, FFS_DMABUF, FFS_SESSIONS, FFS_DFU, FFS_FEATURE_COUNT };

/*
 * Returns the optional feature with this number. Returns NULL if no feature has the number, or if
 * it belongs to a flag that every kernel has.
 */
const struct ffs_feature *ffs_feature_by_number(int number);

struct ffs_features {
	bool has[FFS_FEATURE_COUNT]; /* index: number of the feature */
};

/*
 * Probes the features on an instance (a function ffs.INSTANCE in configfs) that is not mounted, and
 * leaves the instance unchanged. The mount is detached (fsmount(2)): other processes do not see it,
 * and the kernel removes it when this process closes it or ends. Requires root, but no UDC and no
 * host. Returns 0 or a negative errno.
 */
int ffs_probe(const char *instance, struct ffs_features *features, struct error *err);

/*
 * Mounts an instance as ffs_probe() does, and writes the descriptors of a function with one
 * interface and no endpoint. Returns a file descriptor of ep0, or a negative errno. The function
 * can be bound, to any UDC, as long as ep0 is open.
 */
int ffs_open_function_without_endpoints(const char *instance, struct error *err);

/*
 * A part of ffs_probe(): probes the optional flags of ffs_flags on a mounted instance that has no
 * descriptors yet, and leaves the instance unchanged. `mount_dir_fd` is a file descriptor of the
 * root directory of the mount. Returns 0 or a negative errno.
 */
int ffs_probe_flags(int mount_dir_fd, struct ffs_features *features);

/*
 * Returns whether a function uses the optional feature with this number. If so, stores in *at the
 * position of the first key that uses it.
 */
bool ffs_needs_feature(const struct ffs *ffs, int number, struct position *at);

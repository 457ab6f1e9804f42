/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Optional features of FunctionFS. They are probed, never guessed from a version number, because
 * distributions backport patches and modules may be replaced.
 */
#pragma once

#include <stdbool.h>

#include "gadgetfile/gadget.h"

enum ffs_feature {
	FFS_RW_PROXY,
	FFS_ZLP,
	FFS_MMAP,
	FFS_DMABUF,
	FFS_SESSIONS,
	FFS_DFU,
	FFS_FEATURE_COUNT
};

struct ffs_feature_words {
	const char *name;  /* the gadget file's key, where one exists */
	const char *what;  /* description, a noun phrase */
	const char *since; /* kernel version or patches that have it */
	bool ours;	   /* ffsctl's kernel patches have it */
};
extern const struct ffs_feature_words ffs_feature_words[FFS_FEATURE_COUNT];

struct ffs_features {
	bool has[FFS_FEATURE_COUNT];
};

/*
 * Probes the features on an instance (a function ffs.INSTANCE in configfs) that is not mounted, and
 * leaves it unchanged. Uses a detached mount, which other processes do not see and which ends with
 * this process. Needs root, but neither UDC nor host. -errno.
 */
int ffs_probe(const char *instance, struct ffs_features *features, struct error *err);

/* Returns whether a function uses the feature; *at: the first position that does. */
bool ffs_needs_feature(const struct ffs *ffs, enum ffs_feature feature, struct position *at);

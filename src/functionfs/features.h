/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel's FunctionFS can do beyond what every one can. Found out by trying,
 * never by a version number: distributions carry patches, and modules may be replaced.
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
	const char *name;  /* as the gadget file calls it, where it does */
	const char *what;  /* half a sentence */
	const char *since; /* what brings it */
	bool ours;	   /* our kernel patches are among that */
};
extern const struct ffs_feature_words ffs_feature_words[FFS_FEATURE_COUNT];

struct ffs_features {
	bool has[FFS_FEATURE_COUNT];
};

/*
 * Tries them on an instance (of a function ffs.INSTANCE in configfs) that nobody has mounted, and
 * leaves it as it was. It is mounted nowhere: nobody else sees it, and it ends with this process.
 * Needs root. Takes no UDC, waits for no host. -errno with err filled.
 */
int ffs_probe(const char *instance, struct ffs_features *features, struct error *err);

/* Whether a function asks for the feature, and where. */
bool ffs_needs_feature(const struct ffs *ffs, enum ffs_feature feature, struct position *at);

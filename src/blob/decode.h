/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes descriptors that come from a file: what the rest of ffsctl needs to know about them. */
#pragma once

#include "base/error.h"
#include "blob/ffs.h"

/*
 * Fills in flags, speeds, interfaces and endpoints of `ffs`, which has none so far, from
 * ffs->raw_descriptors. All get raw_descriptors_at as their position; endpoints get no name.
 *
 * -EINVAL, and `err` names the byte: every kernel refuses the blob, or it is one that the model
 * cannot hold. What has been filled in up to there means nothing then, but is freed with `ffs`.
 */
int ffs_decode_descriptors(struct ffs *ffs, struct error *err);

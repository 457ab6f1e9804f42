/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes what ffsctl must know of a blob of descriptors that the user has written. */
#pragma once

#include "base/error.h"
#include "blob/ffs.h"

/*
 * Fills in flags, speeds, interfaces and endpoints of `ffs`, which has none so far, from
 * ffs->raw_descriptors. All of them get raw_descriptors_at as their position; endpoints get no
 * name.
 *
 * -EINVAL, and `err` names the byte: every kernel refuses the blob, or the model cannot represent
 * it. What was filled in before the error is not valid, but is freed with `ffs`.
 */
int ffs_decode_descriptors(struct ffs *ffs, struct error *err);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes the parts of a user's descriptor blob that ffsctl must know. */
#pragma once

#include "base/error.h"
#include "blob/ffs.h"

/*
 * Fills in the flags, speeds, interfaces and endpoints of `ffs`, which has none so far, from
 * ffs->raw_descriptors. All of them get raw_descriptors_at as their position; endpoints get no
 * name.
 *
 * Returns -EINVAL if every kernel refuses the blob or if the model cannot represent it; `err` then
 * contains the offset of the byte. The members that were filled in before the error are not valid,
 * but are freed with `ffs`.
 */
int ffs_decode_descriptors(struct ffs *ffs, struct error *err);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes a descriptor blob that was read from a user's file, but only the parts that ffsctl needs.
 */
#pragma once

#include "base/error.h"
#include "blob/ffs.h"

/*
 * Decodes ffs->raw_descriptors into the flags, speeds, interfaces and endpoints of `ffs`, which are
 * empty before the call. All of them get the position raw_descriptors_at; endpoints get no name.
 *
 * Returns -EINVAL if every kernel refuses the blob or if the model cannot represent it; `err` then
 * contains the offset of the wrong byte. After an error the decoded members are not valid; they are
 * freed with `ffs`.
 */
int ffs_decode_descriptors(struct ffs *ffs, struct error *err);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two blobs that make a FunctionFS instance a function: descriptors and strings, in the form
 * of linux/usb/functionfs.h (struct usb_functionfs_descs_head_v2, usb_functionfs_strings_head).
 * Interface, endpoint and string numbers count from this function's own start; the kernel
 * renumbers them at bind.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "blob/ffs.h"

/* Both return memory that the caller frees; they cannot fail for what gadgetfile_load has accepted.
 */
uint8_t *ffs_blob_descriptors(const struct ffs *ffs, size_t *size);
/*
 * The same for kernels that want the version of Microsoft's descriptors with its bytes swapped; not
 * where the gadget file has a blob of its own.
 */
uint8_t *ffs_blob_descriptors_swapped(const struct ffs *ffs, size_t *size);
uint8_t *ffs_blob_strings(const struct ffs *ffs, size_t *size);

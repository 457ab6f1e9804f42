/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that make what only some gadgets have below a directory of configfs: the attributes,
 * directories and links of a kernel function, and those of the gadget (os_desc, webusb). `self` is
 * the struct configfs, which gets a remark where the kernel changed a value.
 */
#pragma once

#include "configfs/configfs.h"

/* A directory that may exist: then the kernel made it, and removes it. */
extern const struct step_op attribute_op_directory;
/* Writes `value` to the attribute `path`, and reads it back. */
extern const struct step_op attribute_op_text;
/* The same for values that are not text: two hexadecimal digits for each byte. */
extern const struct step_op attribute_op_bytes;
/* Writes the contents of the file `value`. */
extern const struct step_op attribute_op_file;
/* A link at `path` to `value`. */
extern const struct step_op attribute_op_link;

/* Adds the steps for all entries, below `dir`. */
void attributes_add(struct plan *plan, struct configfs *c, const struct entries *entries,
		    const char *dir);

/* Whether the gadget may stay bound while the step is undone, applied or replaced. */
bool configfs_writable_while_bound(const struct step *step);

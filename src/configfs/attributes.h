/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps for the attributes, directories and links that only some gadgets have: those of kernel
 * functions, and os_desc and webusb of the gadget. `context` is the struct configfs, which gets a
 * remark when the kernel changed a value.
 */
#pragma once

#include "configfs/configfs.h"

/* Makes a directory; if it exists, the kernel made it and will remove it. */
extern const struct step_op attribute_op_directory;
/* Writes `value` to the attribute `path`, and reads it back. */
extern const struct step_op attribute_op_text;
/* Writes a value that is not text: `value` has two hexadecimal digits for each byte. */
extern const struct step_op attribute_op_bytes;
/* Writes the contents of the file `value`. */
extern const struct step_op attribute_op_file;
/* Makes a link at `path` to `value`. */
extern const struct step_op attribute_op_link;

/* Adds the steps for all attributes, below `dir`. */
void attributes_add(struct plan *plan, struct configfs *c,
		    const struct configfs_attributes *attributes, const char *dir);

/* Returns whether the gadget may stay bound while the step is undone, applied or replaced. */
bool configfs_writable_while_bound(const struct step *step);

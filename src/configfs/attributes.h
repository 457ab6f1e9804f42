/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps for the attributes, directories and links that only some gadgets have: those of kernel
 * functions, and the gadget's os_desc and webusb. The step's `context` is the struct configfs, in
 * which values that the kernel has changed are noted.
 */
#pragma once

#include "configfs/configfs.h"

/* Makes the directory `path`. If it exists already, the kernel made it and will remove it. */
extern const struct step_op attribute_op_directory;
/* Writes `value` to the attribute `path`, and reads it back. */
extern const struct step_op attribute_op_text;
/* Writes a value that is not text: `value` has two hexadecimal digits for each byte. */
extern const struct step_op attribute_op_bytes;
/* Writes the contents of the file `value` to the attribute `path`. */
extern const struct step_op attribute_op_file;
/* Makes the symbolic link `path`, which leads to `value`. */
extern const struct step_op attribute_op_link;

/* Adds the steps for all attributes; `dir` is the directory to which their paths are relative. */
void attributes_add(struct plan *plan, struct configfs *c,
		    const struct configfs_attributes *attributes, const char *dir);

/* Returns whether the step may be undone, applied or replaced while the gadget is bound. */
bool configfs_writable_while_bound(const struct step *step);

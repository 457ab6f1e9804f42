/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps for attributes, directories and links that only some gadgets have: those in the directories
 * of kernel functions, and the gadget's os_desc and webusb. The step's `context` is the struct
 * configfs, whose list values_changed_by_kernel contains the values that the kernel has changed.
 */
#pragma once

#include "configfs/configfs.h"

/*
 * Makes the directory `path`. Succeeds if the kernel has already made the directory; the kernel
 * then also removes it.
 */
extern const struct step_op attribute_op_directory;
/* Writes `value` to the attribute `path`, and reads it back. */
extern const struct step_op attribute_op_text;
/* Writes a value that is not text: `value` has two hexadecimal digits for each byte. */
extern const struct step_op attribute_op_bytes;
/* Writes the contents of the file `value` to the attribute `path`. */
extern const struct step_op attribute_op_file;
/*
 * Makes an Ethernet address from the source `value` (mac_address_read) and writes it to the
 * attribute `path`, which ends in GADGET/functions/TYPE.INSTANCE/ATTRIBUTE. The address is made
 * when the step is applied.
 */
extern const struct step_op attribute_op_address;
/* Makes the symbolic link `path`, which leads to `value`. */
extern const struct step_op attribute_op_symlink;

/* Adds a step for each of `attributes`, whose paths are relative to the directory `dir`. */
void configfs_add_attributes(struct plan *plan, struct configfs *c,
			     const struct configfs_attributes *attributes, const char *dir);

/* Returns whether the step may be undone, applied or replaced while the gadget is bound. */
bool configfs_writable_while_bound(const struct step *step);

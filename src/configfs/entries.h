/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that make the entries below a directory of configfs: what the gadget file says of a
 * function of the kernel's, and what the gadget has beside functions and configurations. All have
 * `self` = struct configfs, which gets a remark where the kernel made something else of a value.
 */
#pragma once

#include "configfs/configfs.h"

/* A directory that the kernel may have made already: then it is its, not ours. */
extern const struct step_op entry_op_directory;
/* `value` to the attribute `path`, as it is; read back. */
extern const struct step_op entry_op_text;
/* The same for values that are no text: two hexadecimal digits for each byte. */
extern const struct step_op entry_op_bytes;
/* What the file `value` holds. */
extern const struct step_op entry_op_file;
/* A link at `path` to `value`. */
extern const struct step_op entry_op_link;

/* Makes the entries below `dir`. */
void entries_add(struct plan *plan, struct configfs *c, const struct entries *entries,
		 const char *dir);

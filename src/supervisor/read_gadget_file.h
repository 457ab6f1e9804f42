/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a gadget file in a supervisor, which has no terminal for the diagnostics. */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadgetfile.h"

/*
 * Loads the gadget file. `name`: see struct gadgetfile_options. `dirs`: see
 * gadgetfile_load_with_dirs. Calls `log_line` with each diagnostic as one line; NULL: ignores
 * diagnostics. Fails with EX_DATAERR if the file has errors, else as gadgetfile_load does.
 */
int supervisor_read_gadget_file(const char *path, const char *name, const char *const *dirs,
				enum gadgetfile_trust trust,
				void (*log_line)(void *data, const char *line), void *data,
				struct gadget **gadget, json_t **document, struct error *err);

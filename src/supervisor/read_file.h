/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a gadget file for a supervisor, not for a command. */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadgetfile.h"

/*
 * `name`: see struct gadgetfile_options; `dirs`: gadgetfile_load_found. `say`, unless NULL, is
 * called with each diagnostic as one line. Fails with EX_DATAERR, or like gadgetfile_load.
 */
int supervisor_read_file(const char *path, const char *name, const char *const *dirs,
			 enum gadgetfile_trust trust, void (*say)(void *data, const char *line),
			 void *data, struct gadget **gadget, json_t **document, struct error *err);

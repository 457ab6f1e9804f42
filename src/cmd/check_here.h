/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `check --here`: checks whether this system has everything that a gadget file refers to. */
#pragma once

#include "base/paths.h"
#include "cmd/plugin_tables.h"
#include "gadgetfile/gadgetfile.h"

/*
 * Adds a message of that severity to `diags` for each missing user, group, program, plugin, UDC and
 * gadget file. With DIAG_ERROR, also requires a free UDC and the kernel features that the gadget
 * needs. `dirs` are the directories with gadget files.
 */
void check_here(const struct paths *paths, const struct gadget *gadget, const char *const *dirs,
		enum diag_severity severity, struct plugin_tables *plugins, struct diags *diags);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `check --here`: whether this system has all that a gadget file refers to. */
#pragma once

#include "base/paths.h"
#include "cmd/plugin_tables.h"
#include "gadgetfile/gadgetfile.h"

/*
 * Adds a message to `diags` for each missing user, group, program, plugin, UDC and gadget file.
 * With DIAG_ERROR they are errors, and a free UDC and kernel features are required too. `dirs`: the
 * directories with gadget files.
 */
void here_check(const struct paths *paths, const struct gadget *gadget, const char *const *dirs,
		enum diag_severity severity, struct plugin_tables *plugins, struct diags *diags);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this machine has what a gadget names: users, groups, programs, plugins, its UDC, the
 * files of gadgets that it may switch to. */
#pragma once

#include "base/paths.h"
#include "cmd/plugin_tables.h"
#include "gadgetfile/gadgetfile.h"

/*
 * Adds what is missing to `diags`: as warnings, or with DIAG_ERROR as errors, and then also when
 * there is no UDC that the gadget could take now. `dirs`: where gadget files are looked for.
 */
void here_check(const struct paths *paths, const struct gadget *gadget, const char *const *dirs,
		enum diag_severity severity, struct plugin_tables *plugins, struct diags *diags);

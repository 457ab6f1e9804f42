/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this machine has what a gadget names: users, groups, programs, plugins, its UDC. */
#pragma once

#include "base/world.h"
#include "spec/spec.h"

/*
 * Adds what is missing to `diags`: as warnings, or with DIAG_ERROR as errors, and then also when
 * there is no UDC that the gadget could take now.
 */
void here_check(const struct world *world, const struct gadget *gadget, enum diag_severity severity,
		struct diags *diags);

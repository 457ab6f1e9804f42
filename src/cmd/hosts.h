/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands say of the drivers that hosts have for a gadget (predict/hosts.h). */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "gadgetfile/gadgetfile.h"
#include "predict/hosts.h"

/* Returns the gadget as hosts see it at its highest speed. The caller frees it. */
struct host_view cmd_host_view_of(const struct gadget *gadget, enum kernel_series kernel);

/*
 * Adds a warning for each interface that a host in `gadget`'s key `hosts` has no driver for
 * (`check`).
 */
void cmd_check_hosts(const struct gadget *gadget, struct diags *diags);
/*
 * Prints the drivers that all hosts have for the interfaces of the gadget, after a line that begins
 * with `name`.
 */
void cmd_print_hosts(FILE *to, const char *name, const struct gadget *gadget,
		     enum kernel_series kernel);
/* Returns the same as a JSON array; the caller owns it. */
json_t *cmd_hosts_to_json(const struct gadget *gadget, enum kernel_series kernel);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gadget of cli.md's "gadgets" in words. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "cmd/status_rates.h"

/* With its functions and problems, a line each. `rates` NULL: without. */
void status_print_gadget(FILE *out, const json_t *gadget, const struct rates *rates);
/* All of that which is a state, in one line. */
void status_print_line(FILE *out, const json_t *gadget);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the status of a gadget as text. */
#pragma once

#include <stdio.h>

#include "cmd/status_rates.h"

/*
 * Prints one line for the gadget, one for each function, and one for each problem. `rates` NULL:
 * prints no data rates.
 */
void status_print_gadget(FILE *out, const struct gadget_status *gadget,
			 const struct data_rates *rates);
/* Prints the states of the gadget and of its workers on one line. */
void status_print_line(FILE *out, const struct gadget_status *gadget);

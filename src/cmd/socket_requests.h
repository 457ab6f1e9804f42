/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that send one request to the supervisor of a gadget and print the answer. */
#pragma once

#include "cmd/cmd.h"

/* Executes globals->current_command: sends the request of its member `supervisor_request`. */
int cmd_send_request(const struct globals *globals, int argc, char **argv);

/* The options of `bind`; the values are a const char *. */
extern const struct option_row cmd_bind_options[];

/* Functions for supervisor_request.print_answer. */
void cmd_print_restarted(const char *gadget, const char *function,
			 const struct socket_answer *answer);
void cmd_print_bound(const char *gadget, const char *udc, const struct socket_answer *answer);

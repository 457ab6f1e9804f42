/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the control*.c files share. */
#pragma once

#include "function/function.h"
#include "supervisor/control.h"

/* Begins to execute a client's command. Answers the client if there is nothing to wait for. */
void control_begin_command(struct control_client *client, const struct socket_request *request);

/* Answers with `err`, or with success if `err` is empty, and closes the connection. */
void control_answer(struct control_client *client, const struct error *err);
/* Answers the command `bind` or `unbind`, and closes the connection. */
void control_answer_bind(struct control_client *client, bool changed, const struct error *err);
/* Answers the command `restart`, and closes the connection. */
void control_answer_restart(struct control_client *client, const struct error *err);
/* Answers with an error, which has that exit status and text, and closes the connection. */
void control_refuse(struct control_client *client, int exit, const char *text);
void control_refuse_as_too_many(struct control_client *client);
/* Returns whether the client's `restart` restarts the worker of this function. */
bool control_client_restarts_function(const struct control_client *client,
				      const struct live_function *function);
/* Answers a command that waited until a host has configured the gadget, and closes the connection.
 */
void control_answer_wait_for_host(struct control_client *client);
/* Answers the command `reload`, and closes the connection. */
void control_answer_reload(struct control_client *client);
/* Closes the connection without an answer. */
void control_close_client(struct control_client *client);
/*
 * Handles a client that closed its end of the connection: closes the connection, and cancels a bind
 * that no other client waits for.
 */
void control_handle_closed_client(struct control_client *client);

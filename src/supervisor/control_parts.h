/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the control*.c files share. */
#pragma once

#include "function/function.h"
#include "supervisor/control.h"

/* Executes the command of a client, or begins to; answers it if there is nothing to wait for. */
void control_handle(struct control_client *client, const struct control_request *request);

/* Answers with `err`, or with success if it is empty, and closes the connection. */
void control_answer(struct control_client *client, const struct error *err);
/* Does the same for bind and unbind. */
void control_answer_bus(struct control_client *client, bool changed, const struct error *err);
void control_refuse(struct control_client *client, int exit, const char *text);
void control_refuse_as_too_many(struct control_client *client);
/* Returns whether the client restarts this function, alone or with others. */
bool control_concerns(const struct control_client *client, const struct live_function *function);
/* Does the same for reload. */
void control_answer_reload(struct control_client *client);
/* Closes the connection without an answer. */
void control_drop(struct control_client *client);
/*
 * Closes the connection of a client that closed its end, and cancels a bind that no other client
 * waits for.
 */
void control_client_closed(struct control_client *client);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control.c (clients), control_answer.c and control_commands.c share. */
#pragma once

#include "function/function.h"
#include "supervisor/control.h"

/* Does what a client asks for, or begins to, and answers it when there is nothing to wait for. */
void control_handle(struct control_client *client, const json_t *json);

/* Answers with the error, or 0 without one, and ends the connection. */
void control_answer(struct control_client *client, const struct error *err);
/* The same of bind and unbind. */
void control_answer_bus(struct control_client *client, bool changed, const struct error *err);
void control_refuse(struct control_client *client, int exit, const char *text);
void control_refuse_as_too_many(struct control_client *client);
/* Whether its restart is, or is among others, that of this function. */
bool control_concerns(const struct control_client *client, const struct live_function *function);
/* The same of reload. */
void control_answer_reload(struct control_client *client);
/* Ends the connection without an answer. */
void control_drop(struct control_client *client);
/* The client has gone: what nobody else waits for is not wanted any more. */
void control_hang_up(struct control_client *client);

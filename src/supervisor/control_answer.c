/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers clients of the control socket, and closes their connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervisor/bus.h"
#include "supervisor/control_parts.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reload.h"

void control_drop(struct control_client *client)
{
	fd_watch_close(&client->control->live->loop, &client->source);
	free(client->function);
	*client = (struct control_client){ .control = client->control, .source = FD_WATCH_NONE };
}

/* Sends an answer. Ignores errors, because a client need not read its answer. */
static void send_answer(int fd, enum control_command command, const struct socket_answer *answer,
			const struct error *err)
{
	_cleanup_free_ char *text = socket_answer_to_text(command, answer, err);

	send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void control_answer_to(int fd, const struct error *err)
{
	send_answer(fd, COMMAND_UNKNOWN, NULL, err);
	close(fd);
}

static void answer_with(struct control_client *client, enum control_command command,
			const struct socket_answer *answer, const struct error *err)
{
	send_answer(client->source.fd, command, answer, err);
	control_drop(client);
}

void control_answer(struct control_client *client, const struct error *err)
{
	answer_with(client, COMMAND_UNKNOWN, NULL, err);
}

void control_answer_bus(struct control_client *client, bool changed, const struct error *err)
{
	struct socket_answer answer = { .changed = changed, .udc = client->control->binding->udc };

	answer_with(client, COMMAND_BIND, &answer, err);
}

void control_refuse(struct control_client *client, int exit, const char *text)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, exit, EINVAL, NULL, "%s", text);
	control_answer(client, &err);
}

void control_answer_reload(struct control_client *client)
{
	const struct control *control = client->control;
	const struct reload_result *result = &control->reloader->result;
	struct socket_answer answer = { .changed = result->changed,
					.rebound = result->rebound,
					.awaits =
						result->awaits_udc ? control->binding->udc : NULL };

	answer_with(client, COMMAND_RELOAD, &answer, &result->error);
}

bool control_client_restarts(const struct control_client *client, const struct live_function *i)
{
	return i->worker && (!client->function || streq(client->function, i->model->label));
}

void control_refuse_as_too_many(struct control_client *client)
{
	control_refuse(client, EX_CANTCREAT, "too many commands wait for its supervisor already");
}

/* If a client of `bind` ended before the bind, the gadget must not be bound later. */
void control_client_closed(struct control_client *client)
{
	struct control *control = client->control;
	bool wanted = client->waits != CLIENT_WAITS_BIND;

	control_drop(client);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		wanted = wanted || control->clients[i].waits == CLIENT_WAITS_BIND;
	if (!wanted)
		bus_withdraw(control->binding);
}

void control_drop_closed_binds(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->clients[i];
		char byte;

		if (client->waits == CLIENT_WAITS_BIND &&
		    recv(client->source.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0)
			control_client_closed(client);
	}
}

void control_refuse_all(struct control *control, int except_fd)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_TEMPFAIL, EAGAIN, NULL, "its supervisor becomes another program");
	error_hint(&err, "try again");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].source.fd >= 0 &&
		    control->clients[i].source.fd != except_fd)
			control_answer(&control->clients[i], &err);
	bus_withdraw(control->binding);
	/* Accept and refuse clients in the socket's queue, at most CONTROL_CLIENTS. */
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		control_answer_to(fd, &err);
	}
}

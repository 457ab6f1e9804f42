/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers clients of the control socket, and closes their connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "supervisor/binding.h"
#include "supervisor/control_internal.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reload.h"
#include "supervisor/usb_host.h"

void control_close_client(struct control_client *client)
{
	fd_watch_close(&client->control->live->loop, &client->watch);
	free(client->function_label);
	*client = (struct control_client){ .control = client->control, .watch = FD_WATCH_NONE };
}

/* Sends an answer. Ignores errors, because a client need not read its answer. */
static void send_answer(int fd, enum control_command command, const struct socket_answer *answer,
			const struct error *err)
{
	_cleanup_free_ char *text = socket_answer_to_text(command, answer, err);

	send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void control_answer_and_close_socket(int fd, const struct error *err)
{
	send_answer(fd, COMMAND_UNKNOWN, NULL, err);
	close(fd);
}

static void answer_and_close(struct control_client *client, enum control_command command,
			     const struct socket_answer *answer, const struct error *err)
{
	send_answer(client->watch.fd, command, answer, err);
	control_close_client(client);
}

void control_answer(struct control_client *client, const struct error *err)
{
	answer_and_close(client, COMMAND_UNKNOWN, NULL, err);
}

void control_answer_bind(struct control_client *client, bool changed, const struct error *err)
{
	struct socket_answer answer = { .gadget_changed = changed,
					.udc = client->control->binding->udc };

	answer_and_close(client, COMMAND_BIND, &answer, err);
}

void control_answer_wait_for_host(struct control_client *client)
{
	struct socket_answer answer = {
		.configured_by_udc = host_evidence(client->control->binding->host) == HOST_BY_UDC,
	};

	answer_and_close(client, COMMAND_WAIT, &answer, NULL);
}

void control_answer_restart(struct control_client *client, const struct error *err)
{
	const struct functions *functions = &client->control->live->functions;
	struct socket_answer answer = { 0 };

	for (size_t n = 0; n < functions->n && !answer.later_worker; n++) {
		const struct live_function *function = functions->list[n];

		if (!control_client_restarts_function(client, function))
			continue;
		answer.later_worker_starts = function_event_before_start(function);
		if (answer.later_worker_starts)
			answer.later_worker = function->model->label;
	}
	answer_and_close(client, COMMAND_RESTART, &answer, err);
}

void control_refuse(struct control_client *client, int exit, const char *text)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, exit, EINVAL, NULL, "%s", text);
	control_answer(client, &err);
}

/*
 * Finds out what has become of the bind that was due when the reload ended: it has succeeded, has
 * failed (sets `err`), or still awaits a worker.
 */
static void answer_due_bind(const struct binding *binding, struct socket_answer *answer,
			    struct error *err)
{
	if (!binding_rebind_has_ended(binding, err))
		answer->bind_is_due = true;
	else if (!err->exit)
		answer->rebound = true;
	else
		error_add_detail(err, "the gadget file was applied");
}

void control_answer_reload(struct control_client *client)
{
	const struct control_server *control = client->control;
	const struct reload_result *result = &control->reloader->last_result;
	struct socket_answer answer = { .gadget_changed = result->was_applied,
					.rebound = result->gadget_rebound,
					.awaited_udc =
						result->awaits_udc ? control->binding->udc : NULL };
	_cleanup_error_ struct error err = { 0 };

	error_copy(&err, &result->reload_error);
	if (!err.exit && result->bind_was_due)
		answer_due_bind(control->binding, &answer, &err);
	answer_and_close(client, COMMAND_RELOAD, &answer, &err);
}

bool control_client_restarts_function(const struct control_client *client,
				      const struct live_function *function)
{
	return function->worker &&
	       (!client->function_label || streq(client->function_label, function->model->label));
}

void control_refuse_as_too_many(struct control_client *client)
{
	control_refuse(client, EX_CANTCREAT,
		       "too many commands wait for the gadget's supervisor already");
}

/*
 * Cancels a bind for which no client waits any more: if the user has interrupted `ffsctl bind`, the
 * gadget must not be bound later.
 */
void control_handle_closed_client(struct control_client *client)
{
	struct control_server *control = client->control;
	bool wanted = client->waits_for != CLIENT_WAITS_BIND;

	control_close_client(client);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		wanted = wanted || control->clients[i].waits_for == CLIENT_WAITS_BIND;
	if (!wanted)
		binding_cancel_bind(control->binding);
}

void control_cancel_binds_of_closed_clients(struct control_server *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->clients[i];
		char byte;

		if (client->waits_for == CLIENT_WAITS_BIND &&
		    recv(client->watch.fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0)
			control_handle_closed_client(client);
	}
}

void control_refuse_all(struct control_server *control, int except_fd)
{
	_cleanup_error_ struct error err = { 0 };

	error_set(&err, EX_TEMPFAIL, EAGAIN, NULL,
		  "the gadget's supervisor is about to execute another program");
	error_add_hint(&err, "try again");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].watch.fd >= 0 && control->clients[i].watch.fd != except_fd)
			control_answer(&control->clients[i], &err);
	binding_cancel_bind(control->binding);
	/* Also answers the clients that are not accepted yet, at most CONTROL_CLIENTS. */
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		control_answer_and_close_socket(fd, &err);
	}
}

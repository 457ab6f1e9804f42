/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "supervisor/binding.h"
#include "supervisor/control_internal.h"
#include "supervisor/live_gadget.h"
#include "supervisor/usb_host.h"

/* --- clients ---------------------------------------------------------------------
 */

static void on_client_message(void *data, uint32_t events _unused_)
{
	/* Static, so that only the pages which the longest message needs are allocated. */
	static char text[CONTROL_MESSAGE_MAX];
	struct control_client *client = data;
	ssize_t n = recv(client->watch.fd, text, sizeof(text), MSG_DONTWAIT);
	struct socket_request request;
	_cleanup_error_ struct error err = { 0 };

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		control_handle_closed_client(client);
		return;
	}
	if (client->waits_for != CLIENT_IDLE)
		return;
	if (socket_request_parse(text, (size_t)n, &request, &err) < 0)
		control_answer(client, &err);
	else
		control_begin_command(client, &request);
	socket_request_free(&request);
}

/* Checks the groups that the client had when it connected (unix(7), SO_PEERCRED, SO_PEERGROUPS). */
static bool is_in_group(int fd, const struct ucred *peer, gid_t group)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = 0;

	if (peer->gid == group)
		return true;
	getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL,
		   &size); /* this call only returns the size */
	groups = xcalloc(size / sizeof(*groups) + 1, sizeof(*groups));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/*
 * Returns whether the client may send commands. Sets client->uid, and client->is_root for a client
 * that may send all commands.
 */
static bool may_send_commands(struct control_client *client)
{
	const struct control_server *control = client->control;
	struct ucred peer;

	if (fd_peer_credentials(client->watch.fd, &peer) < 0)
		return false;
	client->uid = peer.uid;
	client->is_root = peer.uid == 0 || peer.uid == geteuid();
	return client->is_root ||
	       (control->gid_allowed_to_control != 0 &&
		is_in_group(client->watch.fd, &peer, control->gid_allowed_to_control));
}

/* Returns a free slot for a new client; NULL: there is none that this client may use. */
static struct control_client *find_slot_for_client(struct control_server *control,
						   const struct control_client *new_client)
{
	struct control_client *slot = NULL;
	int others = 0, of_user = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->clients[i];

		if (client->watch.fd < 0) {
			slot = client;
			continue;
		}
		others += !client->is_root;
		of_user += client->uid == new_client->uid;
	}
	if (!new_client->is_root &&
	    (others >= CONTROL_CLIENTS - CONTROL_FOR_ROOT || of_user >= CONTROL_PER_USER))
		return NULL;
	return slot;
}

static bool has_sent_no_request(const struct control_client *client)
{
	return client->watch.fd >= 0 && client->waits_for == CLIENT_IDLE;
}

static void start_command_arrival_timer(struct control_server *control)
{
	double next = HUGE_VAL, now = now_monotonic();

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (has_sent_no_request(&control->clients[i]) &&
		    control->clients[i].command_arrival_deadline < next)
			next = control->clients[i].command_arrival_deadline;
	timer_stop(&control->command_arrival_timer);
	if (!isinf(next))
		timer_start(&control->command_arrival_timer, next > now ? next - now : 0);
}

/* Closes clients that sent no command in time. */
static void on_command_arrival_deadline(void *data, uint32_t events _unused_)
{
	struct control_server *control = data;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (has_sent_no_request(&control->clients[i]) &&
		    control->clients[i].command_arrival_deadline <= now_monotonic())
			control_close_client(&control->clients[i]);
	start_command_arrival_timer(control);
}

/*
 * Refuses a client when there is no free file descriptor: a connection that stays in the queue
 * would wake the supervisor again and again.
 */
static void refuse_without_free_fd(struct control_server *control)
{
	struct control_client late = { .control = control, .watch = FD_WATCH_NONE };

	cleanup_close(&control->spare_fd);
	late.watch.fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (late.watch.fd >= 0)
		control_refuse(
			&late, EX_OSERR,
			"the gadget's supervisor has no file descriptor left (RLIMIT_NOFILE)");
	control->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_new_client(void *data, uint32_t events _unused_)
{
	struct control_server *control = data;
	struct control_client *client, late = { .control = control, .watch = FD_WATCH_NONE };
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && errno == EMFILE)
		refuse_without_free_fd(control);
	if (fd < 0)
		return;
	late.watch.fd = fd;
	if (!may_send_commands(&late)) {
		control_refuse(
			&late, EX_NOPERM,
			"the gadget's supervisor answers only root and the group of --group");
		return;
	}
	client = find_slot_for_client(control, &late);
	if (!client || fd_watch_add(&control->live->loop, &client->watch, fd, EPOLLIN,
				    on_client_message, client) < 0) {
		control_refuse_as_too_many(&late);
		return;
	}
	client->uid = late.uid;
	client->is_root = late.is_root;
	client->command_arrival_deadline = now_monotonic() + CONTROL_COMMAND_SECONDS;
	start_command_arrival_timer(control);
}

void control_init(struct control_server *control, struct live_gadget *live, struct binding *binding,
		  struct reloader *reloader, struct switcher *switcher, struct takeover *takeover)
{
	*control = (struct control_server){ .live = live,
					    .binding = binding,
					    .reloader = reloader,
					    .switcher = switcher,
					    .takeover = takeover,
					    .listener = FD_WATCH_NONE,
					    .command_arrival_timer = FD_WATCH_NONE,
					    .spare_fd = -1 };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i] =
			(struct control_client){ .control = control, .watch = FD_WATCH_NONE };
}

int control_listen(struct control_server *control, const struct rundir *rundir, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/" RUNDIR_CONTROL, rundir->path);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	int r = control_socket_address(&address, path, err);

	if (r < 0)
		return r;
	unlink(path);
	/*
	 * Sets the mode before listen, so that no other user connects in between. may_send_commands
	 * checks each client.
	 */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, control->gid_allowed_to_control ? 0666 : 0600) < 0 ||
	    listen(fd, CONTROL_CLIENTS) < 0)
		return error_errno(err, EX_OSERR, errno, path, "cannot listen on %s", path);
	r = timer_open(&control->live->loop, &control->command_arrival_timer,
		       on_command_arrival_deadline, control);
	if (r == 0)
		r = fd_watch_add(&control->live->loop, &control->listener, fd, EPOLLIN,
				 on_new_client, control);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, path, "cannot watch %s", path);
	steal_fd(&fd);
	control->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

void control_close(struct control_server *control)
{
	cleanup_close(&control->spare_fd);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control_close_client(&control->clients[i]);
	fd_watch_close(&control->live->loop, &control->listener);
	fd_watch_close(&control->live->loop, &control->command_arrival_timer);
}

/* Refuses reloads that `down` has cancelled. */
static void refuse_reloads_that_down_cancelled(struct control_server *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].waits_for == CLIENT_WAITS_RELOAD)
			control_refuse(&control->clients[i], EX_TEMPFAIL,
				       "'down' was requested before the reload was complete");
}

void control_answer_down(struct control_server *control, const struct error *err)
{
	refuse_reloads_that_down_cancelled(control);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].waits_for == CLIENT_WAITS_DOWN)
			control_answer(&control->clients[i], err);
}

/*
 * Returns whether all workers that the client restarts are ready or done, or have failed. If one
 * has failed, sets err.
 */
static bool restarted_workers_are_ready_or_failed(const struct control_client *client,
						  struct error *err)
{
	const struct control_server *control = client->control;
	const struct live_worker *failed = NULL;

	for (size_t n = 0; n < control->live->functions.n; n++) {
		const struct live_function *function = control->live->functions.list[n];

		if (!control_client_restarts_function(client, function) ||
		    worker_need_not_be_awaited(function->worker))
			continue;
		if (function->worker->state != WORKER_FAILED)
			return false;
		failed = function->worker;
	}
	if (failed)
		worker_failure_error(failed, err);
	return true;
}

/* Returns whether a restart has ended. If a worker cannot start, sets err. */
static bool restart_has_ended(const struct control_client *client, struct error *err)
{
	const struct functions *functions = &client->control->live->functions;

	if (!restarted_workers_are_ready_or_failed(client, err))
		return false;
	for (size_t n = 0; n < functions->n && !err->exit; n++)
		if (control_client_restarts_function(client, functions->list[n]))
			function_check_device_file(functions->list[n], err);
	return err->exit || binding_rebind_has_ended(client->control->binding, err);
}

/* Refuses the clients that wait for a failed gadget: their commands cannot succeed any more. */
static void refuse_clients_of_failed_gadget(struct control_server *control)
{
	for (size_t c = 0; c < CONTROL_CLIENTS; c++) {
		struct control_client *client = &control->clients[c];

		if (client->waits_for != CLIENT_IDLE && client->waits_for != CLIENT_WAITS_DOWN)
			control_answer(client, &control->live->failure);
	}
}

/* Returns whether the client's command has ended. If the command has failed, sets err. */
static bool requested_action_has_ended(const struct control_client *client, struct error *err)
{
	const struct control_server *control = client->control;

	switch (client->waits_for) {
	case CLIENT_IDLE:
	case CLIENT_WAITS_DOWN:
	case CLIENT_WAITS_BIND:
	case CLIENT_WAITS_RELOAD:
		return false;
	case CLIENT_WAITS_RESTART:
		return restart_has_ended(client, err);
	case CLIENT_WAITS_READY:
		return control->live->functions.up_down_phase == PHASE_UP &&
		       restarted_workers_are_ready_or_failed(client, err) &&
		       (err->exit ||
			(gadget_state_for_status(control->live, control->binding) == STATUS_READY &&
			 binding_is_bound_in_kernel(control->binding)));
	case CLIENT_WAITS_HOST:
		return host_has_configured(control->binding->host);
	case CLIENT_WAITS_NO_HOST:
		return control->live->functions.up_down_phase == PHASE_UP &&
		       !host_has_configured(control->binding->host);
	}
	return false;
}

/*
 * Returns whether a reload has ended. If `down` has cancelled it, returns false:
 * control_answer_down answers the client.
 */
static bool reload_has_ended(const struct control_server *control)
{
	return control->live->functions.up_down_phase == PHASE_UP &&
	       !gadget_is_reloading(control->live);
}

static void answer_ended_action(struct control_client *client, const struct error *err)
{
	if (client->waits_for == CLIENT_WAITS_HOST)
		control_answer_wait_for_host(client);
	else if (client->waits_for == CLIENT_WAITS_RESTART)
		control_answer_restart(client, err);
	else
		control_answer(client, err);
}

void control_answer_finished_commands(struct control_server *control)
{
	if (control->live->state == GADGET_FAILED)
		refuse_clients_of_failed_gadget(control);
	for (size_t c = 0; c < CONTROL_CLIENTS; c++) {
		struct control_client *client = &control->clients[c];
		_cleanup_error_ struct error err = { 0 };

		if (client->waits_for == CLIENT_WAITS_BIND && !control->binding->bind_pending)
			control_answer_bind(client, true, &control->binding->bind_error);
		else if (client->waits_for == CLIENT_WAITS_RELOAD && reload_has_ended(control))
			control_answer_reload(client);
		else if (requested_action_has_ended(client, &err))
			answer_ended_action(client, &err);
	}
}

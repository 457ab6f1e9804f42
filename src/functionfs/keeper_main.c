/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/keeper_main.h"

#include <endian.h>
#include <errno.h>
#include <linux/usb/functionfs.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/proc.h"
#include "functionfs/keeper.h"
#include "functionfs/keeper_sandbox.h"
#include "functionfs/keeper_state.h"
#include "functionfs/link_speed.h"

/* Maximum length of the kernel's event queue (u_fs.h, struct ffs_data). */
#define EVENTS_PER_READ 4
/*
 * Maximum number of messages that the keeper reads after the worker has ended. The limit is
 * necessary because a child of the worker could continue to write.
 */
#define FINAL_MESSAGES 64
#define SUPERVISOR_WAIT_MS 100 /* maximum wait until the supervisor's socket has room */

static volatile sig_atomic_t interrupted;

/*
 * Handles SIGURG and SIGALRM, which interrupt a data stage. alarm(2) interrupts again a second
 * later, in case the data stage begins right after this signal.
 */
static void on_data_stage_interrupt_signal(int sig _unused_)
{
	interrupted = 1;
	alarm(1);
}

/* --- ep0 ---------------------------------------------------------------------------------------
 */

static void handle_bus_event(struct keeper_state *k, uint8_t type)
{
	struct ffsctl_event event = { .event = type };

	if (type == FUNCTIONFS_ENABLE) {
		event.speed = link_speed_read(&k->link_speed);
		event.max_transfer = k->max_transfer;
	}
	if (!link_state_apply(&k->link_state, &event))
		return;
	if (k->worker_socket >= 0)
		control_message_send(k->worker_socket, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
	if (k->supervisor_socket >= 0)
		control_message_send(k->supervisor_socket, FFSCTL_MSG_EVENT, 0, &event,
				     sizeof(event));
}

static bool receive_from_worker(struct keeper_state *k, bool wait);

/*
 * Passes a SETUP to the worker and waits for the answer here: a return to poll(2) would be slower.
 * The supervisor can interrupt the wait (keeper_interrupt_control_request).
 */
static void handle_setup(struct keeper_state *k, const struct functionfs_event *event)
{
	if (keeper_pass_setup_to_worker(k, event) && !k->unsent.type)
		receive_from_worker(k, true);
}

static _Noreturn void exit_keeper(const struct keeper_state *k);

static void read_ep0_events(struct keeper_state *k)
{
	struct functionfs_event events[EVENTS_PER_READ];
	ssize_t n = read(k->ep0, events, sizeof(events));

	if (n < 0) {
		/*
		 * EIDRM: the host cancelled a SETUP before this read. Other errors: ep0 is
		 * unusable.
		 */
		if (errno == EAGAIN || errno == EINTR || errno == EIDRM)
			return;
		exit_keeper(k);
	}
	for (size_t i = 0; i < (size_t)n / sizeof(events[0]); i++) {
		if (events[i].type == FUNCTIONFS_SETUP)
			handle_setup(k, &events[i]);
		else
			handle_bus_event(k, events[i].type);
	}
}

/* --- the worker --------------------------------------------------------------------------------
 */

static void forward_to_supervisor(struct keeper_state *k, const struct ffsctl_msg *head,
				  const void *body, size_t size)
{
	if (k->supervisor_socket < 0 ||
	    control_message_send(k->supervisor_socket, head->type, head->id, body, size) ||
	    errno != EAGAIN) {
		k->unsent.type = 0;
		return;
	}
	if (body != k->unsent_body)
		memcpy(k->unsent_body, body, size);
	k->unsent = *head;
	k->unsent.length = (uint32_t)size;
}

static void forward_unsent_message(struct keeper_state *k)
{
	const struct ffsctl_msg head = k->unsent;

	forward_to_supervisor(k, &head, k->unsent_body, head.length);
}

/* Waits until the supervisor's socket has room for a message, at most SUPERVISOR_WAIT_MS. */
static void wait_for_supervisor_socket_room(const struct keeper_state *k)
{
	struct pollfd pfd = { .fd = k->supervisor_socket, .events = POLLOUT };

	poll(&pfd, 1, SUPERVISOR_WAIT_MS);
}

/*
 * Receives and handles the worker's next message. If `wait` is true, blocks until a message
 * arrives. Returns false if there is no message.
 */
static bool receive_from_worker(struct keeper_state *k, bool wait)
{
	struct ffsctl_msg head;
	ssize_t size = wait ? control_message_await(k->worker_socket, &head, k->message_body,
						    sizeof(k->message_body))
			    : control_message_receive(k->worker_socket, &head, k->message_body,
						      sizeof(k->message_body));

	if (size == -EPIPE) {
		/* The worker has closed its control socket: the keeper stalls every SETUP. */
		cleanup_close(&k->worker_socket);
		if (k->pending_setup.exists)
			keeper_stall_pending_setup(k);
	}
	if (size < 0)
		return false;
	switch (head.type) {
	case FFSCTL_MSG_ACCEPT:
	case FFSCTL_MSG_STALL:
	case FFSCTL_MSG_DATA:
		keeper_handle_setup_answer(k, &head, (size_t)size);
		break;
	case FFSCTL_MSG_READY:
	case FFSCTL_MSG_PONG:
	case FFSCTL_MSG_STATS:
	case FFSCTL_MSG_TRAFFIC:
	case FFSCTL_MSG_SWITCH:
	case FFSCTL_MSG_CUT:
	case FFSCTL_MSG_WAKEUP:
		forward_to_supervisor(k, &head, k->message_body, (size_t)size);
		break;
	default: /* a message type of a newer worker */
		break;
	}
	return true;
}

/* Sends the unsent message. Returns false if the supervisor's socket still has no room. */
static bool wait_and_forward_unsent_message(struct keeper_state *k)
{
	if (k->unsent.type) {
		wait_for_supervisor_socket_room(k);
		forward_unsent_message(k);
	}
	return !k->unsent.type;
}

/* Forwards the remaining messages of the worker and closes the worker's descriptors. */
static void forget_worker(struct keeper_state *k)
{
	for (int i = 0;
	     i < FINAL_MESSAGES && k->worker_socket >= 0 && wait_and_forward_unsent_message(k); i++)
		if (!receive_from_worker(k, false))
			break;
	wait_and_forward_unsent_message(k);
	k->unsent.type = 0;
	cleanup_close(&k->worker_socket);
	cleanup_close(&k->worker_pidfd_for_takeover);
	cleanup_close(&k->worker_output_fd);
	cleanup_close(&k->worker_kill_pipe_fd);
	k->worker_pid = 0;
	if (k->pending_setup.exists)
		keeper_stall_pending_setup(k);
}

static void read_queued_events(struct keeper_state *k)
{
	struct pollfd pfd = { .fd = k->ep0, .events = POLLIN };

	if (k->ep0 >= 0 && poll(&pfd, 1, 0) > 0)
		read_ep0_events(k);
}

static void take_worker_from_message(struct keeper_state *k, int *fds)
{
	struct ffsctl_event events[LINK_STATE_EVENTS];
	size_t n, n_fds = 0;
	struct keeper_worker_info worker;

	memcpy(&worker, k->message_body, sizeof(worker));
	forget_worker(k);
	/*
	 * Events in the queue are older than the worker: they must change the link state, but the
	 * worker must not get them as new events.
	 */
	read_queued_events(k);
	n = link_state_to_events(&k->link_state, k->max_transfer, events);
	k->worker_pid = worker.pid;
	k->worker_socket = steal_fd(&fds[n_fds++]);
	k->late_id = 0;
	keeper_set_time_limit(k, k->control_timeout_ms);
	if (worker.has_pidfd)
		k->worker_pidfd_for_takeover = steal_fd(&fds[n_fds++]);
	if (worker.has_output_pipe)
		k->worker_output_fd = steal_fd(&fds[n_fds++]);
	for (size_t i = 0; i < n; i++)
		control_message_send(k->worker_socket, FFSCTL_MSG_EVENT, 0, &events[i],
				     sizeof(events[i]));
}

/*
 * Kills the worker and ends the keeper. SIGKILL makes no core dump, which could contain secrets:
 * the memory of the keeper is a copy of the supervisor's memory.
 */
static _Noreturn void exit_keeper(const struct keeper_state *k)
{
	if (k->worker_kill_pipe_fd >= 0)
		(void)!write(k->worker_kill_pipe_fd, "", 1);
	raise(SIGKILL);
	_exit(1);
}

/* --- the supervisor ----------------------------------------------------------------------------
 */

static void on_supervisor_lost(struct keeper_state *k)
{
	cleanup_close(&k->supervisor_socket);
	k->unsent.type = 0;
	if (k->keeper_takeover_wait_seconds <= 0)
		exit_keeper(k);
	k->exit_deadline = now_monotonic() + k->keeper_takeover_wait_seconds;
}

static uint32_t number_in_message(const struct keeper_state *k)
{
	uint32_t number;

	memcpy(&number, k->message_body, sizeof(number));
	return number;
}

/* Replaces *own by the received file descriptor *fd; -1: none was received. */
static void replace_fd(int *own, int *fd)
{
	if (*fd < 0)
		return;
	cleanup_close(own);
	*own = steal_fd(fd);
}

/*
 * Reads the speed again, for the next worker and the next supervisor: the file of another UDC may
 * have been read before.
 */
static void refresh_speed(struct keeper_state *k)
{
	if (k->link_state.enabled)
		k->link_state.speed = link_speed_read(&k->link_speed);
}

static void receive_from_supervisor(struct keeper_state *k)
{
	int fds[CONTROL_MESSAGE_FDS];
	struct ffsctl_msg head;
	ssize_t size = control_message_receive_fds(k->supervisor_socket, &head, k->message_body,
						   sizeof(k->message_body), fds);

	if (size == -EPIPE)
		on_supervisor_lost(k);
	if (size < 0)
		return;
	switch (head.type) {
	case KEEPER_MSG_WORKER:
		if (size == sizeof(struct keeper_worker_info) && fds[0] >= 0)
			take_worker_from_message(k, fds);
		break;
	case KEEPER_MSG_NO_WORKER:
		forget_worker(k);
		/* An ENABLE that is older than the halts that follow must not seem to end them. */
		if (!k->pending_setup.exists)
			read_queued_events(k);
		if (!control_message_send(k->supervisor_socket, KEEPER_MSG_NO_WORKER, 0, NULL, 0)) {
			wait_for_supervisor_socket_room(k);
			control_message_send(k->supervisor_socket, KEEPER_MSG_NO_WORKER, 0, NULL,
					     0);
		}
		break;
	case KEEPER_MSG_SPEED_FILE:
		replace_fd(&k->link_speed.udc_file, &fds[0]);
		refresh_speed(k);
		break;
	case KEEPER_MSG_MAX_TRANSFER:
		if (size == sizeof(uint32_t))
			k->max_transfer = (uint16_t)number_in_message(k);
		break;
	case KEEPER_MSG_WORKER_KILL_PIPE:
		replace_fd(&k->worker_kill_pipe_fd, &fds[0]);
		break;
	case KEEPER_MSG_TAKEOVER_WAIT:
		if (size == sizeof(uint32_t))
			k->keeper_takeover_wait_seconds = number_in_message(k) / 1e3;
		break;
	case KEEPER_MSG_CONTROL_TIMEOUT:
		if (size == sizeof(uint32_t))
			keeper_set_time_limit(k, number_in_message(k));
		break;
	case FFSCTL_MSG_PING:
	case FFSCTL_MSG_STOP:
		if (k->worker_socket >= 0)
			control_message_send(k->worker_socket, head.type, head.id, NULL, 0);
		break;
	default: /* a message type of a newer supervisor */
		break;
	}
	for (size_t i = 0; i < CONTROL_MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
}

static bool peer_is_same_user(int fd)
{
	struct ucred peer;

	return fd_peer_credentials(fd, &peer) == 0 && peer.uid == geteuid();
}

static void accept_supervisor(struct keeper_state *k)
{
	struct keeper_hello hello = { .worker = { .pid = k->worker_pid,
						  .has_pidfd = k->worker_pidfd_for_takeover >= 0,
						  .has_output_pipe = k->worker_output_fd >= 0 },
				      .link_state = k->link_state };
	int fds[CONTROL_MESSAGE_FDS];
	size_t n_fds = 0;
	int fd = accept4(k->listener_socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (hello.worker.has_pidfd)
		fds[n_fds++] = k->worker_pidfd_for_takeover;
	if (hello.worker.has_output_pipe)
		fds[n_fds++] = k->worker_output_fd;
	if (!peer_is_same_user(fd) ||
	    !control_message_send_fds(fd, KEEPER_MSG_HELLO, 0, &hello, sizeof(hello), fds, n_fds)) {
		close(fd);
		return;
	}
	k->supervisor_socket = fd;
	k->taken_over = true;
	k->exit_deadline = HUGE_VAL;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static bool has_poll_timeout(const struct keeper_state *k)
{
	return k->pending_setup.exists || !isinf(k->exit_deadline);
}

static int poll_timeout_ms(const struct keeper_state *k)
{
	if (!has_poll_timeout(k))
		return -1;
	return poll_timeout_until(k->pending_setup.exists &&
						  k->pending_setup.stall_deadline < k->exit_deadline
					  ? k->pending_setup.stall_deadline
					  : k->exit_deadline);
}

static _Noreturn void run_keeper(struct keeper_state *k)
{
	for (;;) {
		struct pollfd pfd[] = {
			/*
			 * The supervisor comes first, because its message may replace or drop the
			 * worker.
			 */
			{ .fd = k->supervisor_socket,
			  .events = (short)(POLLIN | (k->unsent.type ? POLLOUT : 0)) },
			{ .fd = k->supervisor_socket < 0 ? k->listener_socket : -1,
			  .events = POLLIN },
			{ .fd = k->unsent.type ? -1 : k->worker_socket, .events = POLLIN },
			/* While a SETUP is pending, poll(2) always reports ep0 as ready. */
			{ .fd = k->pending_setup.exists ? k->ep0_watch : k->ep0, .events = POLLIN },
		};
		bool setup_was_pending = k->pending_setup.exists;

		if (interrupted) {
			alarm(0);
			interrupted = 0;
		}
		if (poll(pfd, ARRAY_SIZE(pfd), poll_timeout_ms(k)) < 0) {
			if (errno != EINTR)
				exit_keeper(k);
			continue;
		}
		if (pfd[0].revents & ~POLLOUT)
			receive_from_supervisor(k);
		if (k->unsent.type)
			forward_unsent_message(k);
		if (pfd[1].revents)
			accept_supervisor(k);
		if (pfd[2].revents && k->worker_socket >= 0 && !k->unsent.type)
			receive_from_worker(k, false);
		if (k->pending_setup.exists)
			keeper_end_overdue_setup(k, setup_was_pending && pfd[3].revents);
		if (pfd[3].revents && !setup_was_pending && !k->pending_setup.exists)
			read_ep0_events(k);
		if (!isinf(k->exit_deadline) && now_monotonic() >= k->exit_deadline)
			exit_keeper(k);
	}
}

_Noreturn void keeper_main(int ep0, const struct ffs *ffs, int supervisor, int listener,
			   const char *label, pid_t parent)
{
	static struct keeper_state
		k; /* static: 0 without being written, so unused pages take no memory */
	const struct sigaction interrupt = { .sa_handler = on_data_stage_interrupt_signal };
	sigset_t set;
	char name[16];

	/*
	 * The signals that the supervisor blocks, such as SIGTERM, stay blocked here: a service
	 * manager sends SIGTERM to all processes, but only the supervisor may end its keepers, in
	 * the right order.
	 */
	sigaction(SIGURG, &interrupt, NULL);
	sigaction(SIGALRM, &interrupt, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/*
	 * When the supervisor dies, this signal interrupts a data stage that the host does not
	 * complete; poll(2) then reports the closed socket.
	 */
	prctl(PR_SET_PDEATHSIG, SIGURG);
	if (getppid() != parent)
		_exit(0);
	setsid(); /* Ctrl-C in a terminal must signal only the supervisor */
	snprintf(name, sizeof(name), "keep:%s", label);
	prctl(PR_SET_NAME, name);
	fd_stdio_to_null();
	fd_close_others((int[]){ ep0, supervisor, listener }, 3);
	if (chdir("/") < 0 || listen(listener, 1) < 0)
		_exit(1);
	k.ep0 = ep0;
	k.ep0_watch = -1;
	if (ep0 >= 0)
		keeper_watch_ep0(&k);
	k.control_timeout_ms = KEEPER_SETUP_DEADLINE_MS;
	k.supervisor_socket = supervisor;
	k.listener_socket = listener;
	k.worker_socket = k.worker_pidfd_for_takeover = k.worker_output_fd = k.worker_kill_pipe_fd =
		-1;
	k.link_speed = LINK_SPEED_NONE;
	ffs_endpoint_files_open(&k.endpoint_files, ep0 >= 0 ? ffs : NULL);
	link_speed_choose_endpoints(&k.link_speed, &k.endpoint_files);
	k.request_index = (struct request_index){
		.ep0 = ep0,
		.ffs = ffs,
		.files = &k.endpoint_files,
	};
	k.exit_deadline = HUGE_VAL;
	keeper_enter_sandbox();
	control_message_send(supervisor, KEEPER_MSG_STARTED, 0, NULL, 0);
	run_keeper(&k);
}

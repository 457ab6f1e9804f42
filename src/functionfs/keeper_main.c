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
#include "base/fd.h"
#include "base/loop.h"
#include "base/message.h"
#include "base/proc.h"
#include "functionfs/keeper.h"
#include "functionfs/keeper_sandbox.h"

#define EVENTS_PER_READ 4 /* length of the kernel's queue (u_fs.h, struct ffs_data) */
/*
 * Maximum number of messages that are read after the worker has ended: a child of the worker could
 * continue to write.
 */
#define FINAL_MESSAGES 64
#define SUPERVISOR_WAIT_MS 100
/* USB 2.0, 9.2.6.1: the maximum time for a request. */
#define DATA_STAGE_SECONDS 5

struct keeper_state {
	int ep0;	       /* -1: the function has none */
	int supervisor;	       /* socket; -1: the supervisor has died */
	int listener;	       /* socket at which the next supervisor connects */
	bool taken_over;       /* the supervisor is not our parent: no signal reports its death */
	double linger_seconds; /* seconds to wait for the next supervisor */
	double exit_at;	       /* now_monotonic() at which to exit; HUGE_VAL with a supervisor */

	pid_t worker_pid; /* 0: there is no worker */
	int worker;	  /* socket to the worker; -1: no worker, or the worker has closed it */
	int worker_pidfd, worker_output;
	int kill_switch; /* descriptor of KEEPER_MSG_KILL_SWITCH; -1: none */

	struct link_state link;
	int speed_file; /* the UDC's current_speed; -1: none */

	struct pending { /* the SETUP that waits for the worker's answer */
		bool exists;
		uint32_t id;
		struct usb_ctrlrequest setup;
		double deadline; /* time of now_monotonic() */
	} pending;

	/*
	 * The next SETUP gets a shorter deadline, because it has waited behind a SETUP that the
	 * worker did not answer and that the host has given up.
	 */
	bool short_deadline;

	/*
	 * A message of the worker for which the supervisor's socket has no room yet. Until it is
	 * sent, no other messages of the worker are read.
	 */
	struct ffsctl_msg unsent; /* header of the message; type 0: there is no such message */

	uint8_t message_body[FFSCTL_MSG_MAX_BODY];
	uint8_t unsent_body[FFSCTL_MSG_MAX_BODY];
};

static volatile sig_atomic_t interrupted;

/*
 * Interrupts a data stage. alarm(2) interrupts again a second later, in case the data stage begins
 * right after this signal.
 */
static void on_interrupt(int sig _unused_)
{
	interrupted = 1;
	alarm(1);
}

/* --- ep0 ---------------------------------------------------------------------------------------
 */

/*
 * Stalls the pending SETUP by I/O in the wrong direction (f_fs.c, ffs_ep0_read and write), which
 * fails with EL2HLT. It fails with EIDRM if the host has given up the request, so that the next
 * SETUP is pending. Returns whether that is the case.
 */
static bool stall_pending(struct keeper_state *k)
{
	bool in = k->pending.setup.bRequestType & USB_DIR_IN;
	ssize_t n = in ? read(k->ep0, NULL, 0) : write(k->ep0, NULL, 0);

	k->pending.exists = false;
	return n < 0 && errno == EIDRM;
}

/*
 * Runs a data stage, which the host can delay without limit. If the supervisor is the parent of
 * this process, its death interrupts the data stage (PR_SET_PDEATHSIG). Otherwise alarm(2) limits
 * the data stage.
 */
static ssize_t data_stage(struct keeper_state *k, bool in, size_t size)
{
	bool limited = k->taken_over || k->supervisor < 0;
	ssize_t n;

	if (limited)
		alarm(DATA_STAGE_SECONDS);
	n = in ? write(k->ep0, k->message_body, size) : read(k->ep0, k->message_body, size);
	if (limited)
		alarm(0);
	return n;
}

/* Sends the IN data, or reads the OUT data. A read also acknowledges a SETUP without data. */
static void run_data_stage(struct keeper_state *k, bool in, size_t size)
{
	ssize_t n = data_stage(k, in, size);

	if (n < 0 && errno == EINTR) { /* the SETUP is still pending */
		stall_pending(k);
		return;
	}
	k->pending.exists = false;
	if (!in && n > 0 && k->worker >= 0)
		message_send(k->worker, FFSCTL_MSG_DATA, k->pending.id, k->message_body, (size_t)n);
}

static void handle_answer(struct keeper_state *k, uint16_t type, size_t size)
{
	bool in = k->pending.setup.bRequestType & USB_DIR_IN;
	size_t wanted = le16toh(k->pending.setup.wLength);

	if (type == FFSCTL_MSG_DATA && in)
		run_data_stage(k, true, size < wanted ? size : wanted);
	else if (type == FFSCTL_MSG_ACCEPT && !in)
		run_data_stage(k, false, wanted);
	else
		stall_pending(k);
}

static bool receive_from_worker(struct keeper_state *k, bool wait);

/*
 * Passes a SETUP to the worker. Waits for the answer here, because this saves a poll(2). The
 * supervisor can interrupt the wait (keeper_interrupt).
 */
static void begin_setup(struct keeper_state *k, const struct usb_ctrlrequest *setup)
{
	k->pending.exists = true;
	k->pending.id++;
	k->pending.setup = *setup;
	k->pending.deadline = now_monotonic() + (k->short_deadline ? KEEPER_SETUP_SHORT_DEADLINE_MS
								   : KEEPER_SETUP_DEADLINE_MS) /
							1e3;
	if (k->worker < 0 ||
	    !message_send(k->worker, FFSCTL_MSG_SETUP, k->pending.id, setup, sizeof(*setup)))
		stall_pending(k);
	else if (!k->unsent.type && !k->short_deadline)
		receive_from_worker(k, true);
	k->short_deadline = false;
}

static uint8_t current_speed(const struct keeper_state *k)
{
	static const struct {
		const char *word;
		uint8_t speed;
	} speeds[] = {
		{ "full-speed", FFSCTL_SPEED_FULL },
		{ "high-speed", FFSCTL_SPEED_HIGH },
		{ "super-speed", FFSCTL_SPEED_SUPER },
		{ "super-speed-plus", FFSCTL_SPEED_SUPER_PLUS },
	};
	_cleanup_free_ char *word = NULL;

	if (fd_read_line(k->speed_file, &word) < 0)
		return FFSCTL_SPEED_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (streq(word, speeds[i].word))
			return speeds[i].speed;
	return FFSCTL_SPEED_UNKNOWN;
}

static void on_bus_event(struct keeper_state *k, uint8_t type)
{
	struct ffsctl_event event = { .event = type };

	if (type == FUNCTIONFS_ENABLE)
		event.speed = current_speed(k);
	if (!link_state_apply(&k->link, &event))
		return;
	if (k->worker >= 0)
		message_send(k->worker, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
	if (k->supervisor >= 0)
		message_send(k->supervisor, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
}

static _Noreturn void exit_keeper(const struct keeper_state *k);

static void on_ep0(struct keeper_state *k)
{
	struct usb_functionfs_event events[EVENTS_PER_READ];
	ssize_t n = read(k->ep0, events, sizeof(events));

	if (n < 0) {
		/* EIDRM: a SETUP was cancelled before the read. Other errors: ep0 is unusable. */
		if (errno == EAGAIN || errno == EINTR || errno == EIDRM)
			return;
		exit_keeper(k);
	}
	for (size_t i = 0; i < (size_t)n / sizeof(events[0]); i++) {
		if (events[i].type == FUNCTIONFS_SETUP)
			begin_setup(k, &events[i].u.setup);
		else
			on_bus_event(k, events[i].type);
	}
}

/* --- the worker --------------------------------------------------------------------------------
 */

static void forward_to_supervisor(struct keeper_state *k, const struct ffsctl_msg *head,
				  const void *body, size_t size)
{
	if (k->supervisor < 0 || message_send(k->supervisor, head->type, head->id, body, size) ||
	    errno != EAGAIN) {
		k->unsent.type = 0;
		return;
	}
	if (body != k->unsent_body)
		memcpy(k->unsent_body, body, size);
	k->unsent = *head;
	k->unsent.length = (uint32_t)size;
}

static void forward_unsent(struct keeper_state *k)
{
	const struct ffsctl_msg head = k->unsent;

	forward_to_supervisor(k, &head, k->unsent_body, head.length);
}

/* Waits until the supervisor's socket has room, at most SUPERVISOR_WAIT_MS. */
static void await_supervisor(const struct keeper_state *k)
{
	struct pollfd pfd = { .fd = k->supervisor, .events = POLLOUT };

	poll(&pfd, 1, SUPERVISOR_WAIT_MS);
}

/*
 * Handles the worker's next message. If `wait` is true, blocks until the message arrives. Returns
 * false if there is no message.
 */
static bool receive_from_worker(struct keeper_state *k, bool wait)
{
	struct ffsctl_msg head;
	ssize_t size =
		wait ? message_await(k->worker, &head, k->message_body, sizeof(k->message_body))
		     : message_receive(k->worker, &head, k->message_body, sizeof(k->message_body));

	if (size == -EPIPE) {
		/* A worker may close its socket; from now on every SETUP is stalled. */
		cleanup_close(&k->worker);
		if (k->pending.exists)
			stall_pending(k);
	}
	if (size < 0)
		return false;
	switch (head.type) {
	case FFSCTL_MSG_ACCEPT:
	case FFSCTL_MSG_STALL:
	case FFSCTL_MSG_DATA:
		if (k->pending.exists &&
		    head.id == k->pending.id) /* otherwise the answer is late, or there is no SETUP
						 to answer */
			handle_answer(k, head.type, (size_t)size);
		break;
	case FFSCTL_MSG_READY:
	case FFSCTL_MSG_PONG:
	case FFSCTL_MSG_STATS:
	case FFSCTL_MSG_TRAFFIC:
	case FFSCTL_MSG_SWITCH:
		forward_to_supervisor(k, &head, k->message_body, (size_t)size);
		break;
	default: /* a message type of a newer worker */
		break;
	}
	return true;
}

/* Sends the unsent message. Returns false if the supervisor's socket still has no room. */
static bool flush_unsent(struct keeper_state *k)
{
	if (k->unsent.type) {
		await_supervisor(k);
		forward_unsent(k);
	}
	return !k->unsent.type;
}

/* Forwards the remaining messages of the worker and closes the worker's descriptors. */
static void drop_worker(struct keeper_state *k)
{
	for (int i = 0; i < FINAL_MESSAGES && k->worker >= 0 && flush_unsent(k); i++)
		if (!receive_from_worker(k, false))
			break;
	flush_unsent(k);
	k->unsent.type = 0;
	cleanup_close(&k->worker);
	cleanup_close(&k->worker_pidfd);
	cleanup_close(&k->worker_output);
	cleanup_close(&k->kill_switch);
	k->worker_pid = 0;
	if (k->pending.exists)
		stall_pending(k);
}

static void read_waiting_events(struct keeper_state *k)
{
	struct pollfd pfd = { .fd = k->ep0, .events = POLLIN };

	if (k->ep0 >= 0 && poll(&pfd, 1, 0) > 0)
		on_ep0(k);
}

static void take_worker(struct keeper_state *k, int *fds)
{
	struct ffsctl_event events[LINK_STATE_EVENTS];
	size_t n, n_fds = 0;
	const struct timeval deadline = { .tv_usec = KEEPER_SETUP_DEADLINE_MS * 1000 };
	struct keeper_worker worker;

	memcpy(&worker, k->message_body, sizeof(worker));
	drop_worker(k);
	/*
	 * Events from before the start of the worker must change the link state first: the worker
	 * must not get them as new events.
	 */
	read_waiting_events(k);
	n = link_state_events(&k->link, events);
	k->worker_pid = worker.pid;
	k->worker = steal_fd(&fds[n_fds++]);
	setsockopt(k->worker, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (worker.has_pidfd)
		k->worker_pidfd = steal_fd(&fds[n_fds++]);
	if (worker.has_output)
		k->worker_output = steal_fd(&fds[n_fds++]);
	for (size_t i = 0; i < n; i++)
		message_send(k->worker, FFSCTL_MSG_EVENT, 0, &events[i], sizeof(events[i]));
}

/* Ends by SIGKILL, without a core dump: the memory is a copy of the supervisor's. */
static _Noreturn void exit_keeper(const struct keeper_state *k)
{
	if (k->kill_switch >= 0)
		(void)!write(k->kill_switch, "", 1);
	raise(SIGKILL);
	_exit(1);
}

/* --- the supervisor ----------------------------------------------------------------------------
 */

static void lose_supervisor(struct keeper_state *k)
{
	cleanup_close(&k->supervisor);
	k->unsent.type = 0;
	if (k->linger_seconds <= 0)
		exit_keeper(k);
	k->exit_at = now_monotonic() + k->linger_seconds;
}

static void set_linger(struct keeper_state *k)
{
	uint32_t ms;

	memcpy(&ms, k->message_body, sizeof(ms));
	k->linger_seconds = ms / 1e3;
}

/* Replaces *own by the received descriptor *fd, unless none was received (-1). */
static void replace_descriptor(int *own, int *fd)
{
	if (*fd < 0)
		return;
	cleanup_close(own);
	*own = steal_fd(fd);
}

static void on_supervisor(struct keeper_state *k)
{
	int fds[MESSAGE_FDS];
	struct ffsctl_msg head;
	ssize_t size = message_receive_fds(k->supervisor, &head, k->message_body,
					   sizeof(k->message_body), fds);

	if (size == -EPIPE)
		lose_supervisor(k);
	if (size < 0)
		return;
	switch (head.type) {
	case KEEPER_MSG_WORKER:
		if (size == sizeof(struct keeper_worker) && fds[0] >= 0)
			take_worker(k, fds);
		break;
	case KEEPER_MSG_NO_WORKER:
		drop_worker(k);
		if (!message_send(k->supervisor, KEEPER_MSG_NO_WORKER, 0, NULL, 0)) {
			await_supervisor(k);
			message_send(k->supervisor, KEEPER_MSG_NO_WORKER, 0, NULL, 0);
		}
		break;
	case KEEPER_MSG_SPEED_FILE:
		replace_descriptor(&k->speed_file, &fds[0]);
		break;
	case KEEPER_MSG_KILL_SWITCH:
		replace_descriptor(&k->kill_switch, &fds[0]);
		break;
	case KEEPER_MSG_LINGER:
		if (size == sizeof(uint32_t))
			set_linger(k);
		break;
	case FFSCTL_MSG_PING:
	case FFSCTL_MSG_STOP:
		if (k->worker >= 0)
			message_send(k->worker, head.type, head.id, NULL, 0);
		break;
	default: /* a message type of a newer supervisor */
		break;
	}
	for (size_t i = 0; i < MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
}

static bool peer_is_same_user(int fd)
{
	struct ucred peer;

	return fd_peer_credentials(fd, &peer) == 0 && peer.uid == geteuid();
}

static void on_listener(struct keeper_state *k)
{
	struct keeper_hello hello = { .worker = { .pid = k->worker_pid,
						  .has_pidfd = k->worker_pidfd >= 0,
						  .has_output = k->worker_output >= 0 },
				      .link = k->link };
	int fds[MESSAGE_FDS];
	size_t n_fds = 0;
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (hello.worker.has_pidfd)
		fds[n_fds++] = k->worker_pidfd;
	if (hello.worker.has_output)
		fds[n_fds++] = k->worker_output;
	if (!peer_is_same_user(fd) ||
	    !message_send_fds(fd, KEEPER_MSG_HELLO, 0, &hello, sizeof(hello), fds, n_fds)) {
		close(fd);
		return;
	}
	k->supervisor = fd;
	k->taken_over = true;
	k->exit_at = HUGE_VAL;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static bool has_deadline(const struct keeper_state *k)
{
	return k->pending.exists || !isinf(k->exit_at);
}

static int timeout_ms(const struct keeper_state *k)
{
	if (!has_deadline(k))
		return -1;
	return poll_until(k->pending.exists && k->pending.deadline < k->exit_at
				  ? k->pending.deadline
				  : k->exit_at);
}

static _Noreturn void run_keeper(struct keeper_state *k)
{
	for (;;) {
		struct pollfd pfd[] = {
			/*
			 * The supervisor comes first, because its message may replace or drop the
			 * worker.
			 */
			{ .fd = k->supervisor,
			  .events = (short)(POLLIN | (k->unsent.type ? POLLOUT : 0)) },
			{ .fd = k->supervisor < 0 ? k->listener : -1, .events = POLLIN },
			{ .fd = k->unsent.type ? -1 : k->worker, .events = POLLIN },
			/* ep0 is always ready while a SETUP is pending. */
			{ .fd = k->pending.exists ? -1 : k->ep0, .events = POLLIN },
		};

		if (interrupted) {
			alarm(0);
			interrupted = 0;
		}
		if (poll(pfd, ARRAY_SIZE(pfd), timeout_ms(k)) < 0) {
			if (errno != EINTR)
				exit_keeper(k);
			continue;
		}
		if (pfd[0].revents & ~POLLOUT)
			on_supervisor(k);
		if (k->unsent.type)
			forward_unsent(k);
		if (pfd[1].revents)
			on_listener(k);
		if (pfd[2].revents && k->worker >= 0 && !k->unsent.type)
			receive_from_worker(k, false);
		if (k->pending.exists && now_monotonic() >= k->pending.deadline)
			k->short_deadline = stall_pending(k);
		if (pfd[3].revents && !k->pending.exists)
			on_ep0(k);
		if (!isinf(k->exit_at) && now_monotonic() >= k->exit_at)
			exit_keeper(k);
	}
}

_Noreturn void keeper_main(int ep0, int supervisor, int listener, const char *label, pid_t parent)
{
	static struct keeper_state k; /* static: unused pages of the buffers take no memory */
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	sigset_t set;
	char name[16];

	/*
	 * Signals that the supervisor blocks stay blocked: a service manager sends SIGTERM to all
	 * processes, and the supervisor ends its keepers itself, in the right order.
	 */
	sigaction(SIGURG, &interrupt, NULL);
	sigaction(SIGALRM, &interrupt, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/*
	 * The death of the supervisor interrupts a data stage that the host never ends; poll(2)
	 * then reports the closed socket.
	 */
	prctl(PR_SET_PDEATHSIG, SIGURG);
	if (getppid() != parent)
		_exit(0);
	setsid(); /* a terminal's Ctrl-C must reach only the supervisor */
	snprintf(name, sizeof(name), "keep:%s", label);
	prctl(PR_SET_NAME, name);
	fd_stdio_to_null();
	fd_close_others((int[]){ ep0, supervisor, listener }, 3);
	if (chdir("/") < 0 || listen(listener, 1) < 0)
		_exit(1);
	k.ep0 = ep0;
	k.supervisor = supervisor;
	k.listener = listener;
	k.worker = k.worker_pidfd = k.worker_output = k.kill_switch = k.speed_file = -1;
	k.exit_at = HUGE_VAL;
	keeper_enter_sandbox();
	message_send(supervisor, KEEPER_MSG_STARTED, 0, NULL, 0);
	run_keeper(&k);
}

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
#include "functionfs/keeper_lock.h"

#define EVENTS_PER_READ 4 /* the kernel's queue is that long (u_fs.h, struct ffs_data) */
/* What a socket holds of the dead worker's last words; who goes on writing is not heard out. */
#define LAST_WORDS 64
#define LAST_WORDS_MS 100
/* USB 2.0, 9.2.6.1: no host gives a request more. */
#define DATA_STAGE_SECONDS 5

struct kept {
	int ep0, supervisor, listener;
	bool adopted; /* the supervisor is not our parent, so that its end is no signal */
	double hold;  /* seconds without a supervisor */
	double until; /* monotonic: then we end; HUGE_VAL while there is one */

	pid_t worker_pid; /* 0: none */
	int worker;	  /* its control socket; -1: none, or closed */
	int worker_pidfd, worker_output;
	int kill_switch; /* see KEEPER_MSG_KILL_SWITCH; -1: none */

	struct link_state bus;
	int speed_file; /* the UDC's current_speed; -1: none */

	struct pending { /* the SETUP that waits for the worker's answer */
		bool is;
		uint32_t id;
		struct usb_ctrlrequest setup;
		double deadline;
	} pending;

	/* The next SETUP has waited already, behind one that the host has given up and the worker
	 * did not answer. What is behind it, for another function perhaps, has waited as long. */
	bool hurried;

	/* Of the worker's: what the supervisor has no room for yet. Meanwhile it is not heard. */
	struct ffsctl_msg stuck; /* type 0: nothing */

	uint8_t body[FFSCTL_MSG_MAX_BODY]; /* static: never on the stack */
	uint8_t stuck_body[FFSCTL_MSG_MAX_BODY];
};

static volatile sig_atomic_t interrupted;

/* A data stage that begins just after the signal is ended by the next one. */
static void on_interrupt(int sig _unused_)
{
	interrupted = 1;
	alarm(1);
}

/* --- ep0 ---------------------------------------------------------------------------------------
 */

/*
 * f_fs: I/O against the direction of the data stage stalls. Whether the host has given the request
 * up already (EIDRM; else EL2HLT, which says nothing new): another one is there in its place.
 */
static bool stall(struct kept *k)
{
	bool in = k->pending.setup.bRequestType & USB_DIR_IN;
	ssize_t n = in ? read(k->ep0, NULL, 0) : write(k->ep0, NULL, 0);

	k->pending.is = false;
	return n < 0 && errno == EIDRM;
}

/*
 * A data stage takes as long as the host likes. Supervisor's end interrupts us as its child; where
 * we are not, or there is none, there must be another end to it.
 */
static ssize_t data_stage(struct kept *k, bool in, size_t size)
{
	bool limited = k->adopted || k->supervisor < 0;
	ssize_t n;

	if (limited)
		alarm(DATA_STAGE_SECONDS);
	n = in ? write(k->ep0, k->body, size) : read(k->ep0, k->body, size);
	if (limited)
		alarm(0);
	return n;
}

/* Of what was asked, IN; takes the OUT data, or acknowledges a SETUP without data, by reading. */
static void transfer(struct kept *k, bool in, size_t size)
{
	ssize_t n = data_stage(k, in, size);

	if (n < 0 && errno == EINTR) { /* the kernel still waits for it */
		stall(k);
		return;
	}
	k->pending.is = false;
	if (!in && n > 0 && k->worker >= 0)
		message_send(k->worker, FFSCTL_MSG_DATA, k->pending.id, k->body, (size_t)n);
}

static void answer(struct kept *k, uint16_t type, size_t size)
{
	bool in = k->pending.setup.bRequestType & USB_DIR_IN;
	size_t wanted = le16toh(k->pending.setup.wLength);

	if (type == FFSCTL_MSG_DATA && in)
		transfer(k, true, size < wanted ? size : wanted);
	else if (type == FFSCTL_MSG_ACCEPT && !in)
		transfer(k, false, wanted);
	else
		stall(k);
}

static bool hear_worker(struct kept *k, bool wait);

/*
 * Its answer is waited for without a look at anybody else, which costs a system call less. Whoever
 * cannot wait so long interrupts us (keeper_interrupt).
 */
static void begin_setup(struct kept *k, const struct usb_ctrlrequest *setup)
{
	k->pending.is = true;
	k->pending.id++;
	k->pending.setup = *setup;
	k->pending.deadline =
		now_monotonic() +
		(k->hurried ? KEEPER_SETUP_HURRIED_MS : KEEPER_SETUP_DEADLINE_MS) / 1e3;
	if (k->worker < 0 ||
	    !message_send(k->worker, FFSCTL_MSG_SETUP, k->pending.id, setup, sizeof(*setup)))
		stall(k);
	else if (!k->stuck.type && !k->hurried)
		hear_worker(k, true);
	k->hurried = false;
}

static uint8_t current_speed(const struct kept *k)
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

static void on_bus_event(struct kept *k, uint8_t type)
{
	struct ffsctl_event event = { .event = type };

	if (type == FUNCTIONFS_ENABLE)
		event.speed = current_speed(k);
	if (!link_state_apply(&k->bus, &event))
		return;
	if (k->worker >= 0)
		message_send(k->worker, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
	if (k->supervisor >= 0)
		message_send(k->supervisor, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
}

static _Noreturn void end(const struct kept *k);

static void on_ep0(struct kept *k)
{
	struct usb_functionfs_event events[EVENTS_PER_READ];
	ssize_t n = read(k->ep0, events, sizeof(events));

	if (n < 0) {
		/* EIDRM: a SETUP was cancelled before we read it. Others mean that ep0 is dead. */
		if (errno == EAGAIN || errno == EINTR || errno == EIDRM)
			return;
		end(k);
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

static void pass_on(struct kept *k, const struct ffsctl_msg *head, const void *body, size_t size)
{
	if (k->supervisor < 0 || message_send(k->supervisor, head->type, head->id, body, size) ||
	    errno != EAGAIN) {
		k->stuck.type = 0;
		return;
	}
	if (body != k->stuck_body)
		memcpy(k->stuck_body, body, size);
	k->stuck = *head;
	k->stuck.length = (uint32_t)size;
}

static void pass_on_again(struct kept *k)
{
	const struct ffsctl_msg head = k->stuck;

	pass_on(k, &head, k->stuck_body, head.length);
}

/* Until the supervisor takes it, who is about to read; but not for ever. */
static void await_supervisor(const struct kept *k)
{
	struct pollfd pfd = { .fd = k->supervisor, .events = POLLOUT };

	poll(&pfd, 1, LAST_WORDS_MS);
}

/* False: there is no more to be had. */
static bool hear_worker(struct kept *k, bool wait)
{
	struct ffsctl_msg head;
	ssize_t size = wait ? message_await(k->worker, &head, k->body, sizeof(k->body))
			    : message_receive(k->worker, &head, k->body, sizeof(k->body));

	if (size == -EPIPE) {
		/* It closed its end, which it may: its SETUPs are stalled from now on. */
		cleanup_close(&k->worker);
		if (k->pending.is)
			stall(k);
	}
	if (size < 0)
		return false;
	switch (head.type) {
	case FFSCTL_MSG_ACCEPT:
	case FFSCTL_MSG_STALL:
	case FFSCTL_MSG_DATA:
		if (k->pending.is && head.id == k->pending.id) /* else too late, or never asked */
			answer(k, head.type, (size_t)size);
		break;
	case FFSCTL_MSG_READY:
	case FFSCTL_MSG_PONG:
	case FFSCTL_MSG_STATS:
	case FFSCTL_MSG_TRAFFIC:
	case FFSCTL_MSG_SWITCH:
		pass_on(k, &head, k->body, (size_t)size);
		break;
	default: /* what a newer worker may say */
		break;
	}
	return true;
}

/* False: the supervisor takes no more. */
static bool get_rid_of_stuck(struct kept *k)
{
	if (k->stuck.type) {
		await_supervisor(k);
		pass_on_again(k);
	}
	return !k->stuck.type;
}

static void drop_worker(struct kept *k)
{
	for (int i = 0; i < LAST_WORDS && k->worker >= 0 && get_rid_of_stuck(k); i++)
		if (!hear_worker(k, false))
			break;
	get_rid_of_stuck(k);
	k->stuck.type = 0;
	cleanup_close(&k->worker);
	cleanup_close(&k->worker_pidfd);
	cleanup_close(&k->worker_output);
	cleanup_close(&k->kill_switch);
	k->worker_pid = 0;
	if (k->pending.is)
		stall(k);
}

static void hear_ep0(struct kept *k)
{
	struct pollfd pfd = { .fd = k->ep0, .events = POLLIN };

	if (k->ep0 >= 0 && poll(&pfd, 1, 0) > 0)
		on_ep0(k);
}

static void take_worker(struct kept *k, int *fds)
{
	struct ffsctl_event events[LINK_STATE_EVENTS];
	size_t n, n_fds = 0;
	const struct timeval deadline = { .tv_usec = KEEPER_SETUP_DEADLINE_MS * 1000 };
	struct keeper_worker worker;

	memcpy(&worker, k->body, sizeof(worker));
	drop_worker(k);
	/* What has happened before it came it must not be told as what is. */
	hear_ep0(k);
	n = link_state_events(&k->bus, events);
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

/* As if killed: what the supervisor had in its memory when it forked us is nobody's to look at. */
static _Noreturn void end(const struct kept *k)
{
	if (k->kill_switch >= 0)
		(void)!write(k->kill_switch, "", 1);
	raise(SIGKILL);
	_exit(1);
}

/* --- the supervisor ----------------------------------------------------------------------------
 */

static void lose_supervisor(struct kept *k)
{
	cleanup_close(&k->supervisor);
	k->stuck.type = 0;
	if (k->hold <= 0)
		end(k);
	k->until = now_monotonic() + k->hold;
}

static void set_hold(struct kept *k)
{
	uint32_t ms;

	memcpy(&ms, k->body, sizeof(ms));
	k->hold = ms / 1e3;
}

/* In place of the one that it has; what comes without a descriptor changes nothing. */
static void take_descriptor(int *place, int *fd)
{
	if (*fd < 0)
		return;
	cleanup_close(place);
	*place = steal_fd(fd);
}

static void on_supervisor(struct kept *k)
{
	int fds[MESSAGE_FDS];
	struct ffsctl_msg head;
	ssize_t size = message_receive_fds(k->supervisor, &head, k->body, sizeof(k->body), fds);

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
		take_descriptor(&k->speed_file, &fds[0]);
		break;
	case KEEPER_MSG_KILL_SWITCH:
		take_descriptor(&k->kill_switch, &fds[0]);
		break;
	case KEEPER_MSG_HOLD:
		if (size == sizeof(uint32_t))
			set_hold(k);
		break;
	case FFSCTL_MSG_PING:
	case FFSCTL_MSG_STOP:
		if (k->worker >= 0)
			message_send(k->worker, head.type, head.id, NULL, 0);
		break;
	default: /* what a newer supervisor may say */
		break;
	}
	for (size_t i = 0; i < MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
}

static bool is_our_users(int fd)
{
	struct ucred peer;

	return fd_peer(fd, &peer) == 0 && peer.uid == geteuid();
}

static void on_listener(struct kept *k)
{
	struct keeper_hello hello = { .worker = { .pid = k->worker_pid,
						  .has_pidfd = k->worker_pidfd >= 0,
						  .has_output = k->worker_output >= 0 },
				      .bus = k->bus };
	int fds[MESSAGE_FDS];
	size_t n_fds = 0;
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (hello.worker.has_pidfd)
		fds[n_fds++] = k->worker_pidfd;
	if (hello.worker.has_output)
		fds[n_fds++] = k->worker_output;
	if (!is_our_users(fd) ||
	    !message_send_fds(fd, KEEPER_MSG_HELLO, 0, &hello, sizeof(hello), fds, n_fds)) {
		close(fd);
		return;
	}
	k->supervisor = fd;
	k->adopted = true;
	k->until = HUGE_VAL;
}

/* --- life --------------------------------------------------------------------------------------
 */

static bool is_timed(const struct kept *k)
{
	return k->pending.is || !isinf(k->until);
}

static int timeout_ms(const struct kept *k)
{
	if (!is_timed(k))
		return -1;
	return poll_until(k->pending.is && k->pending.deadline < k->until ? k->pending.deadline
									  : k->until);
}

static _Noreturn void keep(struct kept *k)
{
	for (;;) {
		struct pollfd pfd[] = {
			/* First: what it wants may be why the others are of no interest. */
			{ .fd = k->supervisor,
			  .events = (short)(POLLIN | (k->stuck.type ? POLLOUT : 0)) },
			{ .fd = k->supervisor < 0 ? k->listener : -1, .events = POLLIN },
			{ .fd = k->stuck.type ? -1 : k->worker, .events = POLLIN },
			/* ep0 is always ready while a SETUP is pending. */
			{ .fd = k->pending.is ? -1 : k->ep0, .events = POLLIN },
		};

		if (interrupted) {
			alarm(0);
			interrupted = 0;
		}
		if (poll(pfd, ARRAY_SIZE(pfd), timeout_ms(k)) < 0) {
			if (errno != EINTR)
				end(k);
			continue;
		}
		if (pfd[0].revents & ~POLLOUT)
			on_supervisor(k);
		if (k->stuck.type)
			pass_on_again(k);
		if (pfd[1].revents)
			on_listener(k);
		if (pfd[2].revents && k->worker >= 0 && !k->stuck.type)
			hear_worker(k, false);
		if (k->pending.is && now_monotonic() >= k->pending.deadline)
			k->hurried = stall(k);
		if (pfd[3].revents && !k->pending.is)
			on_ep0(k);
		if (!isinf(k->until) && now_monotonic() >= k->until)
			end(k);
	}
}

_Noreturn void keeper_main(int ep0, int supervisor, int listener, const char *label, pid_t parent)
{
	static struct kept k; /* the body's pages are only there when they are used */
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	sigset_t set;
	char name[16];

	/*
	 * The supervisor's blocked signals stay blocked: a service manager's TERM to everybody is
	 * for the supervisor to answer, in its order.
	 */
	sigaction(SIGURG, &interrupt, NULL);
	sigaction(SIGALRM, &interrupt, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* A data stage that the host never ends keeps us from seeing the socket close. */
	prctl(PR_SET_PDEATHSIG, SIGURG);
	if (getppid() != parent)
		_exit(0);
	setsid(); /* a terminal's Ctrl-C is for the supervisor */
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
	k.until = HUGE_VAL;
	keeper_lock_up();
	message_send(supervisor, KEEPER_MSG_STARTED, 0, NULL, 0);
	keep(&k);
}

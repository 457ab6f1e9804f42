// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper with a worker, a supervisor, and a fake of FunctionFS' ep0 (f_fs.c), which checks the
 * keeper: no more data than the host requested, and one answer to each SETUP.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/proc.h"
#include "control.h"
#include "functionfs/keeper.h"
#include "functionfs/link_speed.h"

/* Fakes for the keeper's calls. */
static ssize_t ep0_read(int fd, void *data, size_t size);
static ssize_t ep0_write(int fd, const void *data, size_t size);
static int next_step(struct pollfd *pfd, nfds_t n, int timeout);
static double clock_now(void);
static _Noreturn void end_run(void);
static uint8_t speed_of_link(void);

#define read ep0_read
#define write ep0_write
#define poll next_step
#define now_monotonic clock_now
#define control_message_await control_message_receive /* there are no later answers */
#define raise(sig) end_run()
#define alarm(seconds) ((void)(seconds))
#define link_speed_read(source) ((void)(source), speed_of_link())
#include "../../src/functionfs/keeper_main.c"
#include "../../src/functionfs/keeper_setup.c"
#undef read
#undef write
#undef poll

static struct {
	struct keeper_state k;
	struct script *script;
	jmp_buf end;
	double now;
	int worker, supervisor; /* the other ends of its sockets; -1: none */
	struct sockaddr_un address;
	socklen_t address_size;

	/* ep0 */
	enum { NO_SETUP, PENDING, CANCELLED } state;
	uint8_t events[EVENTS_PER_READ];
	size_t n_events;
	struct usb_ctrlrequest setup;
	bool interrupt; /* the next data stage fails with EINTR */
} w;

static double clock_now(void)
{
	return w.now;
}

static _Noreturn void end_run(void)
{
	longjmp(w.end, 1);
}

static uint8_t speed_of_link(void)
{
	return w.setup.wLength % 2 ? FFSCTL_SPEED_HIGH : FFSCTL_SPEED_UNKNOWN;
}

/* --- ep0 --- */

static void show_ready(void)
{
	uint64_t n;

	/* Also while a SETUP is pending (ffs_ep0_poll) */
	if (w.n_events > 0 || w.state != NO_SETUP)
		(void)!write(w.k.ep0, &(uint64_t){ 1 }, sizeof(n));
	else
		(void)!read(w.k.ep0, &n, sizeof(n));
}

/* Adds an event, which removes some pending ones (__ffs_event_add). */
static void add_event(uint8_t type)
{
	bool power = type == FUNCTIONFS_SUSPEND || type == FUNCTIONFS_RESUME;
	size_t n = 0;

	if (w.state == PENDING)
		w.state = CANCELLED;
	for (size_t i = 0; i < w.n_events; i++) {
		uint8_t e = w.events[i];
		bool is_power = e == FUNCTIONFS_SUSPEND || e == FUNCTIONFS_RESUME;
		bool stays = type == FUNCTIONFS_SETUP	 ? e != FUNCTIONFS_SETUP
			     : type == FUNCTIONFS_RESUME ? !is_power
			     : power			 ? e != FUNCTIONFS_SUSPEND
							 : is_power;

		if (stays)
			w.events[n++] = e;
	}
	if (n == EVENTS_PER_READ)
		found("more events than the kernel's queue can hold");
	w.events[n++] = type;
	w.n_events = n;
}

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

/* Checks the start of a data stage, of both directions. Returns 0 if it may begin. */
static ssize_t begin_stage(bool in)
{
	if (w.state == NO_SETUP)
		found("an answer to a SETUP that was answered");
	if (w.state == CANCELLED || (in != !!(w.setup.bRequestType & USB_DIR_IN))) {
		int error = w.state == CANCELLED ? EIDRM : EL2HLT;

		w.state = NO_SETUP;
		return fail(error);
	}
	if (w.interrupt) {
		w.interrupt = false;
		return fail(EINTR);
	}
	w.state = NO_SETUP;
	return 0;
}

static ssize_t read_events(struct functionfs_event *events)
{
	size_t n = w.n_events;

	for (size_t i = 0; i < n; i++) {
		memset(&events[i], 0, sizeof(events[i]));
		events[i].type = w.events[i];
		if (w.events[i] != FUNCTIONFS_SETUP)
			continue;
		events[i].u.setup = w.setup;
		events[i].flags = w.setup.wValue % 2 ? FUNCTIONFS_EVENT_HOST_WINDEX : 0;
		events[i].host_wIndex = w.setup.wIndex;
		w.state = PENDING;
	}
	w.n_events = 0;
	return n > 0 ? (ssize_t)(n * sizeof(*events)) : fail(EAGAIN);
}

static ssize_t ep0_read(int fd _unused_, void *data, size_t size)
{
	size_t wanted = le16toh(w.setup.wLength);
	ssize_t r;

	if (data && data != w.k.message_body && w.state == PENDING)
		found("events are read while a SETUP is pending");
	if (data && data != w.k.message_body && w.state == NO_SETUP)
		r = read_events(data);
	else
		r = begin_stage(false);
	if (r == 0) {
		r = (ssize_t)(size < wanted ? size : wanted);
		if (r > 0)
			memset(data, 0x5a, (size_t)r);
	}
	show_ready();
	return r;
}

static ssize_t ep0_write(int fd, const void *data, size_t size)
{
	static uint8_t sink[FFSCTL_MSG_MAX_BODY];
	ssize_t r;

	if (fd != w.k.ep0) /* the group-kill pipe */
		return (ssize_t)size;
	r = begin_stage(true);
	if (r == 0 && size > le16toh(w.setup.wLength))
		found("more IN data than the host requested");
	if (r == 0 && size > 0)
		memcpy(sink, data, size);
	show_ready();
	return r < 0 ? r : (ssize_t)size;
}

/* --- messages from the keeper --- */

/* No default: the compiler rejects a message type that is not listed here. */
static bool may_receive(bool worker, uint16_t type, size_t size)
{
	switch ((enum ffsctl_msg_type)type) {
	case FFSCTL_MSG_EVENT:
		return size == sizeof(struct ffsctl_event);
	case FFSCTL_MSG_SETUP:
		return worker && size == sizeof(struct ffsctl_setup_body);
	case FFSCTL_MSG_DATA:
		return worker && size > 0;
	case FFSCTL_MSG_PING:
	case FFSCTL_MSG_STOP:
		return worker;
	case FFSCTL_MSG_READY:
	case FFSCTL_MSG_PONG:
	case FFSCTL_MSG_STATS:
	case FFSCTL_MSG_SWITCH:
	case FFSCTL_MSG_TRAFFIC:
	case FFSCTL_MSG_CUT:
	case FFSCTL_MSG_WAKEUP:
		return !worker;
	case FFSCTL_MSG_ACCEPT:
	case FFSCTL_MSG_STALL:
		return false;
	}
	return !worker && (type == KEEPER_MSG_NO_WORKER ||
			   (type == KEEPER_MSG_LATE && size == sizeof(struct late_request)) ||
			   (type == KEEPER_MSG_HELLO && size == sizeof(struct keeper_hello)));
}

static void receive_all(int fd, bool worker)
{
	static uint8_t body[FFSCTL_MSG_MAX_BODY];
	struct ffsctl_msg head;
	ssize_t n;

	while (fd >= 0 && (n = script_receive(fd, &head, body, sizeof(body))) >= 0)
		if (!may_receive(worker, head.type, (size_t)n))
			found("the keeper sends a message that it must not send");
}

/* --- steps --- */

/* Sends with the number of descriptors in the step, which need not match the message. */
static void send_as_supervisor(const struct script_step *step)
{
	int pair[2], fds[CONTROL_MESSAGE_FDS];
	size_t n = step->op / 16 % (CONTROL_MESSAGE_FDS + 1);
	bool gives = step->type == KEEPER_MSG_WORKER && n > 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		found("no socket");
	for (size_t i = 0; i < n; i++)
		fds[i] = i == 0 ? pair[0] : STDERR_FILENO;
	script_send(w.supervisor, step, step->op & 0x80, fds, n);
	close(pair[0]);
	if (!gives) {
		close(pair[1]);
		return;
	}
	cleanup_close(&w.worker);
	w.worker = pair[1];
}

static void connect_supervisor(void)
{
	if (w.supervisor >= 0)
		return;
	w.supervisor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(w.supervisor, (struct sockaddr *)&w.address, w.address_size) < 0)
		cleanup_close(&w.supervisor); /* the queue is full */
}

static void take_step(const struct script_step *step)
{
	switch (step->op % 8) {
	case 0:
	case 1:
		if (w.worker >= 0)
			script_send(w.worker, step, step->op & 0x80, NULL, 0);
		break;
	case 2:
		if (w.supervisor >= 0)
			send_as_supervisor(step);
		break;
	case 3:
		if (step->size >= sizeof(w.setup)) {
			memcpy(&w.setup, step->body, sizeof(w.setup));
			w.interrupt = step->op & 0x80;
			add_event(FUNCTIONFS_SETUP);
		}
		break;
	case 4:
		if (step->type <= FUNCTIONFS_RESUME && step->type != FUNCTIONFS_SETUP)
			add_event(step->type);
		break;
	case 5:
		cleanup_close(step->op & 0x80 ? &w.supervisor : &w.worker);
		break;
	case 6:
		connect_supervisor();
		break;
	case 7:
		w.now += step->id / 100.0;
		break;
	}
	show_ready();
}

/* Fake poll(), where the keeper's loop waits: receives its messages, then does the next step. */
static int next_step(struct pollfd *pfd, nfds_t n, int timeout _unused_)
{
	struct script_step step;

	receive_all(w.worker, true);
	receive_all(w.supervisor, false);
	if (n > 1) { /* else it waits until a socket is writable */
		if (!script_next(w.script, &step))
			end_run();
		take_step(&step);
	}
	return poll(pfd, n, 0);
}

static int make_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Autobind: a unique abstract name */
	if (fd < 0 ||
	    bind(fd, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)) < 0 ||
	    listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&w.address, &w.address_size) < 0)
		found("no socket");
	return fd;
}

void control_fuzz_keeper(struct script *script)
{
	int worker[2], supervisor[2];

	memset(&w, 0, sizeof(w));
	w.address_size = sizeof(w.address);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, worker) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, supervisor) < 0)
		found("no socket");
	w.script = script;
	w.worker = worker[1];
	w.supervisor = supervisor[1];
	w.k.ep0 = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w.k.ep0_watch = -1;
	w.k.request_index = (struct request_index){ .ep0 = w.k.ep0, .files = &w.k.endpoint_files };
	w.k.control_timeout_ms = KEEPER_SETUP_DEADLINE_MS;
	w.k.worker_socket = worker[0];
	w.k.supervisor_socket = supervisor[0];
	w.k.listener_socket = make_listener();
	w.k.worker_pidfd_for_takeover = w.k.worker_output_fd = w.k.worker_kill_pipe_fd = -1;
	w.k.link_speed = LINK_SPEED_NONE;
	w.k.keeper_takeover_wait_seconds = 1;
	w.k.exit_deadline = HUGE_VAL;
	if (setjmp(w.end) == 0)
		run_keeper(&w.k);
	cleanup_close(&w.k.ep0);
	cleanup_close(&w.k.worker_socket);
	cleanup_close(&w.k.supervisor_socket);
	cleanup_close(&w.k.listener_socket);
	cleanup_close(&w.k.worker_pidfd_for_takeover);
	cleanup_close(&w.k.worker_output_fd);
	cleanup_close(&w.k.worker_kill_pipe_fd);
	cleanup_close(&w.k.link_speed.udc_file);
	cleanup_close(&w.worker);
	cleanup_close(&w.supervisor);
}

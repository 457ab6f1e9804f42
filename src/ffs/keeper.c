/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffs/keeper.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "ffs/message.h"

#define EVENTS_PER_READ 4 /* the kernel's queue is that long (u_fs.h, struct ffs_data) */

struct kept {
	int ep0, socket;
	uint32_t setup_id;
	uint8_t body[FFSCTL_MSG_MAX_BODY]; /* static: never on the stack */
};

/* False when the supervisor does not take it: it is gone, or has let its socket fill up. */
static bool send_message(const struct kept *k, uint16_t type, uint32_t id, const void *body,
			 size_t size)
{
	return message_send(k->socket, type, id, body, size);
}

/*
 * One message into head and k->body; its body's size, or negative when there is none to be had. The
 * keeper ends with its supervisor.
 */
static ssize_t receive(struct kept *k, struct ffsctl_msg *head)
{
	ssize_t size = message_receive(k->socket, head, k->body, sizeof(k->body));

	if (size == -EPIPE)
		_exit(0);
	if (size < 0 || head->type != FFSCTL_MSG_PING)
		return size;
	send_message(k, FFSCTL_MSG_PONG, head->id, NULL, 0);
	return -EAGAIN;
}

/*
 * f_fs: I/O against the direction of the data stage stalls. The result (EL2HLT) says nothing new,
 * and EIDRM means that the host has given up already.
 */
static void stall(const struct kept *k, const struct usb_ctrlrequest *setup)
{
	ssize_t n _unused_;

	if (setup->bRequestType & USB_DIR_IN)
		n = read(k->ep0, NULL, 0);
	else
		n = write(k->ep0, NULL, 0);
}

/* Takes the OUT data, or acknowledges a SETUP without data. Reading is what acknowledges. */
static void accept_setup(struct kept *k, const struct usb_ctrlrequest *setup)
{
	ssize_t n = read(k->ep0, k->body, le16toh(setup->wLength));

	if (n > 0)
		send_message(k, FFSCTL_MSG_DATA, k->setup_id, k->body, (size_t)n);
}

static void answer(struct kept *k, const struct usb_ctrlrequest *setup, uint16_t type, size_t size)
{
	bool in = setup->bRequestType & USB_DIR_IN;
	size_t wanted = le16toh(setup->wLength);
	ssize_t n _unused_;

	if (type == FFSCTL_MSG_DATA && in)
		n = write(k->ep0, k->body, size < wanted ? size : wanted);
	else if (type == FFSCTL_MSG_ACCEPT && !in)
		accept_setup(k, setup);
	else
		stall(k, setup);
}

static void handle_setup(struct kept *k, const struct usb_ctrlrequest *setup)
{
	double deadline = now_monotonic() + KEEPER_SETUP_DEADLINE_MS / 1e3;

	k->setup_id++;
	if (!send_message(k, FFSCTL_MSG_SETUP, k->setup_id, setup, sizeof(*setup))) {
		stall(k, setup);
		return;
	}
	for (;;) {
		struct pollfd pfd = { .fd = k->socket, .events = POLLIN };
		double left = deadline - now_monotonic();
		struct ffsctl_msg head;
		ssize_t size;

		/* ep0 is not polled meanwhile: it is always ready while a SETUP is pending. */
		if (left <= 0 || poll(&pfd, 1, (int)(left * 1e3) + 1) == 0) {
			stall(k, setup);
			return;
		}
		size = receive(k, &head);
		if (size >= 0 && head.id == k->setup_id) {
			answer(k, setup, head.type, (size_t)size);
			return;
		}
	}
}

static void handle_ep0(struct kept *k)
{
	struct usb_functionfs_event events[EVENTS_PER_READ];
	ssize_t n = read(k->ep0, events, sizeof(events));

	if (n < 0) {
		/* EIDRM: a SETUP was cancelled before we read it. Others mean that ep0 is dead. */
		if (errno == EAGAIN || errno == EINTR || errno == EIDRM)
			return;
		_exit(1);
	}
	for (size_t i = 0; i < (size_t)n / sizeof(events[0]); i++) {
		struct ffsctl_event event = { .event = events[i].type };

		if (events[i].type == FUNCTIONFS_SETUP)
			handle_setup(k, &events[i].u.setup);
		else
			send_message(k, FFSCTL_MSG_EVENT, 0, &event, sizeof(event));
	}
}

static _Noreturn void keep(struct kept *k)
{
	struct pollfd pfd[] = { { .fd = k->ep0, .events = POLLIN },
				{ .fd = k->socket, .events = POLLIN } };

	for (;;) {
		struct ffsctl_msg late;

		if (poll(pfd, ARRAY_SIZE(pfd), -1) < 0 && errno != EINTR)
			_exit(1);
		if (pfd[1].revents)
			receive(k, &late);
		if (pfd[0].revents)
			handle_ep0(k);
	}
}

static _Noreturn void keeper_main(int ep0, int sock, const char *label, pid_t parent)
{
	static struct kept k;
	char name[16];

	/* A data stage that the host never ends keeps us from seeing the socket close. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	setsid(); /* a terminal's Ctrl-C is for the supervisor */
	snprintf(name, sizeof(name), "keep:%s", label);
	prctl(PR_SET_NAME, name);
	fd_stdio_to_null();
	fd_close_others((int[]){ ep0, sock }, 2);
	if (chdir("/") < 0)
		_exit(1);
	/*
	 * The supervisor's blocked signals stay blocked: a service manager's TERM to everybody is
	 * for the supervisor to answer, in its order.
	 */
	k.ep0 = ep0;
	k.socket = sock;
	keep(&k);
}

int keeper_start(struct keeper *keeper, int ep0, const char *label, struct error *err)
{
	_cleanup_close_ int fd = ep0;
	pid_t self = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return error_errno(err, EX_OSERR, errno, NULL,
				   "cannot make the socket to the keeper of '%s'", label);
	keeper->pid = fork();
	if (keeper->pid == 0)
		keeper_main(fd, pair[1], label, self);
	close(pair[1]);
	if (keeper->pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start the keeper of '%s'", label);
		close(pair[0]);
		keeper->pid = 0;
		return -err->err;
	}
	keeper->socket = pair[0];
	return 0;
}

void keeper_kill(struct keeper *keeper)
{
	if (keeper->pid > 0) {
		kill(keeper->pid, SIGKILL);
		waitpid(keeper->pid, NULL, 0);
	}
	if (keeper->socket >= 0)
		close(keeper->socket);
	*keeper = KEEPER_NONE;
}

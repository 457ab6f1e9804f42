/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests the keeper (src/functionfs/keeper.c, keeper_main.c): messages between worker and
 * supervisor, and life without a supervisor. The keeper is a real process without ep0, which needs
 * the lab.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/fd.h"
#include "functionfs/keeper.h"
#include "functionfs/keeper_sandbox.h"

/* Longer than any successful test waits. */
#define LONG_MS 20000

static char dir[] = "/tmp/ffsctl-test-keeper-XXXXXX";
static char path[128];
static struct keeper keeper = KEEPER_NONE;
static pid_t worker;	      /* a process that only waits, with a child that only waits */
static int worker_fd, output; /* the worker's ends of its control socket and its output pipe */
static int alive;	      /* pipe: end of file when worker and child have ended */

/* Waits for the next message; returns its type, or 0 when the peer has closed. */
static int receive(int fd, void *body, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct ffsctl_msg head = { 0 };
	ssize_t n;

	cr_assert_eq(poll(&pfd, 1, LONG_MS), 1, "no message within %d ms", LONG_MS);
	n = control_message_receive(fd, &head, body, size);
	if (n == -EPIPE)
		return 0;
	cr_assert_geq(n, 0);
	return head.type;
}

static _Noreturn void be_worker(int begun)
{
	setsid();
	fd_close_others(&begun, 1); /* as an exec would */
	if (fork() == 0)
		cr_assert_eq(write(begun, "x", 1), 1);
	for (;;)
		pause();
}

static void setup(void)
{
	_cleanup_error_ struct error err = { 0 };
	int control[2], out[2], begun[2], pidfd;
	char body[8];

	cr_assert_not_null(mkdtemp(dir));
	/* Longer than a socket's address may be. */
	snprintf(path, sizeof(path), "%s/%090d", dir, 0);
	cr_assert_eq(keeper_start(&keeper, -1, NULL, "echo", path, &err), 0, "%s", err.text);
	cr_assert_eq(receive(keeper.socket, body, sizeof(body)), KEEPER_MSG_STARTED);
	cr_assert_eq(pipe(begun), 0);
	worker = fork();
	if (worker == 0)
		be_worker(begun[1]);
	close(begun[1]);
	alive = begun[0];
	cr_assert_eq(read(alive, body, 1), 1);
	pidfd = (int)syscall(SYS_pidfd_open, worker, 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	cr_assert_eq(pipe(out), 0);
	cr_assert(keeper_send_worker(&keeper, worker, control[0], pidfd, out[0]));
	close(control[0]);
	close(out[0]);
	close(pidfd);
	worker_fd = control[1];
	output = out[1];
}

static void teardown(void)
{
	keeper_kill_and_wait(&keeper);
	if (worker > 0) { /* setup() may have failed before */
		kill(-worker, SIGKILL);
		waitpid(worker, NULL, 0);
	}
	unlink(path);
	rmdir(dir);
}

TestSuite(keeper, .init = setup, .fini = teardown, .timeout = 60);

static void send_from_worker(uint16_t version, uint16_t type, size_t size)
{
	struct ffsctl_msg head = { .version = htole16(version), .type = htole16(type) };

	cr_assert_eq(send(worker_fd, &head, size, 0), (ssize_t)size);
}

Test(keeper, forwards_known_messages_except_answers_to_control_requests)
{
	const size_t whole = sizeof(struct ffsctl_msg);
	char body[8];

	send_from_worker(1, FFSCTL_MSG_READY, whole - 1);
	send_from_worker(1, 999, whole);
	send_from_worker(2, FFSCTL_MSG_READY, whole);
	send_from_worker(1, FFSCTL_MSG_ACCEPT, whole);
	send_from_worker(1, FFSCTL_MSG_EVENT, whole);
	send_from_worker(1, FFSCTL_MSG_STATS, whole);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_STATS);
	send_from_worker(1, FFSCTL_MSG_READY, whole);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_READY);
	send_from_worker(1, FFSCTL_MSG_SWITCH, whole);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_SWITCH);
	send_from_worker(1, FFSCTL_MSG_PONG, whole);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_PONG);
}

/* Sends more than the supervisor's socket can buffer. */
Test(keeper, nothing_is_lost_when_the_supervisor_is_slow)
{
	static const int n = 3000;
	char body[1000] = { 0 }, packet[sizeof(struct ffsctl_msg) + sizeof(body)];
	const struct ffsctl_msg head = { .version = htole16(1),
					 .type = htole16(FFSCTL_MSG_STATS),
					 .length = htole32(sizeof(body)) };
	int received = 0, sent = 0;

	fcntl(worker_fd, F_SETFL, O_NONBLOCK);
	while (received < n) {
		memcpy(body, &sent, sizeof(sent));
		memcpy(packet, &head, sizeof(head));
		memcpy(packet + sizeof(head), body, sizeof(body));
		if (sent < n && send(worker_fd, packet, sizeof(packet), 0) > 0) {
			sent++;
			continue;
		}
		cr_assert_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_STATS);
		cr_assert_eq(memcmp(body, &received, sizeof(received)), 0);
		received++;
	}
}

Test(keeper, forwards_ping_and_stop_to_the_worker)
{
	char body[8];

	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_PING, 7, NULL, 0));
	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_SETUP, 7, "12345678", 8));
	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_STOP, 0, NULL, 0));
	cr_expect_eq(receive(worker_fd, body, sizeof(body)), FFSCTL_MSG_PING);
	cr_expect_eq(receive(worker_fd, body, sizeof(body)), FFSCTL_MSG_STOP);
}

Test(keeper, goes_on_when_the_worker_closes_its_socket)
{
	char body[8];

	close(worker_fd);
	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_PING, 7, NULL, 0));
	cr_assert(control_message_send(keeper.socket, KEEPER_MSG_NO_WORKER, 0, NULL, 0));
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), KEEPER_MSG_NO_WORKER);
}

/*
 * The worker closes its socket with an unread message: the kernel reports ECONNRESET before the
 * worker's own messages. The keeper is stopped until all that has happened.
 */
static void send_ready_and_close_with_a_message_unread(bool dies)
{
	struct pollfd unread = { .fd = worker_fd, .events = POLLIN };
	int status;

	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_PING, 7, NULL, 0));
	cr_assert_eq(poll(&unread, 1, LONG_MS), 1);
	cr_assert_eq(kill(keeper.pid, SIGSTOP), 0);
	cr_assert_eq(waitpid(keeper.pid, &status, WUNTRACED), keeper.pid);
	send_from_worker(1, FFSCTL_MSG_READY, sizeof(struct ffsctl_msg));
	close(worker_fd);
	if (dies)
		cr_assert(control_message_send(keeper.socket, KEEPER_MSG_NO_WORKER, 0, NULL, 0));
	cr_assert_eq(kill(keeper.pid, SIGCONT), 0);
}

Test(keeper, forwards_the_last_message_of_a_worker_that_closes_with_a_message_unread)
{
	char body[8];

	send_ready_and_close_with_a_message_unread(false);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_READY);
}

Test(keeper, forwards_the_last_message_of_a_worker_that_dies_with_a_message_unread)
{
	char body[8];

	send_ready_and_close_with_a_message_unread(true);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_READY);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), KEEPER_MSG_NO_WORKER);
}

Test(keeper, forwards_all_messages_of_a_dead_worker_before_no_worker)
{
	char body[8];

	for (int i = 0; i < 3; i++)
		send_from_worker(1, FFSCTL_MSG_STATS, sizeof(struct ffsctl_msg));
	cr_assert(control_message_send(keeper.socket, KEEPER_MSG_NO_WORKER, 0, NULL, 0));
	for (int i = 0; i < 3; i++)
		cr_expect_eq(receive(keeper.socket, body, sizeof(body)), FFSCTL_MSG_STATS);
	cr_expect_eq(receive(keeper.socket, body, sizeof(body)), KEEPER_MSG_NO_WORKER);
	cr_expect_eq(receive(worker_fd, body, sizeof(body)), 0, "its socket is closed");
}

/* A service manager sends SIGTERM to every process; the supervisor blocks it and handles it. */
Test(keeper, keeps_sigterm_blocked)
{
	_cleanup_error_ struct error err = { 0 };
	struct keeper other = KEEPER_NONE;
	char its_path[64], body[8];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	snprintf(its_path, sizeof(its_path), "%s/other", dir);
	cr_assert_eq(keeper_start(&other, -1, NULL, "other", its_path, &err), 0, "%s", err.text);
	cr_assert_eq(receive(other.socket, body, sizeof(body)), KEEPER_MSG_STARTED);
	kill(other.pid, SIGTERM);
	control_message_send(other.socket, KEEPER_MSG_NO_WORKER, 0, NULL, 0);
	cr_expect_eq(receive(other.socket, body, sizeof(body)), KEEPER_MSG_NO_WORKER);
	keeper_kill_and_wait(&other);
	unlink(its_path);
}

/* --- without a supervisor --- */

static void lose_supervisor(void)
{
	close(keeper.socket);
	keeper.socket = -1;
}

static bool has_ended(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid;
}

static bool worker_has_ended_with_its_child(void)
{
	char byte;

	return has_ended(worker) && read(alive, &byte, 1) == 0;
}

Test(keeper, kills_the_worker_and_ends_when_the_supervisor_dies)
{
	lose_supervisor();
	cr_expect(has_ended(keeper.pid));
	cr_expect(worker_has_ended_with_its_child());
	keeper = KEEPER_NONE;
}

Test(keeper, ends_after_the_hold_time_without_a_supervisor)
{
	cr_assert(keeper_set_takeover_wait(&keeper, 0.05));
	lose_supervisor();
	cr_expect(has_ended(keeper.pid));
	cr_expect(worker_has_ended_with_its_child());
	keeper = KEEPER_NONE;
}

Test(keeper, can_be_taken_over_several_times_with_the_same_worker)
{
	struct keeper_hello hello;
	pid_t pid = keeper.pid;
	int pidfd, pipe;
	char body[8];

	cr_assert(keeper_set_takeover_wait(&keeper, 1000));
	for (int i = 0; i < 3; i++) {
		lose_supervisor();
		/* Not forwarded: there is no supervisor. */
		send_from_worker(1, FFSCTL_MSG_STATS, sizeof(struct ffsctl_msg));
		cr_assert_eq(keeper_take_over(&keeper, path, &hello, &pidfd, &pipe), 0);
		cr_expect_eq(keeper.pid, pid);
		cr_expect_not(keeper.taken_over, "the keeper is our child");
		cr_expect_eq(hello.worker.pid, worker);
		cr_expect_not(hello.link_state.bound);
		cr_expect_eq(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), 0);
		cr_assert_eq(write(output, "x", 1), 1);
		cr_expect_eq(read(pipe, body, sizeof(body)), 1);
		cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_PING, 0, NULL, 0));
		cr_expect_eq(receive(worker_fd, body, sizeof(body)), FFSCTL_MSG_PING);
		close(pidfd);
		close(pipe);
	}
}

Test(keeper, take_over_fails_at_once_without_a_keeper)
{
	struct keeper_hello hello;
	struct keeper none;
	int pidfd, pipe;

	keeper_kill_and_wait(&keeper);
	cr_expect_eq(keeper_take_over(&none, path, &hello, &pidfd, &pipe), -ECONNREFUSED);
	unlink(path);
	cr_expect_eq(keeper_take_over(&none, path, &hello, &pidfd, &pipe), -ENOENT);
	cr_expect_eq(none.pid, 0);
	cr_expect_lt(none.socket, 0);
}

/* A kernel function stays bound without its keeper, and must not lose its worker. */
Test(keeper, a_killed_keeper_does_not_kill_the_worker)
{
	struct pollfd pfd = { .fd = alive, .events = POLLIN };
	char body[8];

	/* The answer proves that the keeper has handled all messages before it. */
	cr_assert(control_message_send(keeper.socket, FFSCTL_MSG_PING, 0, NULL, 0));
	cr_expect_eq(receive(worker_fd, body, sizeof(body)), FFSCTL_MSG_PING);
	keeper_kill_and_wait(&keeper);
	cr_expect_eq(kill(worker, 0), 0);
	cr_expect_eq(poll(&pfd, 1, 100), 0);
}

/* --- the keeper's sandbox --- */

static pid_t parent;
static int parent_pidfd;

static long open_a_file(void)
{
	return open("/dev/null", O_RDONLY);
}

static long signal_its_parent(void)
{
	return kill(parent, 0);
}

static long signal_a_thread_of_another(void)
{
	return syscall(SYS_tgkill, parent, parent, 0);
}

static long signal_by_pidfd(void)
{
	return syscall(SYS_pidfd_send_signal, parent_pidfd, 0, NULL, 0);
}

/* In a test build, a refused call kills the process; else it fails with EPERM. */
static bool is_refused(long (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		keeper_enter_sandbox();
		_exit(call() < 0 && errno == EPERM ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS : WEXITSTATUS(status) == 0;
}

Test(keeper, cannot_open_files_or_signal_other_processes)
{
#ifdef FFSCTL_SANITIZED /* such a build has no filter */
	return;
#endif
	parent = getpid();
	parent_pidfd = (int)syscall(SYS_pidfd_open, parent, 0);
	cr_expect(is_refused(open_a_file));
	cr_expect(is_refused(signal_its_parent));
	cr_expect(is_refused(signal_a_thread_of_another));
	cr_expect(is_refused(signal_by_pidfd));
}

/* --- the bus --- */

Test(link_state, accepts_events_in_any_order)
{
	static const struct {
		uint8_t events[4];
		struct link_state state;
	} rows[] = {
		{ { FFSCTL_EVENT_BIND }, { .bound = true } },
		{ { FFSCTL_EVENT_ENABLE }, { .bound = true, .enabled = true, .speed = 3 } },
		{ { FFSCTL_EVENT_ENABLE, FFSCTL_EVENT_ENABLE },
		  { .bound = true, .enabled = true, .speed = 3 } },
		{ { FFSCTL_EVENT_ENABLE, FFSCTL_EVENT_SUSPEND },
		  { .bound = true, .enabled = true, .suspended = true, .speed = 3 } },
		{ { FFSCTL_EVENT_SUSPEND, FFSCTL_EVENT_ENABLE },
		  { .bound = true, .enabled = true, .speed = 3 } },
		{ { FFSCTL_EVENT_SUSPEND, FFSCTL_EVENT_RESUME }, { .bound = true } },
		{ { FFSCTL_EVENT_SUSPEND, FFSCTL_EVENT_UNBIND }, { .bound = false } },
		{ { FFSCTL_EVENT_DISABLE }, { .bound = true } },
		{ { FFSCTL_EVENT_ENABLE, FFSCTL_EVENT_SUSPEND, FFSCTL_EVENT_DISABLE },
		  { .bound = true, .speed = 3 } },
		{ { FFSCTL_EVENT_ENABLE, FFSCTL_EVENT_DISABLE }, { .bound = true, .speed = 3 } },
		{ { FFSCTL_EVENT_ENABLE, FFSCTL_EVENT_SUSPEND, FFSCTL_EVENT_UNBIND },
		  { .speed = 3 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_state state = { 0 }, replayed = { 0 };
		struct ffsctl_event events[LINK_STATE_EVENTS];
		size_t n;

		for (size_t k = 0; k < 4 && (k == 0 || rows[i].events[k]); k++)
			cr_expect(link_state_apply(
				&state,
				&(struct ffsctl_event){ .event = rows[i].events[k], .speed = 3 }));
		cr_expect_eq(state.bound, rows[i].state.bound, "row %zu", i);
		cr_expect_eq(state.enabled, rows[i].state.enabled, "row %zu", i);
		cr_expect_eq(state.suspended, rows[i].state.suspended, "row %zu", i);
		cr_expect_eq(state.speed, rows[i].state.speed, "row %zu", i);
		n = link_state_to_events(&state, 16, events);
		for (size_t k = 0; k < n; k++) {
			cr_expect_eq(events[k].max_transfer,
				     events[k].event == FFSCTL_EVENT_ENABLE ? 16 : 0,
				     "row %zu, event %zu", i, k);
			link_state_apply(&replayed, &events[k]);
		}
		cr_expect_eq(replayed.bound, state.bound, "row %zu, replayed", i);
		cr_expect_eq(replayed.enabled, state.enabled, "row %zu, replayed", i);
		cr_expect_eq(replayed.suspended, state.suspended, "row %zu, replayed", i);
	}
}

Test(link_state, ignores_unknown_events)
{
	struct link_state state = { 0 };

	cr_expect_not(link_state_apply(&state, &(struct ffsctl_event){ .event = 4 }));
	cr_expect_not(link_state_apply(&state, &(struct ffsctl_event){ .event = 7 }));
	cr_expect_not(state.bound);
}

/* --- messages --- */

/* Sends a message of our version with `n` copies of `fd`. */
static void send_with(int socket, int fd, size_t n)
{
	union {
		char space[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} room = { 0 };
	struct ffsctl_msg head = { .version = htole16(FFSCTL_CONTROL_VERSION), .type = htole16(1) };
	struct iovec iov = { &head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &room,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	room.align.cmsg_level = SOL_SOCKET;
	room.align.cmsg_type = SCM_RIGHTS;
	room.align.cmsg_len = CMSG_LEN(n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&room.align) + i * sizeof(int), &fd, sizeof(int));
	cr_assert_geq(sendmsg(socket, &msg, 0), 0);
}

/* Returns the lowest free descriptor. */
static int next_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

Test(message, closes_surplus_descriptors)
{
	/* One more element than the function may write */
	int pair[2], fds[CONTROL_MESSAGE_FDS + 1];
	struct ffsctl_msg head;
	char body[8];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t n = 1; n <= 8; n++) {
		int before = next_free();
		size_t came = 0;

		fds[CONTROL_MESSAGE_FDS] = -7;
		send_with(pair[0], 0, n);
		cr_assert_eq(control_message_receive_fds(pair[1], &head, body, sizeof(body), fds),
			     0);
		cr_expect_eq(fds[CONTROL_MESSAGE_FDS], -7, "%zu descriptors", n);
		for (size_t i = 0; i < CONTROL_MESSAGE_FDS; i++) {
			came += fds[i] >= 0;
			cleanup_close(&fds[i]);
		}
		cr_expect_eq(came, n < CONTROL_MESSAGE_FDS ? n : CONTROL_MESSAGE_FDS,
			     "%zu descriptors", n);
		cr_expect_eq(next_free(), before, "%zu descriptors", n);
	}
}

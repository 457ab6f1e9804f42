/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/fd.h"
#include "base/proc.h"
#include "functionfs/keeper_main.h"

/*
 * A takeover interrupts the keeper every HELLO_MS milliseconds until the keeper answers, but at
 * most HELLO_TRIES times.
 */
#define HELLO_TRIES 100
#define HELLO_MS 10
/*
 * keeper_kill_and_wait checks every END_MS milliseconds whether the keeper has ended, at most
 * END_TRIES times.
 */
#define END_TRIES 5000
#define END_MS 1

/*
 * Sets the socket address of `path`, which may be longer than sun_path: the address is relative to
 * a file descriptor of the directory. The caller closes *dir_fd after it has used the address.
 */
static int set_socket_address(struct sockaddr_un *address, const char *path, int *dir_fd)
{
	const char *name = path_last_component(path);
	_cleanup_free_ char *dir = path_parent(path), *by_fd = NULL;

	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return -errno;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	by_fd = strf("/proc/self/fd/%d/%s", *dir_fd, name);
	if (strlen(by_fd) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, by_fd);
	return 0;
}

/*
 * Binds the socket for the next supervisor. The keeper calls listen(2) itself, so that SO_PEERCRED
 * returns the credentials of the keeper.
 */
static int bind_takeover_socket(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_close_ int dir_fd = -1;
	struct sockaddr_un address;
	int r = set_socket_address(&address, path, &dir_fd);

	if (r < 0)
		return r;
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0600) < 0)
		return -errno;
	return steal_fd(&fd);
}

int keeper_start(struct keeper *keeper, int ep0, const struct ffs *ffs, const char *label,
		 const char *path, struct error *err)
{
	_cleanup_close_ int fd = ep0, listener = bind_takeover_socket(path);
	pid_t self = getpid();
	int pair[2];

	if (listener < 0)
		return error_errno(err, EX_OSERR, -listener, path,
				   "cannot make the socket %s of the keeper of '%s'", path, label);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return error_errno(err, EX_OSERR, errno, NULL,
				   "cannot make the socket to the keeper of '%s'", label);
	keeper->pid = fork();
	if (keeper->pid == 0)
		keeper_main(fd, ffs, pair[1], listener, label, self);
	close(pair[1]);
	if (keeper->pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start the keeper of '%s'", label);
		close(pair[0]);
		keeper->pid = 0;
		return -err->errno_value;
	}
	keeper->socket = pair[0];
	return 0;
}

/* --- takeover ----------------------------------------------------------------------------------
 */

/*
 * Sets the keeper's pid from the peer of the socket. Opens a pidfd unless the keeper is our child.
 */
static int get_keeper_pid(struct keeper *keeper)
{
	struct ucred peer;
	siginfo_t info;
	int r = fd_peer_credentials(keeper->socket, &peer);

	if (r < 0)
		return r;
	keeper->pid = peer.pid;
	if (waitid(P_PID, (id_t)peer.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return 0;
	keeper->taken_over = true;
	keeper->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	return keeper->pidfd < 0 && errno != ENOSYS ? -errno : 0;
}

/*
 * Receives the keeper's HELLO. The keeper may wait in a data stage that the host does not complete:
 * sends it signals until it answers.
 */
static int receive_hello(const struct keeper *keeper, struct keeper_hello *hello, int *fds)
{
	struct pollfd pfd = { .fd = keeper->socket, .events = POLLIN };
	struct ffsctl_msg head;
	ssize_t size;

	for (int i = 0; i < HELLO_TRIES && poll(&pfd, 1, HELLO_MS) <= 0; i++)
		keeper_interrupt_control_request(keeper);
	size = control_message_receive_fds(keeper->socket, &head, hello, sizeof(*hello), fds);
	if (size < 0)
		return (int)size;
	return head.type == KEEPER_MSG_HELLO && size == sizeof(*hello) ? 0 : -EPROTO;
}

int keeper_take_over(struct keeper *keeper, const char *path, struct keeper_hello *hello,
		     int *worker_pidfd, int *output)
{
	int fds[CONTROL_MESSAGE_FDS] = { -1, -1, -1 };
	_cleanup_close_ int dir_fd = -1;
	struct sockaddr_un address;
	int r = set_socket_address(&address, path, &dir_fd);

	*keeper = KEEPER_NONE;
	*worker_pidfd = *output = -1;
	if (r < 0)
		return r;
	keeper->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (keeper->socket < 0 ||
	    connect(keeper->socket, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r == 0)
		r = get_keeper_pid(keeper);
	/* HELLO shows that a keeper has accepted the connection. So the pid that get_keeper_pid()
	   has used is that of this keeper, and not of a later process. */
	if (r == 0)
		r = receive_hello(keeper, hello, fds);
	if (r == 0) {
		if (hello->worker.has_pidfd)
			*worker_pidfd = steal_fd(&fds[0]);
		if (hello->worker.has_output_pipe)
			*output = steal_fd(&fds[hello->worker.has_pidfd ? 1 : 0]);
	}
	/* Closes file descriptors that HELLO does not announce. */
	for (size_t i = 0; i < CONTROL_MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
	if (r == 0)
		return 0;
	cleanup_close(&keeper->socket);
	cleanup_close(&keeper->pidfd);
	*keeper = KEEPER_NONE;
	return r;
}

/* --- messages to the keeper --------------------------------------------------------------------
 */

/*
 * Makes a pipe that sends SIGKILL to a process group when any process writes to the pipe. The
 * kernel checks the permission of the process that made the pipe (fs/fcntl.c, sigio_perm), so the
 * keeper needs no permission. The pipe refers to the group and not to its number, so the signal
 * never hits a later group with the same number. The pipe is opened as one file descriptor for
 * reading and writing: if it had a file descriptor for each end, closing one of them would send the
 * signal, too.
 */
static int make_worker_kill_pipe(pid_t group)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	path = strf("/proc/self/fd/%d", pair[0]);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	close(pair[0]);
	close(pair[1]);
	if (fd < 0 || fcntl(fd, F_SETOWN, -group) < 0 || fcntl(fd, F_SETSIG, SIGKILL) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		return -1;
	return steal_fd(&fd);
}

static bool send_worker_kill_pipe(const struct keeper *keeper, pid_t group)
{
	_cleanup_close_ int fd = make_worker_kill_pipe(group);

	return fd >= 0 && control_message_send_fds(keeper->socket, KEEPER_MSG_WORKER_KILL_PIPE, 0,
						   NULL, 0, &fd, 1);
}

bool keeper_send_worker(const struct keeper *keeper, pid_t pid, int control, int pidfd, int output)
{
	const struct keeper_worker_info worker = { .pid = pid,
						   .has_pidfd = pidfd >= 0,
						   .has_output_pipe = output >= 0 };
	int fds[CONTROL_MESSAGE_FDS] = { control };
	size_t n = 1;

	if (pidfd >= 0)
		fds[n++] = pidfd;
	if (output >= 0)
		fds[n++] = output;
	return control_message_send_fds(keeper->socket, KEEPER_MSG_WORKER, 0, &worker,
					sizeof(worker), fds, n) &&
	       send_worker_kill_pipe(keeper, pid);
}

bool keeper_set_speed_file(const struct keeper *keeper, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 &&
	       control_message_send_fds(keeper->socket, KEEPER_MSG_SPEED_FILE, 0, NULL, 0, &fd, 1);
}

bool keeper_set_max_transfer(const struct keeper *keeper, uint32_t kib)
{
	return control_message_send(keeper->socket, KEEPER_MSG_MAX_TRANSFER, 0, &kib, sizeof(kib));
}

bool keeper_set_takeover_wait(const struct keeper *keeper, double seconds)
{
	uint32_t ms = seconds <= 0 ? 0 : seconds < 4e6 ? (uint32_t)(seconds * 1e3) : UINT32_MAX;

	return control_message_send(keeper->socket, KEEPER_MSG_TAKEOVER_WAIT, 0, &ms, sizeof(ms));
}

bool keeper_set_control_timeout(const struct keeper *keeper, double seconds)
{
	uint32_t ms = (uint32_t)(seconds * 1e3);

	return control_message_send(keeper->socket, KEEPER_MSG_CONTROL_TIMEOUT, 0, &ms, sizeof(ms));
}

void keeper_interrupt_control_request(const struct keeper *keeper)
{
	if (keeper->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, keeper->pidfd, SIGURG, NULL, 0);
	else if (keeper->pid > 0)
		kill(keeper->pid, SIGURG);
}

void keeper_send_sigkill(const struct keeper *keeper)
{
	if (keeper->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, keeper->pidfd, SIGKILL, NULL, 0);
	else if (keeper->pid > 0)
		kill(keeper->pid, SIGKILL);
}

bool keeper_has_ended(const struct keeper *keeper)
{
	struct pollfd pfd = { .fd = keeper->pidfd, .events = POLLIN };
	siginfo_t info = { 0 };

	/* The pidfd tells that the keeper has closed ep0. An end of file on the socket does not:
	   the kernel may close the socket before ep0. */
	if (keeper->pidfd >= 0)
		return poll(&pfd, 1, 0) > 0;
	if (keeper->pid <= 0 || keeper->taken_over)
		return keeper->pid <= 0 || kill(keeper->pid, 0) < 0;
	return waitid(P_PID, (id_t)keeper->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid != 0;
}

void keeper_close_fds(struct keeper *keeper)
{
	cleanup_close(&keeper->pidfd);
	cleanup_close(&keeper->socket);
	*keeper = KEEPER_NONE;
}

bool keeper_kill_and_wait(struct keeper *keeper)
{
	bool ended = keeper->pid <= 0;

	keeper_send_sigkill(keeper);
	for (int i = 0; !ended && i < END_TRIES; i++) {
		struct pollfd pfd = { .fd = keeper->pidfd, .events = POLLIN };

		ended = keeper_has_ended(keeper) || poll(&pfd, 1, END_MS) > 0;
	}
	if (!keeper->taken_over && keeper->pid > 0)
		waitpid(keeper->pid, NULL, WNOHANG);
	keeper_close_fds(keeper);
	return ended;
}

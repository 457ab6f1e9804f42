/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receives what a worker sends: messages, output, and its readiness. */
#include "function/worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "function/function.h"

void worker_close_watch(struct live_worker *worker, struct fd_watch *watch)
{
	fd_watch_close(gadget_functions_of(worker)->loop, watch);
}

#define ENGINE_MAX 15 /* maximum number of letters of an engine's name */

/*
 * Stores the engine that READY reports. Accepts only lower-case letters, because `status` prints
 * the word. A second READY may report another engine.
 */
static void store_reported_engine(struct live_worker *worker, const char *word, size_t size)
{
	char **shown = &worker->status.engine;
	_cleanup_free_ char *engine = NULL;
	size_t n = 0;

	while (n < size && word[n] >= 'a' && word[n] <= 'z')
		n++;
	if (n == size && n > 0 && n <= ENGINE_MAX)
		engine = xstrndup(word, n);
	if (streq_null(engine, *shown))
		return;
	free(*shown);
	*shown = steal_ptr(engine);
	functions_report_state_change(gadget_functions_of(worker));
}

void worker_report_ready(struct live_worker *worker)
{
	worker->ready_awaits_descriptors = function_lacks_descriptors(worker->function);
	if (!worker->ready_awaits_descriptors)
		worker->handle_event(worker, WORKER_EV_READY);
}

void worker_on_message(struct live_worker *worker, uint16_t type, const void *body, size_t size)
{
	switch (type) {
	case FFSCTL_MSG_READY:
		store_reported_engine(worker, body, size);
		worker_report_ready(worker);
		break;
	case FFSCTL_MSG_PONG:
		worker_note_watchdog_answer(worker);
		break;
	case FFSCTL_MSG_SWITCH:
		gadget_functions_of(worker)->callbacks->switch_requested(
			gadget_functions_of(worker)->callback_data, worker, body, size);
		break;
	case FFSCTL_MSG_WAKEUP:
		gadget_functions_of(worker)->callbacks->wakeup_requested(
			gadget_functions_of(worker)->callback_data, worker);
		break;
	case FFSCTL_MSG_TRAFFIC:
		worker_stats_receive_traffic(worker, body, size);
		break;
	case FFSCTL_MSG_CUT:
		worker_store_cut_endpoints(worker, body, size);
		break;
	case FFSCTL_MSG_STATS:
		worker_stats_receive(worker, body, size);
		break;
	default:
		break; /* a message type that only newer versions of ffsctl know */
	}
}

/*
 * Prints the output of a worker of `ffsctl run` on stderr, also if the worker was taken over from
 * `ffsctl up`. Returns what read(2) returns.
 */
static ssize_t print_output(int fd)
{
	_cleanup_free_ char *shown = NULL;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));

	if (n <= 0)
		return n;
	shown = text_replace_unprintable_lines(text, (size_t)n);
	log_without_prefix(shown, strlen(shown));
	return n;
}

static void on_output(void *data, uint32_t events _unused_)
{
	struct live_worker *worker = data;
	ssize_t n = gadget_functions_of(worker)->foreground
			    ? print_output(worker->output_watch.fd)
			    : log_file_move_worker_output(gadget_functions_of(worker)->log_file,
							  worker, worker->function->model->label,
							  worker->output_watch.fd);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		worker_close_watch(worker, &worker->output_watch);
}

static void drain_watch(struct live_worker *worker, struct fd_watch *watch)
{
	/*
	 * Limits the number of reads, because another process may continue to write. 64 reads
	 * return about as much as a pipe or socket can hold.
	 */
	for (int i = 0; i < 64 && watch->fd >= 0; i++)
		watch->on_event(watch->callback_data, EPOLLIN);
	worker_close_watch(worker, watch);
}

void worker_drain_fds(struct live_worker *worker)
{
	drain_watch(worker, &worker->output_watch);
	drain_watch(worker, &worker->readiness_watch);
}

static bool text_has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; p; p = str_next_line(p))
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

/*
 * Returns whether the sender may send notifications: it must be in the worker's process session
 * (setsid(2)). A sender that has ended already, such as systemd-notify(1) in a shell script, must
 * have the user id of the worker.
 */
static bool sender_may_notify(const struct live_worker *worker, const struct ucred *sender)
{
	pid_t session = getsid(sender->pid);

	if (session < 0 && errno == ESRCH)
		return sender->uid == worker->spawn.uid;
	return sender->pid == worker->session_id || session == worker->session_id;
}

/*
 * Handles sd_notify(3). The kernel closes file descriptors that were sent with a message
 * (BARRIER=1), because `control` has no room for them.
 */
static void on_notify_socket(void *data, uint32_t events _unused_)
{
	struct live_worker *worker = data;
	char text[4096];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(worker->readiness_watch.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	struct ucred sender;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return;
	memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	text[n] = '\0';
	if (!sender_may_notify(worker, &sender))
		return;
	if (text_has_line(text, "WATCHDOG=1"))
		worker_note_watchdog_answer(worker);
	if (text_has_line(text, "READY=1"))
		worker_report_ready(worker);
}

/* Reads the pipe of NOTIFY_FD: a newline means that the worker is ready, as with s6. */
static void on_notify_pipe(void *data, uint32_t events _unused_)
{
	struct live_worker *worker = data;
	char text[64];
	ssize_t n = read(worker->readiness_watch.fd, text, sizeof(text));

	if (n > 0 && memchr(text, '\n', (size_t)n)) {
		worker_close_watch(worker, &worker->readiness_watch);
		worker_report_ready(worker);
	} else if (n == 0) {
		worker_close_watch(worker, &worker->readiness_watch);
	}
}

int worker_take_and_watch_fds(struct live_worker *worker, int *output, int *readiness,
			      struct error *err)
{
	static void (*const on_readiness[])(void *data, uint32_t events) = {
		[READY_NOTIFY] = on_notify_socket,
		[READY_FD] = on_notify_pipe,
		[READY_STARTED] = on_notify_socket,
	};
	struct loop *loop = gadget_functions_of(worker)->loop;
	int r = 0;

	if (*output >= 0) {
		r = fd_watch_add(loop, &worker->output_watch, *output, EPOLLIN, on_output, worker);
		if (r == 0)
			*output = -1;
	}
	if (r == 0 && *readiness >= 0) {
		r = fd_watch_add(loop, &worker->readiness_watch, *readiness, EPOLLIN,
				 on_readiness[worker->model->ready_when], worker);
		if (r == 0)
			*readiness = -1;
	}
	return r < 0 ? error_errno(err, EX_OSERR, -r, NULL, "cannot watch the worker") : 0;
}

void worker_note_watchdog_answer(struct live_worker *worker)
{
	worker->last_answer_at = now_monotonic();
}

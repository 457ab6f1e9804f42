// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages from a keeper, or from a process that pretends to be one, to the supervisor. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/proc.h"
#include "control.h"
#include "functionfs/keeper.h"
#include "supervisor/binding.h"
#include "supervisor/function_callbacks.h"
#include "supervisor/live_gadget.h"
#include "supervisor/switch.h"
#include "supervisor/usb_host.h"

/* Fake for calls that would start and end processes. */
static void handle_event(struct live_worker *worker, enum worker_event event);

#define worker_handle_event handle_event
#include "../../src/function/worker_io.c"
#define on_output on_output_of_stats
#include "../../src/function/worker_stats.c"
#undef on_output
#include "../../src/function/function.c"
#undef worker_handle_event

static void handle_event(struct live_worker *worker, enum worker_event event)
{
	if (event != WORKER_EV_READY)
		found("a message of the keeper causes another event than READY");
	worker->state = WORKER_READY;
}

/* --- takeover --- */

static int connection; /* to the keeper */

#define poll(pfd, n, timeout) poll(pfd, n, 0)
#define socket(family, type, protocol) steal_fd(&connection)
#define connect(fd, address, size) 0
#include "../../src/functionfs/keeper.c"
#undef poll
#undef socket
#undef connect

static void take_over_keeper(const struct script_step *step)
{
	int fds[CONTROL_MESSAGE_FDS] = { STDERR_FILENO, STDERR_FILENO, STDERR_FILENO }, pair[2],
	    pidfd, output;
	struct keeper_hello hello;
	struct keeper keeper;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		found("no socket");
	connection = pair[0];
	script_send(pair[1], step, step->op & 0x80, fds, step->op / 16 % (CONTROL_MESSAGE_FDS + 1));
	if (keeper_take_over(&keeper, "/tmp/keeper", &hello, &pidfd, &output) == 0 &&
	    (keeper.socket != pair[0] || keeper.pid != getpid()))
		found("not the keeper that answered");
	cleanup_close(&keeper.socket);
	cleanup_close(&keeper.pidfd);
	cleanup_close(&pidfd);
	cleanup_close(&output);
	close(pair[1]);
}

static void write_nothing(void *owner _unused_)
{
}

void control_fuzz_supervisor(struct script *script)
{
	static const struct gadget gadget = { .name = "fuzz", .file = "fuzz.conf" };
	static const struct function function = { .label = "echo" };
	static const struct paths paths = { .configfs_mount_point = "/nonexistent",
					    .run_dir = "/nonexistent" };
	struct live_gadget live;
	struct usb_host_state host;
	struct binding binding;
	struct switcher switcher;
	struct function_callback_data owner = { .live = &live,
						.binding = &binding,
						.switcher = &switcher };
	struct live_worker worker = { .handle_event = handle_event };
	struct live_function i = { .functions = &live.functions,
				   .model = &function,
				   .gadget = &gadget,
				   .worker = &worker,
				   .keeper = KEEPER_NONE };
	struct script_step step;
	int pair[2];

	live_gadget_init(&live, &paths, &gadget, "fuzz", write_nothing, NULL);
	live.functions.callbacks = &supervisor_function_callbacks;
	live.functions.callback_data = &owner;
	live.functions.up_down_phase = PHASE_UP;
	host_init(&host, &live);
	binding_init(&binding, &live, &host);
	switch_init(&switcher, &live, &binding);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ||
	    loop_open(&live.loop) < 0)
		found("no socket");
	worker.function = &i;
	if (fd_watch_add(&live.loop, &i.keeper_socket_watch, pair[0], EPOLLIN, on_keeper_message,
			 &i) < 0)
		found("no source");
	while (script_next(script, &step)) {
		if (step.op % 8 == 0) {
			take_over_keeper(&step);
		} else if (step.op % 8 == 1) {
			cleanup_close(&pair[1]);
		} else if (step.op % 8 == 2) {
			worker_stats_forget(&worker);
		} else if (pair[1] >= 0) {
			script_send(pair[1], &step, step.op & 0x80, NULL, 0);
		}
		while (loop_once(&live.loop, 0) > 0)
			;
		json_decref(worker_stats_json(&worker));
	}
	fd_watch_remove(&live.loop, &i.keeper_socket_watch);
	worker_stats_free(&worker);
	worker_status_free(&worker.status);
	binding_free(&binding);
	live_gadget_free(&live);
	close(pair[0]);
	cleanup_close(&pair[1]);
}

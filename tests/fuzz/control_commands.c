// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands to the supervisor, from more clients than it accepts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "client/internal.h"
#include "control.h"
#include "supervisor/binding.h"
#include "supervisor/function_callbacks.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reexec.h"
#include "supervisor/reload.h"
#include "supervisor/switch.h"
#include "supervisor/take_over.h"
#include "supervisor/usb_host.h"

/* Fakes for calls that would change the machine. */
static void handle_event(struct live_worker *worker, enum worker_event event);
static int change_bus(struct binding *b, const char *udc, bool *changed, struct error *err);
static int refuse_file(const char *path, struct error *err);

#define worker_handle_event handle_event
#define gadget_begin_down(live, why) gadget_handle_event(live, GADGET_EV_DOWN)
#define binding_request_bind(b, udc, changed, err) change_bus(b, udc, changed, err)
#define binding_unbind(b, changed, err) change_bus(b, NULL, changed, err)
#define reload_begin(reloader, file, keep_name, force_eject, timeout, err)                         \
	((void)(keep_name), (void)(force_eject), (void)(timeout), refuse_file(file, err))
#define supervisor_reexec(takeover, program, fd, err) refuse_file(program, err)
#include "../../src/supervisor/control.c"
#include "../../src/supervisor/control_answer.c"
#include "../../src/supervisor/control_commands.c"
#undef worker_handle_event

#define CLIENTS (CONTROL_CLIENTS + 4)

static void handle_event(struct live_worker *worker, enum worker_event event)
{
	if (event == WORKER_EV_RESTART)
		worker->state = WORKER_STARTING;
}

static int change_bus(struct binding *b, const char *udc, bool *changed, struct error *err)
{
	*changed = !b->bind_pending;
	b->bind_pending = true;
	return udc ? error_set(err, EX_CANTCREAT, EBUSY, udc, "%s is busy", udc) : 0;
}

static int refuse_file(const char *path, struct error *err)
{
	return error_set(err, EX_NOINPUT, ENOENT, path, "cannot open %s", path ? path : "file");
}

/* --- clients --- */

static struct {
	struct live_gadget live;
	struct usb_host_state host;
	struct binding binding;
	struct reloader reloader;
	struct switcher switcher;
	struct takeover takeover;
	struct control_server control;
	struct sockaddr_un address;
	socklen_t address_size;
	int clients[CLIENTS]; /* -1: none */
	bool asked[CLIENTS];
} w;

static void check_answer(size_t n)
{
	char text[CONTROL_MESSAGE_MAX];
	ssize_t size = recv(w.clients[n], text, sizeof(text), MSG_DONTWAIT);
	_cleanup_error_ struct error err = { 0 };
	json_t *json, *code;

	if (size <= 0)
		return;
	json = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, NULL);
	code = json_object_get(json, "exit");
	if (!json_is_integer(code))
		found("an answer without \"exit\"");
	error_from_json(&err, json);
	if (json_integer_value(code) && !json_string_value(json_object_get(json, "text")))
		found("an error without a text");
	json_decref(json);
}

static void connect_client(size_t n)
{
	if (w.clients[n] >= 0)
		return;
	w.clients[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(w.clients[n], (struct sockaddr *)&w.address, w.address_size) < 0)
		cleanup_close(&w.clients[n]);
}

/* Changes the state of the gadget. */
static void change(const struct script_step *step)
{
	struct live_gadget *live = &w.live;

	switch (step->type % 6) {
	case 0:
		if (step->id & 0x80) /* else it ends sooner or later, and stays so */
			live->state = GADGET_WAITING;
		gadget_handle_event(live, step->id % GADGET_EVENT_COUNT);
		break;
	case 1:
		error_set(&live->failure, EX_PROTOCOL, EPROTO, NULL, "it has failed");
		if (live->state != GADGET_FAILED)
			error_clear(&live->failure);
		break;
	case 2:
		live->functions.list[0]->worker->state = step->id % WORKER_STATE_COUNT;
		break;
	case 3:
		w.binding.bind_pending = step->id % 2;
		break;
	case 4:
		w.host.state_is_configured = step->id % 2;
		break;
	case 5:
		control_answer_down(&w.control, step->id % 2 ? &live->failure : NULL);
		break;
	}
}

static void take_step(const struct script_step *step)
{
	size_t n = step->id % CLIENTS;

	switch (step->op % 4) {
	case 0:
	case 1:
		connect_client(n);
		if (w.clients[n] >= 0)
			script_send(w.clients[n], step, true, NULL, 0);
		break;
	case 2:
		cleanup_close(&w.clients[n]);
		break;
	case 3:
		change(step);
		break;
	}
}

static void write_nothing(void *owner _unused_)
{
}

static void make_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	w.address_size = sizeof(w.address);
	/* Autobind: a unique abstract name */
	if (fd < 0 ||
	    bind(fd, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)) < 0 ||
	    listen(fd, CLIENTS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&w.address, &w.address_size) < 0 ||
	    fd_watch_add(&w.live.loop, &w.control.listener, fd, EPOLLIN, on_new_client,
			 &w.control) < 0)
		found("no socket");
}

void control_fuzz_commands(struct script *script)
{
	static const struct paths paths = { .configfs_mount_point = "/nonexistent",
					    .run_dir = "/nonexistent" };
	static const struct gadget gadget = { .name = "fuzz", .file = "fuzz.conf" };
	static struct worker model = { .ready_when = READY_NOTIFY };
	static const struct function function = { .label = "echo", .worker = &model };
	struct live_worker worker = { .model = &model };
	struct live_function i = { .functions = &w.live.functions,
				   .gadget = &gadget,
				   .model = &function,
				   .worker = &worker };
	struct live_function *functions[] = { &i };
	struct function_callback_data owner = { .live = &w.live,
						.binding = &w.binding,
						.switcher = &w.switcher };
	struct script_step step;

	live_gadget_init(&w.live, &paths, &gadget, "fuzz", write_nothing, NULL);
	w.live.state = GADGET_UP;
	w.live.functions.up_down_phase = PHASE_UP;
	w.live.functions.list = functions;
	w.live.functions.n = 1;
	w.live.functions.callback_data = &owner;
	w.live.functions.callbacks = &supervisor_function_callbacks;
	host_init(&w.host, &w.live);
	binding_init(&w.binding, &w.live, &w.host);
	reload_init(&w.reloader, &w.live, &w.binding);
	switch_init(&w.switcher, &w.live, &w.binding);
	take_over_init(&w.takeover, &w.live, &w.binding, &w.control);
	worker.function = &i;
	for (size_t n = 0; n < CLIENTS; n++)
		w.clients[n] = -1;
	if (loop_open(&w.live.loop) < 0)
		found("no loop");
	control_init(&w.control, &w.live, &w.binding, &w.reloader, &w.switcher, &w.takeover);
	make_listener();
	while (script_next(script, &step)) {
		take_step(&step);
		while (loop_once(&w.live.loop, 0) > 0)
			;
		control_cancel_binds_of_closed_clients(&w.control);
		control_answer_finished_commands(&w.control);
		for (size_t n = 0; n < CLIENTS; n++)
			if (w.clients[n] >= 0)
				check_answer(n);
	}
	control_close(&w.control);
	loop_close(&w.live.loop);
	configfs_free(&w.live.configfs);
	rundir_close(&w.live.rundir);
	error_clear(&w.live.failure);
	binding_free(&w.binding);
	for (size_t n = 0; n < CLIENTS; n++)
		cleanup_close(&w.clients[n]);
}

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
#include "client/parts.h"
#include "control.h"
#include "supervisor/bus.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"
#include "supervisor/switch.h"

/* Fakes for calls that would change the machine. */
static void handle_event(struct live_worker *worker, enum worker_event event);
static int change_bus(struct supervisor *s, const char *udc, bool *changed, struct error *err);
static int refuse_file(const char *path, struct error *err);

#define worker_handle handle_event
#define supervisor_write_status(s) ((void)(s))
#define supervisor_go_down(s, why) gadget_handle(s, GADGET_EV_DOWN)
#define bus_bind(s, udc, changed, err) change_bus(s, udc, changed, err)
#define bus_unbind(s, changed, err) change_bus(s, NULL, changed, err)
#define reload_begin(s, file, renamed, timeout, err)                                               \
	((void)(renamed), (void)(timeout), refuse_file(file, err))
#define supervisor_reexec(s, program, fd, err) refuse_file(program, err)
#include "../../src/supervisor/control.c"
#include "../../src/supervisor/control_answer.c"
#include "../../src/supervisor/control_commands.c"
#undef worker_handle

#define CLIENTS (CONTROL_CLIENTS + 4)

static void handle_event(struct live_worker *worker, enum worker_event event)
{
	if (event == WORKER_EV_RESTART)
		worker->state = WORKER_STARTING;
}

static int change_bus(struct supervisor *s, const char *udc, bool *changed, struct error *err)
{
	*changed = !s->bind_wanted;
	s->bind_wanted = true;
	return udc ? error_set(err, EX_CANTCREAT, EBUSY, udc, "%s is busy", udc) : 0;
}

static int refuse_file(const char *path, struct error *err)
{
	return error_set(err, EX_NOINPUT, ENOENT, path, "cannot open %s", path ? path : "file");
}

/* --- clients --- */

static struct {
	struct supervisor s;
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
	struct supervisor *s = &w.s;

	switch (step->type % 6) {
	case 0:
		if (step->id & 0x80) /* else it ends sooner or later, and stays so */
			s->state = GADGET_WAITING;
		gadget_handle(s, step->id % GADGET_EVENT_COUNT);
		break;
	case 1:
		error_set(&s->failure, EX_PROTOCOL, EPROTO, NULL, "it has failed");
		if (s->state != GADGET_FAILED)
			error_clear(&s->failure);
		break;
	case 2:
		s->live.v[0]->worker->state = step->id % WORKER_STATE_COUNT;
		break;
	case 3:
		s->bind_wanted = step->id % 2;
		break;
	case 4:
		s->configured = step->id % 2;
		break;
	case 5:
		control_answer_down(&s->control, step->id % 2 ? &s->failure : NULL);
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

static void make_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	w.address_size = sizeof(w.address);
	/* Autobind: a unique abstract name */
	if (fd < 0 ||
	    bind(fd, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)) < 0 ||
	    listen(fd, CLIENTS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&w.address, &w.address_size) < 0 ||
	    fd_watch_add(&w.s.loop, &w.s.control.listener, fd, EPOLLIN, on_listener, &w.s.control) <
		    0)
		found("no socket");
}

void control_fuzz_commands(struct script *script)
{
	static const struct paths paths = { .configfs = "/nonexistent", .run_dir = "/nonexistent" };
	static const struct gadget gadget = { .name = "fuzz", .file = "fuzz.conf" };
	static struct worker model = { .ready = READY_NOTIFY };
	static const struct function function = { .label = "echo", .worker = &model };
	struct live_worker worker = { .model = &model };
	struct reload reload = { 0 };
	struct live_function i = {
		.all = &w.s.live, .gadget = &gadget, .model = &function, .worker = &worker
	};
	struct live_function *functions[] = { &i };
	struct script_step step;

	w.s = (struct supervisor){ .name = "fuzz",
				   .gadget = &gadget,
				   .paths = &paths,
				   .state = GADGET_UP,
				   .reload = &reload,
				   .live = { .events = &supervisor_function_events,
					     .owner = &w.s,
					     .gadget = "fuzz",
					     .paths = &paths,
					     .loop = &w.s.loop,
					     .rundir = &w.s.rundir,
					     .output = &w.s.output,
					     .phase = PHASE_UP,
					     .v = functions,
					     .n = 1 },
				   .rundir = RUNDIR_NONE,
				   .output = { .dir_fd = -1, .fd = -1 } };
	worker.function = &i;
	for (size_t n = 0; n < CLIENTS; n++)
		w.clients[n] = -1;
	if (loop_open(&w.s.loop) < 0)
		found("no loop");
	control_init(&w.s.control, &w.s);
	make_listener();
	while (script_next(script, &step)) {
		take_step(&step);
		while (loop_once(&w.s.loop, 0) > 0)
			;
		control_drop_closed_binds(&w.s.control);
		control_update(&w.s.control);
		for (size_t n = 0; n < CLIENTS; n++)
			if (w.clients[n] >= 0)
				check_answer(n);
	}
	control_close(&w.s.control);
	loop_close(&w.s.loop);
	error_clear(&w.s.failure);
	error_clear(&w.s.bind_error);
	for (size_t n = 0; n < CLIENTS; n++)
		cleanup_close(&w.clients[n]);
}

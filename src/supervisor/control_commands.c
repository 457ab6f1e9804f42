/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Executes the commands of the control socket (rundir/control.h): begin_NAME for each command. */
#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/trust.h"
#include "supervisor/binding.h"
#include "supervisor/control_internal.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reexec.h"
#include "supervisor/reload.h"
#include "supervisor/switch.h"

/*
 * Refuses a command that only waits if too many such commands wait: they may have no time limit,
 * and must leave slots for commands that change something, such as `down`.
 */
static bool refuse_if_too_many_wait(struct control_client *client)
{
	int limit = CONTROL_WAITS - (client->is_root ? 0 : CONTROL_FOR_ROOT), n = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		n += client->control->clients[i].waits_for >= CLIENT_WAITS_READY;
	if (n >= limit)
		control_refuse_as_too_many(client);
	return n >= limit;
}

static bool refuse_unless_up(struct control_client *client)
{
	_cleanup_error_ struct error err = { 0 };

	if (!gadget_refuses_commands(client->control->live, EX_CANTCREAT, EINVAL, &err))
		return false;
	control_answer(client, &err);
	return true;
}

/* Refuses a client other than root that names a file which root would load or execute. */
static bool refuse_unless_root(struct control_client *client, const char *what)
{
	if (!client->is_root)
		control_refuse(client, EX_NOPERM, what);
	return !client->is_root;
}

static void begin_down(struct control_client *client, const struct socket_request *request _unused_)
{
	client->waits_for = CLIENT_WAITS_DOWN;
	switch_cancel(client->control->switcher);
	gadget_begin_down(client->control->live, NULL);
}

static void begin_restart(struct control_client *client, const struct socket_request *request)
{
	const struct control_server *control = client->control;
	bool any = false;

	if (refuse_unless_up(client))
		return;
	client->function_label = xstrdup_or_null(request->function);
	for (size_t n = 0; n < control->live->functions.n; n++) {
		if (control_client_restarts_function(client, control->live->functions.list[n])) {
			any = true;
			worker_handle_event(control->live->functions.list[n]->worker,
					    WORKER_EV_RESTART);
		}
	}
	if (!any)
		control_refuse(client, EX_USAGE, "no such function with a worker in the gadget");
	else
		client->waits_for = CLIENT_WAITS_RESTART;
	live_gadget_request_plan_and_status_update(control->live);
}

static void begin_bind(struct control_client *client, const struct socket_request *request)
{
	_cleanup_error_ struct error err = { 0 };
	bool changed;

	if (refuse_unless_up(client))
		return;
	if (binding_request_bind(client->control->binding, request->udc, &changed, &err) < 0 ||
	    !changed)
		control_answer_bind(client, false, &err);
	else
		client->waits_for = CLIENT_WAITS_BIND;
}

static void begin_unbind(struct control_client *client,
			 const struct socket_request *request _unused_)
{
	const struct control_server *control = client->control;
	_cleanup_error_ struct error err = { 0 };
	bool changed = false;

	if (refuse_unless_up(client))
		return;
	binding_unbind(control->binding, &changed, &err);
	gadget_write_status(control->live);
	control_answer_bind(client, changed, &err);
}

static void begin_reload(struct control_client *client, const struct socket_request *request)
{
	const char *file = request->file_path;
	const struct control_server *control = client->control;
	_cleanup_error_ struct error err = { 0 };

	if (refuse_unless_up(client))
		return;
	if (file && !streq_null(file, control->live->record.gadget_file) &&
	    refuse_unless_root(client, "only root may reload from another gadget file"))
		return;
	if (reload_begin(control->reloader, file, request->keeps_gadget_name, request->forces_eject,
			 request->timeout_seconds, &err) < 0)
		control_answer(client, &err);
	else
		client->waits_for = CLIENT_WAITS_RELOAD;
	live_gadget_request_plan_and_status_update(control->live);
}

static void begin_reexec(struct control_client *client, const struct socket_request *request)
{
	const char *program = request->program_path;
	const struct control_server *control = client->control;
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *why = NULL;

	if (refuse_unless_up(client) ||
	    refuse_unless_root(client, "only root may name a program to execute"))
		return;
	if (!program || *program != '/') {
		control_refuse(client, EX_USAGE, "the program must be an absolute path");
		return;
	}
	why = trust_find_problem(program, live_gadget_trusted_owners_of_programs(
						  control->live, control->live->model->file_dir));
	if (why) {
		trust_set_error(program, why, &err);
		control_answer(client, &err);
		return;
	}
	supervisor_reexec(control->takeover, program, client->watch.fd, &err);
	control_answer(client, &err);
}

static void begin_wait_host(struct control_client *client,
			    const struct socket_request *request _unused_)
{
	if (refuse_if_too_many_wait(client))
		return;
	client->waits_for = CLIENT_WAITS_HOST;
	live_gadget_request_plan_and_status_update(client->control->live);
}

static void begin_wait(struct control_client *client, const struct socket_request *request)
{
	static const int waits[CONDITION_COUNT] = {
		[CONDITION_READY] = CLIENT_WAITS_READY,
		[CONDITION_CONFIGURED] = CLIENT_WAITS_HOST,
		[CONDITION_DISCONNECTED] = CLIENT_WAITS_NO_HOST,
	};

	if (refuse_if_too_many_wait(client))
		return;
	if (request->condition == CONDITION_UNKNOWN) {
		control_refuse(client, EX_USAGE, "unknown condition to wait for");
		return;
	}
	client->waits_for = waits[request->condition];
	live_gadget_request_plan_and_status_update(client->control->live);
}

static void refuse_unknown_command(struct control_client *client,
				   const struct socket_request *request _unused_)
{
	control_refuse(client, EX_USAGE,
		       "unknown command: the supervisor may be of another version");
}

#define BEGIN(NAME, name, word, request, answer) [COMMAND_##NAME] = begin_##name,

static void (*const commands[COMMAND_COUNT])(struct control_client *client,
					     const struct socket_request *request) = {
	[COMMAND_UNKNOWN] = refuse_unknown_command, CONTROL_COMMANDS(BEGIN)
};

void control_begin_command(struct control_client *client, const struct socket_request *request)
{
	commands[request->command](client, request);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/status.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/items.h"
#include "functionfs/endpoint.h"
#include "supervisor/bus.h"
#include "supervisor/host.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reload.h"
#include "supervisor/take_over.h"

static const char *const type_words[] = {
	[EP_BULK] = "bulk", [EP_INTERRUPT] = "interrupt", [EP_ISOCHRONOUS] = "isochronous"
};

/* Returns wMaxPacketSize at the speed of the link, else at the highest speed of the function. */
static int max_packet(const struct live_function *i, const struct endpoint *ep)
{
	static const struct {
		uint8_t speed;
		int index;
	} indices[] = { { 2, EP_FULL }, { 3, EP_HIGH }, { 5, EP_SUPER }, { 6, EP_SUPER } };
	int size = 0;

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (ep->speed[s].used)
			size = ep->speed[s].max_packet;
	for (size_t k = 0; k < ARRAY_SIZE(indices); k++)
		if (i->bus.enabled && i->bus.speed == indices[k].speed &&
		    ep->speed[indices[k].index].used)
			size = ep->speed[indices[k].index].max_packet;
	return size;
}

struct endpoints {
	const struct live_function *function;
	json_t *array;
	size_t n;
};

static int add_endpoint(void *data, const struct endpoint *ep)
{
	struct endpoints *e = data;
	_cleanup_free_ char *file = ffs_endpoint_file(e->function->model->ffs, ep);

	json_array_append_new(e->array,
			      json_pack("{s:s, s:i, s:s, s:s, s:i, s:o}", "file", file, "address",
					ep->address, "type", type_words[ep->type], "direction",
					ep->direction == EP_IN ? "in" : "out", "max_packet",
					max_packet(e->function, ep), "bytes",
					worker_stats_bytes(e->function->worker, e->n++)));
	return 0;
}

static json_t *worker_json(const struct live_worker *worker)
{
	bool serves = worker->state == WORKER_READY;

	return json_pack("{s:s, s:o, s:o, s:i, s:o, s:o, s:o}", "state",
			 worker_state_words[worker->state], "pid",
			 worker->pid > 0 ? json_integer(worker->pid) : json_null(), "engine",
			 *worker->engine ? json_string(worker->engine) : json_null(), "restarts",
			 (int)worker->restarts, "last_exit", json_string_or_null(worker->last_exit),
			 "ready_since", serves ? json_integer(worker->ready_at) : json_null(),
			 "stats", worker_stats_json(worker));
}

static const struct live_function *function_of(const struct status_view *s,
					       const struct function *f)
{
	for (size_t n = 0; n < s->live->functions.n; n++)
		if (s->live->functions.v[n]->model == f)
			return s->live->functions.v[n];
	return NULL;
}

static json_t *function_json(const struct status_view *s, const struct function *f)
{
	const struct live_function *i = function_of(s, f);
	const struct ffs *ffs = i ? f->ffs : NULL; /* NULL: the function is not created yet */
	struct endpoints e = { .function = i, .array = json_array() };

	if (ffs)
		ffs_each_endpoint(ffs, add_endpoint, &e);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "label", f->label, "type",
			 f->type, "instance", f->instance, "mount",
			 json_string_or_null(ffs ? ffs->mount.path : NULL), "device",
			 json_string_or_null(ffs ? ffs->device.value : NULL), "ifname", json_null(),
			 "endpoints", e.array, "keeper",
			 i && i->keeper.pid > 0 ? json_integer(i->keeper.pid) : json_null(),
			 "worker", i && i->worker ? worker_json(i->worker) : json_null());
}

/* The problem that `status` shows for each state of a worker. */
static const struct {
	const char *severity, *words;
} worker_problems[WORKER_STATE_COUNT] = {
	[WORKER_STOPPED] = { "warning", "is not running" },
	[WORKER_STARTING] = { "warning", "is not ready yet" },
	[WORKER_ENDING] = { "warning", "has ended" },
	[WORKER_STOPPING] = { "warning", "is being stopped" },
	[WORKER_WAITING] = { "warning", "is about to be restarted" },
	[WORKER_FAILED] = { "error", "has failed" },
};

static void worker_problem(json_t *array, const struct live_worker *worker, bool degraded)
{
	const char *severity = worker_problems[worker->state].severity, *why = worker->last_exit;
	bool lasts = worker->state == WORKER_WAITING || worker->state == WORKER_FAILED;
	_cleanup_free_ char *text = NULL;

	/* Starting workers are no problem while the gadget comes up or reloads. */
	if (!severity || (!lasts && !degraded))
		return;
	if (!why && lasts)
		why = "it could not be started";
	text = strf("%s: the worker %s%s%s", worker->function->model->label,
		    worker_problems[worker->state].words, why ? ": " : "", why ? why : "");
	json_array_append_new(array, json_pack("{s:s, s:s}", "severity", severity, "text", text));
}

static json_t *problems_json(const struct status_view *s)
{
	bool degraded = streq(gadget_status(s->live, s->binding), "degraded");
	json_t *array = json_array();

	if (s->live->failure.text)
		json_array_append_new(array, json_pack("{s:s, s:s}", "severity", "error", "text",
						       s->live->failure.text));
	if ((s->binding->state == BUS_FAILED || s->binding->state == BUS_REBIND_DUE) &&
	    s->binding->bind_error.text)
		json_array_append_new(array, json_pack("{s:s, s:s}", "severity", "error", "text",
						       s->binding->bind_error.text));
	if (s->reloader->current && !gadget_is_reloading(s->live))
		json_array_append_new(array, json_pack("{s:s, s:s}", "severity", "error", "text",
						       s->reloader->result.error.text));
	for (size_t n = 0; n < s->live->configfs.n_remarks; n++) {
		const struct remark *r = &s->live->configfs.remarks[n];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s?, s:i, s:i}", "severity", "warning",
						"text", r->text, "file", r->at.file, "line",
						(int)r->at.line, "column", (int)r->at.column));
	}
	for (size_t n = 0; n < s->live->functions.n; n++)
		if (s->live->functions.v[n]->worker)
			worker_problem(array, s->live->functions.v[n]->worker, degraded);
	return array;
}

/* Returns the links of functions in configurations; `status` checks whether they still exist. */
static json_t *links_json(const struct status_view *s)
{
	json_t *array = json_array();

	for (size_t n = 0; n < s->live->plan.n; n++) {
		const struct step *step = &s->live->plan.steps[n];

		if (step->op == &configfs_op_link && step->state == STEP_DONE)
			json_array_append_new(array, json_string(step->path));
	}
	return array;
}

void status_write(const struct status_view *s)
{
	_cleanup_error_ struct error ignored = { 0 };
	json_t *functions, *json;

	if (!s->live->model || s->live->rundir.dir_fd < 0)
		return;
	functions = json_array();
	for (size_t n = 0; n < s->live->model->n_functions; n++)
		json_array_append_new(functions, function_json(s, &s->live->model->functions[n]));
	json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:o, s:o, s:o}", "name", s->live->name,
			 "file", s->live->model->file, "state", gadget_status(s->live, s->binding),
			 "udc", json_string_or_null(s->binding->udc), "configured",
			 json_boolean(host_has_configured(s->host)), "supervisor", (int)getpid(),
			 "since", s->live->since ? json_integer(s->live->since) : json_null(),
			 "functions", functions, "problems", problems_json(s));
	json_object_set_new(json, "links", links_json(s));
	/* If the status cannot be written, it is out of date; the gadget continues. */
	json_object_set_new(json, "no_bind", json_boolean(s->binding->no_bind));
	json_object_set_new(json, "lost", json_boolean(s->binding->state == BUS_REBIND_DUE));
	json_object_set_new(json, "taken",
			    json_boolean(s->binding->state == BUS_UNBOUND_EXTERNALLY));
	json_object_set_new(json, "held", json_boolean(s->takeover->linger_sent > 0));
	rundir_write(&s->live->rundir, RUNDIR_STATUS, json, &ignored);
	json_decref(json);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/write_status.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/usb_words.h"
#include "configfs/items.h"
#include "functionfs/endpoint.h"
#include "rundir/status.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"
#include "supervisor/reload.h"
#include "supervisor/take_over.h"
#include "supervisor/usb_host.h"

/* --- functions ---------------------------------------------------------------------------------
 */

/* Returns wMaxPacketSize at the speed of the link, else at the highest speed of the function. */
static unsigned int max_packet_size(const struct live_function *function, const struct endpoint *ep)
{
#define INDEX(SPEED, DESCRIPTORS, ...) { FFSCTL_SPEED_##SPEED, EP_##DESCRIPTORS },
	static const struct {
		uint8_t speed;
		int index;
	} indices[] = { USB_SPEEDS(INDEX) };
#undef INDEX
	unsigned int size = 0;

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (ep->speed[s].is_offered)
			size = ep->speed[s].max_packet;
	for (size_t k = 0; k < ARRAY_SIZE(indices); k++)
		if (function->link_state.enabled &&
		    function->link_state.speed == indices[k].speed &&
		    ep->speed[indices[k].index].is_offered)
			size = ep->speed[indices[k].index].max_packet;
	return size;
}

/* The argument of add_endpoint_status(). */
struct add_endpoint_status_arguments {
	const struct live_function *function;
	struct function_status *status;
};

static int add_endpoint_status(void *data, const struct endpoint *ep)
{
	struct add_endpoint_status_arguments *e = data;
	size_t index = e->status->n_endpoints;

	*array_add(e->status->endpoints, e->status->n_endpoints) = (struct endpoint_status){
		.file = ffs_endpoint_file(e->function->model->ffs, ep),
		.address = ep->address,
		.type = xstrdup(ep_type_words[ep->type]),
		.direction = xstrdup(ep->direction == EP_IN ? "in" : "out"),
		.max_packet = max_packet_size(e->function, ep),
		.bytes = worker_stats_endpoint_bytes(e->function->worker, index),
		.halted = index < FFS_ENDPOINTS_MAX ? e->function->endpoint_halted_since[index] : 0,
	};
	return 0;
}

static const struct live_function *find_live_function(const struct status_sources *view,
						      const struct function *f)
{
	for (size_t n = 0; n < view->live->functions.n; n++)
		if (view->live->functions.list[n]->model == f)
			return view->live->functions.list[n];
	return NULL;
}

static void fill_function_status(struct function_status *status, const struct status_sources *view,
				 const struct function *f)
{
	const struct live_function *function = find_live_function(view, f);
	/* There is no live function before the plan is made. */
	const struct ffs *ffs = function ? f->ffs : NULL;

	*status = (struct function_status){
		.label = xstrdup(f->label),
		.type = xstrdup(f->type),
		.instance = xstrdup(f->instance),
		.mount = xstrdup_or_null(ffs ? ffs->mount.path : NULL),
		.device = xstrdup_or_null(ffs ? ffs->endpoint_file_symlink.value : NULL),
		.keeper = function && function->keeper.pid > 0 ? function->keeper.pid : 0,
		.left_out = function && function->left_out ? optional_reason(function) : NULL,
		.had_endpoints = function && function->had_endpoint_files,
		.restart_mounts =
			ffs && function->worker && function_can_be_mounted_again(function),
		.has_worker = function && function->worker,
	};
	if (ffs)
		ffs_each_endpoint(ffs, add_endpoint_status,
				  &(struct add_endpoint_status_arguments){ function, status });
	if (!status->has_worker)
		return;
	worker_status_copy(&status->worker, worker_update_status(function->worker));
	status->restart_history = worker_restart_history(function->worker);
}

/* --- problems ----------------------------------------------------------------------------------
 */

/* The problem that `status` shows for each state of a worker. */
static const struct {
	enum problem_severity severity; /* PROBLEM_UNKNOWN (0): `status` shows no problem */
	const char *words;
} worker_problems[WORKER_STATE_COUNT] = {
	[WORKER_STOPPED] = { PROBLEM_WARNING, "is not running" },
	[WORKER_STARTING] = { PROBLEM_WARNING, "is not ready yet" },
	[WORKER_ENDING] = { PROBLEM_WARNING, "has ended" },
	[WORKER_STOPPING] = { PROBLEM_WARNING, "is being stopped" },
	[WORKER_WAITING] = { PROBLEM_WARNING, "is about to be restarted" },
	[WORKER_FAILED] = { PROBLEM_ERROR, "has failed" },
};

static void add_worker_problem(struct gadget_status *status, const struct live_worker *worker,
			       bool degraded)
{
	enum problem_severity severity = worker_problems[worker->state].severity;
	bool lasts = worker->state == WORKER_WAITING || worker->state == WORKER_FAILED;
	const char *why = lasts ? worker_exit_reason(worker) : worker->status.last_exit;

	/* While the gadget comes up or is reloaded, a worker that starts is not a problem. */
	if (!severity || (!lasts && !degraded))
		return;
	status_add_problem(status, severity,
			   strf("%s: the worker %s%s%s", worker->function->model->label,
				worker_problems[worker->state].words, why ? ": " : "",
				why ? why : ""));
}

static void add_daemon_problem(struct gadget_status *status, const struct live_function *function)
{
	if (function->worker->state == WORKER_READY && function_lacks_descriptors(function))
		status_add_problem(status, PROBLEM_WARNING,
				   strf("%s: the daemon has closed its FunctionFS files and not "
					"written descriptors again",
					function->model->label));
}

static void add_left_out_problem(struct gadget_status *status, const struct live_function *function)
{
	_cleanup_free_ char *reason = optional_reason(function);

	status_add_problem(
		status, PROBLEM_WARNING,
		strf("%s: left out of the gadget (optional): %s", function->model->label, reason));
}

static void add_function_problem(struct gadget_status *status, const struct live_function *function)
{
	if (function->left_out)
		add_left_out_problem(status, function);
	if (!function->worker || function->left_out)
		return;
	add_worker_problem(status, function->worker, status->state == STATUS_DEGRADED);
	add_daemon_problem(status, function);
}

/* Adds one problem for all endpoints that were halted at the same time. */
static void add_halt_problem(struct gadget_status *status, const struct function_status *function)
{
	_cleanup_free_ char *files = NULL;
	char when[32] = "";
	time_t first = 0;
	struct tm tm;

	for (size_t i = 0; i < function->n_endpoints; i++) {
		const struct endpoint_status *endpoint = &function->endpoints[i];
		_cleanup_free_ char *before = NULL;

		if (!endpoint->halted)
			continue;
		before = steal_ptr(files);
		files = before ? strf("%s, %s", before, endpoint->file) : xstrdup(endpoint->file);
		if (!first || endpoint->halted < first)
			first = endpoint->halted;
	}
	if (!files)
		return;
	if (localtime_r(&first, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	status_add_problem(status, PROBLEM_WARNING,
			   strf("%s: halted at %s, and no transfer was seen since: %s",
				function->label, when, files));
}

static void add_error_problem(struct gadget_status *status, const struct error *err)
{
	if (err->text)
		status_add_problem(status, PROBLEM_ERROR, error_text(err));
}

static void add_changed_value_problem(struct gadget_status *status,
				      const struct value_changed_by_kernel *changed)
{
	struct status_problem *problem =
		status_add_problem(status, PROBLEM_WARNING, xstrdup(changed->warning));

	problem->has_position = true;
	problem->file = xstrdup_or_null(changed->at.file);
	problem->line = changed->at.line;
	problem->column = changed->at.column;
}

/* Sets why a host could not configure the gadget, and adds it as a problem. */
static void add_host_failure(struct gadget_status *status, const struct status_sources *view)
{
	if (status->configured)
		return;
	status->host_failure = host_explain_failure(view->host, &status->host_hint);
	if (!status->host_failure)
		return;
	status_add_problem(status, PROBLEM_WARNING,
			   host_failure_text(status->host_failure, status->host_hint));
}

static void add_problems(struct gadget_status *status, const struct status_sources *view)
{
	add_error_problem(status, &view->live->failure);
	if (view->binding->state == BINDING_FAILED || view->binding->state == BINDING_REBIND_DUE)
		add_error_problem(status, &view->binding->bind_error);
	if (view->reloader->current_reload && !gadget_is_reloading(view->live))
		add_error_problem(status, &view->reloader->last_result.reload_error);
	for (size_t n = 0; n < view->live->configfs.n_values_changed_by_kernel; n++)
		add_changed_value_problem(status,
					  &view->live->configfs.values_changed_by_kernel[n]);
	add_host_failure(status, view);
	for (size_t n = 0; n < status->n_functions; n++)
		add_halt_problem(status, &status->functions[n]);
	for (size_t n = 0; n < view->live->functions.n; n++)
		add_function_problem(status, view->live->functions.list[n]);
}

/*
 * Adds the links to functions in the gadget's configurations. The command `status` checks whether
 * these links still exist.
 */
static void add_config_symlinks(struct gadget_status *status, const struct status_sources *view)
{
	for (size_t n = 0; n < view->live->plan.n; n++) {
		const struct step *step = &view->live->plan.steps[n];

		if (step->op == &configfs_op_link && step->state == STEP_DONE)
			*array_add(status->configfs_symlinks, status->n_configfs_symlinks) =
				xstrdup(step->path);
	}
}

void status_write(const struct status_sources *view)
{
	static const char *const evidence_words[] = {
		[HOST_NO_EVIDENCE] = NULL,
		[HOST_BY_UDC] = "udc",
		[HOST_BY_FUNCTIONS] = "functions",
	};
	enum host_evidence evidence;
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_status status;

	if (!view->live->model || view->live->rundir.dir_fd < 0)
		return;
	evidence = host_evidence(view->host);
	status = (struct gadget_status){
		.name = xstrdup(view->live->name),
		.file = xstrdup_or_null(view->live->model->file),
		.state = gadget_state_for_status(view->live, view->binding),
		.udc = xstrdup_or_null(view->binding->udc),
		.supervisor = getpid(),
		.since = view->live->came_up_at,
		.configured = evidence != HOST_NO_EVIDENCE,
		.configured_by = xstrdup_or_null(evidence_words[evidence]),
		.suspended = host_has_suspended(view->host),
		.no_bind = view->binding->must_stay_unbound,
		.lost = view->binding->state == BINDING_REBIND_DUE,
		.taken = view->binding->state == BINDING_UNBOUND_EXTERNALLY,
		.held = view->takeover->keeper_takeover_wait_seconds_sent > 0,
	};
	for (size_t n = 0; n < view->live->model->n_functions; n++)
		fill_function_status(array_add(status.functions, status.n_functions), view,
				     &view->live->model->functions[n]);
	add_problems(&status, view);
	add_config_symlinks(&status, view);
	/* Ignores errors: the status is out of date then, but the gadget works. */
	status_file_write(&view->live->rundir, &status, &ignored);
	status_free(&status);
}

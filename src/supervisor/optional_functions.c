/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/optional_functions.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "plan/difference.h"
#include "supervisor/binding.h"
#include "supervisor/binding_in_kernel.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/reload_plan.h"
#include "supervisor/usb_host.h"

/*
 * Maximum time that an unbound gadget waits for an optional worker that starts or ends, in seconds
 * (ffsctl-worker(7)): the other functions are back on the bus within a second.
 */
#define MAX_WAIT_SECONDS 1

/* --- what to do with a function --- */

enum decision {
	DECISION_TAKE_IN,
	DECISION_AWAIT, /* the gadget is not bound yet: the worker may be ready soon */
	DECISION_LEAVE_OUT,
};

/* Returns whether the function works, so that the gadget can be bound with it. */
static bool function_works(const struct live_function *function)
{
	const struct live_worker *worker = function->worker;

	if (function->bind_refusal || function->keeper_is_lost)
		return false;
	if (worker_holds_ep0(worker->model))
		return worker->state == WORKER_READY && !function_lacks_descriptors(function);
	return worker->state == WORKER_READY || (worker->state == WORKER_DONE && worker->was_ready);
}

/* Returns the function that a reload keeps in place of the one of its new plan. */
static const struct live_function *kept_function(const struct binding *b,
						 const struct live_function *function)
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (b->live->functions.list[n]->replacement == function)
			return b->live->functions.list[n];
	return function;
}

bool optional_prevents_bind(const struct binding *b, struct live_function *const *list, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (list[k]->model->optional && !list[k]->left_out &&
		    !function_works(kept_function(b, list[k])))
			return true;
	return false;
}

static bool is_bound(const struct binding *b)
{
	return b->state == BINDING_ON || b->state == BINDING_UDC_REMOVED;
}

static enum decision decide(const struct binding *b, const struct live_function *function)
{
	const struct live_worker *worker = function->worker;

	if (!function->model->optional || function_works(function))
		return DECISION_TAKE_IN;
	if (function->left_out)
		return DECISION_LEAVE_OUT;
	/* The host is not disturbed for a worker that is about to be restarted. */
	if (is_bound(b))
		return worker->state == WORKER_FAILED && worker->model->on_failed == FAILED_UNBIND
			       ? DECISION_LEAVE_OUT
			       : DECISION_TAKE_IN;
	if (function->bind_refusal)
		return DECISION_LEAVE_OUT;
	switch (worker->state) {
	case WORKER_STARTING:
	case WORKER_READY: /* a daemon that writes its descriptors again */
	case WORKER_ENDING:
	case WORKER_STOPPING:
		return b->optional_wait_is_over ? DECISION_LEAVE_OUT : DECISION_AWAIT;
	case WORKER_STOPPED:
	case WORKER_PENDING:
	case WORKER_WAITING:
	case WORKER_FAILED:
	case WORKER_DONE:
	case WORKER_STATE_COUNT:
		break;
	}
	return DECISION_LEAVE_OUT;
}

static enum decision decide_about_model(const struct binding *b, const struct function *f)
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (b->live->functions.list[n]->model == f)
			return decide(b, b->live->functions.list[n]);
	return DECISION_TAKE_IN;
}

/* Returns whether a configuration has a function that is not to be left out. */
static bool any_function_remains(const struct binding *b)
{
	const struct gadget *g = b->live->model;

	for (size_t c = 0; c < g->n_configs; c++)
		for (size_t i = 0; i < g->configs[c].n_functions; i++)
			if (decide_about_model(
				    b, &g->functions[g->configs[c].functions[i].function_index]) !=
			    DECISION_LEAVE_OUT)
				return true;
	return false;
}

bool optional_is_left_out(const struct binding *b, const struct live_function *function)
{
	return function->model->optional && decide(b, function) == DECISION_LEAVE_OUT &&
	       any_function_remains(b);
}

static bool any_is_awaited(const struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (decide(b, b->live->functions.list[n]) == DECISION_AWAIT)
			return true;
	return false;
}

/* What optional_reason returns for a function that works. */
static const char *const reason_is_others = "it is taken in when the other workers are ready";

char *optional_reason(const struct live_function *function)
{
	static const char *const words[WORKER_STATE_COUNT] = {
		[WORKER_STOPPED] = "its worker is not running",
		[WORKER_STARTING] = "its worker is not ready",
		[WORKER_READY] = "its daemon has written no descriptors",
		[WORKER_ENDING] = "its worker has ended",
		[WORKER_STOPPING] = "its worker is being stopped",
		[WORKER_WAITING] = "its worker has ended",
		[WORKER_FAILED] = "its worker has failed",
		[WORKER_DONE] = "its worker has ended",
	};
	const struct live_worker *worker = function->worker;
	const char *what = words[worker->state], *exit = worker->status.last_exit;

	if (function->bind_refusal || function_works(function))
		return xstrdup(function->bind_refusal ?: reason_is_others);
	if (function->keeper_is_lost)
		what = "its keeper has died";
	return strf("%s%s%s", what ? what : "its worker is not ready", exit ? ": " : "",
		    exit ? exit : "");
}

/* --- the links --- */

static void log_changed_function(struct live_gadget *live, const struct live_function *function)
{
	_cleanup_free_ char *reason = optional_reason(function);

	if (function->left_out)
		gadget_log_about(live, function->model->label, LOG_WARNING,
				 "left out of the gadget (optional): %s", reason);
	else
		gadget_log_about(live, function->model->label, LOG_INFO,
				 "taken into the gadget again");
}

/* Changes left_out of the functions whose bit in `changes` is set. */
static void toggle_left_out(struct live_gadget *live, const bool *changes)
{
	for (size_t n = 0; n < live->functions.n; n++)
		live->functions.list[n]->left_out ^= changes[n];
}

static int apply_difference(struct live_gadget *live, struct difference *d, struct error *err)
{
	_cleanup_error_ struct error ignored = { 0 };
	int r = gadget_write_record(live, err);

	if (r == 0)
		r = difference_apply(d, err);
	if (r >= 0)
		return r;
	while (difference_revert(d, &ignored) > 0)
		;
	return r;
}

/*
 * Changes the links of a gadget that is not bound. The plan has no bind step afterwards. A crash is
 * undone from the record, which has the links of both plans while they change.
 */
static int change_links(struct live_gadget *live, const bool *changes, struct error *err)
{
	struct functions *all = &live->functions;
	struct difference d;
	struct plan next = { 0 };
	int r;

	gadget_remove_unapplied_bind(&live->plan);
	toggle_left_out(live, changes);
	gadget_add_steps(&live->configfs, live->model, all->list, all->n, NULL, &live->plan, &next);
	difference_make(&d, &live->plan, &next, &reload_rules);
	r = apply_difference(live, &d, err);
	difference_finish_keeping_plan(&d, r < 0 ? DIFFERENCE_OLD_PLAN : DIFFERENCE_NEW_PLAN);
	configfs_close_backend(&live->configfs);
	if (r < 0)
		toggle_left_out(live, changes);
	else
		r = gadget_write_record(live, err);
	for (size_t n = 0; r == 0 && n < all->n; n++)
		if (changes[n])
			log_changed_function(live, all->list[n]);
	return r;
}

/* Returns for each live function whether its links must change; NULL: none. The caller frees it. */
static bool *find_changes(const struct binding *b)
{
	const struct functions *all = &b->live->functions;
	bool *changes = xcalloc(all->n, sizeof(*changes)), any = false,
	     remains = any_function_remains(b);

	for (size_t n = 0; remains && n < all->n; n++) {
		enum decision decision = decide(b, all->list[n]);

		changes[n] = decision != DECISION_AWAIT &&
			     all->list[n]->left_out != (decision == DECISION_LEAVE_OUT);
		any = any || changes[n];
	}
	if (!any)
		free(steal_ptr(changes));
	return changes;
}

/* --- while the gadget is up --- */

static void stop_waiting(struct binding *b)
{
	timer_stop(&b->optional_timer);
	b->awaits_optional = b->optional_wait_is_over = false;
}

/* Returns whether the bind must wait for an optional function. */
static bool bind_must_wait(struct binding *b)
{
	if (!any_is_awaited(b)) {
		timer_stop(&b->optional_timer);
		b->awaits_optional = false;
		return false;
	}
	if (!b->awaits_optional)
		timer_start(&b->optional_timer, MAX_WAIT_SECONDS);
	b->awaits_optional = true;
	return true;
}

/* Clears the refusals of workers that are not ready any more: the next ones may be better. */
static void forget_old_refusals(struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		struct live_function *function = live->functions.list[n];

		if (function->bind_refusal && function->worker->state != WORKER_READY)
			free(steal_ptr(function->bind_refusal));
	}
}

/*
 * Returns whether a bound gadget could be bound again at once if it were unbound now. Otherwise a
 * change would take all functions from the host for as long as it takes a worker to be ready.
 */
static bool could_be_rebound(const struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++) {
		const struct live_function *function = b->live->functions.list[n];
		const struct live_worker *worker = function->worker;
		bool ended;

		if (!worker || !function_blocks_bind(function) || function->left_out)
			continue;
		ended = worker->state == WORKER_FAILED || worker->state == WORKER_DONE ||
			worker->state == WORKER_STOPPED;
		if (!(function->model->optional ? ended || function_works(function)
						: worker_need_not_be_awaited(worker)))
			return false;
	}
	return true;
}

/*
 * Returns whether a function must be taken in or left out now: of a bound gadget, which must be
 * unbound for that, or before a bind. Starts and stops the wait for optional workers.
 */
static bool links_must_change(struct binding *b, bool bind_awaits_worker)
{
	bool may_bind =
		b->bind_pending || b->state == BINDING_REBIND_DUE || b->state == BINDING_FAILED;
	_cleanup_free_ bool *changes = find_changes(b);

	if (is_bound(b)) {
		stop_waiting(b);
		return changes && could_be_rebound(b);
	}
	return may_bind && !bind_must_wait(b) && !bind_awaits_worker && changes;
}

/*
 * Refuses the optional functions whose daemons have closed their files so often that the rebind has
 * the longest delay: the others must not lose the host for them any more.
 */
static void refuse_daemons_that_close_files(struct binding *b)
{
	if (b->state != BINDING_REBIND_DUE || !binding_rebind_delay_is_longest(b))
		return;
	for (size_t n = 0; n < b->live->functions.n; n++) {
		struct live_function *function = b->live->functions.list[n];

		if (!function->model->optional || function->left_out || function->bind_refusal ||
		    !worker_holds_ep0(function->worker->model) ||
		    function->worker->state != WORKER_READY ||
		    function->descriptors_id == function->descriptors_id_at_bind)
			continue;
		function->bind_refusal =
			xstrdup("its daemon closes its FunctionFS files again and again");
		b->rebind_delay = 0;
	}
}

/*
 * Unbinds the gadget, if it is bound. Afterwards it is bound again as soon as possible, unless a
 * command has unbound it.
 */
static int unbind(struct binding *b, struct error *err)
{
	int r;

	if (is_bound(b)) {
		b->state = BINDING_REBIND_DUE;
		/* Written before the unbind, so that `status` blames no other program for it. */
		gadget_write_status(b->live);
	}
	r = binding_undo_bind(b, err);
	if (r == 0)
		host_handle_unbind(b->host);
	return r;
}

static int unbind_and_change_links(struct binding *b, struct error *err)
{
	_cleanup_free_ bool *changes = NULL;
	int r = unbind(b, err);

	/* An unbound gadget also loses the optional functions whose workers failed before. */
	if (r == 0)
		changes = find_changes(b);
	if (changes)
		r = change_links(b->live, changes, err);
	binding_renew_write_watch(b);
	return r;
}

void optional_unbind_from_dead_keepers(struct binding *b)
{
	_cleanup_error_ struct error err = { 0 };

	for (size_t n = 0; n < b->live->functions.n && b->state == BINDING_ON; n++) {
		const struct live_function *function = b->live->functions.list[n];

		if (!function->keeper_is_lost || function->left_out)
			continue;
		gadget_log_about(b->live, function->model->label, LOG_WARNING,
				 "the gadget is unbound, because the keeper has died");
		if (unbind(b, &err) < 0)
			gadget_log_error(b->live, NULL, &err);
		binding_renew_write_watch(b);
		live_gadget_request_plan_and_status_update(b->live);
	}
}

void optional_update_links(struct binding *b, bool bind_awaits_worker)
{
	forget_old_refusals(b->live);
	refuse_daemons_that_close_files(b);
	if (!links_must_change(b, bind_awaits_worker))
		return;
	error_clear(&b->bind_error);
	if (unbind_and_change_links(b, &b->bind_error) < 0)
		gadget_log_error(b->live, NULL, &b->bind_error);
	live_gadget_request_plan_and_status_update(b->live);
}

void optional_note_bind(struct binding *b)
{
	stop_waiting(b);
	for (size_t n = 0; n < b->live->functions.n; n++) {
		struct live_function *function = b->live->functions.list[n];

		function->bound_worker =
			function->worker && !function->left_out ? function->worker->pid : 0;
	}
}

bool optional_blame_for_failed_bind(struct binding *b, const char *udc, const struct error *err)
{
	bool any = false;

	if (err->errno_value == EBUSY || !udc_exists(udc))
		return false;
	for (size_t n = 0; n < b->live->functions.n; n++) {
		struct live_function *function = b->live->functions.list[n];

		if (!function->model->optional || function->left_out || function->bind_refusal ||
		    function->bound_worker == function->worker->pid)
			continue;
		function->bind_refusal = error_text(err);
		any = true;
	}
	if (any)
		live_gadget_request_plan_and_status_update(b->live);
	return any && any_function_remains(b);
}

void optional_take_over(struct live_function *function, const char *reason)
{
	if (function->left_out && reason && function_works(function) &&
	    !streq(reason, reason_is_others))
		function->bind_refusal = xstrdup(reason);
}

/* --- while the gadget comes up --- */

/* Sets the error of the first function that is not ready, as its step await-ready does. */
static int error_no_function_is_ready(const struct live_gadget *live, struct error *err)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		const struct live_function *function = live->functions.list[n];

		if (!function->worker || function_works(function))
			continue;
		if (function->bind_refusal)
			error_set(err, EX_OSERR, EIO, NULL, "%s", function->bind_refusal);
		else
			worker_failure_error(function->worker, err);
		return error_set_position(err, &function->worker->model->at);
	}
	return error_set(err, EX_PROTOCOL, ECHILD, NULL, "no function of '%s' is ready",
			 live->name);
}

/*
 * Waits until each optional worker is ready or has ended, and removes the links to those that are
 * not ready. Returns 0, PLAN_AGAIN, or a negative errno: no function is ready.
 */
static int choose_functions_of_up(struct binding *b, struct error *err)
{
	struct live_gadget *live = b->live;
	_cleanup_free_ bool *changes = NULL;
	int r;

	if (any_is_awaited(b))
		return PLAN_AGAIN;
	if (!any_function_remains(b))
		return error_no_function_is_ready(live, err);
	changes = b->udc ? find_changes(b) : NULL; /* without a UDC: `bind` chooses later */
	if (!changes)
		return 0;
	r = change_links(live, changes, err);
	if (r < 0)
		return r;
	configfs_add_bind(&live->plan, &live->configfs, b->udc);
	return gadget_write_record(live, err);
}

/*
 * Returns whether the bind, the last step, has failed because the UDC was removed while the gadget
 * came up. Then the gadget is up without its UDC, and binding_states.c binds it when the UDC is
 * back, or at once if it is back already. `id` is that of the UDC before the bind.
 */
static bool bind_failed_without_udc(const struct plan *plan, uint64_t id)
{
	const struct step *step = plan->next_step < plan->n ? &plan->steps[plan->next_step] : NULL;

	return step && step->op == &configfs_op_bind && (id == 0 || id != udc_id(step->value));
}

int optional_apply_plan_of_up(struct binding *b, struct error *err)
{
	struct plan *plan = &b->live->plan;
	int r = plan_apply_until(plan, &configfs_op_bind, err);
	uint64_t id;

	while (r == 0) {
		r = choose_functions_of_up(b, err);
		if (r != 0)
			break;
		id = b->udc ? udc_id(b->udc) : 0;
		r = plan_apply(plan, err);
		if (r < 0 && bind_failed_without_udc(plan, id)) {
			error_clear(err);
			return 0;
		}
		if (r == 0 || !b->udc || !optional_blame_for_failed_bind(b, b->udc, err))
			break;
		error_clear(err);
		r = 0;
	}
	return r;
}

bool optional_end_wait_of_up(struct binding *b)
{
	const struct plan *plan = &b->live->plan;
	bool only_bind_is_left =
		plan->next_step == plan->n || plan->steps[plan->next_step].op == &configfs_op_bind;

	if (!only_bind_is_left || !any_is_awaited(b))
		return false;
	b->optional_wait_is_over = true;
	live_gadget_request_plan_and_status_update(b->live);
	return true;
}

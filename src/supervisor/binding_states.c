/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binds and unbinds a gadget that is up: by command, and when a worker fails. The bind is the last
 * step of the plan. If a gadget came up unbound, its plan has no bind step, and this file adds it.
 * The step is written to the record before it is applied, so that every process that reads the
 * record can undo the bind.
 */
#include "supervisor/binding.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/test_environment.h"
#include "configfs/deactivation.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "supervisor/binding_in_kernel.h"
#include "supervisor/gadget_errors.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"
#include "supervisor/up_down.h"
#include "supervisor/usb_host.h"

/* Sets `err`: the gadget's UDC was removed. */
static int error_udc_removed(struct binding *b, struct error *err)
{
	b->bind_found_no_udc = true;
	return error_set(err, EX_UNAVAILABLE, ENODEV, NULL, "its UDC %s was removed", b->udc);
}

static int set_udc_of_bind_step(struct live_gadget *live, const char *udc, struct error *err)
{
	struct step *step = gadget_last_step_if_bind(&live->plan);
	int r = 0;

	/* If another program unbound the gadget, the step still counts as applied. */
	if (step && step->state == STEP_DONE)
		r = plan_undo_last(&live->plan, err);
	if (r < 0)
		return r;
	if (step) {
		free(step->value);
		step->value = xstrdup(udc);
	} else {
		configfs_add_bind(&live->plan, &live->configfs, udc);
	}
	/* Writes the record even if the plan had a bind step: an earlier write may have failed. */
	return gadget_write_record(live, err);
}

/*
 * Returns whether the worker has failed and has on_failed = "unbind". Then the gadget must not be
 * bound, even if the bind would not have to wait until this worker is ready.
 */
static bool failure_forbids_bind(const struct live_worker *worker)
{
	return worker->state == WORKER_FAILED && worker->model->on_failed == FAILED_UNBIND;
}

/* Returns the first worker that the bind must wait for; NULL: none. */
static const struct live_worker *first_unready_worker(const struct binding *b)
{
	const struct live_gadget *live = b->live;

	for (size_t n = 0; n < live->functions.n; n++) {
		const struct live_function *function = live->functions.list[n];
		const struct live_worker *worker = function->worker;

		/* Without a keeper, a worker that is ready is about to be restarted. */
		if (worker && (!worker_need_not_be_awaited(worker) || function->keeper_is_lost) &&
		    !optional_is_left_out(b, function) &&
		    (function_blocks_bind(function) || failure_forbids_bind(worker)))
			return worker;
	}
	return NULL;
}

/* --- actions of the state table --- */

static int do_unbind_after_failure(struct binding *b, struct error *err _unused_)
{
	_cleanup_error_ struct error why = { 0 };

	if (binding_undo_bind(b, &why) < 0) {
		gadget_log_error(b->live, NULL, &why);
	} else {
		gadget_log_unbind_after_failure(b->live);
		host_handle_unbind(b->host);
	}
	return 0;
}

static int do_unbind_to_reconnect(struct binding *b, struct error *err)
{
	int r = binding_undo_bind(b, err);

	if (r == 0)
		host_handle_unbind(b->host);
	return r;
}

static int do_handle_ep0_closed(struct binding *b, struct error *err _unused_)
{
	gadget_log_about(b->live, NULL, LOG_WARNING, "unbound by the kernel, because %s",
			 binding_daemon_closed_files(b) ? "a daemon closed its FunctionFS files"
							: "a keeper has died");
	host_handle_unbind(b->host);
	binding_handle_closed_files(b);
	/* The last look was before the kernel had unbound the gadget and removed descriptors. */
	functions_update_descriptors(&b->live->functions);
	return 0;
}

static int do_handle_external_unbind(struct binding *b, struct error *err _unused_)
{
	gadget_log_about(b->live, NULL, LOG_WARNING,
			 "unbound by another program; ffsctl does not rebind it");
	host_handle_unbind(b->host);
	return 0;
}

static int do_handle_external_bind(struct binding *b, struct error *err _unused_)
{
	gadget_log(b->live, "bound again by another program");
	host_watch_udc_state(b->host, b->udc);
	return 0;
}

static int do_handle_udc_removal(struct binding *b, struct error *err _unused_)
{
	gadget_log_about(b->live, NULL, LOG_WARNING, "its UDC %s was removed", b->udc);
	host_handle_unbind(b->host);
	return 0;
}

static int do_handle_rebind_failure(struct binding *b, struct error *err _unused_)
{
	gadget_log_about(b->live, NULL, LOG_WARNING,
			 "its UDC %s is back, but the kernel did not bind the gadget again",
			 b->udc);
	/* The kernel has tried to bind the gadget, and do_bind_again will. */
	b->live->configfs.activates_udc_later = true;
	configfs_handle_failed_bind(&b->live->configfs, b->udc, NULL);
	b->live->configfs.activates_udc_later = false;
	host_handle_unbind(b->host);
	return 0;
}

/*
 * Handles a UDC that exists again. The kernel has already bound the gadget to the UDC, because the
 * UDC has the same name as before (gadget_match_driver).
 */
static int do_handle_kernel_rebind(struct binding *b, struct error *err _unused_)
{
	gadget_log(b->live, "its UDC %s is back", b->udc);
	host_watch_udc_state(b->host, b->udc);
	return 0;
}

/*
 * Applies the bind step. If that fails because of optional functions, sets *succeeds_without_them:
 * the next bind is without them.
 */
static int apply_bind_step(struct binding *b, bool *succeeds_without_them, struct error *err)
{
	int r = plan_apply(&b->live->plan, err);

	if (r == 0)
		optional_note_bind(b);
	*succeeds_without_them = r < 0 && optional_blame_for_failed_bind(b, b->udc, err);
	return r;
}

static int bind_again(struct binding *b, struct error *err)
{
	bool ignored; /* the next READY binds again in any case */
	int r;

	/* The next uevent of the UDC causes another attempt. */
	if (!udc_exists(b->udc))
		return error_udc_removed(b, err);
	b->bind_found_no_udc = false;
	gadget_activate_udcs_of_killed_supervisors(b->live);
	host_watch_udc_state(b->host, b->udc);
	/*
	 * Writes the status before it changes the UDC in configfs: otherwise inspect_run_dir.c
	 * would report an unbind by another program.
	 */
	gadget_write_status(b->live);
	binding_store_descriptors(b);
	/* A reload removes a bind step that is not applied. Adds it again. */
	r = set_udc_of_bind_step(b->live, b->udc, err);
	b->live->configfs.activates_udc_later = true;
	if (r == 0)
		r = apply_bind_step(b, &ignored, err);
	b->live->configfs.activates_udc_later = false;
	if (r < 0)
		host_handle_unbind(b->host);
	return r;
}

/* Binds again when the failed worker or daemon is ready again, or when the UDC exists again. */
static int do_bind_again(struct binding *b, struct error *err)
{
	_cleanup_error_ struct error before = { 0 };
	int r;

	/* A reload has already bound the gadget. */
	if (binding_is_bound_in_kernel(b))
		return 0;
	error_move(&before, err);
	r = bind_again(b, err);
	if (r == 0)
		gadget_log(b->live, "rebound to %s", b->udc);
	else if (!streq_null(before.text, err->text))
		gadget_log_error(b->live, NULL, err);
	return r;
}

/*
 * Returns the UDC to bind to: the one that `bind` names, else the one to which the gadget was bound
 * last, else the one of --udc; NULL: the gadget file selects the UDC.
 */
static const char *udc_to_bind(const struct binding *b)
{
	/* Only `unbind` moves b->udc to b->udc_before_unbind, not an unbind by another program. */
	const char *const names[] = { b->requested_udc, b->udc, b->udc_before_unbind,
				      b->udc_from_command_line };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			return names[i];
	return NULL;
}

static int do_bind(struct binding *b, struct error *err)
{
	struct live_gadget *live = b->live;
	_cleanup_free_ char *udc = NULL, *was = NULL;
	int r;

	gadget_activate_udcs_of_killed_supervisors(live);
	r = udc_choose(live->paths, &live->model->udc, udc_to_bind(b), &udc, err);
	if (r == 0)
		r = set_udc_of_bind_step(live, udc, err);
	if (r < 0)
		return r;
	was = b->udc;
	b->udc = steal_ptr(udc);
	host_watch_udc_state(b->host, b->udc);
	/* Opens the uevent socket before the bind, so that the uevents of the bind are received. */
	binding_update_uevent_watch(b);
	/*
	 * Writes the status before the bind: otherwise inspect_run_dir.c would report a bind by
	 * another program.
	 */
	gadget_write_status(live);
	binding_store_descriptors(b);
	r = apply_bind_step(b, &b->bind_pending, err);
	if (r < 0) {
		host_handle_unbind(b->host);
		free(b->udc);
		b->udc = steal_ptr(was);
		return r;
	}
	gadget_activate_deactivated_udc(live);
	b->must_stay_unbound = b->new_udc_uevent_arrived = false;
	gadget_log(live, "bound to %s", b->udc);
	return 0;
}

static int do_unbind(struct binding *b, struct error *err)
{
	bool before = b->must_stay_unbound;
	int r;

	/*
	 * Writes the status before the unbind: otherwise inspect_run_dir.c would report an unbind
	 * by another program. The status contains the UDC and `no_bind`: with both,
	 * inspect_run_dir.c accepts the gadget bound and unbound.
	 */
	b->must_stay_unbound = true;
	gadget_write_status(b->live);
	r = binding_undo_bind(b, err);
	if (r < 0) {
		b->must_stay_unbound = before;
		live_gadget_request_plan_and_status_update(b->live);
		return r;
	}
	gadget_activate_deactivated_udc(b->live);
	/* FunctionFS reports the unbind later; `status` must not show the old host until then. */
	host_handle_unbind(b->host);
	if (b->udc) {
		free(b->udc_before_unbind);
		b->udc_before_unbind = steal_ptr(b->udc);
	}
	return 0;
}

typedef int (*action)(struct binding *b, struct error *err);

/*
 * The state table: the action for each state and event, and the next state. An event without an
 * action is ignored. If an action fails, the state does not change.
 */
static const struct transition {
	action action;
	enum binding_state next_state;
} cells[BINDING_STATE_COUNT][BINDING_EVENT_COUNT] = {
	[BINDING_OFF] = {
		[BINDING_EV_BIND] = { do_bind, BINDING_ON },
		/* unbinds a gadget that another program has bound */
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
	},
	[BINDING_ON] = {
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
		[BINDING_EV_FAILED] = { do_unbind_after_failure, BINDING_FAILED },
		[BINDING_EV_RECONNECT] = { do_unbind_to_reconnect, BINDING_REBIND_DUE },
		[BINDING_EV_EP0_CLOSED] = { do_handle_ep0_closed, BINDING_REBIND_DUE },
		[BINDING_EV_UNBOUND] = { do_handle_external_unbind, BINDING_UNBOUND_EXTERNALLY },
		[BINDING_EV_UDC_REMOVED] = { do_handle_udc_removal, BINDING_UDC_REMOVED },
		[BINDING_EV_REBIND_FAILED] = { do_handle_rebind_failure, BINDING_REBIND_DUE },
	},
	[BINDING_UNBOUND_EXTERNALLY] = { /* ffsctl binds the gadget only if `bind` requests it */
		[BINDING_EV_BIND] = { do_bind, BINDING_ON },
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
		/* The last event was of the daemon, whose files were not closed completely then. */
		[BINDING_EV_EP0_CLOSED] = { do_handle_ep0_closed, BINDING_REBIND_DUE },
		[BINDING_EV_BOUND] = { do_handle_external_bind, BINDING_ON },
	},
	[BINDING_UDC_REMOVED] = {
		[BINDING_EV_BIND] = { do_bind, BINDING_ON },
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
		[BINDING_EV_FAILED] = { do_unbind_after_failure, BINDING_FAILED },
		[BINDING_EV_EP0_CLOSED] = { do_handle_ep0_closed, BINDING_REBIND_DUE },
		[BINDING_EV_BOUND] = { do_handle_kernel_rebind, BINDING_ON },
		[BINDING_EV_UNBOUND] = { do_handle_external_unbind, BINDING_UNBOUND_EXTERNALLY },
		[BINDING_EV_REBIND_FAILED] = { do_handle_rebind_failure, BINDING_REBIND_DUE },
	},
	[BINDING_REBIND_DUE] = {
		[BINDING_EV_BIND] = { do_bind, BINDING_ON },
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
		[BINDING_EV_FAILED] = { do_unbind_after_failure, BINDING_FAILED },
		[BINDING_EV_READY] = { do_bind_again, BINDING_ON },
	},
	[BINDING_FAILED] = {
		[BINDING_EV_BIND] = { do_bind, BINDING_ON },
		[BINDING_EV_UNBIND] = { do_unbind, BINDING_OFF },
		[BINDING_EV_READY] = { do_bind_again, BINDING_ON },
		[BINDING_EV_BOUND] = { do_handle_external_bind, BINDING_ON },
	},
};

static int handle_binding_event(struct binding *b, enum binding_event event, struct error *err)
{
	static const char *const states[BINDING_STATE_COUNT] = {
		[BINDING_OFF] = "OFF",
		[BINDING_ON] = "ON",
		[BINDING_UNBOUND_EXTERNALLY] = "UNBOUND_EXTERNALLY",
		[BINDING_UDC_REMOVED] = "UDC_REMOVED",
		[BINDING_REBIND_DUE] = "REBIND_DUE",
		[BINDING_FAILED] = "FAILED",
	};
	static const char *const events[BINDING_EVENT_COUNT] = {
		[BINDING_EV_BIND] = "BIND",
		[BINDING_EV_UNBIND] = "UNBIND",
		[BINDING_EV_READY] = "READY",
		[BINDING_EV_RECONNECT] = "RECONNECT",
		[BINDING_EV_FAILED] = "FAILED",
		[BINDING_EV_EP0_CLOSED] = "EP0_CLOSED",
		[BINDING_EV_BOUND] = "BOUND",
		[BINDING_EV_UNBOUND] = "UNBOUND",
		[BINDING_EV_UDC_REMOVED] = "UDC_REMOVED",
		[BINDING_EV_REBIND_FAILED] = "REBIND_FAILED",
	};
	const struct transition *cell = &cells[b->state][event];
	int r;

	trace_record_lookup("bus", states[b->state], events[event]);
	if (!cell->action)
		return 0;
	r = cell->action(b, err);
	if (r < 0)
		return r;
	b->state = cell->next_state;
	if (b->state == BINDING_ON) {
		binding_forget_writes(b);
		binding_end_rebind_delay(b);
		b->files_were_closed = false;
		b->bound_since = now_monotonic();
	}
	live_gadget_request_plan_and_status_update(b->live);
	return 0;
}

void binding_set_first_state(struct binding *b)
{
	b->state = b->udc ? BINDING_ON : BINDING_OFF;
	binding_forget_writes(b);
	if (!b->udc || gadget_find_applied_bind(&b->live->plan)) {
		optional_note_bind(b);
		return;
	}
	b->state = BINDING_REBIND_DUE;
	host_handle_unbind(b->host);
	error_udc_removed(b, &b->bind_error);
}

bool binding_awaits_udc(const struct binding *b)
{
	return binding_udc_is_missing(b) && !first_unready_worker(b);
}

void binding_set_state_after_reload(struct binding *b, enum binding_state state, bool lacks_udc)
{
	b->state = state;
	binding_renew_write_watch(b);
	error_clear(&b->bind_error);
	if (state != BINDING_REBIND_DUE)
		return;
	host_handle_unbind(b->host);
	if (lacks_udc)
		error_udc_removed(b, &b->bind_error);
}

bool binding_reconnect(struct binding *b, struct error *err)
{
	return b->state == BINDING_ON && handle_binding_event(b, BINDING_EV_RECONNECT, err) == 0;
}

void binding_handle_failed_worker(struct binding *b)
{
	handle_binding_event(b, BINDING_EV_FAILED, NULL);
}

/* --- changes by the kernel and other programs --- */

static void handle_binding_change_in_kernel(struct binding *b)
{
	enum binding_event event;

	/* Both are read before the bind is: what happens later causes another check. */
	functions_update_descriptors(&b->live->functions);
	binding_was_written_by_others(b);
	event = b->udc ? binding_event_from_kernel(b) : BINDING_EVENT_COUNT;
	if (event == BINDING_EV_BOUND) {
		binding_store_descriptors(b);
		binding_note_seen_bound(b);
	}
	/*
	 * The UDC was removed and added since the last check. Open files of the removed UDC report
	 * nothing any more, so the files of the new UDC are opened.
	 */
	if (b->new_udc_uevent_arrived && b->state == BINDING_ON && event == BINDING_EV_BOUND)
		host_watch_after_takeover(b->host, b->udc, b->host->state_is_configured);
	b->uevent_arrived = b->new_udc_uevent_arrived = false;
	if (event != BINDING_EVENT_COUNT)
		handle_binding_event(b, event, NULL);
}

/* --- by command --- */

static int error_worker_failed(const struct live_worker *worker, struct error *err)
{
	worker_failure_error(worker, err);
	return error_add_hint(err, "'ffsctl restart %s' starts it again",
			      worker->function->functions->gadget_name);
}

/*
 * Binds when all workers are ready, as `up` does: the host must not enumerate functions without a
 * worker.
 */
static void bind_when_ready(struct binding *b)
{
	const struct live_worker *worker = first_unready_worker(b);

	if (worker && worker->state != WORKER_FAILED)
		return;
	if (worker) {
		b->bind_pending = false;
		error_worker_failed(worker, &b->bind_error);
		return;
	}
	b->bind_pending = false;
	handle_binding_event(b, BINDING_EV_BIND, &b->bind_error);
}

void binding_handle_uevents_and_bind(struct binding *b)
{
	binding_update_uevent_watch(b);
	binding_update_write_watch(b);
	if (b->uevent_arrived)
		handle_binding_change_in_kernel(b);
	optional_unbind_from_dead_keepers(b);
	if (!first_unready_worker(b))
		binding_update_rebind_delay(b);
	optional_update_links(b, first_unready_worker(b));
	if (b->bind_pending)
		bind_when_ready(b);
	else if (first_unready_worker(b))
		binding_end_rebind_delay(b);
	else if (!binding_delays_rebind(b))
		handle_binding_event(b, BINDING_EV_READY, &b->bind_error);
}

bool binding_rebind_has_ended(const struct binding *b, struct error *err)
{
	const struct error *why = &b->bind_error;
	const struct live_worker *worker = first_unready_worker(b);

	if ((b->state != BINDING_REBIND_DUE && b->state != BINDING_FAILED) || binding_awaits_udc(b))
		return true;
	if (worker && worker->state != WORKER_FAILED)
		return false;
	if (!worker && b->rebind_is_delayed && !b->rebind_delay_is_over)
		return false;
	if (worker)
		error_worker_failed(worker, err);
	else if (why->exit)
		error_copy(err, why);
	else if (gadget_is_reloading(b->live))
		return false;
	else
		error_set(err, EX_OSERR, ENODEV, NULL, "'%s' was not bound again", b->live->name);
	return true;
}

int binding_check_no_foreign_or_pending_bind(const struct binding *b, struct error *err)
{
	_cleanup_free_ char *now = binding_udc_in_configfs(b);

	if (now && !streq_null(now, b->udc))
		return gadget_error_bound_externally(b->live->name, now, err);
	if (b->bind_pending)
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 "a 'bind' of '%s' waits for its workers", b->live->name);
	return 0;
}

int binding_request_bind(struct binding *b, const char *udc, bool *changed, struct error *err)
{
	struct live_gadget *live = b->live;
	_cleanup_free_ char *now = binding_udc_in_configfs(b);

	if (now && !streq_null(now, b->udc))
		return gadget_error_bound_externally(live->name, now, err);
	/*
	 * Configfs keeps the UDC's name after the UDC was removed, and after the gadget was unbound
	 * through the driver core.
	 */
	if (now && (!udc_exists(now) || udc_unbound_through_sysfs(now, live->name)))
		free(steal_ptr(now));
	*changed = !now;
	if (now && udc && !streq(now, udc))
		return gadget_error_bound_elsewhere(live->name, now, udc, err);
	if (!now && b->bind_pending && b->requested_udc && udc && !streq(b->requested_udc, udc)) {
		error_set(err, EX_CANTCREAT, EBUSY, NULL,
			  "cannot bind '%s' to %s: an earlier 'bind' to %s still waits for workers",
			  live->name, udc, b->requested_udc);
		return error_add_unbind_hint(live->name, err);
	}
	if (now)
		return 0;
	/* Requests a check of the kernel's state: another program may have unbound the gadget. */
	b->uevent_arrived = true;
	error_clear(&b->bind_error);
	if (!b->bind_pending)
		free(steal_ptr(b->requested_udc));
	if (udc && !b->requested_udc)
		b->requested_udc = xstrdup(udc);
	b->bind_pending = true;
	live_gadget_request_plan_and_status_update(live);
	return 0;
}

int binding_unbind(struct binding *b, bool *changed, struct error *err)
{
	_cleanup_free_ char *now = binding_udc_in_configfs(b);
	int r;

	*changed = now || b->bind_pending;
	if (b->bind_pending)
		error_set(&b->bind_error, EX_TEMPFAIL, ECANCELED, NULL,
			  "'unbind' was requested before '%s' was bound", b->live->name);
	b->bind_pending = false;
	r = handle_binding_event(b, BINDING_EV_UNBIND, err);
	if (r == 0 && *changed)
		gadget_log(b->live, "unbound");
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binds and unbinds a gadget that is up: by command, and when a worker fails. The bind is the last
 * step of the plan; this file adds the step to the plan of a gadget that came up unbound. The
 * record has the step before it is applied, so that every process that reads the record can undo
 * it.
 */
#include "config.h"

#include "supervisor/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/trace.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "supervisor/host.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

static char *udc_path(const struct supervisor *s)
{
	_cleanup_free_ char *dir = configfs_gadget_path(s->paths, s->name);

	return strf("%s/UDC", dir);
}

/* Returns the UDC in configfs, whatever program wrote it; NULL: not bound. The caller frees it. */
static char *bound_to(const struct supervisor *s)
{
	_cleanup_free_ char *path = udc_path(s), *udc = NULL;

	return file_read_line(AT_FDCWD, path, &udc) == 0 && *udc ? steal_ptr(udc) : NULL;
}

/* Returns whether configfs has the UDC that ffsctl wrote, even if that UDC does not exist. */
static bool is_bound(const struct supervisor *s)
{
	_cleanup_free_ char *now = bound_to(s);

	return now && streq_null(now, s->udc);
}

bool bus_is_on(const struct supervisor *s)
{
	_cleanup_free_ char *gadget = is_bound(s) ? udc_attribute(s->udc, "function") : NULL;

	return gadget && streq(gadget, s->name);
}

/* Sets `err`: the UDC is missing. */
static int no_udc(const struct supervisor *s, struct error *err)
{
	return error_set(err, EX_UNAVAILABLE, ENODEV, NULL, "its UDC %s was removed", s->udc);
}

static struct step *bind_step(struct supervisor *s)
{
	struct step *last = s->plan.n > 0 ? &s->plan.steps[s->plan.n - 1] : NULL;

	return last && last->op == &configfs_op_bind ? last : NULL;
}

const struct step *bus_step(const struct plan *plan)
{
	for (size_t i = plan->n; i-- > 0;)
		if (plan->steps[i].op == &configfs_op_bind && plan->steps[i].state == STEP_DONE)
			return &plan->steps[i];
	return NULL;
}

static int unbind(struct supervisor *s, struct error *err)
{
	_cleanup_free_ char *path = udc_path(s);
	const struct step *step = bind_step(s);

	return step && step->state == STEP_DONE ? plan_undo_last(&s->plan, err)
						: configfs_unbind(path, err);
}

static int set_bind_step(struct supervisor *s, const char *udc, struct error *err)
{
	struct step *step = bind_step(s);
	int r = 0;

	/* Another program unbound the gadget: the step still counts as applied. */
	if (step && step->state == STEP_DONE)
		r = plan_undo_last(&s->plan, err);
	if (r < 0)
		return r;
	if (step) {
		free(step->value);
		step->value = xstrdup(udc);
	} else {
		configfs_add_bind(&s->plan, &s->configfs, udc);
	}
	/* Writes the record even if the step exists: the last write may have failed. */
	return supervisor_write_record(s, err);
}

/*
 * Returns whether the gadget must not be bound while this worker has failed, even if the bind did
 * not wait for it.
 */
static bool failed_with_unbind(const struct live_worker *worker)
{
	return worker->state == WORKER_FAILED && worker->model->on_failed == FAILED_UNBIND;
}

/* Returns the first worker that the bind must wait for; NULL: all are ready or done. */
static const struct live_worker *missing_worker(const struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++) {
		const struct live_worker *worker = s->live.v[n]->worker;

		if (worker && !worker_is_ready_or_idle(worker) &&
		    (function_blocks_bind(s->live.v[n]) || failed_with_unbind(worker)))
			return worker;
	}
	return NULL;
}

/* --- what happens ------------------------------------------------------------------------------
 */

static int do_fail(struct supervisor *s, struct error *err _unused_)
{
	_cleanup_error_ struct error why = { 0 };

	if (unbind(s, &why) < 0) {
		supervisor_say_of(s, NULL, LOG_ERR, "%s", why.text);
	} else {
		supervisor_say_of(s, NULL, LOG_WARNING,
				  "unbound because a worker failed (on_failed)");
		host_forget(s);
	}
	return 0;
}

static int do_forget_host(struct supervisor *s, struct error *err _unused_)
{
	host_forget(s);
	return 0;
}

static int do_unbound_externally(struct supervisor *s, struct error *err _unused_)
{
	supervisor_say_of(s, NULL, LOG_WARNING,
			  "unbound by another program; ffsctl does not rebind it");
	host_forget(s);
	return 0;
}

static int do_bound_externally(struct supervisor *s, struct error *err _unused_)
{
	supervisor_say(s, "bound again by another program");
	host_watch(s, s->udc);
	return 0;
}

static int do_udc_removed(struct supervisor *s, struct error *err _unused_)
{
	supervisor_say_of(s, NULL, LOG_WARNING, "its UDC %s was removed", s->udc);
	host_forget(s);
	return 0;
}

static int do_rebind_failed(struct supervisor *s, struct error *err _unused_)
{
	supervisor_say_of(s, NULL, LOG_WARNING,
			  "its UDC %s is back, but the kernel did not bind the gadget again",
			  s->udc);
	host_forget(s);
	return 0;
}

/*
 * Handles a UDC that is back: the kernel binds the gadget to it again if it has the same name
 * (gadget_match_driver).
 */
static int do_udc_returned(struct supervisor *s, struct error *err _unused_)
{
	supervisor_say(s, "its UDC %s is back", s->udc);
	host_watch(s, s->udc);
	return 0;
}

static int bind_again(struct supervisor *s, struct error *err)
{
	int r;

	/* The next uevent of the UDC causes another attempt. */
	if (!udc_exists(s->udc))
		return no_udc(s, err);
	host_watch(s, s->udc);
	/* A reload drops a bind step that is not applied. */
	r = set_bind_step(s, s->udc, err);
	if (r == 0)
		r = plan_apply(&s->plan, err);
	if (r < 0)
		host_forget(s);
	return r;
}

/* Binds again when the failed worker, the daemon or the UDC is back. */
static int do_rebind(struct supervisor *s, struct error *err)
{
	_cleanup_error_ struct error before = { 0 };
	int r;

	/* A reload has already bound the gadget. */
	if (bus_is_on(s))
		return 0;
	error_move(&before, err);
	r = bind_again(s, err);
	if (r == 0)
		supervisor_say(s, "rebound to %s", s->udc);
	else if (!streq_null(before.text, err->text))
		supervisor_say_of(s, NULL, LOG_ERR, "%s", err->text);
	return r;
}

/*
 * Returns the UDC to bind to: that of `bind`, else the last one, else that of --udc. NULL: the one
 * that the gadget file selects.
 */
static const char *wanted_udc(const struct supervisor *s)
{
	/* `udc` is still set when another program unbound the gadget. */
	const char *const names[] = { s->bind_udc, s->udc, s->last_udc, s->udc_wanted };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			return names[i];
	return NULL;
}

static int do_bind(struct supervisor *s, struct error *err)
{
	_cleanup_free_ char *udc = NULL, *was = NULL;
	int r = udc_choose(s->paths, &s->gadget->udc, wanted_udc(s), &udc, err);

	if (r == 0)
		r = set_bind_step(s, udc, err);
	if (r < 0)
		return r;
	was = s->udc;
	s->udc = steal_ptr(udc);
	host_watch(s, s->udc);
	bus_watch(s); /* before the bind, so that no uevent of it is lost */
	/*
	 * Writes the status before the bind: else inspect_ours.c would report a bind by another
	 * program.
	 */
	supervisor_write_status(s);
	r = plan_apply(&s->plan, err);
	if (r < 0) {
		host_forget(s);
		free(s->udc);
		s->udc = steal_ptr(was);
		return r;
	}
	s->no_bind = s->udc_is_new = false;
	supervisor_say(s, "bound to %s", s->udc);
	return 0;
}

static int do_unbind(struct supervisor *s, struct error *err)
{
	bool before = s->no_bind;
	int r;

	/*
	 * Writes the status before the unbind: else inspect_ours.c would report an unbind by
	 * another program. The status still has the UDC, so that it is correct before and after.
	 */
	s->no_bind = true;
	supervisor_write_status(s);
	r = unbind(s, err);
	if (r < 0) {
		s->no_bind = before;
		supervisor_changed(s);
		return r;
	}
	/* FunctionFS reports the unbind later; `status` must not show the old host until then. */
	host_forget(s);
	if (s->udc) {
		free(s->last_udc);
		s->last_udc = steal_ptr(s->udc);
	}
	return 0;
}

typedef int (*action)(struct supervisor *s, struct error *err);

/* Other events change nothing. If an action fails, the state stays. */
static const struct cell {
	action act;
	enum bus_state to;
} cells[BUS_STATE_COUNT][BUS_EVENT_COUNT] = {
	[BUS_OFF] = {
		[BUS_EV_BIND] = { do_bind, BUS_ON },
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF }, /* another program may have bound the gadget */
	},
	[BUS_ON] = {
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF },
		[BUS_EV_FAILED] = { do_fail, BUS_FAILED },
		[BUS_EV_EP0_CLOSED] = { do_forget_host, BUS_REBIND_DUE },
		[BUS_EV_UNBOUND] = { do_unbound_externally, BUS_UNBOUND_EXTERNALLY },
		[BUS_EV_UDC_REMOVED] = { do_udc_removed, BUS_UDC_REMOVED },
		[BUS_EV_REBIND_FAILED] = { do_rebind_failed, BUS_REBIND_DUE },
	},
	[BUS_UNBOUND_EXTERNALLY] = { /* ends when another program or a command binds the gadget */
		[BUS_EV_BIND] = { do_bind, BUS_ON },
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF },
		[BUS_EV_BOUND] = { do_bound_externally, BUS_ON },
	},
	[BUS_UDC_REMOVED] = {
		[BUS_EV_BIND] = { do_bind, BUS_ON },
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF },
		[BUS_EV_FAILED] = { do_fail, BUS_FAILED },
		[BUS_EV_EP0_CLOSED] = { do_forget_host, BUS_REBIND_DUE },
		[BUS_EV_BOUND] = { do_udc_returned, BUS_ON },
		[BUS_EV_UNBOUND] = { do_unbound_externally, BUS_UNBOUND_EXTERNALLY },
		[BUS_EV_REBIND_FAILED] = { do_rebind_failed, BUS_REBIND_DUE },
	},
	[BUS_REBIND_DUE] = {
		[BUS_EV_BIND] = { do_bind, BUS_ON },
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF },
		[BUS_EV_FAILED] = { do_fail, BUS_FAILED },
		[BUS_EV_READY] = { do_rebind, BUS_ON },
	},
	[BUS_FAILED] = {
		[BUS_EV_BIND] = { do_bind, BUS_ON },
		[BUS_EV_UNBIND] = { do_unbind, BUS_OFF },
		[BUS_EV_READY] = { do_rebind, BUS_ON },
		[BUS_EV_BOUND] = { do_bound_externally, BUS_ON },
	},
};

static int handle(struct supervisor *s, enum bus_event event, struct error *err)
{
	static const char *const states[BUS_STATE_COUNT] = {
		[BUS_OFF] = "OFF",
		[BUS_ON] = "ON",
		[BUS_UNBOUND_EXTERNALLY] = "UNBOUND_EXTERNALLY",
		[BUS_UDC_REMOVED] = "UDC_REMOVED",
		[BUS_REBIND_DUE] = "REBIND_DUE",
		[BUS_FAILED] = "FAILED",
	};
	static const char *const events[BUS_EVENT_COUNT] = {
		[BUS_EV_BIND] = "BIND",
		[BUS_EV_UNBIND] = "UNBIND",
		[BUS_EV_READY] = "READY",
		[BUS_EV_FAILED] = "FAILED",
		[BUS_EV_EP0_CLOSED] = "EP0_CLOSED",
		[BUS_EV_BOUND] = "BOUND",
		[BUS_EV_UNBOUND] = "UNBOUND",
		[BUS_EV_UDC_REMOVED] = "UDC_REMOVED",
		[BUS_EV_REBIND_FAILED] = "REBIND_FAILED",
	};
	const struct cell *cell = &cells[s->bus][event];
	int r;

	trace("bus", states[s->bus], events[event]);
	if (!cell->act)
		return 0;
	r = cell->act(s, err);
	if (r < 0)
		return r;
	s->bus = cell->to;
	supervisor_changed(s);
	return 0;
}

void bus_begin(struct supervisor *s)
{
	s->bus = s->udc ? BUS_ON : BUS_OFF;
}

bool bus_awaits_udc(const struct supervisor *s)
{
	bool is_wanted = s->bus == BUS_ON || s->bus == BUS_UDC_REMOVED || s->bus == BUS_REBIND_DUE;

	return is_wanted && s->udc && !missing_worker(s) && !udc_exists(s->udc);
}

void bus_reloaded(struct supervisor *s, enum bus_state state)
{
	s->bus = state;
	error_clear(&s->bind_error);
	if (state != BUS_REBIND_DUE)
		return;
	host_forget(s);
	no_udc(s, &s->bind_error);
}

void bus_worker_failed(struct supervisor *s)
{
	handle(s, BUS_EV_FAILED, NULL);
}

void bus_ep0_closed(struct supervisor *s)
{
	if (gadget_is_made(s))
		handle(s, BUS_EV_EP0_CLOSED, NULL);
}

/* --- changes by the kernel and other programs --- */

/* Returns whether a process whose end unbinds the gadget has died and is not reaped yet. */
static bool has_just_died(const struct live_function *i)
{
	return (i->keeper.pid > 0 && !process_alive(i->keeper.pid)) ||
	       (i->worker && i->worker->model->opens_ep0 &&
		(i->worker->leftovers || (i->worker->pid > 0 && !process_alive(i->worker->pid))));
}

/*
 * Returns the event that describes the kernel's state. If configfs has the UDC but the UDC has no
 * gadget: a new UDC means that the kernel failed to bind again; else a program unbound the gadget
 * through the driver core, unless the UDC is just being removed or added (BUS_EVENT_COUNT: no
 * event).
 */
static enum bus_event event_from_kernel(const struct supervisor *s)
{
	if (!udc_exists(s->udc))
		return BUS_EV_UDC_REMOVED;
	if (!is_bound(s))
		return BUS_EV_UNBOUND;
	if (bus_is_on(s))
		return BUS_EV_BOUND;
	/*
	 * Another program may be unbinding the gadget: reading configfs waits until that is done.
	 */
	if (!is_bound(s))
		return BUS_EV_UNBOUND;
	if (s->udc_is_new)
		return BUS_EV_REBIND_FAILED;
	return udc_lacks(s->udc, s->name) ? BUS_EV_UNBOUND : BUS_EVENT_COUNT;
}

static void check_kernel(struct supervisor *s)
{
	enum bus_event event = s->udc ? event_from_kernel(s) : BUS_EVENT_COUNT;

	for (size_t n = 0; event != BUS_EV_BOUND && n < s->live.n; n++)
		if (has_just_died(s->live.v[n]))
			return; /* the end of the reload causes another check */
	/*
	 * The UDC was removed and added since the last check: files of the old one are of no use.
	 */
	if (s->udc_is_new && s->bus == BUS_ON && event == BUS_EV_BOUND)
		host_take_over(s, s->udc, s->configured);
	s->uevent = s->udc_is_new = false;
	if (event != BUS_EVENT_COUNT)
		handle(s, event, NULL);
}

/* --- by command --- */

static int no_worker(const struct live_worker *worker, struct error *err)
{
	worker_failure(worker, err);
	return error_hint(err, "'ffsctl restart %s' starts it again",
			  worker->function->all->gadget);
}

/*
 * Binds when all workers are ready, as `up` does: the host must not enumerate functions without a
 * worker.
 */
static void bind_when_ready(struct supervisor *s)
{
	const struct live_worker *worker = missing_worker(s);

	if (worker && worker->state != WORKER_FAILED)
		return;
	if (worker) {
		s->bind_wanted = false;
		no_worker(worker, &s->bind_error);
		return;
	}
	control_drop_closed_binds(&s->control);
	if (!s->bind_wanted)
		return;
	s->bind_wanted = false;
	handle(s, BUS_EV_BIND, &s->bind_error);
}

void bus_update(struct supervisor *s)
{
	bus_watch(s);
	if (s->uevent)
		check_kernel(s);
	if (s->bind_wanted)
		bind_when_ready(s);
	else if (!missing_worker(s))
		handle(s, BUS_EV_READY, &s->bind_error);
}

bool bus_rebind_has_ended(const struct supervisor *s, struct error *err)
{
	const struct error *why = &s->bind_error;
	const struct live_worker *worker = missing_worker(s);

	if ((s->bus != BUS_REBIND_DUE && s->bus != BUS_FAILED) || bus_awaits_udc(s))
		return true;
	if (worker && worker->state != WORKER_FAILED)
		return false;
	if (worker)
		no_worker(worker, err);
	else if (why->exit)
		error_set(err, why->exit, why->err, why->path, "%s", why->text);
	else if (gadget_is_reloading(s))
		return false;
	else
		error_set(err, EX_OSERR, ENODEV, NULL, "'%s' was not bound again", s->name);
	return true;
}

static int foreign_bind(const struct supervisor *s, const char *now, struct error *err)
{
	error_set(err, EX_CANTCREAT, EBUSY, NULL, "another program has bound '%s' to %s", s->name,
		  now);
	return error_hint(err, "'ffsctl unbind %s' unbinds it first", s->name);
}

int bus_check(const struct supervisor *s, struct error *err)
{
	_cleanup_free_ char *now = bound_to(s);

	if (now && !streq_null(now, s->udc))
		return foreign_bind(s, now, err);
	if (s->bind_wanted)
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 "a 'bind' of '%s' waits for its workers", s->name);
	return 0;
}

int bus_bind(struct supervisor *s, const char *udc, bool *changed, struct error *err)
{
	_cleanup_free_ char *now = bound_to(s);

	if (now && !streq_null(now, s->udc))
		return foreign_bind(s, now, err);
	/*
	 * Configfs keeps the UDC of a gadget that lost it, or that was unbound through the driver
	 * core.
	 */
	if (now && (!udc_exists(now) || udc_lacks(now, s->name)))
		free(steal_ptr(now));
	*changed = !now;
	if (now && udc && !streq(now, udc)) {
		error_set(err, EX_CANTCREAT, EBUSY, NULL, "'%s' is bound to %s, not to %s", s->name,
			  now, udc);
	} else if (!now && s->bind_wanted && s->bind_udc && udc && !streq(s->bind_udc, udc)) {
		error_set(err, EX_CANTCREAT, EBUSY, NULL,
			  "another 'bind' waits to put '%s' on %s, not on %s", s->name, s->bind_udc,
			  udc);
	}
	if (err->exit)
		return error_hint(err, "'ffsctl unbind %s' unbinds it first", s->name);
	if (now)
		return 0;
	s->uevent = true; /* another program may have unbound the gadget meanwhile */
	error_clear(&s->bind_error);
	if (!s->bind_wanted)
		free(steal_ptr(s->bind_udc));
	if (udc && !s->bind_udc)
		s->bind_udc = xstrdup(udc);
	s->bind_wanted = true;
	supervisor_changed(s);
	return 0;
}

int bus_unbind(struct supervisor *s, bool *changed, struct error *err)
{
	_cleanup_free_ char *now = bound_to(s);
	int r;

	*changed = now || s->bind_wanted;
	if (s->bind_wanted)
		error_set(&s->bind_error, EX_TEMPFAIL, ECANCELED, NULL,
			  "'unbind' came before '%s' was bound", s->name);
	s->bind_wanted = false;
	r = handle(s, BUS_EV_UNBIND, err);
	if (r == 0 && *changed)
		supervisor_say(s, "unbound");
	return r;
}

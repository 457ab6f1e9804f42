/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On the bus and off it, while the gadget stays made: by command, and around the failure of a
 * worker. The plan's last step is the bind; a gadget that came up without one gets it here, and the
 * record has it before the kernel does, so that whoever finds the record finds all there is to
 * undo.
 */
#include "supervise/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "compose/configfs.h"
#include "compose/udc.h"
#include "supervise/host.h"
#include "supervise/supervisor.h"

static char *udc_path(const struct supervisor *s)
{
	_cleanup_free_ char *dir = compose_gadget_path(s->world, s->name);

	return strf("%s/UDC", dir);
}

/* What configfs says, whoever has written it; NULL: not bound. The caller frees it. */
static char *bound_to(const struct supervisor *s)
{
	_cleanup_free_ char *path = udc_path(s), *udc = NULL;

	return file_read_line(AT_FDCWD, path, &udc) == 0 && *udc ? steal_ptr(udc) : NULL;
}

bool bus_is_on(const struct supervisor *s)
{
	_cleanup_free_ char *now = bound_to(s);

	return now && streq_null(now, s->udc);
}

static struct step *bind_step(struct supervisor *s)
{
	struct step *last = s->plan.n > 0 ? &s->plan.steps[s->plan.n - 1] : NULL;

	return last && last->op == &configfs_op_bind ? last : NULL;
}

const struct step *bus_step(const struct supervisor *s)
{
	for (size_t i = s->plan.n; i-- > 0;)
		if (s->plan.steps[i].op == &configfs_op_bind && s->plan.steps[i].state == STEP_DONE)
			return &s->plan.steps[i];
	return NULL;
}

static int take_off(struct supervisor *s, struct error *err)
{
	_cleanup_free_ char *path = udc_path(s);
	const struct step *step = bind_step(s);

	return step && step->state == STEP_DONE ? plan_undo_last(&s->plan, err)
						: configfs_unbind(path, err);
}

/* --- a worker that has failed --- */

void bus_worker_failed(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	if (take_off(s, &err) < 0) {
		supervisor_say_of(s, NULL, LOG_ERR, "%s", err.text);
	} else {
		supervisor_say_of(s, NULL, LOG_WARNING, "taken off the bus, as on_failed says");
		host_forget(s);
	}
	s->unbound_on_failure = true;
}

void bus_lost(struct supervisor *s)
{
	if (s->phase != PHASE_UP || !s->udc || s->failed)
		return;
	s->bus_lost = true;
	host_forget(s);
	supervisor_changed(s);
}

static int set_step(struct supervisor *s, const char *udc, struct error *err)
{
	struct step *step = bind_step(s);
	int r = 0;

	/* Somebody else has taken it off: as far as we know it is still on. */
	if (step && step->state == STEP_DONE)
		r = plan_undo_last(&s->plan, err);
	if (r < 0)
		return r;
	if (step) {
		free(step->value);
		step->value = xstrdup(udc);
	} else {
		compose_add_bind(&s->plan, &s->compose, udc);
	}
	/* Also of a step that is there already: it may not have been written the last time. */
	return supervisor_write_record(s, err);
}

/* One that the gadget is not to be on the bus without, whether or not that waited for it before. */
static bool keeps_off(const struct unit *unit)
{
	return unit->state == UNIT_FAILED && unit->worker->on_failed == FAILED_UNBIND;
}

/* The first worker that the bind has to wait for; NULL: all serve, or have done so. */
static const struct unit *missing_worker(const struct supervisor *s)
{
	for (size_t n = 0; n < s->n_instances; n++) {
		const struct unit *unit = s->instances[n]->unit;

		if (unit && !unit_is_settled(unit) &&
		    (instance_gates(s->instances[n]) || keeps_off(unit)))
			return unit;
	}
	return NULL;
}

/* Who failed or ended is back: onto the bus again. */
static void bind_again(struct supervisor *s)
{
	if (missing_worker(s))
		return;
	/* A reload has come first. */
	if (s->bus_lost && bus_is_on(s)) {
		s->bus_lost = false;
		return;
	}
	error_clear(&s->bind_error);
	host_watch(s, s->udc);
	/* A reload has left out what was not bound. */
	if (set_step(s, s->udc, &s->bind_error) < 0 || plan_apply(&s->plan, &s->bind_error) < 0) {
		host_forget(s);
		supervisor_say_of(s, NULL, LOG_ERR, "%s", s->bind_error.text);
		return;
	}
	s->unbound_on_failure = s->bus_lost = false;
	supervisor_say(s, "on the bus again");
}

/* --- by command --- */

/* Where it is wanted; else where it was; else as `up` would have it. NULL: as the file says. */
static const char *wanted_udc(const struct supervisor *s)
{
	/* `udc` is still there when somebody else has taken it off. */
	const char *const names[] = { s->bind_udc, s->udc, s->last_udc, s->udc_wanted };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i])
			return names[i];
	return NULL;
}

static int put_on(struct supervisor *s, struct error *err)
{
	_cleanup_free_ char *udc = NULL, *was = NULL;
	int r = udc_choose(s->world, &s->gadget->udc, wanted_udc(s), &udc, err);

	if (r == 0)
		r = set_step(s, udc, err);
	if (r < 0)
		return r;
	was = s->udc;
	s->udc = steal_ptr(udc);
	host_watch(s, s->udc);
	/* First, so that nobody takes this for somebody else's doing (machine_ours.c). */
	supervisor_write_status(s);
	r = plan_apply(&s->plan, err);
	if (r < 0) {
		host_forget(s);
		free(s->udc);
		s->udc = steal_ptr(was);
		return r;
	}
	s->no_bind = s->unbound_on_failure = s->bus_lost = false;
	supervisor_say(s, "bound to %s", s->udc);
	return 0;
}

static int no_worker(const struct unit *unit, struct error *err)
{
	unit_failure(unit, err);
	return error_hint(err, "'ffsctl restart %s' takes it back into service",
			  unit->instance->supervisor->name);
}

/* The host must not meet functions that nobody serves: workers gate the bind, as in `up`. */
static void bind_when_ready(struct supervisor *s)
{
	const struct unit *unit = missing_worker(s);

	if (unit && unit->state != UNIT_FAILED)
		return;
	if (unit) {
		s->bind_wanted = false;
		no_worker(unit, &s->bind_error);
		return;
	}
	control_look_for_binders(&s->control);
	if (!s->bind_wanted)
		return;
	s->bind_wanted = false;
	put_on(s, &s->bind_error);
}

void bus_look(struct supervisor *s)
{
	if ((s->unbound_on_failure || s->bus_lost) && !s->bind_wanted)
		bind_again(s);
	if (s->bind_wanted)
		bind_when_ready(s);
}

static int foreign_bind(const struct supervisor *s, const char *now, struct error *err)
{
	error_set(err, EX_CANTCREAT, EBUSY, NULL, "somebody else has bound '%s' to %s", s->name,
		  now);
	return error_hint(err, "'ffsctl unbind %s' takes it off the bus first", s->name);
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

	*changed = !now;
	if (now && !streq_null(now, s->udc))
		return foreign_bind(s, now, err);
	if (now && udc && !streq(now, udc)) {
		error_set(err, EX_CANTCREAT, EBUSY, NULL, "'%s' is bound to %s, not to %s", s->name,
			  now, udc);
	} else if (!now && s->bind_wanted && s->bind_udc && udc && !streq(s->bind_udc, udc)) {
		error_set(err, EX_CANTCREAT, EBUSY, NULL,
			  "another 'bind' waits to put '%s' on %s, not on %s", s->name, s->bind_udc,
			  udc);
	}
	if (err->exit)
		return error_hint(err, "'ffsctl unbind %s' takes it off the bus first", s->name);
	if (now)
		return 0;
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
	bool before = s->no_bind;
	int r;

	*changed = now || s->bind_wanted;
	if (s->bind_wanted)
		error_set(&s->bind_error, EX_TEMPFAIL, ECANCELED, NULL,
			  "'unbind' came before '%s' was bound", s->name);
	s->bind_wanted = false;
	/* First the status: who compares it with configfs must not take it for somebody else's
	 * doing. It still has the UDC, so that it is true before and after. */
	s->no_bind = true;
	supervisor_write_status(s);
	r = take_off(s, err);
	supervisor_changed(s);
	if (r < 0) {
		s->no_bind = before;
		return r;
	}
	/* FunctionFS says so later, and whoever asks meanwhile must not be told of the old host. */
	host_forget(s);
	s->unbound_on_failure = s->bus_lost = false;
	if (s->udc) {
		free(s->last_udc);
		s->last_udc = steal_ptr(s->udc);
	}
	if (*changed)
		supervisor_say(s, "unbound");
	return 0;
}

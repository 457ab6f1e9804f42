/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that start an instance's worker and wait until it is ready. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

bool instance_gates(const struct instance *i)
{
	return i->function->ffs;
}

static bool has_unit_of(const struct instance *i, const struct step *step)
{
	return i->unit && streq_null(i->unit->identity, step->value);
}

/* The twin's unit, which is the one that the step wants, for the instance's own (or none). */
static void exchange_units(struct instance *i)
{
	struct unit *unit = i->unit;

	i->unit = i->twin->unit;
	i->twin->unit = unit;
	if (i->unit)
		i->unit->instance = i;
	if (i->twin->unit)
		i->twin->unit->instance = i->twin;
}

static int worker_apply(struct step *step, struct error *err)
{
	struct instance *i = step->self;

	if (!has_unit_of(i, step))
		exchange_units(i);
	i->unit->awaited = reload_is_going(i->supervisor);
	unit_handle(i->unit, UNIT_EV_START);
	/* In a reload the step that waits for it tells: this one would have left it in its place.
	 */
	if (i->unit->awaited || !instance_gates(i) || i->unit->state != UNIT_FAILED ||
	    !i->unit->error.text)
		return 0;
	error_move(err, &i->unit->error);
	return -err->err;
}

static int worker_undo(struct step *step, struct error *err _unused_)
{
	struct instance *i = step->self;
	const struct supervisor *s;

	/* Without a supervisor reap_left_behind has done it. */
	if (!i || !i->unit)
		return 0;
	/* All at once: the steps of the others come next. */
	s = i->supervisor;
	for (size_t n = 0; n < s->n_instances; n++) {
		struct instance *other = s->instances[n];

		if (other->unit && other->unit->state != UNIT_STOPPING &&
		    (other == i || other->leaves || s->phase == PHASE_GOING_DOWN))
			unit_handle(other->unit, UNIT_EV_STOP);
	}
	if (i->unit->state != UNIT_STOPPED)
		return PLAN_AGAIN;
	if (i->twin && !i->twin->unit)
		exchange_units(i);
	return 0;
}

/* The endpoints stay; as after `restart`, a transfer that was cut ends in an error. */
static int worker_replace(struct step *step, struct step *last _unused_, struct error *err _unused_)
{
	struct instance *i = step->self;

	if (!has_unit_of(i, step) && !i->unit->successor) {
		i->twin->unit->awaited = reload_is_going(i->supervisor);
		unit_replace(i->unit, i->twin->unit);
	}
	return has_unit_of(i, step) ? 0 : PLAN_AGAIN;
}

void instance_succeed(struct instance *i)
{
	exchange_units(i);
}

const struct step_op instance_op_worker = {
	.name = "start-worker",
	.undo_name = "stop-worker",
	.apply = worker_apply,
	.undo = worker_undo,
	.needs_value = true,
	.replace = worker_replace,
};

static int ready_apply(struct step *step, struct error *err)
{
	struct instance *i = step->self;
	struct unit *u = i->unit;

	switch (u->state) {
	case UNIT_READY:
	case UNIT_DONE:
		u->awaited = false;
		return 0;
	case UNIT_STARTING:
	case UNIT_ENDING:
	case UNIT_STOPPING:
	case UNIT_WAITING:
		return PLAN_AGAIN;
	case UNIT_STOPPED:
	case UNIT_PENDING: /* never where it gates */
	case UNIT_FAILED:
	case UNIT_STATE_COUNT:
		break;
	}
	if (u->error.text) {
		error_move(err, &u->error);
		return -err->err;
	}
	if (u->start_timed_out)
		return error_set(
			err, EX_TEMPFAIL, ETIMEDOUT, step->path,
			"the worker of '%s' (%s) did not get ready within %g s (start_timeout)",
			i->function->label, step->path, u->worker->start_timeout);
	return error_set(err, EX_PROTOCOL, ECHILD, step->path,
			 "the worker of '%s' (%s) ended before it was ready: %s",
			 i->function->label, step->path,
			 u->last_exit ? u->last_exit : "it could not be started");
}

const struct step_op instance_op_ready = { .name = "await-ready", .apply = ready_apply };

void instance_add_worker_start(struct plan *plan, struct instance *i)
{
	_cleanup_free_ char *place = instance_place(i);
	struct unit *unit = i->unit;

	if (!unit)
		return;
	free(unit->identity);
	unit->identity = strf("%s %s %016" PRIx64 " %s", i->supervisor->name, i->function->label,
			      launch_digest(unit), place);
	plan_add(plan, &instance_op_worker, xstrdup(unit->spawn.program), xstrdup(unit->identity),
		 &unit->worker->at, i);
}

void instance_add_worker_ready(struct plan *plan, struct instance *i)
{
	if (i->unit && instance_gates(i))
		plan_add(plan, &instance_op_ready, xstrdup(i->unit->spawn.program),
			 xstrdup(i->unit->identity), &i->unit->worker->at, i);
}

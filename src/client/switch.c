/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process, the supervisor of one gadget after the other: as a worker asks
 * (supervisor/switch.c). Nothing is handed over, a service manager sees the same process
 * go on, and whatever kills it leaves no more behind than of one gadget: that of which there is a
 * record with a plan.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/parts.h"
#include "plan/fault.h"
#include "rundir/record.h"
#include "supervisor/privileges.h"
#include "supervisor/supervisor.h"
#include "supervisor/switch.h"

/* A gadget and the options of its supervisor. */
struct turn {
	const struct gadget *gadget;
	struct gadget *own; /* `gadget`; NULL: the caller's */
	json_t *form, *switched;
	struct rundir rundir; /* locked while the other one comes up: the way back */
	bool has_leftovers;   /* in it, of one that died */
	char *udc;	      /* NULL: as the file says */
	bool no_bind;
};
#define TURN_NONE ((struct turn){ .rundir = RUNDIR_NONE })

static void give_name_up(struct turn *turn)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (turn->rundir.lock_fd >= 0 && !turn->has_leftovers)
		rundir_remove(&turn->rundir, &ignored);
	rundir_close(&turn->rundir);
}

static void turn_free(struct turn *turn)
{
	give_name_up(turn);
	json_decref(turn->form);
	json_decref(turn->switched);
	free(turn->udc);
	gadget_free(turn->own);
	*turn = TURN_NONE;
}

/* The process, whichever gadget it is the supervisor of. */
struct process {
	struct supervisor *s;
	const struct client_options *options;
	const struct paths *paths;
	char *origin; /* the gadget that it was started for */
	bool foreground;
	pid_t *inherited; /* see struct supervisor */
	size_t n_inherited;

	struct turn *before; /* of which the name goes when this one is up; NULL: none */
	const char *why;     /* this one is back, because of that; NULL: it is not */
	const char *output;  /* and what the other one's workers have said */
	bool is_up;
};

/* Takes from the supervisor, which is freed, what it was and what it is to become. */
static void leave(struct process *p, struct turn *was, struct turn *next)
{
	struct supervisor *s = p->s;
	struct switching *sw = s->switching;
	struct gadget *reloaded = steal_ptr(s->own_gadget), *first = NULL;

	if (reloaded) {
		first = was->own;
		was->gadget = was->own = reloaded;
	}
	json_decref(was->form);
	was->form = json_incref(s->record.document);
	free(was->udc);
	was->udc = steal_ptr(s->udc);
	was->no_bind = s->no_bind;
	was->rundir = rundir_steal(&s->rundir);
	*next = (struct turn){ .gadget = sw->gadget,
			       .own = steal_ptr(sw->gadget),
			       .form = steal_ptr(sw->document),
			       .switched = steal_ptr(sw->switched),
			       .rundir = rundir_steal(&sw->rundir),
			       .has_leftovers = sw->has_leftovers,
			       .udc = steal_ptr(sw->udc),
			       .no_bind = was->no_bind };
	p->inherited = steal_ptr(s->live.inherited);
	p->n_inherited = s->live.n_inherited;
	supervisor_free(s);
	rundir_remove_files(&was->rundir);
	gadget_free(first); /* its name was the supervisor's */
}

static void came_up(void *data)
{
	struct process *p = data;
	_cleanup_error_ struct error ignored = { 0 };

	p->is_up = true;
	rundir_set_owner(&p->s->rundir, OWNER_SUPERVISOR, &ignored);
	if (p->output && *p->output)
		supervisor_say(p->s, "%s", p->output);
	if (p->why)
		supervisor_say(p->s, "not switched: %s; '%s' is up again", p->why, p->s->name);
	else
		supervisor_say(p->s, "in place of '%s'",
			       json_text(p->s->live.switched, "from", "?"));
	if (p->before)
		turn_free(p->before);
	p->before = NULL;
	privileges_give_up(p->s); /* also what only the gadget needed that it was */
}

/* What an earlier process has left of it; the lock is let go for that. */
static int clear(const struct process *p, struct turn *turn, struct error *err)
{
	const char *name = turn->gadget->name;
	int r = client_clear_leftovers(p->paths, name, &turn->rundir, err);

	turn->has_leftovers = false;
	return r < 0 ? r : rundir_lock(&turn->rundir, p->paths, name, OWNER_STARTING, err);
}

/* Returns when it is down again, or has not come up (p->is_up). p->s is valid in any case. */
static int supervise(struct process *p, struct turn *turn, struct error *err)
{
	struct client_options options = *p->options;
	struct supervisor *s = p->s;
	int r;

	p->is_up = false;
	options.udc = turn->udc;
	options.no_bind = turn->no_bind;
	r = supervisor_init(s, p->paths, turn->gadget, turn->gadget->name, err);
	s->live.inherited = steal_ptr(p->inherited);
	s->live.n_inherited = p->n_inherited;
	if (r == 0 && turn->has_leftovers)
		r = clear(p, turn, err);
	if (r < 0)
		return r;
	s->live.foreground = p->foreground;
	s->live.switched = turn->switched;
	s->on_up = came_up;
	s->on_up_data = p;
	rundir_set_owner(&turn->rundir, OWNER_STARTING, err);
	client_give(s, &options, &turn->rundir,
		    record_make(turn->gadget, turn->form,
				streq(p->origin, turn->gadget->name) ? NULL : p->origin));
	return supervisor_run(s, options.timeout, turn->gadget->udc.wait, err);
}

/* The other one has not come up. */
static int go_back(struct process *p, struct turn *was, struct error *err)
{
	_cleanup_free_ char *output = client_last_output(p->s);
	_cleanup_error_ struct error why = { 0 };
	int r;

	error_move(&why, err);
	p->inherited = steal_ptr(p->s->live.inherited);
	p->n_inherited = p->s->live.n_inherited;
	supervisor_free(p->s);
	p->before = NULL;
	p->why = why.text;
	p->output = output;
	r = supervise(p, was, err);
	if (!p->is_up && r < 0)
		error_hint(err, "it comes up again because of this: %s", why.text);
	p->why = p->output = NULL;
	return r;
}

static int switch_once(struct process *p, struct turn *turn, struct error *err)
{
	struct turn was = *turn, next;
	int r;

	leave(p, &was, &next);
	fault_hit(FAULT_SWITCH, 2);
	fault_next();
	p->before = &was;
	r = supervise(p, &next, err);
	if (p->is_up || r == 0) {
		turn_free(&was);
		*turn = next;
		return r;
	}
	error_wrap(err, "'%s'", next.gadget->name);
	fault_hit(FAULT_SWITCH, 3);
	fault_next();
	r = go_back(p, &was, err);
	turn_free(&next);
	*turn = was;
	return r;
}

int client_go_on(struct supervisor *s, const struct client_options *options, int r,
		 struct error *err)
{
	struct process p = {
		.s = s, .options = options, .paths = s->paths, .foreground = s->live.foreground
	};
	struct turn turn = TURN_NONE;

	if (r < 0 && s->switching)
		supervisor_say_of(s, NULL, LOG_ERR, "not switched: %s", err->text);
	if (r < 0 || !s->switching)
		return r;
	p.origin = xstrdup(s->name);
	turn.gadget = s->gadget;
	while (r == 0 && s->switching)
		r = switch_once(&p, &turn, err);
	turn_free(&turn);
	free(p.origin);
	return r;
}

/* --- what one that died had become ---------------------------------------------------------------
 */

struct left {
	const struct paths *paths;
	const char *origin;
	char **names;
	size_t n;
};

static int add_left(void *data, const char *name)
{
	struct left *left = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct record record;
	pid_t pid;

	if (rundir_owner(left->paths, name, &pid, NULL) < 0 || pid != 0)
		return 0;
	if (record_read(left->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.origin, left->origin))
		*array_add(left->names, left->n) = xstrdup(name);
	record_free(&record);
	return 0;
}

static int clear_one(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;

	/* Somebody was faster. */
	if (rundir_lock(&rundir, paths, name, OWNER_CLEARING, err) < 0) {
		error_clear(err);
		return 0;
	}
	log_about(name, NULL, LOG_INFO, "%s: clearing what a dead supervisor has left", name);
	return client_clear_leftovers(paths, name, &rundir, err);
}

int client_clear_switched(const struct paths *paths, const char *name, struct error *err)
{
	struct left left = { .paths = paths, .origin = name };
	int r = 0;

	rundir_each(paths, add_left, &left);
	for (size_t i = 0; i < left.n; i++) {
		if (r == 0)
			r = clear_one(paths, left.names[i], err);
		free(left.names[i]);
	}
	free(left.names);
	return r;
}

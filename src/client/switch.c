/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches to another gadget when a worker asks for it (supervisor/switch.c). The same process is
 * the supervisor of one gadget after the other, so a service manager sees a single process. At any
 * time only one gadget has a record with a plan, so there is at most one to undo when the process
 * is killed.
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
struct setup {
	const struct gadget *gadget;
	struct gadget *own; /* `gadget` if this struct owns it; else NULL */
	json_t *document, *switched;
	struct rundir rundir; /* stays locked while the other gadget comes up, in case that fails */
	bool has_leftovers;   /* `rundir` has files of a dead supervisor */
	char *udc;	      /* NULL: the UDC of the gadget file */
	bool no_bind;
};
#define SETUP_NONE ((struct setup){ .rundir = RUNDIR_NONE })

/* Releases the run directory and with it the gadget's name. */
static void release_name(struct setup *setup)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (setup->rundir.lock_fd >= 0 && !setup->has_leftovers)
		rundir_remove(&setup->rundir, &ignored);
	rundir_close(&setup->rundir);
}

static void setup_free(struct setup *setup)
{
	release_name(setup);
	json_decref(setup->document);
	json_decref(setup->switched);
	free(setup->udc);
	gadget_free(setup->own);
	*setup = SETUP_NONE;
}

/* The state of this process, which is the supervisor of one gadget after the other. */
struct process {
	struct supervisor *s;
	const struct client_options *options;
	const struct paths *paths;
	char *origin; /* name of the first gadget */
	bool foreground;
	pid_t *inherited; /* see struct supervisor */
	size_t n_inherited;

	struct setup
		*previous; /* the gadget before the switch, freed when this one is up; NULL: none */
	const char
		*reason; /* why the switch failed, when the old gadget comes up again; else NULL */
	const char *output; /* last output of the gadget that failed */
	bool is_up;
};

/* Moves both setups out of the supervisor, and frees it. */
static void take_setups(struct process *p, struct setup *old, struct setup *new)
{
	struct supervisor *s = p->s;
	struct switching *sw = s->switching;
	struct gadget *reloaded = steal_ptr(s->own_gadget), *first = NULL;

	if (reloaded) {
		first = old->own;
		old->gadget = old->own = reloaded;
	}
	json_decref(old->document);
	old->document = json_incref(s->record.document);
	free(old->udc);
	old->udc = steal_ptr(s->udc);
	old->no_bind = s->no_bind;
	old->rundir = rundir_steal(&s->rundir);
	*new = (struct setup){ .gadget = sw->gadget,
			       .own = steal_ptr(sw->gadget),
			       .document = steal_ptr(sw->document),
			       .switched = steal_ptr(sw->switched),
			       .rundir = rundir_steal(&sw->rundir),
			       .has_leftovers = sw->has_leftovers,
			       .udc = steal_ptr(sw->udc),
			       .no_bind = old->no_bind };
	p->inherited = steal_ptr(s->live.inherited);
	p->n_inherited = s->live.n_inherited;
	supervisor_free(s);
	rundir_remove_files(&old->rundir);
	gadget_free(first); /* not freed before, because the supervisor used its name */
}

static void on_up(void *data)
{
	struct process *p = data;
	_cleanup_error_ struct error ignored = { 0 };

	p->is_up = true;
	rundir_set_owner(&p->s->rundir, OWNER_SUPERVISOR, &ignored);
	if (p->output && *p->output)
		supervisor_say(p->s, "%s", p->output);
	if (p->reason)
		supervisor_say(p->s, "not switched: %s; '%s' is up again", p->reason, p->s->name);
	else
		supervisor_say(p->s, "switched from '%s'",
			       json_text(p->s->live.switched, "from", "?"));
	if (p->previous)
		setup_free(p->previous);
	p->previous = NULL;
	privileges_give_up(
		p->s); /* gives up also privileges that only the previous gadget needed */
}

/* Undoes the gadget of a dead supervisor. Clearing releases the lock, so it is taken again. */
static int clear_leftovers(const struct process *p, struct setup *setup, struct error *err)
{
	const char *name = setup->gadget->name;
	int r = client_clear_leftovers(p->paths, name, &setup->rundir, err);

	setup->has_leftovers = false;
	return r < 0 ? r : rundir_lock(&setup->rundir, p->paths, name, OWNER_STARTING, err);
}

/* Returns when the gadget is down, or when it did not come up (p->is_up). p->s is always valid. */
static int supervise(struct process *p, struct setup *setup, struct error *err)
{
	struct client_options options = *p->options;
	struct supervisor *s = p->s;
	int r;

	p->is_up = false;
	options.udc = setup->udc;
	options.no_bind = setup->no_bind;
	r = supervisor_init(s, p->paths, setup->gadget, setup->gadget->name, err);
	s->live.inherited = steal_ptr(p->inherited);
	s->live.n_inherited = p->n_inherited;
	if (r == 0 && setup->has_leftovers)
		r = clear_leftovers(p, setup, err);
	if (r < 0)
		return r;
	s->live.foreground = p->foreground;
	s->live.switched = setup->switched;
	s->on_up = on_up;
	s->on_up_data = p;
	rundir_set_owner(&setup->rundir, OWNER_STARTING, err);
	client_configure_supervisor(
		s, &options, &setup->rundir,
		record_make(setup->gadget, setup->document,
			    streq(p->origin, setup->gadget->name) ? NULL : p->origin));
	return supervisor_run(s, options.timeout, setup->gadget->udc.wait, err);
}

/* Brings the old gadget up again, because the new one failed. */
static int go_back(struct process *p, struct setup *old, struct error *err)
{
	_cleanup_free_ char *output = client_last_output(p->s);
	_cleanup_error_ struct error reason = { 0 };
	int r;

	error_move(&reason, err);
	p->inherited = steal_ptr(p->s->live.inherited);
	p->n_inherited = p->s->live.n_inherited;
	supervisor_free(p->s);
	p->previous = NULL;
	p->reason = reason.text;
	p->output = output;
	r = supervise(p, old, err);
	if (!p->is_up && r < 0)
		error_hint(err, "it comes up again because of this: %s", reason.text);
	p->reason = p->output = NULL;
	return r;
}

static int switch_once(struct process *p, struct setup *setup, struct error *err)
{
	struct setup old = *setup, new;
	int r;

	take_setups(p, &old, &new);
	fault_hit(FAULT_SWITCH, 2);
	fault_next();
	p->previous = &old;
	r = supervise(p, &new, err);
	if (p->is_up || r == 0) {
		setup_free(&old);
		*setup = new;
		return r;
	}
	error_wrap(err, "'%s'", new.gadget->name);
	fault_hit(FAULT_SWITCH, 3);
	fault_next();
	r = go_back(p, &old, err);
	setup_free(&new);
	*setup = old;
	return r;
}

int client_run_switches(struct supervisor *s, const struct client_options *options, int r,
			struct error *err)
{
	struct process p = {
		.s = s, .options = options, .paths = s->paths, .foreground = s->live.foreground
	};
	struct setup setup = SETUP_NONE;

	if (r < 0 && s->switching)
		supervisor_say_of(s, NULL, LOG_ERR, "not switched: %s", err->text);
	if (r < 0 || !s->switching)
		return r;
	p.origin = xstrdup(s->name);
	setup.gadget = s->gadget;
	while (r == 0 && s->switching)
		r = switch_once(&p, &setup, err);
	setup_free(&setup);
	free(p.origin);
	return r;
}

/* --- gadgets of dead supervisors ---------------------------------------------------------------
 */

struct leftovers {
	const struct paths *paths;
	const char *origin;
	char **names;
	size_t n;
};

static int add_leftover(void *data, const char *name)
{
	struct leftovers *leftovers = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct record record;
	pid_t pid;

	if (rundir_owner(leftovers->paths, name, &pid, NULL) < 0 || pid != 0)
		return 0;
	if (record_read(leftovers->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.origin, leftovers->origin))
		*array_add(leftovers->names, leftovers->n) = xstrdup(name);
	record_free(&record);
	return 0;
}

static int clear_one(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;

	/* Another process took the lock. */
	if (rundir_lock(&rundir, paths, name, OWNER_CLEARING, err) < 0) {
		error_clear(err);
		return 0;
	}
	log_about(name, NULL, LOG_INFO, "%s: clearing what a dead supervisor has left", name);
	return client_clear_leftovers(paths, name, &rundir, err);
}

int client_clear_switched(const struct paths *paths, const char *name, struct error *err)
{
	struct leftovers leftovers = { .paths = paths, .origin = name };
	int r = 0;

	rundir_each(paths, add_leftover, &leftovers);
	for (size_t i = 0; i < leftovers.n; i++) {
		if (r == 0)
			r = clear_one(paths, leftovers.names[i], err);
		free(leftovers.names[i]);
	}
	free(leftovers.names);
	return r;
}

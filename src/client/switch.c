/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches to another gadget when a worker asks for it (supervisor/switch.c). The same process is
 * the supervisor of one gadget after the other, so a service manager sees a single process. At any
 * time only one gadget has a record with a plan, so there is at most one to undo when the process
 * is killed.
 */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/parts.h"
#include "plan/fault.h"
#include "rundir/record.h"
#include "supervisor/switching.h"

/* A gadget and the options of its supervisor. */
struct gadget_setup {
	const struct gadget *gadget;
	struct gadget *owned_gadget; /* `gadget` if this struct owns it; else NULL */
	json_t *document, *switched;
	struct rundir rundir; /* stays locked while the other gadget comes up, in case that fails */
	bool has_leftovers;   /* `rundir` has files of a dead supervisor */
	char *udc;	      /* NULL: the UDC of the gadget file */
	bool no_bind;
};
#define SETUP_NONE ((struct gadget_setup){ .rundir = RUNDIR_NONE })

/* Releases the run directory and with it the gadget's name. */
static void release_name(struct gadget_setup *setup)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (setup->rundir.lock_fd >= 0 && !setup->has_leftovers)
		rundir_remove(&setup->rundir, &ignored);
	rundir_close(&setup->rundir);
}

static void setup_free(struct gadget_setup *setup)
{
	release_name(setup);
	json_decref(setup->document);
	json_decref(setup->switched);
	free(setup->udc);
	gadget_free(setup->owned_gadget);
	*setup = SETUP_NONE;
}

/* The state of this process, which is the supervisor of one gadget after the other. */
struct switch_process {
	struct supervisor **s;
	const struct client_options *options;
	const struct paths *paths;
	char *origin; /* name of the first gadget */
	bool foreground;
	struct supervisor_children children; /* while there is no supervisor */

	const struct gadget *gadget; /* that comes up, or is up */
	const json_t *switched;	     /* "switch" in its workers' configurations */
	struct gadget_setup
		*previous; /* the gadget before the switch, freed when this one is up; NULL: none */
	const char
		*reason; /* why the switch failed, when the old gadget comes up again; else NULL */
	const char *output; /* last output of the gadget that failed */
	bool is_up;
};

/* Frees the supervisor, but keeps its children. */
static void end_supervisor(struct switch_process *p)
{
	if (*p->s)
		p->children = supervisor_steal_children(*p->s);
	supervisor_free(*p->s);
	*p->s = NULL;
}

/* Moves both setups out of the supervisor, and frees it. */
static void take_setups(struct switch_process *p, struct gadget_setup *old,
			struct gadget_setup *new)
{
	struct supervisor_left left = supervisor_leave(*p->s);
	struct switching *sw = left.next;
	struct gadget *first = NULL;

	if (left.gadget) {
		first = old->owned_gadget;
		old->gadget = old->owned_gadget = left.gadget;
	}
	json_decref(old->document);
	old->document = left.document;
	free(old->udc);
	old->udc = left.udc;
	old->no_bind = left.no_bind;
	old->rundir = left.rundir;
	*new = (struct gadget_setup){ .gadget = sw->gadget,
				      .owned_gadget = steal_ptr(sw->gadget),
				      .document = steal_ptr(sw->document),
				      .switched = steal_ptr(sw->switched),
				      .rundir = rundir_steal(&sw->rundir),
				      .has_leftovers = sw->has_leftovers,
				      .udc = steal_ptr(sw->udc),
				      .no_bind = old->no_bind };
	switching_free(sw);
	end_supervisor(p);
	rundir_remove_files(&old->rundir);
	gadget_free(first); /* not freed before, because the supervisor used its name */
}

static void on_up(void *data)
{
	struct switch_process *p = data;
	struct supervisor *s = *p->s;

	p->is_up = true;
	if (p->output && *p->output)
		supervisor_say(s, LOG_INFO, "%s", p->output);
	if (p->reason)
		supervisor_say(s, LOG_INFO, "not switched: %s; '%s' is up again", p->reason,
			       p->gadget->name);
	else
		supervisor_say(s, LOG_INFO, "switched from '%s'",
			       json_text(p->switched, "from", "?"));
	if (p->previous)
		setup_free(p->previous);
	p->previous = NULL;
	supervisor_give_up_privileges(
		s); /* gives up also privileges that only the previous gadget needed */
}

/* Undoes the gadget of a dead supervisor. Clearing releases the lock, so it is taken again. */
static int clear_leftovers(const struct switch_process *p, struct gadget_setup *setup,
			   struct error *err)
{
	const char *name = setup->gadget->name;
	int r = client_clear_leftovers(p->paths, name, &setup->rundir, err);

	setup->has_leftovers = false;
	return r < 0 ? r : rundir_lock(&setup->rundir, p->paths, name, OWNER_STARTING, err);
}

/*
 * Returns when the gadget is down, or when it did not come up (p->is_up). *p->s is NULL if no
 * supervisor could be made.
 */
static int supervise(struct switch_process *p, struct gadget_setup *setup, struct error *err)
{
	struct client_options options = *p->options;
	struct supervisor_setup supervisor;
	int r = 0;

	p->is_up = false;
	p->gadget = setup->gadget;
	p->switched = setup->switched;
	if (setup->has_leftovers)
		r = clear_leftovers(p, setup, err);
	if (r < 0)
		return r;
	rundir_set_owner(&setup->rundir, OWNER_STARTING, err);
	options.udc = setup->udc;
	options.no_bind = setup->no_bind;
	supervisor =
		client_setup(setup->gadget, setup->document,
			     streq(p->origin, setup->gadget->name) ? NULL : p->origin, &options);
	supervisor.foreground = p->foreground;
	supervisor.switched = setup->switched;
	supervisor.children = p->children;
	r = supervisor_new(p->s, &supervisor, &setup->rundir, err);
	if (r < 0) {
		record_free(&supervisor.record);
		return r;
	}
	p->children = (struct supervisor_children){ 0 };
	supervisor_on_up(*p->s, on_up, p);
	return supervisor_run(*p->s, options.timeout, setup->gadget->udc.wait, err);
}

/* Brings the old gadget up again, because the new one failed. */
static int go_back(struct switch_process *p, struct gadget_setup *old, struct error *err)
{
	_cleanup_free_ char *output = *p->s ? client_last_output(*p->s) : NULL, *text = NULL;
	_cleanup_error_ struct error reason = { 0 };
	int r;

	error_move(&reason, err);
	end_supervisor(p);
	p->previous = NULL;
	text = error_text(&reason);
	p->reason = text;
	p->output = output;
	r = supervise(p, old, err);
	if (!p->is_up && r < 0)
		error_detail(err, "it comes up again because of this: %s", text);
	p->reason = p->output = NULL;
	return r;
}

static int switch_once(struct switch_process *p, struct gadget_setup *setup, struct error *err)
{
	struct gadget_setup old = *setup, new;
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

int client_run_switches(struct supervisor **s, const struct gadget *g,
			const struct client_options *options, bool foreground, int r,
			struct error *err)
{
	struct switch_process p = {
		.s = s, .options = options, .paths = options->paths, .foreground = foreground
	};
	struct gadget_setup setup = SETUP_NONE;

	if (r < 0 && supervisor_switches(*s)) {
		_cleanup_free_ char *text = error_text(err);

		supervisor_say(*s, LOG_ERR, "not switched: %s", text);
	}
	if (r < 0 || !supervisor_switches(*s))
		return r;
	p.origin = xstrdup(g->name);
	setup.gadget = g;
	while (r == 0 && supervisor_switches(*s))
		r = switch_once(&p, &setup, err);
	setup_free(&setup);
	free(p.children.v);
	free(p.origin);
	return r;
}

/* --- gadgets of dead supervisors ---------------------------------------------------------------
 */

struct leftover_search {
	const struct paths *paths;
	const char *origin;
	char **names;
	size_t n;
};

static int add_leftover(void *data, const char *name)
{
	struct leftover_search *leftovers = data;
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
	client_say_clearing(name);
	return client_clear_leftovers(paths, name, &rundir, err);
}

int client_clear_switched(const struct paths *paths, const char *name, struct error *err)
{
	struct leftover_search leftovers = { .paths = paths, .origin = name };
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches to another gadget after a worker has requested it (supervisor/switch.c). The same
 * process becomes the supervisor of one gadget after the other, so that a service manager sees a
 * single process. At any time only one of these gadgets has a record with steps. If the process is
 * killed, at most one gadget must be undone.
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
#include "supervisor/requested_switch.h"

/* A gadget and the options of its supervisor. */
struct gadget_setup {
	const struct gadget *gadget;
	struct gadget *owned_gadget; /* `gadget` if this struct owns it; else NULL */
	json_t *document;	     /* document of the gadget file */
	json_t *switch_json;  /* the object "switch" in the workers' configurations; NULL: none */
	struct rundir rundir; /* stays locked until the other gadget is up */
	bool has_leftovers;   /* the run directory has files of a dead supervisor */
	char *udc;	      /* UDC to bind to; NULL: the one that the gadget file selects */
	bool no_bind;	      /* the gadget is not bound */
};
#define SETUP_NONE ((struct gadget_setup){ .rundir = RUNDIR_NONE })

/* Releases the lock on the gadget's name, and removes its run directory. */
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
	json_decref(setup->switch_json);
	free(setup->udc);
	gadget_free(setup->owned_gadget);
	*setup = SETUP_NONE;
}

/* A sequence of switches: this process is the supervisor of one gadget after the other. */
struct switch_sequence {
	struct supervisor **supervisor; /* of the current gadget; *supervisor NULL: none */
	const struct client_options *options;
	const struct paths *paths;
	char *first_gadget; /* name of the gadget that this process supervised first */
	bool foreground;
	/* Children of this process, while no supervisor owns them. */
	struct inherited_children children;

	const struct gadget *gadget; /* the current gadget, which comes up or is up */
	const json_t *switch_json;   /* the object "switch" in its workers' configurations */
	/* The gadget before the switch, freed when the current gadget is up; NULL: none. */
	struct gadget_setup *previous;
	/* Why the switch failed, while the old gadget comes up again; else NULL. */
	const char *reason;
	const char *output; /* last output of the workers of the gadget that failed */
	bool is_up;	    /* the current gadget was up */
};

/* Frees the supervisor, and keeps its list of child processes. */
static void end_supervisor(struct switch_sequence *p)
{
	if (*p->supervisor)
		p->children = supervisor_detach_inherited_children(*p->supervisor);
	supervisor_free(*p->supervisor);
	*p->supervisor = NULL;
}

/*
 * Moves the setups of the old and the new gadget out of the supervisor, and frees the supervisor.
 */
static void take_setups(struct switch_sequence *p, struct gadget_setup *old,
			struct gadget_setup *new)
{
	struct supervisor_handover left = supervisor_hand_over(*p->supervisor);
	struct requested_switch *sw = left.requested_switch;
	struct gadget *first = NULL;

	if (left.loaded_model) {
		first = old->owned_gadget;
		old->gadget = old->owned_gadget = left.loaded_model;
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
				      .switch_json = steal_ptr(sw->switch_json),
				      .rundir = rundir_steal(&sw->rundir),
				      .has_leftovers = sw->has_leftovers,
				      .udc = steal_ptr(sw->udc),
				      .no_bind = old->no_bind };
	requested_switch_free(sw);
	end_supervisor(p);
	rundir_remove_files(&old->rundir);
	gadget_free(first); /* after the supervisor, which used the name in it */
}

static void on_up(void *data)
{
	struct switch_sequence *p = data;
	struct supervisor *s = *p->supervisor;

	p->is_up = true;
	if (p->output && *p->output)
		supervisor_log(s, LOG_INFO, "%s", p->output);
	if (p->reason)
		supervisor_log(s, LOG_INFO, "not switched: %s; '%s' is up again", p->reason,
			       p->gadget->name);
	else
		supervisor_log(s, LOG_INFO, "switched from '%s'",
			       json_text(p->switch_json, "from", "?"));
	if (p->previous)
		setup_free(p->previous);
	p->previous = NULL;
	/* Also gives up the privileges that only the previous gadget needed. */
	supervisor_give_up_privileges(s);
}

/* Undoes the gadget of a dead supervisor. That releases the lock, which is then taken again. */
static int clear_leftovers(const struct switch_sequence *p, struct gadget_setup *setup,
			   struct error *err)
{
	const char *name = setup->gadget->name;
	int r = client_clear_leftovers(p->paths, name, &setup->rundir, err);

	setup->has_leftovers = false;
	return r < 0 ? r : rundir_lock(&setup->rundir, p->paths, name, OWNER_STARTING, err);
}

/*
 * Brings a gadget up and returns when it is down. p->is_up: the gadget was up. *p->supervisor is
 * NULL if no supervisor could be made.
 */
static int supervise(struct switch_sequence *p, struct gadget_setup *setup, struct error *err)
{
	struct client_options options = *p->options;
	struct supervisor_options supervisor;
	int r = 0;

	p->is_up = false;
	p->gadget = setup->gadget;
	p->switch_json = setup->switch_json;
	if (setup->has_leftovers)
		r = clear_leftovers(p, setup, err);
	if (r < 0)
		return r;
	rundir_set_owner(&setup->rundir, OWNER_STARTING, err);
	options.udc = setup->udc;
	options.no_bind = setup->no_bind;
	supervisor = client_setup(
		setup->gadget, setup->document,
		streq(p->first_gadget, setup->gadget->name) ? NULL : p->first_gadget, &options);
	supervisor.foreground = p->foreground;
	supervisor.switch_json = setup->switch_json;
	supervisor.inherited_children = p->children;
	r = supervisor_new(p->supervisor, &supervisor, &setup->rundir, err);
	if (r < 0) {
		record_free(&supervisor.record);
		return r;
	}
	p->children = (struct inherited_children){ 0 };
	supervisor_set_on_up(*p->supervisor, on_up, p);
	return supervisor_run(*p->supervisor, options.timeout, setup->gadget->udc.wait_seconds,
			      err);
}

/* Brings the old gadget up again, because the new one did not come up. */
static int bring_old_up_again(struct switch_sequence *p, struct gadget_setup *old,
			      struct error *err)
{
	_cleanup_free_ char *output = *p->supervisor ? client_last_output(*p->supervisor) : NULL,
			    *text = NULL;
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

static int switch_once(struct switch_sequence *p, struct gadget_setup *setup, struct error *err)
{
	struct gadget_setup old = *setup, new;
	int r;

	take_setups(p, &old, &new);
	fault_inject(FAULT_SWITCH, 2);
	fault_next_list();
	p->previous = &old;
	r = supervise(p, &new, err);
	if (p->is_up || r == 0) {
		setup_free(&old);
		*setup = new;
		return r;
	}
	error_wrap(err, "'%s'", new.gadget->name);
	fault_inject(FAULT_SWITCH, 3);
	fault_next_list();
	r = bring_old_up_again(p, &old, err);
	setup_free(&new);
	*setup = old;
	return r;
}

int client_run_switches(struct supervisor **s, const struct gadget *g,
			const struct client_options *options, bool foreground, int r,
			struct error *err)
{
	struct switch_sequence p = { .supervisor = s,
				     .options = options,
				     .paths = options->paths,
				     .foreground = foreground };
	struct gadget_setup setup = SETUP_NONE;

	if (r < 0 && supervisor_has_switched(*s)) {
		_cleanup_free_ char *text = error_text(err);

		supervisor_log(*s, LOG_ERR, "not switched: %s", text);
	}
	if (r < 0 || !supervisor_has_switched(*s))
		return r;
	p.first_gadget = xstrdup(g->name);
	setup.gadget = g;
	while (r == 0 && supervisor_has_switched(*s))
		r = switch_once(&p, &setup, err);
	setup_free(&setup);
	free(p.children.pids);
	free(p.first_gadget);
	return r;
}

/* --- gadgets of dead supervisors ---------------------------------------------------------------
 */

struct leftover_search {
	const struct paths *paths;
	const char *first_gadget;
	char **names;
	size_t n;
};

static int add_leftover(void *data, const char *name)
{
	struct leftover_search *leftovers = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct record record;
	pid_t pid;

	if (rundir_get_lock_owner(leftovers->paths, name, &pid, NULL) < 0 || pid != 0)
		return 0;
	if (record_read(leftovers->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.original_name, leftovers->first_gadget))
		*array_add(leftovers->names, leftovers->n) = xstrdup(name);
	record_free(&record);
	return 0;
}

static int clear_leftover(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;

	/* Fails if another process took the lock meanwhile; that process handles the gadget. */
	if (rundir_lock(&rundir, paths, name, OWNER_CLEARING, err) < 0) {
		error_clear(err);
		return 0;
	}
	client_log_clearing(name);
	return client_clear_leftovers(paths, name, &rundir, err);
}

int client_clear_switched(const struct paths *paths, const char *name, struct error *err)
{
	struct leftover_search leftovers = { .paths = paths, .first_gadget = name };
	int r = 0;

	rundir_each_gadget(paths, add_leftover, &leftovers);
	for (size_t i = 0; i < leftovers.n; i++) {
		if (r == 0)
			r = clear_leftover(paths, leftovers.names[i], err);
		free(leftovers.names[i]);
	}
	free(leftovers.names);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches to another gadget when a worker has requested it (supervisor/switch.c). The same process
 * supervises one gadget after the other, so that a service manager sees a single process. At any
 * time only one of these gadgets has a record with steps. If the process is killed, only that
 * gadget must be undone.
 */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/internal.h"
#include "plan/fault_injection.h"
#include "rundir/record.h"
#include "supervisor/requested_switch.h"

/* The old or the new gadget of a switch, and the options of its supervisor. */
struct supervised_gadget {
	const struct gadget *model;
	struct gadget *owned_model;	 /* same as `model` if this struct owns it; else NULL */
	json_t *document;		 /* document of the gadget file */
	json_t *switch_json_for_workers; /* object "switch" for the workers' configurations; NULL:
					  none */
	struct rundir rundir;		 /* locked until the other gadget of the switch is up */
	bool has_leftovers;		 /* the run directory has files of a dead supervisor */
	char *udc_name; /* UDC to bind to; NULL: the one that the gadget file selects */
	bool no_bind;	/* comes up unbound, because of --no-bind or `unbind` before the switch */
};
#define SUPERVISED_GADGET_NONE ((struct supervised_gadget){ .rundir = RUNDIR_NONE })

/* Removes the run directory, unless it has files of a dead supervisor, and releases the lock. */
static void release_run_dir(struct supervised_gadget *target)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (target->rundir.lock_fd >= 0 && !target->has_leftovers)
		rundir_remove(&target->rundir, &ignored);
	rundir_close(&target->rundir);
}

static void supervised_gadget_free(struct supervised_gadget *target)
{
	release_run_dir(target);
	json_decref(target->document);
	json_decref(target->switch_json_for_workers);
	free(target->udc_name);
	gadget_free(target->owned_model);
	*target = SUPERVISED_GADGET_NONE;
}

/* The switches of this process, which supervises one gadget after the other. */
struct switch_sequence {
	/* The supervisor of the current gadget; *supervisor may be NULL. */
	struct supervisor **supervisor;
	const struct client_options *command_options;
	const struct paths *paths;
	char *first_gadget_name; /* name of the gadget that this process supervised first */
	bool foreground;
	/* Child processes, between the end of a supervisor and the start of the next one. */
	struct foreign_children foreign_children;

	const struct gadget *supervised_model; /* the gadget that this process supervises */
	/* JSON object for the member "switch" in the configurations of the current gadget's workers
	 */
	const json_t *switch_json_for_workers;
	/* The gadget before the switch. Freed when the current gadget is up; then NULL. */
	struct supervised_gadget *previous_gadget;
	/* Reason why the switch failed, while the old gadget is brought up again; else NULL. */
	const char *failure_reason;
	const char *failed_gadget_log_lines; /* last log lines of the gadget that did not come up */
	bool supervised_came_up;	     /* the current gadget came up */
};

/* Frees the supervisor, but keeps the list of its child processes. */
static void free_current_supervisor(struct switch_sequence *p)
{
	if (*p->supervisor)
		p->foreign_children = supervisor_hand_over_foreign_children(*p->supervisor);
	supervisor_free(*p->supervisor);
	*p->supervisor = NULL;
}

/* Moves the old and the new gadget out of the supervisor, and frees the supervisor. */
static void move_gadgets_out_and_free_supervisor(struct switch_sequence *p,
						 struct supervised_gadget *old,
						 struct supervised_gadget *new)
{
	struct switch_handover left = supervisor_hand_over_for_switch(*p->supervisor);
	struct requested_switch *sw = left.requested_switch;
	struct gadget *first = NULL;

	if (left.previous_model_from_reload) {
		first = old->owned_model;
		old->model = old->owned_model = left.previous_model_from_reload;
	}
	json_decref(old->document);
	old->document = left.previous_document;
	free(old->udc_name);
	old->udc_name = left.previous_udc;
	old->no_bind = left.previous_no_bind;
	old->rundir = left.previous_rundir;
	*new = (struct supervised_gadget){ .model = sw->target_gadget,
					   .owned_model = steal_ptr(sw->target_gadget),
					   .document = steal_ptr(sw->target_document),
					   .switch_json_for_workers =
						   steal_ptr(sw->switch_json_for_workers),
					   .rundir = rundir_steal(&sw->target_rundir),
					   .has_leftovers = sw->target_has_record,
					   .udc_name = steal_ptr(sw->target_udc),
					   .no_bind = old->no_bind };
	requested_switch_free(sw);
	free_current_supervisor(p);
	rundir_remove_files(&old->rundir);
	/* Frees the model after the supervisor, because the supervisor used the name in it. */
	gadget_free(first);
}

static void on_gadget_up(void *data)
{
	struct switch_sequence *p = data;
	struct supervisor *s = *p->supervisor;

	p->supervised_came_up = true;
	if (p->failed_gadget_log_lines && *p->failed_gadget_log_lines)
		supervisor_log(s, LOG_INFO, "%s", p->failed_gadget_log_lines);
	if (p->failure_reason)
		supervisor_log(s, LOG_INFO, "not switched: %s; '%s' is up again", p->failure_reason,
			       p->supervised_model->name);
	else
		supervisor_log(s, LOG_INFO, "switched from '%s'",
			       json_text(p->switch_json_for_workers, "from", "?"));
	if (p->previous_gadget)
		supervised_gadget_free(p->previous_gadget);
	p->previous_gadget = NULL;
	/* Gives up the privileges that only the previous gadget needed. */
	supervisor_give_up_privileges(s);
}

/* Undoes the gadget of a dead supervisor. Takes the lock again, because the undo releases it. */
static int clear_leftovers_and_lock_again(const struct switch_sequence *p,
					  struct supervised_gadget *target, struct error *err)
{
	const char *name = target->model->name;
	int r = supervisor_undo_recorded_plan(p->paths, name, &target->rundir, err);

	target->has_leftovers = false;
	return r < 0 ? r : rundir_lock(&target->rundir, p->paths, name, OWNER_STARTING, err);
}

/*
 * Brings the gadget `target` up and supervises it until it is down. Stores in p->supervised_came_up
 * whether it came up. Sets *p->supervisor to NULL if no supervisor could be made.
 */
static int supervise_until_down(struct switch_sequence *p, struct supervised_gadget *target,
				struct error *err)
{
	struct client_options options = *p->command_options;
	struct supervisor_options supervisor;
	int r = 0;

	p->supervised_came_up = false;
	p->supervised_model = target->model;
	p->switch_json_for_workers = target->switch_json_for_workers;
	if (target->has_leftovers)
		r = clear_leftovers_and_lock_again(p, target, err);
	if (r < 0)
		return r;
	rundir_write_lock_owner(&target->rundir, OWNER_STARTING, err);
	options.udc_name = target->udc_name;
	options.no_bind = target->no_bind;
	supervisor = client_make_supervisor_options(
		target->model, target->document,
		streq(p->first_gadget_name, target->model->name) ? NULL : p->first_gadget_name,
		&options);
	supervisor.udc_may_be_missing = target->udc_name;
	supervisor.foreground = p->foreground;
	supervisor.switch_json_for_workers = target->switch_json_for_workers;
	supervisor.foreign_children = p->foreign_children;
	r = supervisor_new(p->supervisor, &supervisor, &target->rundir, err);
	if (r < 0) {
		record_free(&supervisor.first_record);
		return r;
	}
	p->foreign_children = (struct foreign_children){ 0 };
	supervisor_set_on_up(*p->supervisor, on_gadget_up, NULL, p);
	return supervisor_run(*p->supervisor, options.up_timeout_seconds,
			      target->model->udc.wait_seconds, err);
}

/* Brings the old gadget up again, because the new gadget did not come up. */
static int bring_previous_up_again(struct switch_sequence *p, struct supervised_gadget *old,
				   struct error *err)
{
	_cleanup_free_ char *output = *p->supervisor ? client_last_log_lines(*p->supervisor) : NULL,
			    *text = NULL;
	_cleanup_error_ struct error reason = { 0 };
	int r;

	error_move(&reason, err);
	free_current_supervisor(p);
	p->previous_gadget = NULL;
	text = error_text(&reason);
	p->failure_reason = text;
	p->failed_gadget_log_lines = output;
	r = supervise_until_down(p, old, err);
	if (!p->supervised_came_up && r < 0)
		error_add_detail(err, "the switch to another gadget had failed before: %s", text);
	p->failure_reason = p->failed_gadget_log_lines = NULL;
	return r;
}

/*
 * Makes the supervisor of the gadget to which the last one has switched, and returns when that
 * gadget is down. If it does not come up, supervises the gadget before it again. *target becomes
 * the gadget that was supervised last.
 */
static int supervise_next_gadget(struct switch_sequence *p, struct supervised_gadget *target,
				 struct error *err)
{
	struct supervised_gadget old = *target, new;
	int r;

	move_gadgets_out_and_free_supervisor(p, &old, &new);
	fault_inject(FAULT_SWITCH, 2);
	fault_use_next_fault_list();
	p->previous_gadget = &old;
	r = supervise_until_down(p, &new, err);
	if (p->supervised_came_up || r == 0) {
		supervised_gadget_free(&old);
		*target = new;
		return r;
	}
	error_wrap(err, "'%s'", new.model->name);
	fault_inject(FAULT_SWITCH, 3);
	fault_use_next_fault_list();
	r = bring_previous_up_again(p, &old, err);
	supervised_gadget_free(&new);
	*target = old;
	return r;
}

int client_run_requested_switches(struct supervisor **s, const struct gadget *g,
				  const struct client_options *options, bool foreground,
				  int supervisor_result, struct error *err)
{
	struct switch_sequence p = { .supervisor = s,
				     .command_options = options,
				     .paths = options->paths,
				     .foreground = foreground };
	struct supervised_gadget target = SUPERVISED_GADGET_NONE;
	int r = supervisor_result;

	if (r < 0 && supervisor_ended_for_switch(*s)) {
		_cleanup_free_ char *text = error_text(err);

		supervisor_log(*s, LOG_ERR, "not switched: %s", text);
	}
	if (r < 0 || !supervisor_ended_for_switch(*s))
		return r;
	p.first_gadget_name = xstrdup(g->name);
	target.model = g;
	while (r == 0 && supervisor_ended_for_switch(*s))
		r = supervise_next_gadget(&p, &target, err);
	supervised_gadget_free(&target);
	free(p.foreign_children.pids);
	free(p.first_gadget_name);
	return r;
}

/* --- gadgets of dead supervisors ---------------------------------------------------------------
 */

struct leftover_search {
	const struct paths *paths;
	const char *first_gadget_name;
	char **found_names;
	size_t n_found_names;
};

static int add_leftover_name(void *data, const char *name)
{
	struct leftover_search *leftovers = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct record record;
	pid_t pid;

	if (rundir_get_lock_owner(leftovers->paths, name, &pid, NULL) < 0 || pid != 0)
		return 0;
	if (record_read(leftovers->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.first_gadget_name, leftovers->first_gadget_name))
		*array_add(leftovers->found_names, leftovers->n_found_names) = xstrdup(name);
	record_free(&record);
	return 0;
}

static int clear_leftovers_of_dead_gadget(const struct paths *paths, const char *name,
					  struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;

	/* Ignores the gadget if another process has taken its lock: that process undoes it. */
	if (rundir_lock(&rundir, paths, name, OWNER_CLEARING, err) < 0) {
		error_clear(err);
		return 0;
	}
	client_log_clearing_leftovers(name);
	return supervisor_undo_recorded_plan(paths, name, &rundir, err);
}

int client_undo_dead_switch_targets(const struct paths *paths, const char *name, struct error *err)
{
	struct leftover_search leftovers = { .paths = paths, .first_gadget_name = name };
	int r = 0;

	rundir_each_gadget(paths, add_leftover_name, &leftovers);
	for (size_t i = 0; i < leftovers.n_found_names; i++) {
		if (r == 0)
			r = clear_leftovers_of_dead_gadget(paths, leftovers.found_names[i], err);
		free(leftovers.found_names[i]);
	}
	free(leftovers.found_names);
	return r;
}

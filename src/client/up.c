/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a gadget up in the background or in the foreground, or only makes the gadget's plan. */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "client/inspect_common.h"
#include "client/internal.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "rundir/record.h"
#include "rundir/status.h"
#include "supervisor/gadget_errors.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/signals.h"

#define OWNER_WAIT_MS 1000 /* maximum time to wait for a pid in the lock file, in milliseconds */

/* --- the process that owns the lock --- */

/* Returns the gadget's state in its status file; STATUS_UNKNOWN: the file cannot be read. */
static enum gadget_state_in_status read_state_from_status(const struct paths *paths,
							  const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_status status;
	enum gadget_state_in_status state;

	status_file_read(paths, name, &status, &ignored);
	state = status.state;
	status_free(&status);
	return state;
}

/*
 * Returns the gadget's UDC in its status file; NULL: not bound. The caller frees the name. Sets
 * *awaits_udc, unless it is NULL, to whether the gadget is not bound only because this UDC was
 * removed.
 */
static char *read_udc_from_status(const struct paths *paths, const char *name, bool *awaits_udc)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_status status;
	char *udc;

	status_file_read(paths, name, &status, &ignored);
	udc = steal_ptr(status.udc);
	if (awaits_udc)
		*awaits_udc = udc && !udc_exists(udc) && !status.taken && !status.no_bind &&
			      status.state != STATUS_FAILED;
	status_free(&status);
	return udc;
}

/*
 * Checks that a gadget that is up is bound as the options require: to the UDC of --udc, or to none
 * with --no-bind.
 */
static int check_bound_as_required(const struct gadget *g, const struct client_options *options,
				   struct error *err)
{
	_cleanup_free_ char *udc = read_udc_from_status(options->paths, g->name, NULL);

	if (!udc && !options->no_bind) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up but not bound", g->name);
		return error_add_hint(err, "'ffsctl bind %s' binds it", g->name);
	}
	if (udc && options->no_bind) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up and bound to %s", g->name,
			  udc);
		return error_add_unbind_hint(g->name, err);
	}
	if (udc && options->udc_name && !streq(udc, options->udc_name))
		return gadget_error_bound_elsewhere(g->name, udc, options->udc_name, err);
	return 0;
}

/*
 * Sets the error for a gadget that is up and whose record was removed. If the process `pid` does
 * not own the gadget's lock any more, returns -EAGAIN instead and does not set err.
 */
static int error_record_removed(const struct paths *paths, const char *name, pid_t pid,
				struct error *err)
{
	pid_t now;

	if (rundir_get_lock_owner(paths, name, &now, NULL) < 0 || now != pid)
		return -EAGAIN;
	error_set(err, EX_CANTCREAT, EEXIST, NULL,
		  "'%s' is up, but its record in %s/%s was removed", name, paths->run_dir, name);
	return error_add_hint(err, "take it down first");
}

/*
 * Finds the process that owns the lock, as rundir_get_lock_owner does. If that process has just
 * taken the lock, waits at most OWNER_WAIT_MS until the process has written its pid to the lock
 * file, because error messages contain the pid.
 */
static int wait_for_owner_pid(const struct paths *paths, const char *name, pid_t *pid,
			      enum lock_owner_role *role)
{
	for (int i = 0;; i++) {
		int r = rundir_get_lock_owner(paths, name, pid, role);

		if (r < 0 || *pid >= 0 || i == OWNER_WAIT_MS)
			return r;
		poll(NULL, 0, 1);
	}
}

/*
 * Checks the process that owns the gadget's lock. Returns 0 if that process is the supervisor of
 * the same gadget. Returns -ESTALE without setting err if the gadget has failed and can be taken
 * down. Returns -EAGAIN without setting err if the owner has just ended. In all other cases
 * returns a negative errno with err set.
 */
static int check_same_gadget_is_up(const struct gadget *g, const json_t *document,
				   const struct client_options *options, struct error *err)
{
	const struct paths *paths = options->paths;
	enum gadget_state_in_status state = read_state_from_status(paths, g->name);
	struct record mine, theirs;
	enum lock_owner_role role;
	pid_t pid;
	int r = wait_for_owner_pid(paths, g->name, &pid, &role);

	if (r < 0 || pid == 0)
		return -EAGAIN; /* the process that owned the lock has ended */
	if (role != OWNER_SUPERVISOR)
		return rundir_fail_in_use(g->name, pid, role, err);
	if (state == STATUS_FAILED)
		return -ESTALE;
	r = record_read(paths, g->name, &theirs, err);
	if (r == -ENOENT)
		return error_record_removed(paths, g->name, pid, err);
	if (r < 0)
		return r;
	mine = record_make(g, document, NULL);
	if (!records_describe_equal_gadgets(&mine, &theirs)) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "a different gadget '%s' is up",
			  g->name);
		error_add_hint(err, "'ffsctl reload %s%s%s%s' applies the gadget file",
			       record_name_was_overridden(&mine) ? "--name " : "",
			       record_name_was_overridden(&mine) ? g->name : "",
			       record_name_was_overridden(&mine) ? " " : "", g->file);
	} else {
		check_bound_as_required(g, options, err);
	}
	record_free(&mine);
	record_free(&theirs);
	return err->exit ? -err->errno_value : 0;
}

/*
 * Tries to take over the gadget of a dead supervisor. Returns whether the takeover succeeded; if
 * not, the caller still owns `rundir`.
 */
static bool try_take_over(struct supervisor **s, const struct gadget *g, const json_t *document,
			  const struct client_options *options, bool foreground,
			  struct rundir *rundir)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (client_make_supervisor(s, g, document, options, foreground, rundir, &ignored) < 0)
		return false;
	if (supervisor_take_over_if_plan_matches_record(*s) == 0)
		return true;
	*rundir = supervisor_hand_over_rundir(*s);
	supervisor_free(*s);
	return false;
}

/*
 * Called when another process owns the gadget's lock. If the same gadget is up, sets *result to
 * CLIENT_UNCHANGED and returns 0. If the lock is free again, returns -EAGAIN without setting err.
 * Otherwise returns a negative errno with err set.
 */
static int accept_same_gadget_or_take_down_failed(const struct gadget *g, const json_t *document,
						  const struct client_options *options,
						  enum client_result *result, struct error *err)
{
	enum client_result ignored;
	int r;

	error_clear(err);
	r = check_same_gadget_is_up(g, document, options, err);
	if (r == 0)
		*result = CLIENT_UNCHANGED;
	if (r != -ESTALE || err->exit)
		return r;
	log_about(g->name, NULL, LOG_INFO, "%s: has failed; taking it down first", g->name);
	r = client_down(options->paths, g->name, CLIENT_DOWN_RECORDED, &ignored, err);
	return r < 0 ? r : -EAGAIN;
}

/*
 * Fails if another program has made a gadget with the name of `g`. The caller owns the lock in
 * `rundir`.
 */
static int check_name_is_free(const struct gadget *g, const struct paths *paths,
			      struct rundir *rundir, struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, g->name);

	if (path_exists(dir)) {
		error_gadget_of_other_program(g->name, dir, err);
		error_add_hint(err, "'ffsctl up --name' gives the new gadget another name");
	} else if (g->n_switch_to > 0) {
		client_undo_dead_switch_targets(paths, g->name, err);
	}
	if (err->exit)
		rundir_remove(rundir, &(struct error){ 0 });
	return err->exit ? -err->errno_value : 0;
}

/*
 * Takes the lock and makes the supervisor. Sets *result to CLIENT_DONE for a new gadget, and to
 * CLIENT_TAKEN_OVER for the gadget of a dead supervisor. If the same gadget is up already, sets
 * *result to CLIENT_UNCHANGED and makes no supervisor.
 */
static int lock_and_make_supervisor(struct supervisor **s, const struct gadget *g,
				    const json_t *document, const struct client_options *options,
				    bool foreground, enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	const struct paths *paths = options->paths;
	int r;

	*result = CLIENT_DONE;
	/* The path must be UTF-8, because it is written to the record and the status as JSON. */
	if (!text_is_utf8(g->file)) {
		error_set(err, EX_USAGE, EILSEQ, NULL,
			  "the path of the gadget file of '%s' is not UTF-8", g->name);
		return error_add_hint(err, "rename the file or its directory");
	}
	signals_hold_reload();
	for (;;) {
		r = rundir_lock(&rundir, paths, g->name, OWNER_STARTING, err);
		if (r == -EWOULDBLOCK) {
			r = accept_same_gadget_or_take_down_failed(g, document, options, result,
								   err);
			if (r == -EAGAIN && !err->exit)
				continue;
			return r;
		}
		if (r < 0)
			return r;
		if (!rundir_has_record(&rundir))
			break;
		/* If the dead supervisor had switched to another gadget, undoes that gadget. */
		r = g->n_switch_to > 0 ? client_undo_dead_switch_targets(paths, g->name, err) : 0;
		if (r < 0)
			return r;
		if (try_take_over(s, g, document, options, foreground, &rundir)) {
			*result = CLIENT_TAKEN_OVER;
			return 0;
		}
		client_log_clearing_leftovers(g->name);
		r = supervisor_undo_recorded_plan(paths, g->name, &rundir, err);
		if (r < 0)
			return r;
	}
	r = check_name_is_free(g, paths, &rundir, err);
	return r < 0 ? r
		     : client_make_supervisor(s, g, document, options, foreground, &rundir, err);
}

/* --- up ------------------------------------------------------------------------------------------
 */

int client_bring_up_and_supervise(const struct gadget *g, const json_t *document,
				  const struct client_options *options, int report_fd,
				  bool *reported, char **output, struct error *err)
{
	enum client_result result;
	struct supervisor *s;
	int r;

	*output = NULL;
	*reported = false;
	/* Closes all inherited file descriptors except stdin, stdout, stderr and report_fd. */
	fd_close_others(&report_fd, 1);
	r = lock_and_make_supervisor(&s, g, document, options, false, &result, err);
	if (r < 0)
		return r;
	if (result == CLIENT_UNCHANGED) {
		struct client_up_report report = { .result = CLIENT_UNCHANGED };
		struct inspect_kernel_state kernel;
		_cleanup_free_ char *udc =
			read_udc_from_status(options->paths, g->name, &report.awaits_udc);

		inspect_kernel_state_read(options->paths, g->name, &kernel);
		report.is_bound = udc && streq_null(udc, kernel.bound_udc);
		inspect_kernel_state_free(&kernel);
		client_send_report(report_fd, report, g->name, udc);
		*reported = true;
		return 0;
	}
	r = client_supervise_in_background(&s, g, result, options, report_fd, reported, err);
	if (!*reported) {
		*output = client_last_log_lines(s);
		if (r == 0)
			r = error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
				      "'%s' was taken down before it was up", g->name);
	}
	supervisor_free(s);
	return r;
}

static void release_unused_memory_after_parsing(void *data _unused_)
{
	memory_release_unused();
}

int client_run_in_foreground(const struct gadget *g, const json_t *document,
			     const struct client_options *options, struct error *err)
{
	enum client_result result;
	struct supervisor *s;
	int r = lock_and_make_supervisor(&s, g, document, options, true, &result, err);

	if (r < 0)
		return r;
	if (result == CLIENT_UNCHANGED)
		return gadget_error_up_already(g->name, err);
	supervisor_list_foreign_children(s);
	supervisor_set_on_up(s, NULL, release_unused_memory_after_parsing, NULL);
	supervisor_set_ready_notification_fd(s, options->notify_fd);
	r = supervisor_run(s, options->up_timeout_seconds, options->udc_wait_seconds, err);
	r = client_run_requested_switches(&s, g, options, true, r, err);
	supervisor_free(s);
	return r;
}

/* Returns the name for a UDC that does not exist. The caller frees it. */
static char *missing_udc_name(const struct gadget *g, const struct client_options *options)
{
	if (options->udc_name)
		return xstrdup(options->udc_name);
	return xstrdup(g->udc.name.value ? g->udc.name.value : CLIENT_ANY_UDC);
}

int client_make_plan(const struct gadget *g, const struct client_options *options,
		     struct plan *plan, struct error *missing_udc, struct error *err)
{
	_cleanup_free_ char *udc = NULL;
	struct plan_preview preview;
	int r = 0;

	if (!options->no_bind)
		r = udc_choose(options->paths, &g->udc, options->udc_name, &udc, err);
	if (r == -ENODEV) {
		error_move(missing_udc, err);
		udc = missing_udc_name(g, options);
	} else if (r < 0) {
		return r;
	}
	r = plan_preview_make(&preview, options->paths, g, udc, err);
	if (r == 0) {
		*plan = preview.plan;
		preview.plan = (struct plan){ 0 };
	}
	plan_preview_free(&preview);
	return r;
}

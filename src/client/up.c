/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bringing a gadget up: in the background, in the foreground, on paper. */
#include "config.h"

#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "client/parts.h"
#include "configfs/udc.h"
#include "function/reap.h"
#include "rundir/record.h"
#include "supervisor/plan.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

#define UNSIGNED_MS 1000

/* --- who has it --- */

static char *status_string(const struct paths *paths, const char *name, const char *key)
{
	_cleanup_error_ struct error ignored = { 0 };
	json_t *status = NULL;
	const char *value;
	char *copy = NULL;

	if (rundir_read(paths, name, RUNDIR_STATUS, &status, &ignored) == 0) {
		value = json_string_value(json_object_get(status, key));
		copy = value ? xstrdup(value) : NULL;
	}
	json_decref(status);
	return copy;
}

/* The same gadget is up; but is it where it is wanted? */
static int judge_bus(const struct gadget *g, const struct client_options *options,
		     struct error *err)
{
	_cleanup_free_ char *udc = status_string(options->paths, g->name, "udc");

	if (!udc && !options->no_bind) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up, but not bound", g->name);
		return error_hint(err, "'ffsctl bind %s' binds it", g->name);
	}
	if (udc && options->no_bind)
		error_set(err, EX_CANTCREAT, EEXIST, NULL,
			  "'%s' is up on %s, which --no-bind does not want", g->name, udc);
	else if (udc && options->udc && !streq(udc, options->udc))
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up on %s, not on %s", g->name,
			  udc, options->udc);
	return err->exit ? error_hint(err, "take it down first") : 0;
}

/* The owner has no record: because it has just ended, or because somebody has taken that away. */
static int lost_record(const struct paths *paths, const char *name, pid_t pid, struct error *err)
{
	pid_t now;

	if (rundir_owner(paths, name, &now, NULL) < 0 || now != pid)
		return -EAGAIN;
	error_set(err, EX_CANTCREAT, EEXIST, NULL,
		  "'%s' is up, but its record in %s/%s does not exist any more", name,
		  paths->run_dir, name);
	return error_hint(err, "take it down first");
}

/*
 * Whose lock it is, as rundir_owner. Who has just taken it is about to sign it: that is waited for
 * (a millisecond each time) rather than not to know who is in the way.
 */
static int signed_owner(const struct paths *paths, const char *name, pid_t *pid, char **who)
{
	for (int i = 0;; i++) {
		int r = rundir_owner(paths, name, pid, who);

		if (r < 0 || *pid >= 0 || i == UNSIGNED_MS)
			return r;
		free(steal_ptr(*who));
		poll(NULL, 0, 1);
	}
}

/*
 * Somebody has the lock. 0: a supervisor of the same gadget, all is well; -ESTALE: of one that has
 * failed and may be taken down; else err says what is in the way.
 */
static int judge_owner(const struct gadget *g, const json_t *form,
		       const struct client_options *options, struct error *err)
{
	const struct paths *paths = options->paths;
	_cleanup_free_ char *who = NULL, *state = status_string(paths, g->name, "state");
	struct record mine, theirs;
	pid_t pid;
	int r = signed_owner(paths, g->name, &pid, &who);

	if (r < 0 || pid == 0)
		return -EAGAIN; /* it has just ended */
	if (!who || !streq(who, OWNER_SUPERVISOR))
		return rundir_in_use(g->name, pid, who, err);
	if (state && streq(state, "failed"))
		return -ESTALE;
	r = record_read(paths, g->name, &theirs, err);
	if (r == -ENOENT)
		return lost_record(paths, g->name, pid, err);
	if (r < 0)
		return r;
	mine = record_make(g, form, NULL);
	if (!record_is_of_same_gadget(&mine, &theirs)) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "a different gadget '%s' is up",
			  g->name);
		error_hint(err, "'ffsctl reload %s%s%s%s' makes it what the file says",
			   record_is_renamed(&mine) ? "--name " : "",
			   record_is_renamed(&mine) ? g->name : "",
			   record_is_renamed(&mine) ? " " : "", g->file);
	} else {
		judge_bus(g, options, err);
	}
	record_free(&mine);
	record_free(&theirs);
	return err->exit ? -err->err : 0;
}

static bool take_over(struct supervisor *s, const struct gadget *g, const json_t *form,
		      const struct client_options *options, bool foreground, struct rundir *rundir)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (client_make(s, g, form, options, foreground, rundir, &ignored) < 0)
		return false;
	if (take_over_if_unchanged(s) == 0)
		return true;
	*rundir = rundir_steal(&s->rundir);
	supervisor_free(s);
	return false;
}

/* Somebody has the lock. -EAGAIN: not any more; 0: *result is CLIENT_UNCHANGED. */
static int meet_owner(const struct gadget *g, const json_t *form,
		      const struct client_options *options, enum client_result *result,
		      struct error *err)
{
	enum client_result ignored;
	int r;

	error_clear(err);
	r = judge_owner(g, form, options, err);
	if (r == 0)
		*result = CLIENT_UNCHANGED;
	if (r != -ESTALE || err->exit)
		return r;
	log_about(g->name, NULL, LOG_INFO, "%s: has failed; taking it down first", g->name);
	r = client_down(options->paths, g->name, CLIENT_OURS, &ignored, err);
	return r < 0 ? r : -EAGAIN;
}

/* The lock is ours, and nothing of an earlier one is left. */
static int look_around(const struct gadget *g, const struct paths *paths, struct rundir *rundir,
		       struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, g->name);

	if (path_exists(dir)) {
		error_set(err, EX_CANTCREAT, EEXIST, dir,
			  "there is a gadget '%s' that ffsctl has not made", g->name);
		error_hint(err,
			   "use --name for another name, or 'ffsctl down --force %s' to take it "
			   "down",
			   g->name);
	} else if (g->n_switch_to > 0) {
		client_clear_switched(paths, g->name, err);
	}
	if (err->exit)
		rundir_remove(rundir, &(struct error){ 0 });
	return err->exit ? -err->err : 0;
}

/*
 * Makes the supervisor, which may begin: of a gadget that is not up, with nothing of an earlier one
 * left (CLIENT_DONE), or of one that it has taken over (CLIENT_TAKEN_OVER). CLIENT_UNCHANGED: the
 * same is up already, and nothing was made.
 */
static int acquire(struct supervisor *s, const struct gadget *g, const json_t *form,
		   const struct client_options *options, bool foreground,
		   enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	const struct paths *paths = options->paths;
	int r;

	*result = CLIENT_DONE;
	/* The record and the status are JSON. */
	if (!text_is_utf8(g->file)) {
		error_set(err, EX_USAGE, EILSEQ, NULL,
			  "the path of the gadget file of '%s' is not UTF-8", g->name);
		return error_hint(err, "rename what is not");
	}
	for (;;) {
		r = rundir_lock(&rundir, paths, g->name, OWNER_STARTING, err);
		if (r == -EWOULDBLOCK) {
			r = meet_owner(g, form, options, result, err);
			if (r == -EAGAIN && !err->exit)
				continue;
			return r;
		}
		if (r < 0)
			return r;
		if (!rundir_has_record(&rundir))
			break;
		/* It may have died when it was about to become another one. */
		r = g->n_switch_to > 0 ? client_clear_switched(paths, g->name, err) : 0;
		if (r < 0)
			return r;
		if (take_over(s, g, form, options, foreground, &rundir)) {
			*result = CLIENT_TAKEN_OVER;
			return 0;
		}
		log_about(g->name, NULL, LOG_INFO, "%s: clearing what a dead supervisor has left",
			  g->name);
		r = client_clear_leftovers(paths, g->name, &rundir, err);
		if (r < 0)
			return r;
	}
	r = look_around(g, paths, &rundir, err);
	return r < 0 ? r : client_make(s, g, form, options, foreground, &rundir, err);
}

/* --- up ------------------------------------------------------------------------------------------
 */

int client_up(const struct gadget *g, const json_t *form, const struct client_options *options,
	      int report_fd, bool *reported, char **output, struct error *err)
{
	enum client_result result;
	struct supervisor s;
	int r;

	*output = NULL;
	*reported = false;
	/* What we were started with is the caller's; 0 to 2 are still wanted for words. */
	fd_close_others(&report_fd, 1);
	r = acquire(&s, g, form, options, false, &result, err);
	if (r < 0)
		return r;
	if (result == CLIENT_UNCHANGED) {
		_cleanup_free_ char *udc = status_string(options->paths, g->name, "udc");

		client_report(report_fd, CLIENT_UNCHANGED, g->name, udc);
		*reported = true;
		return 0;
	}
	r = client_supervise(&s, result, options, report_fd, reported, err);
	if (!*reported) {
		*output = client_last_output(&s);
		if (r == 0)
			r = error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
				      "'down' came before '%s' was up", g->name);
	}
	supervisor_free(&s);
	return r;
}

static void sign_up(void *data)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error ignored = { 0 };

	rundir_set_owner(&s->rundir, OWNER_SUPERVISOR, &ignored);
	memory_release();
}

int client_run(const struct gadget *g, const json_t *form, const struct client_options *options,
	       struct error *err)
{
	enum client_result result;
	struct supervisor s;
	int r = acquire(&s, g, form, options, true, &result, err);

	if (r < 0)
		return r;
	if (result == CLIENT_UNCHANGED)
		return error_set(err, EX_CANTCREAT, EEXIST, NULL,
				 "'%s' is up already, under another supervisor", g->name);
	reap_note_inherited(&s.live);
	s.on_up = sign_up;
	s.on_up_data = &s;
	s.notify.fd = options->notify_fd;
	r = supervisor_run(&s, options->timeout, options->wait_udc, err);
	r = client_go_on(&s, options, r, err);
	supervisor_free(&s);
	return r;
}

int client_plan(const struct gadget *g, const struct client_options *options, struct plan *plan,
		struct error *err)
{
	_cleanup_free_ char *udc = NULL;
	struct preview preview;
	int r = 0;

	if (!options->no_bind)
		r = udc_choose(options->paths, &g->udc, options->udc, &udc, err);
	if (r < 0)
		return r;
	r = preview_make(&preview, options->paths, g, udc, err);
	if (r == 0) {
		*plan = preview.plan;
		preview.plan = (struct plan){ 0 };
	}
	preview_free(&preview);
	return r;
}

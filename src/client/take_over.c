/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going on in place of a supervisor that has died, with what its record says: no gadget file is
 * read, as in reexec.
 */
#include "config.h"

#include "client/client.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "client/parts.h"
#include "gadgetfile/gadgetfile.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

void client_past_free(struct client_past *past)
{
	record_free(&past->record);
	gadget_free(past->gadget);
}

int client_past_read(struct client_past *past, const struct paths *paths, const char *name,
		     struct error *err)
{
	const struct record *record = &past->record;
	int r = record_read(paths, name, &past->record, err);

	if (r == -ENOENT)
		return error_set(err, EX_OSERR, ENOENT, NULL,
				 "the record of '%s' does not exist any more", name);
	if (r < 0)
		return r;
	past->options = (struct client_options){ .paths = paths,
						 .dirs = (const char *const *)record->dirs,
						 .udc = record->udc,
						 .hold = record->hold,
						 .group = record->group,
						 .timeout = record->timeout };
	return gadgetfile_load_document(record->document, record->file ?: "", name, &past->gadget,
					err);
}

bool client_is_orphaned(const struct paths *paths, const char *name)
{
	pid_t pid;

	return rundir_owner(paths, name, &pid, NULL) == 0 && pid == 0 &&
	       rundir_has(paths, name, RUNDIR_RECORD);
}

/* What is left can only be made anew. */
static int nothing_left(const struct client_past *past, const char *name, struct error *err)
{
	const char *file = past->record.file ?: "";
	bool renamed = record_is_renamed(&past->record);

	error_set(err, EX_UNAVAILABLE, ESRCH, NULL,
		  "'%s' has no supervisor, and nothing of it can be taken over", name);
	if (!path_exists(file))
		return error_hint(err, "'ffsctl down %s' removes what is left", name);
	return error_hint(err, "'ffsctl up%s%s %s' makes it anew", renamed ? " --name " : "",
			  renamed ? name : "", file);
}

/* Somebody was faster. CLIENT_UNCHANGED: it has a supervisor again. */
static int meet_owner(const struct paths *paths, const char *name, enum client_result *result,
		      struct error *err)
{
	_cleanup_free_ char *who = NULL;
	pid_t pid = 0;

	error_clear(err);
	rundir_owner(paths, name, &pid, &who);
	if (!streq_null(who, OWNER_SUPERVISOR))
		return rundir_in_use(name, pid, who, err);
	*result = CLIENT_UNCHANGED;
	return 0;
}

static int begin(struct supervisor *s, struct client_past *past, const struct paths *paths,
		 const char *name, enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int r = rundir_lock(&rundir, paths, name, OWNER_STARTING, err);

	*result = CLIENT_TAKEN_OVER;
	if (r == -EWOULDBLOCK)
		return meet_owner(paths, name, result, err);
	if (r < 0)
		return r;
	if (!rundir_has_record(&rundir)) { /* it went down meanwhile */
		rundir_remove(&rundir, &(struct error){ 0 });
		return client_no_supervisor(name, err);
	}
	r = client_past_read(past, paths, name, err);
	if (r == 0)
		r = client_make(s, past->gadget, past->record.document, &past->options, false,
				&rundir, err);
	if (r < 0)
		return r;
	if (take_over_as_it_is(s) == 0)
		return 0;
	supervisor_free(s);
	return nothing_left(past, name, err);
}

int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err)
{
	struct client_past past = { 0 };
	enum client_result result;
	struct supervisor s;
	int r;

	*reported = false;
	fd_close_others(&report_fd, 1);
	r = begin(&s, &past, paths, name, &result, err);
	if (r == 0 && result == CLIENT_UNCHANGED) {
		client_report(report_fd, result, name, NULL);
		*reported = true;
	} else if (r == 0) {
		r = client_supervise(&s, result, &past.options, report_fd, reported, err);
		if (r == 0 && !*reported)
			r = error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
				      "'down' came before '%s' was taken over", name);
		supervisor_free(&s);
	}
	client_past_free(&past);
	return r;
}

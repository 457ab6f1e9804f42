/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes over the gadget of a dead supervisor: makes a new supervisor from the gadget's record. Does
 * not read the gadget file.
 */
#include "client/client.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "client/internal.h"
#include "gadgetfile/gadgetfile.h"
#include "supervisor/gadget_errors.h"

void client_recorded_gadget_free(struct client_recorded_gadget *recorded)
{
	record_free(&recorded->record);
	gadget_free(recorded->gadget);
}

int client_recorded_gadget_read(struct client_recorded_gadget *recorded, const struct paths *paths,
				const char *name, struct error *err)
{
	const struct record *record = &recorded->record;
	int r = record_read(paths, name, &recorded->record, err);

	if (r == -ENOENT)
		return error_set(err, EX_OSERR, ENOENT, NULL, "the record of '%s' was removed",
				 name);
	if (r < 0)
		return r;
	recorded->options =
		(struct client_options){ .paths = paths,
					 .gadget_dirs = (const char *const *)record->gadget_dirs,
					 .udc_name = record->requested_udc,
					 .keeper_takeover_wait_seconds =
						 record->keeper_takeover_wait_seconds,
					 .gid_allowed_to_control = record->gid_allowed_to_control,
					 .up_timeout_seconds = record->up_timeout_seconds };
	return gadgetfile_load_document(record->document, record->gadget_file ?: "", name,
					&recorded->gadget, err);
}

bool client_gadget_is_orphaned(const struct paths *paths, const char *name)
{
	pid_t pid;

	return rundir_get_lock_owner(paths, name, &pid, NULL) == 0 && pid == 0 &&
	       rundir_has_file(paths, name, RUNDIR_RECORD);
}

/*
 * Sets the error for a gadget that cannot be taken over. Its hint is the command that brings the
 * gadget up again, or the one that takes it down.
 */
static int error_cannot_take_over(const struct client_recorded_gadget *recorded, const char *name,
				  struct error *err)
{
	const char *file = recorded->record.gadget_file ?: "";
	bool has_other_name = record_name_was_overridden(&recorded->record);

	error_set(err, EX_UNAVAILABLE, ESRCH, NULL,
		  "'%s' has no supervisor, and cannot be taken over", name);
	if (!path_exists(file))
		return error_add_down_hint(name, err);
	return error_add_hint(err, "'ffsctl up%s%s %s' brings it up again",
			      has_other_name ? " --name " : "", has_other_name ? name : "", file);
}

/*
 * Called when another process owns the gadget's lock. If that process is a supervisor, sets *result
 * to CLIENT_UNCHANGED; otherwise fails.
 */
static int fail_unless_owner_is_supervisor(const struct paths *paths, const char *name,
					   enum client_result *result, struct error *err)
{
	enum lock_owner_role role;
	pid_t pid;

	error_clear(err);
	rundir_get_lock_owner(paths, name, &pid, &role);
	if (role != OWNER_SUPERVISOR)
		return rundir_fail_in_use(name, pid, role, err);
	*result = CLIENT_UNCHANGED;
	return 0;
}

static int start_supervisor_for_takeover(struct supervisor **s,
					 struct client_recorded_gadget *recorded,
					 const struct paths *paths, const char *name,
					 enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int r = rundir_lock(&rundir, paths, name, OWNER_STARTING, err);

	*result = CLIENT_TAKEN_OVER;
	if (r == -EWOULDBLOCK)
		return fail_unless_owner_is_supervisor(paths, name, result, err);
	if (r < 0)
		return r;
	if (!rundir_has_record(&rundir)) { /* another process has taken the gadget down */
		rundir_remove(&rundir, &(struct error){ 0 });
		return client_error_no_supervisor(paths, name, err);
	}
	r = client_recorded_gadget_read(recorded, paths, name, err);
	if (r == 0)
		r = client_make_supervisor(s, recorded->gadget, recorded->record.document,
					   &recorded->options, false, &rundir, err);
	if (r < 0)
		return r;
	if (supervisor_take_over_without_comparing_plans(*s) == 0)
		return 0;
	supervisor_free(*s);
	return error_cannot_take_over(recorded, name, err);
}

int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err)
{
	struct client_recorded_gadget recorded = { 0 };
	enum client_result result;
	struct supervisor *s;
	int r;

	*reported = false;
	fd_close_others(&report_fd, 1);
	r = start_supervisor_for_takeover(&s, &recorded, paths, name, &result, err);
	if (r == 0 && result == CLIENT_UNCHANGED) {
		client_send_report(report_fd, (struct client_up_report){ .result = result }, name,
				   NULL);
		*reported = true;
	} else if (r == 0) {
		r = client_supervise_in_background(&s, recorded.gadget, result, &recorded.options,
						   report_fd, reported, err);
		if (r == 0 && !*reported)
			r = error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
				      "'%s' was taken down before the takeover was complete", name);
		supervisor_free(s);
	}
	client_recorded_gadget_free(&recorded);
	return r;
}

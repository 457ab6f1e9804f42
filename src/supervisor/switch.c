/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/switch.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "configfs/configfs.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/fault_injection.h"
#include "probe/features.h"
#include "rundir/record.h"
#include "supervisor/binding.h"
#include "supervisor/gadget_errors.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/privileges.h"
#include "supervisor/read_gadget_file.h"
#include "supervisor/requested_switch.h"
#include "supervisor/up_down.h"

/* Seconds after a refused request in which further requests are ignored. */
#define REFUSAL_SECONDS 1

void switch_init(struct switcher *switcher, struct live_gadget *live, const struct binding *binding)
{
	*switcher = (struct switcher){ .live = live, .binding = binding };
}

/* --- checks -------------------------------------------------------------------- */

static int find_target_gadget_file(const struct live_gadget *live, const char *name, char **path,
				   struct error *err)
{
	bool listed = false;

	for (size_t i = 0; i < live->model->n_switch_to; i++)
		listed = listed || streq(live->model->switch_to[i].value, name);
	if (!listed) {
		error_set(err, EX_DATAERR, EPERM, NULL, "'switch_to' in %s does not contain '%s'",
			  live->model->file, name);
		return error_add_hint(err,
				      "add '%s' to 'switch_to' and reload '%s' to allow the switch",
				      name, live->name);
	}
	*path = gadgetfile_find_beside(live->model, live->gadget_file_dirs, name);
	if (*path)
		return 0;
	return gadgetfile_error_file_not_found(live->model, name, err);
}

static void log_diagnostic(void *data, const char *line)
{
	struct live_gadget *live = data;

	gadget_log(live, "%s", line);
}

static int read_target_gadget_file(struct live_gadget *live, struct requested_switch *sw,
				   const char *name, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = find_target_gadget_file(live, name, &path, err);

	if (r == 0)
		r = supervisor_read_gadget_file(
			path, NULL, live->gadget_file_dirs, required_gadget_file_trust(live),
			log_diagnostic, live, &sw->target_gadget, &sw->target_document, err);
	if (r < 0 || !streq(sw->target_gadget->name, live->name))
		return r;
	error_set(err, EX_CANTCREAT, EEXIST, path,
		  "the gadget in %s has the name of the current gadget, '%s'", path, live->name);
	return error_add_hint(err, "set another 'name' in %s", path);
}

/* Returns whether the target's gadget file accepts the UDC of the current gadget. */
static bool target_accepts_udc(const struct switcher *switcher, const struct gadget_udc *wanted)
{
	_cleanup_free_ char *driver =
		wanted->driver.value ? udc_driver(switcher->binding->udc) : NULL;

	if (wanted->name.value)
		return streq(wanted->name.value, switcher->binding->udc);
	return !wanted->driver.value || streq_null(driver, wanted->driver.value);
}

static int choose_udc(const struct switcher *switcher, struct requested_switch *sw,
		      struct error *err)
{
	_cleanup_free_ char *other = NULL;

	if (switcher->binding->must_stay_unbound || !switcher->binding->udc)
		return 0;
	gadget_activate_udcs_of_killed_supervisors(switcher->live);
	if (!target_accepts_udc(switcher, &sw->target_gadget->udc))
		return udc_choose(switcher->live->paths, &sw->target_gadget->udc, NULL, &other,
				  err);
	sw->target_udc = xstrdup(switcher->binding->udc);
	return 0;
}

/* Returns whether the current gadget has a mount or a link at the path, below it or above it. */
static bool uses_path(const struct live_gadget *live, const char *path)
{
	for (size_t i = 0; i < live->plan.n; i++)
		if (ffs_step_uses_path(&live->plan.steps[i], path))
			return true;
	return false;
}

/*
 * Makes the plan of the target, because that checks users, programs and plugins. Checks that its
 * mounts and links will hide and replace nothing but those of the current gadget.
 */
static int check_target_can_be_planned(const struct live_gadget *live,
				       const struct requested_switch *sw, struct error *err)
{
	struct plan_preview preview;
	int r = plan_preview_make(&preview, live->paths, sw->target_gadget, NULL, err);

	for (size_t i = 0; r == 0 && i < preview.plan.n; i++)
		if (!uses_path(live, preview.plan.steps[i].path))
			r = ffs_check_path_is_free(&preview.plan.steps[i], err);
	plan_preview_free(&preview);
	return r;
}

/*
 * Checks that the workers of the target need no capabilities that were given up. The target's
 * gadget file may have been changed after privileges_give_up read it.
 */
static int check_privileges(const struct live_gadget *live, const struct gadget *g,
			    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_functions; i++)
		r = privileges_check_suffice_for_worker(live, &g->functions[i], err);
	return r;
}

/*
 * Checks that no other program has a file open in a FunctionFS mount of the current gadget. An open
 * file would prevent the unmount, and then neither gadget would be up.
 */
static int check_mounts_unused(const struct live_gadget *live, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < live->plan.n; i++)
		if (live->plan.steps[i].op == &ffs_op_mount &&
		    live->plan.steps[i].state == STEP_DONE)
			r = ffs_check_mount_unused(&live->plan.steps[i], getpid(), err);
	return r;
}

static int lock_target_run_dir(const struct live_gadget *live, struct requested_switch *sw,
			       struct error *err)
{
	const char *name = sw->target_gadget->name;
	_cleanup_free_ char *dir = configfs_gadget_path(live->paths, name);
	enum lock_owner_role role;
	pid_t pid;
	int r = rundir_lock(&sw->target_rundir, live->paths, name, OWNER_STARTING, err);

	if (r == -EWOULDBLOCK) {
		error_clear(err);
		if (rundir_get_lock_owner(live->paths, name, &pid, &role) < 0 ||
		    role != OWNER_SUPERVISOR)
			return rundir_fail_in_use(name, pid, role, err);
		return gadget_error_up_already(name, err);
	}
	if (r < 0)
		return r;
	sw->target_has_record = rundir_has_record(&sw->target_rundir);
	if (path_exists(dir) && !sw->target_has_record)
		return error_gadget_of_other_program(name, dir, err);
	return 0;
}

/*
 * Writes a record without steps in the run directory of the target. If this supervisor dies,
 * `down` can then remove that directory.
 */
static int write_empty_record(const struct live_gadget *live, const struct requested_switch *sw,
			      struct error *err)
{
	struct record record;
	int r;

	if (sw->target_has_record)
		return 0;
	record = record_make(sw->target_gadget, sw->target_document,
			     live->record.first_gadget_name ?: live->name);
	r = record_write(&sw->target_rundir, &record, &(struct plan){ 0 }, err);
	record_free(&record);
	return r;
}

static int prepare_switch(struct switcher *switcher, struct requested_switch *sw, const char *name,
			  struct error *err)
{
	struct live_gadget *live = switcher->live;
	int r = read_target_gadget_file(live, sw, name, err);

	if (r == 0)
		r = choose_udc(switcher, sw, err);
	if (r == 0)
		r = check_privileges(live, sw->target_gadget, err);
	if (r == 0)
		r = check_target_can_be_planned(live, sw, err);
	if (r == 0)
		r = check_mounts_unused(live, err);
	if (r == 0)
		r = lock_target_run_dir(live, sw, err);
	if (r == 0)
		r = features_require_for_gadget(live->paths, sw->target_gadget, err);
	if (r == 0)
		r = write_empty_record(live, sw, err);
	if (r == 0)
		fault_inject(FAULT_SWITCH, 1);
	return r;
}

/* --- the request -------------------------------------------------------------------------------
 */

static int check_switch_is_allowed(const struct switcher *switcher, struct error *err)
{
	return gadget_refuses_commands(switcher->live, EX_TEMPFAIL, EBUSY, err)
		       ? -EBUSY
		       : binding_check_no_foreign_or_pending_bind(switcher->binding, err);
}

/* Parses the message, a JSON object; {} if there is none. */
static int parse_switch_message(const char *text, size_t size, json_t **message, struct error *err)
{
	*message = size > 0 ? json_loadb(text, size, 0, NULL) : json_object();
	if (json_is_object(*message))
		return 0;
	json_decref(steal_ptr(*message));
	return error_set(err, EX_DATAERR, EBADMSG, NULL,
			 "the worker's message is not a JSON object");
}

static int begin_switch(struct switcher *switcher, struct requested_switch *sw,
			const struct live_worker *worker, const char *name, const char *rest,
			size_t size, struct error *err)
{
	json_t *message = NULL;
	int r = check_switch_is_allowed(switcher, err);

	if (r == 0)
		r = parse_switch_message(rest, size, &message, err);
	if (r == 0)
		r = prepare_switch(switcher, sw, name, err);
	if (r < 0) {
		json_decref(message);
		return r;
	}
	sw->switch_json_for_workers =
		json_pack("{s:s, s:o}", "from", switcher->live->name, "message", message);
	switcher->requested_switch = sw;
	gadget_log_about(switcher->live, worker->function->model->label, LOG_INFO,
			 "the worker asks to switch to '%s'", name);
	return 0;
}

void switch_handle_request(struct switcher *switcher, struct live_worker *worker, const char *body,
			   size_t size)
{
	size_t length = strnlen(body, size), rest = length < size ? length + 1 : size;
	_cleanup_free_ char *name = xstrndup(body, length);
	_cleanup_error_ struct error err = { 0 };
	struct requested_switch *sw;

	if (switcher->last_refusal_at > 0 &&
	    now_monotonic() - switcher->last_refusal_at < REFUSAL_SECONDS)
		return;
	sw = xcalloc(1, sizeof(*sw));
	sw->target_rundir = RUNDIR_NONE;
	if (!gadgetfile_is_gadget_name(name))
		error_set(&err, EX_DATAERR, EINVAL, NULL, "invalid gadget name");
	else
		begin_switch(switcher, sw, worker, name, body + rest, size - rest, &err);
	if (err.exit) {
		_cleanup_free_ char *why = error_text(&err);

		requested_switch_free(sw);
		switcher->last_refusal_at = now_monotonic();
		gadget_log_about(switcher->live, worker->function->model->label, LOG_WARNING,
				 "the worker asks to switch to '%s', which is refused: %s",
				 gadgetfile_is_gadget_name(name) ? name : "?", why);
		return;
	}
	/*
	 * If a control request caused the switch, the host already has the answer, provided that
	 * the worker sent it before SWITCH: the keeper handles messages in order.
	 */
	gadget_handle_event(switcher->live, GADGET_EV_SWITCH);
	rundir_write_lock_owner(&switcher->live->rundir, OWNER_STOPPING, &err);
}

void switch_cancel(struct switcher *switcher)
{
	struct requested_switch *sw = switcher->requested_switch;

	switcher->requested_switch = NULL;
	if (sw)
		requested_switch_free(sw);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/switch.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/fault.h"
#include "probe/features.h"
#include "rundir/record.h"
#include "supervisor/bus.h"
#include "supervisor/plan.h"
#include "supervisor/privileges.h"
#include "supervisor/supervisor.h"

/* Seconds for which requests are ignored after a refused one. */
#define REFUSAL_SECONDS 1

/* --- checks -------------------------------------------------------------------- */

static int find_file(const struct supervisor *s, const char *name, char **path, struct error *err)
{
	bool listed = false;

	for (size_t i = 0; i < s->gadget->n_switch_to; i++)
		listed = listed || streq(s->gadget->switch_to[i].value, name);
	if (!listed) {
		error_set(err, EX_DATAERR, EPERM, NULL, "'switch_to' in %s does not name it",
			  s->gadget->file);
		return error_hint(err, "add it there and reload '%s', if its workers may", s->name);
	}
	*path = gadgetfile_find_beside(s->gadget, s->dirs, name);
	if (*path)
		return 0;
	return error_set(err, EX_NOINPUT, ENOENT, NULL,
			 "there is no gadget file '%s', neither beside %s nor where 'ffsctl up' "
			 "looks for names",
			 name, s->gadget->file);
}

static void say_line(void *data, const char *line)
{
	struct supervisor *s = data;

	supervisor_say(s, "%s", line);
}

static int read_file(struct supervisor *s, struct switching *sw, const char *name,
		     struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = find_file(s, name, &path, err);

	if (r == 0)
		r = supervisor_read_file(path, NULL, s->dirs, supervisor_trust(s), say_line, s,
					 &sw->gadget, &sw->document, err);
	if (r == 0 && streq(sw->gadget->name, s->name))
		return error_set(err, EX_CANTCREAT, EEXIST, path,
				 "%s has the name '%s', too; it needs another 'name'", path,
				 s->name);
	return r;
}

/* Returns whether the other gadget can use the same UDC. */
static bool fits_here(const struct supervisor *s, const struct gadget_udc *wanted)
{
	_cleanup_free_ char *driver = wanted->driver.value ? udc_driver(s->udc) : NULL;

	if (wanted->name.value)
		return streq(wanted->name.value, s->udc);
	return !wanted->driver.value || streq_null(driver, wanted->driver.value);
}

static int choose_udc(const struct supervisor *s, struct switching *sw, struct error *err)
{
	_cleanup_free_ char *other = NULL;

	if (s->no_bind || !s->udc)
		return 0;
	if (!fits_here(s, &sw->gadget->udc))
		return udc_choose(s->paths, &sw->gadget->udc, NULL, &other, err);
	sw->udc = xstrdup(s->udc);
	return 0;
}

/* Makes the plan of the other gadget, which checks users, programs and plugins. */
static int try_plan(const struct supervisor *s, const struct switching *sw, struct error *err)
{
	struct preview preview;
	int r = preview_make(&preview, s->paths, sw->gadget, NULL, err);

	preview_free(&preview);
	return r;
}

/*
 * Checks that the workers of the other gadget need no capabilities that were given up: its file may
 * be newer than this supervisor.
 */
static int check_privileges(const struct supervisor *s, const struct gadget *g, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_functions; i++)
		r = privileges_check(s, &g->functions[i], err);
	return r;
}

/*
 * Checks that no other program has a file of a mount open: that would prevent the unmount, and then
 * neither gadget would be up.
 */
static int check_holders(const struct supervisor *s, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->plan.n; i++)
		if (s->plan.steps[i].op == &ffs_op_mount && s->plan.steps[i].state == STEP_DONE)
			r = ffs_mount_is_free(&s->plan.steps[i], getpid(), err);
	return r;
}

static int take_name(const struct supervisor *s, struct switching *sw, struct error *err)
{
	const char *name = sw->gadget->name;
	_cleanup_free_ char *dir = configfs_gadget_path(s->paths, name), *who = NULL;
	pid_t pid;
	int r = rundir_lock(&sw->rundir, s->paths, name, OWNER_STARTING, err);

	if (r == -EWOULDBLOCK) {
		error_clear(err);
		if (rundir_owner(s->paths, name, &pid, &who) < 0 || !who ||
		    !streq(who, OWNER_SUPERVISOR))
			return rundir_in_use(name, pid, who, err);
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "'%s' is up already", name);
		return error_hint(err, "take it down first");
	}
	if (r < 0)
		return r;
	sw->has_leftovers = rundir_has_record(&sw->rundir);
	if (path_exists(dir) && !sw->has_leftovers)
		return error_set(err, EX_CANTCREAT, EEXIST, dir,
				 "there is a gadget '%s' that ffsctl has not made", name);
	return 0;
}

/*
 * Writes a record without steps: if this supervisor dies, other programs can remove the directory.
 */
static int write_record(const struct supervisor *s, const struct switching *sw, struct error *err)
{
	struct record record;
	int r;

	if (sw->has_leftovers)
		return 0;
	record = record_make(sw->gadget, sw->document, s->record.origin ?: s->name);
	r = record_write(&sw->rundir, &record, &(struct plan){ 0 }, err);
	record_free(&record);
	return r;
}

static int prepare(struct supervisor *s, struct switching *sw, const char *name, struct error *err)
{
	int r = read_file(s, sw, name, err);

	if (r == 0)
		r = choose_udc(s, sw, err);
	if (r == 0)
		r = check_privileges(s, sw->gadget, err);
	if (r == 0)
		r = try_plan(s, sw, err);
	if (r == 0)
		r = check_holders(s, err);
	if (r == 0)
		r = take_name(s, sw, err);
	if (r == 0)
		r = features_require(s->paths, sw->gadget, err);
	if (r == 0)
		r = write_record(s, sw, err);
	if (r == 0)
		fault_hit(FAULT_SWITCH, 1);
	return r;
}

/* --- the request -------------------------------------------------------------------------------
 */

static int check_state(const struct supervisor *s, struct error *err)
{
	const char *why = gadget_refusal(s);

	if (why)
		return error_set(err, EX_TEMPFAIL, EBUSY, NULL, "%s", why);
	return bus_check(s, err);
}

/* Parses the message, a JSON object; {} if there is none. */
static int parse_message(const char *text, size_t size, json_t **message, struct error *err)
{
	*message = size > 0 ? json_loadb(text, size, 0, NULL) : json_object();
	if (json_is_object(*message))
		return 0;
	json_decref(steal_ptr(*message));
	return error_set(err, EX_DATAERR, EBADMSG, NULL, "its message is not a JSON object");
}

static int begin(struct supervisor *s, struct switching *sw, const struct live_worker *worker,
		 const char *name, const char *rest, size_t size, struct error *err)
{
	json_t *message = NULL;
	int r = check_state(s, err);

	if (r == 0)
		r = parse_message(rest, size, &message, err);
	if (r == 0)
		r = prepare(s, sw, name, err);
	if (r < 0) {
		json_decref(message);
		return r;
	}
	sw->switched = json_pack("{s:s, s:o}", "from", s->name, "message", message);
	s->switching = sw;
	supervisor_say_of(s, worker->function->model->label, LOG_INFO,
			  "the worker asks to switch to '%s'", name);
	return 0;
}

void switch_asked(struct supervisor *s, struct live_worker *worker, const char *body, size_t size)
{
	size_t length = strnlen(body, size), rest = length < size ? length + 1 : size;
	_cleanup_free_ char *name = xstrndup(body, length);
	_cleanup_error_ struct error err = { 0 };
	struct switching *sw;

	if (s->switch_refused > 0 && now_monotonic() - s->switch_refused < REFUSAL_SECONDS)
		return;
	sw = xcalloc(1, sizeof(*sw));
	sw->rundir = RUNDIR_NONE;
	if (!gadgetfile_is_gadget_name(name))
		error_set(&err, EX_DATAERR, EINVAL, NULL, "not a valid gadget name");
	else
		begin(s, sw, worker, name, body + rest, size - rest, &err);
	if (err.exit) {
		switching_free(sw);
		s->switch_refused = now_monotonic();
		supervisor_say_of(s, worker->function->model->label, LOG_WARNING,
				  "the worker asks to switch to '%s', which is refused: %s",
				  gadgetfile_is_gadget_name(name) ? name : "?", err.text);
		return;
	}
	/* The host has got the answer to its request: the keeper handles messages in order. */
	gadget_handle(s, GADGET_EV_SWITCH);
	rundir_set_owner(&s->rundir, OWNER_STOPPING, &err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/live_gadget.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "probe/activate_udc.h"
#include "rundir/udc_notes.h"

/* Logs a step that was applied or undone. The line is only printed with -v. */
static void log_step(const struct step *step, bool undone)
{
	const char *what = undone ? step->op->undo_name : step->op->name;

	if (what)
		log_debug("%s %s", what, step->path);
}

void live_gadget_init(struct live_gadget *live, const struct paths *paths,
		      const struct gadget *model, const char *name,
		      void (*write_status)(void *data), void *write_status_data)
{
	*live = (struct live_gadget){
		.paths = paths,
		.model = model,
		.name = name,
		.loop.epoll_fd = -1,
		.up_or_reload_timer = FD_WATCH_NONE,
		.rundir = RUNDIR_NONE,
		.configfs = { .paths = paths, .gadget = model, .activate_udc = activate_udc },
		.plan.on_step = log_step,
		.functions = { .gadget_name = name,
			       .paths = paths,
			       .loop = &live->loop,
			       .rundir = &live->rundir,
			       .log_file = &live->log_file },
		.write_status = write_status,
		.write_status_data = write_status_data,
	};
	live->rundir.path = strf("%s/%s", paths->run_dir, name);
	live->configfs.udc_note_prefix = rundir_udc_note_prefix(paths, name);
	log_file_init(&live->log_file, -1);
}

void live_gadget_free(struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++)
		function_free(live->functions.list[n]);
	free(live->functions.list);
	log_file_close(&live->log_file);
	configfs_free(&live->configfs);
	plan_free(&live->plan);
	fd_watch_close(&live->loop, &live->up_or_reload_timer);
	loop_close(&live->loop);
	rundir_close(&live->rundir);
	record_free(&live->record);
	error_clear(&live->failure);
	free(live->functions.foreign_child_pids);
	free(live->functions.last_bound_udc);
}

void gadget_log_line(struct live_gadget *live, const char *label, int priority, const char *text)
{
	_cleanup_free_ char *line = strf("%s%s%s", label ? label : "", label ? ": " : "", text);

	if (live->functions.foreground)
		log_about(live->name, label, priority, "%s: %s", live->name, line);
	else
		log_file_write_event(&live->log_file, line);
}

void gadget_log_error(struct live_gadget *live, const char *what, const struct error *err)
{
	_cleanup_free_ char *text = error_text(err);

	gadget_log_about(live, NULL, LOG_ERR, "%s%s%s", what ? what : "", what ? ": " : "", text);
}

void gadget_log_unbind_after_failure(struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		const struct live_function *function = live->functions.list[n];
		const struct live_worker *worker = function->worker;

		if (worker && worker->state == WORKER_FAILED && worker_holds_ep0(worker->model)) {
			gadget_log_about(live, NULL, LOG_WARNING,
					 "unbound because the daemon of '%s' has failed",
					 function->model->label);
			return;
		}
	}
	gadget_log_about(live, NULL, LOG_WARNING, "unbound because a worker failed (on_failed)");
}

void gadget_begin_down(struct live_gadget *live, struct error *why)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (why && !live->failure.exit)
		error_move(&live->failure, why);
	else if (why)
		error_clear(why);
	/* Updates the lock file, so that another `up` does not report that the gadget is up. */
	if (gadget_handle_event(live, GADGET_EV_DOWN))
		rundir_write_lock_owner(&live->rundir, OWNER_STOPPING, &ignored);
	live->needs_plan_and_status_update = true;
}

enum gadgetfile_trust required_gadget_file_trust(const struct live_gadget *live)
{
	return live->functions.foreground ? GADGETFILE_TRUST_ROOT : GADGETFILE_TRUST_UNWRITABLE;
}

enum trusted_users live_gadget_trusted_owners_of_programs(const struct live_gadget *live,
							  const char *dir)
{
	bool only_root =
		required_gadget_file_trust(live) == GADGETFILE_TRUST_ROOT ||
		(live->gadget_file_dirs && gadgetfile_is_dir_among(live->gadget_file_dirs, dir));

	return only_root ? TRUST_ROOT : TRUST_OWNER;
}

int gadget_write_record(struct live_gadget *live, struct error *err)
{
	return record_write(&live->rundir, &live->record, &live->plan, err);
}

void gadget_write_status(struct live_gadget *live)
{
	live->write_status(live->write_status_data);
}

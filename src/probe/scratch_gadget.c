/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/scratch_gadget.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "rundir/record.h"

#define SCRATCH ".ffsctl-probe"
#define SCRATCH_MAX 64 /* maximum number of scratch gadgets at the same time */

static int undo_scratch_gadget(struct plan *plan, struct rundir *rundir, struct error *err)
{
	int r = plan_undo(plan, err);

	return r < 0 ? r : rundir_remove(rundir, err);
}

/* Removes the scratch gadget of a dead command. The caller owns the gadget's lock, in `rundir`. */
static int remove_scratch_gadget(const struct paths *paths, const char *name, struct rundir *rundir,
				 struct error *err)
{
	_cleanup_plan_ struct plan plan = { 0 };
	int r = record_read_plan(paths, name, configfs_ops, &plan, err);

	return r < 0 ? r : undo_scratch_gadget(&plan, rundir, err);
}

int scratch_gadgets_remove_leftovers(const struct paths *paths, struct error *err)
{
	for (int n = 0; n < SCRATCH_MAX; n++) {
		_cleanup_free_ char *name = strf(SCRATCH ".%d", n);
		_cleanup_free_ char *path = strf("%s/%s", paths->run_dir, name);
		_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
		int r;

		if (!path_exists(path))
			continue;
		r = rundir_lock(&rundir, paths, name, OWNER_PROBING, err);
		if (r == 0)
			r = remove_scratch_gadget(paths, name, &rundir, err);
		if (r == -EWOULDBLOCK) /* another command is probing with this scratch gadget */
			error_clear(err);
		else if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Chooses a name for a scratch gadget that no other command uses, and locks the name. The caller
 * frees *name.
 */
static int lock_unused_scratch_name(const struct paths *paths, struct rundir *rundir, char **name,
				    struct error *err)
{
	for (int n = 0; n < SCRATCH_MAX; n++) {
		_cleanup_free_ char *candidate = strf(SCRATCH ".%d", n);
		int r = rundir_lock(rundir, paths, candidate, OWNER_PROBING, err);

		if (r == -EWOULDBLOCK) {
			error_clear(err);
			continue;
		}
		/* The command that made this scratch gadget was killed a moment ago. */
		if (r == 0 && rundir_has_record(rundir)) {
			r = remove_scratch_gadget(paths, candidate, rundir, err);
			rundir_close(rundir);
			n--;
			if (r == 0)
				continue;
		}
		if (r == 0)
			*name = steal_ptr(candidate);
		return r;
	}
	return error_set(err, EX_CANTCREAT, EBUSY, NULL,
			 "cannot probe the kernel's features: %d other commands are probing them",
			 SCRATCH_MAX);
}

static int write_scratch_record(const struct rundir *rundir, const struct plan *plan,
				struct error *err)
{
	json_t *record = json_pack("{s:o}", "plan", plan_to_json(plan));
	int r = rundir_write(rundir, RUNDIR_RECORD, record, err);

	json_decref(record);
	return r;
}

int scratch_gadget_init(struct scratch_gadget *s, const struct paths *paths, struct error *err)
{
	int r;

	*s = (struct scratch_gadget){ .configfs = { .paths = paths }, .rundir = RUNDIR_NONE };
	r = scratch_gadgets_remove_leftovers(paths, err);
	if (r == 0)
		r = lock_unused_scratch_name(paths, &s->rundir, &s->name, err);
	if (r < 0)
		return r;
	s->model.name = s->name;
	s->configfs.gadget = &s->model;
	s->dir = configfs_gadget_path(paths, s->name);
	plan_add(&s->plan, &configfs_op_gadget, xstrdup(s->dir), NULL, NULL, &s->configfs);
	plan_add(&s->plan, &configfs_op_mkdir, strf("%s/functions/ffs.%s", s->dir, s->name), NULL,
		 NULL, NULL);
	return 0;
}

int scratch_gadget_apply(struct scratch_gadget *s, struct error *err)
{
	int r = write_scratch_record(&s->rundir, &s->plan, err);

	if (r == 0)
		r = plan_apply(&s->plan, err);
	return r == -ENOENT && path_exists(s->dir) ? ffs_fail_missing(err) : r;
}

int scratch_gadget_remove(struct scratch_gadget *s, int r, struct error *err)
{
	_cleanup_error_ struct error undone = { 0 };

	if (!s->name || undo_scratch_gadget(&s->plan, &s->rundir, &undone) == 0 || r < 0)
		return r;
	error_move(err, &undone);
	return -err->errno_value;
}

void scratch_gadget_free(struct scratch_gadget *s)
{
	plan_free(&s->plan);
	rundir_close(&s->rundir);
	free(s->name);
	free(s->dir);
}

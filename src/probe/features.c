/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/features.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/configfs.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "rundir/record.h"

/*
 * Probing uses a temporary "scratch" gadget with the name ".ffsctl-probe.N", which no gadget file
 * can have. A scratch gadget has a run directory with lock and record, as other gadgets have. If
 * the lock is not held, the command that made the scratch gadget has died, and the next command
 * removes the gadget.
 */
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

int features_remove_scratch_gadgets(const struct paths *paths, struct error *err)
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

int features_probe(const struct paths *paths, struct ffs_features *features, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error undone = { 0 };
	_cleanup_free_ char *name = NULL, *dir = NULL;
	struct configfs configfs = { .paths = paths };
	int r = features_remove_scratch_gadgets(paths, err);

	if (r == 0)
		r = lock_unused_scratch_name(paths, &rundir, &name, err);
	if (r < 0)
		return r;
	dir = configfs_gadget_path(paths, name);
	plan_add(&plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, &configfs);
	plan_add(&plan, &configfs_op_mkdir, strf("%s/functions/ffs.%s", dir, name), NULL, NULL,
		 NULL);
	r = write_scratch_record(&rundir, &plan, err);
	if (r == 0)
		r = plan_apply(&plan, err);
	if (r == -ENOENT && path_exists(dir))
		ffs_fail_missing(err);
	if (r == 0)
		r = ffs_probe(name, features, err);
	if (undo_scratch_gadget(&plan, &rundir, &undone) < 0 && r == 0) {
		error_move(err, &undone);
		r = -err->errno_value;
	}
	return r < 0 ? error_wrap(err, "probing the kernel's FunctionFS") : 0;
}

/* The bit of enum stream_needed_feature for each feature of FunctionFS that an engine can need. */
static const unsigned int engine_needs[FFS_FEATURE_COUNT] = {
	[FFS_MMAP] = STREAM_NEEDS_MMAP,
	[FFS_DMABUF] = STREAM_NEEDS_DMABUF,
};

/*
 * Returns whether the gadget uses a feature of FunctionFS. If so, sets *at to the first position in
 * the gadget file that uses the feature.
 */
static bool gadget_uses_feature(const struct gadget *gadget, int feature, struct position *at)
{
	for (size_t i = 0; i < gadget->n_functions; i++) {
		const struct function *f = &gadget->functions[i];

		if (f->ffs && ffs_needs_feature(f->ffs, feature, at))
			return true;
		if (f->worker && worker_engine_needs[f->worker->engine] & engine_needs[feature]) {
			*at = f->worker->engine_at;
			return true;
		}
	}
	return false;
}

int features_require_for_gadget(const struct paths *paths, const struct gadget *gadget,
				struct error *err)
{
	struct ffs_features features;
	bool probed = false;

	for (int f = 0; f < FFS_FEATURE_COUNT; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(f);
		_cleanup_free_ char *since = NULL;
		struct position at;
		int r = 0;

		if (!feature || !gadget_uses_feature(gadget, f, &at))
			continue;
		if (!probed)
			r = features_probe(paths, &features, err);
		if (r < 0)
			return r;
		probed = true;
		if (features.has[f])
			continue;
		error_set(err, EX_UNAVAILABLE, EOPNOTSUPP, NULL,
			  "this kernel's FunctionFS has no '%s' (%s)", feature->name,
			  feature->description);
		since = ffs_feature_kernels(feature);
		error_add_detail(err, "it needs %s", since);
		error_add_hint(err, "see 'ffsctl features'");
		return error_set_position(err, &at);
	}
	return 0;
}

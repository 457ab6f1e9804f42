// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mount of a function, and the link of the key `device`: the steps that make them, and what
 * makes them again if another program has removed them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "function/function.h"
#include "functionfs/mount.h"
#include "plan/directories_and_links.h"

/* --- steps --- */

static bool plan_makes_directory(const struct plan *applied_plan, const char *dir)
{
	for (size_t n = 0; applied_plan && n < applied_plan->n; n++)
		if ((applied_plan->steps[n].op == &plan_op_mkdir ||
		     applied_plan->steps[n].op == &plan_op_mkdir_shared) &&
		    streq(applied_plan->steps[n].path, dir))
			return true;
	return false;
}

/*
 * Adds steps that create the directories of the mount point's path. The directories of the default
 * path, /dev/ffs and below, belong to ffsctl and are shared by its gadgets, so each of them gets a
 * step. If the gadget file sets another path, a directory gets a step only if it does not exist
 * yet, or if a step of `applied_plan` has created it. So ffsctl does not remove directories of the
 * user.
 */
static void add_directory_steps(struct plan *plan, const struct live_function *function,
				const struct plan *applied_plan)
{
	const struct ffs_mount *m = &function->model->ffs->mount;
	void *above = NULL;

	for (const char *p = strchr(m->path + 1, '/');; p = strchr(p + 1, '/')) {
		char *dir = p ? xstrndup(m->path, (size_t)(p - m->path)) : xstrdup(m->path);
		bool ours = m->path_is_default && !streq(dir, "/dev");

		if (ours || !path_exists(dir) || plan_makes_directory(applied_plan, dir)) {
			plan_add(plan, p ? &plan_op_mkdir_shared : &plan_op_mkdir, dir, NULL,
				 &m->at, above);
			above = PLAN_SHARED_PARENT;
		} else {
			free(dir);
		}
		if (!p)
			return;
	}
}

static char *mount_options(const struct live_function *function)
{
	const struct ffs_mount *m = &function->model->ffs->mount;
	const struct {
		const char *name;
		const struct positioned_int *mode;
	} modes[] = { { "mode", &m->mode }, { "rmode", &m->rmode }, { "fmode", &m->fmode } };
	char *options = strf("%s uid=%u,gid=%u", function->model->instance,
			     function->endpoint_files_uid, function->endpoint_files_gid);

	for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
		_cleanup_free_ char *old = options;

		/* The kernel parses numbers as C does: octal needs a leading zero. */
		options = modes[k].mode->set ? strf("%s,%s=0%o", old, modes[k].name,
						    (unsigned int)modes[k].mode->value)
					     : xstrdup(old);
	}
	/* The worker may find its device in the mount, and opens nothing else there. */
	if (function_worker_gets_device(function)) {
		_cleanup_free_ char *old = options;

		options = strf("%s,rmode=0510,fmode=0600", old);
	}
	if (m->no_disconnect) {
		_cleanup_free_ char *old = options;

		options = strf("%s,no_disconnect=1", old);
	}
	if (m->mmap_memory_mb.set) {
		_cleanup_free_ char *old = options;

		options = strf("%s,mmap_memory_mb=%u", old, (unsigned int)m->mmap_memory_mb.value);
	}
	return options;
}

void function_add_mount_steps(struct plan *plan, struct live_function *function,
			      const struct plan *applied_plan)
{
	const struct ffs_mount *m = &function->model->ffs->mount;

	add_directory_steps(plan, function, applied_plan);
	plan_add(plan, &ffs_op_mount, xstrdup(m->path), mount_options(function), &m->at,
		 (void *)function->functions->paths);
}

void function_add_device_link_step(struct plan *plan, struct live_function *function)
{
	const struct positioned_str *link = &function->model->ffs->endpoint_file_symlink;

	plan_add(plan, &ffs_op_device_link, xstrdup(link->value),
		 function_device_endpoint_path(function), &link->at,
		 (void *)function->functions->paths);
}

/* --- what another program has removed --- */

bool function_is_unmounted(const struct live_function *function)
{
	int state = mount_state_at(function->model->ffs->mount.path, FFS_FILE_SYSTEM,
				   function->model->instance);

	return state == MOUNT_NONE || state == MOUNT_OTHER;
}

bool function_can_be_mounted_again(const struct live_function *function)
{
	return function->model->optional || !function_keeper_holds_ep0(function->model);
}

int function_error_unmounted(const struct live_function *function, struct error *err)
{
	const struct ffs_mount *m = &function->model->ffs->mount;

	error_set(err, EX_UNAVAILABLE, ENOENT, m->path,
		  "another program has unmounted FunctionFS from %s", m->path);
	error_add_hint(err, "take the gadget down, then up");
	return error_set_position(err, &m->at);
}

/* Applies the last step of `plan`, which makes a file that another program has removed. */
static int apply_last_step(struct plan *plan, struct error *err)
{
	struct step *step = &plan->steps[plan->n - 1];
	int r = step->op->apply(step, err);

	return r < 0 ? error_set_position(err, &step->at) : 0;
}

int function_mount_again(struct live_function *function, struct error *err)
{
	const struct ffs_mount *m = &function->model->ffs->mount;
	struct plan plan = { 0 };
	int r;

	function_add_mount_steps(&plan, function, NULL);
	r = apply_last_step(&plan, err);
	plan_free(&plan);
	if (r == -EBUSY) {
		error_clear(err);
		error_set(err, EX_UNAVAILABLE, EBUSY, m->path,
			  "cannot mount FunctionFS again on %s: another program has unmounted it, "
			  "and a process still has a file of it open",
			  m->path);
		error_add_hint(err, "end that process, then use 'ffsctl restart'");
		return error_set_position(err, &m->at);
	}
	if (r < 0)
		return r;
	/* The watch was that of the unmounted instance. */
	fd_watch_close(function->functions->loop, &function->descriptors_watch);
	function->descriptors_id = 0;
	function->n_open_ep0_files = function->n_ep0_writes = 0;
	functions_log_about(function->functions, function->model->label, LOG_WARNING,
			    "FunctionFS is mounted again on %s: another program had unmounted it",
			    m->path);
	return 0;
}

int function_link_device_again(struct live_function *function, struct error *err)
{
	const char *path = function->model->ffs->endpoint_file_symlink.value;
	struct plan plan = { 0 };
	struct stat st;
	int r;

	/* Not its target: a daemon has not written the endpoints yet. */
	if (!path || lstat(path, &st) == 0)
		return 0;
	function_add_device_link_step(&plan, function);
	r = apply_last_step(&plan, err);
	plan_free(&plan);
	if (r == 0)
		functions_log_about(function->functions, function->model->label, LOG_WARNING,
				    "the link %s is made again: another program had removed it",
				    path);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user of a worker, and its groups. */
#include <errno.h>
#include <stdlib.h>

#include "function/function.h"
#include "function/launch.h"
#include "function/launch_internal.h"

/*
 * Makes the worker run as the user id that is reserved for it, and as the group with the same
 * number.
 */
static int use_reserved_worker_uid(struct live_worker *worker, int reserve_result,
				   struct error *err)
{
	worker->spawn.uid = worker->spawn.gid = worker->reserved_uid;
	if (reserve_result == -ENOSPC) {
		error_set(err, EX_UNAVAILABLE, ENOSPC, NULL,
			  "all user ids from %d to %d belong to other workers",
			  FFSCTL_WORKER_ID_FIRST, FFSCTL_WORKER_ID_LAST);
		return error_add_hint(err, "set another user with 'user'");
	}
	return reserve_result < 0 ? error_errno(err, EX_OSERR, -reserve_result, NULL,
						"cannot take a user id for the worker of '%s'",
						worker->function->model->label)
				  : 0;
}

int launch_prepare_user(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	struct spawn_settings *s = &worker->spawn;
	int r = rundir_get_worker_uid(worker->function->functions->rundir,
				      worker->function->model->label, &worker->reserved_uid);

	if (r < 0)
		worker->reserved_uid = 0;
	/* The reserved user id needs no user database: some boards have none. */
	r = w->user.value ? spawn_find_user(w->user.value, &s->uid, &s->gid, &w->user.at, err)
			  : use_reserved_worker_uid(worker, r, err);
	s->groups = xcalloc(w->n_groups + 1, sizeof(*s->groups));
	/* The worker also gets the group with the number of its reserved user id: this group
	   identifies the processes that the worker starts (process/worker_processes.h). */
	if (w->user.value && worker->reserved_uid)
		s->groups[s->n_groups++] = worker->reserved_uid;
	for (size_t i = 0; r == 0 && i < w->n_groups; i++)
		r = spawn_find_group(w->groups[i].value, &s->groups[s->n_groups++],
				     &w->groups[i].at, err);
	return r;
}

static bool has_function_with_label(const void *data, const char *label)
{
	const struct functions *all = data;

	for (size_t n = 0; n < all->n; n++)
		if (streq(all->list[n]->model->label, label))
			return true;
	return false;
}

void launch_release_unused_user_ids(const struct functions *all)
{
	rundir_release_worker_uids(all->rundir, has_function_with_label, all);
}

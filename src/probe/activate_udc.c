/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/activate_udc.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "configfs/deactivation.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "functionfs/features.h"
#include "probe/scratch_gadget.h"
#include "rundir/udc_notes.h"

/* Makes the gadget, except its bind. */
static int make_gadget(struct scratch_gadget *s, struct error *err)
{
	plan_add(&s->plan, &configfs_op_mkdir, strf("%s/configs/c.1", s->dir), NULL, NULL, NULL);
	plan_add(&s->plan, &configfs_op_link, strf("%s/configs/c.1/ffs.%s", s->dir, s->name),
		 strf("ffs.%s", s->name), NULL, NULL);
	return scratch_gadget_apply(s, err);
}

static int bind_and_unbind(struct scratch_gadget *s, const char *udc, struct error *err)
{
	/* The function is ready as long as ep0 is open. */
	_cleanup_close_ int ep0 = ffs_open_function_without_endpoints(s->name, err);
	int r = ep0;

	if (r < 0)
		return r;
	plan_add(&s->plan, &configfs_op_bind, strf("%s/UDC", s->dir), xstrdup(udc), NULL,
		 &s->configfs);
	r = scratch_gadget_apply(s, err);
	return r < 0 ? r : plan_undo_last(&s->plan, err);
}

int activate_udc(const struct paths *paths, const char *udc, struct error *err)
{
	_cleanup_scratch_gadget_ struct scratch_gadget scratch;
	int r = scratch_gadget_init(&scratch, paths, err);

	if (r == 0)
		r = make_gadget(&scratch, err);
	if (r == 0)
		r = bind_and_unbind(&scratch, udc, err);
	return scratch_gadget_remove(&scratch, r, err);
}

struct noted_udcs {
	const struct paths *paths;
	const struct rundir *rundir;
	struct error *err; /* the first error */
};

/*
 * A process that was killed while it activated the UDC does not hold it: its ep0 was closed, and
 * the kernel has unbound its scratch gadget.
 */
static int activate_free_udc(const struct noted_udcs *n, const char *udc, bool *done,
			     struct error *err)
{
	_cleanup_free_ char *holder = udc_holder(n->paths, udc);

	*done = !udc_exists(udc);
	if (*done || holder)
		return 0;
	log_debug("activate %s", udc);
	if (activate_udc(n->paths, udc, err) < 0)
		return configfs_explain_failed_activation(udc, err);
	*done = true;
	return 0;
}

static void activate_noted_udc(void *data, const char *udc)
{
	struct noted_udcs *n = data;
	_cleanup_error_ struct error err = { 0 };
	bool done;

	if (activate_free_udc(n, udc, &done, &err) < 0 && !n->err->exit)
		error_move(n->err, &err);
	if (done)
		rundir_remove_udc_note(n->rundir, udc);
}

int activate_noted_udcs(const struct paths *paths, const struct rundir *rundir, struct error *err)
{
	struct noted_udcs n = { .paths = paths, .rundir = rundir, .err = err };

	rundir_each_udc_note(rundir, activate_noted_udc, &n);
	return -err->errno_value;
}

struct killed_supervisors {
	const struct paths *paths;
	struct error *err; /* the first error */
};

static void activate_udcs_of_gadget(void *data, const char *name)
{
	const struct killed_supervisors *all = data;
	_cleanup_rundir_ struct rundir rundir;
	_cleanup_error_ struct error err = { 0 };

	if (rundir_lock_without_owner(&rundir, all->paths, name) &&
	    activate_noted_udcs(all->paths, &rundir, &err) < 0 && !all->err->exit)
		error_move(all->err, &err);
}

int activate_udcs_of_killed_supervisors(const struct paths *paths, struct error *err)
{
	struct killed_supervisors all = { .paths = paths, .err = err };

	rundir_each_gadget_with_udc_notes(paths, activate_udcs_of_gadget, &all);
	return -err->errno_value;
}

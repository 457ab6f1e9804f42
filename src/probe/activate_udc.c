/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/activate_udc.h"

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "functionfs/features.h"
#include "probe/scratch_gadget.h"

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "supervisor/gadget_plan.h"

static enum trusted_users always_trust_owner(void *data _unused_, const char *dir _unused_)
{
	return TRUST_OWNER;
}

/* Live functions of a preview never start, so the other callbacks are not called. */
static const struct function_callbacks callbacks = { .trusted_program_owners = always_trust_owner };

int plan_preview_open(struct plan_preview *p, const struct paths *paths, const char *name,
		      struct error *err)
{
	int r;

	*p = (struct plan_preview){ .loop.epoll_fd = -1,
				    .rundir = RUNDIR_NONE,
				    .configfs = { .paths = paths },
				    .functions = { .callbacks = &callbacks,
						   .gadget_name = name,
						   .paths = paths,
						   .loop = &p->loop,
						   .rundir = &p->rundir,
						   .log_file = &p->log_file } };
	p->rundir.path = strf("%s/%s", paths->run_dir, name);
	log_file_init(&p->log_file, -1);
	r = loop_open(&p->loop);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make the event loop");
	return 0;
}

int plan_preview_make(struct plan_preview *p, const struct paths *paths, const struct gadget *g,
		      const char *udc, struct error *err)
{
	int r = plan_preview_open(p, paths, g->name, err);

	if (r < 0)
		return r;
	p->configfs.gadget = g;
	r = gadget_make_live_functions(&p->functions, g, &p->functions.list, &p->functions.n, err);
	if (r == 0)
		gadget_add_steps(&p->configfs, g, p->functions.list, p->functions.n, udc, NULL,
				 &p->plan);
	return r;
}

void plan_preview_free(struct plan_preview *p)
{
	for (size_t n = 0; n < p->functions.n; n++)
		function_free(p->functions.list[n]);
	free(p->functions.list);
	configfs_free(&p->configfs);
	plan_free(&p->plan);
	log_file_close(&p->log_file);
	loop_close(&p->loop);
	rundir_close(&p->rundir);
}

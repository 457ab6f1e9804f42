// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/links.h"

#include "base/cleanup.h"
#include "configfs/items.h"

/*
 * Returns true for a tcm function. The kernel connects such a function with its target when the
 * link is made (f_tcm.c, tcm_alloc). But the user can only make the target after the function, so
 * the link that `up` has made is without a target. Linux 6.1 and 6.12 crash when a host addresses a
 * drive that has no target, or whose target was removed.
 */
static bool needs_renewal(const struct function *f)
{
	return streq(f->type, "tcm");
}

static int link_step(const struct gadget *g, const char *config_dir,
		     const struct config_function *cf,
		     int (*act)(struct step *step, struct error *err), struct error *err)
{
	const struct function *f = &g->functions[cf->function];
	_cleanup_free_ char *path = strf("%s/%s", config_dir, cf->name),
			    *value = strf("%s.%s", f->type, f->instance);
	struct step step = { .op = &configfs_op_link, .path = path, .value = value };
	int r = act(&step, err);

	return r < 0 ? error_at(err, &cf->at) : r;
}

static int renew_config(const struct gadget *g, const char *config_dir, const struct config *config,
			struct error *err)
{
	size_t first = 0;
	int r = 0;

	while (first < config->n_functions &&
	       !needs_renewal(&g->functions[config->functions[first].function]))
		first++;
	for (size_t i = config->n_functions; r == 0 && i-- > first;)
		r = link_step(g, config_dir, &config->functions[i], configfs_op_link.undo, err);
	for (size_t i = first; r == 0 && i < config->n_functions; i++)
		r = link_step(g, config_dir, &config->functions[i], configfs_op_link.apply, err);
	return r;
}

int configfs_renew_links(const struct gadget *g, const char *gadget_dir, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_configs; i++) {
		const struct config *config = &g->configs[i];
		_cleanup_free_ char *dir =
			strf("%s/configs/%s.%u", gadget_dir, config->name, config->id);

		r = renew_config(g, dir, config, err);
	}
	return r;
}

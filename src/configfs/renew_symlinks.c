// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/renew_symlinks.h"

#include "base/cleanup.h"
#include "configfs/items.h"

/*
 * Returns true for a tcm function. When the link to a tcm function is made, the kernel connects the
 * function with its target (f_tcm.c, tcm_alloc). The user can make the target only when the
 * function exists. Therefore no target exists when `up` makes the link, and the link must be made
 * again. Linux 6.1 and 6.12 crash when a host sends commands to a tcm function that has no target.
 */
static bool needs_new_symlink(const struct function *f)
{
	return streq(f->type, "tcm");
}

static int run_link_step(const struct gadget *g, const char *config_dir,
			 const struct config_function *cf,
			 int (*act)(struct step *step, struct error *err), struct error *err)
{
	const struct function *f = &g->functions[cf->function_index];
	_cleanup_free_ char *path = strf("%s/%s", config_dir, cf->name),
			    *value = strf("%s.%s", f->type, f->instance);
	struct step step = { .op = &configfs_op_link, .path = path, .value = value };
	int r = act(&step, err);

	return r < 0 ? error_set_position(err, &cf->at) : r;
}

static int renew_config_symlinks(const struct gadget *g, const char *config_dir,
				 const struct config *config, struct error *err)
{
	size_t first = 0;
	int r = 0;

	while (first < config->n_functions &&
	       !needs_new_symlink(&g->functions[config->functions[first].function_index]))
		first++;
	for (size_t i = config->n_functions; r == 0 && i-- > first;)
		r = run_link_step(g, config_dir, &config->functions[i], configfs_op_link.undo, err);
	for (size_t i = first; r == 0 && i < config->n_functions; i++)
		r = run_link_step(g, config_dir, &config->functions[i], configfs_op_link.apply,
				  err);
	return r;
}

int configfs_renew_symlinks(const struct gadget *g, const char *gadget_dir, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_configs; i++) {
		const struct config *config = &g->configs[i];
		_cleanup_free_ char *dir =
			strf("%s/configs/%s.%u", gadget_dir, config->name, config->id);

		r = renew_config_symlinks(g, dir, config, err);
	}
	return r;
}

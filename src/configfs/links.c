// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/links.h"

#include "base/cleanup.h"

/*
 * A link takes the target that there is at that moment (f_tcm.c, tcm_alloc), but none can be made
 * before the function: after `up` the link has none. In 6.1 and 6.12 the kernel dies when a host
 * asks a drive without a target, or with one that has gone meanwhile.
 */
static bool needs_relink(const struct function *f)
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
	struct usbg_view without_library = USBG_VIEW_NONE;
	struct step step = {
		.op = &usbg_op_binding,
		.path = path,
		.value = value,
		.self = &without_library,
	};
	int r = act(&step, err);

	return r < 0 ? error_at(err, &cf->at) : r;
}

static int relink_config(const struct gadget *g, const char *config_dir,
			 const struct config *config, struct error *err)
{
	size_t first = 0;
	int r = 0;

	while (first < config->n_functions &&
	       !needs_relink(&g->functions[config->functions[first].function]))
		first++;
	for (size_t i = config->n_functions; r == 0 && i-- > first;)
		r = link_step(g, config_dir, &config->functions[i], usbg_op_binding.undo, err);
	for (size_t i = first; r == 0 && i < config->n_functions; i++)
		r = link_step(g, config_dir, &config->functions[i], usbg_op_binding.apply, err);
	return r;
}

int configfs_relink(const struct gadget *g, const char *gadget_dir, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_configs; i++) {
		const struct config *config = &g->configs[i];
		_cleanup_free_ char *dir =
			strf("%s/configs/%s.%u", gadget_dir, config->name, config->id);

		r = relink_config(g, dir, config, err);
	}
	return r;
}

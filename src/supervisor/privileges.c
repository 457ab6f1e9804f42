/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "process/capabilities.h"
#include "supervisor/live_gadget.h"
#include "supervisor/read_file.h"

#define CAPABILITY(name) (1ULL << CAP_##name)
/*
 * Capabilities that the supervisor needs: to mount; to reach files of other users and inspect their
 * processes; to start workers as other users with limits, and to end them.
 */
#define OUR_CAPABILITIES                                                                           \
	(CAPABILITY(SYS_ADMIN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(SYS_PTRACE) |               \
	 CAPABILITY(SETUID) | CAPABILITY(SETGID) | CAPABILITY(SETPCAP) |                           \
	 CAPABILITY(SYS_RESOURCE) | CAPABILITY(KILL))
#define ALL_CAPABILITIES UINT64_MAX

/*
 * Maximum of gadget files read because of switch_to; capabilities that further ones need are given
 * up.
 */
#define FILES_MAX 64

/* Files of the gadgets that this one may switch to, directly or after another switch. */
struct switch_targets {
	const struct live_gadget *live;
	char *paths[FILES_MAX];
	size_t n;
};

static uint64_t needs_of(const struct gadget *g)
{
	uint64_t needs = 0;

	for (size_t i = 0; i < g->n_functions; i++) {
		const struct worker *w = g->functions[i].worker;

		if (w)
			needs |= w->keep_privileges ? ALL_CAPABILITIES : w->capabilities;
	}
	return needs;
}

static bool has_path(const struct switch_targets *o, const char *path)
{
	for (size_t i = 0; i < o->n; i++)
		if (streq(o->paths[i], path))
			return true;
	return false;
}

static void add_named_by(struct switch_targets *o, const struct gadget *g)
{
	for (size_t i = 0; i < g->n_switch_to && o->n < FILES_MAX; i++) {
		_cleanup_free_ char *path =
			gadgetfile_find_beside(g, o->live->dirs, g->switch_to[i].value);

		if (path && !has_path(o, path))
			o->paths[o->n++] = steal_ptr(path);
	}
}

/* Reads the file as a switch would. */
static uint64_t needs_of_file(struct switch_targets *o, const char *path)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget *g = NULL;
	json_t *document = NULL;
	uint64_t needs = 0;

	if (supervisor_read_file(path, NULL, o->live->dirs, gadget_file_trust(o->live), NULL, NULL,
				 &g, &document, &ignored) == 0) {
		needs = needs_of(g);
		add_named_by(o, g);
	}
	gadget_free(g);
	json_decref(document);
	return needs;
}

static uint64_t needs_of_others(const struct live_gadget *live)
{
	struct switch_targets o = { .live = live };
	uint64_t needs = 0;

	add_named_by(&o, live->model);
	for (size_t i = 0; i < o.n; i++)
		needs |= needs_of_file(&o, o.paths[i]);
	for (size_t i = 0; i < o.n; i++)
		free(o.paths[i]);
	return needs;
}

void privileges_give_up(struct live_gadget *live)
{
	uint64_t needs = needs_of(live->model) | needs_of_others(live);

	if (needs == ALL_CAPABILITIES)
		return;
	capabilities_reduce(OUR_CAPABILITIES | needs);
	/*
	 * First limits the capabilities that a later exec (reexec) may regain. If no worker needs
	 * capabilities, the bounding set is emptied once here, not by each worker at each start.
	 */
	live->bounded = capabilities_inherit() && capabilities_reduce_bounding_set(needs) && !needs;
	for (size_t n = 0; n < live->functions.n; n++)
		if (live->functions.list[n]->worker)
			live->functions.list[n]->worker->spawn.bounding_set_empty = live->bounded;
}

int privileges_check(const struct live_gadget *live, const struct function *function,
		     struct error *err)
{
	const struct worker *w = function->worker;
	uint64_t own, bounding;

	/* A dry run (reload --dry-run) plans in another process. */
	if (!gadget_is_made(live) || !w || !worker_has_privileges(w) ||
	    !capabilities_get(&own, &bounding))
		return 0;
	/* A supervisor that gave up nothing can still not give a worker more than it has. */
	if (w->keep_privileges ? !(own & ~bounding) : !(w->capabilities & ~(own & bounding)))
		return 0;
	error_set(err, EX_CANTCREAT, EPERM, NULL,
		  "the supervisor has given up the privileges that the worker of '%s' needs (%s)",
		  function->label, w->keep_privileges ? "privileges = \"keep\"" : "capabilities");
	error_at(err, &w->at);
	return error_hint(err, "take '%s' down, then up", live->name);
}

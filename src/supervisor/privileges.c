/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "process/capabilities.h"
#include "supervisor/live_gadget.h"
#include "supervisor/read_gadget_file.h"

#define CAPABILITY(name) (1ULL << CAP_##name)
/*
 * Capabilities that the supervisor needs for its own work: to mount, to open files of other users,
 * to inspect their processes, to start workers as other users with limits, to end workers, and to
 * read in the kernel's log why a gadget could not be bound (with the sysctl kernel.dmesg_restrict).
 */
#define OUR_CAPABILITIES                                                                           \
	(CAPABILITY(SYS_ADMIN) | CAPABILITY(DAC_OVERRIDE) | CAPABILITY(SYS_PTRACE) |               \
	 CAPABILITY(SETUID) | CAPABILITY(SETGID) | CAPABILITY(SETPCAP) |                           \
	 CAPABILITY(SYS_RESOURCE) | CAPABILITY(KILL) | CAPABILITY(SYSLOG))
#define ALL_CAPABILITIES UINT64_MAX

/*
 * Maximum number of gadget files that are read because of switch_to. The supervisor ignores further
 * files, and gives up capabilities that only gadgets of these files need.
 */
#define SWITCH_FILES_MAX 64

/* The files of the gadgets that this gadget may switch to, directly or after other switches. */
struct switchable_gadget_files {
	const struct live_gadget *live;
	char *paths[SWITCH_FILES_MAX];
	size_t n_paths;
};

static uint64_t capabilities_needed_by_gadget(const struct gadget *g)
{
	uint64_t needs = 0;

	for (size_t i = 0; i < g->n_functions; i++) {
		const struct worker *w = g->functions[i].worker;

		if (w)
			needs |= w->process_limits.keep_all_privileges
					 ? ALL_CAPABILITIES
					 : w->process_limits.capabilities;
	}
	return needs;
}

static bool files_have_path(const struct switchable_gadget_files *files, const char *path)
{
	for (size_t i = 0; i < files->n_paths; i++)
		if (streq(files->paths[i], path))
			return true;
	return false;
}

static void add_switchable_files(struct switchable_gadget_files *files, const struct gadget *g)
{
	for (size_t i = 0; i < g->n_switch_to && files->n_paths < SWITCH_FILES_MAX; i++) {
		_cleanup_free_ char *path = gadgetfile_find_beside(g, files->live->gadget_file_dirs,
								   g->switch_to[i].value);

		if (path && !files_have_path(files, path))
			files->paths[files->n_paths++] = steal_ptr(path);
	}
}

/* Reads the file as a switch would, and returns the capabilities that its workers need. */
static uint64_t capabilities_needed_by_file(struct switchable_gadget_files *files, const char *path)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget *g = NULL;
	json_t *document = NULL;
	uint64_t needs = 0;

	if (supervisor_read_gadget_file(path, NULL, files->live->gadget_file_dirs,
					required_gadget_file_trust(files->live), NULL, NULL, &g,
					&document, &ignored) == 0) {
		needs = capabilities_needed_by_gadget(g);
		add_switchable_files(files, g);
	}
	gadget_free(g);
	json_decref(document);
	return needs;
}

static uint64_t capabilities_needed_by_switchable_files(const struct live_gadget *live)
{
	struct switchable_gadget_files files = { .live = live };
	uint64_t needs = 0;

	add_switchable_files(&files, live->model);
	for (size_t i = 0; i < files.n_paths; i++)
		needs |= capabilities_needed_by_file(&files, files.paths[i]);
	for (size_t i = 0; i < files.n_paths; i++)
		free(files.paths[i]);
	return needs;
}

void privileges_give_up(struct live_gadget *live)
{
	uint64_t needs = capabilities_needed_by_gadget(live->model) |
			 capabilities_needed_by_switchable_files(live);

	if (needs == ALL_CAPABILITIES)
		return;
	capabilities_reduce(OUR_CAPABILITIES | needs);
	/*
	 * Capabilities outside of the inheritable and the bounding set cannot be regained by a
	 * later exec (`reexec`). If no worker needs capabilities, the bounding set is emptied once
	 * here; otherwise each worker empties it at each start.
	 */
	live->bounding_set_is_empty = capabilities_make_inheritable() &&
				      capabilities_reduce_bounding_set(needs) && !needs;
	for (size_t n = 0; n < live->functions.n; n++)
		if (live->functions.list[n]->worker)
			live->functions.list[n]->worker->spawn.caller_bounding_set_is_empty =
				live->bounding_set_is_empty;
}

int privileges_check_suffice_for_worker(const struct live_gadget *live,
					const struct function *function, struct error *err)
{
	const struct worker *w = function->worker;
	uint64_t own, bounding;

	if (!w || !worker_needs_privileges(w) || !capabilities_get(&own, &bounding))
		return 0;
	/* A worker cannot get capabilities that the supervisor did not have at its start. */
	if (w->process_limits.keep_all_privileges
		    ? !(own & ~bounding)
		    : !(w->process_limits.capabilities & ~(own & bounding)))
		return 0;
	error_set(err, EX_CANTCREAT, EPERM, NULL,
		  "the supervisor has given up the privileges that the worker of '%s' needs (%s)",
		  function->label,
		  w->process_limits.keep_all_privileges ? "privileges = \"keep\"" : "capabilities");
	error_set_position(err, &w->at);
	return error_add_hint(err, "take '%s' down, then up", live->name);
}

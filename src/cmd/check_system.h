/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that this system has the users, programs, files and so on that a gadget file names. */
#pragma once

#include "base/paths.h"
#include "cmd/plugin_cache.h"
#include "gadgetfile/gadgetfile.h"

/*
 * Adds a message of severity `severity` to `diags` for each user, group, program, plugin, UDC,
 * gadget file, medium of a drive and file with a report descriptor that does not exist. DIAG_ERROR
 * (`check --here`): also requires a free UDC and the kernel features that the gadget needs. `dirs`
 * are the directories of gadget files; NULL ends them.
 */
void check_this_system(const struct paths *paths, const struct gadget *gadget,
		       const char *const *dirs, enum diag_severity severity,
		       struct plugin_cache *plugins, struct diags *diags);
/*
 * Checks the file of a drive, the value of the attribute `file`, if it exists. `refused` is the
 * severity of a message about a file that the kernel would refuse.
 */
void check_medium(struct diags *diags, enum diag_severity refused, const struct function *f,
		  const struct configfs_attribute *file);
/*
 * Calls `on_missing` with the path of each medium of the gadget's drives that does not exist.
 * Returns their number.
 */
size_t visit_missing_media(const struct gadget *gadget,
			   void (*on_missing)(void *data, const char *path), void *data);

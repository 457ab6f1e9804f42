/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/rules.h"

#include "base/cleanup.h"
#include "configfs/attribute.h"
#include "configfs/entries.h"
#include "configfs/steps.h"
#include "configfs/usbg.h"

static bool is_directory(const struct step *step)
{
	return step->op == &configfs_op_gadget || step->op == &configfs_op_mkdir ||
	       step->op == &usbg_op_function || step->op == &usbg_op_config ||
	       step->op == &entry_op_directory;
}

static bool in_same_directory(const struct step *a, const struct step *b)
{
	_cleanup_free_ char *dir_a = path_parent(a->path), *dir_b = path_parent(b->path);

	return streq(dir_a, dir_b);
}

static bool is_named(const struct step *step, const char *name)
{
	return streq(strrchr(step->path, '/') + 1, name);
}

/* A drive is writable or not as of the moment when it gets its medium (storage_common.c). */
static bool is_medium_of(const struct step *file, const struct step *ro)
{
	return configfs_is_live(file) && configfs_is_live(ro) && is_named(file, "file") &&
	       is_named(ro, "ro") && in_same_directory(file, ro);
}

bool configfs_rests_on(const struct step *later, const struct step *earlier)
{
	if (is_directory(earlier)) {
		if (path_is_below(later->path, earlier->path))
			return true;
		if (later->op == &entry_op_link && (streq(later->value, earlier->path) ||
						    path_is_below(later->value, earlier->path)))
			return true;
	}
	if (later->op == &usbg_op_binding) {
		/* The order of a configuration's links is that of its interfaces. */
		if (earlier->op == &usbg_op_binding)
			return in_same_directory(later, earlier);
		return earlier->op == &usbg_op_function && is_named(earlier, later->value);
	}
	/* And that of the configurations is the host's order of choice. */
	if (later->op == &usbg_op_config)
		return earlier->op == &usbg_op_config;
	return is_medium_of(later, earlier);
}

bool configfs_remade_with(const struct step *earlier, const struct step *later)
{
	return earlier->op == &usbg_op_function && path_is_below(later->path, earlier->path) &&
	       !configfs_is_live(later);
}

bool configfs_replaces(const struct step *next, const struct step *last)
{
	return next->op->restore && streq(next->path, last->path);
}

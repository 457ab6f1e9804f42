/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads files of this system, or of a copy of another system's files below a directory. Neither
 * needs root, changes anything or loads a module.
 */
#pragma once

#include <stdbool.h>

#include "base/paths.h"
#include "base/util.h"

struct system {
	const char *root_dir;	   /* directory that has the files of the system; "": this system */
	const struct paths *paths; /* paths in the system, without `root` */
	char *kernel_release;	   /* as uname -r prints it; NULL: unknown */
	char *modules_builtin_text; /* text of modules.builtin; NULL: cannot be read */
	char *modules_dep_text;	    /* text of modules.dep; NULL: cannot be read */
};

void system_init(struct system *system, const char *root, const struct paths *paths);
void system_free(struct system *system);
#define _cleanup_system_ _cleanup_(system_free)

/*
 * The arguments after `system` are the format of an absolute path in the system. The caller frees
 * what these functions return.
 */
char *system_path(const struct system *system, const char *fmt, ...) _printf_(2, 3);
bool system_has_file(const struct system *system, const char *fmt, ...) _printf_(2, 3);
/* Returns the first line of a file, or a string of the device tree; NULL: it cannot be read. */
char *system_read_line(const struct system *system, const char *fmt, ...) _printf_(2, 3);
/* Returns the text of a file; NULL: it cannot be read. */
char *system_read(const struct system *system, const char *fmt, ...) _printf_(2, 3);
/* Returns the target of a symbolic link; NULL: it cannot be read. */
char *system_link_target(const struct system *system, const char *fmt, ...) _printf_(2, 3);
/* Returns the last component of the target of a symbolic link; NULL: it cannot be read. */
char *system_link_name(const struct system *system, const char *fmt, ...) _printf_(2, 3);
/*
 * Returns the sorted names in a directory without those that begin with '.'; NULL ends the list,
 * which is empty if the directory cannot be read. strings_free frees it.
 */
char **system_list(const struct system *system, const char *fmt, ...) _printf_(2, 3);

static inline void cleanup_strings(char ***list)
{
	strings_free(*list);
}
#define _cleanup_strings_ _cleanup_(cleanup_strings)

enum module_state {
	MODULE_UNKNOWN,	 /* the lists of modules cannot be read */
	MODULE_ABSENT,	 /* neither loaded nor installed */
	MODULE_LOADABLE, /* installed, but not loaded */
	MODULE_PRESENT,	 /* loaded, or built into the kernel */
};
/* Returns the state of a kernel module. '-' and '_' in its name are the same. */
enum module_state system_module_state(const struct system *system, const char *module);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"

#define TEXT_MAX (8 * 1024 * 1024) /* modules.dep of a distribution has about 1 MiB */

__attribute__((format(printf, 2, 0))) static char *vpath(const struct system *system,
							 const char *fmt, va_list ap)
{
	_cleanup_free_ char *path = text_vformat(fmt, ap);

	return strf("%s%s", system->root_dir, path);
}

/* Defines `path`, which is formatted from the arguments of the function. */
#define PATH_FROM_ARGUMENTS(system, fmt)                                                           \
	_cleanup_free_ char *path = NULL;                                                          \
	va_list ap;                                                                                \
                                                                                                   \
	va_start(ap, fmt);                                                                         \
	path = vpath(system, fmt, ap);                                                             \
	va_end(ap)

char *system_path(const struct system *system, const char *fmt, ...)
{
	PATH_FROM_ARGUMENTS(system, fmt);
	return steal_ptr(path);
}

bool system_has_file(const struct system *system, const char *fmt, ...)
{
	PATH_FROM_ARGUMENTS(system, fmt);
	return path_exists(path);
}

char *system_read_line(const struct system *system, const char *fmt, ...)
{
	char *line;

	PATH_FROM_ARGUMENTS(system, fmt);
	return file_read_first_line(AT_FDCWD, path, &line) < 0 ? NULL : line;
}

char *system_read(const struct system *system, const char *fmt, ...)
{
	char *text;

	PATH_FROM_ARGUMENTS(system, fmt);
	return file_read(AT_FDCWD, path, TEXT_MAX, &text, NULL) < 0 ? NULL : text;
}

static char *read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	return n < 0 ? NULL : xstrndup(target, (size_t)n);
}

char *system_link_target(const struct system *system, const char *fmt, ...)
{
	PATH_FROM_ARGUMENTS(system, fmt);
	return read_link(path);
}

char *system_link_name(const struct system *system, const char *fmt, ...)
{
	_cleanup_free_ char *target = NULL;

	PATH_FROM_ARGUMENTS(system, fmt);
	target = read_link(path);
	return xstrdup_or_null(target ? path_last_component(target) : NULL);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **system_list(const struct system *system, const char *fmt, ...)
{
	char **names = NULL;
	size_t n = 0;
	struct dirent *entry;
	DIR *dir;

	PATH_FROM_ARGUMENTS(system, fmt);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			*array_add(names, n) = xstrdup(entry->d_name);
	if (dir)
		closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(*names), compare_names);
	*array_add(names, n) = NULL;
	return names;
}

void system_init(struct system *system, const char *root, const struct paths *paths)
{
	*system = (struct system){ .root_dir = root, .paths = paths };
	system->kernel_release = system_read_line(system, "/proc/sys/kernel/osrelease");
	if (!system->kernel_release)
		return;
	system->modules_builtin_text =
		system_read(system, "/lib/modules/%s/modules.builtin", system->kernel_release);
	system->modules_dep_text =
		system_read(system, "/lib/modules/%s/modules.dep", system->kernel_release);
}

void system_free(struct system *system)
{
	free(system->kernel_release);
	free(system->modules_builtin_text);
	free(system->modules_dep_text);
	*system = (struct system){ 0 };
}

/* Returns whether the file at `path`, of `n` bytes, is that of the module. */
static bool is_module_file(const char *path, size_t n, const char *module)
{
	const char *slash = memrchr(path, '/', n), *name = slash ? slash + 1 : path;
	size_t left = n - (size_t)(name - path), length = strlen(module);

	if (left < length + 3 || memcmp(name + length, ".ko", 3) != 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((name[i] == '-' ? '_' : name[i]) != (module[i] == '-' ? '_' : module[i]))
			return false;
	return true;
}

/* Returns whether `list`, the text of modules.builtin or modules.dep, has a line of the module. */
static bool list_has_module(const char *list, const char *module)
{
	const char *end = list + strlen(list);

	while (list < end) {
		size_t n;
		const char *line = list, *colon;

		list = str_skip_line(line, end, &n);
		colon = memchr(line, ':', n);
		if (is_module_file(line, colon ? (size_t)(colon - line) : n, module))
			return true;
	}
	return false;
}

enum module_state system_module_state(const struct system *system, const char *module)
{
	_cleanup_free_ char *name = xstrdup(module);

	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	if (system_has_file(system, "/sys/module/%s", name))
		return MODULE_PRESENT;
	if (system->modules_builtin_text && list_has_module(system->modules_builtin_text, name))
		return MODULE_PRESENT;
	if (system->modules_dep_text && list_has_module(system->modules_dep_text, name))
		return MODULE_LOADABLE;
	return system->modules_builtin_text && system->modules_dep_text ? MODULE_ABSENT
									: MODULE_UNKNOWN;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/plugin_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"

/*
 * Returns the directory of this executable if it runs from its build tree, where ffsctl-worker is
 * in the same directory; else NULL. An installed ffsctl never uses files from its own directory.
 */
static char *build_dir(void)
{
	_cleanup_free_ char *host = NULL;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	if (streq(exe, FFSCTL_BINDIR))
		return NULL;
	host = strf("%s/ffsctl-worker", exe);
	return path_exists(host) ? xstrdup(exe) : NULL;
}

char *plugin_host_file(void)
{
	_cleanup_free_ char *dir = build_dir();

	return strf("%s/ffsctl-worker", dir ? dir : FFSCTL_LIBEXECDIR);
}

char *plugin_dir(void)
{
	_cleanup_free_ char *dir = build_dir();

	return dir ? strf("%s/src/plugins", dir) : xstrdup(FFSCTL_PLUGINDIR);
}

char *plugin_file(const char *plugin)
{
	_cleanup_free_ char *dir = NULL;

	if (strchr(plugin, '/'))
		return xstrdup(plugin);
	dir = plugin_dir();
	return strf("%s/%s.so", dir, plugin);
}

int plugin_file_find(const char *plugin, char **path, struct error *err)
{
	_cleanup_free_ char *file = plugin_file(plugin);

	if (access(file, R_OK) < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, file, "cannot find plugin '%s' (%s)",
				   plugin, file);
	*path = steal_ptr(file);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/plugin_path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"

/*
 * Returns the build directory if this executable runs from it: ffsctl-worker is then in the same
 * directory as the executable. NULL: ffsctl is installed. An installed ffsctl never uses files from
 * the directory of its executable.
 */
static char *find_build_dir(void)
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

char *plugin_host_path(void)
{
	_cleanup_free_ char *dir = find_build_dir();

	return strf("%s/ffsctl-worker", dir ? dir : FFSCTL_LIBEXECDIR);
}

char *plugin_dir(void)
{
	_cleanup_free_ char *dir = find_build_dir();

	return dir ? strf("%s/src/plugins", dir) : xstrdup(FFSCTL_PLUGINDIR);
}

char *plugin_path_expand(const char *plugin)
{
	_cleanup_free_ char *dir = NULL;

	if (strchr(plugin, '/'))
		return xstrdup(plugin);
	dir = plugin_dir();
	return strf("%s/%s.so", dir, plugin);
}

int plugin_path_find(const char *plugin, char **path, struct error *err)
{
	_cleanup_free_ char *file = plugin_path_expand(plugin);
	_cleanup_free_ char *host = plugin_host_path();

	if (access(host, X_OK) < 0) {
		error_errno(err, EX_UNAVAILABLE, errno, host, "cannot run plugin '%s': %s", plugin,
			    host);
		return error_add_hint(err, "install an ffsctl that was built with plugins, or use "
					   "a program: 'exec' instead of 'plugin'");
	}
	if (access(file, R_OK) < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, file, "cannot find plugin '%s' (%s)",
				   plugin, file);
	*path = steal_ptr(file);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `ffsctl-worker PLUGIN` runs a plugin with the file descriptors that ffsctl passed
 * (ffsctl-worker(7)). `ffsctl-worker --describe PLUGIN` prints the table of the plugin.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/worker_config.h"
#include "process/sandbox.h"

#define FIRST_FD 3 /* the first file descriptor of sd_listen_fds(3) */

static int print_error(struct error *err)
{
	int status = err->exit ? err->exit : WORKER_EXIT_NEVER;
	_cleanup_free_ char *lines = error_lines(err);

	fprintf(stderr, "ffsctl-worker: %s", lines);
	error_clear(err);
	return status;
}

static int fail_no_passed_fds(struct error *err)
{
	error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
		  "no file descriptors were passed (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES)");
	return error_add_hint(err, "ffsctl-worker must be started by ffsctl");
}

static int find_passed_fds(struct passed_fds *fds, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	fds->fd_names = getenv("LISTEN_FDNAMES");
	if (!pid || !n || !fds->fd_names || atol(pid) != (long)getpid() || atoi(n) < 2 ||
	    !str_has_prefix(fds->fd_names, "config:control"))
		return fail_no_passed_fds(err);
	fds->config_fd = FIRST_FD;
	fds->control_fd = FIRST_FD + 1;
	fds->first_endpoint_fd = FIRST_FD + 2;
	fds->n_fds_after_control = (unsigned int)atoi(n) - 2;
	fds->fd_names += strlen("config:control");
	return 0;
}

/* Checks that the file descriptors after `control` have the names of the endpoints in the worker's
   configuration, in the same order. */
static int check_endpoint_names(const struct passed_fds *fds, const struct worker_config *config,
				struct error *err)
{
	const char *names = fds->fd_names;
	unsigned int i;
	size_t n;

	for (i = 0; i < config->n_endpoints && i < fds->n_fds_after_control; i++) {
		n = strlen(config->endpoints[i].name);
		if (*names != ':' || strncmp(names + 1, config->endpoints[i].name, n) != 0)
			break;
		names += 1 + n;
		if (*names && *names != ':')
			break;
	}
	if (i == config->n_endpoints)
		return 0;
	return error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
			 "file descriptor %d must be the endpoint '%s' of the worker's "
			 "configuration, but has "
			 "another name in LISTEN_FDNAMES",
			 fds->first_endpoint_fd + (int)i, config->endpoints[i].name);
}

/* Returns the file descriptor with this name among the file descriptors after those of the
   endpoints; -1 if there is none. */
static int find_fd_by_name(const struct passed_fds *fds, const struct worker_config *config,
			   const char *name)
{
	const char *at = fds->fd_names;
	unsigned int i;

	for (i = 0; i < fds->n_fds_after_control && *at; i++) {
		size_t n = strcspn(at + 1, ":");

		if (i >= config->n_endpoints && n == strlen(name) && strncmp(at + 1, name, n) == 0)
			return fds->first_endpoint_fd + (int)i;
		at += 1 + n;
	}
	return -1;
}

static void find_optional_fds(struct passed_fds *fds, const struct worker_config *config)
{
	fds->plugin_fd = find_fd_by_name(fds, config, "plugin");
	fds->dmabuf_device_fd = find_fd_by_name(fds, config, "udmabuf");
	if (fds->dmabuf_device_fd >= 0)
		return;
	fds->dmabuf_device_fd = find_fd_by_name(fds, config, "dma-heap");
	fds->dmabuf_device_is_heap = true;
}

/* Returns the path of the file to load: the path in /proc if the file descriptor of the plugin was
 * passed, because the user of the worker may be unable to open `path`; else `path`. */
static const char *plugin_file_to_load(const struct passed_fds *fds, const char *path, char *link,
				       size_t size)
{
	if (fds->plugin_fd < 0)
		return path;
	snprintf(link, size, "/proc/self/fd/%d", fds->plugin_fd);
	return link;
}

static void set_close_on_exec(const struct passed_fds *fds)
{
	int fd;

	for (fd = FIRST_FD; fd < fds->first_endpoint_fd + (int)fds->n_fds_after_control; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

/* Limits the process to the system calls that `permissions` (bits of enum sandbox_permission)
   allow. A compromised plugin cannot remove this limit. */
static int enter_sandbox(unsigned int permissions, struct error *err)
{
	struct sandbox sandbox = { 0 };
	bool entered;

	sandbox_from_permissions(&sandbox, permissions);
	entered = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sandbox_enter(&sandbox);
	sandbox_free(&sandbox);
	if (entered)
		return 0;
	error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot enter the sandbox");
	return error_add_hint(err, "if the kernel has no CONFIG_SECCOMP_FILTER, set worker.sandbox "
				   "= false in the gadget file");
}

static int resolve_options(const struct ffsctl_plugin *plugin, const struct worker_config *config,
			   struct option_values *values, struct error *err)
{
	int r = options_resolve(plugin->options, config->options, values, err);

	return r < 0 ? error_wrap(err, "plugin %s", plugin->name) : r;
}

static int load_and_run_plugin(const char *plugin_path)
{
	_cleanup_error_ struct error err = { 0 };
	struct option_values options = { 0 };
	struct worker_config config = { 0 };
	struct ffsctl_plugin plugin;
	struct passed_fds fds = { 0 };
	char link[32];
	int status;

	/* Sets a fixed hash seed, so that jansson does not read /dev/urandom. This is safe, because
	   the configuration is trusted. */
	json_object_seed(1);
	if (find_passed_fds(&fds, &err) < 0 || worker_config_read(fds.config_fd, &config, &err) < 0)
		return print_error(&err);
	find_optional_fds(&fds, &config);
	/*
	 * The sandbox permits only what the plugin declares in `needs`. `needs` is known only after
	 * the plugin is loaded, but loading already runs the plugin's constructors. Therefore the
	 * process loads the plugin in a sandbox with all permissions that the gadget file allows,
	 * and then enters a second sandbox, which has only those of them that the plugin needs.
	 */
	if (check_endpoint_names(&fds, &config, &err) < 0 ||
	    (config.sandbox_enabled &&
	     enter_sandbox(config.allowed_sandbox_permissions, &err) < 0) ||
	    plugin_load(plugin_path, plugin_file_to_load(&fds, plugin_path, link, sizeof(link)),
			&plugin, &err) < 0 ||
	    resolve_options(&plugin, &config, &options, &err) < 0 ||
	    (config.sandbox_enabled &&
	     enter_sandbox(config.allowed_sandbox_permissions & plugin.needs, &err) < 0)) {
		status = print_error(&err);
	} else {
		if (plugin.needs & FFSCTL_NEED_PROGRAMS)
			set_close_on_exec(&fds);
		status = plugin_host_run(&plugin, &config, &fds, &options);
	}
	options_free(&options);
	worker_config_free(&config);
	return status;
}

/*
 * Sets limits for the constructors of a plugin, in addition to the sandbox, which some kernels do
 * not have: a constructor cannot start a process, write a large file, or write to stdout. Returns a
 * duplicate of stdout, to which plugin_describe() writes.
 */
static int limit_describing_process(struct error *err)
{
	static const struct {
		int resource;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_CPU, 5 },
		{ RLIMIT_FSIZE, 1 << 20 },
#ifndef FFSCTL_SANITIZED /* this limit would prevent the thread that LeakSanitizer starts */
		{ RLIMIT_NPROC, 0 },
#endif
	};
	size_t i;
	int out;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (setrlimit(limits[i].resource,
			      &(struct rlimit){ limits[i].limit, limits[i].limit }) < 0)
			return error_errno(err, WORKER_EXIT_NEVER, errno, NULL,
					   "cannot set the resource limits of the plugin");
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FD);
	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot redirect stdout");
	return out;
}

/*
 * Clears the error and returns true if the kernel has no seccomp filters. The resource limits are
 * then the only limits.
 */
static bool ignore_missing_seccomp(struct error *err)
{
	bool missing = err->errno_value == EINVAL || err->errno_value == ENOSYS;

	if (missing)
		error_clear(err);
	return missing;
}

static int describe_plugin(const char *path, const char *file)
{
	_cleanup_error_ struct error err = { 0 };
	struct ffsctl_plugin plugin;
	int out = limit_describing_process(&err);

	if (out < 0 || (enter_sandbox(0, &err) < 0 && !ignore_missing_seccomp(&err)) ||
	    plugin_load(path, file, &plugin, &err) < 0 || plugin_describe(&plugin, out, &err) < 0)
		return print_error(&err);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] != '-')
		return load_and_run_plugin(argv[1]);
	/* The last argument is the path of the file to load. If there is an argument before it,
	   messages show this path instead. */
	if ((argc == 3 || argc == 4) && streq(argv[1], "--describe"))
		return describe_plugin(argv[2], argv[argc - 1]);
	fputs("usage: ffsctl-worker PLUGIN.so | ffsctl-worker --describe PLUGIN.so\n", stderr);
	return EX_USAGE;
}

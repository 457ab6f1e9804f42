/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ffsctl-worker PLUGIN: runs a plugin with the descriptors that ffsctl passed (ffsctl-worker(7)).
 * ffsctl-worker --describe PLUGIN: prints the plugin's table.
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
#include "plugin-host/settings.h"
#include "process/sandbox.h"

#define FIRST_FD 3 /* sd_listen_fds(3) */

static int print_error(struct error *err)
{
	int status = err->exit ? err->exit : WORKER_EXIT_NEVER;
	_cleanup_free_ char *lines = error_lines(err);

	fprintf(stderr, "ffsctl-worker: %s", lines);
	error_clear(err);
	return status;
}

static int fail_no_descriptors(struct error *err)
{
	error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
		  "no descriptors were passed (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES)");
	return error_hint(err, "ffsctl-worker must be started by ffsctl");
}

static int find_fds(struct worker_fds *fds, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	fds->names = getenv("LISTEN_FDNAMES");
	if (!pid || !n || !fds->names || atol(pid) != (long)getpid() || atoi(n) < 2 ||
	    !str_has_prefix(fds->names, "config:control"))
		return fail_no_descriptors(err);
	fds->config = FIRST_FD;
	fds->control = FIRST_FD + 1;
	fds->endpoints = FIRST_FD + 2;
	fds->n_endpoints = (unsigned int)atoi(n) - 2;
	fds->names += strlen("config:control");
	return 0;
}

/* Checks that the descriptors after `control` are the endpoints of the worker's configuration, in
   the same order. */
static int check_endpoint_names(const struct worker_fds *fds, const struct worker_config *config,
				struct error *err)
{
	const char *names = fds->names;
	unsigned int i;
	size_t n;

	for (i = 0; i < config->n_endpoints && i < fds->n_endpoints; i++) {
		n = strlen(config->endpoints[i].name);
		if (*names != ':' || strncmp(names + 1, config->endpoints[i].name, n) != 0)
			break;
		names += 1 + n;
		if (*names && *names != ':')
			break;
	}
	if (i == config->n_endpoints)
		return 0;
	return error_set(
		err, WORKER_EXIT_NEVER, EINVAL, NULL,
		"endpoint '%s' of the configuration is not descriptor %d of LISTEN_FDNAMES",
		config->endpoints[i].name, fds->endpoints + (int)i);
}

/* Returns the descriptor with this name among those after the endpoints; -1 if there is none. */
static int find_descriptor(const struct worker_fds *fds, const struct worker_config *config,
			   const char *name)
{
	const char *at = fds->names;
	unsigned int i;

	for (i = 0; i < fds->n_endpoints && *at; i++) {
		size_t n = strcspn(at + 1, ":");

		if (i >= config->n_endpoints && n == strlen(name) && strncmp(at + 1, name, n) == 0)
			return fds->endpoints + (int)i;
		at += 1 + n;
	}
	return -1;
}

static void find_optional_descriptors(struct worker_fds *fds, const struct worker_config *config)
{
	fds->plugin = find_descriptor(fds, config, "plugin");
	fds->dmabuf = find_descriptor(fds, config, "udmabuf");
	if (fds->dmabuf >= 0)
		return;
	fds->dmabuf = find_descriptor(fds, config, "dma-heap");
	fds->dmabuf_heap = true;
}

/* Returns the path of the shared object in /proc if its descriptor was passed, because the worker's
 * user may be unable to open `path`; else `path`. */
static const char *plugin_file(const struct worker_fds *fds, const char *path, char *link,
			       size_t size)
{
	if (fds->plugin < 0)
		return path;
	snprintf(link, size, "/proc/self/fd/%d", fds->plugin);
	return link;
}

static void set_close_on_exec(const struct worker_fds *fds)
{
	int fd;

	for (fd = FIRST_FD; fd < fds->endpoints + (int)fds->n_endpoints; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

/* Limits the process to the system calls that `open` permits. The limits hold even if the plugin is
   compromised. */
static int enter_sandbox(unsigned int open, struct error *err)
{
	struct sandbox sandbox = { 0 };
	bool entered;

	sandbox_from_list(&sandbox, open);
	entered = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sandbox_enter(&sandbox);
	sandbox_free(&sandbox);
	if (entered)
		return 0;
	error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot enter the sandbox");
	return error_hint(err, "on a kernel without CONFIG_SECCOMP_FILTER set sandbox = false");
}

static int run_worker(const char *path)
{
	_cleanup_error_ struct error err = { 0 };
	struct option_values options = { 0 };
	struct worker_config config = { 0 };
	struct ffsctl_plugin plugin;
	struct worker_fds fds = { 0 };
	char link[32];
	int status;

	/* A fixed hash seed is safe, because the configuration is trusted, and avoids the need for
	   /dev/urandom. */
	json_object_seed(1);
	if (find_fds(&fds, &err) < 0 || worker_config_read(fds.config, &config, &err) < 0)
		return print_error(&err);
	find_optional_descriptors(&fds, &config);
	/* The plugin's constructors run before its needs are known. Until then the sandbox permits
	   everything that the gadget file allows, afterwards only what the plugin also declares. */
	if (check_endpoint_names(&fds, &config, &err) < 0 ||
	    (config.sandbox && enter_sandbox(config.allowed, &err) < 0) ||
	    plugin_load(path, plugin_file(&fds, path, link, sizeof(link)), &plugin, &err) < 0) {
		status = print_error(&err);
	} else if (options_resolve(plugin.options, config.options, &options, &err) < 0) {
		error_wrap(&err, "plugin %s", plugin.name);
		status = print_error(&err);
	} else if (config.sandbox && enter_sandbox(config.allowed & plugin.needs, &err) < 0) {
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
 * Limits what a plugin's constructors can do, in addition to the sandbox, which some kernels lack.
 * They cannot start a process, write a large file, or write to the stdout that gets the table.
 * Returns a new descriptor of that stdout.
 */
static int limit_process(struct error *err)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_CPU, 5 },
		{ RLIMIT_FSIZE, 1 << 20 },
#ifndef FFSCTL_SANITIZED /* LeakSanitizer starts a thread */
		{ RLIMIT_NPROC, 0 },
#endif
	};
	size_t i;
	int out;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (setrlimit(limits[i].what, &(struct rlimit){ limits[i].most, limits[i].most }) <
		    0)
			return error_errno(err, WORKER_EXIT_NEVER, errno, NULL,
					   "cannot set the resource limits of the plugin");
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FD);
	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot use stdout");
	return out;
}

/*
 * Returns whether the error is that the kernel has no seccomp filters, and then clears the error:
 * the resource limits must suffice.
 */
static bool is_without_seccomp(struct error *err)
{
	bool missing = err->err == EINVAL || err->err == ENOSYS;

	if (missing)
		error_clear(err);
	return missing;
}

static int describe(const char *path, const char *file)
{
	_cleanup_error_ struct error err = { 0 };
	struct ffsctl_plugin plugin;
	int out = limit_process(&err);

	if (out < 0 || (enter_sandbox(0, &err) < 0 && !is_without_seccomp(&err)) ||
	    plugin_load(path, file, &plugin, &err) < 0 || plugin_describe(&plugin, out, &err) < 0)
		return print_error(&err);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] != '-')
		return run_worker(argv[1]);
	/* An optional second path is the file to load; the first path is its name in messages. */
	if ((argc == 3 || argc == 4) && streq(argv[1], "--describe"))
		return describe(argv[2], argv[argc - 1]);
	fputs("usage: ffsctl-worker PLUGIN.so | ffsctl-worker --describe PLUGIN.so\n", stderr);
	return EX_USAGE;
}

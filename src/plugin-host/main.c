/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ffsctl-worker PLUGIN: runs one plugin with what ffsctl passes it (ffsctl-worker(7)).
 * ffsctl-worker --describe PLUGIN: prints what the plugin declares.
 */
#include "config.h"

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

static int complain(struct error *err)
{
	int status = err->exit ? err->exit : WORKER_EXIT_NEVER;

	fprintf(stderr, "ffsctl-worker: %s\n", err->text);
	error_clear(err);
	return status;
}

static int not_ours(struct error *err)
{
	return error_set(err, WORKER_EXIT_NEVER, EINVAL, NULL,
			 "no descriptors were passed (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES); "
			 "ffsctl-worker is started by ffsctl");
}

static int find_fds(struct worker_fds *fds, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	fds->names = getenv("LISTEN_FDNAMES");
	if (!pid || !n || !fds->names || atol(pid) != (long)getpid() || atoi(n) < 2 ||
	    !str_has_prefix(fds->names, "config:control"))
		return not_ours(err);
	fds->config = FIRST_FD;
	fds->control = FIRST_FD + 1;
	fds->endpoints = FIRST_FD + 2;
	fds->n_endpoints = (unsigned int)atoi(n) - 2;
	fds->names += strlen("config:control");
	return 0;
}

/* The descriptors after `control` are the endpoints of the configuration, in its order. */
static int match_names(const struct worker_fds *fds, const struct worker_config *config,
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

/* The descriptor of a name behind the endpoints; -1: there is none. */
static int find_extra(const struct worker_fds *fds, const struct worker_config *config,
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

static void find_extras(struct worker_fds *fds, const struct worker_config *config)
{
	fds->plugin = find_extra(fds, config, "plugin");
	fds->dmabuf = find_extra(fds, config, "udmabuf");
	if (fds->dmabuf >= 0)
		return;
	fds->dmabuf = find_extra(fds, config, "dma-heap");
	fds->dmabuf_heap = true;
}

/* By descriptor, if one was passed: the worker's user may not be able to walk to the file. */
static const char *plugin_file(const struct worker_fds *fds, const char *path, char *link,
			       size_t size)
{
	if (fds->plugin < 0)
		return path;
	snprintf(link, size, "/proc/self/fd/%d", fds->plugin);
	return link;
}

static void close_on_exec(const struct worker_fds *fds)
{
	int fd;

	for (fd = FIRST_FD; fd < fds->endpoints + (int)fds->n_endpoints; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

/* Whoever takes over the plugin from now on can do no more than that. */
static int close_sandbox(unsigned int open, struct error *err)
{
	struct sandbox sandbox = { 0 };
	bool closed;

	sandbox_closed(&sandbox, open);
	closed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sandbox_enter(&sandbox);
	sandbox_free(&sandbox);
	if (closed)
		return 0;
	error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot close the sandbox");
	return error_hint(err, "a kernel without CONFIG_SECCOMP_FILTER needs sandbox = false");
}

static int work(const char *path)
{
	_cleanup_error_ struct error err = { 0 };
	struct option_values options = { 0 };
	struct worker_config config = { 0 };
	struct ffsctl_plugin plugin;
	struct worker_fds fds = { 0 };
	char link[32];
	int status;

	/* The configuration is ffsctl's own: no need for a random hash, and so for /dev/urandom. */
	json_object_seed(1);
	if (find_fds(&fds, &err) < 0 || worker_config_read(fds.config, &config, &err) < 0)
		return complain(&err);
	find_extras(&fds, &config);
	/* Its constructors run before it is known what it needs: as if that were everything. */
	if (match_names(&fds, &config, &err) < 0 ||
	    (config.sandbox && close_sandbox(config.allowed, &err) < 0) ||
	    plugin_load(path, plugin_file(&fds, path, link, sizeof(link)), &plugin, &err) < 0) {
		status = complain(&err);
	} else if (options_resolve(plugin.options, config.options, &options, &err) < 0) {
		error_wrap(&err, "plugin %s", plugin.name);
		status = complain(&err);
	} else if (config.sandbox && close_sandbox(config.allowed & plugin.needs, &err) < 0) {
		status = complain(&err);
	} else {
		if (plugin.needs & FFSCTL_NEED_PROGRAMS)
			close_on_exec(&fds);
		status = host_run(&plugin, &config, &fds, &options);
	}
	options_free(&options);
	worker_config_free(&config);
	return status;
}

/*
 * What is loaded runs code of its own before anything is known of it. It may read, but leaves
 * nothing behind: no process, no large file, and nothing on the stdout that the table goes to. The
 * sandbox is closed as well; this is what holds without one.
 */
static int confine(struct error *err)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_CPU, 5 },
		{ RLIMIT_FSIZE, 1 << 20 },
#ifndef FFSCTL_SANITIZED /* LeakSanitizer looks around from a thread of its own */
		{ RLIMIT_NPROC, 0 },
#endif
	};
	size_t i;
	int out;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (setrlimit(limits[i].what, &(struct rlimit){ limits[i].most, limits[i].most }) <
		    0)
			return error_errno(err, WORKER_EXIT_NEVER, errno, NULL,
					   "cannot limit what a plugin may do");
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST_FD);
	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(err, WORKER_EXIT_NEVER, errno, NULL, "cannot use stdout");
	return out;
}

/* Of a kernel that has none: the limits have to do. */
static bool lacks_filters(struct error *err)
{
	bool lacks = err->err == EINVAL || err->err == ENOSYS;

	if (lacks)
		error_clear(err);
	return lacks;
}

static int describe(const char *path, const char *file)
{
	_cleanup_error_ struct error err = { 0 };
	struct ffsctl_plugin plugin;
	int out = confine(&err);

	if (out < 0 || (close_sandbox(0, &err) < 0 && !lacks_filters(&err)) ||
	    plugin_load(path, file, &plugin, &err) < 0 || plugin_describe(&plugin, out, &err) < 0)
		return complain(&err);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] != '-')
		return work(argv[1]);
	/* The second path, if there is one, is what is loaded; the first is what messages call it.
	 */
	if ((argc == 3 || argc == 4) && streq(argv[1], "--describe"))
		return describe(argv[2], argv[argc - 1]);
	fputs("usage: ffsctl-worker PLUGIN.so | ffsctl-worker --describe PLUGIN.so\n", stderr);
	return EX_USAGE;
}

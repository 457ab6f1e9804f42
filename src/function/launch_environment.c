/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments and environment of a worker. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch_internal.h"

#define WORKER_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Returns the path of the device of a function; NULL if there is none, or none yet. */
static const char *device_path_of(const struct live_function *function)
{
	const struct ffs *ffs = function->model->ffs;

	return ffs ? ffs->endpoint_file_symlink.value : function->kernel_device.device_node;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/*
 * Replaces "${gadget}" and the other variables, which gadgetfile_load has checked; the caller frees
 * the result.
 */
static char *expand_variables(const struct live_worker *worker, const char *text)
{
	const struct live_function *function = worker->function;
	const char *device = text_or_empty(device_path_of(function));
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "${dir}", function->gadget->file_dir },
		{ "${gadget}", function->functions->gadget_name },
		{ "${function}", function->model->label },
		{ "${mount}", function->model->ffs ? function->model->ffs->mount.path : "" },
		{ "${device}", device },
		{ "${device_name}", path_last_component(device) },
		{ "${ifname}", text_or_empty(function->kernel_device.ifname) },
	};
	char *out = xstrdup("");

	while (*text) {
		_cleanup_free_ char *old = out;
		size_t plain = strcspn(text, "$");
		const char *value = NULL;

		out = strf("%s%.*s", old, (int)plain, text);
		text += plain;
		for (size_t v = 0; *text && v < ARRAY_SIZE(variables); v++) {
			if (str_has_prefix(text, variables[v].name)) {
				value = variables[v].value;
				text += strlen(variables[v].name);
				break;
			}
		}
		if (value || *text) {
			_cleanup_free_ char *before = out;

			out = value ? strf("%s%s", before, value) : strf("%s%c", before, *text++);
		}
	}
	return out;
}

void launch_prepare_arguments(struct live_worker *worker)
{
	char *const *words = worker->model->argv;
	size_t n = 0;

	while (words[n])
		n++;
	strings_free(worker->spawn.argv);
	worker->spawn.argv = xcalloc(n + 1, sizeof(*worker->spawn.argv));
	for (size_t i = 0; i < n; i++)
		worker->spawn.argv[i] = expand_variables(worker, words[i]);
}

char *launch_notify_socket_path(const struct live_worker *worker)
{
	return strf("%s/notify-%s", worker->function->functions->rundir->path,
		    worker->function->model->label);
}

static void set_env_variable(char **env, size_t *n, const char *name, const char *value)
{
	if (value)
		env[(*n)++] = strf("%s=%s", name, value);
}

/* Returns the number of names in the value of LISTEN_FDNAMES. */
static size_t count_names(const char *names)
{
	size_t n = 1;

	while ((names = strchr(names, ':'))) {
		names++;
		n++;
	}
	return n;
}

void launch_prepare_environment(struct live_worker *worker)
{
	const struct live_function *function = worker->function;
	const struct worker *w = worker->model;
	const struct ffs *ffs = function->model->ffs;
	_cleanup_free_ char *names = launch_fd_names(worker),
			    *notify = launch_notify_socket_path(worker);
	size_t n = 0, n_fds = count_names(names);
	char **env = xcalloc(12 + w->n_env, sizeof(*env));

	set_env_variable(env, &n, "PATH", WORKER_PATH);
	set_env_variable(env, &n, "FFSCTL_GADGET", function->functions->gadget_name);
	set_env_variable(env, &n, "FFSCTL_FUNCTION", function->model->label);
	set_env_variable(env, &n, "FFSCTL_MOUNT", ffs ? ffs->mount.path : NULL);
	set_env_variable(env, &n, "FFSCTL_DEVICE",
			 ffs ? NULL : function->kernel_device.device_node);
	set_env_variable(env, &n, "FFSCTL_IFNAME", function->kernel_device.ifname);
	env[n++] = strf("LISTEN_FDS=%zu", n_fds);
	set_env_variable(env, &n, "LISTEN_FDNAMES", names);
	env[n] = strf("LISTEN_PID=%*s", SPAWN_PID_DIGITS, "");
	worker->spawn.listen_pid_value = env[n++] + strlen("LISTEN_PID=");
	if (w->kind == WORKER_EXEC && w->ready_when == READY_NOTIFY)
		set_env_variable(env, &n, "NOTIFY_SOCKET", notify);
	if (w->ready_when == READY_FD)
		env[n++] = strf("NOTIFY_FD=%zu", 3 + n_fds);
	for (size_t e = 0; e < w->n_env; e++) {
		_cleanup_free_ char *value = expand_variables(worker, w->env[e].value);
		size_t at = 0, length = strlen(w->env[e].name);

		/* A variable of the gadget file replaces one of ffsctl, such as PATH. */
		while (at < n &&
		       (strncmp(env[at], w->env[e].name, length) != 0 || env[at][length] != '='))
			at++;
		if (at == n)
			n++;
		free(env[at]);
		env[at] = strf("%s=%s", w->env[e].name, value);
	}
	strings_free(worker->spawn.env);
	worker->spawn.env = env;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/journal.h"
#include "base/proc.h"
#include "base/trust.h"
#include "function/function.h"
#include "function/launch_parts.h"
#include "functionfs/endpoint.h"
#include "probe/plugin_file.h"
#include "process/credentials.h"
#include "process/worker_processes.h"

#define WORKER_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Maximum number of processes and threads of a worker that runs as the user id reserved for it. */
#define DEFAULT_TASKS 256
/*
 * Size of the control socket's buffer: room for ep0 data of 64 KiB and a few events. Messages
 * beyond that are lost.
 */
#define CONTROL_BUFFER (256 * 1024)

/* --- program and environment --- */

/*
 * Checks a file that root executes, or loads for a worker: other users must not be able to write to
 * it.
 */
static int check_trust(const struct live_worker *worker, const char *path, struct error *err)
{
	const struct functions *all = worker->function->functions;
	enum trust trust =
		all->events->program_trust(all->owner, worker->function->gadget->file_dir);
	/* A missing file is reported when it is opened. */
	_cleanup_free_ char *why = geteuid() == 0 ? trust_check(path, trust) : NULL;

	if (!why)
		return 0;
	trust_refuse(path, why, err);
	return error_at(err, &worker->model->program_at);
}

/* Returns the path of the device of a function; NULL if there is none, or none yet. */
static const char *device_of(const struct live_function *i)
{
	const struct ffs *ffs = i->model->ffs;

	return ffs ? ffs->device_link.value : i->kernel_device.device;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/*
 * Replaces "${gadget}" and the other variables, which gadgetfile_load has checked; the caller frees
 * the result.
 */
static char *expand_variables(const struct live_worker *worker, const char *text)
{
	const struct live_function *i = worker->function;
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "${dir}", i->gadget->file_dir },
		{ "${gadget}", i->functions->gadget },
		{ "${function}", i->model->label },
		{ "${mount}", i->model->ffs ? i->model->ffs->mount.path : "" },
		{ "${device}", or_empty(device_of(i)) },
		{ "${ifname}", or_empty(i->kernel_device.ifname) },
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

static int find_in_path(struct live_worker *worker, struct error *err)
{
	struct spawn *s = &worker->spawn;
	int r = spawn_find_program(s->argv[0], &s->program, &worker->model->program_at, err);

	return r < 0 ? r : check_trust(worker, s->program, err);
}

static void prepare_arguments(struct live_worker *worker)
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

static int prepare_program(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	struct spawn *s = &worker->spawn;

	if (w->kind == WORKER_PLUGIN) {
		char *plugin;

		if (plugin_file_find(w->plugin, &plugin, err) < 0)
			return error_at(err, &w->program_at);
		if (check_trust(worker, plugin, err) < 0) {
			free(plugin);
			return -err->err;
		}
		s->program = plugin_host_file();
		s->argv = xcalloc(3, sizeof(*s->argv));
		s->argv[0] = xstrdup("ffsctl-worker");
		s->argv[1] = plugin;
		return 0;
	}
	prepare_arguments(worker);
	if (!strchr(s->argv[0], '/'))
		return find_in_path(worker, err);
	s->program = xstrdup(s->argv[0]);
	if (access(s->program, X_OK) == 0)
		return check_trust(worker, s->program, err);
	error_errno(err, EX_UNAVAILABLE, errno, s->program, "cannot execute %s", s->program);
	return error_at(err, &w->program_at);
}

static char *notify_path(const struct live_worker *worker)
{
	return strf("%s/notify-%s", worker->function->functions->rundir->path,
		    worker->function->model->label);
}

static void set_variable(char **env, size_t *n, const char *name, const char *value)
{
	if (value)
		env[(*n)++] = strf("%s=%s", name, value);
}

static void prepare_environment(struct live_worker *worker)
{
	const struct live_function *i = worker->function;
	const struct worker *w = worker->model;
	const struct ffs *ffs = i->model->ffs;
	size_t n = 0, n_fds = 2 + ffs_count_endpoints(ffs) + ffs_count_pairs(ffs) +
			      (worker->dmabuf != NULL) + (w->kind == WORKER_PLUGIN);
	char **env = xcalloc(12 + w->n_env, sizeof(*env));
	_cleanup_free_ char *names = launch_fd_names(worker), *notify = notify_path(worker);

	set_variable(env, &n, "PATH", WORKER_PATH);
	set_variable(env, &n, "FFSCTL_GADGET", i->functions->gadget);
	set_variable(env, &n, "FFSCTL_FUNCTION", i->model->label);
	set_variable(env, &n, "FFSCTL_MOUNT", ffs ? ffs->mount.path : NULL);
	set_variable(env, &n, "FFSCTL_DEVICE", ffs ? NULL : i->kernel_device.device);
	set_variable(env, &n, "FFSCTL_IFNAME", i->kernel_device.ifname);
	env[n++] = strf("LISTEN_FDS=%zu", n_fds);
	set_variable(env, &n, "LISTEN_FDNAMES", names);
	env[n] = strf("LISTEN_PID=%*s", SPAWN_PID_DIGITS, "");
	worker->spawn.listen_pid = env[n++] + strlen("LISTEN_PID=");
	if (w->kind == WORKER_EXEC && w->ready == READY_NOTIFY)
		set_variable(env, &n, "NOTIFY_SOCKET", notify);
	if (w->ready == READY_FD)
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

/* udmabuf comes first, because its memory is charged to the worker. */
static const struct dmabuf_device dmabuf_devices[] = {
	{ "/dev/udmabuf", "udmabuf" },
	{ "/dev/dma_heap/system", "dma-heap" },
};

static int prepare_dmabuf(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;

	if (w->kind != WORKER_PLUGIN || !(worker_engine_needs[w->engine] & STREAM_NEEDS_DMABUF))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dmabuf_devices) && !worker->dmabuf; i++)
		if (access(dmabuf_devices[i].path, R_OK | W_OK) == 0)
			worker->dmabuf = &dmabuf_devices[i];
	if (worker->dmabuf)
		return 0;
	error_errno(err, EX_UNAVAILABLE, errno, dmabuf_devices[0].path,
		    "io.engine = \"%s\" needs %s (CONFIG_UDMABUF) or %s "
		    "(CONFIG_DMABUF_HEAPS_SYSTEM)",
		    worker_engine_words[w->engine], dmabuf_devices[0].path, dmabuf_devices[1].path);
	return error_at(err, &w->engine_at);
}

/*
 * Prepares the filter of system calls. The plugin host restricts itself further as soon as it knows
 * the needs of the plugin.
 */
static void prepare_sandbox(struct live_worker *worker)
{
	struct sandbox *s = &worker->spawn.sandbox;

	if (worker->model->sandbox && worker->model->kind == WORKER_EXEC)
		sandbox_from_list(s, worker->model->allowed);
	else if (!worker->model->sandbox && worker->function->model->ffs)
		sandbox_without_io_uring(
			s); /* io_uring requests to endpoints cannot be cancelled */
}

int launch_prepare(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	int r = launch_prepare_user(worker, err);

	worker->spawn.stdout_fd = -1;
	worker->spawn.keep_privileges = w->keep_privileges;
	worker->spawn.capabilities = w->capabilities;
	worker->spawn.limits = w->limits;
	/*
	 * RLIMIT_NPROC counts all processes of a user, so it makes sense only for a user that runs
	 * no other processes.
	 */
	if (!w->limits.tasks && !w->user.value)
		worker->spawn.limits.tasks = DEFAULT_TASKS;
	worker->spawn.directory = xstrdup(w->directory);
	worker->spawn.worker_link = strf(RUNDIR_WORKER_LINK "%s", worker->function->model->label);
	if (r == 0)
		r = prepare_program(worker, err);
	if (r == 0)
		r = prepare_dmabuf(worker, err);
	if (r == 0)
		prepare_environment(worker);
	if (r == 0)
		prepare_sandbox(worker);
	return r;
}

/* --- one start --- */

/* Descriptors for one start. The supervisor closes them afterwards; the child has duplicates. */
struct worker_descriptors {
	const struct live_worker *worker;
	struct error *err;
	/*
	 * config and control, endpoints (FFS_MAX_EPS_COUNT), pairs, DMABUF device, plugin or
	 * NOTIFY_FD
	 */
	int fds[2 + 30 + 15 + 1 + 1];
	size_t n;
};

static enum ep_blocking blocking_of(const struct worker_descriptors *h)
{
	return h->worker->model->blocking ? EP_BLOCKING : EP_NONBLOCKING;
}

static int add_fd(struct worker_descriptors *h, int fd)
{
	if (fd >= 0)
		h->fds[h->n++] = fd;
	return fd < 0 ? fd : 0;
}

static int open_endpoint(void *data, const struct endpoint *ep)
{
	struct worker_descriptors *h = data;

	return add_fd(
		h, ffs_endpoint_open(h->worker->function->model->ffs, ep, blocking_of(h), h->err));
}

static int open_pair(void *data, const struct endpoint *first,
		     const struct endpoint *second _unused_)
{
	struct worker_descriptors *h = data;

	return add_fd(
		h, ffs_pair_open(h->worker->function->model->ffs, first, blocking_of(h), h->err));
}

/* Opens the sealed memfd again, because workers must not share its file offset. */
static int reopen_config(const struct live_worker *worker)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", worker->config_fd);

	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The supervisor's ends of sockets and pipes, and the write end of the output pipe. */
struct supervisor_ends {
	int control, output, output_write, notify;
};

static void close_parent_ends(struct supervisor_ends *e)
{
	cleanup_close(&e->control);
	cleanup_close(&e->output);
	cleanup_close(&e->output_write);
	cleanup_close(&e->notify);
}

static int make_pipe(int *ours, int *theirs)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	*ours = pair[0];
	*theirs = pair[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int make_control_socket(struct worker_descriptors *h, struct supervisor_ends *e)
{
	int size = CONTROL_BUFFER, pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	e->control = pair[0];
	h->fds[h->n++] = pair[1];
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/*
 * Creates the socket for sd_notify(3). It accepts datagrams of root and the worker's user only:
 * other users could fill its queue, and WATCHDOG=1 would be lost.
 */
static int make_notify_socket(const struct live_worker *worker, int *out)
{
	_cleanup_free_ char *path = notify_path(worker);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	unlink(path);
	/* Sets the mode before bind: a connection made in between would stay (unix_bind). */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    fchmod(fd, 0600) < 0)
		return -errno;
	r = credentials_bind_socket(fd, (struct sockaddr *)&address, sizeof(address),
				    worker->spawn.uid);
	if (r < 0)
		return r;
	*out = steal_fd(&fd);
	return 0;
}

/*
 * Watches writes to ep0: FunctionFS does not report that descriptors were written, but each
 * write(2) causes an fsnotify event (vfs_write). Must be called before the daemon starts.
 */
static int watch_ep0(const struct live_worker *worker, int *out)
{
	_cleanup_free_ char *path = strf("%s/ep0", worker->function->model->ffs->mount.path);
	_cleanup_close_ int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
		return -errno;
	*out = steal_fd(&fd);
	return 0;
}

/* Connects the worker's output with the journal: `journalctl -t GADGET/FUNCTION` shows it. */
static int open_journal(const struct live_worker *worker)
{
	_cleanup_free_ char *identifier =
		strf("%s/%s", worker->function->functions->gadget, worker->function->model->label);

	return journal_stream(identifier, LOG_INFO);
}

/*
 * Makes the descriptor for the worker's output. A worker never gets the terminal, because it could
 * read what root types there.
 */
static int make_output(const struct live_worker *worker, struct supervisor_ends *e)
{
	if (worker->function->functions->foreground && !isatty(STDERR_FILENO)) {
		if (journal_is_stderr())
			e->output_write = open_journal(worker);
		if (e->output_write < 0)
			e->output_write = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return e->output_write < 0 ? -errno : 0;
	}
	return make_pipe(&e->output, &e->output_write);
}

static int open_file(struct worker_descriptors *h, const char *path, int flags, const char *what)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return error_errno(h->err, EX_UNAVAILABLE, errno, path, "cannot open %s%s", what,
				   path);
	return add_fd(h, fd);
}

static int open_fds(struct live_worker *worker, struct worker_descriptors *h,
		    struct supervisor_ends *e, struct error *err)
{
	int config = reopen_config(worker), theirs, r = 0;

	if (config < 0)
		r = -errno;
	else
		h->fds[h->n++] = config;
	if (r == 0)
		r = make_control_socket(h, e);
	if (r == 0)
		r = make_output(worker, e);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL,
				   "cannot create the descriptors of a worker");
	r = ffs_each_endpoint(worker->function->model->ffs, open_endpoint, h);
	if (r == 0)
		r = ffs_each_pair(worker->function->model->ffs, open_pair, h);
	if (r == 0 && worker->dmabuf)
		r = open_file(h, worker->dmabuf->path, O_RDWR, "");
	if (r < 0)
		return r;
	if (worker->model->kind == WORKER_PLUGIN)
		/*
		 * The plugin is passed as a descriptor: the worker's user may have no access to the
		 * path.
		 */
		return open_file(h, worker->spawn.argv[1], O_RDONLY, "the plugin ");
	if (worker->model->ready == READY_FD) {
		r = make_pipe(&e->notify, &theirs);
		if (r == 0)
			h->fds[h->n++] = theirs;
	} else if (worker->model->kind == WORKER_EXEC && worker->model->ready == READY_NOTIFY) {
		r = make_notify_socket(worker, &e->notify);
	} else if (worker->model->ready == READY_INSTANCE) {
		r = watch_ep0(worker, &e->notify);
	}
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL,
				   "cannot watch the readiness of a worker");
	return 0;
}

static int give_to_keeper(const struct live_worker *worker, const struct supervisor_ends *e,
			  struct error *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);

	/*
	 * A worker without a pidfd cannot be taken over. valgrind does not implement pidfd_open(2).
	 */
	return function_give_worker(worker->function, worker->pid, e->control, pidfd, e->output,
				    err);
}

/* Sets the variables of the kernel device, which may have another name at each start. */
static void prepare_kernel_device(struct live_worker *worker)
{
	prepare_arguments(worker);
	prepare_environment(worker);
	worker->function->kernel_device.worker_device_id = worker->function->kernel_device.id;
}

/* Returns the program, or the plugin that the plugin host loads. */
static const char *trusted_path(const struct live_worker *worker)
{
	return worker->model->kind == WORKER_PLUGIN ? worker->spawn.argv[1] : worker->spawn.program;
}

int launch_start(struct live_worker *worker, struct error *err)
{
	struct supervisor_ends ends = { -1, -1, -1, -1 };
	struct worker_descriptors fds = { .worker = worker, .err = err };
	int r;

	/* Checked at each start, because the file may have changed. */
	r = check_trust(worker, trusted_path(worker), err);
	/* Made at the first start, because the path of the mount is not final before. */
	if (r == 0 && worker->config_fd < 0)
		r = launch_make_config(worker, err);
	if (!worker->function->model->ffs)
		prepare_kernel_device(worker);
	if (r == 0)
		r = open_fds(worker, &fds, &ends, err);
	worker->spawn.worker_link_dir = worker->function->functions->rundir->dir_fd;
	if (r == 0)
		r = spawn_start(&worker->spawn, fds.fds, fds.n, ends.output_write, &worker->pid,
				err);
	for (size_t i = 0; i < fds.n; i++)
		cleanup_close(&fds.fds[i]);
	if (r == 0)
		r = give_to_keeper(worker, &ends, err);
	if (r == 0)
		r = worker_watch(worker, &ends.output, &ends.notify, err);
	worker->session = worker->pid;
	worker->session_start = now_boot_ticks();
	worker->taken_over = false;
	if (r < 0 && worker->pid > 0) { /* the worker runs, but the supervisor cannot watch it */
		kill(-worker->pid, SIGKILL);
		worker->pid = 0;
	}
	close_parent_ends(&ends);
	return r;
}

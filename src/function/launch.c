/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

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
#include "process/family.h"

#define WORKER_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Processes and threads of a worker that has a user id of its own. */
#define DEFAULT_TASKS 256
/* ep0 data of 64 KiB and a few events fit; what a worker does not read beyond that is lost. */
#define CONTROL_BUFFER (256 * 1024)

/* --- program and environment --- */

/* What root starts, or loads for a worker, nobody else may be able to change. */
static int check_trust(const struct live_worker *worker, const char *path, struct error *err)
{
	const struct functions *all = worker->function->all;
	enum trust trust = all->events->program_trust(all->owner, worker->function->gadget->dir);
	/* What is not there is told by who needs it. */
	_cleanup_free_ char *why = geteuid() == 0 ? trust_check(path, trust) : NULL;

	if (!why)
		return 0;
	error_set(err, EX_NOPERM, EPERM, path, "root does not start %s: %s", path, why);
	error_hint(err, "who can write it could do anything here");
	return error_at(err, &worker->model->program_at);
}

/* NULL: it has none, or what the kernel makes is not there yet. */
static const char *device_of(const struct live_function *i)
{
	const struct ffs *ffs = i->model->ffs;

	return ffs ? ffs->device.value : i->kernel.device;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* "${gadget}" and its kin, which gadgetfile_load has checked; the caller frees it. */
static char *expand(const struct live_worker *worker, const char *text)
{
	const struct live_function *i = worker->function;
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "${dir}", i->gadget->dir },
		{ "${gadget}", i->all->gadget },
		{ "${function}", i->model->label },
		{ "${mount}", i->model->ffs ? i->model->ffs->mount.path : "" },
		{ "${device}", or_empty(device_of(i)) },
		{ "${ifname}", or_empty(i->kernel.ifname) },
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
		worker->spawn.argv[i] = expand(worker, words[i]);
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
	return strf("%s/notify-%s", worker->function->all->rundir->path,
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
	set_variable(env, &n, "FFSCTL_GADGET", i->all->gadget);
	set_variable(env, &n, "FFSCTL_FUNCTION", i->model->label);
	set_variable(env, &n, "FFSCTL_MOUNT", ffs ? ffs->mount.path : NULL);
	set_variable(env, &n, "FFSCTL_DEVICE", ffs ? NULL : i->kernel.device);
	set_variable(env, &n, "FFSCTL_IFNAME", i->kernel.ifname);
	env[n++] = strf("LISTEN_FDS=%zu", n_fds);
	set_variable(env, &n, "LISTEN_FDNAMES", names);
	env[n] = strf("LISTEN_PID=%*s", SPAWN_PID_DIGITS, "");
	worker->spawn.listen_pid = env[n++] + strlen("LISTEN_PID=");
	if (w->kind == WORKER_EXEC && w->ready == READY_NOTIFY)
		set_variable(env, &n, "NOTIFY_SOCKET", notify);
	if (w->ready == READY_FD)
		env[n++] = strf("NOTIFY_FD=%zu", 3 + n_fds);
	for (size_t e = 0; e < w->n_env; e++) {
		_cleanup_free_ char *value = expand(worker, w->env[e].value);
		size_t at = 0, length = strlen(w->env[e].name);

		/* The file's PATH takes the place of ours. */
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

/* Of two, the one whose memory is accounted to the worker first. */
static const struct dmabuf_device dmabuf_devices[] = {
	{ "/dev/udmabuf", "udmabuf" },
	{ "/dev/dma_heap/system", "dma-heap" },
};

static int prepare_dmabuf(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;

	if (w->kind != WORKER_PLUGIN || w->engine != ENGINE_DMABUF)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dmabuf_devices) && !worker->dmabuf; i++)
		if (access(dmabuf_devices[i].path, R_OK | W_OK) == 0)
			worker->dmabuf = &dmabuf_devices[i];
	if (worker->dmabuf)
		return 0;
	error_errno(
		err, EX_UNAVAILABLE, errno, dmabuf_devices[0].path,
		"nothing here makes DMA buffers for io.engine = \"dmabuf\": there is neither %s "
		"(CONFIG_UDMABUF) nor %s (CONFIG_DMABUF_HEAPS_SYSTEM)",
		dmabuf_devices[0].path, dmabuf_devices[1].path);
	return error_at(err, &w->engine_at);
}

/* A plugin's own needs are known when it is loaded: its host closes the sandbox then. */
static void prepare_sandbox(struct live_worker *worker)
{
	struct sandbox *s = &worker->spawn.sandbox;

	if (worker->model->sandbox && worker->model->kind == WORKER_EXEC)
		sandbox_closed(s, worker->model->allowed);
	else if (!worker->model->sandbox && worker->function->model->ffs)
		sandbox_without_io_uring(s); /* it cannot be cancelled on endpoints */
}

int launch_prepare(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	int r = launch_prepare_user(worker, err);

	worker->spawn.answer = -1;
	worker->spawn.keep_privileges = w->keep_privileges;
	worker->spawn.capabilities = w->capabilities;
	worker->spawn.limits = w->limits;
	/* It counts the processes of a user: of one that others are too it would say nothing. */
	if (!w->limits.tasks && !w->user.value)
		worker->spawn.limits.tasks = DEFAULT_TASKS;
	worker->spawn.directory = xstrdup(w->directory);
	worker->spawn.note = strf(RUNDIR_WORKER "%s", worker->function->model->label);
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

/* Descriptors for one start; all of them are closed when it is over, the child has its own. */
struct hand {
	const struct live_worker *worker;
	struct error *err;
	/* config, control, endpoints (FFS_MAX_EPS_COUNT), their pairs, what makes DMABUFs, plugin
	   or NOTIFY_FD */
	int fds[2 + 30 + 15 + 1 + 1];
	size_t n;
};

static enum ep_blocking blocking_of(const struct hand *h)
{
	return h->worker->model->blocking ? EP_BLOCKING : EP_NONBLOCKING;
}

static int hand_over(struct hand *h, int fd)
{
	if (fd >= 0)
		h->fds[h->n++] = fd;
	return fd < 0 ? fd : 0;
}

static int open_endpoint(void *data, const struct endpoint *ep)
{
	struct hand *h = data;

	return hand_over(
		h, ffs_endpoint_open(h->worker->function->model->ffs, ep, blocking_of(h), h->err));
}

static int open_pair(void *data, const struct endpoint *first,
		     const struct endpoint *second _unused_)
{
	struct hand *h = data;

	return hand_over(
		h, ffs_pair_open(h->worker->function->model->ffs, first, blocking_of(h), h->err));
}

/* A file descriptor of its own on the sealed memory: the offset is not shared between workers. */
static int reopen_config(const struct live_worker *worker)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", worker->config_fd);

	return open(path, O_RDONLY | O_CLOEXEC);
}

struct ends {
	int control, output, output_write, notify;
};

static void close_ends(struct ends *e)
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

static int make_control(struct hand *h, struct ends *e)
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
 * sd_notify's socket: a datagram with READY=1, of which the credentials show the sender. It takes
 * them from the worker's user only (and root): anybody else could fill its queue, and the worker's
 * WATCHDOG=1 would be lost.
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
	/* The mode before the name: what connects in between would stay connected (unix_bind). */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    fchmod(fd, 0600) < 0)
		return -errno;
	r = credentials_bind(fd, (struct sockaddr *)&address, sizeof(address), worker->spawn.uid);
	if (r < 0)
		return r;
	*out = steal_fd(&fd);
	return 0;
}

/*
 * Neither the function nor its files tell that the descriptors are there, but writing them can be
 * seen (f_fs.c has no fsnotify; vfs_write has). The watch is there before the daemon is.
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

/* What it prints is found by `journalctl -t GADGET/FUNCTION`. */
static int open_journal(const struct live_worker *worker)
{
	_cleanup_free_ char *identifier =
		strf("%s/%s", worker->function->all->gadget, worker->function->model->label);

	return journal_stream(identifier, LOG_INFO);
}

/* A terminal could be read from as well, by who gets it: what root types there. */
static int make_output(const struct live_worker *worker, struct ends *e)
{
	if (worker->function->all->foreground && !isatty(STDERR_FILENO)) {
		if (journal_is_stderr())
			e->output_write = open_journal(worker);
		if (e->output_write < 0)
			e->output_write = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return e->output_write < 0 ? -errno : 0;
	}
	return make_pipe(&e->output, &e->output_write);
}

static int open_file(struct hand *h, const char *path, int flags, const char *what)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return error_errno(h->err, EX_UNAVAILABLE, errno, path, "cannot open %s%s", what,
				   path);
	return hand_over(h, fd);
}

static int gather(struct live_worker *worker, struct hand *h, struct ends *e, struct error *err)
{
	int config = reopen_config(worker), theirs, r = 0;

	if (config < 0)
		r = -errno;
	else
		h->fds[h->n++] = config;
	if (r == 0)
		r = make_control(h, e);
	if (r == 0)
		r = make_output(worker, e);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make what a worker is given");
	r = ffs_each_endpoint(worker->function->model->ffs, open_endpoint, h);
	if (r == 0)
		r = ffs_each_pair(worker->function->model->ffs, open_pair, h);
	if (r == 0 && worker->dmabuf)
		r = open_file(h, worker->dmabuf->path, O_RDWR, "");
	if (r < 0)
		return r;
	if (worker->model->kind == WORKER_PLUGIN)
		/* By descriptor: the worker's user may not be able to walk to it. */
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
				   "cannot make the worker's notification");
	return 0;
}

static int give_to_keeper(const struct live_worker *worker, const struct ends *e, struct error *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);

	/* Without one nobody else can take the worker over: valgrind knows none. */
	return function_give_worker(worker->function, worker->pid, e->control, pidfd, e->output,
				    err);
}

/* What the kernel has made may have another name each time. */
static void prepare_node(struct live_worker *worker)
{
	prepare_arguments(worker);
	prepare_environment(worker);
	worker->function->kernel.served = worker->function->kernel.id;
}

/* The program, or of a plugin what the program loads. */
static const char *trusted_path(const struct live_worker *worker)
{
	return worker->model->kind == WORKER_PLUGIN ? worker->spawn.argv[1] : worker->spawn.program;
}

int launch_start(struct live_worker *worker, struct error *err)
{
	struct ends ends = { -1, -1, -1, -1 };
	struct hand hand = { .worker = worker, .err = err };
	int r;

	/* At each start: it is opened by its path, on which others may have got a hand by now. */
	r = check_trust(worker, trusted_path(worker), err);
	/* Made when the first worker starts: the mount's path is certain then. */
	if (r == 0 && worker->config_fd < 0)
		r = launch_make_config(worker, err);
	if (!worker->function->model->ffs)
		prepare_node(worker);
	if (r == 0)
		r = gather(worker, &hand, &ends, err);
	worker->spawn.note_dir = worker->function->all->rundir->dir_fd;
	if (r == 0)
		r = spawn_start(&worker->spawn, hand.fds, hand.n, ends.output_write, &worker->pid,
				err);
	for (size_t i = 0; i < hand.n; i++)
		cleanup_close(&hand.fds[i]);
	if (r == 0)
		r = give_to_keeper(worker, &ends, err);
	if (r == 0)
		r = worker_watch(worker, &ends.output, &ends.notify, err);
	worker->session = worker->pid;
	worker->began = family_now();
	worker->taken = false;
	if (r < 0 && worker->pid > 0) { /* it runs, but nobody would ever hear of it */
		kill(-worker->pid, SIGKILL);
		worker->pid = 0;
	}
	close_ends(&ends);
	return r;
}

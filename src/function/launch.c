/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
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
#include "function/launch_internal.h"
#include "functionfs/endpoint.h"
#include "functionfs/mount_point.h"
#include "probe/plugin_path.h"
#include "process/credentials.h"
#include "process/worker_processes.h"

/* Maximum number of processes and threads of a worker that runs as the user id reserved for it. */
#define DEFAULT_TASKS 256
/*
 * Size of each send buffer of the worker's control socket: room for a message with 64 KiB of ep0
 * data, for events, and for the memory that the kernel adds to each message. While the buffer is
 * full, because the worker does not read, messages to the worker are lost.
 */
#define CONTROL_BUFFER (256 * 1024)

/* --- program and environment --- */

/*
 * Checks that other users cannot write to a program or plugin, because root executes or loads it
 * for a worker.
 */
static int check_trust(const struct live_worker *worker, const char *path, struct error *err)
{
	const struct functions *all = worker->function->functions;
	enum trusted_users trust = all->callbacks->trusted_program_owners(
		all->callback_data, worker->function->gadget->file_dir);
	/* A missing file is reported when it is opened. */
	_cleanup_free_ char *why = geteuid() == 0 ? trust_find_problem(path, trust) : NULL;

	if (!why)
		return 0;
	trust_set_error(path, why, err);
	return error_set_position(err, &worker->model->program_at);
}

static int find_program_in_path(struct live_worker *worker, struct error *err)
{
	struct spawn_settings *s = &worker->spawn;
	int r = spawn_find_program(s->argv[0], worker->function->gadget->file_dir, &s->program_path,
				   &worker->model->program_at, err);

	return r < 0 ? r : check_trust(worker, s->program_path, err);
}

static int prepare_program(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	struct spawn_settings *s = &worker->spawn;

	if (w->kind == WORKER_PLUGIN) {
		char *plugin;

		if (plugin_path_find(w->plugin, &plugin, err) < 0)
			return error_set_position(err, &w->program_at);
		if (check_trust(worker, plugin, err) < 0) {
			free(plugin);
			return -err->errno_value;
		}
		s->program_path = plugin_host_path();
		s->argv = xcalloc(3, sizeof(*s->argv));
		s->argv[0] = xstrdup("ffsctl-worker");
		s->argv[1] = plugin;
		return 0;
	}
	launch_prepare_arguments(worker);
	if (!strchr(s->argv[0], '/'))
		return find_program_in_path(worker, err);
	s->program_path = xstrdup(s->argv[0]);
	if (spawn_check_executable(s->program_path, err) < 0)
		return error_set_position(err, &w->program_at);
	return check_trust(worker, s->program_path, err);
}

/* udmabuf is preferred, because its memory is charged to the worker. */
static const struct dmabuf_exporter dmabuf_exporters[] = {
	{ "/dev/udmabuf", "udmabuf" },
	{ "/dev/dma_heap/system", "dma-heap" },
};

static int choose_dmabuf_exporter(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;

	if (w->kind != WORKER_PLUGIN || !(worker_engine_needs[w->engine] & STREAM_NEEDS_DMABUF))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dmabuf_exporters) && !worker->dmabuf_exporter; i++)
		if (access(dmabuf_exporters[i].path, R_OK | W_OK) == 0)
			worker->dmabuf_exporter = &dmabuf_exporters[i];
	if (worker->dmabuf_exporter)
		return 0;
	error_errno(err, EX_UNAVAILABLE, errno, dmabuf_exporters[0].path,
		    "io.engine = \"%s\" needs %s (CONFIG_UDMABUF) or %s "
		    "(CONFIG_DMABUF_HEAPS_SYSTEM)",
		    worker_engine_words[w->engine], dmabuf_exporters[0].path,
		    dmabuf_exporters[1].path);
	return error_set_position(err, &w->engine_at);
}

/*
 * Prepares the filter of system calls. The plugin host restricts itself further as soon as it knows
 * which permissions the plugin needs.
 */
static void prepare_sandbox(struct live_worker *worker)
{
	struct sandbox *s = &worker->spawn.sandbox;

	if (worker->model->sandbox && worker->model->kind == WORKER_EXEC)
		sandbox_from_permissions(s, worker->model->sandbox_permissions);
	else if (!worker->model->sandbox && worker->function->model->ffs)
		sandbox_refusing_only_io_uring(
			s); /* io_uring requests to endpoints cannot be cancelled */
}

int launch_prepare(struct live_worker *worker, struct error *err)
{
	const struct worker *w = worker->model;
	int r = launch_prepare_user(worker, err);

	worker->spawn.stdout_fd = -1;
	worker->spawn.process_limits = w->process_limits;
	/*
	 * RLIMIT_NPROC counts all processes of a user, so it makes sense only for a user that runs
	 * no other processes.
	 */
	if (!w->process_limits.max_tasks_of_user && !w->user.value)
		worker->spawn.process_limits.max_tasks_of_user = DEFAULT_TASKS;
	worker->spawn.working_directory = xstrdup(w->working_directory);
	worker->spawn.worker_pid_symlink_name =
		strf(RUNDIR_WORKER_SYMLINK "%s", worker->function->model->label);
	if (r == 0)
		r = prepare_program(worker, err);
	if (r == 0)
		r = choose_dmabuf_exporter(worker, err);
	if (r == 0)
		launch_prepare_environment(worker);
	if (r == 0)
		prepare_sandbox(worker);
	return r;
}

/* --- one start --- */

static enum ep_blocking blocking_mode_of(const struct worker_start_fds *fds)
{
	return fds->worker->model->blocking_io ? EP_BLOCKING : EP_NONBLOCKING;
}

static int open_endpoint(void *data, const struct endpoint *ep)
{
	struct worker_start_fds *fds = data;

	return launch_add_fd(fds, ffs_endpoint_open(fds->worker->function->model->ffs, ep,
						    blocking_mode_of(fds), fds->err));
}

static int open_in_out_pair_file(void *data, const struct endpoint *first,
				 const struct endpoint *second _unused_)
{
	struct worker_start_fds *fds = data;

	return launch_add_fd(fds,
			     ffs_open_in_out_pair_file(fds->worker->function->model->ffs, first,
						       blocking_mode_of(fds), fds->err));
}

/* Opens the sealed memfd again, because workers must not share its file offset. */
static int reopen_worker_config(const struct live_worker *worker)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", worker->worker_config_fd);

	return open(path, O_RDONLY | O_CLOEXEC);
}

/*
 * File descriptors of the supervisor: its ends of sockets and pipes, and the write end of the
 * output pipe.
 */
struct supervisor_fds {
	int control_fd, output_fd, output_write_fd, readiness_fd;
};

static void close_supervisor_fds(struct supervisor_fds *ends)
{
	cleanup_close(&ends->control_fd);
	cleanup_close(&ends->output_fd);
	cleanup_close(&ends->output_write_fd);
	cleanup_close(&ends->readiness_fd);
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

static int make_worker_control_socket_pair(struct worker_start_fds *fds,
					   struct supervisor_fds *ends)
{
	int size = CONTROL_BUFFER, pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ends->control_fd = pair[0];
	launch_add_fd(fds, pair[1]);
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
	_cleanup_free_ char *path = launch_notify_socket_path(worker);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	unlink(path);
	/*
	 * Sets the mode of the socket before bind(2), so that the socket file never has another
	 * mode (unix_bind). Otherwise another user could connect between bind(2) and chmod(2), and
	 * would stay connected.
	 */
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

/* Connects the worker's output with the journal: `journalctl -t GADGET/FUNCTION` shows it. */
static int open_journal(const struct live_worker *worker)
{
	_cleanup_free_ char *identifier = strf("%s/%s", worker->function->functions->gadget_name,
					       worker->function->model->label);

	return journal_open_stream(identifier, LOG_INFO);
}

/*
 * Opens the file descriptor for the worker's output. This is never ffsctl's terminal: a worker that
 * has the terminal open can also read what root types.
 */
static int open_worker_output(const struct live_worker *worker, struct supervisor_fds *ends)
{
	if (worker->function->functions->foreground && !isatty(STDERR_FILENO)) {
		if (stderr_is_journal())
			ends->output_write_fd = open_journal(worker);
		if (ends->output_write_fd < 0)
			ends->output_write_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return ends->output_write_fd < 0 ? -errno : 0;
	}
	return make_pipe(&ends->output_fd, &ends->output_write_fd);
}

static int open_file(struct worker_start_fds *fds, const char *path, int flags, const char *what)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return error_errno(fds->err, EX_UNAVAILABLE, errno, path, "cannot open %s%s", what,
				   path);
	return launch_add_fd(fds, fd);
}

/* Must be called before the daemon starts. */
static int watch_descriptors_from_start(struct live_worker *worker)
{
	int r = function_watch_descriptors(worker->function);

	worker->descriptors_id_at_start = worker->function->descriptors_id;
	return r;
}

/* Opens the files of FunctionFS that the worker gets, and a DMABUF device. */
static int open_files_of_function(struct worker_start_fds *fds)
{
	const struct live_worker *worker = fds->worker;
	const struct ffs *ffs = worker->function->model->ffs;
	int r;

	if (worker->model->listen_fds == LISTEN_FDS_SYSTEMD) {
		/* Neither config nor control: the keeper sees a worker that has closed its control
		   socket. */
		while (fds->n_fds > 0)
			cleanup_close(&fds->fds[--fds->n_fds]);
		return launch_open_systemd_fds(fds);
	}
	r = ffs_each_endpoint(ffs, open_endpoint, fds);
	if (r == 0)
		r = ffs_each_in_out_pair(ffs, open_in_out_pair_file, fds);
	if (r == 0 && worker->dmabuf_exporter)
		r = open_file(fds, worker->dmabuf_exporter->path, O_RDWR, "");
	return r;
}

static int open_worker_fds(struct live_worker *worker, struct worker_start_fds *fds,
			   struct supervisor_fds *ends, struct error *err)
{
	int config = reopen_worker_config(worker), theirs, r = 0;

	if (config < 0)
		r = -errno;
	else
		launch_add_fd(fds, config);
	if (r == 0)
		r = make_worker_control_socket_pair(fds, ends);
	if (r == 0)
		r = open_worker_output(worker, ends);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL,
				   "cannot create the file descriptors of a worker");
	r = open_files_of_function(fds);
	if (r < 0)
		return r;
	if (worker->model->kind == WORKER_PLUGIN)
		/*
		 * The plugin is passed as a file descriptor: the worker's user does not always have
		 * access to the path.
		 */
		return open_file(fds, worker->spawn.argv[1], O_RDONLY, "the plugin ");
	if (worker->model->ready_when == READY_FD) {
		r = make_pipe(&ends->readiness_fd, &theirs);
		if (r == 0)
			launch_add_fd(fds, theirs);
	} else if (worker->model->kind == WORKER_EXEC &&
		   worker->model->ready_when == READY_NOTIFY) {
		r = make_notify_socket(worker, &ends->readiness_fd);
	}
	if (r == 0 && worker_holds_ep0(worker->model))
		r = watch_descriptors_from_start(worker);
	if (r < 0)
		return error_errno(
			err, EX_OSERR, -r, NULL,
			"cannot create the file descriptor that reports that a worker is ready");
	return 0;
}

static int open_pidfd_and_pass_worker_to_keeper(const struct live_worker *worker,
						const struct supervisor_fds *ends,
						struct error *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);

	/*
	 * Under valgrind, which does not implement pidfd_open(2), pidfd is -1. A worker without a
	 * pidfd cannot be taken over.
	 */
	return function_pass_worker_to_keeper(worker->function, worker->pid, ends->control_fd,
					      pidfd, ends->output_fd, err);
}

/*
 * Updates the arguments and the environment, because the kernel device may have another name at
 * each start.
 */
static void update_spawn_for_kernel_device(struct live_worker *worker)
{
	launch_prepare_arguments(worker);
	launch_prepare_environment(worker);
	worker->function->kernel_device.inode_or_ifindex_at_start =
		worker->function->kernel_device.inode_or_ifindex;
}

/* Returns the program, or the plugin that the plugin host loads. */
static const char *path_that_must_be_trusted(const struct live_worker *worker)
{
	return worker->model->kind == WORKER_PLUGIN ? worker->spawn.argv[1]
						    : worker->spawn.program_path;
}

int launch_start(struct live_worker *worker, struct error *err)
{
	struct supervisor_fds ends = { -1, -1, -1, -1 };
	struct worker_start_fds fds = { .worker = worker, .err = err };
	struct live_function *function = worker->function;
	int r;

	/* Checked at each start, because the file may have changed. */
	r = check_trust(worker, path_that_must_be_trusted(worker), err);
	if (r == 0 && function->model->ffs)
		r = ffs_check_is_visible(function->functions->paths,
					 function->model->ffs->mount.path,
					 function->model->instance, err);
	if (r == 0)
		r = function->restore(function, err);
	worker_update_launch_fingerprint(worker);
	/*
	 * Written at the first start, because the configuration contains the mount point, which is
	 * not final before.
	 */
	if (r == 0 && worker->worker_config_fd < 0)
		r = launch_make_worker_config(worker, err);
	if (!worker->function->model->ffs)
		update_spawn_for_kernel_device(worker);
	if (r == 0)
		r = open_worker_fds(worker, &fds, &ends, err);
	if (r == 0)
		function_give_device_to_worker(worker->function);
	worker->spawn.worker_pid_symlink_dir_fd = worker->function->functions->rundir->dir_fd;
	if (r == 0)
		r = spawn_start(&worker->spawn, fds.fds, fds.n_fds, ends.output_write_fd,
				&worker->pid, err);
	for (size_t i = 0; i < fds.n_fds; i++)
		cleanup_close(&fds.fds[i]);
	if (r == 0)
		r = open_pidfd_and_pass_worker_to_keeper(worker, &ends, err);
	if (r == 0)
		r = worker_take_and_watch_fds(worker, &ends.output_fd, &ends.readiness_fd, err);
	worker->session_id = worker->pid;
	worker->process_started_before_ticks = now_boot_ticks();
	worker->taken_over = false;
	if (r < 0 && worker->pid > 0) { /* the worker runs, but the supervisor cannot watch it */
		kill(-worker->pid, SIGKILL);
		worker->pid = 0;
	}
	if (r < 0)
		function_take_device_from_worker(worker->function);
	close_supervisor_fds(&ends);
	return r;
}

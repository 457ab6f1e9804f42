/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/function.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/fd.h"
#include "base/proc.h"
#include "blob/encode.h"
#include "function/kill_processes.h"
#include "functionfs/endpoint.h"
#include "functionfs/mount.h"
#include "plan/directories_and_links.h"
#include "process/worker_processes.h"

/* Name of a keeper's socket in the run directory: this prefix and the label of the function. */
#define KEEPER_FILE "keeper-"
/* Maximum number of checks whether a killed keeper has ended; the interval is PLAN_SOON_MS. */
#define KEEPER_TRIES 500

/* --- the keeper --------------------------------------------------------------------------------
 */

static void on_link_event(struct live_function *function, const void *body, size_t size)
{
	struct ffsctl_event event;

	if (size < sizeof(event))
		return;
	memcpy(&event, body, sizeof(event));
	function_apply_link_event(function, &event);
	if (event.event == FFSCTL_EVENT_ENABLE || event.event == FFSCTL_EVENT_UNBIND)
		function_forget_halts(function);
	functions_report_state_change(function->functions);
}

static void stop_watching_keeper(struct live_function *function)
{
	fd_watch_remove(function->functions->loop, &function->keeper_socket_watch);
	fd_watch_remove(function->functions->loop, &function->keeper_end_watch);
}

/* SIGCHLD reports the end of a keeper that is a child. */
static void on_end_of_taken_over_keeper(void *data, uint32_t events _unused_)
{
	struct live_function *function = data;

	stop_watching_keeper(function);
	keeper_close_fds(&function->keeper);
	function->functions->callbacks->keeper_died(function->functions->callback_data, function);
}

/*
 * The keeper is ending: the kernel has closed its socket, but maybe not ep0 yet, so that no other
 * keeper can open ep0 before the end is reported.
 */
static void handle_keeper_hangup(struct live_function *function)
{
	fd_watch_remove(function->functions->loop, &function->keeper_socket_watch);
	keeper_send_sigkill(&function->keeper);
	/* valgrind does not implement pidfd_open(2). */
	if (function->keeper.taken_over && function->keeper_end_watch.fd < 0)
		on_end_of_taken_over_keeper(function, 0);
}

static void on_keeper_message(void *data, uint32_t events _unused_)
{
	static uint8_t body[FFSCTL_MSG_MAX_BODY];
	struct live_function *function = data;
	struct ffsctl_msg head;
	ssize_t size = control_message_receive(function->keeper_socket_watch.fd, &head, body,
					       sizeof(body));

	if (size == -EPIPE)
		handle_keeper_hangup(function);
	if (size < 0)
		return;
	switch (head.type) {
	case FFSCTL_MSG_EVENT:
		on_link_event(function, body, (size_t)size);
		break;
	case KEEPER_MSG_NO_WORKER:
		function->awaits_last_worker_messages = false;
		functions_report_state_change(function->functions);
		break;
	case KEEPER_MSG_STARTED:
		function->keeper_accepts_takeover = true;
		functions_report_state_change(function->functions);
		break;
	case KEEPER_MSG_LATE:
		function_log_late_request(function, body, (size_t)size);
		break;
	default:
		if (function->worker)
			worker_on_message(function->worker, head.type, body, (size_t)size);
		break;
	}
}

/* --- takeover ----------------------------------------------------------------------------------
 */

static char *keeper_socket_path(const struct live_function *function)
{
	return strf("%s/" KEEPER_FILE "%s", function->functions->rundir->path,
		    function->model->label);
}

int function_take_over_keeper(struct live_function *function, pid_t keeper)
{
	_cleanup_free_ char *path = keeper_socket_path(function);
	_cleanup_close_ int pidfd = -1, output = -1;
	struct keeper_hello hello;
	int r = keeper_take_over(&function->keeper, path, &hello, &pidfd, &output);

	if (r < 0)
		return r;
	/* The status describes another keeper, so the state of this keeper is unknown. */
	if (keeper != function->keeper.pid)
		return -ESTALE;
	function_set_link_state(function, hello.link_state);
	function->keeper_accepts_takeover = true;
	/* unknown: no file records the value that the dead supervisor sent */
	function->takeover_wait_sent_to_keeper = -1;
	function_can_start_worker(function);
	function->kernel_device.inode_or_ifindex_at_start =
		function->kernel_device.inode_or_ifindex;
	r = fd_watch_add(function->functions->loop, &function->keeper_socket_watch,
			 function->keeper.socket, EPOLLIN, on_keeper_message, function);
	if (r == 0 && function->keeper.pidfd >= 0)
		r = fd_watch_add(function->functions->loop, &function->keeper_end_watch,
				 function->keeper.pidfd, EPOLLIN, on_end_of_taken_over_keeper,
				 function);
	if (r == 0)
		function_set_keeper_control_timeout(function);
	if (r == 0 && function->worker)
		r = worker_take_over_process(function->worker, hello.worker.pid, &pidfd, &output);
	return r;
}

/* --- steps -------------------------------------------------------------------------------------
 */

static int descriptors_apply(struct step *step, struct error *err)
{
	struct live_function *function = step->context;

	/* The start of the worker writes the descriptors to the ep0 that the worker gets. */
	if (!function_keeper_holds_ep0(function->model))
		return 0;
	return ffs_open_and_write_ep0(function->model->ffs, &function->ep0_fd, err);
}

static int descriptors_undo(struct step *step, struct error *err _unused_)
{
	struct live_function *function = step->context;

	if (function)
		cleanup_close(&function->ep0_fd);
	if (function)
		function->ep0_fd = -1;
	return 0;
}

const struct step_op function_op_descriptors = {
	.name = "write-descriptors",
	.undo_name = "close",
	.apply = descriptors_apply,
	.undo = descriptors_undo,
};

static int start_keeper(struct live_function *function, const char *path, struct error *err)
{
	int r = keeper_start(&function->keeper, steal_fd(&function->ep0_fd), function->model->ffs,
			     function->model->label, path, err);

	if (r == 0)
		r = fd_watch_add(function->functions->loop, &function->keeper_socket_watch,
				 function->keeper.socket, EPOLLIN, on_keeper_message, function);
	if (r < 0 && function->keeper.pid > 0) {
		keeper_send_sigkill(&function->keeper);
		keeper_close_fds(&function->keeper);
		error_errno(err, EX_OSERR, -r, NULL, "cannot watch the keeper of '%s'",
			    function->model->label);
	}
	if (r == 0) {
		function->keeper_is_lost = false;
		function_set_keeper_udc(function, function->functions->last_bound_udc);
		function_set_keeper_control_timeout(function);
	}
	return r;
}

static int keeper_apply(struct step *step, struct error *err)
{
	struct live_function *function = step->context;
	int r = 0;

	/* The end of the previous keeper closed ep0, and the kernel discarded the descriptors. */
	if (function_keeper_holds_ep0(function->model) && function->ep0_fd < 0)
		r = ffs_open_and_write_ep0(function->model->ffs, &function->ep0_fd, err);
	return r == 0 ? start_keeper(function, step->value, err) : r;
}

/* Forgets a keeper that has died, and what it knew and was sent. Kills the worker. */
static void forget_keeper(struct live_function *function)
{
	functions_log_about(function->functions, function->model->label, LOG_ERR,
			    "its keeper has died: restarting keeper and worker");
	stop_watching_keeper(function);
	keeper_close_fds(&function->keeper);
	function->keeper_accepts_takeover = false;
	function->takeover_wait_sent_to_keeper = 0;
	function->awaits_last_worker_messages = false;
	function_set_link_state(function, (struct link_state){ 0 });
	if (function->worker && function->worker->pid > 0)
		worker_send_signal(function->worker, SIGKILL, true);
}

bool function_restart_keeper(struct live_function *function)
{
	_cleanup_free_ char *path = keeper_socket_path(function);
	_cleanup_error_ struct error err = { 0 };
	int r;

	if (function_keeper_holds_ep0(function->model))
		return false;
	forget_keeper(function);
	r = start_keeper(function, path, &err);
	if (r < 0) {
		_cleanup_free_ char *text = error_text(&err);

		functions_log_about(function->functions, NULL, LOG_INFO, "%s", text);
	}
	return r == 0;
}

void function_lose_keeper(struct live_function *function)
{
	/* Otherwise, function_restart_keeper() has tried to replace it. */
	if (function_keeper_holds_ep0(function->model))
		forget_keeper(function);
	function->keeper_is_lost = true;
	function_forget_halts(function);
	functions_report_state_change(function->functions);
}

static int enable_zlp(void *data, const struct endpoint *ep)
{
	struct live_function *function = data;
	const struct ffs *ffs = function->model->ffs;
	_cleanup_free_ char *file = ffs_endpoint_file(ffs, ep),
			    *path = strf("%s/%s", ffs->mount.path, file);
	_cleanup_error_ struct error err = { 0 };

	return ep->zlp.value ? ffs_enable_zlp(path, &err) : 0;
}

static int renew_keeper(struct live_function *function, struct error *err)
{
	_cleanup_free_ char *path = keeper_socket_path(function);
	int r = 0;

	if (function_keeper_holds_ep0(function->model)) {
		r = ffs_open_and_write_ep0(function->model->ffs, &function->ep0_fd, err);
		if (r == 0)
			r = ffs_each_endpoint(function->model->ffs, enable_zlp, function);
	}
	if (r == 0)
		r = start_keeper(function, path, err);
	cleanup_close(&function->ep0_fd);
	return r;
}

/*
 * Ends the keeper of an optional function whose FunctionFS was unmounted: as long as the keeper has
 * ep0 open, the instance cannot be mounted again. The kernel unbinds the gadget.
 */
static void end_keeper_of_unmounted_function(struct live_function *function)
{
	stop_watching_keeper(function);
	keeper_kill_and_wait(&function->keeper);
	function_lose_keeper(function);
}

/*
 * Makes again, before the worker starts, what other programs have removed: the mount, the link of
 * the key `device`, and a keeper that has died. Without `optional`, a keeper that has ep0 open
 * cannot be replaced, and neither can its mount.
 */
static int restore(struct live_function *function, struct error *err)
{
	int r = 0;

	if (!function->model->ffs)
		return 0;
	if (function_is_unmounted(function)) {
		if (!function_can_be_mounted_again(function))
			return function_error_unmounted(function, err);
		if (function_keeper_holds_ep0(function->model) && !function->keeper_is_lost)
			end_keeper_of_unmounted_function(function);
		r = function_mount_again(function, err);
	}
	if (r == 0 && function->keeper_is_lost)
		r = renew_keeper(function, err);
	return r == 0 ? function_link_device_again(function, err) : r;
}

static int error_keeper_does_not_end(const char *label, pid_t pid, struct error *err)
{
	return error_set(err, EX_OSERR, EBUSY, NULL, "the keeper of '%s' (pid %d) does not end",
			 label, (int)pid);
}

/* Kills a keeper whose supervisor died. Its worker has been killed (kill_rundir_workers_and_wait).
 */
static int kill_keeper_at_socket(const char *socket_path, struct error *err)
{
	const char *label = path_last_component(socket_path) + strlen(KEEPER_FILE);
	_cleanup_close_ int pidfd = -1, output = -1;
	struct keeper_hello hello;
	struct keeper keeper;
	pid_t pid;

	if (keeper_take_over(&keeper, socket_path, &hello, &pidfd, &output) < 0)
		return 0;
	pid = keeper.pid;
	return keeper_kill_and_wait(&keeper) ? 0 : error_keeper_does_not_end(label, pid, err);
}

static int keeper_undo(struct step *step, struct error *err)
{
	struct live_function *function = step->context;

	if (!function)
		return kill_keeper_at_socket(step->value, err);
	if (!function->keeper_kill_sent) {
		stop_watching_keeper(function);
		keeper_send_sigkill(&function->keeper);
		function->keeper_kill_sent = true;
	}
	if (!keeper_has_ended(&function->keeper))
		return ++step->n_undo_tries < KEEPER_TRIES
			       ? PLAN_SOON
			       : error_keeper_does_not_end(function->model->label,
							   function->keeper.pid, err);
	keeper_close_fds(&function->keeper);
	function->keeper_kill_sent = false;
	return 0;
}

const struct step_op function_op_keeper = {
	.name = "start-keeper",
	.undo_name = "stop-keeper",
	.apply = keeper_apply,
	.undo = keeper_undo,
	.needs_value = true,
};

const struct step_op *const function_ops[] = {
	&plan_op_mkdir,		  &plan_op_mkdir_shared,
	&ffs_op_device_link,	  &ffs_op_mount,
	&function_op_descriptors, &ffs_op_enable_zlp,
	&function_op_keeper,	  &function_op_worker,
	&function_op_ready,	  NULL,
};

/* The argument of add_enable_zlp_step(). */
struct add_enable_zlp_step_arguments {
	struct plan *plan;
	const struct ffs *ffs;
};

static int add_enable_zlp_step(void *data, const struct endpoint *ep)
{
	const struct add_enable_zlp_step_arguments *z = data;
	_cleanup_free_ char *file = ffs_endpoint_file(z->ffs, ep);

	if (ep->zlp.value)
		plan_add(z->plan, &ffs_op_enable_zlp, strf("%s/%s", z->ffs->mount.path, file), NULL,
			 &ep->zlp.at, NULL);
	return 0;
}

static int add_zlp_to_digest(void *data, const struct endpoint *ep)
{
	uint64_t *digest = data;

	*digest = digest_add(*digest, &ep->zlp.value, sizeof(ep->zlp.value));
	return 0;
}

/*
 * Returns a digest of descriptors and strings. The caller frees it. If the digest changes, a reload
 * must create the function again, because descriptors and strings cannot be changed after they were
 * written. If no step enables zero-length packets, the digest contains for which endpoints the
 * start of the worker enables them.
 */
static char *descriptors_digest(const struct function *f)
{
	uint64_t digest = DIGEST_EMPTY;
	size_t size;
	_cleanup_free_ uint8_t *descriptors = ffs_blob_descriptors(f->ffs, &size), *strings = NULL;

	digest = digest_add(digest, descriptors, size);
	strings = ffs_blob_strings(f->ffs, &size);
	digest = digest_add(digest, strings, size);
	if (!function_keeper_holds_ep0(f))
		ffs_each_endpoint(f->ffs, add_zlp_to_digest, &digest);
	return strf("%016" PRIx64, digest);
}

static void add_keeper_step(struct plan *plan, struct live_function *function)
{
	_cleanup_free_ char *place = function_mount_or_configfs_path(function);

	plan_add(plan, &function_op_keeper,
		 function->model->ffs ? strf("%s/ep0", place) : xstrdup(place),
		 keeper_socket_path(function), &function->model->at, function);
}

void function_add_steps(struct plan *plan, struct live_function *function,
			const struct plan *applied_plan)
{
	const struct ffs *ffs = function->model->ffs;

	if (ffs)
		function_add_mount_steps(plan, function, applied_plan);
	if (function_descriptors(function->model))
		plan_add(plan, &function_op_descriptors, strf("%s/ep0", ffs->mount.path),
			 descriptors_digest(function->model), &ffs->at, function);
	if (function_keeper_holds_ep0(function->model))
		ffs_each_endpoint(ffs, add_enable_zlp_step,
				  &(struct add_enable_zlp_step_arguments){ plan, ffs });
	add_keeper_step(plan, function);
	if (ffs && ffs->endpoint_file_symlink.value)
		function_add_device_link_step(plan, function);
}

int function_new(struct live_function **out, struct functions *all, const struct gadget *gadget,
		 const struct function *model, struct error *err)
{
	const struct ffs_mount *m = model->ffs ? &model->ffs->mount : NULL;
	struct live_function *function = xcalloc(1, sizeof(*function));
	gid_t group_of_user;
	int r = 0;

	*out = function;
	*function = (struct live_function){ .functions = all,
					    .gadget = gadget,
					    .model = model,
					    .ep0_fd = -1,
					    .keeper = KEEPER_NONE,
					    .restore = restore,
					    .keeper_socket_watch = FD_WATCH_NONE,
					    .keeper_end_watch = FD_WATCH_NONE,
					    .descriptors_watch = FD_WATCH_NONE };
	if (m && m->uid.value)
		r = spawn_find_user(m->uid.value, &function->endpoint_files_uid, &group_of_user,
				    &m->uid.at, err);
	if (r == 0 && m && m->gid.value)
		r = spawn_find_group(m->gid.value, &function->endpoint_files_gid, &m->gid.at, err);
	if (r == 0 && model->worker) {
		function->worker = xcalloc(1, sizeof(*function->worker));
		r = worker_init(function->worker, function, model->worker, err);
	}
	if (r == 0 && m && function_worker_gets_device(function))
		function->endpoint_files_gid = function->worker->spawn.gid;
	/* A daemon must be able to open ep0. */
	if (r == 0 && m && model->worker && model->worker->opens_ep0) {
		if (!m->uid.value)
			function->endpoint_files_uid = function->worker->spawn.uid;
		if (!m->gid.value)
			function->endpoint_files_gid = function->worker->spawn.gid;
	}
	return r;
}

void function_free(struct live_function *function)
{
	if (function->worker)
		worker_free(function->worker);
	free(function->worker);
	stop_watching_keeper(function);
	/* A keeper whose takeover failed keeps running, so that another supervisor can take it
	   over. */
	cleanup_close(&function->keeper.socket);
	cleanup_close(&function->keeper.pidfd);
	cleanup_close(&function->ep0_fd);
	fd_watch_close(function->functions->loop, &function->descriptors_watch);
	free(function->kernel_device.device_node);
	free(function->kernel_device.ifname);
	free(function->bind_refusal);
	free(function);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptors of a daemon, a worker that writes them itself. The kernel drops them when the
 * last open file of the FunctionFS instance is closed (f_fs.c, ffs_data_closed), or, with the mount
 * option no_disconnect, when ep0 is opened the next time (ffs_data_opened), and then also unbinds
 * the gadget. A daemon may do so at any time, and may begin again in the same process. So whether
 * descriptors exist is always read from FunctionFS, and never follows from the life of a process.
 *
 * Linux before 6.9 has no file that shows descriptors without endpoints. There the writes to ep0
 * are counted: FunctionFS accepts two, the descriptors and the strings, and its instance then is
 * FFS_ACTIVE and can be bound (Linux 6.1: f_fs.c:350-395, ffs_ep0_write; f_fs.c:3101,
 * ffs_do_functionfs_bind). It forgets both when the last file is closed (f_fs.c:1759,
 * ffs_data_closed), or later, at the next open (f_fs.c:1732). vfs_write reports a write only if it
 * succeeds. inotify(7) drops an event that is equal to the last one of the queue
 * (inotify_fsnotify.c:49, inotify_merge). Therefore the directory is watched, too: each event of
 * ep0 then follows one of the directory (fsnotify.c:310-337, fsnotify_handle_event), and none is
 * dropped.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/configfs.h"
#include "function/function.h"
#include "functionfs/endpoint.h"

/*
 * The id of descriptors without endpoints: this bit and the number of times that ep0 was opened,
 * or, where writes are counted, that descriptors were written. An inode number has 32 bits
 * (get_next_ino).
 */
#define WITHOUT_ENDPOINTS (UINT64_C(1) << 63)

/* Number of successful writes that make an instance usable: the descriptors and the strings. */
#define WRITES_OF_ALL 2

static bool is_endpoint_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !streq(entry->d_name, "ep0");
}

static bool timespec_is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/*
 * Returns the smallest inode number of the endpoint files; 0: there are none. The kernel creates
 * the files each time descriptors are written, with other inode numbers (get_next_ino).
 */
static uint64_t inode_of_endpoint_files(const char *mount)
{
	DIR *dir = opendir(mount);
	const struct dirent *entry;
	uint64_t smallest = 0;

	while (dir && (entry = readdir(dir)))
		if (is_endpoint_file(entry) && (smallest == 0 || entry->d_ino < smallest))
			smallest = entry->d_ino;
	if (dir)
		closedir(dir);
	return smallest;
}

/*
 * Reads the file `ready` of configfs, which exists since Linux 6.9. Returns 1 if descriptors were
 * written, 0 if not, and -1 if there is no such file.
 */
static int read_ready(const struct live_function *function)
{
	const struct function *f = function->model;
	_cleanup_free_ char *dir = configfs_function_path(function->functions->paths,
							  function->functions->gadget_name, f->type,
							  f->instance),
			    *path = strf("%s/ready", dir), *text = NULL;

	return file_read_first_line(AT_FDCWD, path, &text) == 0 ? streq(text, "1") : -1;
}

static bool were_all_written(const struct live_function *function)
{
	return function->counts_ep0_writes && function->n_ep0_writes == WRITES_OF_ALL;
}

/* Returns whether the descriptors may have no endpoints, so that no endpoint files exist. */
static bool may_have_no_endpoint_files(const struct live_function *function, int ready)
{
	const struct ffs *ffs = function_descriptors(function->model);

	if (ffs)
		return ffs_count_endpoints(ffs) == 0;
	/*
	 * With no_disconnect, `ready` stays 1 after the last close, but the endpoint files are
	 * removed.
	 */
	return ready == 1 && !function->had_endpoint_files;
}

uint64_t function_read_descriptors_id(const struct live_function *function)
{
	int ready = read_ready(function);
	uint64_t id = ready == 0 ? 0 : inode_of_endpoint_files(function->model->ffs->mount.path);

	if (id == 0 && ready < 0 && were_all_written(function))
		return WITHOUT_ENDPOINTS | function->n_written_descriptors;
	if (id == 0 && ready != 0 && may_have_no_endpoint_files(function, ready))
		return WITHOUT_ENDPOINTS | function->n_ep0_opens;
	return id;
}

bool function_descriptors_were_written_after(const struct live_function *function,
					     const struct timespec *time)
{
	DIR *dir = opendir(function->model->ffs->mount.path);
	const struct dirent *entry;
	bool after = false;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (is_endpoint_file(entry) && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
			after = after || timespec_is_after(&st.st_mtim, time);
	if (dir)
		closedir(dir);
	return after;
}

static bool ep0_writes_must_be_watched(const struct live_function *function)
{
	return function->descriptors_id == 0 ||
	       (function->counts_ep0_writes && (function->descriptors_id & WITHOUT_ENDPOINTS));
}

/*
 * Watches ep0: opens, closes and, while there are no descriptors, writes. Each causes an event
 * (vfs_open, __fput, vfs_write). The event of a close precedes its effect, the others follow. A
 * daemon that answers control requests writes to ep0, too: these writes must not wake the
 * supervisor. Only where writes are counted they do as long as there are no endpoint files: a write
 * between a close and the start of the watch would not be counted.
 */
static bool watch_ep0(struct live_function *function, int inotify_fd)
{
	const char *mount = function->model->ffs->mount.path;
	_cleanup_free_ char *path = strf("%s/ep0", mount);
	bool counts = function->counts_ep0_writes && ep0_writes_must_be_watched(function);
	uint32_t mask = IN_OPEN | IN_CLOSE;

	function->ep0_writes_are_watched = ep0_writes_must_be_watched(function);
	if (function->ep0_writes_are_watched)
		mask |= IN_MODIFY;
	/* A watch that is not needed any more reports only what never happens to this directory. */
	if (function->counts_ep0_writes &&
	    inotify_add_watch(inotify_fd, mount, counts ? mask : IN_DELETE_SELF) < 0)
		return false;
	return inotify_add_watch(inotify_fd, path, mask) >= 0;
}

static void report_ready_if_awaited(struct live_function *function)
{
	struct live_worker *worker = function->worker;

	if (function->descriptors_id == 0 || worker->state != WORKER_STARTING ||
	    function->descriptors_id == worker->descriptors_id_at_start)
		return;
	if (worker->model->ready_when == READY_INSTANCE || worker->ready_awaits_descriptors)
		worker->handle_event(worker, WORKER_EV_READY);
}

static void read_descriptors_id(struct live_function *function)
{
	function->descriptors_id = function_read_descriptors_id(function);
	if (function->descriptors_id != 0 && !(function->descriptors_id & WITHOUT_ENDPOINTS))
		function->had_endpoint_files = true;
}

static void count_ep0_event(struct live_function *function, uint32_t mask)
{
	if (mask & IN_OPEN) {
		function->n_ep0_opens++;
		function->n_open_ep0_files++;
	} else if (mask & IN_CLOSE) {
		if (function->n_open_ep0_files > 0)
			function->n_open_ep0_files--;
		if (function->n_open_ep0_files == 0)
			function->n_ep0_writes = 0;
	} else if ((mask & IN_MODIFY) && function->n_ep0_writes < WRITES_OF_ALL) {
		function->n_ep0_writes++;
		if (function->n_ep0_writes == WRITES_OF_ALL)
			function->n_written_descriptors++;
	}
}

/*
 * Reads all events. Returns whether one was about ep0. Events of the directory are not: those of
 * its files have a name, and its own opens and closes are mostly ffsctl's, which must not look
 * again because it has looked.
 */
static bool read_ep0_events(struct live_function *function)
{
	const struct functions *all = function->functions;
	union {
		struct inotify_event event;
		char bytes[sizeof(struct inotify_event) + NAME_MAX + 1];
	} buffer;
	bool any = false;
	ssize_t n;

	while ((n = read(function->descriptors_watch.fd, &buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(buffer.bytes + at);
			if (event->len > 0 || (event->mask & IN_ISDIR))
				continue;
			count_ep0_event(function, event->mask);
			any = true;
		}
	}
	if (any)
		all->callbacks->descriptors_may_have_changed(all->callback_data);
	return any;
}

void function_update_descriptors(struct live_function *function)
{
	if (function->descriptors_watch.fd < 0)
		return;
	read_ep0_events(function);
	read_descriptors_id(function);
	if (function->ep0_writes_are_watched != ep0_writes_must_be_watched(function)) {
		watch_ep0(function, function->descriptors_watch.fd);
		/* They may have been written before the writes were watched. */
		read_descriptors_id(function);
	}
	if (function->worker)
		report_ready_if_awaited(function);
}

void functions_update_descriptors(struct functions *functions)
{
	for (size_t n = 0; n < functions->n; n++)
		function_update_descriptors(functions->list[n]);
}

static void on_ep0_event(void *data, uint32_t events _unused_)
{
	if (read_ep0_events(data))
		function_update_descriptors(data);
}

/*
 * Notes the descriptors of a daemon that another supervisor has started, whose writes this one has
 * not seen: the gadget is bound, so they were written.
 */
static void note_descriptors_of_bound_gadget(struct live_function *function)
{
	_cleanup_free_ char *dir = configfs_gadget_path(function->functions->paths,
							function->functions->gadget_name),
			    *path = strf("%s/UDC", dir), *udc = NULL;

	if (file_read_first_line(AT_FDCWD, path, &udc) < 0 || !*udc)
		return;
	function->n_open_ep0_files = 1;
	function->n_ep0_writes = WRITES_OF_ALL;
}

int function_watch_descriptors(struct live_function *function)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (function->descriptors_watch.fd < 0) {
		function->counts_ep0_writes = read_ready(function) < 0;
		fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (fd < 0 || !watch_ep0(function, fd))
			return -errno;
		r = fd_watch_add(function->functions->loop, &function->descriptors_watch, fd,
				 EPOLLIN, on_ep0_event, function);
		if (r < 0)
			return r;
		steal_fd(&fd);
		if (function->counts_ep0_writes && function->worker->state == WORKER_READY)
			note_descriptors_of_bound_gadget(function);
	}
	function_update_descriptors(function);
	return 0;
}

bool function_descriptors_are_unknown(const struct live_function *function)
{
	const struct ffs *ffs = function_descriptors(function->model);

	return function_lacks_descriptors(function) && function->counts_ep0_writes &&
	       !function->had_endpoint_files && (!ffs || ffs_count_endpoints(ffs) == 0);
}

bool function_lacks_descriptors(const struct live_function *function)
{
	return function->descriptors_watch.fd >= 0 && function->descriptors_id == 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/gadget_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"

#define ENTRY_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF)

/* The watch of a process, or of the attribute `state` of a UDC. */
struct process_or_udc_watch {
	struct gadget_watch *gadget_watch;
	struct fd_watch fd_watch;
	pid_t pid;	      /* pid of a process; 0: watches a UDC */
	char *udc_name;	      /* name of a UDC; NULL: watches a process */
	bool is_still_needed; /* the current call of gadget_watch_set_gadgets needs it */
};

struct gadget_watch {
	const struct paths *paths;
	struct loop *loop;
	void (*on_change)(void *data);
	void *on_change_data;
	struct fd_watch directories_watch; /* inotify(7): run directories and configfs */
	struct fd_watch mounts_watch;
	/* Highest watch descriptor of inotify(7). The kernel gives each new watch a higher one. */
	int highest_wd;
	struct process_or_udc_watch **process_and_udc_watches;
	size_t n_process_and_udc_watches;
};

static void on_directory_event(void *data, uint32_t events _unused_)
{
	struct gadget_watch *w = data;

	/* Discards the events: on_change inspects all gadgets, whatever has changed. */
	fd_drain(w->directories_watch.fd);
	w->on_change(w->on_change_data);
}

static void on_mounts_event(void *data, uint32_t events _unused_)
{
	struct gadget_watch *w = data;

	w->on_change(w->on_change_data);
}

/*
 * Reads the UDC's attribute `state`. poll(2) reports the next change of a sysfs attribute only
 * after a read from offset 0.
 */
static bool arm_sysfs_notification(const struct process_or_udc_watch *watch)
{
	char rest[64];

	return pread(watch->fd_watch.fd, rest, sizeof(rest), 0) >= 0;
}

/* Called when the process has ended, or when the UDC has changed its state or was removed. */
static void on_process_or_udc_event(void *data, uint32_t events _unused_)
{
	struct process_or_udc_watch *watch = data;

	if (watch->pid || !arm_sysfs_notification(watch))
		fd_watch_close(watch->gadget_watch->loop, &watch->fd_watch);
	watch->gadget_watch->on_change(watch->gadget_watch->on_change_data);
}

struct gadget_watch *gadget_watch_new(const struct paths *paths, struct loop *loop,
				      void (*on_change)(void *data), void *data, struct error *err)
{
	struct gadget_watch *w = xcalloc(1, sizeof(*w));
	_cleanup_close_ int mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	*w = (struct gadget_watch){ .paths = paths,
				    .loop = loop,
				    .on_change = on_change,
				    .on_change_data = data,
				    .directories_watch = FD_WATCH_NONE,
				    .mounts_watch = FD_WATCH_NONE };
	if (inotify < 0 || mounts < 0 ||
	    fd_watch_add(loop, &w->directories_watch, inotify, EPOLLIN, on_directory_event, w) <
		    0 ||
	    fd_watch_add(loop, &w->mounts_watch, mounts, EPOLLPRI, on_mounts_event, w) < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot watch the gadgets for changes");
		fd_watch_remove(loop, &w->directories_watch);
		free(w);
		return NULL;
	}
	steal_fd(&inotify);
	steal_fd(&mounts);
	return w;
}

/*
 * Watches a directory. Returns whether it was not watched before. Ignores a missing directory:
 * gadget_watch_set_gadgets tries again after a change in the parent directory.
 */
static bool watch_directory(struct gadget_watch *w, const char *path, uint32_t events)
{
	int wd = inotify_add_watch(w->directories_watch.fd, path, events | IN_ONLYDIR);
	bool is_new = wd > w->highest_wd;

	if (is_new)
		w->highest_wd = wd;
	return is_new;
}

static bool watch_directories(struct gadget_watch *w, const struct gadget_statuses *gadgets)
{
	_cleanup_free_ char *above = path_parent(w->paths->run_dir),
			    *all = strf("%s/usb_gadget", w->paths->configfs_mount_point);
	bool is_new = watch_directory(w, above, IN_CREATE);

	is_new |= watch_directory(w, w->paths->run_dir, ENTRY_EVENTS);
	is_new |= watch_directory(w, w->paths->configfs_mount_point, IN_CREATE);
	is_new |= watch_directory(w, all, ENTRY_EVENTS);
	for (size_t i = 0; i < gadgets->n; i++) {
		const char *name = gadgets->list[i].name;
		_cleanup_free_ char *run = strf("%s/%s", w->paths->run_dir, name),
				    *dir = configfs_gadget_path(w->paths, name);

		is_new |= watch_directory(w, run, ENTRY_EVENTS);
		is_new |= watch_directory(
			w, dir,
			ENTRY_EVENTS | IN_MODIFY); /* IN_MODIFY: a write to the attribute UDC */
	}
	return is_new;
}

/*
 * Watches the process `pid`, or the UDC `udc` if `pid` is 0. Returns whether that process or UDC
 * was not watched before.
 */
static bool watch_process_or_udc(struct gadget_watch *w, pid_t pid, const char *udc)
{
	_cleanup_free_ char *path = udc ? strf(UDC_CLASS_DIR "/%s/state", udc) : NULL;
	struct process_or_udc_watch *watch;
	int fd;

	for (size_t i = 0; i < w->n_process_and_udc_watches; i++) {
		watch = w->process_and_udc_watches[i];
		if (watch->pid == pid && streq_null(watch->udc_name, udc) &&
		    watch->fd_watch.fd >= 0) {
			watch->is_still_needed = true;
			return false;
		}
	}
	fd = udc ? open(path, O_RDONLY | O_CLOEXEC) : (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return errno == ESRCH; /* ESRCH: the process has ended, so the gadgets must be
					  inspected again */
	watch = xcalloc(1, sizeof(*watch));
	*watch = (struct process_or_udc_watch){
		.gadget_watch = w, .fd_watch = FD_WATCH_NONE, .pid = pid, .is_still_needed = true
	};
	watch->udc_name = xstrdup_or_null(udc);
	if (fd_watch_add(w->loop, &watch->fd_watch, fd, udc ? EPOLLPRI : EPOLLIN,
			 on_process_or_udc_event, watch) < 0) {
		close(fd);
		free(watch->udc_name);
		free(watch);
		return false;
	}
	if (udc)
		arm_sysfs_notification(watch);
	*array_add(w->process_and_udc_watches, w->n_process_and_udc_watches) = watch;
	return true;
}

/*
 * Returns true if the process was not watched before or has ended, so that the gadgets must be
 * inspected again.
 */
static bool watch_process(struct gadget_watch *w, pid_t pid)
{
	return pid > 0 && watch_process_or_udc(w, pid, NULL);
}

static bool watch_gadget(struct gadget_watch *w, const struct gadget_status *gadget)
{
	bool is_new = watch_process(w, gadget->supervisor);

	if (gadget->udc)
		is_new |= watch_process_or_udc(w, 0, gadget->udc);
	for (size_t i = 0; i < gadget->n_functions; i++) {
		is_new |= watch_process(w, gadget->functions[i].keeper);
		is_new |= watch_process(w, gadget->functions[i].worker.pid);
	}
	return is_new;
}

static void process_or_udc_watch_free(struct process_or_udc_watch *watch)
{
	fd_watch_close(watch->gadget_watch->loop, &watch->fd_watch);
	free(watch->udc_name);
	free(watch);
}

static void remove_unused_process_and_udc_watches(struct gadget_watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_process_and_udc_watches; i++) {
		if (w->process_and_udc_watches[i]->is_still_needed &&
		    w->process_and_udc_watches[i]->fd_watch.fd >= 0)
			w->process_and_udc_watches[n++] = w->process_and_udc_watches[i];
		else
			process_or_udc_watch_free(w->process_and_udc_watches[i]);
	}
	w->n_process_and_udc_watches = n;
}

bool gadget_watch_set_gadgets(struct gadget_watch *w, const struct gadget_statuses *gadgets)
{
	bool is_new = watch_directories(w, gadgets);

	for (size_t i = 0; i < w->n_process_and_udc_watches; i++)
		w->process_and_udc_watches[i]->is_still_needed = false;
	for (size_t i = 0; i < gadgets->n; i++)
		is_new |= watch_gadget(w, &gadgets->list[i]);
	remove_unused_process_and_udc_watches(w);
	return is_new;
}

void gadget_watch_free(struct gadget_watch *w)
{
	fd_watch_close(w->loop, &w->directories_watch);
	fd_watch_close(w->loop, &w->mounts_watch);
	for (size_t i = 0; i < w->n_process_and_udc_watches; i++)
		process_or_udc_watch_free(w->process_and_udc_watches[i]);
	free(w->process_and_udc_watches);
	free(w);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/watch.h"

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

/* A process that is watched, or a UDC whose attribute `state` is watched. */
struct watched_item {
	struct watch *watch;
	struct fd_watch source;
	pid_t pid;   /* 0: the item is a UDC */
	char *udc;   /* NULL: the item is a process */
	bool in_use; /* the current call of watch_gadgets needs the item */
};

struct watch {
	const struct paths *paths;
	struct loop *loop;
	void (*fn)(void *data);
	void *data;
	struct fd_watch inotify, mounts;
	int newest_descriptor; /* highest inotify watch descriptor; the kernel numbers them in
				  ascending order */
	struct watched_item **items;
	size_t n_items;
};

static void on_directory(void *data, uint32_t events _unused_)
{
	struct watch *w = data;

	fd_drain(w->inotify.fd); /* the content of the events does not matter */
	w->fn(w->data);
}

static void on_mounts(void *data, uint32_t events _unused_)
{
	struct watch *w = data;

	w->fn(w->data);
}

/* Arms the next notification of sysfs: poll(2) reports only after a read from offset 0. */
static bool arm_notification(const struct watched_item *item)
{
	char rest[64];

	return pread(item->source.fd, rest, sizeof(rest), 0) >= 0;
}

/* Handles an event: a process ended, or a UDC changed its state or was removed. */
static void on_item(void *data, uint32_t events _unused_)
{
	struct watched_item *item = data;

	if (item->pid || !arm_notification(item))
		fd_watch_close(item->watch->loop, &item->source);
	item->watch->fn(item->watch->data);
}

struct watch *watch_new(const struct paths *paths, struct loop *loop, void (*fn)(void *data),
			void *data, struct error *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	_cleanup_close_ int mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	*w = (struct watch){ .paths = paths,
			     .loop = loop,
			     .fn = fn,
			     .data = data,
			     .inotify = FD_WATCH_NONE,
			     .mounts = FD_WATCH_NONE };
	if (inotify < 0 || mounts < 0 ||
	    fd_watch_add(loop, &w->inotify, inotify, EPOLLIN, on_directory, w) < 0 ||
	    fd_watch_add(loop, &w->mounts, mounts, EPOLLPRI, on_mounts, w) < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot watch for changes");
		fd_watch_remove(loop, &w->inotify);
		free(w);
		return NULL;
	}
	steal_fd(&inotify);
	steal_fd(&mounts);
	return w;
}

/*
 * Watches a directory, and returns whether it was not watched before. Ignores a missing directory:
 * watch_gadgets tries again after a change in the parent directory.
 */
static bool watch_directory(struct watch *w, const char *path, uint32_t events)
{
	int wd = inotify_add_watch(w->inotify.fd, path, events | IN_ONLYDIR);
	bool is_new = wd > w->newest_descriptor;

	if (is_new)
		w->newest_descriptor = wd;
	return is_new;
}

static bool watch_directories(struct watch *w, const struct gadget_statuses *gadgets)
{
	_cleanup_free_ char *above = path_parent(w->paths->run_dir),
			    *all = strf("%s/usb_gadget", w->paths->configfs);
	bool is_new = watch_directory(w, above, IN_CREATE);

	is_new |= watch_directory(w, w->paths->run_dir, ENTRY_EVENTS);
	is_new |= watch_directory(w, w->paths->configfs, IN_CREATE);
	is_new |= watch_directory(w, all, ENTRY_EVENTS);
	for (size_t i = 0; i < gadgets->n; i++) {
		const char *name = gadgets->v[i].name;
		_cleanup_free_ char *run = strf("%s/%s", w->paths->run_dir, name),
				    *dir = configfs_gadget_path(w->paths, name);

		is_new |= watch_directory(w, run, ENTRY_EVENTS);
		is_new |= watch_directory(
			w, dir, ENTRY_EVENTS | IN_MODIFY); /* IN_MODIFY: the attribute UDC */
	}
	return is_new;
}

/*
 * Watches the process `pid`, or the UDC `udc` when `pid` is 0. Returns whether it was not watched
 * before.
 */
static bool watch_item(struct watch *w, pid_t pid, const char *udc)
{
	_cleanup_free_ char *path = udc ? strf(UDC_CLASS_DIR "/%s/state", udc) : NULL;
	struct watched_item *item;
	int fd;

	for (size_t i = 0; i < w->n_items; i++) {
		item = w->items[i];
		if (item->pid == pid && streq_null(item->udc, udc) && item->source.fd >= 0) {
			item->in_use = true;
			return false;
		}
	}
	fd = udc ? open(path, O_RDONLY | O_CLOEXEC) : (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return errno == ESRCH; /* the process has ended: inspect again */
	item = xcalloc(1, sizeof(*item));
	*item = (struct watched_item){
		.watch = w, .source = FD_WATCH_NONE, .pid = pid, .in_use = true
	};
	item->udc = xstrdup_or_null(udc);
	if (fd_watch_add(w->loop, &item->source, fd, udc ? EPOLLPRI : EPOLLIN, on_item, item) < 0) {
		close(fd);
		free(item->udc);
		free(item);
		return false;
	}
	if (udc)
		arm_notification(item);
	*array_add(w->items, w->n_items) = item;
	return true;
}

static bool watch_pid(struct watch *w, pid_t pid)
{
	return pid > 0 && watch_item(w, pid, NULL);
}

static bool watch_gadget(struct watch *w, const struct gadget_status *gadget)
{
	bool is_new = watch_pid(w, gadget->supervisor);

	if (gadget->udc)
		is_new |= watch_item(w, 0, gadget->udc);
	for (size_t i = 0; i < gadget->n_functions; i++) {
		is_new |= watch_pid(w, gadget->functions[i].keeper);
		is_new |= watch_pid(w, gadget->functions[i].worker.pid);
	}
	return is_new;
}

static void free_item(struct watched_item *item)
{
	fd_watch_close(item->watch->loop, &item->source);
	free(item->udc);
	free(item);
}

static void remove_unused(struct watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_items; i++) {
		if (w->items[i]->in_use && w->items[i]->source.fd >= 0)
			w->items[n++] = w->items[i];
		else
			free_item(w->items[i]);
	}
	w->n_items = n;
}

bool watch_gadgets(struct watch *w, const struct gadget_statuses *gadgets)
{
	bool is_new = watch_directories(w, gadgets);

	for (size_t i = 0; i < w->n_items; i++)
		w->items[i]->in_use = false;
	for (size_t i = 0; i < gadgets->n; i++)
		is_new |= watch_gadget(w, &gadgets->v[i]);
	remove_unused(w);
	return is_new;
}

void watch_free(struct watch *w)
{
	fd_watch_close(w->loop, &w->inotify);
	fd_watch_close(w->loop, &w->mounts);
	for (size_t i = 0; i < w->n_items; i++)
		free_item(w->items[i]);
	free(w->items);
	free(w);
}

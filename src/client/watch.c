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
#include "base/json.h"
#include "base/util.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"

#define COME_AND_GO (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF)

/* A process, or a UDC's `state`. */
struct spot {
	struct watch *watch;
	struct fd_watch source;
	pid_t pid; /* 0: a UDC */
	char *udc;
	bool wanted;
};

struct watch {
	const struct paths *paths;
	struct loop *loop;
	void (*fn)(void *data);
	void *data;
	struct fd_watch inotify, mounts;
	int newest; /* descriptor of a directory: the kernel gives a higher one to each new one */
	struct spot **spots;
	size_t n_spots;
};

static void on_directory(void *data, uint32_t events _unused_)
{
	struct watch *w = data;

	fd_drain(w->inotify.fd); /* which one it was does not matter */
	w->fn(w->data);
}

static void on_mounts(void *data, uint32_t events _unused_)
{
	struct watch *w = data;

	w->fn(w->data);
}

/* Reading from the start is what arms the next notification (sysfs_notify). */
static bool arm(const struct spot *spot)
{
	char rest[64];

	return pread(spot->source.fd, rest, sizeof(rest), 0) >= 0;
}

/* It has ended, which it does once; or the UDC is in another state, or has gone. */
static void on_spot(void *data, uint32_t events _unused_)
{
	struct spot *spot = data;

	if (spot->pid || !arm(spot))
		fd_watch_close(spot->watch->loop, &spot->source);
	spot->watch->fn(spot->watch->data);
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

/* What is not there, or not to be seen, is watched as soon as the directory above it changes. */
static bool watch_directory(struct watch *w, const char *path, uint32_t events)
{
	int wd = inotify_add_watch(w->inotify.fd, path, events | IN_ONLYDIR);
	bool is_new = wd > w->newest;

	if (is_new)
		w->newest = wd;
	return is_new;
}

static bool watch_directories(struct watch *w, const json_t *gadgets)
{
	_cleanup_free_ char *above = path_parent(w->paths->run_dir),
			    *all = strf("%s/usb_gadget", w->paths->configfs);
	bool is_new = watch_directory(w, above, IN_CREATE);
	const json_t *gadget;
	size_t i;

	is_new |= watch_directory(w, w->paths->run_dir, COME_AND_GO);
	is_new |= watch_directory(w, w->paths->configfs, IN_CREATE);
	is_new |= watch_directory(w, all, COME_AND_GO);
	json_array_foreach(gadgets, i, gadget) {
		const char *name = json_text(gadget, "name", "");
		_cleanup_free_ char *run = strf("%s/%s", w->paths->run_dir, name),
				    *dir = configfs_gadget_path(w->paths, name);

		is_new |= watch_directory(w, run, COME_AND_GO);
		is_new |= watch_directory(w, dir, COME_AND_GO | IN_MODIFY); /* UDC is written to */
	}
	return is_new;
}

static bool want_spot(struct watch *w, pid_t pid, const char *udc)
{
	_cleanup_free_ char *path = udc ? strf(UDC_CLASS_DIR "/%s/state", udc) : NULL;
	struct spot *spot;
	int fd;

	for (size_t i = 0; i < w->n_spots; i++) {
		spot = w->spots[i];
		if (spot->pid == pid && streq_null(spot->udc, udc) && spot->source.fd >= 0) {
			spot->wanted = true;
			return false;
		}
	}
	fd = udc ? open(path, O_RDONLY | O_CLOEXEC) : (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return errno == ESRCH; /* it has just ended */
	spot = xcalloc(1, sizeof(*spot));
	*spot = (struct spot){ .watch = w, .source = FD_WATCH_NONE, .pid = pid, .wanted = true };
	spot->udc = udc ? xstrdup(udc) : NULL;
	if (fd_watch_add(w->loop, &spot->source, fd, udc ? EPOLLPRI : EPOLLIN, on_spot, spot) < 0) {
		close(fd);
		free(spot->udc);
		free(spot);
		return false;
	}
	if (udc)
		arm(spot);
	*array_add(w->spots, w->n_spots) = spot;
	return true;
}

static bool want_pid(struct watch *w, const json_t *object, const char *key)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(object, key));

	return pid > 0 && want_spot(w, pid, NULL);
}

static bool want_all_of(struct watch *w, const json_t *gadget)
{
	const char *udc = json_text(gadget, "udc", NULL);
	bool is_new = want_pid(w, gadget, "supervisor");
	const json_t *function;
	size_t i;

	if (udc)
		is_new |= want_spot(w, 0, udc);
	json_array_foreach(json_object_get(gadget, "functions"), i, function) {
		is_new |= want_pid(w, function, "keeper");
		is_new |= want_pid(w, json_object_get(function, "worker"), "pid");
	}
	return is_new;
}

static void free_spot(struct spot *spot)
{
	fd_watch_close(spot->watch->loop, &spot->source);
	free(spot->udc);
	free(spot);
}

static void drop_unwanted(struct watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_spots; i++) {
		if (w->spots[i]->wanted && w->spots[i]->source.fd >= 0)
			w->spots[n++] = w->spots[i];
		else
			free_spot(w->spots[i]);
	}
	w->n_spots = n;
}

bool watch_gadgets(struct watch *w, const json_t *gadgets)
{
	bool is_new = watch_directories(w, gadgets);
	const json_t *gadget;
	size_t i;

	for (i = 0; i < w->n_spots; i++)
		w->spots[i]->wanted = false;
	json_array_foreach(gadgets, i, gadget)
		is_new |= want_all_of(w, gadget);
	drop_unwanted(w);
	return is_new;
}

void watch_free(struct watch *w)
{
	fd_watch_close(w->loop, &w->inotify);
	fd_watch_close(w->loop, &w->mounts);
	for (size_t i = 0; i < w->n_spots; i++)
		free_spot(w->spots[i]);
	free(w->spots);
	free(w);
}

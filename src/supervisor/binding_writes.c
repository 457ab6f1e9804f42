/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Learns whether another program unbound the gadget, or the kernel because a daemon closed its
 * files or a keeper died (configfs.c, unregister_gadget_item). Both clear the gadget's attribute
 * UDC, but only a program writes to it, or removes a function's link: both cause an event of
 * inotify(7) after their effect (vfs_write, vfs_unlink). Since an event also follows what ffsctl
 * itself does, and an open(2) with O_TRUNC whose write fails, it only counts if the gadget is not
 * bound afterwards.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/configfs.h"
#include "configfs/items.h"
#include "supervisor/binding_in_kernel.h"
#include "supervisor/live_gadget.h"

/*
 * Reads the events. Returns whether one of them is a write to UDC, or the removal of a link, or
 * says that some are lost.
 */
static bool read_events(int fd)
{
	_Alignas(struct inotify_event) char events[4096];
	bool written = false;
	ssize_t n;

	while ((n = read(fd, events, sizeof(events))) > 0) {
		for (const char *p = events; p < events + n;) {
			const struct inotify_event *event = (const void *)p;

			written = written || (event->mask & (IN_DELETE | IN_Q_OVERFLOW)) ||
				  (event->len > 0 && streq(event->name, "UDC"));
			p += sizeof(*event) + event->len;
		}
	}
	return written;
}

bool binding_was_written_by_others(struct binding *b)
{
	if (b->write_watch.fd >= 0 && read_events(b->write_watch.fd))
		b->written_by_others = true;
	return b->written_by_others;
}

void binding_forget_writes(struct binding *b)
{
	binding_was_written_by_others(b);
	/* One of the events may have been of a write after the bind. The next check sees it. */
	b->written_by_others = b->bound_while_watched = false;
}

void binding_note_seen_bound(struct binding *b)
{
	b->written_by_others = false;
	b->bound_while_watched = b->write_watch.fd >= 0;
}

static void on_write(void *data, uint32_t events _unused_)
{
	struct binding *b = data;

	binding_was_written_by_others(b);
	binding_request_check(b);
}

bool binding_outlives_descriptors(const struct live_function *function)
{
	const struct live_worker *worker = function->worker;

	return (worker && worker_holds_ep0(worker->model)) ||
	       (function->model->optional && function_keeper_holds_ep0(function->model));
}

static bool kernel_may_unbind(const struct functions *functions)
{
	for (size_t n = 0; n < functions->n; n++)
		if (binding_outlives_descriptors(functions->list[n]))
			return true;
	return false;
}

bool binding_awaits_cause_of_unbind(const struct binding *b)
{
	return b->bound_while_watched && !b->written_by_others &&
	       kernel_may_unbind(&b->live->functions);
}

/* Watches the configurations, which contain the links to functions. */
static void watch_links(const struct plan *plan, int fd)
{
	for (size_t n = 0; n < plan->n; n++) {
		_cleanup_free_ char *dir = NULL;

		if (plan->steps[n].op != &configfs_op_link)
			continue;
		dir = xstrndup(
			plan->steps[n].path,
			(size_t)(path_last_component(plan->steps[n].path) - plan->steps[n].path));
		inotify_add_watch(fd, dir, IN_DELETE | IN_ONLYDIR);
	}
}

void binding_update_write_watch(struct binding *b)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;

	if (b->write_watch.fd >= 0 || !kernel_may_unbind(&b->live->functions))
		return;
	dir = configfs_gadget_path(b->live->paths, b->live->name);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0 || inotify_add_watch(fd, dir, IN_MODIFY | IN_ONLYDIR) < 0)
		return;
	watch_links(&b->live->plan, fd);
	if (fd_watch_add(&b->live->loop, &b->write_watch, fd, EPOLLIN, on_write, b) == 0)
		steal_fd(&fd);
}

void binding_renew_write_watch(struct binding *b)
{
	fd_watch_close(&b->live->loop, &b->write_watch);
	binding_update_write_watch(b);
	b->written_by_others = b->bound_while_watched = false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a worker finds a function of the kernel's: its device node, its network interface. Most are
 * there from the bind to the unbind, whoever does that, so their workers come and go with them.
 */
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/configfs.h"
#include "configfs/kernel_device.h"
#include "function/function.h"

static bool is_due(const struct live_function *i)
{
	switch (i->model->worker->start) {
	case START_CREATED:
		return true;
	case START_BOUND:
		return i->all->events->is_bound(i->all->owner);
	case START_CONFIGURED:
		return i->all->events->is_bound(i->all->owner) &&
		       i->all->events->is_configured(i->all->owner);
	}
	return false;
}

/* A node is made anew with each bind, whatever its name. */
static uint64_t identity(const struct kernel_device *n)
{
	struct stat st;

	if (n->ifname)
		return if_nametoindex(n->ifname);
	return n->device && stat(n->device, &st) == 0 ? st.st_ino : 0;
}

bool function_is_there(struct live_function *i)
{
	_cleanup_free_ char *dir = NULL;
	struct kernel_device *n = &i->kernel;
	const char *type = i->model->type;

	if (i->model->ffs)
		return true;
	dir = function_place(i);
	free(n->device);
	free(n->ifname);
	n->device = kernel_device_path(dir);
	n->ifname = kernel_device_ifname(dir);
	n->id = identity(n);
	/* What makes the node, on a machine without devtmpfs, may come later than the bind. */
	return is_due(i) && (n->id != 0 || !kernel_device_is_known(type));
}

static bool has_node(const struct live_function *i)
{
	return i->worker && !i->model->ffs;
}

void functions_look(struct functions *all)
{
	for (size_t k = 0; k < all->n; k++) {
		struct live_function *i = all->v[k];
		bool there;

		if (!has_node(i))
			continue;
		there = function_is_there(i);
		if (!there || i->kernel.id != i->kernel.served)
			i->worker->handle(i->worker, WORKER_EV_GONE);
		if (there)
			i->worker->handle(i->worker, WORKER_EV_THERE);
	}
}

bool functions_come_and_go(const struct functions *all)
{
	for (size_t k = 0; k < all->n; k++)
		if (has_node(all->v[k]) && all->v[k]->model->worker->start != START_CREATED)
			return true;
	return false;
}

/* Linux 6.9 says so; before that the endpoints' files do, as they are made last. */
bool function_is_active(const struct live_function *i)
{
	const struct function *f = i->model;
	_cleanup_free_ char *dir = configfs_function_path(i->all->paths, i->all->gadget, f->type,
							  f->instance),
			    *ready = strf("%s/ready", dir),
			    *file = strf("%s/ep1", f->ffs->mount.path), *text = NULL;

	if (file_read_line(AT_FDCWD, ready, &text) == 0)
		return streq(text, "1");
	return path_exists(file);
}

char *function_place(const struct live_function *i)
{
	const struct function *f = i->model;

	return f->ffs ? xstrdup(f->ffs->mount.path)
		      : configfs_function_path(i->all->paths, i->all->gadget, f->type, f->instance);
}

bool function_blocks_bind(const struct live_function *i)
{
	return i->model->ffs;
}

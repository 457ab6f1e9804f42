/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file descriptors of a worker with listen_fds = "systemd": ep0, whose descriptors are written,
 * and then the endpoint files, sorted by the text of their names, as systemd passes them to a
 * service (systemd.socket(5), ListenUSBFunction=).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch_internal.h"
#include "functionfs/endpoint.h"

/* Names of the endpoint files of a function. */
struct file_names {
	const struct ffs *ffs;
	char **names;
	size_t n;
};

static void file_names_free(struct file_names *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->names[i]);
	free(files->names);
}
#define _cleanup_file_names_ _cleanup_(file_names_free)

static int add_endpoint_file(void *data, const struct endpoint *ep)
{
	struct file_names *files = data;

	*array_add(files->names, files->n) = ffs_endpoint_file(files->ffs, ep);
	return 0;
}

static int add_in_out_pair_file(void *data, const struct endpoint *first,
				const struct endpoint *second _unused_)
{
	struct file_names *files = data;

	*array_add(files->names, files->n) = ffs_in_out_pair_file_name(files->ffs, first);
	return 0;
}

static int compare_file_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct file_names sorted_file_names(const struct live_worker *worker)
{
	struct file_names files = { .ffs = worker->function->model->ffs };

	ffs_each_endpoint(files.ffs, add_endpoint_file, &files);
	ffs_each_in_out_pair(files.ffs, add_in_out_pair_file, &files);
	if (files.n > 0)
		qsort(files.names, files.n, sizeof(*files.names), compare_file_names);
	return files;
}

/* Each name is the function's label, as all names are FileDescriptorName= of the unit. */
char *launch_systemd_fd_names(const struct live_worker *worker)
{
	_cleanup_file_names_ struct file_names files = sorted_file_names(worker);
	char *names = xstrdup(worker->function->model->label);

	for (size_t i = 0; i < files.n; i++) {
		_cleanup_free_ char *old = names;

		names = strf("%s:%s", old, worker->function->model->label);
	}
	return names;
}

/* The argument of enable_zlp(). */
struct enable_zlp_arguments {
	const struct ffs *ffs;
	struct error *err;
};

static int enable_zlp(void *data, const struct endpoint *ep)
{
	const struct enable_zlp_arguments *z = data;
	_cleanup_free_ char *file = ffs_endpoint_file(z->ffs, ep),
			    *path = strf("%s/%s", z->ffs->mount.path, file);

	return ep->zlp.value ? ffs_enable_zlp(path, z->err) : 0;
}

int launch_open_systemd_fds(struct worker_start_fds *fds)
{
	const struct live_worker *worker = fds->worker;
	struct error *err = fds->err;
	_cleanup_file_names_ struct file_names files = sorted_file_names(worker);
	enum ep_blocking blocking = worker->model->blocking_io ? EP_BLOCKING : EP_NONBLOCKING;
	int ep0, r = ffs_open_and_write_ep0(files.ffs, &ep0, err);

	if (r < 0)
		return r;
	launch_add_fd(fds, ep0);
	if (blocking == EP_BLOCKING && fcntl(ep0, F_SETFL, 0) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make ep0 block");
	for (size_t i = 0; i < files.n; i++) {
		r = launch_add_fd(fds, ffs_open_file(files.ffs, files.names[i], blocking, err));
		if (r < 0)
			return r;
	}
	return ffs_each_endpoint(files.ffs, enable_zlp,
				 &(struct enable_zlp_arguments){ files.ffs, err });
}

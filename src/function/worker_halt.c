/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Halting what a dead worker served. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "functionfs/endpoint.h"

#define HALT_TRIES 4

static int halt_endpoint(void *data, const struct endpoint *ep)
{
	struct live_worker *worker = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct halting *h;
	int fd = ffs_endpoint_open(worker->function->model->ffs, ep, EP_NONBLOCKING, &ignored);

	if (fd < 0)
		return 0;
	if (ffs_endpoint_halt(fd, ep) != -EAGAIN || ep->direction == EP_OUT) {
		close(fd);
		return 0;
	}
	h = array_add(worker->halting, worker->n_halting);
	h->fd = fd;
	h->ep = ep;
	return 0;
}

void worker_halt_end(struct live_worker *worker)
{
	for (size_t i = 0; i < worker->n_halting; i++)
		close(worker->halting[i].fd);
	free(worker->halting);
	worker->halting = NULL;
	worker->n_halting = 0;
}

/*
 * A transfer that the dead worker has cut must end in an error that the host can see. Whether the
 * host has enabled an endpoint is asked of the kernel: a worker may be woken by that, and die,
 * before we have heard of it.
 */
void worker_halt_begin(struct live_worker *worker)
{
	worker_halt_end(worker);
	worker->halt_tries = 0;
	if (worker->model->on_crash == CRASH_STALL && worker->function->all->phase == PHASE_UP)
		ffs_each_endpoint(worker->function->model->ffs, halt_endpoint, worker);
}

/* Once more those that were busy; what has been halted is not halted twice. */
void worker_halt_go_on(struct live_worker *worker)
{
	size_t busy = 0;

	for (size_t i = 0; i < worker->n_halting; i++) {
		struct halting h = worker->halting[i];

		if (ffs_endpoint_halt(h.fd, h.ep) == -EAGAIN)
			worker->halting[busy++] = h;
		else
			close(h.fd);
	}
	worker->n_halting = busy;
	if (busy == 0 || ++worker->halt_tries >= HALT_TRIES)
		worker_halt_end(worker);
}

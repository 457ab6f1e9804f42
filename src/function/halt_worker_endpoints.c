/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Halts the endpoints of a worker that died. */
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
	struct endpoint_to_halt *h;
	int fd = ffs_endpoint_open(worker->function->model->ffs, ep, EP_NONBLOCKING, &ignored);

	if (fd < 0)
		return 0;
	if (ffs_endpoint_halt(fd, ep) != -EAGAIN || ep->direction == EP_OUT) {
		close(fd);
		return 0;
	}
	h = array_add(worker->endpoints_to_halt, worker->n_endpoints_to_halt);
	h->fd = fd;
	h->endpoint = ep;
	return 0;
}

void worker_close_endpoints_to_halt(struct live_worker *worker)
{
	for (size_t i = 0; i < worker->n_endpoints_to_halt; i++)
		close(worker->endpoints_to_halt[i].fd);
	free(worker->endpoints_to_halt);
	worker->endpoints_to_halt = NULL;
	worker->n_endpoints_to_halt = 0;
}

/*
 * Halts the endpoints that the worker served, because an interrupted transfer must end with an
 * error at the host. The kernel is asked which endpoints the host has enabled, because an ENABLE
 * event may arrive after the death of the worker.
 */
void worker_halt_endpoints(struct live_worker *worker)
{
	worker_close_endpoints_to_halt(worker);
	worker->n_endpoint_halt_tries = 0;
	if (worker->model->on_crash == CRASH_STALL && !worker_holds_ep0(worker->model) &&
	    worker->function->functions->up_down_phase == PHASE_UP)
		ffs_each_endpoint(worker->function->model->ffs, halt_endpoint, worker);
}

void worker_retry_halting_endpoints(struct live_worker *worker)
{
	size_t busy = 0;

	for (size_t i = 0; i < worker->n_endpoints_to_halt; i++) {
		struct endpoint_to_halt h = worker->endpoints_to_halt[i];

		if (ffs_endpoint_halt(h.fd, h.endpoint) == -EAGAIN)
			worker->endpoints_to_halt[busy++] = h;
		else
			close(h.fd);
	}
	worker->n_endpoints_to_halt = busy;
	if (busy == 0 || ++worker->n_endpoint_halt_tries >= HALT_TRIES)
		worker_close_endpoints_to_halt(worker);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Halting what a dead worker served. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "functionfs/endpoint.h"
#include "supervisor/supervisor.h"

#define HALT_TRIES 4

static int halt_endpoint(void *data, const struct endpoint *ep)
{
	struct unit *unit = data;
	_cleanup_error_ struct error ignored = { 0 };
	struct halting *h;
	int fd = ffs_endpoint_open(unit->instance->function->ffs, ep, EP_NONBLOCKING, &ignored);

	if (fd < 0)
		return 0;
	if (ffs_endpoint_halt(fd, ep) != -EAGAIN || ep->direction == EP_OUT) {
		close(fd);
		return 0;
	}
	h = array_add(unit->halting, unit->n_halting);
	h->fd = fd;
	h->ep = ep;
	return 0;
}

void unit_halt_end(struct unit *unit)
{
	for (size_t i = 0; i < unit->n_halting; i++)
		close(unit->halting[i].fd);
	free(unit->halting);
	unit->halting = NULL;
	unit->n_halting = 0;
}

/*
 * A transfer that the dead worker has cut must end in an error that the host can see. Whether the
 * host has enabled an endpoint is asked of the kernel: a worker may be woken by that, and die,
 * before we have heard of it.
 */
void unit_halt_begin(struct unit *unit)
{
	unit_halt_end(unit);
	unit->halt_tries = 0;
	if (unit->worker->on_crash == CRASH_STALL && unit->instance->supervisor->phase == PHASE_UP)
		ffs_each_endpoint(unit->instance->function->ffs, halt_endpoint, unit);
}

/* Once more those that were busy; what has been halted is not halted twice. */
void unit_halt_go_on(struct unit *unit)
{
	size_t busy = 0;

	for (size_t i = 0; i < unit->n_halting; i++) {
		struct halting h = unit->halting[i];

		if (ffs_endpoint_halt(h.fd, h.ep) == -EAGAIN)
			unit->halting[busy++] = h;
		else
			close(h.fd);
	}
	unit->n_halting = busy;
	if (busy == 0 || ++unit->halt_tries >= HALT_TRIES)
		unit_halt_end(unit);
}

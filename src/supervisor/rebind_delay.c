/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delays the rebind of a gadget whose daemons close their files again and again while they live. A
 * daemon that does so at each bind would make ffsctl bind without end. Two daemons that begin again
 * when the kernel reports FUNCTIONFS_UNBIND could take turns: one closes its files just when the
 * gadget was bound for the other. With a longer delay, both have written their descriptors before.
 */
#include "supervisor/binding_in_kernel.h"
#include "supervisor/live_gadget.h"

/* A gadget that was bound for this time is bound again at once, like a worker that was ready for
 * it. */
#define HEALTHY_SECONDS 10
/* The delay is doubled up to the maximum, with which the bind follows the descriptors within 1 s.
 */
#define FIRST_DELAY_SECONDS 0.05
#define MAX_DELAY_SECONDS 0.8

/*
 * Returns whether daemons that live since the bind have closed their files, and not daemons that
 * have ended, for whose restarts restart_delay is. Valid when all workers are ready again: a daemon
 * may end after it has closed its files.
 */
static bool was_closed_by_living_daemon(const struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++) {
		const struct live_function *function = b->live->functions.list[n];
		const struct live_worker *worker = function->worker;

		if (worker && worker_holds_ep0(worker->model) && !function->left_out &&
		    (worker->state != WORKER_READY || worker->started_at > b->bound_since))
			return false;
	}
	return true;
}

void binding_handle_closed_files(struct binding *b)
{
	b->files_were_closed = true;
	b->was_healthy = now_monotonic() - b->bound_since >= HEALTHY_SECONDS;
}

void binding_update_rebind_delay(struct binding *b)
{
	if (!b->files_were_closed)
		return;
	b->files_were_closed = false;
	if (b->was_healthy || !was_closed_by_living_daemon(b))
		b->rebind_delay = 0;
	else
		b->rebind_delay = b->rebind_delay > 0 ? b->rebind_delay * 2 : FIRST_DELAY_SECONDS;
	if (b->rebind_delay > MAX_DELAY_SECONDS)
		b->rebind_delay = MAX_DELAY_SECONDS;
}

bool binding_rebind_delay_is_longest(const struct binding *b)
{
	return b->rebind_delay >= MAX_DELAY_SECONDS;
}

static void on_rebind_timer(void *data, uint32_t events _unused_)
{
	struct binding *b = data;

	timer_stop(&b->rebind_timer);
	b->rebind_delay_is_over = true;
	live_gadget_request_plan_and_status_update(b->live);
}

bool binding_delays_rebind(struct binding *b)
{
	if (b->state != BINDING_REBIND_DUE || b->rebind_delay == 0 || b->rebind_delay_is_over)
		return false;
	if (b->rebind_is_delayed)
		return true;
	if (b->rebind_timer.fd < 0 &&
	    timer_open(&b->live->loop, &b->rebind_timer, on_rebind_timer, b) < 0)
		return false;
	timer_start(&b->rebind_timer, b->rebind_delay);
	b->rebind_is_delayed = true;
	return true;
}

void binding_end_rebind_delay(struct binding *b)
{
	if (b->rebind_timer.fd >= 0)
		timer_stop(&b->rebind_timer);
	b->rebind_is_delayed = b->rebind_delay_is_over = false;
}

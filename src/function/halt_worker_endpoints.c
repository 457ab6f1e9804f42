/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host meets when a worker has ended in the middle of a transfer (on_crash): halts the
 * endpoints, or makes the host connect anew. Records which endpoints are halted.
 *
 * FunctionFS does not report when the host clears a halt. So a record ends only when the next
 * worker reports that it has moved data on the endpoint, of an IN endpoint more than a FIFO holds,
 * or when the host enables the function.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "functionfs/endpoint.h"

#define HALT_TRIES 4
#define EVERY_ENDPOINT UINT32_MAX
/* Exit status of a shell whose program SIGTERM has ended */
#define EXIT_AFTER_SIGTERM (128 + SIGTERM)

/* Returns the index of an endpoint in the gadget file. */
static size_t index_of(const struct endpoint *ep)
{
	return ep->file_number - 1U;
}

/* --- what was cut ------------------------------------------------------------------------------
 */

/* Returns whether the process has ended as ffsctl had asked it to: by itself, after STOP. */
static bool ended_in_order(const struct live_worker *worker)
{
	int value = worker->last_exit.status_or_signal;

	if (!worker->stop_sent || worker->kill_sent)
		return false;
	switch (worker->last_exit.exit_cause) {
	case ENDED_BY_EXIT:
		return value == 0 || value == EXIT_AFTER_SIGTERM;
	case ENDED_BY_SIGNAL:
		return value == SIGTERM;
	case ENDED_UNKNOWN: /* not a child of this process */
		return true;
	case NEVER_ENDED:
		break;
	}
	return false;
}

/*
 * Returns the endpoints on which the end of the worker may have cut a transfer, as bits. A worker
 * that ended in order has reported them.
 */
static uint32_t endpoints_that_may_be_cut(const struct live_worker *worker)
{
	if (worker->last_exit.exit_cause == NEVER_ENDED)
		return 0;
	return ended_in_order(worker) ? worker->cut_endpoints : EVERY_ENDPOINT;
}

void worker_store_cut_endpoints(struct live_worker *worker, const uint8_t *is_cut, size_t n)
{
	worker->cut_endpoints = 0;
	for (size_t i = 0; i < n && i < FFS_ENDPOINTS_MAX; i++)
		if (is_cut[i])
			worker->cut_endpoints |= UINT32_C(1) << i;
}

/* --- the records of halts ----------------------------------------------------------------------
 */

static void record_halt(struct live_function *function, const struct endpoint *ep)
{
	if (index_of(ep) < FFS_ENDPOINTS_MAX)
		function->endpoint_halted_since[index_of(ep)] = time(NULL);
	functions_report_state_change(function->functions);
}

void function_forget_halts(struct live_function *function)
{
	memset(function->endpoint_halted_since, 0, sizeof(function->endpoint_halted_since));
}

struct endpoint_search {
	size_t index;
	const struct endpoint *found;
};

static int compare_index(void *data, const struct endpoint *ep)
{
	struct endpoint_search *search = data;

	if (index_of(ep) == search->index)
		search->found = ep;
	return search->found != NULL;
}

/*
 * Returns how many bytes an IN endpoint can report as sent while it is halted: some UDCs complete a
 * request when its data is in their FIFO, which holds two packets at most (double buffering).
 */
static uint64_t bytes_in_fifo(const struct live_function *function, size_t index)
{
	struct endpoint_search search = { .index = index };
	uint64_t largest = 0;

	ffs_each_endpoint(function->model->ffs, compare_index, &search);
	if (!search.found || search.found->direction == EP_OUT)
		return 0;
	for (int n = 0; n < EP_SPEED_COUNT; n++)
		if (search.found->speed[n].max_packet > largest)
			largest = search.found->speed[n].max_packet;
	return 2 * largest;
}

void function_note_moved_bytes(struct live_function *function, size_t endpoint, uint64_t bytes)
{
	if (endpoint >= FFS_ENDPOINTS_MAX || !function->endpoint_halted_since[endpoint] ||
	    bytes <= bytes_in_fifo(function, endpoint))
		return;
	function->endpoint_halted_since[endpoint] = 0;
	functions_report_state_change(function->functions);
}

/* --- halting -----------------------------------------------------------------------------------
 */

struct halting {
	struct live_worker *worker;
	uint32_t endpoints; /* bits: those to halt */
	char *names;	    /* those that were halted, for the log; NULL: none */
};

static void add_name(char **names, const struct endpoint *ep)
{
	_cleanup_free_ char *before = *names;

	*names = before ? strf("%s, %s", before, ep->name) : xstrdup_or_null(ep->name);
}

static int halt_endpoint(void *data, const struct endpoint *ep)
{
	struct halting *halting = data;
	struct live_worker *worker = halting->worker;
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_close_ int fd = -1;
	struct endpoint_to_halt *h;
	int r;

	if (halting->endpoints != EVERY_ENDPOINT &&
	    !(halting->endpoints & UINT32_C(1) << index_of(ep)))
		return 0;
	fd = ffs_endpoint_open(worker->function->model->ffs, ep, EP_NONBLOCKING, &ignored);
	if (fd < 0)
		return 0;
	r = ffs_endpoint_halt(fd, ep);
	if (r == 0) {
		record_halt(worker->function, ep);
		add_name(&halting->names, ep);
	}
	if (r != -EAGAIN || ep->direction == EP_OUT)
		return 0;
	h = array_add(worker->endpoints_to_halt, worker->n_endpoints_to_halt);
	h->fd = steal_fd(&fd);
	h->endpoint = ep;
	return 0;
}

static void log_halt(const struct live_worker *worker, const char *names)
{
	functions_log_about(worker->function->functions, worker->function->model->label,
			    LOG_WARNING, "halted until the host clears it (on_crash): %s", names);
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
 * Halts the endpoints on which the end of the worker may have cut a transfer: it must end with an
 * error at the host. The kernel is asked which endpoints the host has enabled, because an ENABLE
 * event may arrive after the death of the worker.
 */
static void halt_endpoints(struct live_worker *worker)
{
	struct halting halting = { worker, endpoints_that_may_be_cut(worker), NULL };

	ffs_each_endpoint(worker->function->model->ffs, halt_endpoint, &halting);
	if (halting.names)
		log_halt(worker, halting.names);
	free(halting.names);
}

void worker_retry_halting_endpoints(struct live_worker *worker)
{
	size_t busy = 0;

	for (size_t i = 0; i < worker->n_endpoints_to_halt; i++) {
		struct endpoint_to_halt h = worker->endpoints_to_halt[i];
		int r = ffs_endpoint_halt(h.fd, h.endpoint);

		if (r == -EAGAIN) {
			worker->endpoints_to_halt[busy++] = h;
			continue;
		}
		close(h.fd);
		if (r == 0) {
			record_halt(worker->function, h.endpoint);
			log_halt(worker, h.endpoint->name);
		}
	}
	worker->n_endpoints_to_halt = busy;
	if (busy == 0 || ++worker->n_endpoint_halt_tries >= HALT_TRIES)
		worker_close_endpoints_to_halt(worker);
}

/* --- the policy --------------------------------------------------------------------------------
 */

static bool reconnect_host(const struct live_worker *worker)
{
	const struct live_function *function = worker->function;

	return function->functions->callbacks->reconnect_host(function->functions->callback_data,
							      function);
}

void worker_handle_cut_transfers(struct live_worker *worker, bool is_restarted)
{
	worker_close_endpoints_to_halt(worker);
	worker->n_endpoint_halt_tries = 0;
	if (worker->function->functions->up_down_phase != PHASE_UP ||
	    worker->model->on_crash == CRASH_HOLD || worker_holds_ep0(worker->model) ||
	    worker->function->keeper_is_lost || !endpoints_that_may_be_cut(worker))
		return;
	/* Without a next worker, the gadget would be bound again with endpoints that nobody serves:
	   halts show that to the host. */
	if (worker->model->on_crash == CRASH_RECONNECT && is_restarted) {
		if (worker->function->link_state.enabled && reconnect_host(worker))
			function_forget_halts(worker->function);
		return;
	}
	halt_endpoints(worker);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics that a worker sends (STATS, TRAFFIC). The worker is not trusted: a message may have
   any content, and there may be very many messages. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsctl/control.h"
#include "function/function.h"
#include "function/worker.h"

#define WORKER_ENDPOINTS_MAX 30 /* FFS_MAX_EPS_COUNT without ep0 */
#define STATUS_INTERVAL 1.0	/* seconds between two updates of the status */

struct worker_stats {
	struct live_worker *worker;
	struct fd_watch timer;
	/*
	 * Body of the last STATS. It is parsed only when the status is updated, so that a flood of
	 * messages costs only copies.
	 */
	char stats_text[FFSCTL_STATS_MAX];
	size_t stats_text_size;
	bool stats_text_awaits_status_update; /* `stats_text` is newer than the status */
	json_t *shown_json; /* the statistics that the status contains; NULL: none */
	struct traffic {
		uint64_t endpoint_bytes[WORKER_ENDPOINTS_MAX]; /* number of bytes of each endpoint,
							 in the order of the gadget file */
		size_t n_endpoints;
	} traffic, shown_traffic;
	bool traffic_awaits_status_update; /* `traffic` arrived after the last update of the status
					    */
	double shown_at;		   /* monotonic time of the last update of the status */
};

/* Returns whether objects and arrays are nested at most `depth` deep, `value` included. */
static bool is_nested_at_most(const json_t *value, unsigned int depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return true;
	if (depth == 0)
		return false;
	json_array_foreach(value, i, item)
		if (!is_nested_at_most(item, depth - 1))
			return false;
	json_object_foreach((json_t *)value, key, item)
		if (!is_nested_at_most(item, depth - 1))
			return false;
	return true;
}

/* Parses the last STATS message; an invalid message changes nothing. */
static void parse_stats_text(struct worker_stats *stats)
{
	json_t *value =
		json_loadb(stats->stats_text, stats->stats_text_size, JSON_REJECT_DUPLICATES, NULL);

	stats->stats_text_awaits_status_update = false;
	if (!json_is_object(value) || !is_nested_at_most(value, FFSCTL_STATS_DEPTH)) {
		json_decref(value);
		return;
	}
	json_decref(stats->shown_json);
	stats->shown_json = value;
}

static void on_status_timer(void *data, uint32_t events _unused_)
{
	struct worker_stats *stats = data;

	timer_stop(&stats->timer);
	stats->shown_at = now_monotonic();
	if (stats->stats_text_awaits_status_update)
		parse_stats_text(stats);
	if (stats->traffic_awaits_status_update)
		stats->shown_traffic = stats->traffic;
	stats->traffic_awaits_status_update = false;
	stats->worker->function->functions->callbacks->statistics_changed(
		stats->worker->function->functions->callback_data);
}

static struct worker_stats *get_or_make_stats(struct live_worker *worker)
{
	struct worker_stats *stats;

	if (worker->stats)
		return worker->stats;
	stats = xcalloc(1, sizeof(*stats));
	*stats = (struct worker_stats){ .worker = worker,
					.timer = FD_WATCH_NONE,
					.shown_at = -STATUS_INTERVAL };
	/* If the timer cannot be opened, the status has no statistics, but the worker runs. */
	timer_open(worker->function->functions->loop, &stats->timer, on_status_timer, stats);
	worker->stats = stats;
	return stats;
}

/* Starts the timer of the next status update, which STATS and TRAFFIC share. */
static void schedule_status_update(struct worker_stats *stats)
{
	double due = stats->shown_at + STATUS_INTERVAL - now_monotonic();

	if (!stats->stats_text_awaits_status_update && !stats->traffic_awaits_status_update)
		timer_start(&stats->timer, due > 0 ? due : 0);
}

void worker_stats_receive_traffic(struct live_worker *worker, const void *body, size_t size)
{
	struct worker_stats *stats = get_or_make_stats(worker);
	size_t n = size / sizeof(uint64_t);

	stats->traffic.n_endpoints = n < WORKER_ENDPOINTS_MAX ? n : WORKER_ENDPOINTS_MAX;
	memcpy(stats->traffic.endpoint_bytes, body, stats->traffic.n_endpoints * sizeof(uint64_t));
	/* Endpoints were halted before this process started: those that move data no longer are. */
	for (size_t i = 0; i < stats->traffic.n_endpoints; i++)
		function_note_moved_bytes(worker->function, i,
					  le64toh(stats->traffic.endpoint_bytes[i]));
	schedule_status_update(stats);
	stats->traffic_awaits_status_update = true;
}

int64_t worker_stats_endpoint_bytes(const struct live_worker *worker, size_t endpoint)
{
	const struct traffic *t = worker && worker->stats ? &worker->stats->shown_traffic : NULL;
	uint64_t bytes = t && endpoint < t->n_endpoints ? le64toh(t->endpoint_bytes[endpoint]) : 0;

	return t && endpoint < t->n_endpoints && bytes <= INT64_MAX ? (int64_t)bytes : -1;
}

void worker_stats_receive(struct live_worker *worker, const void *body, size_t size)
{
	struct worker_stats *stats;

	if (size > FFSCTL_STATS_MAX)
		return;
	stats = get_or_make_stats(worker);
	memcpy(stats->stats_text, body, size);
	stats->stats_text_size = size;
	schedule_status_update(stats);
	stats->stats_text_awaits_status_update = true;
}

json_t *worker_stats_json(const struct live_worker *worker)
{
	return worker->stats ? json_incref(worker->stats->shown_json) : NULL;
}

void worker_stats_forget(struct live_worker *worker)
{
	if (!worker->stats)
		return;
	timer_stop(&worker->stats->timer);
	worker->stats->stats_text_awaits_status_update =
		worker->stats->traffic_awaits_status_update = false;
	worker->stats->shown_traffic.n_endpoints = 0;
	json_decref(worker->stats->shown_json);
	worker->stats->shown_json = NULL;
}

void worker_stats_free(struct live_worker *worker)
{
	worker_stats_forget(worker);
	if (worker->stats)
		fd_watch_close(worker->function->functions->loop, &worker->stats->timer);
	free(worker->stats);
	worker->stats = NULL;
}

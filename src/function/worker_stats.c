/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics that a worker sends (STATS, TRAFFIC), of any content and at any rate. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsctl/control.h"
#include "function/function.h"
#include "function/worker.h"

#define WORKER_ENDPOINTS_MAX 30 /* FFS_MAX_EPS_COUNT without ep0 */
#define INTERVAL 1.0		/* seconds between two updates of the status */

struct worker_stats {
	struct live_worker *worker;
	struct fd_watch timer;
	/*
	 * Body of the last STATS. It is parsed only when the status is updated, so that a flood of
	 * messages costs only copies.
	 */
	char text[FFSCTL_STATS_MAX];
	size_t size;
	bool is_new;
	json_t *shown; /* value in the status; NULL: none */
	struct traffic {
		uint64_t bytes[WORKER_ENDPOINTS_MAX]; /* number of bytes of each endpoint, in the
							 order of the gadget file */
		size_t n;
	} traffic, traffic_shown;
	bool traffic_is_new;
	double shown_at;
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

/* Parses the last STATS message; an invalid one changes nothing. */
static void parse_text(struct worker_stats *st)
{
	json_t *value = json_loadb(st->text, st->size, JSON_REJECT_DUPLICATES, NULL);

	st->is_new = false;
	if (!json_is_object(value) || !is_nested_at_most(value, FFSCTL_STATS_DEPTH)) {
		json_decref(value);
		return;
	}
	json_decref(st->shown);
	st->shown = value;
}

static void on_timer(void *data, uint32_t events _unused_)
{
	struct worker_stats *st = data;

	timer_stop(&st->timer);
	st->shown_at = now_monotonic();
	if (st->is_new)
		parse_text(st);
	if (st->traffic_is_new)
		st->traffic_shown = st->traffic;
	st->traffic_is_new = false;
	st->worker->function->functions->events->statistics(st->worker->function->functions->owner);
}

static struct worker_stats *stats_of(struct live_worker *worker)
{
	struct worker_stats *st;

	if (worker->stats)
		return worker->stats;
	st = xcalloc(1, sizeof(*st));
	*st = (struct worker_stats){ .worker = worker,
				     .timer = FD_WATCH_NONE,
				     .shown_at = -INTERVAL };
	/* If there is no timer, only the statistics are missing. */
	timer_open(worker->function->functions->loop, &st->timer, on_timer, st);
	worker->stats = st;
	return st;
}

/* Starts the timer of the next status update, which STATS and TRAFFIC share. */
static void schedule_status_update(struct worker_stats *st)
{
	double due = st->shown_at + INTERVAL - now_monotonic();

	if (!st->is_new && !st->traffic_is_new)
		timer_start(&st->timer, due > 0 ? due : 0);
}

void worker_stats_receive_traffic(struct live_worker *worker, const void *body, size_t size)
{
	struct worker_stats *st = stats_of(worker);
	size_t n = size / sizeof(uint64_t);

	st->traffic.n = n < WORKER_ENDPOINTS_MAX ? n : WORKER_ENDPOINTS_MAX;
	memcpy(st->traffic.bytes, body, st->traffic.n * sizeof(uint64_t));
	schedule_status_update(st);
	st->traffic_is_new = true;
}

int64_t worker_stats_bytes(const struct live_worker *worker, size_t endpoint)
{
	const struct traffic *t = worker && worker->stats ? &worker->stats->traffic_shown : NULL;
	uint64_t bytes = t && endpoint < t->n ? le64toh(t->bytes[endpoint]) : 0;

	return t && endpoint < t->n && bytes <= INT64_MAX ? (int64_t)bytes : -1;
}

void worker_stats_receive(struct live_worker *worker, const void *body, size_t size)
{
	struct worker_stats *st;

	if (size > FFSCTL_STATS_MAX)
		return;
	st = stats_of(worker);
	memcpy(st->text, body, size);
	st->size = size;
	schedule_status_update(st);
	st->is_new = true;
}

json_t *worker_stats_json(const struct live_worker *worker)
{
	return worker->stats ? json_incref(worker->stats->shown) : NULL;
}

void worker_stats_forget(struct live_worker *worker)
{
	if (!worker->stats)
		return;
	timer_stop(&worker->stats->timer);
	worker->stats->is_new = worker->stats->traffic_is_new = false;
	worker->stats->traffic_shown.n = 0;
	json_decref(worker->stats->shown);
	worker->stats->shown = NULL;
}

void worker_stats_free(struct live_worker *worker)
{
	worker_stats_forget(worker);
	if (worker->stats)
		fd_watch_close(worker->function->functions->loop, &worker->stats->timer);
	free(worker->stats);
	worker->stats = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker reports of itself (STATS), which may be anything, as often as it likes. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsctl/control.h"
#include "function/worker.h"
#include "supervisor/supervisor.h"

#define UNIT_ENDPOINTS_MAX 30 /* FFS_MAX_EPS_COUNT, less ep0 */
#define INTERVAL 1.0	      /* seconds between two that are shown */

struct unit_stats {
	struct unit *unit;
	struct source timer;
	/* The last one as it came, if nobody has looked at it yet: a flood costs a copy each. */
	char text[FFSCTL_STATS_MAX];
	size_t size;
	bool fresh;
	json_t *shown; /* NULL: none */
	struct traffic {
		uint64_t bytes[UNIT_ENDPOINTS_MAX]; /* of each endpoint, in the file's order */
		size_t n;
	} traffic, traffic_shown;
	bool traffic_fresh;
	double shown_at;
};

/* Whether objects and arrays in it are nested no more than so deep, itself included. */
static bool is_flat(const json_t *value, unsigned int depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return true;
	if (depth == 0)
		return false;
	json_array_foreach(value, i, item)
		if (!is_flat(item, depth - 1))
			return false;
	json_object_foreach((json_t *)value, key, item)
		if (!is_flat(item, depth - 1))
			return false;
	return true;
}

/* What cannot be shown leaves what is shown as it is. */
static void look(struct unit_stats *st)
{
	json_t *value = json_loadb(st->text, st->size, JSON_REJECT_DUPLICATES, NULL);

	st->fresh = false;
	if (!json_is_object(value) || !is_flat(value, FFSCTL_STATS_DEPTH)) {
		json_decref(value);
		return;
	}
	json_decref(st->shown);
	st->shown = value;
}

static void on_timer(void *data, uint32_t events _unused_)
{
	struct unit_stats *st = data;

	timer_stop(&st->timer);
	st->shown_at = now_monotonic();
	if (st->fresh)
		look(st);
	if (st->traffic_fresh)
		st->traffic_shown = st->traffic;
	st->traffic_fresh = false;
	supervisor_write_status(st->unit->instance->supervisor);
}

static struct unit_stats *stats_of(struct unit *unit)
{
	struct unit_stats *st;

	if (unit->stats)
		return unit->stats;
	st = xcalloc(1, sizeof(*st));
	*st = (struct unit_stats){ .unit = unit, .timer = SOURCE_NONE, .shown_at = -INTERVAL };
	/* Without a descriptor for the timer there are no statistics; all else goes on. */
	timer_open(&unit->instance->supervisor->loop, &st->timer, on_timer, st);
	unit->stats = st;
	return st;
}

/* One timer for both: whatever is fresh is shown then. */
static void show_soon(struct unit_stats *st)
{
	double due = st->shown_at + INTERVAL - now_monotonic();

	if (!st->fresh && !st->traffic_fresh)
		timer_start(&st->timer, due > 0 ? due : 0);
}

void unit_stats_take_traffic(struct unit *unit, const void *body, size_t size)
{
	struct unit_stats *st = stats_of(unit);
	size_t n = size / sizeof(uint64_t);

	st->traffic.n = n < UNIT_ENDPOINTS_MAX ? n : UNIT_ENDPOINTS_MAX;
	memcpy(st->traffic.bytes, body, st->traffic.n * sizeof(uint64_t));
	show_soon(st);
	st->traffic_fresh = true;
}

json_t *unit_stats_bytes(const struct unit *unit, size_t endpoint)
{
	const struct traffic *t = unit && unit->stats ? &unit->stats->traffic_shown : NULL;
	uint64_t bytes = t && endpoint < t->n ? le64toh(t->bytes[endpoint]) : 0;

	return t && endpoint < t->n && bytes <= INT64_MAX ? json_integer((json_int_t)bytes)
							  : json_null();
}

void unit_stats_take(struct unit *unit, const void *body, size_t size)
{
	struct unit_stats *st;

	if (size > FFSCTL_STATS_MAX)
		return;
	st = stats_of(unit);
	memcpy(st->text, body, size);
	st->size = size;
	show_soon(st);
	st->fresh = true;
}

json_t *unit_stats_json(const struct unit *unit)
{
	return unit->stats && unit->stats->shown ? json_incref(unit->stats->shown) : json_null();
}

void unit_stats_forget(struct unit *unit)
{
	if (!unit->stats)
		return;
	timer_stop(&unit->stats->timer);
	unit->stats->fresh = unit->stats->traffic_fresh = false;
	unit->stats->traffic_shown.n = 0;
	json_decref(unit->stats->shown);
	unit->stats->shown = NULL;
}

void unit_stats_free(struct unit *unit)
{
	unit_stats_forget(unit);
	if (unit->stats)
		source_close(&unit->instance->supervisor->loop, &unit->stats->timer);
	free(unit->stats);
	unit->stats = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a supervisor that takes a worker over must know of its restarts: else a worker that ends
 * again and again would never reach its restart_limit if its supervisor is replaced now and then.
 * The status file has it as an object; times are monotonic, in seconds:
 *
 *   ends    when its processes ended, the oldest first
 *   delay   delay of the restart after the next end, in seconds
 *   due     when the pending restart is due; missing: none is pending
 */
#include "function/function.h"

/* Limits the size of the status file. A greater restart_limit loses older ends in a takeover. */
#define ENDS_MAX 1000

static size_t ring_size(const struct live_worker *worker)
{
	return (size_t)worker->model->restart_limit + 1;
}

/* Returns the time of an end; 0: the last one. */
static double end_time(const struct live_worker *worker, size_t back)
{
	size_t size = ring_size(worker);

	return worker->process_end_times[(worker->next_end_time_index + size - 1 - back) % size];
}

static json_t *ends_to_json(const struct live_worker *worker)
{
	size_t n = worker->n_process_end_times;
	double now = now_monotonic();
	json_t *ends = json_array();

	for (size_t back = n < ENDS_MAX ? n : ENDS_MAX; back-- > 0;)
		if (now - end_time(worker, back) <= worker->model->restart_window)
			json_array_append_new(ends, json_real(end_time(worker, back)));
	return ends;
}

json_t *worker_restart_history(const struct live_worker *worker)
{
	json_t *due = worker->state == WORKER_WAITING ? json_real(worker->restart_due_at) : NULL;

	return json_pack("{s:o, s:f, s:o*}", "ends", ends_to_json(worker), "delay",
			 worker->next_restart_delay, "due", due);
}

void worker_note_end(struct live_worker *worker, double time)
{
	size_t size = ring_size(worker);

	worker->process_end_times[worker->next_end_time_index] = time;
	worker->next_end_time_index = (worker->next_end_time_index + 1) % size;
	if (worker->n_process_end_times < size)
		worker->n_process_end_times++;
}

void worker_restore_restart_history(struct live_worker *worker, const json_t *history)
{
	const json_t *delay = json_object_get(history, "delay"), *end;
	size_t i;

	worker->n_process_end_times = worker->next_end_time_index = 0;
	json_array_foreach(json_object_get(history, "ends"), i, end)
		worker_note_end(worker, json_number_value(end));
	if (json_is_number(delay))
		worker->next_restart_delay = json_number_value(delay);
}

bool worker_restart_was_pending(const json_t *history, double *due)
{
	const json_t *time = json_object_get(history, "due");

	*due = json_number_value(time);
	return json_is_number(time);
}

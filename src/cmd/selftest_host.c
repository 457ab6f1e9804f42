/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/selftest_host.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/text.h"
#include "client/gadget_watch.h"
#include "client/inspect.h"

#define TESTS_SECONDS 90

const char *const selftest_host_test_names[] = { "lengths", "zlp", "halt", "messages", "rate" };

struct watcher {
	const struct selftest *selftest;
	struct loop loop;
	bool must_read; /* the status may have changed */
};

static void on_change(void *data)
{
	struct watcher *w = data;

	w->must_read = true;
}

/* Sets the outcome from the text "OUTCOME: TEXT" of the plugin. */
static void parse_result(struct selftest_host_tests *tests, size_t i, const char *text)
{
	for (enum selftest_outcome o = SELFTEST_PASSED; o <= SELFTEST_NOT_POSSIBLE; o++) {
		const char *rest = str_after(text, selftest_outcome_words[o]);

		rest = rest ? str_after(rest, ": ") : NULL;
		if (!rest)
			continue;
		tests->results[i].outcome = o;
		free(tests->results[i].text);
		tests->results[i].text = text_replace_unprintable(rest, strlen(rest));
		return;
	}
}

static void parse_status(struct selftest_host_tests *tests, const struct gadget_status *gadget)
{
	const struct worker_status *worker =
		gadget->n_functions > 0 ? &gadget->functions[0].worker : NULL;
	const json_t *stats = worker ? worker->stats : NULL;

	if (worker && worker->engine) {
		free(tests->engine);
		tests->engine = xstrdup(worker->engine);
	}
	tests->n_restarts = worker ? worker->restarts : 0;
	tests->n_errors = (int)json_integer_value(json_object_get(stats, "errors"));
	tests->last_error = (int)json_integer_value(json_object_get(stats, "error"));
	tests->asked = json_is_true(json_object_get(stats, "asked"));
	tests->ended = json_is_true(json_object_get(stats, "ended"));
	for (size_t i = 0; i < SELFTEST_HOST_TESTS; i++)
		parse_result(tests, i, json_text(stats, selftest_host_test_names[i], ""));
}

static int read_status(struct watcher *w, struct gadget_watch *watch,
		       struct selftest_host_tests *tests, struct error *err)
{
	bool is_new;

	w->must_read = false;
	do {
		struct gadget_statuses gadgets = { 0 };

		if (inspect_gadgets(w->selftest->paths, SELFTEST_GADGET, &gadgets, err) == 0 &&
		    gadgets.n > 0)
			parse_status(tests, &gadgets.list[0]);
		is_new = !err->exit && gadget_watch_set_gadgets(watch, &gadgets);
		statuses_free(&gadgets);
	} while (is_new);
	return -err->errno_value;
}

/* Waits for results until the time is over. */
static int watch_results(struct watcher *w, struct gadget_watch *watch,
			 struct selftest_host_tests *tests, struct error *err)
{
	const double wait =
		w->selftest->ffsbench_is_missing ? 0 : w->selftest->ffsbench_wait_seconds;
	double until = now_monotonic() + wait;
	bool asked = false;
	int r = read_status(w, watch, tests, err);

	while (r == 0 && !tests->ended && tests->n_restarts == 0) {
		if (tests->asked && !asked)
			until = now_monotonic() + TESTS_SECONDS;
		asked = tests->asked;
		r = loop_once(&w->loop, poll_timeout_until(until));
		if (r < 0)
			return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for changes");
		if (r == 0 && now_monotonic() >= until)
			return 0;
		r = w->must_read ? read_status(w, watch, tests, err) : 0;
	}
	return r;
}

/* Sets outcome and text of the tests that have no result. */
static void explain_missing_results(struct selftest_host_tests *tests)
{
	for (size_t i = 0; i < SELFTEST_HOST_TESTS; i++) {
		if (tests->results[i].text)
			continue;
		if (tests->n_restarts > 0) {
			tests->results[i].outcome = SELFTEST_FAILED;
			tests->results[i].text = xstrdup("the worker has ended, and the result "
							 "with it");
		} else if (tests->asked) {
			tests->results[i].outcome = SELFTEST_NOT_SEEN;
			tests->results[i].text = xstrdup("ffsbench on the host sent no result");
		} else {
			tests->results[i].outcome = SELFTEST_NOT_POSSIBLE;
			tests->results[i].text =
				xstrdup("'ffsbench selftest' did not run on the host");
		}
	}
}

int selftest_host_tests_await(const struct selftest *t, struct selftest_host_tests *tests,
			      struct error *err)
{
	struct watcher w = { .selftest = t, .loop = { .epoll_fd = -1 } };
	struct gadget_watch *watch = NULL;
	int r = loop_open(&w.loop);

	if (r < 0)
		error_errno(err, EX_OSERR, -r, NULL, "cannot wait for changes");
	else
		watch = gadget_watch_new(t->paths, &w.loop, on_change, &w, err);
	if (watch) {
		watch_results(&w, watch, tests, err);
		gadget_watch_free(watch);
	}
	loop_close(&w.loop);
	explain_missing_results(tests);
	return -err->errno_value;
}

void selftest_host_tests_free(struct selftest_host_tests *tests)
{
	free(tests->engine);
	for (size_t i = 0; i < SELFTEST_HOST_TESTS; i++)
		free(tests->results[i].text);
	*tests = (struct selftest_host_tests){ 0 };
}

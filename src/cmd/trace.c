/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `trace`: prints what the host asks of a gadget, and what it gets, until Ctrl-C. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/command_loop.h"
#include "cmd/hosts.h"
#include "configfs/udc.h"
#include "rundir/record.h"
#include "trace/conclusion.h"
#include "trace/pcapng.h"
#include "trace/request_words.h"
#include "trace/tracer.h"

struct trace_command {
	const struct globals *globals;
	char *gadget; /* only this gadget; NULL: all */
	bool prints_json;
	double timeout_seconds;	  /* HUGE_VAL: none */
	const char *capture_path; /* the file of -w; NULL: none */
	FILE *capture;

	struct tracer tracer;
	struct dialogue dialogue;
	struct command_loop events;
	struct fd_watch trace_watch;
	uint64_t start_us;	    /* CLOCK_MONOTONIC */
	int64_t realtime_offset_us; /* CLOCK_REALTIME when CLOCK_MONOTONIC was 0 */
	unsigned long lost_before;  /* lost events that were reported */
	bool must_end, reader_has_ended;
	struct error error; /* of a callback */
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* --- documents and conclusions -----------------------------------------------------------------
 */

/* Writes what was printed. If the reader of stdout has ended, there is nobody to print for. */
static void flush(struct trace_command *q)
{
	if (fflush(stdout) == 0)
		return;
	q->must_end = true;
	q->reader_has_ended = errno == EPIPE;
	if (q->reader_has_ended)
		clearerr(stdout);
}

static bool is_shown(const struct trace_command *q, const struct trace_gadget *g)
{
	return !q->gadget || streq_null(q->gadget, g->name);
}

static const char *name_of(const struct trace_gadget *g)
{
	return g->name ? g->name : *g->udc ? g->udc : "unknown UDC";
}

/* Returns a new document about a gadget; the caller owns it. `time_us` is of CLOCK_MONOTONIC. */
static json_t *new_document(const struct trace_command *q, const struct trace_gadget *g,
			    const char *event, uint64_t time_us)
{
	json_t *document = cmd_new_json_output();

	json_object_set_new(document, "event", json_string(event));
	json_object_set_new(document, "time",
			    json_real((double)(q->realtime_offset_us + (int64_t)time_us) / 1e6));
	json_object_set_new(document, "udc", json_string_or_null(*g->udc ? g->udc : NULL));
	json_object_set_new(document, "gadget", json_string_or_null(g->name));
	return document;
}

static void print_document(struct trace_command *q, json_t *document)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);

	json_decref(document);
	puts(text ? text : "");
	flush(q);
}

static void print_conclusion(struct trace_command *q, const struct trace_gadget *g)
{
	json_t *document, *conclusion;

	if (!q->prints_json) {
		conclusion_print(stdout, name_of(g), g);
		return;
	}
	document = new_document(q, g, "conclusion", (uint64_t)clock_us(CLOCK_MONOTONIC));
	conclusion = conclusion_to_json(g);
	json_object_update(document, conclusion);
	json_decref(conclusion);
	print_document(q, document);
}

/* --- the gadgets ------------------------------------------------------------------------------ */

/* Sets the interfaces that hosts see of the gadget file from which the gadget is up. */
static void set_interfaces(const struct trace_command *q, struct trace_gadget *g)
{
	_cleanup_host_view_ struct host_view v = { 0 };
	_cleanup_gadget_ struct gadget *gadget = NULL;
	struct diags diags = { 0 };
	struct record record = { 0 };
	json_t *document = NULL;
	struct error err = { 0 };

	if (record_read(&q->globals->paths, g->name, &record, &err) == 0 && record.gadget_file)
		cmd_load_gadget_file_at(q->globals, record.gadget_file, g->name, NULL,
					GADGETFILE_TRUST_ALL, &gadget, &document, &diags, &err);
	if (gadget) {
		if (gadget->n_functions == 1)
			g->known.only_function = xstrdup(gadget->functions[0].label);
		v = cmd_host_view_of(gadget, kernel_series_running());
		for (size_t i = 0; v.n && i < v.configs[0].n; i++)
			known_set_interface(&g->known, v.configs[0].list[i].number,
					    v.configs[0].list[i].class,
					    v.configs[0].list[i].function->label);
	}
	json_decref(document);
	record_free(&record);
	diags_free(&diags);
	error_clear(&err);
}

/* Sets what is known of the gadget that is bound to the UDC now. */
static void on_gadget(void *data, struct trace_gadget *g)
{
	struct trace_command *q = data;
	_cleanup_free_ char *name = udc_read_attribute(g->udc, "function");

	if (name && *name && !streq_null(name, g->name)) {
		if (g->name && is_shown(q, g))
			print_conclusion(q, g);
		free(g->name);
		g->name = steal_ptr(name);
		dialogue_begin_gadget(g);
	}
	known_free(&g->known);
	free(g->speed);
	g->speed = udc_read_attribute(g->udc, "current_speed");
	if (g->name)
		set_interfaces(q, g);
}

/* Adds the gadgets that are bound now, of which the trace may get no event. */
static int add_bound_gadgets(struct trace_command *q, bool at_start, struct error *err)
{
	_cleanup_udcs_ struct udcs udcs = { 0 };

	if (udcs_list(&q->globals->paths, &udcs, err) < 0)
		return -err->errno_value;
	for (size_t i = 0; i < udcs.n; i++) {
		_cleanup_free_ char *state = NULL;
		struct trace_gadget *g;

		if (!udcs.list[i].holder)
			continue;
		g = dialogue_add_udc(&q->dialogue, udcs.list[i].name);
		if (!at_start || !g || !is_shown(q, g))
			continue;
		state = udc_read_attribute(g->udc, "state");
		if (streq_null(state, "configured"))
			g->config = CONFIG_FROM_BEFORE;
		log_info("tracing %s on %s (%s)", name_of(g), g->udc, state ? state : "unknown");
	}
	return 0;
}

/* --- output ----------------------------------------------------------------------------------- */

static char *hex_text(const uint8_t *data, size_t n)
{
	char *text = xcalloc(2 * n + 1, 1);

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	return text;
}

static int print_json_error(struct trace_command *q, const struct error *err)
{
	json_t *document = cmd_new_json_output();

	json_object_set_new(document, "event", json_string("error"));
	json_object_set_new(document, "errors", cmd_error_to_json_array(err));
	print_document(q, document);
	return err->exit;
}

static void add_request_to_json(json_t *document, const struct trace_gadget *g,
				const struct exchange *x)
{
	_cleanup_free_ char *setup = hex_text((const uint8_t *)&x->setup, sizeof(x->setup)),
			    *data = hex_text(x->data, x->n_data),
			    *words = request_words(&x->setup, &g->known);

	json_object_set_new(document, "setup", json_string(setup));
	json_object_set_new(document, "words", json_string(words));
	json_object_set_new(document, "outcome", json_string(request_outcome_words[x->outcome]));
	json_object_set_new(document, "error",
			    json_string_or_null(x->error ? errno_words(x->error) : NULL));
	json_object_set_new(document, "seconds", json_real((double)(x->end_us - x->time_us) / 1e6));
	json_object_set_new(document, "length", json_integer(x->actual));
	json_object_set_new(document, "data", json_string(data));
}

static void print_json(struct trace_command *q, const struct trace_gadget *g,
		       const struct exchange *x)
{
	json_t *document = new_document(q, g, exchange_kind_words[x->kind], x->time_us);

	if (x->kind == EXCHANGE_REQUEST)
		add_request_to_json(document, g, x);
	print_document(q, document);
}

/* Prints the data in lines of 16 bytes. */
static void print_bytes(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%02x%s", i % 16 ? " " : "             ", data[i],
		       i % 16 == 15 || i == n - 1 ? "\n" : "");
}

static void print_line(struct trace_command *q, const struct trace_gadget *g,
		       const struct exchange *x)
{
	_cleanup_free_ char *text = exchange_text(g, x);

	printf("%11.6f  ", (double)(int64_t)(x->time_us - q->start_us) / 1e6);
	if (!q->gadget && q->dialogue.n_gadgets > 1)
		printf("%s: ", name_of(g));
	puts(text);
	if (log_get_level() == LOG_VERBOSE)
		print_bytes(x->data, x->n_data);
	flush(q);
}

static void on_exchange(void *data, struct trace_gadget *g, const struct exchange *x)
{
	struct trace_command *q = data;

	if (!is_shown(q, g))
		return;
	if (q->prints_json)
		print_json(q, g, x);
	else
		print_line(q, g, x);
	if (!q->capture || x->kind != EXCHANGE_REQUEST)
		return;
	pcapng_add(q->capture, (unsigned int)(g - q->dialogue.gadgets) + 1, q->realtime_offset_us,
		   x);
	if (fflush(q->capture) != 0 && !q->error.exit) {
		error_errno(&q->error, EX_IOERR, errno, NULL, "cannot write the file of -w");
		q->must_end = true;
	}
}

static void report_lost_events(struct trace_command *q)
{
	unsigned long n = q->dialogue.lost - q->lost_before;

	q->lost_before = q->dialogue.lost;
	if (!n)
		return;
	log_error("%lu events were lost: answers are missing", n);
	tracer_make_udcs_known(); /* one of them may have been that of a UDC */
	if (q->prints_json) {
		json_t *document = cmd_new_json_output();

		json_object_set_new(document, "event", json_string("lost"));
		json_object_set_new(document, "lost", json_integer((json_int_t)n));
		print_document(q, document);
	}
}

static void print_conclusions(struct trace_command *q)
{
	bool printed = false;

	for (size_t i = 0; i < q->dialogue.n_gadgets; i++) {
		const struct trace_gadget *g = &q->dialogue.gadgets[i];

		if (!is_shown(q, g) || (!g->name && g->n_requests == 0 && g->n_resets == 0))
			continue;
		print_conclusion(q, g);
		printed = true;
	}
	if (q->gadget && !printed)
		log_error("no gadget '%s' was bound to a UDC", q->gadget);
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_trace_event(void *data, const struct trace_event *e)
{
	struct trace_command *q = data;

	dialogue_add(&q->dialogue, e);
}

static void on_trace(void *data, uint32_t events _unused_)
{
	struct trace_command *q = data;

	q->realtime_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
	if (tracer_read(&q->tracer, on_trace_event, q, &q->error) < 0)
		q->must_end = true;
	report_lost_events(q);
}

static void on_end(void *data, uint32_t events _unused_)
{
	struct trace_command *q = data;

	q->must_end = true;
}

/* Called when the reader of stdout has closed the pipe: there is nobody to conclude for. */
static void on_reader_closed(void *data, uint32_t events _unused_)
{
	struct trace_command *q = data;

	q->must_end = q->reader_has_ended = true;
}

/* Makes the file of -w. Only the user may read it: it has the data of control requests. */
static int open_capture(struct trace_command *q, struct error *err)
{
	int fd = open(q->capture_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0)
		q->capture = fdopen(fd, "w");
	if (!q->capture || (fchmod(fd, 0600) < 0 && errno != EPERM))
		return error_errno(err, EX_CANTCREAT, errno, q->capture_path, "cannot write %s",
				   q->capture_path);
	pcapng_begin(q->capture);
	fflush(q->capture);
	return 0;
}

/* Prints events until the command must end. */
static int print_events(struct trace_command *q, struct error *err)
{
	int r;

	if (tracer_open(&q->tracer, err) < 0 || (q->capture_path && open_capture(q, err) < 0) ||
	    add_bound_gadgets(q, true, err) < 0)
		return -err->errno_value;
	r = fd_watch_add(&q->events.loop, &q->trace_watch, q->tracer.pipe_fd, EPOLLIN, on_trace, q);
	if (q->dialogue.n_gadgets == 0)
		log_info("tracing; no gadget is bound yet");
	while (r >= 0 && !q->must_end)
		r = loop_once(&q->events.loop, -1);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	if (q->reader_has_ended)
		return 0;
	tracer_stop(&q->tracer);
	while (!q->reader_has_ended && tracer_read(&q->tracer, on_trace_event, q, &q->error) > 0)
		;
	report_lost_events(q);
	add_bound_gadgets(q, false, err);
	dialogue_end(&q->dialogue, (uint64_t)clock_us(CLOCK_MONOTONIC));
	print_conclusions(q);
	error_move(err, &q->error);
	return -err->errno_value;
}

static void trace(struct trace_command *q, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	static const struct command_loop_events events = { .on_signal = on_end,
							   .on_timer = on_end,
							   .on_reader_closed = on_reader_closed };
	int r = command_loop_open(&q->events, signals, ARRAY_SIZE(signals), &events, q);

	q->start_us = (uint64_t)clock_us(CLOCK_MONOTONIC);
	q->realtime_offset_us = clock_us(CLOCK_REALTIME) - (int64_t)q->start_us;
	q->dialogue.on_gadget = on_gadget;
	q->dialogue.on_exchange = on_exchange;
	q->dialogue.data = q;
	if (r == 0 && isfinite(q->timeout_seconds))
		timer_start(&q->events.timer, q->timeout_seconds);
	if (r < 0)
		error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	else
		print_events(q, err);
	fd_watch_remove(&q->events.loop, &q->trace_watch);
	command_loop_close(&q->events);
	tracer_close(&q->tracer);
	dialogue_free(&q->dialogue);
	cleanup_fclose(&q->capture);
}

static const struct option_row options[] = {
	{ "-w", " FILE", "write the requests to FILE, too, for Wireshark", OPTION_TEXT,
	  .offset = offsetof(struct trace_command, capture_path) },
	{ "--json", NULL, "one JSON document on stdout for each request", OPTION_FLAG,
	  .offset = offsetof(struct trace_command, prints_json) },
	{ "--timeout", " SECONDS", "end after this time", OPTION_SECONDS,
	  .offset = offsetof(struct trace_command, timeout_seconds) },
	{ 0 },
};

static int run_trace_command(const struct globals *globals, int argc, char **argv)
{
	struct trace_command q = {
		.globals = globals,
		.timeout_seconds = HUGE_VAL,
		.tracer = TRACER_CLOSED,
		.events = COMMAND_LOOP_CLOSED,
		.trace_watch = FD_WATCH_NONE,
	};
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_print_usage_error(&cmd_trace, "expected at most one gadget");
	if (optind < argc)
		cmd_find_own_or_foreign_gadget_name(globals, argv[optind], &name, &err);
	q.gadget = name;
	if (!err.exit)
		trace(&q, &err);
	if (!err.exit)
		return 0;
	return q.prints_json ? print_json_error(&q, &err) : cmd_print_error(&err);
}

const struct command cmd_trace = {
	.name = "trace",
	.usage_arguments = "[-w FILE] [--json] [--timeout SECONDS] [GADGET]",
	.summary = "print what the host asks of a gadget, and what it gets, until Ctrl-C",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_ALL_GADGETS },
	.run = run_trace_command,
};

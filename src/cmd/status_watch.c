/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/gadget_watch.h"
#include "cmd/command_loop.h"
#include "cmd/status_print.h"
#include "cmd/status_rates.h"

struct status_viewer {
	status_reader *read_gadgets;
	void *read_gadgets_data;
	bool prints_json;
	bool on_terminal; /* stdout is a terminal: overwrites the previous status */
	struct command_loop events;
	struct gadget_watch *gadget_watch;
	bool must_print; /* the status must be read and printed again */
	bool must_end;	 /* the command must end */
	struct data_rates rates;
	char *last_json_output; /* the output that was printed last, with --json */
	/* The line that was printed last for each gadget; not used on a terminal. */
	struct printed_line {
		char *gadget_name, *line;
		bool still_exists; /* the gadget still exists */
	} * gadget_lines;
	size_t n_gadget_lines;
};

/* --- a terminal ------------------------------------------------------------------------------- */

/* Switches to the terminal's alternate screen; hides the cursor and does not wrap lines. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define SCREEN_TOP "\033[H"
#define SCREEN_LINE_END "\033[K\n"
#define SCREEN_REST "\033[J"

static bool stdout_is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && !streq(term, "dumb");
}

static void enter_screen(const struct status_viewer *v)
{
	if (v->on_terminal)
		fputs(SCREEN_ENTER, stdout);
}

static void leave_screen(const struct status_viewer *v)
{
	if (v->on_terminal)
		fputs(SCREEN_LEAVE, stdout);
	fflush(stdout);
}

static unsigned int terminal_rows(void)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return size.ws_row > 1 ? size.ws_row : 24;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Overwrites the screen with `text`, but not the last row, so that the screen does not scroll. */
static void draw_screen(const char *text)
{
	size_t room = terminal_rows() - 1, n = count_lines(text), shown = n <= room ? n : room - 1;

	fputs(SCREEN_TOP, stdout);
	for (size_t i = 0; i < shown; i++) {
		size_t length = strcspn(text, "\n");

		fwrite(text, 1, length, stdout);
		fputs(SCREEN_LINE_END, stdout);
		text += length + 1;
	}
	if (shown < n)
		printf("(%zu more line%s)" SCREEN_LINE_END, n - shown, n - shown == 1 ? "" : "s");
	fputs(SCREEN_REST, stdout);
}

static void print_on_screen(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	for (size_t i = 0; i < gadgets->n; i++)
		status_print_gadget(out, &gadgets->list[i], &v->rates);
	if (gadgets->n == 0)
		fputs("no gadget is up\n", out);
	fclose(out);
	draw_screen(text);
}

/* --- a pipe, a file --------------------------------------------------------------------------- */

static void print_json_if_changed(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	json_t *output = cmd_new_json_output();
	_cleanup_free_ char *text = NULL;

	json_object_set_new(output, "gadgets", statuses_to_json(gadgets));
	json_object_set_new(output, "errors", cmd_error_to_json_array(NULL));
	text = json_dumps(output, JSON_COMPACT);
	json_decref(output);
	if (streq_null(text, v->last_json_output))
		return;
	puts(text);
	free(v->last_json_output);
	v->last_json_output = steal_ptr(text);
}

static struct printed_line *find_printed_line(struct status_viewer *v, const char *name)
{
	for (size_t i = 0; i < v->n_gadget_lines; i++)
		if (streq(v->gadget_lines[i].gadget_name, name))
			return &v->gadget_lines[i];
	*array_add(v->gadget_lines, v->n_gadget_lines) =
		(struct printed_line){ .gadget_name = xstrdup(name) };
	return &v->gadget_lines[v->n_gadget_lines - 1];
}

static void print_changed_line(struct status_viewer *v, const struct gadget_status *gadget)
{
	struct printed_line *s = find_printed_line(v, gadget->name);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	s->still_exists = true;
	if (!out)
		return;
	status_print_line(out, gadget);
	fclose(out);
	if (streq_null(line, s->line))
		return;
	fputs(line, stdout);
	free(s->line);
	s->line = steal_ptr(line);
}

static void print_changed_lines(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	for (size_t i = 0; i < v->n_gadget_lines; i++)
		v->gadget_lines[i].still_exists = false;
	for (size_t i = 0; i < gadgets->n; i++)
		print_changed_line(v, &gadgets->list[i]);
	for (size_t i = 0; i < v->n_gadget_lines; i++) {
		if (!v->gadget_lines[i].still_exists && v->gadget_lines[i].line)
			printf("%s: down\n", v->gadget_lines[i].gadget_name);
		if (!v->gadget_lines[i].still_exists)
			free(steal_ptr(v->gadget_lines[i].line));
	}
}

/* --- events ----------------------------------------------------------------------------------- */

static int read_and_print(struct status_viewer *v, struct error *err)
{
	struct gadget_statuses gadgets = { 0 };

	v->read_gadgets(v->read_gadgets_data, &gadgets, err);
	/*
	 * gadget_watch_set_gadgets returns true if it has added watches. The process or UDC of a
	 * new watch may have changed before the watch was added, so all gadgets are read again.
	 */
	while (!err->exit && gadget_watch_set_gadgets(v->gadget_watch, &gadgets)) {
		statuses_free(&gadgets);
		v->read_gadgets(v->read_gadgets_data, &gadgets, err);
	}
	if (!err->exit) {
		double now = now_monotonic(), wait;

		rates_update(&v->rates, &gadgets, now);
		wait = rates_seconds_until_stale(&v->rates, now);
		if (v->prints_json)
			print_json_if_changed(v, &gadgets);
		else if (v->on_terminal)
			print_on_screen(v, &gadgets);
		else
			print_changed_lines(v, &gadgets);
		if (v->on_terminal && wait >= 0)
			timer_start(&v->events.timer, wait);
	}
	statuses_free(&gadgets);
	v->must_end = v->must_end || fflush(stdout) != 0;
	return -err->errno_value;
}

static void on_change(void *data)
{
	struct status_viewer *v = data;

	v->must_print = true;
}

/* Called when the printed data rates are no longer valid. */
static void on_rates_stale(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;

	timer_stop(&v->events.timer);
	v->must_print = true;
}

/* Called when the reader of stdout has closed the pipe: ends the command. */
static void on_reader_closed(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;

	v->must_end = true;
}

static void on_signal(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;
	struct signalfd_siginfo info;

	if (read(v->events.signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		break;
	case SIGTSTP: /* restores the terminal for the shell */
		leave_screen(v);
		raise(SIGSTOP);
		enter_screen(v);
		break;
	default:
		v->must_end = true;
		return;
	}
	v->must_print = true;
}

static int open_watches(struct status_viewer *v, const struct paths *paths, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH };
	static const struct command_loop_events events = { .on_signal = on_signal,
							   .on_timer = on_rates_stale,
							   .on_reader_closed = on_reader_closed };
	int r = command_loop_open(&v->events, signals, ARRAY_SIZE(signals), &events, v);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot watch the gadgets for changes");
	v->gadget_watch = gadget_watch_new(paths, &v->events.loop, on_change, v, err);
	return -err->errno_value;
}

/*
 * Waits for a change, then handles all pending events before the status is printed again: a gadget
 * that comes up causes hundreds of events.
 */
static void wait_for_change(struct status_viewer *v, struct error *err)
{
	int r = 0;

	while (!v->must_end && r >= 0 && (r > 0 || !v->must_print))
		r = loop_once(&v->events.loop, v->must_print ? 0 : -1);
	if (r < 0)
		error_errno(err, EX_OSERR, -r, NULL, "cannot wait for changes");
}

static void close_watches(struct status_viewer *v)
{
	if (v->gadget_watch)
		gadget_watch_free(v->gadget_watch);
	command_loop_close(&v->events);
	rates_free(&v->rates);
	for (size_t i = 0; i < v->n_gadget_lines; i++) {
		free(v->gadget_lines[i].gadget_name);
		free(v->gadget_lines[i].line);
	}
	free(v->gadget_lines);
	free(v->last_json_output);
}

int status_watch(const struct globals *globals, bool json, status_reader *read_gadgets, void *data)
{
	_cleanup_error_ struct error err = { 0 };
	struct status_viewer v = { .read_gadgets = read_gadgets,
				   .read_gadgets_data = data,
				   .prints_json = json,
				   .on_terminal = !json && stdout_is_terminal(),
				   .events = COMMAND_LOOP_CLOSED };

	if (open_watches(&v, &globals->paths, &err) == 0) {
		enter_screen(&v);
		while (!v.must_end && read_and_print(&v, &err) == 0 && !err.exit) {
			v.must_print = false;
			wait_for_change(&v, &err);
		}
		leave_screen(&v);
	}
	close_watches(&v);
	return err.exit ? cmd_print_error(&err) : 0;
}

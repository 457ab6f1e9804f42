/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "client/watch.h"
#include "cmd/status_print.h"
#include "cmd/status_rates.h"

struct status_viewer {
	status_reader *read_gadgets;
	void *data;
	bool json, screen;
	struct loop loop;
	struct watch *watch;
	struct fd_watch signals, output, timer;
	bool changed; /* the status must be read and printed again */
	bool over;    /* the command must end */
	struct rates rates;
	char *last; /* the last document that was printed */
	/* The last line that was printed for each gadget; not used on a terminal. */
	struct shown {
		char *name, *line;
		bool found; /* the gadget still exists */
	} * shown;
	size_t n_shown;
};

/* --- a terminal ------------------------------------------------------------------------------- */

/* The terminal's alternate screen, without cursor and line wrap. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define SCREEN_TOP "\033[H"
#define SCREEN_LINE_END "\033[K\n"
#define SCREEN_REST "\033[J"

static bool has_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && !streq(term, "dumb");
}

static void enter_screen(const struct status_viewer *v)
{
	if (v->screen)
		fputs(SCREEN_ENTER, stdout);
}

static void leave_screen(const struct status_viewer *v)
{
	if (v->screen)
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

/* Leaves the last row empty, so that the screen does not scroll. */
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
		printf("(%zu more lines)" SCREEN_LINE_END, n - shown);
	fputs(SCREEN_REST, stdout);
}

static void show_on_screen(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	for (size_t i = 0; i < gadgets->n; i++)
		status_print_gadget(out, &gadgets->v[i], &v->rates);
	if (gadgets->n == 0)
		fputs("no gadget is up\n", out);
	fclose(out);
	draw_screen(text);
}

/* --- a pipe, a file --------------------------------------------------------------------------- */

static void show_as_document(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	json_t *document = cmd_json_output();
	_cleanup_free_ char *text = NULL;

	json_object_set_new(document, "gadgets", statuses_to_json(gadgets));
	json_object_set_new(document, "errors", cmd_errors(NULL));
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (streq_null(text, v->last))
		return;
	puts(text);
	free(v->last);
	v->last = steal_ptr(text);
}

static struct shown *shown_line_of(struct status_viewer *v, const char *name)
{
	for (size_t i = 0; i < v->n_shown; i++)
		if (streq(v->shown[i].name, name))
			return &v->shown[i];
	*array_add(v->shown, v->n_shown) = (struct shown){ .name = xstrdup(name) };
	return &v->shown[v->n_shown - 1];
}

static void show_line(struct status_viewer *v, const struct gadget_status *gadget)
{
	struct shown *s = shown_line_of(v, gadget->name);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	s->found = true;
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

static void show_as_lines(struct status_viewer *v, const struct gadget_statuses *gadgets)
{
	for (size_t i = 0; i < v->n_shown; i++)
		v->shown[i].found = false;
	for (size_t i = 0; i < gadgets->n; i++)
		show_line(v, &gadgets->v[i]);
	for (size_t i = 0; i < v->n_shown; i++) {
		if (!v->shown[i].found && v->shown[i].line)
			printf("%s: down\n", v->shown[i].name);
		if (!v->shown[i].found)
			free(steal_ptr(v->shown[i].line));
	}
}

/* --- events ----------------------------------------------------------------------------------- */

static int show(struct status_viewer *v, struct error *err)
{
	struct gadget_statuses gadgets = { 0 };

	v->read_gadgets(v->data, &gadgets, err);
	/* A file that was not watched before may have changed after it was read. */
	while (!err->exit && watch_gadgets(v->watch, &gadgets)) {
		statuses_free(&gadgets);
		v->read_gadgets(v->data, &gadgets, err);
	}
	if (!err->exit) {
		double now = now_monotonic(), wait;

		rates_sample(&v->rates, &gadgets, now);
		wait = rates_wait(&v->rates, now);
		if (v->json)
			show_as_document(v, &gadgets);
		else if (v->screen)
			show_on_screen(v, &gadgets);
		else
			show_as_lines(v, &gadgets);
		if (v->screen && wait >= 0)
			timer_start(&v->timer, wait);
	}
	statuses_free(&gadgets);
	v->over = v->over || fflush(stdout) != 0;
	return -err->err;
}

static void on_change(void *data)
{
	struct status_viewer *v = data;

	v->changed = true;
}

static void on_timer(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;

	timer_stop(&v->timer);
	v->changed = true;
}

/* Ends the loop, because the reader has closed the pipe. */
static void on_output(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;

	v->over = true;
}

static void on_signal(void *data, uint32_t events _unused_)
{
	struct status_viewer *v = data;
	struct signalfd_siginfo info;

	if (read(v->signals.fd, &info, sizeof(info)) != sizeof(info))
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
		v->over = true;
		return;
	}
	v->changed = true;
}

static int open_all(struct status_viewer *v, const struct paths *paths, struct error *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH };
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* A closed pipe is reported by EPIPE instead. */
	sigaddset(&set, SIGPIPE);
	r = fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : loop_open(&v->loop);
	if (r == 0)
		r = fd_watch_add(&v->loop, &v->signals, fd, EPOLLIN, on_signal, v);
	if (r == 0)
		r = timer_open(&v->loop, &v->timer, on_timer, v);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot watch for changes");
	/* Watches only EPOLLERR and EPOLLHUP. Fails for a regular file, which has no reader. */
	fd_watch_add(&v->loop, &v->output, STDOUT_FILENO, 0, on_output, v);
	v->watch = watch_new(paths, &v->loop, on_change, v, err);
	return -err->err;
}

/* Collects all pending events: a gadget that comes up causes hundreds. */
static void await_change(struct status_viewer *v, struct error *err)
{
	int r = 0;

	while (!v->over && r >= 0 && (r > 0 || !v->changed))
		r = loop_once(&v->loop, v->changed ? 0 : -1);
	if (r < 0)
		error_errno(err, EX_OSERR, -r, NULL, "cannot wait for changes");
}

static void close_all(struct status_viewer *v)
{
	int signals = v->signals.fd;

	if (v->watch)
		watch_free(v->watch);
	fd_watch_remove(&v->loop, &v->signals);
	cleanup_close(&signals);
	fd_watch_close(&v->loop, &v->timer);
	loop_close(&v->loop);
	rates_free(&v->rates);
	for (size_t i = 0; i < v->n_shown; i++) {
		free(v->shown[i].name);
		free(v->shown[i].line);
	}
	free(v->shown);
	free(v->last);
}

int status_watch(const struct globals *globals, bool json, status_reader *read_gadgets, void *data)
{
	_cleanup_error_ struct error err = { 0 };
	struct status_viewer v = { .read_gadgets = read_gadgets,
				   .data = data,
				   .json = json,
				   .screen = !json && has_screen(),
				   .loop = { .epoll_fd = -1 },
				   .signals = FD_WATCH_NONE,
				   .output = FD_WATCH_NONE,
				   .timer = FD_WATCH_NONE };

	if (open_all(&v, &globals->paths, &err) == 0) {
		enter_screen(&v);
		while (!v.over && show(&v, &err) == 0 && !err.exit) {
			v.changed = false;
			await_change(&v, &err);
		}
		leave_screen(&v);
	}
	close_all(&v);
	return err.exit ? cmd_print_error(&err) : 0;
}

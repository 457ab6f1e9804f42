/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervise/front.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "compose/udc.h"
#include "supervise/supervisor.h"

/* How the lock's owner calls itself, while it comes up and afterwards. */
#define WHO_COMING_UP "up"
#define WHO_UP "supervisor"

#define REPORT_MAX 65536
#define OUTPUT_SHOWN 4096

/* --- who has it --------------------------------------------------------------------------------- */

static json_t *make_record(const struct gadget *g, const json_t *form)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:O}", "version", PACKAGE_VERSION, "name", g->name, "file",
			 g->file, "dir", g->dir, "form", form);
}

static bool same_gadget(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "name", "dir", "form" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return true;
}

static char *status_string(const struct world *world, const char *name, const char *key)
{
	_cleanup_error_ struct error ignored = { 0 };
	json_t *status = NULL;
	const char *value;
	char *copy = NULL;

	if (rundir_read(world, name, RUNDIR_STATUS, &status, &ignored) == 0) {
		value = json_string_value(json_object_get(status, key));
		copy = value ? xstrdup(value) : NULL;
	}
	json_decref(status);
	return copy;
}

static int locked(const char *name, pid_t pid, const char *who, struct error *err)
{
	return error_set(err, EX_CANTCREAT, EBUSY, NULL,
			 "another command works on '%s': '%s' (pid %d)", name, who ? who : "?", (int)pid);
}

/*
 * Somebody has the lock. 0: a supervisor of the same gadget, all is well; -ESTALE: of one that has
 * failed and may be taken down; else err says what is in the way.
 */
static int judge_owner(const struct gadget *g, const json_t *form, const struct world *world,
		       struct error *err)
{
	_cleanup_free_ char *who = NULL, *state = status_string(world, g->name, "state");
	json_t *mine = NULL, *theirs = NULL;
	pid_t pid;
	int r = rundir_owner(world, g->name, &pid, &who);

	if (r < 0 || pid == 0)
		return -EAGAIN; /* it has just ended */
	if (!who || !streq(who, WHO_UP))
		return locked(g->name, pid, who, err);
	if (state && streq(state, "failed"))
		return -ESTALE;
	r = rundir_read(world, g->name, RUNDIR_RECORD, &theirs, err);
	if (r < 0)
		return r == -ENOENT ? -EAGAIN : r;
	mine = make_record(g, form);
	if (!same_gadget(mine, theirs)) {
		error_set(err, EX_CANTCREAT, EEXIST, NULL, "a different gadget '%s' is up", g->name);
		error_hint(err, "'ffsctl reload' is not in this version: take it down first, or use --name");
	}
	json_decref(mine);
	json_decref(theirs);
	return err->exit ? -err->err : 0;
}

/* Takes away what a dead supervisor has left; the lock is ours and goes with it. */
static int clear_leftovers(const struct world *world, const char *name, struct rundir *rundir,
			   struct error *err)
{
	struct supervisor s;
	int r = supervisor_init(&s, world, NULL, name, err);

	if (r == 0) {
		free(s.rundir.path);
		s.rundir = *rundir;
		*rundir = RUNDIR_NONE;
		r = supervisor_undo_record(&s, err);
	}
	supervisor_free(&s);
	return r;
}

static bool has_record(const struct rundir *rundir)
{
	return faccessat(rundir->dir_fd, RUNDIR_RECORD, F_OK, 0) == 0;
}

/*
 * Gets the lock for a gadget that is not up, with nothing of an earlier one left. 0 with
 * *result == FRONT_NOTHING: the same is up already.
 */
static int acquire(const struct gadget *g, const json_t *form, const struct world *world,
		   struct rundir *rundir, enum front_result *result, struct error *err)
{
	_cleanup_free_ char *dir = compose_gadget_path(world, g->name);

	*result = FRONT_DONE;
	for (;;) {
		enum front_result ignored;
		int r = rundir_lock(rundir, world, g->name, WHO_COMING_UP, err);

		if (r == -EWOULDBLOCK) {
			error_clear(err);
			r = judge_owner(g, form, world, err);
			if (r == 0) {
				*result = FRONT_NOTHING;
				return 0;
			}
			if (r == -EAGAIN && !err->exit)
				continue;
			if (r != -ESTALE || err->exit)
				return r;
			log_info("%s: has failed; taking it down first", g->name);
			r = front_down(world, g->name, &ignored, err);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0)
			return r;
		if (!has_record(rundir))
			break;
		log_info("%s: clearing what a dead supervisor has left", g->name);
		r = clear_leftovers(world, g->name, rundir, err);
		if (r < 0)
			return r;
	}
	if (!path_exists(dir))
		return 0;
	error_set(err, EX_CANTCREAT, EEXIST, dir, "there is a gadget '%s' that ffsctl has not made", g->name);
	error_hint(err, "use --name for another name");
	rundir_remove(rundir, &(struct error){ 0 });
	return -EEXIST;
}

/* --- up ------------------------------------------------------------------------------------------ */

struct background {
	struct supervisor s;
	int report;
};

static void report(int fd, const struct error *err, const char *udc, const char *output)
{
	json_t *json = err ? error_to_json(err) : json_pack("{s:i}", "exit", 0);
	_cleanup_free_ char *text = NULL;

	if (udc)
		json_object_set_new(json, "udc", json_string(udc));
	if (output) {
		json_t *string = json_string(output);

		/* Not UTF-8: better nothing than a report that cannot be read. */
		json_object_set_new(json, "output", string ? string : json_null());
	}
	text = json_dumps(json, JSON_COMPACT);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
	json_decref(json);
}

static void told_up(void *data)
{
	struct background *b = data;
	_cleanup_error_ struct error ignored = { 0 };

	rundir_sign(&b->s.rundir, WHO_UP, &ignored);
	source_remove(&b->s.loop, &b->s.caller);
	report(b->report, NULL, b->s.udc, NULL);
	close(b->report);
	b->report = -1;
}

/* The last that workers have printed; the caller frees it. */
static char *last_output(const struct supervisor *s)
{
	size_t from = s->output.size > OUTPUT_SHOWN ? s->output.size - OUTPUT_SHOWN : 0;
	char *text = xcalloc(1, OUTPUT_SHOWN + 1);
	ssize_t n = s->output.fd >= 0 ? pread(s->output.fd, text, OUTPUT_SHOWN, (off_t)from) : 0;

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void give_supervisor(struct supervisor *s, const struct front_options *options,
			    struct rundir *rundir, json_t *record)
{
	s->udc_wanted = options->udc;
	s->no_bind = options->no_bind;
	s->record = record;
	free(s->rundir.path);
	s->rundir = *rundir;
	*rundir = RUNDIR_NONE;
	s->output.dir_fd = s->rundir.dir_fd;
}

static _Noreturn void background_main(const struct gadget *g, const json_t *form,
				      const struct front_options *options, struct rundir *rundir,
				      int report_fd)
{
	struct background b = { .report = report_fd };
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *output = NULL;
	int r;

	setsid();
	fd_stdio_to_null();
	fd_close_others((int[]){ rundir->dir_fd, rundir->lock_fd, report_fd }, 3);
	r = chdir("/") < 0 ? error_errno(&err, EX_OSERR, errno, "/", "cannot change to /") : 0;
	if (r == 0)
		r = supervisor_init(&b.s, options->world, g, g->name, &err);
	if (r == 0) {
		give_supervisor(&b.s, options, rundir, make_record(g, form));
		b.s.on_up = told_up;
		b.s.on_up_data = &b;
		r = rundir_sign(&b.s.rundir, WHO_COMING_UP, &err);
	}
	if (r == 0)
		r = supervisor_watch_caller(&b.s, report_fd, &err);
	if (r == 0)
		r = supervisor_run(&b.s, options->timeout, options->wait_udc, &err);
	if (b.report >= 0) {
		if (r == 0) /* told to go before it was up */
			error_set(&err, EX_TEMPFAIL, ECANCELED, NULL, "'down' came before it was up");
		output = last_output(&b.s);
		report(b.report, &err, NULL, output);
	}
	_exit(r < 0 ? 1 : 0);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig _unused_)
{
	interrupted = 1;
}

/* Ctrl-C asks the supervisor to undo what it has done so far; a second one does not wait for that. */
static void catch_interrupts(void)
{
	struct sigaction once = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
}

static int died(pid_t pid, const char *name, struct error *err)
{
	int status;

	waitpid(pid, &status, 0);
	error_set(err, EX_OSERR, ECHILD, NULL, "the supervisor of '%s' ended (%s %d) before the gadget was up",
		  name, WIFSIGNALED(status) ? "signal" : "exit",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return error_hint(err, "'ffsctl down %s' clears what is left", name);
}

static int await_report(int fd, pid_t pid, const char *name, char **udc, char **output,
			struct error *err)
{
	_cleanup_free_ char *text = xcalloc(1, REPORT_MAX);
	const char *word;
	json_t *json;
	ssize_t n;
	int r;

	while ((n = recv(fd, text, REPORT_MAX, 0)) < 0 && errno == EINTR)
		if (interrupted)
			shutdown(fd, SHUT_WR);
	if (n <= 0)
		return died(pid, name, err);
	json = json_loadb(text, (size_t)n, 0, NULL);
	word = json_string_value(json_object_get(json, "udc"));
	*udc = word ? xstrdup(word) : NULL;
	word = json_string_value(json_object_get(json, "output"));
	*output = word && *word ? xstrdup(word) : NULL;
	r = json_integer_value(json_object_get(json, "exit")) ? error_from_json(err, json) : 0;
	json_decref(json);
	if (r < 0)
		waitpid(pid, NULL, 0); /* when we return nothing of it is left, not even the process */
	return r;
}

int front_up(const struct gadget *g, const json_t *form, const struct front_options *options,
	     enum front_result *result, char **udc, char **output, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int pair[2], r = acquire(g, form, options->world, &rundir, result, err);
	pid_t pid;

	*udc = *output = NULL;
	if (r < 0)
		return r;
	if (*result == FRONT_NOTHING) {
		*udc = status_string(options->world, g->name, "udc");
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make a socket to the supervisor");
	catch_interrupts();
	pid = fork();
	if (pid == 0)
		background_main(g, form, options, &rundir, pair[1]);
	close(pair[1]);
	if (pid < 0)
		r = error_errno(err, EX_OSERR, errno, NULL, "cannot start the supervisor");
	else
		r = await_report(pair[0], pid, g->name, udc, output, err);
	close(pair[0]);
	return r;
}

static void sign_up(void *data)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error ignored = { 0 };

	rundir_sign(&s->rundir, WHO_UP, &ignored);
}

int front_run(const struct gadget *g, const json_t *form, const struct front_options *options,
	      struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	enum front_result result;
	struct supervisor s;
	int r = acquire(g, form, options->world, &rundir, &result, err);

	if (r < 0)
		return r;
	if (result == FRONT_NOTHING)
		return error_set(err, EX_CANTCREAT, EEXIST, NULL,
				 "'%s' is up already, under another supervisor", g->name);
	r = supervisor_init(&s, options->world, g, g->name, err);
	if (r == 0) {
		s.foreground = true;
		give_supervisor(&s, options, &rundir, make_record(g, form));
		s.on_up = sign_up;
		s.on_up_data = &s;
		r = supervisor_run(&s, options->timeout, options->wait_udc, err);
	}
	supervisor_free(&s);
	return r;
}

int front_plan(const struct gadget *g, const struct front_options *options, struct plan *plan,
	       struct error *err)
{
	_cleanup_free_ char *udc = NULL;
	struct supervisor s;
	int r = supervisor_init(&s, options->world, g, g->name, err);

	s.udc_wanted = options->udc;
	s.no_bind = options->no_bind;
	if (r == 0 && !s.no_bind)
		r = udc_choose(options->world, &g->udc, options->udc, &udc, err);
	if (r == 0)
		r = supervisor_make_plan(&s, udc, err);
	if (r == 0) {
		*plan = s.plan;
		s.plan = (struct plan){ 0 };
	}
	supervisor_free(&s);
	return r;
}

/* --- down, restart, wait --------------------------------------------------------------------------- */

static int not_ours(const struct world *world, const char *name, enum front_result *result,
		    struct error *err)
{
	_cleanup_free_ char *dir = compose_gadget_path(world, name);

	*result = FRONT_NOTHING;
	if (!path_exists(dir))
		return 0;
	error_set(err, EX_CANTCREAT, EEXIST, dir, "the gadget '%s' was not made by ffsctl", name);
	return error_hint(err, "'down --force' would take it down, which is not in this version of ffsctl");
}

/* Waits until the lock is free: its owner is going, and says so by closing it. */
static int await_owner(const struct world *world, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s/lock", world->run_dir, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return flock(fd, LOCK_SH) < 0 ? -errno : 0;
}

static int tell_down(const struct world *world, const char *name, struct error *err)
{
	json_t *command = json_pack("{s:s}", "command", "down");
	int r = control_command(world, name, command, err);

	json_decref(command);
	return r;
}

int front_down(const struct world *world, const char *name, enum front_result *result,
	       struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	bool told = false;

	*result = FRONT_DONE;
	for (;;) {
		_cleanup_free_ char *who = NULL;
		pid_t pid;
		int r = rundir_owner(world, name, &pid, &who);

		if (r == -ENOENT && told)
			return 0;
		if (r == -ENOENT)
			return not_ours(world, name, result, err);
		if (r < 0)
			return error_errno(err, r == -EACCES ? EX_NOPERM : EX_OSERR, -r, NULL,
					   "cannot tell who has '%s'", name);
		if (pid == 0)
			break;
		r = tell_down(world, name, err);
		if (r < 0 && err->exit && r != -ECONNRESET)
			return r;
		if (r < 0 && !err->exit && who && !streq(who, WHO_COMING_UP) && !streq(who, WHO_UP))
			return locked(name, pid, who, err);
		/*
		 * It has gone down, or it had closed its socket already because it was going. When
		 * it has let go of the lock we see what is left.
		 */
		error_clear(err);
		told = true;
		r = await_owner(world, name);
		if (r < 0)
			return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for the supervisor of '%s'", name);
	}
	{
		int r = rundir_lock(&rundir, world, name, "down", err);

		if (r == -EWOULDBLOCK) {
			error_clear(err);
			return locked(name, -1, NULL, err);
		}
		if (r < 0)
			return r;
	}
	*result = has_record(&rundir) ? FRONT_CLEARED : told ? FRONT_DONE : FRONT_NOTHING;
	return clear_leftovers(world, name, &rundir, err);
}

int front_restart(const struct world *world, const char *name, const char *function,
		  struct error *err)
{
	json_t *command = json_pack("{s:s, s:s?}", "command", "restart", "function", function);
	int r = control_command(world, name, command, err);

	json_decref(command);
	if (r < 0 && !err->exit)
		return error_set(err, EX_UNAVAILABLE, ESRCH, NULL,
				 "'%s' has no supervisor: it is not up, or was killed; see 'ffsctl status'", name);
	return r;
}

int front_wait_host(const char *udc, double seconds, struct error *err)
{
	_cleanup_free_ char *path = strf(UDC_CLASS_DIR "/%s/state", udc);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	double deadline = now_monotonic() + seconds;
	char state[64];

	if (fd < 0)
		return error_errno(err, EX_OSERR, errno, path, "cannot open %s", path);
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLPRI };
		ssize_t n = pread(fd, state, sizeof(state) - 1, 0);
		double left = deadline - now_monotonic();

		if (n < 0)
			return error_errno(err, EX_OSERR, errno, path, "cannot read %s", path);
		state[n] = '\0';
		state[strcspn(state, "\n")] = '\0';
		if (streq(state, "configured"))
			return 0;
		if (interrupted || left <= 0)
			return error_set(err, EX_TEMPFAIL, ETIMEDOUT, path,
					 "no host has configured the gadget within %g s (the UDC is '%s'); "
					 "it stays up", seconds, state);
		/* sysfs announces a change of `state` (udc/core.c, usb_gadget_state_work). */
		poll(&pfd, 1, isfinite(left) ? (int)(fmin(left, 3600) * 1e3) + 1 : -1);
	}
}

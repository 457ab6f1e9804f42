/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/option.h"
#include "base/text.h"
#include "probe/plugin_file.h"
#include "process/needs.h"
#include "process/spawn.h"

#define TIME_LIMIT 5.0		/* seconds; loading a plugin takes milliseconds */
#define ANSWER_MAX (256 * 1024) /* bytes */
#define ERRORS_MAX 4096		/* bytes */

/* --- Output of the child process. --- */

struct capture {
	int fd; /* read end of the pipe; -1: closed */
	char *text;
	size_t n, max; /* bytes */
	bool overflow; /* the child wrote more than `max` */
};

static int capture_open(struct capture *capture, size_t max, int *write_end)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	*write_end = pair[1];
	*capture = (struct capture){ .fd = pair[0], .text = xcalloc(1, max + 1), .max = max };
	return fcntl(capture->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void capture_close(struct capture *capture)
{
	cleanup_close(&capture->fd);
	capture->fd = -1;
}

/* Reads what the pipe has now. Returns false at the end of the output, or after an error. */
static bool capture_read(struct capture *capture)
{
	char rest[4096];
	ssize_t n;

	do {
		n = read(capture->fd, rest, sizeof(rest));
		if (n > (ssize_t)(capture->max - capture->n)) {
			n = (ssize_t)(capture->max - capture->n);
			capture->overflow = true;
		}
		if (n > 0)
			memcpy(capture->text + capture->n, rest, (size_t)n);
		capture->n += n > 0 ? (size_t)n : 0;
	} while (n > 0 && !capture->overflow);
	return capture->overflow || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

struct child {
	const char *path; /* path of the plugin, for messages */
	pid_t pid;
	struct capture answer, errors; /* the child's stdout and stderr */
	bool late;		       /* the child did not end within TIME_LIMIT */
	int status;		       /* status of waitpid(2) */
};

static void capture_if(struct capture *capture, short revents)
{
	if (revents && !capture_read(capture))
		capture_close(capture);
}

/* Reads the output until the child has ended, has written too much, or has used up its time. */
static void capture_all(struct child *c, int pidfd)
{
	double end = now_monotonic() + TIME_LIMIT;
	bool ended = false;

	while (!ended && !c->late && !c->answer.overflow) {
		struct pollfd p[] = { { pidfd, POLLIN, 0 },
				      { c->answer.fd, POLLIN, 0 },
				      { c->errors.fd, POLLIN, 0 } };
		double left = end - now_monotonic();

		c->late = left <= 0;
		if (c->late || poll(p, ARRAY_SIZE(p), 1 + (int)(left * 1000)) < 0)
			continue; /* a signal has interrupted poll(2) */
		/* The child writes nothing after its end: this read gets the rest. */
		ended = p[0].revents;
		capture_if(&c->answer, p[1].revents);
		capture_if(&c->errors, p[2].revents);
	}
}

/* --- the child --- */

/* Returns the only variable of the child's environment: the options of a sanitizer; NULL: none. */
static char *sanitizer_options(void)
{
#ifdef FFSCTL_SANITIZED
	static char options[256];

	snprintf(options, sizeof(options), "ASAN_OPTIONS=%s",
		 getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : "");
	return options;
#else
	return NULL;
#endif
}

static int start_child(struct child *c, int plugin_fd, struct error *err)
{
	char *argv[] = { "ffsctl-worker", "--describe", (char *)c->path, "/proc/self/fd/3", NULL };
	char *env[] = { sanitizer_options(), NULL };
	_cleanup_free_ char *program = plugin_host_file();
	_cleanup_close_ int answer = -1, errors = -1;
	struct spawn spawn = { .program = program,
			       .argv = argv,
			       .env = env,
			       .directory = "/",
			       .uid = SPAWN_NOBODY,
			       .gid = SPAWN_NOBODY,
			       .same_user = geteuid() != 0,
			       .dies_with_parent = true };
	int r = capture_open(&c->answer, ANSWER_MAX, &answer);

	if (r == 0)
		r = capture_open(&c->errors, ERRORS_MAX, &errors);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make pipes");
	spawn.stdout_fd = answer;
	/* Passes the plugin as a descriptor: the user "nobody" may not be able to open its path. */
	return spawn_start(&spawn, &plugin_fd, 1, errors, &c->pid, err);
}

/* Kills the child's process group, in case the plugin has started processes. Reaps the child. */
static void end_child(struct child *c)
{
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
}

static int run_child(struct child *c, struct error *err)
{
	_cleanup_close_ int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), pidfd = -1;

	if (fd < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, c->path, "cannot open the plugin %s",
				   c->path);
	if (start_child(c, fd, err) < 0)
		return -err->err;
	pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (pidfd < 0)
		error_errno(err, EX_OSERR, errno, NULL, "cannot watch the plugin host");
	else
		capture_all(c, pidfd);
	end_child(c);
	return -err->err;
}

/*
 * Returns a printable copy of the rest of the line after `prefix`; NULL if the line does not begin
 * with `prefix`. The caller frees it.
 */
static char *text_after_prefix(const char *line, const char *prefix)
{
	const char *text = line + strlen(prefix);

	return str_has_prefix(line, prefix) ? text_printable(text, strcspn(text, "\n")) : NULL;
}

/*
 * Sets the error to the last message of the plugin host and its hint. Returns false if there is no
 * message. The plugin may have printed other lines.
 */
static bool take_message(const struct child *c, struct error *err)
{
	static const char host[] = "ffsctl-worker: ";
	_cleanup_free_ char *text = NULL, *hint = NULL;
	const char *line = c->errors.text, *found = NULL, *next;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (str_has_prefix(line, host))
			found = line;
	if (!found)
		return false;
	text = text_after_prefix(found, host);
	next = strchr(found, '\n');
	hint = next ? text_after_prefix(next + 1, "hint: ") : NULL;
	error_set(err, EX_UNAVAILABLE, ENOEXEC, c->path, "%s", text);
	if (hint)
		error_hint(err, "%s", hint);
	return true;
}

/* Returns 0 if the child succeeded, else sets the error. */
static int check_end(const struct child *c, struct error *err)
{
	int status = c->status;

	if (c->answer.overflow)
		return error_set(err, EX_UNAVAILABLE, EFBIG, c->path,
				 "cannot use plugin %s: its declaration has more than %d bytes",
				 c->path, ANSWER_MAX);
	if (c->late)
		return error_set(err, EX_UNAVAILABLE, ETIMEDOUT, c->path,
				 "cannot load plugin %s: not loaded within %.0f s", c->path,
				 TIME_LIMIT);
	if (WIFSIGNALED(status))
		return error_set(
			err, EX_UNAVAILABLE, ENOEXEC, c->path,
			"cannot load plugin %s: the plugin host was killed by signal %d (%s)",
			c->path, WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == 0)
		return 0;
	if (take_message(c, err))
		return -err->err;
	return error_set(err, EX_UNAVAILABLE, ENOEXEC, c->path,
			 "cannot load plugin %s: the plugin host exited with %d", c->path,
			 WEXITSTATUS(status));
}

/* --- the answer, which is not trusted: the plugin may have written it --- */

static bool read_size(const json_t *table, const char *key, uint32_t *n)
{
	const json_t *value = json_object_get(table, key);

	*n = (uint32_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
	       json_integer_value(value) <= UINT32_MAX;
}

static bool read_option(struct ffsctl_option *o, const json_t *option, const char ***choices)
{
	const json_t *list = json_object_get(option, "choices"), *choice;
	const char *type = json_text(option, "type", "");
	size_t i;

	o->name = json_text(option, "name", NULL);
	o->doc = json_text(option, "doc", NULL);
	o->default_value = json_text(option, "default", NULL);
	o->required = json_is_true(json_object_get(option, "required"));
	o->min = json_integer_value(json_object_get(option, "min"));
	o->max = json_integer_value(json_object_get(option, "max"));
	if (!o->name || !o->doc || !option_type_find(type, &o->type))
		return false;
	if (!list)
		return true;
	o->choices = *choices;
	json_array_foreach(list, i, choice) {
		*(*choices)++ = json_string_value(choice);
		if (!json_is_string(choice))
			return false;
	}
	*(*choices)++ = NULL;
	return json_is_array(list);
}

static bool read_options(struct description *d)
{
	const json_t *list = json_object_get(d->document, "options"), *option;
	size_t i, n = 0;
	const char **choices;

	json_array_foreach(list, i, option)
		n += json_array_size(json_object_get(option, "choices")) + 1;
	d->options = xcalloc(json_array_size(list) + 1, sizeof(*d->options));
	d->choices = choices = xcalloc(n + 1, sizeof(*choices));
	json_array_foreach(list, i, option)
		if (!read_option(&d->options[i], option, &choices))
			return false;
	d->table.options = d->options;
	return json_is_array(list);
}

static bool read_table(struct description *d)
{
	const json_t *table = d->document;
	const char *mode = json_text(table, "mode", "");

	d->table.name = json_text(table, "name", NULL);
	d->table.summary = json_text(table, "summary", NULL);
	d->table.mode = streq(mode, "message") ? FFSCTL_MODE_MESSAGE : FFSCTL_MODE_STREAM;
	return d->table.name && d->table.summary && *mode &&
	       read_size(table, "size", &d->table.transfer_size) &&
	       read_size(table, "depth", &d->table.depth) &&
	       read_size(table, "out_length", &d->table.out_length) &&
	       needs_from_json(json_object_get(table, "needs"), &d->table.needs) && read_options(d);
}

static int parse_answer(const struct child *c, struct description *d, struct error *err)
{
	json_t *answer = json_loadb(c->answer.text, c->answer.n, JSON_REJECT_DUPLICATES, NULL);

	d->document = json_incref(json_object_get(answer, "plugin"));
	json_decref(answer);
	if (read_table(d))
		return 0;
	error_set(err, EX_UNAVAILABLE, EPROTO, c->path,
		  "cannot read the declaration of plugin %s: invalid format", c->path);
	return error_hint(err, "install ffsctl and ffsctl-worker of the same version");
}

int describe_plugin(const char *plugin, struct description *d, struct error *err)
{
	struct child c = { .answer.fd = -1, .errors.fd = -1 };
	_cleanup_free_ char *path = NULL;
	int r = plugin_file_find(plugin, &path, err);

	*d = (struct description){ 0 };
	c.path = path;
	if (r == 0)
		r = run_child(&c, err);
	if (r == 0)
		r = check_end(&c, err);
	if (r == 0)
		r = parse_answer(&c, d, err);
	if (r < 0)
		description_free(d);
	capture_close(&c.answer);
	capture_close(&c.errors);
	free(c.answer.text);
	free(c.errors.text);
	return r;
}

void description_free(struct description *d)
{
	json_decref(d->document);
	free(d->options);
	free(d->choices);
	*d = (struct description){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/plugin_declaration.h"

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
#include "base/plugin_option.h"
#include "base/text.h"
#include "probe/plugin_path.h"
#include "process/sandbox_permission_names.h"
#include "process/spawn.h"

#define LOAD_TIMEOUT 5.0	     /* seconds; usually, loading a plugin takes milliseconds */
#define DECLARATION_MAX (256 * 1024) /* bytes */
#define STDERR_MAX 4096		     /* bytes */

/* --- the output of the child process --- */

/* What the child process writes to a pipe. */
struct captured_output {
	int pipe_fd; /* read end of the pipe; -1: closed */
	char *text;
	size_t size, max_size; /* bytes */
	bool is_too_long;      /* the child wrote more than `max_size` */
};

static int captured_output_open(struct captured_output *o, size_t max, int *write_end)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	*write_end = pair[1];
	*o = (struct captured_output){ .pipe_fd = pair[0],
				       .text = xcalloc(1, max + 1),
				       .max_size = max };
	return fcntl(o->pipe_fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void captured_output_close(struct captured_output *o)
{
	cleanup_close(&o->pipe_fd);
	o->pipe_fd = -1;
}

/* Reads what the pipe contains now. Returns false after an error, or at the end of the output. */
static bool captured_output_read(struct captured_output *o)
{
	char rest[4096];
	ssize_t n;

	do {
		n = read(o->pipe_fd, rest, sizeof(rest));
		if (n > (ssize_t)(o->max_size - o->size)) {
			n = (ssize_t)(o->max_size - o->size);
			o->is_too_long = true;
		}
		if (n > 0)
			memcpy(o->text + o->size, rest, (size_t)n);
		o->size += n > 0 ? (size_t)n : 0;
	} while (n > 0 && !o->is_too_long);
	return o->is_too_long || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* The child process `ffsctl-worker --describe`. */
struct plugin_host_process {
	const char *plugin_path;
	pid_t pid;
	struct captured_output stdout_output, stderr_output; /* the child's stdout and stderr */
	bool timed_out;	 /* the child did not end within LOAD_TIMEOUT */
	int wait_status; /* status of waitpid(2) */
};

static void read_if_ready(struct captured_output *o, short revents)
{
	if (revents && !captured_output_read(o))
		captured_output_close(o);
}

/* Reads the output until the child has ended, has written too much, or has taken too long. */
static void read_output_until_end(struct plugin_host_process *c, int pidfd)
{
	double end = now_monotonic() + LOAD_TIMEOUT;
	bool ended = false;

	while (!ended && !c->timed_out && !c->stdout_output.is_too_long) {
		struct pollfd p[] = { { pidfd, POLLIN, 0 },
				      { c->stdout_output.pipe_fd, POLLIN, 0 },
				      { c->stderr_output.pipe_fd, POLLIN, 0 } };
		double left = end - now_monotonic();

		c->timed_out = left <= 0;
		if (c->timed_out || poll(p, ARRAY_SIZE(p), 1 + (int)(left * 1000)) < 0)
			continue; /* time limit, or a signal has interrupted poll(2) */
		/* If the child has ended, the reads below get the rest of its output. */
		ended = p[0].revents;
		read_if_ready(&c->stdout_output, p[1].revents);
		read_if_ready(&c->stderr_output, p[2].revents);
	}
}

/* --- the child --- */

/*
 * Returns the child's environment variable ASAN_OPTIONS, if ffsctl is built with sanitizers; else
 * NULL. The child gets no other variables.
 */
static char *asan_options_variable(void)
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

static int start_plugin_host(struct plugin_host_process *c, int plugin_fd, struct error *err)
{
	char *argv[] = { "ffsctl-worker", "--describe", (char *)c->plugin_path, "/proc/self/fd/3",
			 NULL };
	char *env[] = { asan_options_variable(), NULL };
	_cleanup_free_ char *program = plugin_host_path();
	_cleanup_close_ int answer = -1, errors = -1;
	struct spawn_settings spawn = { .program_path = program,
					.argv = argv,
					.env = env,
					.working_directory = "/",
					.uid = SPAWN_NOBODY,
					.gid = SPAWN_NOBODY,
					.keep_caller_user = geteuid() != 0,
					.dies_with_parent = true };
	int r = captured_output_open(&c->stdout_output, DECLARATION_MAX, &answer);

	if (r == 0)
		r = captured_output_open(&c->stderr_output, STDERR_MAX, &errors);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot create pipes");
	spawn.stdout_fd = answer;
	/* Passes an open file: the user "nobody" may have no permission to open the path. */
	return spawn_start(&spawn, &plugin_fd, 1, errors, &c->pid, err);
}

/* Kills the child and the processes that the plugin may have started, and reaps the child. */
static void kill_and_reap(struct plugin_host_process *c)
{
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->wait_status, 0) < 0 && errno == EINTR)
		;
}

static int run_plugin_host(struct plugin_host_process *c, struct error *err)
{
	_cleanup_close_ int fd = open(c->plugin_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
			    pidfd = -1;

	if (fd < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, c->plugin_path,
				   "cannot open the plugin %s", c->plugin_path);
	if (start_plugin_host(c, fd, err) < 0)
		return -err->errno_value;
	pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (pidfd < 0)
		error_errno(err, EX_OSERR, errno, NULL, "cannot watch the plugin host");
	else
		read_output_until_end(c, pidfd);
	kill_and_reap(c);
	return -err->errno_value;
}

/*
 * Returns the rest of the line after `prefix`, without control characters; NULL: the line does not
 * begin with `prefix`. The caller frees the text.
 */
static char *text_after_prefix(const char *line, const char *prefix)
{
	const char *text = line + strlen(prefix);

	return str_has_prefix(line, prefix) ? text_replace_unprintable(text, strcspn(text, "\n"))
					    : NULL;
}

/*
 * Sets the error to the last message of the plugin host, and to the hint of that message. Ignores
 * other lines, which the plugin may have printed. Returns false if there is no message.
 */
static bool set_error_from_stderr(const struct plugin_host_process *c, struct error *err)
{
	static const char host[] = "ffsctl-worker: ";
	_cleanup_free_ char *text = NULL, *hint = NULL;
	const char *line = c->stderr_output.text, *found = NULL, *next;

	for (; line; line = str_next_line(line))
		if (str_has_prefix(line, host))
			found = line;
	if (!found)
		return false;
	text = text_after_prefix(found, host);
	next = str_next_line(found);
	hint = next ? text_after_prefix(next, "hint: ") : NULL;
	error_set(err, EX_UNAVAILABLE, ENOEXEC, c->plugin_path, "%s", text);
	if (hint)
		error_add_hint(err, "%s", hint);
	return true;
}

/* Returns 0 if the child has succeeded; otherwise sets the error and returns a negative errno. */
static int check_plugin_host_result(const struct plugin_host_process *c, struct error *err)
{
	int status = c->wait_status;

	if (c->stdout_output.is_too_long)
		return error_set(err, EX_UNAVAILABLE, EFBIG, c->plugin_path,
				 "cannot use plugin %s: its declaration has more than %d bytes",
				 c->plugin_path, DECLARATION_MAX);
	if (c->timed_out)
		return error_set(err, EX_UNAVAILABLE, ETIMEDOUT, c->plugin_path,
				 "cannot load plugin %s: not loaded within %.0f s", c->plugin_path,
				 LOAD_TIMEOUT);
	if (WIFSIGNALED(status))
		return error_set(
			err, EX_UNAVAILABLE, ENOEXEC, c->plugin_path,
			"cannot load plugin %s: the plugin host was killed by signal %d (%s)",
			c->plugin_path, WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == 0)
		return 0;
	if (set_error_from_stderr(c, err))
		return -err->errno_value;
	return error_set(err, EX_UNAVAILABLE, ENOEXEC, c->plugin_path,
			 "cannot load plugin %s: the plugin host exited with %d", c->plugin_path,
			 WEXITSTATUS(status));
}

/* --- parsing the output, which is not trusted: the plugin may have written it --- */

static bool parse_uint32(const json_t *table, const char *key, uint32_t *n)
{
	const json_t *value = json_object_get(table, key);

	*n = (uint32_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
	       json_integer_value(value) <= UINT32_MAX;
}

static bool parse_option_declaration(struct ffsctl_option *o, const json_t *option,
				     const char ***choices)
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

static bool parse_option_declarations(struct plugin_declaration *d)
{
	const json_t *list = json_object_get(d->declaration_json, "options"), *option;
	size_t i, n = 0;
	const char **choices;

	json_array_foreach(list, i, option)
		n += json_array_size(json_object_get(option, "choices")) + 1;
	d->options = xcalloc(json_array_size(list) + 1, sizeof(*d->options));
	d->option_choices = choices = xcalloc(n + 1, sizeof(*choices));
	json_array_foreach(list, i, option)
		if (!parse_option_declaration(&d->options[i], option, &choices))
			return false;
	d->plugin.options = d->options;
	return json_is_array(list);
}

static bool parse_declaration(struct plugin_declaration *d)
{
	const json_t *table = d->declaration_json;
	const char *mode = json_text(table, "mode", "");

	d->plugin.name = json_text(table, "name", NULL);
	d->plugin.summary = json_text(table, "summary", NULL);
	d->plugin.framing =
		streq(mode, "message") ? FFSCTL_FRAMING_MESSAGES : FFSCTL_FRAMING_STREAM;
	return d->plugin.name && d->plugin.summary && *mode &&
	       parse_uint32(table, "size", &d->plugin.transfer_size) &&
	       parse_uint32(table, "depth", &d->plugin.transfers_per_endpoint) &&
	       parse_uint32(table, "out_length", &d->plugin.out_transfer_length) &&
	       sandbox_permissions_from_json(json_object_get(table, "needs"), &d->plugin.needs) &&
	       parse_option_declarations(d);
}

static int parse_output(const struct plugin_host_process *c, struct plugin_declaration *d,
			struct error *err)
{
	json_t *answer = json_loadb(c->stdout_output.text, c->stdout_output.size,
				    JSON_REJECT_DUPLICATES, NULL);

	d->declaration_json = json_incref(json_object_get(answer, "plugin"));
	json_decref(answer);
	if (parse_declaration(d))
		return 0;
	error_set(err, EX_UNAVAILABLE, EPROTO, c->plugin_path,
		  "cannot read the declaration of plugin %s: invalid format", c->plugin_path);
	return error_add_hint(err, "install ffsctl and ffsctl-worker of the same version");
}

int plugin_declaration_read(const char *plugin, struct plugin_declaration *d, struct error *err)
{
	struct plugin_host_process c = { .stdout_output.pipe_fd = -1, .stderr_output.pipe_fd = -1 };
	_cleanup_free_ char *path = NULL;
	int r = plugin_path_find(plugin, &path, err);

	*d = (struct plugin_declaration){ 0 };
	c.plugin_path = path;
	if (r == 0)
		r = run_plugin_host(&c, err);
	if (r == 0)
		r = check_plugin_host_result(&c, err);
	if (r == 0)
		r = parse_output(&c, d, err);
	if (r < 0)
		plugin_declaration_free(d);
	captured_output_close(&c.stdout_output);
	captured_output_close(&c.stderr_output);
	free(c.stdout_output.text);
	free(c.stderr_output.text);
	return r;
}

void plugin_declaration_free(struct plugin_declaration *d)
{
	json_decref(d->declaration_json);
	free(d->options);
	free(d->option_choices);
	*d = (struct plugin_declaration){ 0 };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts the requests and answers of a control socket to and from JSON; sends requests. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "rundir/control.h"
#include "rundir/json_members.h"
#include "rundir/rundir.h"

/* --- errors as JSON ----------------------------------------------------------------------------
 */

static json_t *integer_or_null(int n)
{
	return n ? json_integer(n) : json_null();
}

json_t *error_to_json(const struct error *err)
{
	_cleanup_free_ char *text = err->text ? error_text(err) : NULL;

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "exit", err->exit, "text",
			 json_string_or_null(text), "path", json_string_or_null(err->path), "errno",
			 integer_or_null(err->errno_value), "file",
			 json_string_or_null(err->gadget_file), "line",
			 integer_or_null((int)err->line), "column",
			 integer_or_null((int)err->column));
}

json_t *error_to_reply(const struct error *err)
{
	json_t *reply = error_to_json(err);

	if (err->hint)
		json_object_set_new(reply, "hint", json_string_or_null(err->hint));
	return reply;
}

/*
 * Sets the hint of an error that has been received. Removes "; HINT" from the end of the error's
 * text, where the sender has added it for older versions of ffsctl.
 */
static void set_hint(struct error *err, const char *hint)
{
	_cleanup_free_ char *end = strf("; %s", hint);

	if (!str_has_suffix(err->text, end))
		return;
	err->text[strlen(err->text) - strlen(end)] = '\0';
	error_add_hint(err, "%s", hint);
}

int error_from_json(struct error *err, const json_t *json)
{
	const char *path = json_string_value(json_object_get(json, "path"));
	const char *text = json_string_value(json_object_get(json, "text"));
	const char *hint = json_string_value(json_object_get(json, "hint"));
	const char *file = json_string_value(json_object_get(json, "file"));
	json_int_t e = json_integer_value(json_object_get(json, "errno"));
	struct position at = { .file = file };

	at.line = (unsigned int)json_integer_value(json_object_get(json, "line"));
	at.column = (unsigned int)json_integer_value(json_object_get(json, "column"));
	error_set(err, (int)json_integer_value(json_object_get(json, "exit")),
		  e > 0 && e <= INT_MAX ? (int)e : 0, path, "%s", text ? text : "?");
	if (hint)
		set_hint(err, hint);
	return error_set_position(err, &at);
}

/* --- requests and answers ----------------------------------------------------------------------
 */

const char *const wait_condition_words[CONDITION_COUNT] = {
	[CONDITION_READY] = "ready",
	[CONDITION_CONFIGURED] = "configured",
	[CONDITION_DISCONNECTED] = "disconnected",
};

#define REQUEST(key, member, kind)                                                                 \
	{                                                                                          \
		.name = key, .offset = offsetof(struct socket_request, member), .type = kind       \
	}
#define ANSWER(key, member, kind)                                                                  \
	{                                                                                          \
		.name = key, .offset = offsetof(struct socket_answer, member), .type = kind        \
	}

/* Initializes a struct json_members; each argument initializes a struct json_member. */
#define MEMBERS(...)                                                                               \
	{                                                                                          \
		(const struct json_member[]){ __VA_ARGS__ },                                       \
			ARRAY_SIZE(((const struct json_member[]){ __VA_ARGS__ }))                  \
	}

static const struct json_members none = { 0 };

static const struct json_members restart_request =
	MEMBERS(REQUEST("function", function, MEMBER_TEXT));
static const struct json_members bind_request = MEMBERS(REQUEST("udc", udc, MEMBER_TEXT));
static const struct json_members wait_request = MEMBERS({
	.name = "for",
	.offset = offsetof(struct socket_request, condition),
	.type = MEMBER_ENUM,
	.enum_names = wait_condition_words,
	.n_enum_names = CONDITION_COUNT,
});
static const struct json_members reload_request = MEMBERS(
	REQUEST("file", file_path, MEMBER_TEXT), REQUEST("renamed", keeps_gadget_name, MEMBER_FLAG),
	REQUEST("force_eject", forces_eject, MEMBER_FLAG),
	REQUEST("timeout", timeout_seconds, MEMBER_SECONDS));
static const struct json_members reexec_request =
	MEMBERS(REQUEST("program", program_path, MEMBER_TEXT));

static const struct json_members restart_answer =
	MEMBERS(ANSWER("later", later_worker, MEMBER_TEXT),
		ANSWER("when", later_worker_starts, MEMBER_TEXT));
static const struct json_members wait_answer =
	MEMBERS(ANSWER("by_udc", configured_by_udc, MEMBER_FLAG));
static const struct json_members bus_answer =
	MEMBERS(ANSWER("changed", gadget_changed, MEMBER_FLAG), ANSWER("udc", udc, MEMBER_TEXT));
static const struct json_members reload_answer = MEMBERS(
	ANSWER("changed", gadget_changed, MEMBER_FLAG), ANSWER("rebound", rebound, MEMBER_FLAG),
	ANSWER("awaits", awaited_udc, MEMBER_TEXT), ANSWER("due", bind_is_due, MEMBER_FLAG));

/* The strings that a struct socket_answer owns. */
static const struct json_members answer_texts =
	MEMBERS(ANSWER("udc", udc, MEMBER_TEXT), ANSWER("awaits", awaited_udc, MEMBER_TEXT),
		ANSWER("later", later_worker, MEMBER_TEXT),
		ANSWER("when", later_worker_starts, MEMBER_TEXT));

#define COMMAND(NAME, name, word, request, answer) [COMMAND_##NAME] = { word, &request, &answer },
static const struct {
	const char *word;
	const struct json_members *request, *answer;
} commands[COMMAND_COUNT] = { [COMMAND_UNKNOWN] = { NULL, &none, &none },
			      CONTROL_COMMANDS(COMMAND) };

static enum control_command command_from_word(const char *word)
{
	for (enum control_command i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].word && streq_null(word, commands[i].word))
			return i;
	return COMMAND_UNKNOWN;
}

int socket_request_parse(const char *text, size_t size, struct socket_request *request,
			 struct error *err)
{
	json_t *json = json_loadb(text, size, 0, NULL);
	const char *wrong;
	int r = 0;

	*request = (struct socket_request){ .command = command_from_word(
						    json_text(json, "command", NULL)) };
	wrong = json_members_read(commands[request->command].request, request, json);
	if (!json_is_object(json))
		r = error_set(err, EX_USAGE, EBADMSG, NULL, "the command is not a JSON object");
	else if (wrong)
		r = error_set(err, EX_USAGE, EBADMSG, NULL, "the command has an invalid '%s'",
			      wrong);
	json_decref(json);
	return r;
}

void socket_request_free(struct socket_request *request)
{
	json_members_free(commands[request->command].request, request);
}

char *socket_request_to_text(const struct socket_request *request)
{
	json_t *json = json_pack("{s:s}", "command", commands[request->command].word);
	char *text = NULL;

	if (json_members_write(commands[request->command].request, request, json))
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

char *socket_answer_to_text(enum control_command command, const struct socket_answer *answer,
			    const struct error *err)
{
	json_t *json = err && err->exit ? error_to_reply(err) : json_pack("{s:i}", "exit", 0);
	char *text;

	if (answer && !(err && err->exit))
		json_members_write(commands[command].answer, answer, json);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

int socket_answer_parse(enum control_command command, const char *text, size_t size,
			struct socket_answer *answer, struct error *err)
{
	json_t *json = json_loadb(text, size, 0, NULL);
	const json_t *code = json_object_get(json, "exit");
	json_int_t exit = json_integer_value(code);
	const char *wrong;
	int r = 0;

	*answer = (struct socket_answer){ 0 };
	wrong = json_members_read(commands[command].answer, answer, json);
	if (!json_is_integer(code) || exit < 0 || exit > 255 || wrong)
		r = error_set(err, EX_PROTOCOL, EBADMSG, NULL, "the supervisor's reply is invalid");
	else if (exit)
		r = error_from_json(err, json);
	json_decref(json);
	return r;
}

void socket_answer_free(struct socket_answer *answer)
{
	json_members_free(&answer_texts, answer);
}

int control_socket_address(struct sockaddr_un *address, const char *path, struct error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return error_set(err, EX_USAGE, ENAMETOOLONG, path,
				 "the path %s is too long for a socket", path);
	strcpy(address->sun_path, path);
	return 0;
}

/* --- the client ----------------------------------------------------------------------------
 */

pid_t control_listener_pid(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s/" RUNDIR_CONTROL, paths->run_dir, name);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	_cleanup_error_ struct error ignored = { 0 };
	struct sockaddr_un address;
	struct ucred peer;

	if (fd < 0 || control_socket_address(&address, path, &ignored) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fd_peer_credentials(fd, &peer) < 0)
		return 0;
	return peer.pid;
}

/* Fails if a signal (SIGSTOP) has stopped the supervisor, because it would never reply. */
static int check_supervisor_not_sigstopped(int fd, const char *name, struct error *err)
{
	struct ucred peer;

	if (fd_peer_credentials(fd, &peer) < 0 || peer.pid <= 0 || !process_is_stopped(peer.pid))
		return 0;
	error_set(err, EX_TEMPFAIL, EAGAIN, NULL,
		  "the supervisor of '%s' (pid %d) is stopped by a signal", name, (int)peer.pid);
	return error_add_hint(err, "'kill -CONT %d' resumes it", (int)peer.pid);
}

/* A supervisor that can answer at once gets this time for it. */
#define ANSWER_SECONDS 0.1
/* In effect no limit, and fits into a time_t of 32 bits. */
#define NO_LIMIT_SECONDS 1e9

static int send_request(const struct paths *paths, const char *name,
			const struct socket_request *request, const struct timespec *limit,
			const sigset_t *mask, struct socket_answer *answer, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s/" RUNDIR_CONTROL, paths->run_dir, name);
	_cleanup_free_ char *text = socket_request_to_text(request);
	_cleanup_free_ char *reply = xcalloc(1, CONTROL_MESSAGE_MAX);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	ssize_t n;
	int r = control_socket_address(&address, path, err);

	*answer = (struct socket_answer){ 0 };
	if (r < 0)
		return r;
	if (!text)
		return error_set(err, EX_USAGE, EILSEQ, NULL, "the given name is not UTF-8");
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return -errno;
		r = errno;
		error_errno(err, r == EACCES || r == EPERM ? EX_NOPERM : EX_OSERR, r, path,
			    "cannot reach the supervisor of '%s'", name);
		return err->exit == EX_NOPERM ? error_add_root_hint(err) : -r;
	}
	if (!limit && check_supervisor_not_sigstopped(fd, name, err) < 0)
		return -err->errno_value;
	n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	/*
	 * A supervisor with too many clients sends an error and closes the connection at once. Then
	 * send fails with EPIPE, or the first recv fails with ECONNRESET; a further recv still
	 * returns the error of the supervisor.
	 */
	if (limit && n >= 0) {
		struct pollfd answered = { .fd = fd, .events = POLLIN };
		int ready = ppoll(&answered, 1, limit, mask);

		if (ready <= 0)
			return ready == 0 ? -ETIMEDOUT : -errno;
	}
	if (n >= 0 || errno == EPIPE)
		n = recv(fd, reply, CONTROL_MESSAGE_MAX, 0);
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, reply, CONTROL_MESSAGE_MAX, 0);
	if (n <= 0)
		return error_set(err, EX_OSERR, ECONNRESET, path,
				 "the supervisor of '%s' ended before it replied", name);
	return socket_answer_parse(request->command, reply, (size_t)n, answer, err);
}

int control_ask_supervisor(const struct paths *paths, const char *name,
			   const struct socket_request *request, struct socket_answer *answer,
			   struct error *err)
{
	_cleanup_answer_ struct socket_answer ignored = { 0 };

	return send_request(paths, name, request, NULL, NULL, answer ? answer : &ignored, err);
}

int control_ask_supervisor_timed(const struct paths *paths, const char *name,
				 const struct socket_request *request, double seconds,
				 const sigset_t *mask, struct socket_answer *answer,
				 struct error *err)
{
	double t = seconds < ANSWER_SECONDS	? ANSWER_SECONDS
		   : seconds < NO_LIMIT_SECONDS ? seconds
						: NO_LIMIT_SECONDS;
	struct timespec limit = { .tv_sec = (time_t)t };

	limit.tv_nsec = (long)((t - (double)limit.tv_sec) * 1e9);
	return send_request(paths, name, request, &limit, mask, answer, err);
}

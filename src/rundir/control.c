/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts errors to and from JSON for both ends of a control socket; sends commands as the client.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

/* --- errors as JSON ----------------------------------------------------------------------------
 */

static json_t *integer_or_null(int n)
{
	return n ? json_integer(n) : json_null();
}

json_t *error_to_json(const struct error *err)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "exit", err->exit, "text",
			 json_string_or_null(err->text), "path", json_string_or_null(err->path),
			 "errno", integer_or_null(err->err), "file", json_string_or_null(err->file),
			 "line", integer_or_null((int)err->line), "column",
			 integer_or_null((int)err->column));
}

int error_from_json(struct error *err, const json_t *json)
{
	const char *path = json_string_value(json_object_get(json, "path"));
	const char *text = json_string_value(json_object_get(json, "text"));
	const char *file = json_string_value(json_object_get(json, "file"));
	struct position at = { .file = file };

	at.line = (unsigned int)json_integer_value(json_object_get(json, "line"));
	at.column = (unsigned int)json_integer_value(json_object_get(json, "column"));
	error_set(err, (int)json_integer_value(json_object_get(json, "exit")),
		  (int)json_integer_value(json_object_get(json, "errno")), path, "%s",
		  text ? text : "?");
	return error_at(err, &at);
}

int control_address(struct sockaddr_un *address, const char *path, struct error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return error_set(err, EX_USAGE, ENAMETOOLONG, path,
				 "the path %s is too long for a socket", path);
	strcpy(address->sun_path, path);
	return 0;
}

/* --- the client end ----------------------------------------------------------------------------
 */

pid_t control_owner(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s/" RUNDIR_CONTROL, paths->run_dir, name);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	_cleanup_error_ struct error ignored = { 0 };
	struct sockaddr_un address;
	struct ucred peer;

	if (fd < 0 || control_address(&address, path, &ignored) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || fd_peer(fd, &peer) < 0)
		return 0;
	return peer.pid;
}

/* Fails when the supervisor is stopped (SIGSTOP): it would never reply. */
static int check_stopped(int fd, const char *name, struct error *err)
{
	struct ucred peer;

	if (fd_peer(fd, &peer) < 0 || peer.pid <= 0 || !process_is_stopped(peer.pid))
		return 0;
	error_set(err, EX_TEMPFAIL, EAGAIN, NULL, "the supervisor of '%s' (pid %d) is stopped",
		  name, (int)peer.pid);
	return error_hint(err, "'kill -CONT %d' resumes it", (int)peer.pid);
}

static int ask(const struct paths *paths, const char *name, const json_t *command,
	       const struct timeval *limit, json_t **reply_json, struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s/" RUNDIR_CONTROL, paths->run_dir, name),
			    *text = NULL;
	_cleanup_free_ char *reply = xcalloc(1, CONTROL_MESSAGE_MAX);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	json_t *json;
	ssize_t n;
	int r = control_address(&address, path, err);

	if (r < 0)
		return r;
	/* json_pack returns NULL for text that is not UTF-8. */
	if (!command)
		return error_set(err, EX_USAGE, EILSEQ, NULL, "the given name is not UTF-8");
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return -errno;
		r = errno;
		error_errno(err, r == EACCES || r == EPERM ? EX_NOPERM : EX_OSERR, r, path,
			    "cannot reach the supervisor of '%s'", name);
		return err->exit == EX_NOPERM ? error_hint(err, "this needs root") : -r;
	}
	if (!limit && check_stopped(fd, name, err) < 0)
		return -err->err;
	if (limit && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, limit, sizeof(*limit)) < 0)
		return error_errno(err, EX_OSERR, errno, path, "cannot set a time limit for %s",
				   path);
	text = json_dumps(command, JSON_COMPACT);
	n = send(fd, text, strlen(text), MSG_NOSIGNAL);
	/*
	 * A supervisor with too many clients sends an error and closes at once. Then send fails
	 * with EPIPE, or the first recv with ECONNRESET, and the error can still be read.
	 */
	if (n >= 0 || errno == EPIPE)
		n = recv(fd, reply, CONTROL_MESSAGE_MAX, 0);
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, reply, CONTROL_MESSAGE_MAX, 0);
	if (n < 0 && limit && (errno == EAGAIN || errno == EINTR))
		return errno == EAGAIN ? -ETIMEDOUT : -EINTR;
	if (n <= 0)
		return error_set(err, EX_OSERR, ECONNRESET, path,
				 "the supervisor of '%s' ended before it replied", name);
	json = json_loadb(reply, (size_t)n, 0, NULL);
	r = json_integer_value(json_object_get(json, "exit")) ? error_from_json(err, json) : 0;
	if (r == 0 && reply_json)
		*reply_json = json_incref(json);
	json_decref(json);
	return r;
}

int control_command(const struct paths *paths, const char *name, const json_t *command,
		    struct error *err)
{
	return ask(paths, name, command, NULL, NULL, err);
}

int control_ask(const struct paths *paths, const char *name, const json_t *command, json_t **reply,
		struct error *err)
{
	return ask(paths, name, command, NULL, reply, err);
}

int control_wait(const struct paths *paths, const char *name, const json_t *command, double seconds,
		 struct error *err)
{
	/* SO_RCVTIMEO of 0 means no limit; 1e9 s is practically none. */
	double t = seconds < 0 ? 0 : seconds < 1e9 ? seconds : 1e9;
	struct timeval limit = { .tv_sec = (time_t)t };

	limit.tv_usec = (suseconds_t)((t - (double)limit.tv_sec) * 1e6);
	if (limit.tv_sec == 0 && limit.tv_usec == 0)
		limit.tv_usec = 1;
	return ask(paths, name, command, &limit, NULL, err);
}

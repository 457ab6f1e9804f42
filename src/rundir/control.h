/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol of the control socket of a supervisor, RUN/NAME/control: AF_UNIX SOCK_SEQPACKET, one
 * JSON object per packet. The client sends one command; the supervisor replies when it is done.
 *
 *   {"command": "down"}
 *   {"command": "restart", "function": "echo"}
 *   {"command": "bind", "udc": "dummy_udc.0"}         reply: also "udc" and "changed"
 *   {"command": "unbind"}                             reply: also "udc" and "changed"
 *   {"command": "wait", "for": "ready"}               or "configured", "disconnected"
 *   {"command": "wait-host"}
 *   {"command": "reload", "file": "/path", "renamed": false, "timeout": 30}
 *                                                     reply: also "changed" and "rebound"
 *   {"command": "reexec", "program": "/path/of/ffsctl"}
 *
 * The reply is {"exit": 0}, or an error as error_to_json makes it. Root and members of the group of
 * --group may send commands; the latter cannot name files that root would load or execute.
 */
#pragma once

#include <jansson.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/paths.h"

#define CONTROL_MESSAGE_MAX 65536

/* Makes a socket address of `path`; EX_USAGE when the path is too long. */
int control_address(struct sockaddr_un *address, const char *path, struct error *err);

/* Returns {"exit", "text", "path", "errno", "file", "line", "column"}, unknown values as null. The
 * caller owns it. */
json_t *error_to_json(const struct error *err);
/* Sets `err` from such an object; returns its -errno. */
int error_from_json(struct error *err, const json_t *json);

/* Returns the pid of the process that listens on the control socket, independent of the lock; 0
 * when the socket cannot be connected to. */
pid_t control_owner(const struct paths *paths, const char *name);

/*
 * Sends a command and waits for its reply. -ECONNREFUSED or -ENOENT without text when there is no
 * supervisor; -ECONNRESET with text when it ended before it replied.
 */
int control_command(const struct paths *paths, const char *name, const json_t *command,
		    struct error *err);
/* Does the same as control_command, and returns the reply, which the caller owns. */
int control_ask(const struct paths *paths, const char *name, const json_t *command, json_t **reply,
		struct error *err);
/* Does the same as control_command, but waits at most `seconds`: then -ETIMEDOUT, or -EINTR after a
 * signal, both without text. */
int control_wait(const struct paths *paths, const char *name, const json_t *command, double seconds,
		 struct error *err);

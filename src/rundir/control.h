/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands to a running supervisor: RUN/NAME/control, AF_UNIX SOCK_SEQPACKET, one JSON document a
 * packet. {"command": "down"}, {"command": "restart", "function": "echo"}, {"command": "bind",
 * "udc": "dummy_udc.0"}, {"command": "unbind"}, {"command": "wait", "for": "ready"} (or
 * "configured", "disconnected"), {"command": "wait-host"} or {"command": "reload", "file": "/path",
 * "renamed": false, "timeout": 30} or {"command": "reexec", "program": "/path/of/ffsctl"}; answered
 * by {"exit": 0} (bind and unbind: also "udc" and "changed"; reload: "changed" and "rebound") or an
 * error of `--json`'s form (ffsctl(8)), when it is done. Root is answered, and whoever is in the group of
 * --group, who may not name what root would load or execute then.
 */
#pragma once

#include <jansson.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/paths.h"

#define CONTROL_MESSAGE_MAX 65536

/* EX_USAGE when the path is too long for a socket. */
int control_address(struct sockaddr_un *address, const char *path, struct error *err);

/* {"exit", "text", "path", "errno", "file", "line", "column"}; what is unknown is null. */
json_t *error_to_json(const struct error *err);
/* The reverse; returns -errno. */
int error_from_json(struct error *err, const json_t *json);

/* Who answers there, whatever the lock says; 0: nobody, or nobody whom we may ask. */
pid_t control_owner(const struct paths *paths, const char *name);

/*
 * The other side: sends a command and waits for its answer. -ECONNREFUSED or -ENOENT without text
 * when there is no supervisor; -ECONNRESET with text when it died before it answered.
 */
int control_command(const struct paths *paths, const char *name, const json_t *command,
		    struct error *err);
/* The same, with the answer to it, which the caller owns. */
int control_ask(const struct paths *paths, const char *name, const json_t *command, json_t **reply,
		struct error *err);
/* As control_command for at most so many seconds. -ETIMEDOUT, or -EINTR after a signal, without
 * text. */
int control_wait(const struct paths *paths, const char *name, const json_t *command, double seconds,
		 struct error *err);

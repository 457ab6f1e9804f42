/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands to a running supervisor: RUN/NAME/control, AF_UNIX SOCK_SEQPACKET, one JSON document a
 * packet. {"command": "down"}, {"command": "restart", "function": "echo"}, {"command": "bind",
 * "udc": "dummy_udc.0"}, {"command": "unbind"}, {"command": "wait", "for": "ready"} (or
 * "configured", "disconnected"), {"command": "wait-host"} or {"command": "reload", "file": "/path",
 * "renamed": false, "timeout": 30} or {"command": "reexec", "program": "/path/of/ffsctl"}; answered
 * by {"exit": 0} (bind and unbind: also "udc" and "changed"; reload: "changed" and "rebound") or an
 * error of cli.md's form, when it is done. Root is answered, and whoever is in the group of
 * --group, who may not name what root would load or execute then.
 */
#pragma once

#include <jansson.h>

#include "base/loop.h"
#include "supervise/rundir.h"

#define CONTROL_CLIENTS 32
#define CONTROL_WAITS 16 /* of these: what changes nothing, and may last for ever */
/* Of both kinds: what only root gets, so that no member of the group keeps it from its gadgets. */
#define CONTROL_FOR_ROOT 8
/* What one user of the group may have of them. */
#define CONTROL_PER_USER 8
/* Seconds in which a client has to give its command. */
#define CONTROL_PATIENCE 5

struct supervisor;
struct control;

struct control_client {
	struct control *control;
	struct source source; /* fd -1: free place */
	bool is_root;	      /* or the user that we are, who need not be */
	uid_t uid;
	double deadline; /* monotonic; while it is idle */
	enum {
		CLIENT_IDLE,
		CLIENT_WAITS_DOWN,
		CLIENT_WAITS_RESTART,
		CLIENT_WAITS_BIND,
		CLIENT_WAITS_RELOAD,
		CLIENT_WAITS_READY, /* from here on they only wait */
		CLIENT_WAITS_HOST,
		CLIENT_WAITS_NO_HOST,
	} waits;
	char *function; /* whose restart it waits for; NULL: all */
};

struct control {
	struct supervisor *supervisor;
	struct source listener, timer;
	int spare; /* a descriptor for whoever comes when there is no other; owned */
	struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control, struct supervisor *supervisor);
int control_listen(struct control *control, const struct rundir *rundir, struct error *err);
void control_close(struct control *control);
/* Answers those whose wait is over. The status is written first: who is answered may read it. */
void control_update(struct control *control);
/*
 * The supervisor is about to become another program, which knows of none of its clients: tells all
 * but the one of that descriptor to ask again.
 */
void control_send_away(struct control *control, int but_fd);
/* Takes back the bind that nobody waits for any more, also before the loop has told of the end. */
void control_look_for_binders(struct control *control);
/* Answers every client that waits for the end: with the error, or 0 if there is none (also NULL).
 */
void control_answer_down(struct control *control, const struct error *err);

/* Answers a command by its socket, which is closed: with the error, or 0. */
void control_answer_to(int fd, const struct error *err);

/* {"exit", "text", "path", "errno", "file", "line", "column"}; what is unknown is null. */
json_t *error_to_json(const struct error *err);
/* The reverse; returns -errno. */
int error_from_json(struct error *err, const json_t *json);

/* Who answers there, whatever the lock says; 0: nobody, or nobody whom we may ask. */
pid_t control_owner(const struct world *world, const char *name);

/*
 * The other side: sends a command and waits for its answer. -ECONNREFUSED or -ENOENT without text
 * when there is no supervisor; -ECONNRESET with text when it died before it answered.
 */
int control_command(const struct world *world, const char *name, const json_t *command,
		    struct error *err);
/* The same, with the answer to it, which the caller owns. */
int control_ask(const struct world *world, const char *name, const json_t *command, json_t **reply,
		struct error *err);
/* As control_command for at most so many seconds. -ETIMEDOUT, or -EINTR after a signal, without
 * text. */
int control_wait(const struct world *world, const char *name, const json_t *command, double seconds,
		 struct error *err);

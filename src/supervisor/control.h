/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's end of its control socket (rundir/control.h). */
#pragma once

#include "base/loop.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define CONTROL_CLIENTS 32
#define CONTROL_WAITS 16 /* of these: what changes nothing, and may last for ever */
/* Of both kinds: what only root gets, so that no member of the group keeps it from its gadgets. */
#define CONTROL_FOR_ROOT 8
/* What one user of the group may have of them. */
#define CONTROL_PER_USER 8
/* Seconds in which a client must give its command. */
#define CONTROL_PATIENCE 5

struct supervisor;
struct control;

struct control_client {
	struct control *control;
	struct fd_watch source; /* fd -1: free place */
	bool is_root;		/* or the user that we are, who need not be */
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
	struct fd_watch listener, timer;
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
/* Answers every client that waits for the end: with the error, or 0 without one (also NULL).
 */
void control_answer_down(struct control *control, const struct error *err);

/* Answers a command by its socket, which is closed: with the error, or 0. */
void control_answer_to(int fd, const struct error *err);

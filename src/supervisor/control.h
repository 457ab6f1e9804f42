/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's side of its control socket (rundir/control.h). */
#pragma once

#include "base/loop.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define CONTROL_CLIENTS 32
#define CONTROL_WAITS 16 /* maximum of clients that only wait, perhaps without a time limit */
/* Additional slots of both kinds for root, so that members of the group cannot block root. */
#define CONTROL_FOR_ROOT 8
/* Maximum of clients of one user of the group. */
#define CONTROL_PER_USER 8
/* Seconds that a client must send its command. */
#define CONTROL_PATIENCE 5

struct binding;
struct control;
struct live_gadget;
struct reloader;
struct switcher;
struct takeover;

struct control_client {
	struct control *control;
	struct fd_watch source; /* fd -1: the slot is free */
	bool is_root;		/* root, or the user of the supervisor if that is not root */
	uid_t uid;
	double deadline; /* monotonic; used while idle */
	enum {
		CLIENT_IDLE,
		CLIENT_WAITS_DOWN,
		CLIENT_WAITS_RESTART,
		CLIENT_WAITS_BIND,
		CLIENT_WAITS_RELOAD,
		CLIENT_WAITS_READY, /* the clients in this state and the following ones only wait */
		CLIENT_WAITS_HOST,
		CLIENT_WAITS_NO_HOST,
	} waits;
	char *function; /* label of the function that it restarts; NULL: all */
};

struct control {
	/* The components that commands are for. */
	struct live_gadget *live;
	struct binding *binding;
	struct reloader *reloader;
	struct switcher *switcher;
	struct takeover *takeover;
	gid_t group; /* --group: its members may send commands; 0: only root may */

	struct fd_watch listener, timer;
	int spare; /* spare descriptor, to accept and refuse a client when none is free; owned */
	struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control, struct live_gadget *live, struct binding *binding,
		  struct reloader *reloader, struct switcher *switcher, struct takeover *takeover);
int control_listen(struct control *control, const struct rundir *rundir, struct error *err);
void control_close(struct control *control);
/*
 * Answers clients whose command is done. Must be called after the status was written, because the
 * client may read it at once.
 */
void control_update(struct control *control);
/*
 * Answers all clients except that of `but_fd` with an error: try again. Called before the
 * supervisor executes another program, which does not know its clients.
 */
void control_refuse_all(struct control *control, int but_fd);
/* Cancels the bind of clients that closed their connection, even before the loop reports it. */
void control_drop_closed_binds(struct control *control);
/*
 * Answers every client that waits for the end of the gadget: with `err`, or with success if `err`
 * is empty or NULL.
 */
void control_answer_down(struct control *control, const struct error *err);

/* Answers a command with `err`, or with success if it is empty, and closes its socket. */
void control_answer_to(int fd, const struct error *err);

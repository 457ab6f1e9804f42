/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receives and answers the commands that clients send to the control socket (rundir/control.h). */
#pragma once

#include "base/loop.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define CONTROL_CLIENTS 32
#define CONTROL_WAITS 16 /* maximum of clients that only wait, perhaps without a time limit */
/*
 * How many of CONTROL_CLIENTS and of CONTROL_WAITS only root can use, so that members of the group
 * cannot block root.
 */
#define CONTROL_FOR_ROOT 8
/* Maximum of clients of one user of the group. */
#define CONTROL_PER_USER 8
/* Seconds within which a client must send its command. */
#define CONTROL_COMMAND_SECONDS 5

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
	double deadline; /* monotonic time until which the command must arrive */
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
	char *function; /* label of the function whose worker is restarted; NULL: all workers */
};

struct control {
	/* The components that execute the commands. */
	struct live_gadget *live;
	struct binding *binding;
	struct reloader *reloader;
	struct switcher *switcher;
	struct takeover *takeover;
	gid_t group; /* --group: its members may send commands; 0: only root may */

	struct fd_watch listener, timer;
	/* Closed to accept and refuse a client when no other descriptor is free; owned. */
	int spare_fd;
	struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control, struct live_gadget *live, struct binding *binding,
		  struct reloader *reloader, struct switcher *switcher, struct takeover *takeover);
int control_listen(struct control *control, const struct rundir *rundir, struct error *err);
void control_close(struct control *control);
/*
 * Answers clients whose command is done. Must be called after the status was written, because a
 * client may read the status as soon as it has the answer.
 */
void control_update(struct control *control);
/*
 * Answers all clients except the one at the socket `except_fd` with an error and the hint to try
 * again. Called before the supervisor executes another program, which does not know these clients.
 */
void control_refuse_all(struct control *control, int except_fd);
/* Cancels binds whose clients have closed their connection, without waiting for the event loop. */
void control_drop_closed_binds(struct control *control);
/*
 * Answers every client that waits for the end of the gadget: with `err`, or with success if `err`
 * is empty or NULL.
 */
void control_answer_down(struct control *control, const struct error *err);

/* Answers a command with `err`, or with success if `err` is empty. Closes the socket `fd`. */
void control_answer_to(int fd, const struct error *err);

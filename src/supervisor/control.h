/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receives and answers the commands that clients send to the control socket (rundir/control.h). */
#pragma once

#include "base/loop.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define CONTROL_CLIENTS 32 /* maximum number of connected clients */
#define CONTROL_WAITS 16   /* maximum number of clients of `wait` and `wait-host` */
/*
 * Number of CONTROL_CLIENTS, and of CONTROL_WAITS, that are reserved for root, so that members of
 * the group of --group cannot block root.
 */
#define CONTROL_FOR_ROOT 8
/* Maximum number of clients of one user, if the user is not root. */
#define CONTROL_PER_USER 8
/* Seconds within which a client must send its command. */
#define CONTROL_COMMAND_SECONDS 5

struct binding;
struct control_server;
struct live_gadget;
struct reloader;
struct switcher;
struct takeover;

struct control_client {
	struct control_server *control;
	struct fd_watch watch; /* watch of the client's socket; fd -1: this slot is free */
	bool is_root; /* the client is root, or the user of a supervisor that is not root */
	uid_t uid;
	double command_arrival_deadline; /* monotonic time until which the command must arrive */
	enum {
		CLIENT_IDLE,
		CLIENT_WAITS_DOWN,
		CLIENT_WAITS_RESTART,
		CLIENT_WAITS_BIND,
		CLIENT_WAITS_RELOAD,
		/* This state and the following ones: clients of `wait` and `wait-host`. */
		CLIENT_WAITS_READY,
		CLIENT_WAITS_HOST,
		CLIENT_WAITS_NO_HOST,
	} waits_for;
	char *function_label; /* label of the function whose worker is restarted; NULL: all workers
			       */
};

struct control_server {
	/* The components that execute the commands. */
	struct live_gadget *live;
	struct binding *binding;
	struct reloader *reloader;
	struct switcher *switcher;
	struct takeover *takeover;
	gid_t gid_allowed_to_control; /* --group, whose members may send commands; 0: only root */

	struct fd_watch listener, command_arrival_timer;
	/*
	 * A file descriptor that is open only to be closed when the process has reached its limit
	 * of file descriptors: then a client can be accepted, and gets an error. Owned.
	 */
	int spare_fd;
	struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control_server *control, struct live_gadget *live, struct binding *binding,
		  struct reloader *reloader, struct switcher *switcher, struct takeover *takeover);
int control_listen(struct control_server *control, const struct rundir *rundir, struct error *err);
void control_close(struct control_server *control);
/*
 * Answers clients whose command is done. Must be called after the status was written, because a
 * client may read the status as soon as it has the answer.
 */
void control_answer_finished_commands(struct control_server *control);
/*
 * Answers all clients except the one at the socket `except_fd` with an error and the hint to try
 * again. Called before the supervisor executes another program, which does not know these clients.
 */
void control_refuse_all(struct control_server *control, int except_fd);
/* Cancels binds whose clients have closed their connection, without waiting for the event loop. */
void control_cancel_binds_of_closed_clients(struct control_server *control);
/*
 * Answers every client that waits for the end of the gadget: with `err`, or with success if `err`
 * is empty or NULL.
 */
void control_answer_down(struct control_server *control, const struct error *err);

/* Answers a command with `err`, or with success if `err` is empty. Closes the socket `fd`. */
void control_answer_and_close_socket(int fd, const struct error *err);

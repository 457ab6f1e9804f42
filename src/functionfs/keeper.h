/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a small process for each function that has a worker or a FunctionFS instance. It owns
 * ep0 for two reasons. First, data stages block even if ep0 is non-blocking (f_fs.c,
 * __ffs_ep0_queue_wait): a host could block the supervisor. Second, the function exists only as
 * long as ep0 is open. The keeper is also the peer of the worker's control socket, so that the
 * worker can answer control requests while no supervisor runs.
 *
 * The keeper sends EVENT, SETUP and DATA to the worker and handles its ACCEPT, STALL and DATA. It
 * stalls a SETUP that the worker does not answer in time. It forwards all other messages of the
 * worker to the supervisor, and PING and STOP from the supervisor to the worker. Messages between
 * keeper and supervisor have the format of ffsctl/control.h, too. Their meaning does not change
 * between versions of ffsctl: a new supervisor can take over the keeper of an old one.
 *
 * When its supervisor dies, the keeper listens on a socket in the run directory for the next
 * supervisor. If none connects within the time of KEEPER_MSG_TAKEOVER_WAIT, the keeper kills the
 * worker and exits, which closes ep0 and so unbinds the gadget.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "functionfs/link_state.h"

struct ffs;

/*
 * Time limit for the worker's answer to a SETUP (ffsctl-worker(7)), unless
 * KEEPER_MSG_CONTROL_TIMEOUT sets another one. For standard requests it is the longest one
 * (USB 2.0, 9.2.6.4).
 */
#define KEEPER_SETUP_DEADLINE_MS 500
/*
 * Shorter time limit for the next SETUP, if the worker did not answer a SETUP and the host has
 * cancelled it.
 */
#define KEEPER_SETUP_SHORT_DEADLINE_MS 100

/* Message types in addition to enum ffsctl_msg_type. */
enum keeper_msg {
	/*
	 * To the keeper: a worker has started. Body: struct keeper_worker_info. File descriptors:
	 * the keeper's end of the worker's control socket, the worker's pidfd (optional), the read
	 * end of the worker's output pipe (optional).
	 */
	KEEPER_MSG_WORKER = 128,
	/*
	 * To the keeper: the file current_speed of the UDC, which the keeper reads at ENABLE
	 * (link_speed.h). File descriptor: the open file.
	 */
	KEEPER_MSG_SPEED_FILE = 129,
	/* To the keeper: time to wait for the next supervisor. Body: uint32_t, milliseconds. */
	KEEPER_MSG_TAKEOVER_WAIT = 130,
	/*
	 * To the keeper, after KEEPER_MSG_WORKER: how it can kill the worker's process group. File
	 * descriptor: a pipe; when the keeper writes a byte to it, the kernel sends SIGKILL to the
	 * group.
	 */
	KEEPER_MSG_WORKER_KILL_PIPE = 131,
	/*
	 * To the keeper: time limit for the worker's answer to a control request. Body: uint32_t,
	 * milliseconds.
	 */
	KEEPER_MSG_CONTROL_TIMEOUT = 132,
	/*
	 * To the keeper: the longest transfer of the UDC (struct ffsctl_event). Body: uint32_t,
	 * KiB.
	 */
	KEEPER_MSG_MAX_TRANSFER = 133,

	/*
	 * To the keeper: the worker has ended. From the keeper, as the answer: all messages of that
	 * worker have been forwarded.
	 */
	KEEPER_MSG_NO_WORKER = 144,

	/* From the keeper: the keeper is ready, and can be taken over. */
	KEEPER_MSG_STARTED = 159,
	/*
	 * From the keeper: first message to a supervisor that has connected. Body: struct
	 * keeper_hello. File descriptors: the worker's pidfd and output pipe (both optional).
	 */
	KEEPER_MSG_HELLO = 160,
	/*
	 * From the keeper: the worker did not answer a control request in time, or has now answered
	 * one that was reported before. Body: struct late_request (control_request.h).
	 */
	KEEPER_MSG_LATE = 161,
};

/* Body of KEEPER_MSG_WORKER. */
struct keeper_worker_info {
	int32_t pid;	   /* pid of the worker; 0: there is none */
	uint8_t has_pidfd; /* 1: the message has a pidfd; 0: only the worker's parent can notice
			      that  the worker has ended */
	uint8_t has_output_pipe; /* 1: the message has an output pipe */
	uint16_t reserved;	 /* 0 */
};

/* Body of KEEPER_MSG_HELLO. Supervisors of other versions read it, too: it keeps its size. */
struct keeper_hello {
	struct keeper_worker_info worker;
	struct link_state link_state;
};

_Static_assert(sizeof(struct keeper_hello) == 12, "other versions do not take over such keepers");

/* A keeper, as its supervisor sees it. */
struct keeper {
	pid_t pid;	 /* pid of the keeper; 0: there is none */
	int socket;	 /* SOCK_SEQPACKET, non-blocking; -1: none */
	bool taken_over; /* the keeper is not our child: `pidfd`, not SIGCHLD, reports its end */
	int pidfd;	 /* pidfd of a keeper that was taken over; -1: none */
};

#define KEEPER_NONE ((struct keeper){ .socket = -1, .pidfd = -1 })

/*
 * Forks a keeper, a child of the caller, and passes `ep0` (-1: none) to it. Closes `ep0` in the
 * caller, also on failure. `ffs` is the model whose descriptors were written to `ep0`. `label` is
 * the label of the function. `path` is the socket to which the next supervisor connects.
 */
int keeper_start(struct keeper *keeper, int ep0, const struct ffs *ffs, const char *label,
		 const char *path, struct error *err);

/*
 * Takes over the keeper that listens at `path`. Stores the pidfd and the output pipe of the
 * keeper's worker (-1: none), which the caller then owns. Interrupts a data stage in which the
 * keeper waits. Waits for the keeper at most about a second. Returns 0 or a negative errno.
 */
int keeper_take_over(struct keeper *keeper, const char *path, struct keeper_hello *hello,
		     int *worker_pidfd, int *output);

/* The following functions send a message to the keeper; false: the keeper has ended. */
bool keeper_send_worker(const struct keeper *keeper, pid_t pid, int control, int pidfd, int output);
bool keeper_set_speed_file(const struct keeper *keeper, const char *path);
bool keeper_set_max_transfer(const struct keeper *keeper, uint32_t kib);
bool keeper_set_takeover_wait(const struct keeper *keeper, double seconds);
bool keeper_set_control_timeout(const struct keeper *keeper, double seconds);

/* Interrupts a data stage in which the keeper waits or is about to wait. */
void keeper_interrupt_control_request(const struct keeper *keeper);

/*
 * Sends SIGKILL to the keeper, even if it waits in a data stage. Does not wait until it has ended.
 */
void keeper_send_sigkill(const struct keeper *keeper);
/* Returns whether the keeper has ended, so that ep0 is closed. Returns true for KEEPER_NONE. */
bool keeper_has_ended(const struct keeper *keeper);
/* Closes the file descriptors of *keeper and sets *keeper to KEEPER_NONE. The keeper keeps
   running. */
void keeper_close_fds(struct keeper *keeper);
/*
 * Kills the keeper, waits at most 5 s until it has ended, and calls keeper_close_fds(). Returns
 * false if the keeper has not ended in this time.
 */
bool keeper_kill_and_wait(struct keeper *keeper);

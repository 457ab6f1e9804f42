/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a small process for each function that has a worker or a FunctionFS instance. It owns
 * ep0 for two reasons: data stages of ep0 block even if it is non-blocking (f_fs.c,
 * __ffs_ep0_queue_wait), so that a host could block the supervisor; and the function exists as long
 * as ep0 is open. It is also the peer of the worker's control socket, so that control requests are
 * answered while the supervisor is dead.
 *
 * The keeper sends EVENT, SETUP and DATA to the worker and handles its ACCEPT, STALL and DATA. It
 * stalls a SETUP that is not answered in time. It forwards all other messages of the worker to the
 * supervisor, and PING and STOP from the supervisor to the worker. Messages between keeper and
 * supervisor have the format of ffsctl/control.h as well. They are stable across versions of
 * ffsctl: a new supervisor can take over the keeper of an old one.
 *
 * When its supervisor dies, the keeper waits for the next one on a socket in the run directory, for
 * the time that KEEPER_MSG_LINGER has set. After that it kills the worker and exits, which closes
 * ep0 and so unbinds the gadget.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "functionfs/link_state.h"

/* Time for the worker to answer a SETUP (ffsctl-worker(7)). */
#define KEEPER_SETUP_DEADLINE_MS 500
/*
 * Time for a SETUP that follows a SETUP that the worker did not answer and that the host has given
 * up.
 */
#define KEEPER_SETUP_SHORT_DEADLINE_MS 100

/* Message types in addition to enum ffsctl_msg_type. */
enum keeper_msg {
	/*
	 * To the keeper: a worker has started. Body: struct keeper_worker; descriptors: the
	 * keeper's end of the worker's control socket, the worker's pidfd (optional), the read end
	 * of its output pipe (optional).
	 */
	KEEPER_MSG_WORKER = 128,
	/*
	 * To the keeper: the file current_speed of the UDC, which the keeper reads at ENABLE.
	 * Descriptor: the open file. Body: its path, because keepers of older versions open the
	 * file themselves.
	 */
	KEEPER_MSG_SPEED_FILE = 129,
	/* To the keeper: the time to wait for the next supervisor. Body: uint32_t milliseconds. */
	KEEPER_MSG_LINGER = 130,
	/* To the keeper, after KEEPER_MSG_WORKER. Descriptor: a byte written to it kills the
	   worker's process group. */
	KEEPER_MSG_KILL_SWITCH = 131,

	/*
	 * To the keeper: the worker has ended. From the keeper: all messages of that worker have
	 * been forwarded.
	 */
	KEEPER_MSG_NO_WORKER = 144,

	/* From the keeper: the keeper is ready, and can be taken over. */
	KEEPER_MSG_STARTED = 159,
	/* From the keeper: first message to a supervisor that has connected. Body: struct
	   keeper_hello; descriptors: the worker's pidfd and output pipe. */
	KEEPER_MSG_HELLO = 160,
};

/* `has_*`: the optional descriptors of the message, in this order. */
struct keeper_worker {
	int32_t pid;	   /* pid of the worker; 0: there is none */
	uint8_t has_pidfd; /* without a pidfd, only the worker's parent learns that the worker has
			      ended */
	uint8_t has_output;
	uint16_t reserved; /* 0 */
};

struct keeper_hello {
	struct keeper_worker worker;
	struct link_state link;
};

struct keeper {
	pid_t pid;	 /* pid of the keeper; 0: there is none */
	int socket;	 /* SOCK_SEQPACKET, non-blocking; -1: none */
	bool taken_over; /* the keeper is not our child: end of file on `socket` reports its end
			    instead of SIGCHLD */
	int pidfd;	 /* pidfd of a keeper that was taken over; -1: none */
};

#define KEEPER_NONE ((struct keeper){ .socket = -1, .pidfd = -1 })

/*
 * Forks a keeper, a child of the caller, and passes `ep0` (-1: none) to it; closes the caller's
 * copy also on failure. `label`: the function's name. `path`: the socket at which the next
 * supervisor connects.
 */
int keeper_start(struct keeper *keeper, int ep0, const char *label, const char *path,
		 struct error *err);

/*
 * Takes over the keeper that listens at `path`. The caller then owns the pidfd and the output pipe
 * of the keeper's worker (-1: none). Interrupts a data stage that the keeper waits in, and waits at
 * most about a second. Returns 0 or a negative errno.
 */
int keeper_take_over(struct keeper *keeper, const char *path, struct keeper_hello *hello,
		     int *worker_pidfd, int *output);

/* These send a message to the keeper. They return false if the keeper has ended. */
bool keeper_give_worker(const struct keeper *keeper, pid_t pid, int control, int pidfd, int output);
bool keeper_set_speed_file(const struct keeper *keeper, const char *path);
bool keeper_set_linger(const struct keeper *keeper, double seconds);

/* Interrupts a data stage that the keeper waits in, or is about to wait in. */
void keeper_interrupt(const struct keeper *keeper);

/* Sends SIGKILL to the keeper, which also ends a data stage. Does not wait for its end. */
void keeper_send_kill(const struct keeper *keeper);
/* Returns whether the keeper has ended and ep0 is closed. True for KEEPER_NONE. */
bool keeper_has_ended(const struct keeper *keeper);
/* Closes the descriptors of *keeper and sets it to KEEPER_NONE. */
void keeper_forget(struct keeper *keeper);
/*
 * Kills the keeper, waits for its end at most 5 s, and forgets it. Returns false if it has not
 * ended yet.
 */
bool keeper_kill_and_wait(struct keeper *keeper);

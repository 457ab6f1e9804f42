/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: one small process per function that has a worker or a FunctionFS instance. It owns
 * ep0, because ep0's data stages block whatever flags it was opened with (f_fs.c,
 * __ffs_ep0_queue_wait), so that a host may stop whoever reads it; and because the function lives
 * as long as ep0 is open. And it is the other end of the worker's control socket, so that control
 * requests are answered without the supervisor, which may die meanwhile.
 *
 * To the worker it gives EVENT, SETUP and DATA, and takes ACCEPT, STALL and DATA; a SETUP that gets
 * no answer in time is stalled. All else that a worker says goes on to the supervisor, and PING and
 * STOP the other way. The messages between keeper and supervisor have the form of ffsctl/control.h,
 * too. They are the same in every version of ffsctl: a new one takes over an old one's keepers.
 *
 * When its supervisor ends, the keeper waits for the next one for as long as it was told to hold,
 * on a socket in the run directory. Nobody comes: it kills the worker and ends, and with ep0 goes
 * the gadget off the bus.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "functionfs/link_state.h"

/* worker.md, "SETUP" */
#define KEEPER_SETUP_DEADLINE_MS 500
/* Behind one that the host has given up, and that got no answer in time. */
#define KEEPER_SETUP_HURRIED_MS 100

/* Beside those of enum ffsctl_msg_type. */
enum keeper_msg {
	/* to the keeper */
	KEEPER_MSG_WORKER =
		128, /* a worker has started; body: pid_t; descriptors: the other end of
			its control socket, its pidfd, the pipe it prints into (or none) */
	/* The UDC's current_speed, read at ENABLE. Descriptor: it; body: its path, which keepers of
	   older versions open themselves. */
	KEEPER_MSG_SPEED_FILE = 129,
	KEEPER_MSG_HOLD = 130, /* body: uint32_t milliseconds; 0, as at first: not at all */
	/* Follows KEEPER_MSG_WORKER. Descriptor: a byte that is written to it kills the worker,
	   with all of its process group. */
	KEEPER_MSG_KILL_SWITCH = 131,

	/* both ways: to it: the worker has ended; from it: that is all that it has said */
	KEEPER_MSG_NO_WORKER = 144,

	KEEPER_MSG_STARTED = 159, /* from the keeper: from now on it can be taken over */
	/* from the keeper, first of all to a supervisor that has connected */
	KEEPER_MSG_HELLO = 160, /* body: struct keeper_hello; descriptors: pidfd, pipe */
};

/* Which descriptors come along, in this order, after those that always do. */
struct keeper_worker {
	int32_t pid;	   /* 0: none */
	uint8_t has_pidfd; /* else nobody but its parent can watch it */
	uint8_t has_output;
	uint16_t reserved; /* 0 */
};

struct keeper_hello {
	struct keeper_worker worker;
	struct link_state bus;
};

struct keeper {
	pid_t pid;	 /* 0: none */
	int socket;	 /* SOCK_SEQPACKET, non-blocking; -1: none */
	bool taken_over; /* over: no child of ours, so that its socket's end tells of its own */
	int pidfd;	 /* of one that was taken over; -1: none */
};

#define KEEPER_NONE ((struct keeper){ .socket = -1, .pidfd = -1 })

/*
 * Forks a keeper that owns `ep0` (-1: none) from then on; the caller's copy is closed in any case.
 * It is the caller's child: its end is reported by SIGCHLD. `path`: where the next supervisor finds
 * it; as long as the file is there.
 */
int keeper_start(struct keeper *keeper, int ep0, const char *label, const char *path,
		 struct error *err);

/*
 * Takes over the keeper that listens there. The pidfd and the pipe (-1: none) of its worker are the
 * caller's then. Waits for an answer of a keeper that a host lets wait, but not for ever. -errno.
 */
int keeper_take_over(struct keeper *keeper, const char *path, struct keeper_hello *hello,
		     int *worker_pidfd, int *output);

/* False: it cannot be told any more. */
bool keeper_give_worker(const struct keeper *keeper, pid_t pid, int control, int pidfd, int output);
bool keeper_set_speed_file(const struct keeper *keeper, const char *path);
bool keeper_hold(const struct keeper *keeper, double seconds);

/* Ends a data stage that it waits in, now or in a moment; else does nothing. */
void keeper_interrupt(const struct keeper *keeper);

/* Ends the keeper, whatever it waits for: even ep0's data stages end by a signal. */
void keeper_end(const struct keeper *keeper);
/* Whether it has: then ep0 is closed. True for KEEPER_NONE. */
bool keeper_has_ended(const struct keeper *keeper);
/* Closes what belongs to it; it is KEEPER_NONE. */
void keeper_forget(struct keeper *keeper);
/* All this for a command, which waits for it, but not for ever. False: it has not ended yet. */
bool keeper_kill(struct keeper *keeper);

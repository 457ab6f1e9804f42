/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: one small process per FunctionFS instance that owns ep0. It exists because ep0's
 * data stages block whatever flags it was opened with (f_fs.c, __ffs_ep0_queue_wait), so that a
 * host may stop whoever reads it; and because the function lives as long as ep0 is open.
 *
 * It tells its supervisor what happens and answers SETUP packets as it is told, over a socket
 * with the messages of ffsctl/control.h: EVENT, SETUP and DATA (OUT) from the keeper; STALL,
 * ACCEPT and DATA (IN) to it. A SETUP that gets no answer in time is stalled by the keeper itself.
 * PING is answered by PONG when the host has got what was to be answered before it.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* worker.md, "SETUP" */
#define KEEPER_SETUP_DEADLINE_MS 500

struct keeper {
	pid_t pid;  /* 0: none */
	int socket; /* SOCK_SEQPACKET, non-blocking; -1: none */
};

#define KEEPER_NONE ((struct keeper){ .socket = -1 })

/*
 * Forks a keeper that owns `ep0` from then on; the caller's copy is closed in any case. It is the
 * caller's child: its end is reported by SIGCHLD.
 */
int keeper_start(struct keeper *keeper, int ep0, const char *label, struct error *err);

/*
 * Ends the keeper and waits for it, which does not take long: even ep0's data stages end by a
 * signal. After that ep0 is closed. Does nothing for KEEPER_NONE.
 */
void keeper_kill(struct keeper *keeper);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main function of the keeper process, which keeper.c calls after fork(2). */
#pragma once

#include <sys/types.h>

struct ffs;

/*
 * Runs the keeper. `ffs` is the model of the function that `ep0` belongs to; `supervisor` is the
 * socket to the supervisor; `listener` is the socket to which the next supervisor connects; `label`
 * is the label of the function; `parent` is the supervisor's pid.
 */
_Noreturn void keeper_main(int ep0, const struct ffs *ffs, int supervisor, int listener,
			   const char *label, pid_t parent);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main function of the keeper process, for keeper.c. */
#pragma once

#include <sys/types.h>

/*
 * Runs the keeper. `supervisor`: socket to the supervisor; `listener`: socket at which the next
 * supervisor connects.
 */
_Noreturn void keeper_main(int ep0, int supervisor, int listener, const char *label, pid_t parent);

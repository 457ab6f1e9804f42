/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper's own process, for keeper.c. */
#pragma once

#include <sys/types.h>

/* `supervisor`, `listener`: its end of the socket, and where the next one connects. */
_Noreturn void keeper_main(int ep0, int supervisor, int listener, const char *label, pid_t parent);

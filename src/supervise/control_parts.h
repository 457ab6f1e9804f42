/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What control.c and control_ask.c share. */
#pragma once

#include <sys/un.h>

#include "base/error.h"

#define CONTROL_MESSAGE_MAX 65536

/* EX_USAGE when the path is too long for a socket. */
int control_address(struct sockaddr_un *address, const char *path, struct error *err);

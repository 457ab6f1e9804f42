/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/* Returns a stream that discards its output; it is opened once and never closed. */
FILE *null_stream(void);

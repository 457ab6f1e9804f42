/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends messages to a device that echoes them, and compares what comes back. */
#pragma once

#include "host/args.h"
#include "host/device.h"
#include "host/report.h"

/* A message came back wrong. */
#define LOOP_EXIT_WRONG 1

struct loop_options {
	struct lengths lengths;
	unsigned int transfer;	 /* bytes of the longest transfer; a multiple of the packet sizes */
	unsigned int depth;	 /* transfers in flight in each direction */
	unsigned int timeout_ms; /* without any progress */
	bool recover;		 /* clear a stall and go on */
};

/* `result` is filled in either way. */
int loop_run(const struct device *d, const struct loop_options *o, struct progress *progress,
	     struct loop_result *result, struct error *err);

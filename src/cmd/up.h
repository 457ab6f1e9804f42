/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `up --all`: brings up all gadgets with autostart = true. */
#pragma once

#include "cmd/cmd.h"

struct up_all {
	const struct globals *globals;
	bool json; /* `bring_up_one` prints a JSON document on stdout */
	/*
	 * Brings up the gadget of the file at `path`. Called in a child process. Returns the exit
	 * status.
	 */
	int (*bring_up_one)(void *data, const char *path);
	void *data;
};

/* Brings up all gadget files with autostart = true. Returns the first exit status other than 0. */
int up_all(const struct up_all *all);

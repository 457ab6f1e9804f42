/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `up --all` */
#pragma once

#include "cmd/cmd.h"

struct up_all {
	const struct globals *globals;
	bool json; /* `one` prints a document on stdout */
	/* Brings the gadget of the file at `path` up; called in a child. Returns the exit status.
	 */
	int (*one)(void *data, const char *path);
	void *data;
};

/* Brings up all gadget files with autostart = true. Returns the first exit status other than 0. */
int up_all(const struct up_all *all);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up --all. */
#pragma once

#include "cmd/cmd.h"

struct up_all {
	const struct globals *globals;
	bool json; /* what `one` prints on stdout is a document of its own */
	/* Brings the file at `path` up, in a process of its own; its exit code. */
	int (*one)(void *data, const char *path);
	void *data;
};

/* Every gadget file with autostart = true. Returns the exit code of the first that fails. */
int up_all(const struct up_all *all);

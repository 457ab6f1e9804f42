/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `up --all`: brings up the gadgets of all gadget files with autostart = true. */
#pragma once

#include "cmd/cmd.h"

/* Parameters of bring_up_autostart_gadgets. */
struct up_all_options {
	const struct globals *globals;
	bool prints_json; /* `bring_up_file` prints a JSON document on stdout */
	/*
	 * Brings up the gadget of the gadget file `path`, in a child process. Returns the exit
	 * status of the child. `data` is bring_up_data.
	 */
	int (*bring_up_file)(void *data, const char *path);
	void *bring_up_data;
};

/*
 * Brings up the gadgets of all gadget files with autostart = true. Returns 0, or the exit status of
 * the first failure.
 */
int bring_up_autostart_gadgets(const struct up_all_options *options);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of commands, and the global options. */
#include "cmd/cmd.h"

const struct command *const cmd_all[] = {
	&cmd_up,	  &cmd_run,	   &cmd_down, &cmd_reload,  &cmd_restart, &cmd_reexec,
	&cmd_bind,	  &cmd_unbind,	   &cmd_wait, &cmd_status,  &cmd_log,	  &cmd_check,
	&cmd_descriptors, &cmd_export,	   &cmd_list, &cmd_plugins, &cmd_udc,	  &cmd_features,
	&cmd_schema,	  &cmd_completion, NULL,
};

const char cmd_global_options[] =
	"  -v, --verbose       print each step\n"
	"  -q, --quiet         print only errors\n"
	"  --color=WHEN        auto, always or never\n"
	"  --dir DIR           search gadget files in DIR first\n"
	"  --configfs DIR      mount point of configfs (/sys/kernel/config)\n"
	"  --run-dir DIR       run directory, with the state (/run/ffsctl)\n"
	"  --version\n";

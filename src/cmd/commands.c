/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is: every command, and the options that stand before it. */
#include "cmd/cmd.h"

const struct command *const cmd_all[] = {
	&cmd_up,	  &cmd_run,	   &cmd_down, &cmd_reload,  &cmd_restart, &cmd_reexec,
	&cmd_bind,	  &cmd_unbind,	   &cmd_wait, &cmd_status,  &cmd_log,	  &cmd_check,
	&cmd_descriptors, &cmd_export,	   &cmd_list, &cmd_plugins, &cmd_udc,	  &cmd_features,
	&cmd_schema,	  &cmd_completion, NULL,
};

const char cmd_global_options[] =
	"  -v, --verbose       say each step, too\n"
	"  -q, --quiet         say nothing but errors\n"
	"  --color=WHEN        auto, always or never\n"
	"  --dir DIR           look for gadget files here first\n"
	"  --configfs DIR      where configfs is mounted (/sys/kernel/config)\n"
	"  --run-dir DIR       where the state is kept (/run/ffsctl)\n"
	"  --version\n";

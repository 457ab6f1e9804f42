/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands, which is made from the list in commands.h, and the global options. */
#include "cmd/commands.h"

#include <stddef.h>

#include "cmd/cmd.h"
#include "cmd/requests.h"

#define COMMAND(name) &cmd_##name,
#define REQUEST(...) &(const struct command){ .run = cmd_send_request, __VA_ARGS__ },

const struct command *const cmd_all[] = { COMMANDS(COMMAND, REQUEST) NULL };

const char cmd_global_options[] =
	"  -v, --verbose       print each step\n"
	"  -q, --quiet         print only errors\n"
	"  --color=WHEN        auto, always or never\n"
	"  --dir DIR           search gadget files in DIR first\n"
	"  --configfs DIR      mount point of configfs (/sys/kernel/config)\n"
	"  --run-dir DIR       run directory, with the state (/run/ffsctl)\n"
	"  --version\n";

const struct cmd_option_words cmd_global_option_words[] = {
	{ "--color", (const char *const[]){ "auto", "always", "never" }, 3 },
	{ 0 },
};

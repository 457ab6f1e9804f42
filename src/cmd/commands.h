/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands: the only list of them, in the order of --help. Dispatch, help and completion use
 * it.
 *
 * COMMAND(NAME): a file of this directory defines `const struct command cmd_NAME` (cmd.h).
 */
#pragma once

/* clang-format off */
#define COMMANDS(COMMAND) \
	COMMAND(up) \
	COMMAND(run) \
	COMMAND(down) \
	COMMAND(reload) \
	COMMAND(restart) \
	COMMAND(reexec) \
	COMMAND(bind) \
	COMMAND(unbind) \
	COMMAND(wait) \
	COMMAND(status) \
	COMMAND(log) \
	COMMAND(check) \
	COMMAND(descriptors) \
	COMMAND(export) \
	COMMAND(list) \
	COMMAND(plugins) \
	COMMAND(udc) \
	COMMAND(features) \
	COMMAND(schema) \
	COMMAND(completion)
/* clang-format on */

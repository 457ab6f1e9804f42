/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one table of commands, one of options. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "ffsbench/bench.h"

extern const struct command commands[];
extern const size_t n_commands;

enum options_result { OPTIONS_RUN, OPTIONS_DONE };

/*
 * `*o` and `*command` are filled in. OPTIONS_DONE: --help or --version has been answered. An error
 * without text: the usage has been printed.
 */
int options_parse(int argc, char **argv, struct options *o, const struct command **command,
		  struct error *err);
void options_free(struct options *o);

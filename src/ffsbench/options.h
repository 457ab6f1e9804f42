/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: a table of commands and a table of options. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "ffsbench/bench.h"

extern const struct command commands[];
extern const size_t n_commands;

enum options_result { OPTIONS_RUN, OPTIONS_DONE };

/*
 * Parses the command line. Returns OPTIONS_RUN if `*o` and `*command` are set; OPTIONS_DONE if
 * --help or --version was printed; a negative errno on failure. If the error has no text the usage
 * was printed.
 */
int options_parse(int argc, char **argv, struct options *o, const struct command **command,
		  struct error *err);
void options_free(struct options *o);

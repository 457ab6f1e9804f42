/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the command line. There is a table of the commands and a table of the options. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "ffsbench/bench.h"

extern const struct command commands[];
extern const size_t n_commands;

enum options_result { OPTIONS_RUN, OPTIONS_DONE };

/*
 * Parses the command line. Returns OPTIONS_RUN if the command must be run: then `*o` and `*command`
 * are set. Returns OPTIONS_DONE if it has printed the output of --help or --version. Returns a
 * negative errno on failure; if `err` has no text then, it has printed the usage.
 */
int options_parse(int argc, char **argv, struct options *o, const struct command **command,
		  struct error *err);
void options_free(struct options *o);

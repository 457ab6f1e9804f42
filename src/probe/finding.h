/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings of `ffsctl doctor`: facts about a system, and what to do about problems. */
#pragma once

#include <stddef.h>

#include "base/util.h"

enum finding_severity {
	FINDING_OK,	/* a requirement is met */
	FINDING_NOTE,	/* may matter for some gadgets, or could not be checked */
	FINDING_PROBLEM /* keeps this system from being a gadget */
};

struct finding {
	const char *id; /* a word for scripts, such as "no-udc"; never changes */
	enum finding_severity severity;
	char *what;	 /* one line without a final period */
	char *why;	 /* why it matters, or how it was found; NULL: none */
	char *remedy;	 /* what the user can do; NULL: nothing, or only the commands */
	char **commands; /* commands for root that carry out the remedy */
	size_t n_commands;
};

struct findings {
	struct finding *list;
	size_t n;
};

/* Adds a finding. The pointer is valid until the next call. */
struct finding *findings_add(struct findings *findings, const char *id,
			     enum finding_severity severity, const char *what, ...) _printf_(4, 5);
/* Sets the reason or the remedy of a finding; each is set at most once. */
void finding_why(struct finding *finding, const char *fmt, ...) _printf_(2, 3);
void finding_remedy(struct finding *finding, const char *fmt, ...) _printf_(2, 3);
/*
 * Adds "COMMAND NAME" after the commands that the finding has. `name` is quoted for a shell: names
 * of gadgets and files can contain anything. NULL: adds only COMMAND.
 */
void finding_command(struct finding *finding, const char *command, const char *name);
void findings_free(struct findings *findings);
#define _cleanup_findings_ _cleanup_(findings_free)

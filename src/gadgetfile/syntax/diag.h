/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the rest of this room makes diagnostics. */
#pragma once

#include "gadgetfile/syntax/tree.h"

/* Beyond this many errors a file is not a gadget file: one last message says that there are more.
 */
#define DIAG_MAX_ERRORS 500

void diag_add(struct diags *d, enum diag_severity severity, const struct text_range *at,
	      const char *fmt, ...) _printf_(4, 5);
#define diag_error(d, at, ...) diag_add((d), DIAG_ERROR, (at), __VA_ARGS__)
#define diag_warning(d, at, ...) diag_add((d), DIAG_WARNING, (at), __VA_ARGS__)
/* About the error or warning before it when `at` is that one's note, else on its own. */
#define diag_note(d, at, ...) diag_add((d), DIAG_NOTE, (at), __VA_ARGS__)
/* A note that stays behind the message that was added last, wherever it points. */
void diag_follow(struct diags *d, const struct text_range *at, const char *fmt, ...) _printf_(3, 4);

/* By place; what is about the same place, and a note and its error, keep their order. */
void diags_sort(struct diags *d);

/* `text` fit for a message: in double quotes, control characters escaped, cut when long. */
char *diag_quote(const char *text);

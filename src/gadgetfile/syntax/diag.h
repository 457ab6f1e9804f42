/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds diagnostics; used by the files of gadgetfile/. */
#pragma once

#include "gadgetfile/syntax/tree.h"

/* Maximum number of errors. A last message then reports that there are more errors. */
#define DIAG_MAX_ERRORS 500

void diag_add(struct diags *d, enum diag_severity severity, const struct text_range *at,
	      const char *fmt, ...) _printf_(4, 5);
#define diag_error(d, at, ...) diag_add((d), DIAG_ERROR, (at), __VA_ARGS__)
#define diag_warning(d, at, ...) diag_add((d), DIAG_WARNING, (at), __VA_ARGS__)
/* Adds a note that is sorted by its own position. */
#define diag_note(d, at, ...) diag_add((d), DIAG_NOTE, (at), __VA_ARGS__)
/* Adds a note that stays directly after the last message, whatever the position of the note. */
void diag_note_to_last(struct diags *d, const struct text_range *at, const char *fmt, ...)
	_printf_(3, 4);

/* Text of the note about a relative path in a file that libusbgx and its tool gt read as well. */
#define DIAG_RELATIVE                                                                              \
	"this path is relative to the directory of the file that contains it; libusbgx's tool gt " \
	"reads it relative to its working directory"
#define DIAG_TOO_LARGE "the gadget file with its included files and drop-ins is larger than 1 MiB"

/*
 * Sorts messages by order_in_text. Messages with the same value keep their order, so a note of
 * diag_note_to_last stays after its error.
 */
void diags_sort(struct diags *d);

/* Removes all messages from the one with the index `n` on. */
void diags_truncate(struct diags *d, size_t n);

/*
 * Returns `text` for use in a message: in double quotes, with control characters escaped, and
 * shortened if it is long. The caller frees it.
 */
char *diag_quote(const char *text);

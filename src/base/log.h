/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for the user on stderr, one line each, prefixed with the program's name. If stderr is
 * connected to systemd's journal, each message becomes an entry with fields (journal.h). Only
 * src/cmd/ and the supervisor use these functions; the supervisor has no caller to which it could
 * return an error.
 */
#pragma once

#include "base/error.h"

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* Prints a change of state; not shown with -q. */
void log_info(const char *fmt, ...) _printf_(1, 2);
/* Prints a detail; shown with -v only. */
void log_debug(const char *fmt, ...) _printf_(1, 2);
/* Prints an error; always shown. */
void log_error(const char *fmt, ...) _printf_(1, 2);

/* Prints `data` as it is, without the program's name and without a newline. */
void log_raw(const char *data, size_t size);

/*
 * Makes all later output non-blocking. Output that a stopped terminal or a full pipe does not
 * accept is dropped; a message reports the number of dropped bytes as soon as there is room again.
 */
void log_set_nonblocking(void);

/*
 * Prints a message about a gadget or, unless `function` is NULL, about one of its functions. The
 * journal entry has both names as fields. `priority` is one of syslog.h; LOG_ERR is always shown.
 */
void log_about(const char *gadget, const char *function, int priority, const char *fmt, ...)
	_printf_(4, 5);

/*
 * Prints an error and its hint, each on its own line; the journal gets one entry. `gadget` may be
 * NULL.
 */
void log_failure(const char *gadget, const struct error *err);

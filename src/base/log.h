/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints messages for the user on stderr. Each message is a line that begins with the name of the
 * program. If stderr is connected to systemd's journal, each message becomes an entry with fields
 * (journal.h). Only src/cmd/ and the supervisor use these functions. All other code returns a
 * struct error to its caller.
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

/* Prints `data` without the name of the program and without a newline. */
void log_without_prefix(const char *data, size_t size);

/*
 * Makes all later output non-blocking. Output is dropped while a stopped terminal or a full pipe
 * does not accept it. As soon as output is possible again, a message reports the number of dropped
 * bytes.
 */
void log_set_nonblocking(void);

/*
 * Prints a message about a gadget or, unless `function` is NULL, about one of its functions. The
 * journal entry has the names of both as fields. `priority`: LOG_ERR (always printed), LOG_INFO,
 * ... of syslog.h.
 */
void log_about(const char *gadget, const char *function, int priority, const char *fmt, ...)
	_printf_(4, 5);

/*
 * Prints an error and its hint as two lines, or sends them to the journal as one entry. `gadget`
 * may be NULL.
 */
void log_failure(const char *gadget, const struct error *err);

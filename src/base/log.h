/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words for people on stderr, one line each, with the program's name in front; where that is
 * systemd's journal they go there as entries with fields (journal.h). Only src/cmd/ and
 * the supervisor, which has no one to return an error to, call this.
 */
#pragma once

#include "base/util.h"

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* A change of state: silenced by -q. */
void log_info(const char *fmt, ...) _printf_(1, 2);
/* Details: shown with -v. */
void log_debug(const char *fmt, ...) _printf_(1, 2);
/* Always shown. */
void log_error(const char *fmt, ...) _printf_(1, 2);

/* As it is, without the program's name and a newline. */
void log_raw(const char *data, size_t size);

/*
 * From now on nothing that is said waits for who reads it, a terminal that is stopped or a pipe
 * that is full: it is lost instead, and how much that was is said when there is room again.
 */
void log_set_nonblocking(void);

/*
 * The same about a gadget, or one of its functions (NULL: about all of it), which the journal is
 * told as well. `priority`: of syslog.h; LOG_ERR is always shown.
 */
void log_about(const char *gadget, const char *function, int priority, const char *fmt, ...)
	_printf_(4, 5);

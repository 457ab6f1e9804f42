/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error object. It is the last argument of a function that can fail. The function that fails
 * fills it, because it knows path and errno. A command in src/cmd/ prints it once.
 *
 *   int thing_open(const char *path, struct error *err)
 *   {
 *           ...
 *           if (fd < 0)
 *                   return error_errno(err, EX_OSERR, errno, path, "cannot open %s", path);
 *   }
 *
 * 1. A function that fails returns a negative errno and fills `err` exactly once.
 * 2. The text is one sentence without a final period: the action that failed, its object and the
 *    reason. error_errno adds the kernel's errno in words. The hint is not a part of the sentence:
 *    it says what the user can do. People get it as a second line, logs and JSON after "; ".
 * 3. A caller that knows more adds it with error_wrap ("starting 'echo': ...") or adds the position
 *    in the gadget file with error_at, and passes the error on.
 * 4. A caller that handles an error instead of passing it on calls error_clear.
 * 5. `err` may be NULL only where the function's comment says so.
 */
#pragma once

#include <sysexits.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * A position in a gadget file; lines and columns start at 1. `file` belongs to the gadget; it is
 * NULL if there is no position.
 */
struct position {
	const char *file;
	unsigned int line, column;
};

struct error {
	int exit;   /* exit status of the command (ffsctl(8), "EXIT STATUS"); 0: no error */
	int err;    /* errno, positive; 0 when no system call was involved */
	char *text; /* the message, one sentence */
	char *hint; /* what the user can do about the failure; NULL: no hint */
	char *path; /* file or directory that the failure is about; NULL: none */
	char *file; /* gadget file, with the position in it; NULL: no position */
	unsigned int line, column;
};

#define _cleanup_error_ _cleanup_(error_clear)

/*
 * Both return -e, so that a caller can write `return error_set(...)`. error_set returns -EINVAL if
 * `e` is 0.
 */
int error_set(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);
int error_errno(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);

/*
 * The next five functions return the negative errno of the error, so that a caller can write
 * `return error_hint(...)`.
 */
/* Appends "; TEXT" to the sentence: another fact about the failure. */
int error_detail(struct error *err, const char *fmt, ...) _printf_(2, 3);
/*
 * Sets the hint: an imperative, or the effect of a command. If there is a hint already, appends the
 * new one to it.
 */
int error_hint(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Adds the hint that the command needs root. */
int error_needs_root(struct error *err);
/* Prepends "TEXT: " to the sentence. */
int error_wrap(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Sets the position in the gadget file, unless one is set already. */
int error_at(struct error *err, const struct position *at);

/* Returns the error as one line, for logs and JSON: "SENTENCE" or "SENTENCE; HINT". */
char *error_text(const struct error *err);
/*
 * Returns the error for people: the line "SENTENCE" and, if there is a hint, the line "hint: HINT".
 */
char *error_lines(const struct error *err);

void error_clear(struct error *err);
/* Replaces `to` by a copy of `from`. */
void error_copy(struct error *to, const struct error *from);
/* Moves the error; `from` is empty afterwards. */
void error_move(struct error *to, struct error *from);

/*
 * Errnos for use inside the kernel (include/linux/errno.h), which configfs and the kernel log show.
 */
#define KERNEL_ENOTSUPP 524
#define KERNEL_ETOOSMALL 525

/*
 * Returns the text of strerror(3), or a text for KERNEL_ENOTSUPP and KERNEL_ETOOSMALL, which
 * strerror(3) does not know.
 */
const char *errno_words(int e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error object: made at the point of failure, where path and errno are known, passed down as
 * the last argument, printed once, in src/cmd/.
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
 *    reason. error_errno adds the kernel's errno in words. What to do about it is the hint, not a
 *    part of the sentence: people get it as a second line, logs and JSON behind "; ".
 * 3. A caller that knows more adds it with error_wrap ("starting 'echo': ...") or adds the position
 *    in the gadget file with error_at, and passes the error on.
 * 4. A caller that handles an error instead of passing it on calls error_clear.
 * 5. `err` may be NULL only where the function's comment says so.
 */
#pragma once

#include <sysexits.h>

#include "base/cleanup.h"
#include "base/util.h"

/* A position in a gadget file. `file` belongs to the gadget; NULL: no position. 1-based. */
struct position {
	const char *file;
	unsigned int line, column;
};

struct error {
	int exit;   /* exit status of the command (ffsctl(8), "EXIT STATUS"); 0: no error */
	int err;    /* errno, positive; 0 when no system call was involved */
	char *text; /* the sentence */
	char *hint; /* what to do about it; NULL: unknown, or obvious */
	char *path; /* the file or directory concerned; NULL: none */
	char *file; /* position in the gadget file; NULL: none */
	unsigned int line, column;
};

#define _cleanup_error_ _cleanup_(error_clear)

/* Both return -e (or -EINVAL for error_set with e == 0), so that `return error_...` reads well. */
int error_set(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);
int error_errno(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);

/* The next five return -errno of the error, for `return error_hint(...)`. */
/* Appends "; TEXT" to the sentence: what else is known about the failure. */
int error_detail(struct error *err, const char *fmt, ...) _printf_(2, 3);
/*
 * Sets the hint, an imperative or what a command would do. A second one follows the first behind
 * "; ": the first is from where the cause is known, the second from a caller that knows the rest.
 */
int error_hint(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Adds the hint of a command that would succeed as root. */
int error_needs_root(struct error *err);
/* Prepends "TEXT: " to the sentence. */
int error_wrap(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Sets the position in the gadget file, unless one is set already. */
int error_at(struct error *err, const struct position *at);

/* Returns the error as one line, for logs and JSON: "SENTENCE" or "SENTENCE; HINT". */
char *error_text(const struct error *err);
/* Returns the error for people, each line with its newline: "SENTENCE", and "hint: HINT". */
char *error_lines(const struct error *err);

void error_clear(struct error *err);
/* Replaces `to` by a copy. */
void error_copy(struct error *to, const struct error *from);
/* Moves the error; `from` is empty afterwards. */
void error_move(struct error *to, struct error *from);

/* Internal errnos of the kernel (include/linux/errno.h), which configfs and the kernel log expose.
 */
#define KERNEL_ENOTSUPP 524
#define KERNEL_ETOOSMALL 525

/*
 * Returns strerror(e), or a text for KERNEL_ENOTSUPP and KERNEL_ETOOSMALL, which strerror does not
 * know.
 */
const char *errno_words(int e);

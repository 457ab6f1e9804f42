/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error object, struct error. It is the last argument of a function that can fail. The function
 * in which the failure occurs sets it, because this function knows the path and the errno. A
 * command in src/cmd/ prints it once.
 *
 *   int thing_open(const char *path, struct error *err)
 *   {
 *           ...
 *           if (fd < 0)
 *                   return error_errno(err, EX_OSERR, errno, path, "cannot open %s", path);
 *   }
 *
 * 1. A function that fails returns a negative errno and sets `err` exactly once.
 * 2. error.text is one sentence without a final period: the action that failed, its object and the
 *    reason. error_errno appends the text of an errno as the reason. error.hint is not a part of
 * this sentence: it says what the user can do. error_lines returns the hint as a second line, for
 *    people; error_text appends it after "; ", for logs and JSON.
 * 3. A caller can add information with error_wrap ("starting 'echo': ...") or add the position in
 * the gadget file with error_set_position. Then it returns the error to its own caller.
 * 4. A caller that handles an error, and so does not return it, calls error_clear.
 * 5. `err` may be NULL only if the comment of the function permits it.
 */
#pragma once

#include <sysexits.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * A position in a gadget file. Lines and columns start at 1. The struct gadget owns `file`, the
 * path of the gadget file; NULL: no position.
 */
struct position {
	const char *file;
	unsigned int line, column;
};

struct error {
	int exit;	   /* exit status of the command (ffsctl(8), "EXIT STATUS"); 0: no error */
	int errno_value;   /* positive errno; 0: no system call failed */
	char *text;	   /* the sentence: what failed and why */
	char *hint;	   /* what the user can do about the failure; NULL: no hint */
	char *path;	   /* file or directory that caused the failure; NULL: none */
	char *gadget_file; /* path of the gadget file; NULL: no position */
	unsigned int line, column; /* position in the gadget file */
};

#define _cleanup_error_ _cleanup_(error_clear)

/*
 * Sets the error. `exit`, `e`, `path` and the formatted text are error.exit, error.errno_value,
 * error.path and error.text. error_errno appends ": " and the text of the errno `e` to the
 * sentence. Returns -e, or -EINVAL if `e` is 0, so that a caller can write `return error_set(...)`.
 */
int error_set(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);
int error_errno(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
	_printf_(5, 6);

/*
 * The next five functions return the negative errno of the error, so that a caller can write, for
 * example, `return error_add_hint(...)`.
 */
/* Appends "; DETAIL" to the sentence. DETAIL is another fact about the failure. */
int error_add_detail(struct error *err, const char *fmt, ...) _printf_(2, 3);
/*
 * Sets the hint: an imperative sentence ("remove ..."), or what a command would do ("'ffsctl down
 * NAME' removes it"). If there is a hint already, appends "; " and the new hint to it.
 */
int error_add_hint(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Adds the hint that the user must be root. */
int error_add_root_hint(struct error *err);
/* Puts "ACTION: " before the sentence. ACTION is what the caller was doing. */
int error_wrap(struct error *err, const char *fmt, ...) _printf_(2, 3);
/* Sets the position of the error in the gadget file, unless the error already has a position. */
int error_set_position(struct error *err, const struct position *at);

/* Returns the error as one line, for logs and JSON: "SENTENCE" or "SENTENCE; HINT". */
char *error_text(const struct error *err);
/*
 * Returns the error for people: the line "SENTENCE" and, if there is a hint, the line "hint: HINT".
 */
char *error_lines(const struct error *err);

void error_clear(struct error *err);
/* Clears `to` and copies `from` to it. */
void error_copy(struct error *to, const struct error *from);
/* Clears `to` and moves the error `from` to it. Then `from` contains no error. */
void error_move(struct error *to, struct error *from);

/*
 * Errnos that only the kernel defines (include/linux/errno.h). System calls on configfs can return
 * them, and the kernel log contains them.
 */
#define KERNEL_ENOTSUPP 524
#define KERNEL_ETOOSMALL 525

/*
 * Returns the text of strerror(3) for the errno `e`. For KERNEL_ENOTSUPP and KERNEL_ETOOSMALL,
 * which strerror(3) does not know, returns a text of ffsctl.
 */
const char *errno_words(int e);

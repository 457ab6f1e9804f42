/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

const char *errno_words(int e)
{
	if (e == KERNEL_ENOTSUPP)
		return "Not supported by this UDC (error 524)";
	if (e == KERNEL_ETOOSMALL)
		return "Too small (error 525)";
	return strerror(e);
}

static int negative_errno_of(const struct error *err)
{
	return err->errno_value ? -err->errno_value : -EINVAL;
}

static int set_error(struct error *err, int exit, int e, const char *path, char *text)
{
	error_clear(err);
	err->exit = exit;
	err->errno_value = e;
	err->text = text;
	err->path = xstrdup_or_null(path);
	return negative_errno_of(err);
}

int error_set(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	return set_error(err, exit, e, path, text);
}

int error_errno(struct error *err, int exit, int e, const char *path, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = text_vformat(fmt, ap);
	va_end(ap);
	return set_error(err, exit, e, path, strf("%s: %s", what, errno_words(e)));
}

int error_add_detail(struct error *err, const char *fmt, ...)
{
	_cleanup_free_ char *detail = NULL, *old = err->text;
	va_list ap;

	va_start(ap, fmt);
	detail = text_vformat(fmt, ap);
	va_end(ap);
	err->text = strf("%s; %s", old, detail);
	return negative_errno_of(err);
}

int error_add_hint(struct error *err, const char *fmt, ...)
{
	_cleanup_free_ char *old = err->hint, *hint = NULL;
	va_list ap;

	va_start(ap, fmt);
	hint = text_vformat(fmt, ap);
	va_end(ap);
	err->hint = old ? strf("%s; %s", old, hint) : steal_ptr(hint);
	return negative_errno_of(err);
}

int error_add_root_hint(struct error *err)
{
	return error_add_hint(err, "this needs root");
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL, *old = err->text;
	va_list ap;

	va_start(ap, fmt);
	what = text_vformat(fmt, ap);
	va_end(ap);
	err->text = strf("%s: %s", what, old);
	return negative_errno_of(err);
}

int error_set_position(struct error *err, const struct position *at)
{
	if (at && at->file && !err->gadget_file) {
		err->gadget_file = xstrdup(at->file);
		err->line = at->line;
		err->column = at->column;
	}
	return negative_errno_of(err);
}

char *error_text(const struct error *err)
{
	return err->hint ? strf("%s; %s", err->text, err->hint) : xstrdup(err->text);
}

char *error_lines(const struct error *err)
{
	return err->hint ? strf("%s\nhint: %s\n", err->text, err->hint) : strf("%s\n", err->text);
}

void error_clear(struct error *err)
{
	free(err->text);
	free(err->hint);
	free(err->path);
	free(err->gadget_file);
	*err = (struct error){ 0 };
}

void error_copy(struct error *to, const struct error *from)
{
	struct error new = *from;

	new.text = xstrdup_or_null(from->text);
	new.hint = xstrdup_or_null(from->hint);
	new.path = xstrdup_or_null(from->path);
	new.gadget_file = xstrdup_or_null(from->gadget_file);
	error_clear(to);
	*to = new;
}

void error_move(struct error *to, struct error *from)
{
	error_clear(to);
	*to = *from;
	*from = (struct error){ 0 };
}

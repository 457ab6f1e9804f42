/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/owner.h"

#include <stdarg.h>

#include "base/cleanup.h"
#include "base/text.h"

void functions_changed(const struct functions *all)
{
	all->events->changed(all->owner);
}

void functions_log(const struct functions *all, const char *label, int priority, const char *fmt,
		   ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	all->events->log(all->owner, label, priority, text);
}

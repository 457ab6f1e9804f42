/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/functions.h"

#include <stdarg.h>

#include "base/cleanup.h"
#include "base/text.h"

void functions_report_state_change(const struct functions *all)
{
	all->callbacks->function_state_changed(all->callback_data);
}

void functions_log_about(const struct functions *all, const char *label, int priority,
			 const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	all->callbacks->log_about_function(all->callback_data, label, priority, text);
}

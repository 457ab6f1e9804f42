/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control requests that a worker did not answer in time: lines of the log. */
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "function/function.h"
#include "functionfs/control_request.h"

/* The host decides how many requests there are. So there are at most LINES_MAX lines in a period
   of LINES_SECONDS, and one that has the number of the other requests. */
#define LINES_MAX 6
#define LINES_SECONDS 60

static void begin_period(struct live_function *function, double now)
{
	if (function->n_late_unlogged > 0)
		functions_log_about(function->functions, function->model->label, LOG_WARNING,
				    "%u more control requests were not answered in time",
				    function->n_late_unlogged);
	function->late_requests_logged_since = now;
	function->n_late_lines = function->n_late_unlogged = 0;
}

void function_log_late_request(struct live_function *function, const void *body, size_t size)
{
	_cleanup_free_ char *text = NULL;
	struct late_request late;
	double now = now_monotonic();

	if (size < sizeof(late))
		return;
	memcpy(&late, body, sizeof(late));
	if (now - function->late_requests_logged_since >= LINES_SECONDS)
		begin_period(function, now);
	if (function->n_late_lines >= LINES_MAX) {
		function->n_late_unlogged += late.answered_after_ms == 0;
		return;
	}
	function->n_late_lines++;
	text = late_request_text(function->model->ffs, &late);
	functions_log_about(function->functions, function->model->label, LOG_WARNING, "%s%s", text,
			    function->n_late_lines == LINES_MAX ? "; the next ones are only counted"
								: "");
}

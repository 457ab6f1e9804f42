/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the kernel trace the control requests and bus events of all gadgets, and reads the trace.
 *
 * The trace has its own instance in tracefs (Documentation/trace/ftrace.rst), so that it
 * neither shows nor disturbs what others trace. It uses the tracepoints `composite`, which
 * kernel/patches/ has (features), and on kernels without them probes on the same functions
 * (Documentation/trace/kprobetrace.rst). tracer_close removes all of that. What a killed process
 * has left, the next tracer_open removes.
 */
#pragma once

#include "base/error.h"
#include "trace/trace_event.h"

struct tracer {
	int tracefs_fd; /* root directory of a tracefs that is mounted for this process alone */
	int pipe_fd;	/* the trace; non-blocking, for poll(2) */
	char *text;	/* of the trace, up to an incomplete last line */
	size_t n_text;
};
#define TRACER_CLOSED ((struct tracer){ .tracefs_fd = -1, .pipe_fd = -1 })

/*
 * Starts the trace. Fails with EX_UNAVAILABLE if this kernel cannot trace gadgets, and with
 * EX_TEMPFAIL if another process does so. The caller closes the tracer, also on failure.
 */
int tracer_open(struct tracer *t, struct error *err);
void tracer_close(struct tracer *t);
#define _cleanup_tracer_ _cleanup_(tracer_close)

/*
 * Calls `on_event` for events that the trace has now. Returns 1 if there may be more of them, 0, or
 * a negative errno.
 */
int tracer_read(struct tracer *t, void (*on_event)(void *data, const struct trace_event *e),
		void *data, struct error *err);
/* Adds no more events to the trace. */
void tracer_stop(const struct tracer *t);
/* Makes the kernel add a TRACE_EVENT_UDC for each UDC, if it uses probes. A UDC that comes later
   has one of its own. */
void tracer_make_udcs_known(void);

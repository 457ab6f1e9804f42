/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/host_log.h"

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"
#include "supervisor/usb_host.h"

/*
 * A host that connects again and again, such as one behind a bad cable, must not remove all other
 * events from the log. If it changes its state more than MAX_LINES times within LINES_SECONDS,
 * changes are only counted. Their number is logged after LINES_SECONDS, then after twice this time
 * and so on, at last each MAX_COUNT_SECONDS, until a period has no change.
 */
#define MAX_LINES 20
#define LINES_SECONDS 60
#define MAX_COUNT_SECONDS 3600

#define SUSPENDED "suspended by the host"

static char *configured_text(const struct usb_host_state *host, const struct binding *b)
{
	_cleanup_free_ char *speed = b->udc ? udc_read_attribute(b->udc, "current_speed") : NULL;
	bool is_known = speed && !streq(speed, "UNKNOWN");

	return strf("configured by the host%s%s%s", is_known ? " at " : "", is_known ? speed : "",
		    host_evidence(host) == HOST_BY_UDC ? " (as the UDC reports)" : "");
}

static void on_count_timer(void *data, uint32_t events _unused_)
{
	struct usb_host_state *host = data;
	struct host_log *log = &host->log;

	timer_stop(&log->count_timer);
	if (log->n_counted == 0) {
		log->count_seconds = 0;
		log->n_lines = 0;
		return;
	}
	gadget_log(host->live, "%u more changes by the host within %g s; now %s", log->n_counted,
		   log->count_seconds,
		   log->suspended    ? SUSPENDED
		   : log->configured ? "configured by the host"
				     : "not configured");
	log->n_counted = 0;
	log->count_seconds *= 2;
	if (log->count_seconds > MAX_COUNT_SECONDS)
		log->count_seconds = MAX_COUNT_SECONDS;
	timer_start(&log->count_timer, log->count_seconds);
}

/* Begins to count changes instead of logging them. Returns false if that is not possible. */
static bool begin_to_count(struct usb_host_state *host)
{
	struct host_log *log = &host->log;

	if (log->count_timer.fd < 0 &&
	    timer_open(&host->live->loop, &log->count_timer, on_count_timer, host) < 0)
		return false;
	log->count_seconds = LINES_SECONDS;
	timer_start(&log->count_timer, log->count_seconds);
	return true;
}

static void log_or_count(struct usb_host_state *host, const char *text)
{
	struct host_log *log = &host->log;
	double now = now_monotonic();

	if (log->n_lines == 0 || now - log->lines_began_at >= LINES_SECONDS) {
		log->lines_began_at = now;
		log->n_lines = 0;
	}
	if (log->count_seconds > 0 || (log->n_lines == MAX_LINES && begin_to_count(host))) {
		log->n_counted++;
		return;
	}
	log->n_lines++;
	gadget_log(host->live, "%s", text);
}

void host_log_changes(struct usb_host_state *host, const struct binding *b)
{
	bool configured = host_has_configured(host), suspended = host_has_suspended(host);
	const struct host_log before = host->log;

	if (host->live->state != GADGET_UP || host->live->up_is_awaited)
		return;
	if (configured == before.configured && suspended == before.suspended)
		return;
	host_log_set_state(host, configured, suspended);
	if (!suspended)
		host_wakeup_has_ended(host);
	/* The line about an unbind says more; the kernel may suspend and disable functions first.
	 */
	if (before.configured && !binding_is_bound_in_kernel(b))
		return;
	if (configured && !before.configured) {
		_cleanup_free_ char *text = configured_text(host, b);

		log_or_count(host, text);
	} else if (!configured && before.configured) {
		log_or_count(host, "disconnected or unconfigured by the host");
	}
	if (configured && suspended != before.suspended)
		log_or_count(host, suspended ? SUSPENDED : "resumed by the host");
}

void host_log_set_state(struct usb_host_state *host, bool configured, bool suspended)
{
	host->log.configured = configured;
	host->log.suspended = suspended;
}

void host_log_close(struct usb_host_state *host)
{
	fd_watch_close(&host->live->loop, &host->log.count_timer);
}

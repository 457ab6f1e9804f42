/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wakes the host (remote wakeup; USB 2.0, 7.1.7.7). FunctionFS has no call for it, so this uses the
 * UDC's attribute `srp`, which calls usb_gadget_wakeup() (udc/core.c, srp_store). The attribute
 * hides the result: the UDC does nothing if the host is not suspended, or has not allowed it by
 * SET_FEATURE. A host that does not resume the gadget within WAKEUP_SECONDS therefore gets a line
 * of the log.
 */
#include "supervisor/usb_host.h"

#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "configfs/udc.h"
#include "supervisor/live_gadget.h"

#define REFUSAL_SECONDS 1 /* at most one line of the log in this time */
/* A bus resumes within a tenth of a second (USB 2.0, 7.1.7.7), a computer that sleeps takes longer.
 */
#define WAKEUP_SECONDS 10

/* Returns whether a configuration tells the host that it can be woken. */
static bool config_has_wakeup(const struct gadget *g)
{
	for (size_t i = 0; g && i < g->n_configs; i++)
		if (g->configs[i].bm_attributes.value & USB_CONFIG_ATT_WAKEUP)
			return true;
	return false;
}

static void log_refusal(struct usb_host_state *host, const char *label, const char *why)
{
	double now = now_monotonic();

	if (host->wakeup.refused_at > 0 && now - host->wakeup.refused_at < REFUSAL_SECONDS)
		return;
	host->wakeup.refused_at = now;
	gadget_log_about(host->live, label, LOG_WARNING,
			 "the worker asks to wake the host, which is refused: %s", why);
}

/*
 * Returns whether the host has suspended the gadget. FunctionFS reports it; without such a function
 * the UDC's attribute `state` shows it for few UDC drivers only, and the gadget's attribute
 * `suspended` for all, but nothing reports that it changes (composite.c, suspended_show).
 */
static bool is_suspended(const struct usb_host_state *host)
{
	_cleanup_free_ char *word = NULL;

	if (host_has_suspended(host))
		return true;
	word = udc_read_attribute(host->live->functions.last_bound_udc, "gadget/suspended");
	return streq_null(word, "1");
}

static void on_wakeup_timer(void *data, uint32_t events _unused_)
{
	struct usb_host_state *host = data;
	_cleanup_free_ char *label = host->wakeup.label,
			    *driver = udc_driver(host->live->functions.last_bound_udc);
	bool can = udc_traits_or_unknown(driver)->remote_wakeup != UDC_NO;

	host->wakeup.label = NULL;
	timer_stop(&host->wakeup.timer);
	if (!is_suspended(host))
		return;
	gadget_log_about(host->live, label, LOG_WARNING,
			 "the host is still suspended %d s after the worker has asked to wake it: "
			 "%s%s",
			 WAKEUP_SECONDS,
			 can ? "it has not allowed the gadget to wake it"
			     : "the kernel cannot wake a host by a UDC of ",
			 can ? "" : driver);
}

/* Expects that the host resumes the gadget, unless a request before this one does already. */
static void expect_resume(struct usb_host_state *host, const char *label)
{
	struct wakeup *w = &host->wakeup;

	if (w->label || !is_suspended(host))
		return;
	if (w->timer.fd < 0 && timer_open(&host->live->loop, &w->timer, on_wakeup_timer, host) < 0)
		return;
	w->label = xstrdup(label);
	timer_start(&w->timer, WAKEUP_SECONDS);
}

void host_wakeup_has_ended(struct usb_host_state *host)
{
	struct wakeup *w = &host->wakeup;

	if (w->label)
		timer_stop(&w->timer);
	free(w->label);
	w->label = NULL;
}

void host_wakeup_close(struct usb_host_state *host)
{
	host_wakeup_has_ended(host);
	fd_watch_close(&host->live->loop, &host->wakeup.timer);
}

void host_wake_up(struct usb_host_state *host, const char *label)
{
	const char *udc = host->live->functions.last_bound_udc;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!config_has_wakeup(host->live->model)) {
		log_refusal(host, label,
			    "no configuration has bit 5 (0x20) of bmAttributes, remote wakeup");
		return;
	}
	path = strf(UDC_CLASS_DIR "/%s/srp", udc);
	r = file_write(AT_FDCWD, path, "1", 1);
	if (r < 0) {
		_cleanup_free_ char *why = strf("cannot write '%s': %s", path, strerror(-r));

		log_refusal(host, label, why);
		return;
	}
	expect_resume(host, label);
}

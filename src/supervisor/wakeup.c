/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wakes the host (remote wakeup; USB 2.0, 7.1.7.7). FunctionFS has no call for it, so this uses the
 * UDC's attribute `srp`, which calls usb_gadget_wakeup() (udc/core.c, srp_store). The attribute
 * hides the result: the UDC does nothing if the host is not suspended, or has not allowed it by
 * SET_FEATURE.
 */
#include "supervisor/usb_host.h"

#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "configfs/udc.h"
#include "supervisor/live_gadget.h"

#define REFUSAL_SECONDS 1 /* at most one line of the log in this time */

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

	if (host->wakeup_refused_at > 0 && now - host->wakeup_refused_at < REFUSAL_SECONDS)
		return;
	host->wakeup_refused_at = now;
	gadget_log_about(host->live, label, LOG_WARNING,
			 "the worker asks to wake the host, which is refused: %s", why);
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
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two files of the host half share: port and root hub (host.c), and transfers
 * (host_transfers.c).
 */
#ifndef LAB_UDC_HOST_H
#define LAB_UDC_HOST_H

#include <linux/platform_device.h>
#include <linux/usb.h>
#include <linux/usb/hcd.h>

#include "model.h"

#define MAX_PACKET 1024

enum port_event { NO_EVENT, RESET_ENDS, SUSPENDED, RESUME_ENDS };

/* Each n-th of something, counted down; none if n is 0. */
struct each {
	unsigned int n, left;
};

static inline bool each_is_due(struct each *each)
{
	if (!each->n || --each->left)
		return false;
	each->left = each->n;
	return true;
}

struct host {
	struct udc_port port;
	struct platform_device *dev;
	struct usb_hcd *hcd;
	struct list_head pipes;
	struct hrtimer frame_timer, event_timer;
	enum port_event event;
	ktime_t epoch;
	u32 status; /* of the port, with its changes in the upper half */
	u32 frame;  /* the microframe of the budget */
	int budget;
	bool running, pulled_up, vbus;
	bool cable;
	struct each lost, repeated;
	u8 bounce[MAX_PACKET];
};

static inline struct host *to_host(struct udc_port *port)
{
	return container_of(port, struct host, port);
}

static inline struct host *hcd_host(struct usb_hcd *hcd)
{
	return *(struct host **)hcd->hcd_priv;
}

static inline bool is_high_speed(const struct host *h)
{
	return h->status & USB_PORT_STAT_HIGH_SPEED;
}

/* Returns the microframes in what an interval is counted in: one, or a frame at full speed. */
static inline u32 interval_unit(const struct host *h)
{
	return is_high_speed(h) ? 1 : MICROFRAMES_PER_FRAME;
}

enum hrtimer_restart host_on_frame(struct hrtimer *timer);
int host_enqueue(struct usb_hcd *hcd, struct urb *urb, gfp_t gfp);
int host_dequeue(struct usb_hcd *hcd, struct urb *urb, int status);
void host_endpoint_disable(struct usb_hcd *hcd, struct usb_host_endpoint *ep);

#endif

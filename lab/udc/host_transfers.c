// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transfers of the host half (host.c): control, bulk, interrupt and isochronous, as
 * transactions of single packets.
 */
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "host.h"

/*
 * Bytes in a microframe at high speed and in a frame at full speed, and the bytes that a
 * transaction takes besides its data (USB 2.0, tables 5-10 and 5-9: 13 packets of 512 bytes and 19
 * of 64).
 */
#define HIGH_BUDGET 7500
#define HIGH_OVERHEAD 55
#define FULL_BUDGET 1500
#define FULL_OVERHEAD 13
/* USB 2.0, 10.2.6: a transaction that fails three times ends its transfer. */
#define TRIES 3
/* An isochronous transfer begins so many microframes after it was queued. */
#define ISO_LEAD 2

static unsigned int setup_gap;
module_param(setup_gap, uint, 0644);
MODULE_PARM_DESC(setup_gap, "microframes from a SETUP packet to the next token of its request");

enum stage { SETUP, DATA, STATUS };

/* One URB. */
struct transfer {
	struct list_head list;
	struct urb *urb;
	enum stage stage; /* of a control transfer */
	bool data1;	  /* PID of the next packet of a control transfer */
	int failed;	  /* transactions without an answer */
	int iso;	  /* the next packet of urb->iso_frame_desc */
	bool has_start;	  /* of an isochronous transfer: `start` was chosen */
	u32 start;	  /* the microframe of packet 0 */
};

/* An endpoint that has had transfers. */
struct pipe {
	struct list_head list;
	struct list_head transfers;
	u32 next; /* the microframe before which it has no transaction */
};

/* Runs the transactions of a microframe, when it begins. */
static void run_at(struct host *h, u32 microframe)
{
	if (h->running)
		hrtimer_start(&h->frame_timer, udc_port_microframe_time(&h->port, microframe),
			      HRTIMER_MODE_ABS_HARD);
}

/*
 * Returns the place of `length` bytes of an URB's data from `offset` on; if it is not contiguous,
 * the bounce buffer.
 */
static void *urb_data(struct host *h, struct urb *urb, u32 offset, u32 length)
{
	if (urb->transfer_buffer)
		return urb->transfer_buffer + offset;
	if (usb_urb_dir_out(urb))
		sg_pcopy_to_buffer(urb->sg, urb->num_sgs, h->bounce, length, offset);
	return h->bounce;
}

static void copy_bounced(struct host *h, struct urb *urb, u32 offset, u32 length)
{
	if (!urb->transfer_buffer && length)
		sg_pcopy_from_buffer(urb->sg, urb->num_sgs, h->bounce, length, offset);
}

static struct udc_packet packet_of(const struct urb *urb, void *data, unsigned int length)
{
	return (struct udc_packet){ .address = usb_pipedevice(urb->pipe),
				    .endpoint = usb_pipeendpoint(urb->pipe),
				    .data = data,
				    .length = length };
}

static void spend(struct host *h, int bytes)
{
	h->budget -= bytes + (is_high_speed(h) ? HIGH_OVERHEAD : FULL_OVERHEAD);
}

/*
 * Has the data transactions of a transfer that is not isochronous until its data is complete (0),
 * the device answers NAK or the microframe is full (-EINPROGRESS), or it fails.
 */
static int move_data(struct host *h, struct transfer *t)
{
	struct urb *urb = t->urb;
	bool in = usb_urb_dir_in(urb), control = usb_pipecontrol(urb->pipe);
	int endpoint = usb_pipeendpoint(urb->pipe);
	int max = usb_endpoint_maxp(&urb->ep->desc);

	while (h->budget > 0) {
		u32 left = urb->transfer_buffer_length - urb->actual_length;
		u32 length = min_t(u32, left, min(max, MAX_PACKET));
		struct udc_packet p =
			packet_of(urb, urb_data(h, urb, urb->actual_length, length), length);
		bool expected = control ? t->data1 : usb_gettoggle(urb->dev, endpoint, !in);
		int n;

		p.data1 = expected;
		n = in ? h->port.ops->in(&h->port, &p) : h->port.ops->out(&h->port, &p);
		spend(h, max(n, 0));
		if (n < 0)
			return n == -EAGAIN ? -EINPROGRESS : n;
		t->failed = 0;
		/* The packet before this one is repeated: it was acknowledged, and is dropped */
		if (in && p.data1 != expected)
			continue;
		if (control)
			t->data1 = !t->data1;
		else
			usb_dotoggle(urb->dev, endpoint, !in);
		if (in)
			copy_bounced(h, urb, urb->actual_length, min_t(u32, n, length));
		urb->actual_length += min_t(u32, n, length);
		if (n > length)
			return -EOVERFLOW;
		if (n < max) {
			if (n < left && (urb->transfer_flags & URB_SHORT_NOT_OK))
				return -EREMOTEIO;
			return 0;
		}
		if (n == left && (in || control || !(urb->transfer_flags & URB_ZERO_PACKET)))
			return 0;
	}
	return -EINPROGRESS;
}

static int send_setup(struct host *h, struct urb *urb)
{
	spend(h, sizeof(struct usb_ctrlrequest));
	return h->port.ops->setup(&h->port, usb_pipedevice(urb->pipe), (void *)urb->setup_packet);
}

static int run_control(struct host *h, struct pipe *pipe, struct transfer *t, u32 now)
{
	struct urb *urb = t->urb;
	bool to_device;
	int rc;

	if (t->stage == SETUP) {
		rc = send_setup(h, urb);
		if (rc > 0 && each_is_due(&h->repeated))
			rc = send_setup(h, urb);
		if (rc < 0)
			return rc == -EAGAIN ? -EINPROGRESS : rc;
		t->data1 = true;
		t->failed = 0;
		t->stage = urb->transfer_buffer_length ? DATA : STATUS;
		if (setup_gap) {
			pipe->next = now + setup_gap;
			return -EINPROGRESS;
		}
	}
	if (t->stage == DATA) {
		rc = move_data(h, t);
		if (rc)
			return rc;
		t->stage = STATUS;
	}
	/* The status stage is a packet without data, against the direction of the data stage */
	to_device = urb->transfer_buffer_length && usb_urb_dir_in(urb);
	{
		struct udc_packet p = packet_of(urb, h->bounce, 0);

		p.data1 = true;
		rc = to_device ? h->port.ops->out(&h->port, &p) : h->port.ops->in(&h->port, &p);
	}
	spend(h, 0);
	if (rc == -EAGAIN)
		return -EINPROGRESS;
	return rc > 0 ? -EOVERFLOW : rc;
}

/* Has the transactions of one interval of an isochronous endpoint. */
static void run_iso_packet(struct host *h, struct urb *urb, struct usb_iso_packet_descriptor *d)
{
	u32 max = usb_endpoint_maxp(&urb->ep->desc);
	int mult = usb_endpoint_maxp_mult(&urb->ep->desc);

	d->actual_length = 0;
	if (each_is_due(&h->lost)) {
		d->status = -EPROTO;
		return;
	}
	d->status = 0;
	for (int i = 0; i < mult; i++) {
		u32 length = min(max, d->length - d->actual_length);
		u32 offset = d->offset + d->actual_length;
		struct udc_packet p = packet_of(urb, urb_data(h, urb, offset, length), length);
		int n = usb_urb_dir_in(urb) ? h->port.ops->in(&h->port, &p)
					    : h->port.ops->out(&h->port, &p);

		if (n < 0) {
			d->status = n == -EAGAIN ? 0 : n;
			return;
		}
		if (usb_urb_dir_in(urb))
			copy_bounced(h, urb, offset, min_t(u32, n, length));
		d->actual_length += min_t(u32, n, length);
		if (n > length)
			d->status = -EOVERFLOW;
		if (n < max || n > length || d->actual_length == d->length)
			return;
	}
}

/*
 * Returns -EINPROGRESS, or 0 if all packets had their interval; those whose interval has passed get
 * -EXDEV.
 */
static int run_iso(struct host *h, struct pipe *pipe, struct transfer *t, u32 now)
{
	struct urb *urb = t->urb;
	u32 interval = urb->interval * interval_unit(h);

	if (!t->has_start) {
		t->has_start = true;
		t->start = pipe->next;
		/* Not in this microframe: its rest may be too short for the device */
		if ((s32)(now - t->start) >= 0)
			t->start = round_up(now + ISO_LEAD, interval);
		urb->start_frame = t->start / interval_unit(h);
	}
	for (; t->iso < urb->number_of_packets; t->iso++) {
		struct usb_iso_packet_descriptor *d = &urb->iso_frame_desc[t->iso];

		pipe->next = t->start + t->iso * interval;
		if ((s32)(pipe->next - now) > 0)
			return -EINPROGRESS;
		if (pipe->next == now) {
			run_iso_packet(h, urb, d);
		} else {
			d->status = -EXDEV;
			d->actual_length = 0;
		}
		if (d->status)
			urb->error_count++;
		urb->actual_length += d->actual_length;
	}
	pipe->next = t->start + t->iso * interval;
	return 0;
}

static int run_interrupt(struct host *h, struct pipe *pipe, struct transfer *t, u32 now)
{
	int rc = move_data(h, t);

	if (rc != -EINPROGRESS)
		pipe->next = now + t->urb->interval * interval_unit(h);
	return rc;
}

/* Returns the URB's status, or -EINPROGRESS. */
static int run_transfer(struct host *h, struct pipe *pipe, struct transfer *t, u32 now)
{
	int rc = -EPROTO;

	if (h->status & USB_PORT_STAT_ENABLE) {
		switch (usb_pipetype(t->urb->pipe)) {
		case PIPE_CONTROL:
			rc = run_control(h, pipe, t, now);
			break;
		case PIPE_ISOCHRONOUS:
			return run_iso(h, pipe, t, now);
		case PIPE_INTERRUPT:
			rc = run_interrupt(h, pipe, t, now);
			break;
		default:
			rc = move_data(h, t);
		}
	}
	if (rc != -EPROTO)
		return rc;
	pipe->next = now + MICROFRAMES_PER_FRAME;
	return ++t->failed < TRIES ? -EINPROGRESS : -EPROTO;
}

static void finish(struct host *h, struct transfer *t, int status)
{
	struct urb *urb = t->urb;

	list_del(&t->list);
	usb_hcd_unlink_urb_from_ep(h->hcd, urb);
	spin_unlock(&h->port.lock);
	usb_hcd_giveback_urb(h->hcd, urb, status);
	spin_lock(&h->port.lock);
	kfree(t);
}

/*
 * Gives each endpoint its transactions. Returns whether one has ended: then the list may have
 * changed.
 */
static bool run_pipes(struct host *h, u32 now)
{
	struct pipe *pipe;

	list_for_each_entry(pipe, &h->pipes, list) {
		struct transfer *t =
			list_first_entry_or_null(&pipe->transfers, struct transfer, list);
		bool iso = t && usb_pipeisoc(t->urb->pipe);
		int rc;

		if (!t || (!iso && (s32)(pipe->next - now) > 0))
			continue;
		rc = run_transfer(h, pipe, t, now);
		if (rc == -EINPROGRESS)
			continue;
		/* The next endpoint goes first the next time */
		list_move_tail(&pipe->list, &h->pipes);
		finish(h, t, rc);
		return true;
	}
	return false;
}

/*
 * Sets the timer for the next microframe in which a transaction is due. What waits for the device
 * waits for a poke.
 */
static void wait_for_frame(struct host *h, u32 now)
{
	u32 next = now + U16_MAX;
	bool due = false;
	struct pipe *pipe;

	list_for_each_entry(pipe, &h->pipes, list) {
		if (list_empty(&pipe->transfers) || (s32)(pipe->next - now) <= 0)
			continue;
		due = true;
		if ((s32)(pipe->next - next) < 0)
			next = pipe->next;
	}
	if (h->budget <= 0) {
		due = true;
		next = round_up(now + 1, interval_unit(h));
	}
	if (due)
		run_at(h, next);
}

enum hrtimer_restart host_on_frame(struct hrtimer *timer)
{
	struct host *h = container_of(timer, struct host, frame_timer);
	unsigned long flags;
	u32 now;

	spin_lock_irqsave(&h->port.lock, flags);
	now = udc_port_microframe(&h->port);
	if (now != h->frame && !(h->status & USB_PORT_STAT_SUSPEND) &&
	    (h->status & USB_PORT_STAT_ENABLE))
		h->port.ops->frame(&h->port, now);
	if (now / interval_unit(h) != h->frame / interval_unit(h))
		h->budget = is_high_speed(h) ? HIGH_BUDGET : FULL_BUDGET;
	h->frame = now;
	if (h->running && !(h->status & USB_PORT_STAT_SUSPEND)) {
		while (run_pipes(h, now))
			;
		/* Where one endpoint has taken the rest of the microframe, another begins the next
		 */
		if (h->budget <= 0)
			list_rotate_left(&h->pipes);
		wait_for_frame(h, now);
	}
	spin_unlock_irqrestore(&h->port.lock, flags);
	return HRTIMER_NORESTART;
}

int host_enqueue(struct usb_hcd *hcd, struct urb *urb, gfp_t gfp)
{
	struct host *h = hcd_host(hcd);
	struct transfer *t = kzalloc(sizeof(*t), gfp);
	struct pipe *fresh = urb->ep->hcpriv ? NULL : kzalloc(sizeof(*fresh), gfp);
	struct pipe *pipe;
	unsigned long flags;
	int rc = -ENOMEM;

	spin_lock_irqsave(&h->port.lock, flags);
	pipe = urb->ep->hcpriv;
	if (!t || (!pipe && !fresh))
		goto out;
	rc = usb_hcd_link_urb_to_ep(hcd, urb);
	if (rc)
		goto out;
	if (!pipe) {
		pipe = fresh;
		fresh = NULL;
		INIT_LIST_HEAD(&pipe->transfers);
		pipe->next = udc_port_microframe(&h->port);
		list_add_tail(&pipe->list, &h->pipes);
		urb->ep->hcpriv = pipe;
	}
	t->urb = urb;
	urb->hcpriv = t;
	list_add_tail(&t->list, &pipe->transfers);
	t = NULL;
	udc_port_poke(&h->port);
out:
	spin_unlock_irqrestore(&h->port.lock, flags);
	kfree(t);
	kfree(fresh);
	return rc;
}

int host_dequeue(struct usb_hcd *hcd, struct urb *urb, int status)
{
	struct host *h = hcd_host(hcd);
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&h->port.lock, flags);
	rc = usb_hcd_check_unlink_urb(hcd, urb, status);
	if (!rc) {
		/* Between two transactions nothing of the transfer is under way */
		finish(h, urb->hcpriv, status);
		udc_port_poke(&h->port);
	}
	spin_unlock_irqrestore(&h->port.lock, flags);
	return rc;
}

/* The USB core has ended all transfers of the endpoint. */
void host_endpoint_disable(struct usb_hcd *hcd, struct usb_host_endpoint *ep)
{
	struct host *h = hcd_host(hcd);
	struct pipe *pipe;
	unsigned long flags;

	spin_lock_irqsave(&h->port.lock, flags);
	pipe = ep->hcpriv;
	ep->hcpriv = NULL;
	if (pipe)
		list_del(&pipe->list);
	spin_unlock_irqrestore(&h->port.lock, flags);
	kfree(pipe);
}

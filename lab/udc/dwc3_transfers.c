// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers of the DWC3 model: rings of TRBs, and how packets come from and go to the memory of
 * TRBs. dwc3.c says what the sources are.
 */
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>

#include "dwc3.h"

static bool whole_packets;
module_param(whole_packets, bool, 0644);
MODULE_PARM_DESC(whole_packets,
		 "a packet that is longer than the rest of its transfer is written whole");

static bool iso_slip;
module_param(iso_slip, bool, 0644);
MODULE_PARM_DESC(iso_slip,
		 "an isochronous TRB that comes late is for the next interval, not missed");

unsigned int model_cut;
module_param_named(cut, model_cut, uint, 0444);
MODULE_PARM_DESC(cut, "bytes of packets that did not fit into their transfers so far");

static bool is_iso(const struct model_endpoint *ep)
{
	return ep->type == USB_ENDPOINT_XFER_ISOC;
}

void *model_dma_memory(u32 address)
{
	return phys_to_virt(address);
}

struct dwc3_trb *model_trb(const struct model_endpoint *ep)
{
	return model_dma_memory(ep->address);
}

/* RM, DSTS.SOFFN: of microframes at high speed, of frames at full speed. */
u16 model_frame(const struct dwc3_model *d)
{
	u32 microframe = udc_port_microframe(d->port);

	return d->full_speed ? microframe / MICROFRAMES_PER_FRAME : microframe;
}

/*
 * The core caches TRBs, and reads one again that was not ready when the driver says so (gadget.c,
 * __dwc3_gadget_kick_transfer(): an Update Transfer after each TRB).
 */
bool model_fetch(struct dwc3_model *d, struct model_endpoint *ep)
{
	bool was_starved = ep->starved;
	u16 now = model_frame(d);

	while (DWC3_TRBCTL_TYPE(model_trb(ep)->ctrl) == DWC3_TRBCTL_LINK_TRB)
		ep->address = model_trb(ep)->bpl;
	ep->starved = !(model_trb(ep)->ctrl & DWC3_TRB_CTRL_HWO);
	if (iso_slip && is_iso(ep) && was_starved && (s16)(now - ep->frame) > 0)
		ep->frame = round_up(now, ep->interval);
	return !ep->starved;
}

/* Writes a TRB back: what is left of its size, and its status. The driver gets it back. */
static void write_back(struct dwc3_model *d, struct model_endpoint *ep, int status)
{
	struct dwc3_trb *trb = model_trb(ep);
	u32 left = (trb->size & DWC3_TRB_SIZE_MASK) - ep->done;

	trb->size = (trb->size & ~(DWC3_TRB_SIZE_MASK | 0xfU << 28)) | left | (u32)status << 28;
	trb->ctrl &= ~DWC3_TRB_CTRL_HWO;
	/* gadget.c, dwc3_gadget_ep_reclaim_completed_trb(): the number of the frame */
	if (DWC3_TRBCTL_TYPE(trb->ctrl) == DWC3_TRBCTL_ISOCHRONOUS_FIRST)
		trb->ctrl = (trb->ctrl & ~DWC3_TRB_CTRL_SID_SOFN(0xffff)) |
			    DWC3_TRB_CTRL_SID_SOFN(ep->frame);
}

/*
 * Ends a transfer: its TRB is written back with the status, unless that is negative. What is in the
 * FIFO is lost.
 */
void model_end_transfer(struct dwc3_model *d, struct model_endpoint *ep, int trb_status)
{
	if (trb_status >= 0 && !ep->starved)
		write_back(d, ep, trb_status);
	ep->active = false;
	ep->in_fifo = false;
	ep->length = ep->taken = 0;
}

static void next_trb(struct dwc3_model *d, struct model_endpoint *ep)
{
	ep->address += sizeof(struct dwc3_trb);
	ep->done = 0;
	model_fetch(d, ep);
}

/*
 * Reports the end of a TRB, and goes on with the next one. `status` has bits of the event, or is 0.
 * IOC and LST ask for events: gadget.c, dwc3_prepare_one_trb(), and ep0.c,
 * dwc3_ep0_prepare_one_trb(). A short packet ends a transfer whose TRBs do not have CSP ("continue
 * on short packet").
 */
static void report(struct dwc3_model *d, struct model_endpoint *ep, u32 control, int status)
{
	bool last = control & DWC3_TRB_CTRL_LST;
	u16 parameters = is_iso(ep) ? ep->frame : 0;

	if (control & DWC3_TRB_CTRL_IOC)
		status |= DEPEVT_STATUS_IOC;
	if ((status & DEPEVT_STATUS_SHORT) && !(control & DWC3_TRB_CTRL_CSP))
		last = true;
	if (is_iso(ep) && !(control & DWC3_TRB_CTRL_CHN)) {
		ep->frame += ep->interval;
		ep->received = false;
	}
	if (last) {
		ep->active = false;
		if (ep->type == USB_ENDPOINT_XFER_CONTROL)
			d->stage = MODEL_STATUS_STAGE;
		model_endpoint_event(d, ep, DWC3_DEPEVT_XFERCOMPLETE, status | DEPEVT_STATUS_LST,
				     parameters);
		return;
	}
	next_trb(d, ep);
	if ((control & DWC3_TRB_CTRL_IOC) ||
	    (status && (control & DWC3_TRB_CTRL_ISP_IMI) && !(control & DWC3_TRB_CTRL_CHN)))
		model_endpoint_event(d, ep, DWC3_DEPEVT_XFERINPROGRESS, status, parameters);
}

/*
 * The driver gets back the rest of a chain without the core's clearing HWO (gadget.c,
 * dwc3_gadget_ep_reclaim_completed_trb()). One event is for the chain: the driver takes each one
 * for another request.
 */
static void skip_chain(struct dwc3_model *d, struct model_endpoint *ep, int status)
{
	while (ep->active && ep->skipping && !ep->starved) {
		u32 control = model_trb(ep)->ctrl;

		ep->skipping = control & DWC3_TRB_CTRL_CHN;
		report(d, ep, control, status);
	}
}

/*
 * Ends a TRB of an OUT endpoint. After a short packet the rest of its chain is not used. A transfer
 * without CSP ends at once.
 */
static void close_out(struct dwc3_model *d, struct model_endpoint *ep, bool is_short)
{
	u32 control = model_trb(ep)->ctrl;
	int status = is_short ? DEPEVT_STATUS_SHORT : 0;

	write_back(d, ep, DWC3_TRBSTS_OK);
	if (is_short && (control & DWC3_TRB_CTRL_CHN) && (control & DWC3_TRB_CTRL_CSP)) {
		ep->skipping = true;
		report(d, ep, control, status);
		skip_chain(d, ep, status);
	} else {
		report(d, ep, control, status);
	}
}

static void drop_rest(struct model_endpoint *ep)
{
	model_cut += ep->length - ep->taken;
	ep->in_fifo = false;
}

void model_drain(struct dwc3_model *d, struct model_endpoint *ep)
{
	skip_chain(d, ep, DEPEVT_STATUS_SHORT);
	while (ep->active && ep->in_fifo && !ep->starved && !ep->skipping) {
		struct dwc3_trb *trb = model_trb(ep);
		u32 size = trb->size & DWC3_TRB_SIZE_MASK, control = trb->ctrl;
		u32 left = ep->length - ep->taken, part = min(left, size - ep->done);
		bool cut = part < left && !(control & DWC3_TRB_CTRL_CHN);
		bool is_short = part == left && ep->length < ep->max_packet;

		memcpy(model_dma_memory(trb->bpl) + ep->done, ep->fifo + ep->taken,
		       cut && whole_packets ? left : part);
		ep->done += part;
		ep->taken += part;
		if (cut)
			drop_rest(ep);
		else if (part == left)
			ep->in_fifo = false;
		if (ep->done == size || is_short)
			close_out(d, ep, is_short);
	}
}

/* A packet is of the endpoint's size, or ends with a chain of TRBs. */
bool model_fill(struct dwc3_model *d, struct model_endpoint *ep)
{
	while (ep->active && !ep->starved && !ep->in_fifo) {
		struct dwc3_trb *trb = model_trb(ep);
		u32 size = trb->size & DWC3_TRB_SIZE_MASK, control = trb->ctrl;
		u32 part = min_t(u32, ep->max_packet - ep->length, size - ep->done);

		memcpy(ep->fifo + ep->length, model_dma_memory(trb->bpl) + ep->done, part);
		ep->done += part;
		ep->length += part;
		ep->in_fifo = ep->length == ep->max_packet;
		if (ep->done < size)
			break;
		if (!(control & DWC3_TRB_CTRL_CHN))
			ep->in_fifo = true;
		write_back(d, ep, DWC3_TRBSTS_OK);
		report(d, ep, control, 0);
	}
	return ep->in_fifo;
}

/* ---- Isochronous endpoints ---- */

/*
 * A TRB is for its interval (RM, DEPCMD: the first one has the number of the start; each next one
 * is an interval later). What the host has not asked for is missed (gadget.c, MISSED_ISOC), and so
 * is a TRB that comes too late, which no source says: iso_slip. A packet that may have had others
 * after it is complete with the interval.
 */
void model_expire(struct dwc3_model *d, struct model_endpoint *ep)
{
	u16 now = model_frame(d);

	while (ep->active && !ep->starved && (s16)(now - ep->frame) >= ep->interval) {
		u32 control = model_trb(ep)->ctrl;

		ep->in_fifo = false;
		ep->length = ep->taken = 0;
		if (ep->received) {
			close_out(d, ep, true);
			continue;
		}
		write_back(d, ep, DWC3_TRBSTS_MISSED_ISOC);
		report(d, ep, control, DEPEVT_STATUS_MISSED_ISOC);
	}
}

/* Waits for the end of the first interval that will end. */
void model_set_iso_timer(struct dwc3_model *d)
{
	u32 microframe = udc_port_microframe(d->port);
	u32 unit = d->full_speed ? MICROFRAMES_PER_FRAME : 1;
	int first = 0;

	for (int n = 2; n < MODEL_ENDPOINTS; n++) {
		const struct model_endpoint *ep = &d->ep[n];
		int left;

		if (!ep->active || ep->starved || !is_iso(ep))
			continue;
		left = max((s16)(ep->frame - model_frame(d)) + ep->interval, 1);
		if (!first || left < first)
			first = left;
	}
	if (first)
		hrtimer_start(&d->iso_timer,
			      ns_to_ktime((u64)(first * unit - microframe % unit) * MICROFRAME_NS),
			      HRTIMER_MODE_REL_HARD);
}

enum hrtimer_restart model_on_iso_timer(struct hrtimer *timer)
{
	struct dwc3_model *d = container_of(timer, struct dwc3_model, iso_timer);
	unsigned long flags;

	spin_lock_irqsave(&d->port->lock, flags);
	for (int n = 2; n < MODEL_ENDPOINTS; n++)
		if (d->ep[n].active && is_iso(&d->ep[n]))
			model_expire(d, &d->ep[n]);
	model_set_iso_timer(d);
	spin_unlock_irqrestore(&d->port->lock, flags);
	return HRTIMER_NORESTART;
}

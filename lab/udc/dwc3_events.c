// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the DWC3 model: the buffer in memory, into which the core writes them, and the
 * interrupt. dwc3.c says what the sources are.
 */
#include "dwc3.h"

/* At most so many bytes of events come from one packet. */
#define EVENTS_OF_PACKET 64

static u32 buffer_size(const struct dwc3_model *d)
{
	return DWC3_GEVNTSIZ_SIZE(MODEL_REG(d, DWC3_GEVNTSIZ(0)));
}

/*
 * The interrupt is a level: RM, GEVNTCOUNT. With moderation (gadget.c, __dwc3_gadget_start()) the
 * core sets EHB when it raises the interrupt, and raises no other one until the driver has written
 * 1 there. The interval of DEV_IMOD is shorter than the delay of the model's interrupt.
 */
void model_update_interrupt(struct dwc3_model *d)
{
	bool moderated = MODEL_REG(d, DWC3_DEV_IMOD(0)) & DWC3_DEV_IMOD_INTERVAL_MASK;
	bool now = d->event_count && !(MODEL_REG(d, DWC3_GEVNTSIZ(0)) & DWC3_GEVNTSIZ_INTMASK);

	if (now && !d->irq.level && moderated) {
		now = !d->handler_busy;
		d->handler_busy = true;
	}
	udc_irq_set(&d->irq, now);
}

/*
 * No source says what the core does without room for an event, besides the event of an overflow.
 * The model answers NAK before it comes to that.
 */
bool model_has_room_for_events(const struct dwc3_model *d)
{
	return d->event_count + EVENTS_OF_PACKET <= buffer_size(d);
}

/* RM, GEVNTADRn: a ring from there on. */
static void write_event(struct dwc3_model *d, u32 event)
{
	u32 size = buffer_size(d);

	if (d->event_count + sizeof(event) > size)
		return;
	*(u32 *)model_dma_memory(MODEL_REG(d, DWC3_GEVNTADRLO(0)) + d->event_position) = event;
	d->event_position = (d->event_position + sizeof(event)) % size;
	d->event_count += sizeof(event);
	model_update_interrupt(d);
}

/* RM, GEVNTCOUNT: the driver writes how many bytes it has taken. EHB: written 1 to clear. */
void model_take_events(struct dwc3_model *d, u32 value)
{
	d->event_count -= min(d->event_count, value & DWC3_GEVNTCOUNT_MASK);
	if (value & DWC3_GEVNTCOUNT_EHB)
		d->handler_busy = false;
	udc_port_poke(d->port);
}

/* RM, DEVTEN: the bit that enables an event has the event's number. core.h, dwc3_event_devt. */
void model_device_event(struct dwc3_model *d, int type, u32 info)
{
	if (MODEL_REG(d, DWC3_DEVTEN) & BIT(type))
		write_event(d, 1 | type << 8 | info << 16);
}

/*
 * core.h, dwc3_event_depevt. gadget.c, dwc3_gadget_set_ep_config() enables events. There is no bit
 * for that of a command, which CmdIOC asks for.
 */
void model_endpoint_event(struct dwc3_model *d, const struct model_endpoint *ep, int event,
			  int status, u16 parameters)
{
	u32 enabled = DWC3_DEPCFG_XFER_COMPLETE_EN;

	if (event == DWC3_DEPEVT_XFERINPROGRESS)
		enabled = DWC3_DEPCFG_XFER_IN_PROGRESS_EN;
	else if (event == DWC3_DEPEVT_XFERNOTREADY)
		enabled = DWC3_DEPCFG_XFER_NOT_READY_EN;
	if (event == DWC3_DEPEVT_EPCMDCMPLT || (ep->events & enabled))
		write_event(d, ep->number << 1 | event << 6 | status << 12 | parameters << 16);
}

void model_not_ready(struct dwc3_model *d, struct model_endpoint *ep, int status)
{
	if (ep->not_ready)
		return;
	ep->not_ready = true;
	model_endpoint_event(d, ep, DWC3_DEPEVT_XFERNOTREADY, status, model_frame(d));
}

void model_set_link(struct dwc3_model *d, u8 link)
{
	if (link == d->link)
		return;
	d->link = link;
	model_device_event(d, DWC3_DEVICE_EVENT_LINK_STATUS_CHANGE, link);
}

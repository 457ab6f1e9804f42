// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the DWC3 model does with packets and with what else comes over the cable. dwc3.c says what
 * the sources are.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "dwc3.h"

static struct model_endpoint *physical(struct dwc3_model *d, const struct udc_packet *p, bool in)
{
	return &d->ep[p->endpoint << 1 | in];
}

static int type_of(const struct model_endpoint *ep)
{
	return ep->active ? DWC3_TRBCTL_TYPE(model_trb(ep)->ctrl) : 0;
}

static bool is_status(const struct model_endpoint *ep)
{
	int type = type_of(ep);

	return type == DWC3_TRBCTL_CONTROL_STATUS2 || type == DWC3_TRBCTL_CONTROL_STATUS3;
}

static void receive(struct dwc3_model *d, struct model_endpoint *ep, const struct udc_packet *p)
{
	ep->length = min_t(u32, p->length, sizeof(ep->fifo));
	memcpy(ep->fifo, p->data, ep->length);
	ep->taken = 0;
	ep->in_fifo = true;
	model_drain(d, ep);
}

static int send(struct model_endpoint *ep, struct udc_packet *p)
{
	int length = ep->length;

	memcpy(p->data, ep->fifo, min_t(u32, length, p->length));
	ep->length = 0;
	ep->in_fifo = false;
	return length;
}

/* ---- Control endpoint ---- */

/* Returns whether the request has a data stage in this direction; otherwise it is of the status. */
static bool is_data_stage(const struct dwc3_model *d, bool in)
{
	return d->request.wLength && !!(d->request.bRequestType & USB_DIR_IN) == in;
}

static void complete_control(struct dwc3_model *d, struct model_endpoint *ep, int trb_status)
{
	model_end_transfer(d, ep, trb_status);
	model_endpoint_event(d, ep, DWC3_DEPEVT_XFERCOMPLETE, DEPEVT_STATUS_LST, 0);
}

/*
 * The host sent a SETUP packet during the data or status stage. The stage completes at once with
 * this status. After a data stage the driver waits for that of the status (ep0.c,
 * __dwc3_gadget_ep0_queue(), dwc3_ep0_complete_data() and dwc3_ep0_xfernotready()).
 */
static void abandon_stage(struct dwc3_model *d, struct model_endpoint *ep)
{
	bool data = type_of(ep) == DWC3_TRBCTL_CONTROL_DATA;
	struct model_endpoint *status = &d->ep[!(ep->number & 1)];

	complete_control(d, ep, DWC3_TRBSTS_SETUP_PENDING);
	d->stage = data ? MODEL_STATUS_STAGE : MODEL_NO_STAGE;
	if (data) {
		status->not_ready = false;
		model_not_ready(d, status, DEPEVT_STATUS_CONTROL_STATUS);
	}
}

/* The memory of the TRB is the TRB itself (ep0.c, dwc3_ep0_inspect_setup()). */
static void deliver_setup(struct dwc3_model *d)
{
	struct model_endpoint *ep = &d->ep[0];

	d->request = d->held;
	d->setup_held = false;
	d->stage = d->request.wLength ? MODEL_DATA_STAGE : MODEL_STATUS_STAGE;
	d->ep[0].not_ready = d->ep[1].not_ready = false;
	ep->done = sizeof(d->request);
	memcpy(model_dma_memory(model_trb(ep)->bpl), &d->request, sizeof(d->request));
	complete_control(d, ep, DWC3_TRBSTS_OK);
	model_end_waiting(d);
}

void model_start_control(struct dwc3_model *d, struct model_endpoint *ep)
{
	if (!d->setup_held)
		return;
	if (type_of(ep) == DWC3_TRBCTL_CONTROL_SETUP)
		deliver_setup(d);
	else
		abandon_stage(d, ep);
}

/*
 * gadget.c, __dwc3_gadget_ep_set_halt(): a SETUP token ends the STALL. If no TRB waits for
 * the packet, the driver starts one when the gadget queues data, or after XferNotReady of the
 * status stage (ep0.c, __dwc3_gadget_ep0_queue()).
 */
static int on_setup(struct udc_port *port, u8 address, const struct usb_ctrlrequest *request)
{
	struct dwc3_model *d = port->model;

	if (address != d->address || !(MODEL_REG(d, DWC3_DALEPENA) & DWC3_DALEPENA_EP(0)))
		return -EPROTO;
	d->held = *request;
	d->setup_held = true;
	d->ep[0].stalled = false;
	if (!d->ep[0].active && !d->ep[1].active && d->stage == MODEL_STATUS_STAGE)
		model_not_ready(d, &d->ep[!is_data_stage(d, true)], DEPEVT_STATUS_CONTROL_STATUS);
	for (int n = 0; n < 2; n++) {
		struct model_endpoint *ep = &d->ep[n];

		if (type_of(ep) == DWC3_TRBCTL_CONTROL_SETUP)
			deliver_setup(d);
		else if (ep->active)
			abandon_stage(d, ep);
	}
	return sizeof(*request);
}

static int control_data(struct dwc3_model *d, struct model_endpoint *ep, struct udc_packet *p,
			bool in)
{
	if (type_of(ep) != DWC3_TRBCTL_CONTROL_DATA) {
		model_not_ready(d, ep, DEPEVT_STATUS_CONTROL_DATA);
		return -EAGAIN;
	}
	if (in)
		return model_fill(d, ep) ? send(ep, p) : -EAGAIN;
	receive(d, ep, p);
	return p->length;
}

/*
 * The status stage, for which the driver waits to be asked (ep0.c, dwc3_ep0_xfernotready()). A host
 * may end the data stage earlier than the driver expects. SET_ADDRESS is used after its status
 * stage.
 */
static int control_status(struct dwc3_model *d, struct model_endpoint *ep, bool in)
{
	struct model_endpoint *data = &d->ep[!in];

	if (type_of(data) == DWC3_TRBCTL_CONTROL_DATA)
		complete_control(d, data, DWC3_TRBSTS_OK);
	d->stage = MODEL_STATUS_STAGE;
	if (!is_status(ep)) {
		model_not_ready(d, ep, DEPEVT_STATUS_CONTROL_STATUS);
		return -EAGAIN;
	}
	complete_control(d, ep, DWC3_TRBSTS_OK);
	d->stage = MODEL_NO_STAGE;
	if (in)
		d->address = (MODEL_REG(d, DWC3_DCFG) & DWC3_DCFG_DEVADDR_MASK) >> 3;
	return 0;
}

static int control(struct dwc3_model *d, struct model_endpoint *ep, struct udc_packet *p, bool in)
{
	/* ep0.c, dwc3_ep0_stall_and_restart(): the STALL of EP0 OUT is for both directions */
	if (d->ep[0].stalled)
		return -EPIPE;
	if (d->setup_held)
		return -EAGAIN;
	return is_data_stage(d, in) ? control_data(d, ep, p, in) : control_status(d, ep, in);
}

/* ---- The other endpoints ---- */

/* Returns whether the TRB is for this interval. */
static bool is_its_interval(struct dwc3_model *d, struct model_endpoint *ep)
{
	model_expire(d, ep);
	if (!ep->active)
		model_not_ready(d, ep, 0);
	return ep->active && !ep->starved && (s16)(model_frame(d) - ep->frame) >= 0;
}

/* USB 2.0, 8.5.5: there is no handshake. An IN endpoint without data sends an empty packet. */
static int iso(struct dwc3_model *d, struct model_endpoint *ep, struct udc_packet *p, bool in)
{
	int length = in ? 0 : p->length;

	if (is_its_interval(d, ep)) {
		if (!in) {
			ep->received = true;
			receive(d, ep, p);
		} else if (model_fill(d, ep)) {
			length = send(ep, p);
		}
	}
	model_set_iso_timer(d);
	return length;
}

static int bulk_out(struct dwc3_model *d, struct model_endpoint *ep, struct udc_packet *p)
{
	/* USB 2.0, 8.6: the packet is repeated. It is acknowledged and dropped */
	if (p->data1 != ep->data1)
		return p->length;
	if (!ep->active || ep->starved || ep->skipping || ep->in_fifo)
		return -EAGAIN;
	receive(d, ep, p);
	ep->data1 = !ep->data1;
	return p->length;
}

static int bulk_in(struct dwc3_model *d, struct model_endpoint *ep, struct udc_packet *p)
{
	if (!model_fill(d, ep))
		return -EAGAIN;
	p->data1 = ep->data1;
	ep->data1 = !ep->data1;
	return send(ep, p);
}

static int transaction(struct dwc3_model *d, struct udc_packet *p, bool in)
{
	struct model_endpoint *ep = physical(d, p, in);

	if (p->address != d->address ||
	    !(MODEL_REG(d, DWC3_DALEPENA) & DWC3_DALEPENA_EP(ep->number)))
		return -EPROTO;
	if (!model_has_room_for_events(d))
		return -EAGAIN;
	if (ep->type == USB_ENDPOINT_XFER_CONTROL)
		return control(d, ep, p, in);
	if (ep->type == USB_ENDPOINT_XFER_ISOC)
		return iso(d, ep, p, in);
	if (ep->stalled)
		return -EPIPE;
	return in ? bulk_in(d, ep, p) : bulk_out(d, ep, p);
}

static int on_out(struct udc_port *port, struct udc_packet *p)
{
	return transaction(port->model, p, false);
}

static int on_in(struct udc_port *port, struct udc_packet *p)
{
	return transaction(port->model, p, true);
}

/* ---- The cable ---- */

static bool is_running(const struct dwc3_model *d)
{
	return MODEL_REG(d, DWC3_DCTL) & DWC3_DCTL_RUN_STOP;
}

/* A SETUP packet that the driver has not got goes with the connection. */
static void forget_setup(struct dwc3_model *d)
{
	d->setup_held = false;
	model_end_waiting(d);
}

static void on_vbus(struct udc_port *port, bool on)
{
	struct dwc3_model *d = port->model;

	d->vbus = on;
	if (on || !is_running(d))
		return;
	d->address = 0;
	forget_setup(d);
	model_set_link(d, DWC3_LINK_STATE_SS_DIS);
	model_device_event(d, DWC3_DEVICE_EVENT_DISCONNECT, d->link);
}

/* The driver clears the address and ends transfers (gadget.c, dwc3_gadget_reset_interrupt()). */
static void on_reset(struct udc_port *port)
{
	struct dwc3_model *d = port->model;

	d->address = 0;
	forget_setup(d);
	model_set_link(d, DWC3_LINK_STATE_RESET);
	model_device_event(d, DWC3_DEVICE_EVENT_RESET, d->link);
}

/* RM, DSTS.CONNECTSPD, with the codes of DCFG.DEVSPD. */
static enum usb_device_speed on_enumerate(struct udc_port *port, enum usb_device_speed host)
{
	struct dwc3_model *d = port->model;
	u32 wanted = MODEL_REG(d, DWC3_DCFG) & DWC3_DCFG_SPEED_MASK;

	d->full_speed = host != USB_SPEED_HIGH || wanted == DWC3_DCFG_FULLSPEED;
	model_set_link(d, DWC3_LINK_STATE_U0);
	model_device_event(d, DWC3_DEVICE_EVENT_CONNECT_DONE, d->link);
	return d->full_speed ? USB_SPEED_FULL : USB_SPEED_HIGH;
}

/* gadget.c, dwc3_gadget_suspend_interrupt(): the event has the state of the link. */
static void on_suspend(struct udc_port *port)
{
	struct dwc3_model *d = port->model;

	if (!d->vbus || !is_running(d))
		return;
	model_set_link(d, DWC3_LINK_STATE_U3);
	model_device_event(d, DWC3_DEVICE_EVENT_SUSPEND, d->link);
}

/*
 * gadget.c, __dwc3_gadget_wakeup(): after remote wake-up the driver waits for the change to U0. In
 * the model it comes when K begins, not when it ends.
 */
static void on_resume(struct udc_port *port)
{
	struct dwc3_model *d = port->model;

	model_set_link(d, DWC3_LINK_STATE_RESUME);
	model_device_event(d, DWC3_DEVICE_EVENT_WAKEUP, d->link);
	model_set_link(d, DWC3_LINK_STATE_U0);
}

static void on_frame(struct udc_port *port, u32 microframe)
{
	model_device_event(port->model, DWC3_DEVICE_EVENT_SOF, 0);
}

const struct udc_model_ops model_ops = {
	.vbus = on_vbus,
	.reset = on_reset,
	.enumerate = on_enumerate,
	.suspend = on_suspend,
	.resume = on_resume,
	.frame = on_frame,
	.setup = on_setup,
	.out = on_out,
	.in = on_in,
};

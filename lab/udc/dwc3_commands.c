// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the DWC3 model: those of endpoints (DEPCMD) and of the device (DGCMD). dwc3.c says
 * what the sources are.
 */
#include <linux/module.h>

#include "dwc3.h"

static bool susphy;
module_param(susphy, bool, 0644);
MODULE_PARM_DESC(susphy, "commands complete although the PHY may suspend");

static struct model_endpoint *endpoint(struct dwc3_model *d, int n)
{
	return &d->ep[n];
}

static u32 parameter(const struct dwc3_model *d, int n, unsigned int offset)
{
	return MODEL_REG(d, DWC3_DEP_BASE(n) + offset);
}

/*
 * RM, DEPCMD. An Update Transfer without CmdAct ("No Response" in gadget.c,
 * dwc3_send_gadget_ep_cmd()) has no answer.
 */
static void answer(struct dwc3_model *d, int n, int status, u16 result)
{
	u32 *command = &MODEL_REG(d, DWC3_DEP_BASE(n) + DWC3_DEPCMD);
	int type = DWC3_DEPCMD_CMD(*command);

	if (type == DWC3_DEPCMD_UPDATETRANSFER && !(*command & DWC3_DEPCMD_CMDACT))
		return;
	if (*command & DWC3_DEPCMD_CMDIOC)
		model_endpoint_event(d, endpoint(d, n), DWC3_DEPEVT_EPCMDCMPLT, status,
				     type << 8 | result);
	*command =
		(*command & (DWC3_DEPCMD_CMDIOC | 0xf)) | status << 12 | DWC3_DEPCMD_PARAM(result);
}

/*
 * gadget.c, dwc3_gadget_start_config(): takes the resources of all endpoints away, or of those
 * from the parameter on.
 */
static int start_new_config(struct dwc3_model *d, u32 first)
{
	for (int n = first; n < MODEL_ENDPOINTS; n++)
		endpoint(d, n)->has_resource = false;
	return 0;
}

/* gadget.c, dwc3_gadget_set_ep_config(). INIT, unlike MODIFY, begins with DATA0. */
static int set_config(struct dwc3_model *d, int n)
{
	struct model_endpoint *ep = endpoint(d, n);
	u32 p0 = parameter(d, n, DWC3_DEPCMDPAR0), p1 = parameter(d, n, DWC3_DEPCMDPAR1);

	ep->type = p0 >> 1 & 3;
	ep->max_packet = min_t(u32, p0 >> 3 & 0x7ff, MODEL_MAX_PACKET);
	ep->events = p1;
	ep->interval = 1 << min_t(u32, p1 >> 16 & 0xff, 15);
	if ((p0 & GENMASK(31, 30)) == DWC3_DEPCFG_ACTION_INIT)
		ep->data1 = false;
	return 0;
}

/*
 * ep0.c, dwc3_ep0_end_control_data(): EP0 OUT has the index 0. Each endpoint has one resource,
 * here that of its number.
 */
static int set_resource(struct dwc3_model *d, int n)
{
	endpoint(d, n)->has_resource = parameter(d, n, DWC3_DEPCMDPAR0) != 0;
	endpoint(d, n)->resource = n;
	return 0;
}

/*
 * RM, DEPCMD: the parameter of an isochronous endpoint is the (micro)frame to begin with. gadget.c,
 * dwc3_send_gadget_ep_cmd() has the two errors; dwc3_gadget_start_isoc_quirk(): half of the 16 bits
 * are the future, the others fail.
 */
static int start_transfer(struct dwc3_model *d, int n, u16 param)
{
	struct model_endpoint *ep = endpoint(d, n);

	if (!ep->has_resource || ep->active)
		return DEPEVT_TRANSFER_NO_RESOURCE;
	if (ep->type == USB_ENDPOINT_XFER_ISOC && (s16)(param - model_frame(d)) <= 0)
		return DEPEVT_TRANSFER_BUS_EXPIRY;
	ep->active = true;
	ep->not_ready = false;
	ep->skipping = ep->received = ep->in_fifo = false;
	ep->length = ep->taken = 0;
	ep->done = 0;
	ep->frame = param & ~(ep->interval - 1);
	ep->address = parameter(d, n, DWC3_DEPCMDPAR1);
	model_fetch(d, ep);
	if (ep->type == USB_ENDPOINT_XFER_CONTROL)
		model_start_control(d, ep);
	return 0;
}

static void update_transfer(struct dwc3_model *d, int n, u16 index)
{
	struct model_endpoint *ep = endpoint(d, n);

	if (!ep->active || index != ep->resource)
		return;
	model_fetch(d, ep);
	if (!(n & 1))
		model_drain(d, ep);
	if (ep->type == USB_ENDPOINT_XFER_ISOC)
		model_expire(d, ep);
}

/*
 * gadget.c, __dwc3_stop_active_transfer(): with ForceRM the TRB stays as it is. XferNotReady of an
 * isochronous endpoint is reported again (dwc3_gadget_endpoint_transfer_not_ready()).
 */
static void end_transfer(struct dwc3_model *d, int n)
{
	struct model_endpoint *ep = endpoint(d, n);
	u32 command = parameter(d, n, DWC3_DEPCMD);

	if (ep->active && command >> DWC3_DEPCMD_PARAM_SHIFT == ep->resource)
		model_end_transfer(d, ep,
				   command & DWC3_DEPCMD_HIPRI_FORCERM ? -1
								       : DWC3_TRB_STS_XFER_IN_PROG);
	ep->not_ready = false;
	ep->ending = false;
	answer(d, n, 0, ep->resource);
}

void model_end_waiting(struct dwc3_model *d)
{
	for (int n = 0; n < MODEL_ENDPOINTS; n++)
		if (endpoint(d, n)->ending)
			end_transfer(d, n);
}

/*
 * gadget.c, dwc3_stop_active_transfer(): an End Transfer does not complete while a SETUP packet has
 * no TRB. core.c, dwc3_core_init(): CmdAct stays until then if the driver has set RST_ACTBITLATER.
 */
static void begin_end_transfer(struct dwc3_model *d, int n)
{
	endpoint(d, n)->ending = true;
	if (!d->setup_held)
		end_transfer(d, n);
	else if (!(MODEL_REG(d, DWC3_GUCTL2) & DWC3_GUCTL2_RST_ACTBITLATER))
		MODEL_REG(d, DWC3_DEP_BASE(n) + DWC3_DEPCMD) &= ~DWC3_DEPCMD_CMDACT;
}

/*
 * The driver clears these bits before a command at the speeds of USB 2.0 (gadget.c,
 * dwc3_send_gadget_ep_cmd()). No source says that the core never completes one with them: susphy.
 */
static bool phy_may_suspend(const struct dwc3_model *d)
{
	return !susphy && (MODEL_REG(d, DWC3_GUSB2PHYCFG(0)) &
			   (DWC3_GUSB2PHYCFG_SUSPHY | DWC3_GUSB2PHYCFG_ENBLSLPM));
}

void model_endpoint_command(struct dwc3_model *d, int n, u32 value)
{
	u16 param = value >> DWC3_DEPCMD_PARAM_SHIFT;
	struct model_endpoint *ep = endpoint(d, n);
	int status = 0;

	MODEL_REG(d, DWC3_DEP_BASE(n) + DWC3_DEPCMD) = value;
	if (phy_may_suspend(d))
		return;
	switch (DWC3_DEPCMD_CMD(value)) {
	case DWC3_DEPCMD_DEPSTARTCFG:
		status = start_new_config(d, param);
		break;
	case DWC3_DEPCMD_SETEPCONFIG:
		status = set_config(d, n);
		break;
	case DWC3_DEPCMD_SETTRANSFRESOURCE:
		status = set_resource(d, n);
		break;
	case DWC3_DEPCMD_STARTTRANSFER:
		status = start_transfer(d, n, param);
		break;
	case DWC3_DEPCMD_UPDATETRANSFER:
		update_transfer(d, n, param);
		break;
	case DWC3_DEPCMD_ENDTRANSFER:
		begin_end_transfer(d, n);
		return;
	case DWC3_DEPCMD_SETSTALL:
		/* A SETUP packet that was received before this command ends the STALL of EP0 */
		ep->stalled = n > 1 || !d->setup_held;
		if (n < 2)
			d->stage = MODEL_NO_STAGE;
		break;
	case DWC3_DEPCMD_CLEARSTALL:
		/* USB 2.0, 9.4.5: the next packet is DATA0 */
		ep->stalled = false;
		ep->data1 = false;
		break;
	}
	answer(d, n, status, ep->resource);
	model_set_iso_timer(d);
	udc_port_poke(d->port);
}

/* gadget.c, dwc3_send_gadget_generic_command(). None of them does anything at USB 2.0. */
void model_generic_command(struct dwc3_model *d, u32 value)
{
	MODEL_REG(d, DWC3_DGCMD) = value & ~(DWC3_DGCMD_CMDACT | 0xf << 12);
	if (value & DWC3_DGCMD_CMDIOC)
		model_device_event(d, DWC3_DEVICE_EVENT_CMD_CMPL, 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The role of the port: a DWC2 is a device or a host, as the cable says or as the driver forces it.
 * dwc2.c says what "RM" is. A host of this model has no devices.
 */
#include "dwc2.h"

/* RM, OTG_GOTGCTL: read only. */
#define GOTGCTL_STATES (GOTGCTL_BSESVLD | GOTGCTL_ASESVLD | GOTGCTL_CONID_B | GOTGCTL_CURMODE_HOST)

/* RM, OTG_GUSBCFG.FHMOD; the cable of the lab always has its B plug in the port. */
bool dwc2_is_host(const struct dwc2 *d)
{
	return DWC2_REG(d, GUSBCFG) & GUSBCFG_FORCEHOSTMODE;
}

static bool session_is_valid(const struct dwc2 *d)
{
	return DWC2_REG(d, GOTGCTL) & GOTGCTL_BVALOEN ? DWC2_REG(d, GOTGCTL) & GOTGCTL_BVALOVAL
						      : d->vbus;
}

/*
 * RM, OTG_GOTGCTL: BSVLD and ASVLD, or the values that override them. core.c, dwc2_force_mode():
 * a forced mode changes the connector's ID, too.
 */
u32 dwc2_read_otg_control(const struct dwc2 *d)
{
	u32 control = DWC2_REG(d, GOTGCTL);

	if (session_is_valid(d))
		control |= GOTGCTL_BSESVLD;
	if ((control & GOTGCTL_AVALOEN) && (control & GOTGCTL_AVALOVAL))
		control |= GOTGCTL_ASESVLD;
	return control | (dwc2_is_host(d) ? GOTGCTL_CURMODE_HOST : GOTGCTL_CONID_B);
}

void dwc2_write_otg_control(struct dwc2 *d, u32 value)
{
	DWC2_REG(d, GOTGCTL) = value & ~GOTGCTL_STATES;
}

/* The pull-up is that of a device that the driver has not disconnected (RM, OTG_DCTL.SDIS). */
void dwc2_update_pull_up(struct dwc2 *d)
{
	udc_port_pull_up(d->port, !dwc2_is_host(d) && !(DWC2_REG(d, DCTL) & DCTL_SFTDISCON));
}

/* RM, OTG_GINTSTS.CIDSCHG. */
void dwc2_write_usb_config(struct dwc2 *d, u32 value)
{
	bool was_host = dwc2_is_host(d);

	DWC2_REG(d, GUSBCFG) = value;
	if (dwc2_is_host(d) == was_host)
		return;
	DWC2_REG(d, GINTSTS) |= GINTSTS_CONIDSTSCHNG;
	dwc2_update_pull_up(d);
}

/* RM, OTG_GOTGCTL.BSVLD, OTG_GOTGINT.SEDET and OTG_GINTSTS.SRQINT. */
void dwc2_on_vbus(struct udc_port *port, bool on)
{
	struct dwc2 *d = port->model;
	bool before = session_is_valid(d);

	d->vbus = on;
	if (session_is_valid(d) != before) {
		if (on)
			DWC2_REG(d, GINTSTS) |= GINTSTS_SESSREQINT;
		else
			DWC2_REG(d, GOTGINT) |= GOTGINT_SES_END_DET;
	}
	dwc2_update_interrupt(d);
}

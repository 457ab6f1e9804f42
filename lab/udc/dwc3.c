// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the Synopsys DesignWare USB 3.0 core (DWC3) in device mode, at the speeds of USB 2.0,
 * on which the kernel's own driver runs (drivers/usb/dwc3, unchanged). This file has the registers;
 * dwc3.h lists the others.
 *
 * What the core does is known from two public sources, which the comments cite. "RM" is AMD UG1087,
 * the register reference of the Zynq UltraScale+, module USB3_XHCI. "gadget.c" and other files
 * without a path are the driver's, cited by function: their comments say a lot of the core. What
 * neither says is a parameter of the module, and tests should try its values.
 */
#include <linux/module.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "dwc3.h"

static char *name = "dwc3";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "name of the devices, which become NAME.0 and so on");

static int num = 1;
module_param(num, int, 0444);
MODULE_PARM_DESC(num, "number of controllers");

static unsigned int revision = DWC3_REVISION_330A;
module_param(revision, uint, 0444);
MODULE_PARM_DESC(revision, "GSNPSID: the driver does many things by the revision of the core");

static unsigned int endpoints = 16;
module_param(endpoints, uint, 0444);
MODULE_PARM_DESC(endpoints, "number of physical endpoints, with the two of EP0");

static char *maximum_speed = "high-speed";
module_param(maximum_speed, charp, 0444);
MODULE_PARM_DESC(maximum_speed, "property of the device tree: full-speed, high-speed, super-speed");

static bool role_switch;
module_param(role_switch, bool, 0444);
MODULE_PARM_DESC(role_switch, "the ports can be hosts, too, as with dr_mode \"otg\"");

/* Sizes of RAMs and FIFOs, in words of MDWIDTH (64 bits): 1024 bytes and more for each endpoint. */
#define RAM1_DEPTH 0x1e8d
#define RAM2_DEPTH 0x488
#define TX_DEPTH 0x184
#define RX_DEPTH 0x285

/* RM, GHWPARAMS0 and so on: a core for both roles with AXI, with a PHY of each kind. */
static void set_parameters(struct dwc3_model *d)
{
	MODEL_REG(d, DWC3_GSNPSID) = revision;
	MODEL_REG(d, DWC3_GHWPARAMS0) =
		DWC3_GHWPARAMS0_MODE_DRD | 1 << 3 | 64 << 8 | 32 << 16 | 32 << 24;
	MODEL_REG(d, DWC3_GHWPARAMS1) =
		1 << 15 | DWC3_GHWPARAMS1_PWROPT(DWC3_GHWPARAMS1_EN_PWROPT_CLK);
	MODEL_REG(d, DWC3_GHWPARAMS3) = DWC3_GHWPARAMS3_SSPHY_IFC_GEN1 |
					DWC3_GHWPARAMS3_HSPHY_IFC_UTMI << 2 | endpoints << 12 |
					endpoints / 2 << 18;
	MODEL_REG(d, DWC3_GHWPARAMS7) = RAM1_DEPTH | RAM2_DEPTH << 16;
	MODEL_REG(d, DWC3_GRXFIFOSIZ(0)) = RX_DEPTH;
	for (int n = 0; n < MODEL_ENDPOINTS / 2; n++)
		MODEL_REG(d, DWC3_GTXFIFOSIZ(n)) = n * TX_DEPTH << 16 | TX_DEPTH;
}

/*
 * RM, DCTL.CSFTRST: clears the registers but some global ones, DCFG, DCTL, DEVTEN and DSTS, and
 * ends all transfers. It is over at once. The driver does not expect more events (core.c,
 * dwc3_event_buffers_setup()).
 */
static void soft_reset(struct dwc3_model *d)
{
	for (int i = 0; i < 4; i++)
		MODEL_REG(d, DWC3_GEVNTADRLO(0) + i * 4) = 0;
	MODEL_REG(d, DWC3_DALEPENA) = 0;
	MODEL_REG(d, DWC3_DEV_IMOD(0)) = 0;
	memset(d->ep, 0, sizeof(d->ep));
	for (int n = 0; n < MODEL_ENDPOINTS; n++) {
		d->ep[n].number = n;
		memset(&MODEL_REG(d, DWC3_DEP_BASE(n)), 0, 4 * sizeof(u32));
	}
	d->event_count = d->event_position = 0;
	d->handler_busy = false;
	d->setup_held = false;
	d->address = 0;
	set_parameters(d);
}

/*
 * RM, DSTS. gadget.c, dwc3_gadget_soft_disconnect(): the core has halted when the driver has taken
 * all events.
 */
static u32 device_status(const struct dwc3_model *d)
{
	u32 status = DWC3_DSTS_RXFIFOEMPTY | d->link << 18 |
		     (d->full_speed ? DWC3_DSTS_FULLSPEED : DWC3_DSTS_HIGHSPEED);

	if (!(MODEL_REG(d, DWC3_DCTL) & DWC3_DCTL_RUN_STOP) && !d->event_count)
		status |= DWC3_DSTS_DEVCTRLHLT | DWC3_DSTS_COREIDLE;
	return status | (model_frame(d) << 3 & DWC3_DSTS_SOFFN_MASK);
}

/*
 * RM, DCTL. ULSTCHNGREQ asks for a change of the link when it was 0 before (gadget.c,
 * dwc3_gadget_set_link_state()): 8 is remote wake-up, in a state in which it is allowed
 * (__dwc3_gadget_wakeup()).
 */
static void write_device_control(struct dwc3_model *d, u32 value)
{
	u32 old = MODEL_REG(d, DWC3_DCTL);

	if (value & DWC3_DCTL_CSFTRST) {
		value &= ~(DWC3_DCTL_CSFTRST | DWC3_DCTL_RUN_STOP);
		soft_reset(d);
	}
	MODEL_REG(d, DWC3_DCTL) = value;
	if ((old ^ value) & DWC3_DCTL_RUN_STOP) {
		d->link = DWC3_LINK_STATE_SS_DIS;
		udc_port_pull_up(d->port, value & DWC3_DCTL_RUN_STOP);
	}
	if (!(old & DWC3_DCTL_ULSTCHNGREQ_MASK) && d->link == DWC3_LINK_STATE_U3 &&
	    (value & DWC3_DCTL_ULSTCHNGREQ_MASK) == DWC3_DCTL_ULSTCHNG_RECOVERY)
		udc_port_wake(d->port);
}

static u32 read_register(struct dwc3_model *d, unsigned int offset)
{
	switch (offset) {
	case DWC3_GEVNTCOUNT(0):
		return d->event_count | (d->handler_busy ? DWC3_GEVNTCOUNT_EHB : 0);
	case DWC3_DSTS:
		return device_status(d);
	case DWC3_DCTL:
		/* RM: ULSTCHNGREQ is write only */
		return MODEL_REG(d, DWC3_DCTL) & ~DWC3_DCTL_ULSTCHNGREQ_MASK;
	}
	return MODEL_REG(d, offset);
}

static void write_register(struct dwc3_model *d, unsigned int offset, u32 value)
{
	switch (offset) {
	case DWC3_GSTS:
	case DWC3_GSNPSID:
	case DWC3_GHWPARAMS0 ... DWC3_GHWPARAMS7:
	case DWC3_GHWPARAMS8:
	case DWC3_DSTS:
		return; /* read only */
	case DWC3_GEVNTCOUNT(0):
		model_take_events(d, value);
		return;
	case DWC3_DCTL:
		write_device_control(d, value);
		return;
	case DWC3_DGCMD:
		model_generic_command(d, value);
		return;
	case DWC3_DCFG:
		MODEL_REG(d, DWC3_DCFG) = value;
		/* Another one is used after the status stage of SET_ADDRESS, which comes later */
		if (!(value & DWC3_DCFG_DEVADDR_MASK))
			d->address = 0;
		return;
	}
	if (offset >= DWC3_DEP_BASE(0) && offset < DWC3_DEP_BASE(MODEL_ENDPOINTS) &&
	    offset % 16 == DWC3_DEPCMD) {
		model_endpoint_command(d, (offset - DWC3_DEP_BASE(0)) / 16, value);
		return;
	}
	MODEL_REG(d, offset) = value;
	if (offset == DWC3_DALEPENA)
		udc_port_poke(d->port);
}

static bool is_register(unsigned int offset)
{
	return offset >= MODEL_FIRST_REGISTER && offset < MODEL_FIRST_REGISTER + MODEL_REGISTERS;
}

static u32 do_read(void *model, unsigned int offset)
{
	return is_register(offset) ? read_register(model, offset) : 0;
}

static void do_write(void *model, unsigned int offset, u32 value)
{
	if (!is_register(offset))
		return;
	write_register(model, offset, value);
	model_update_interrupt(model);
}

static const struct udc_register_ops register_ops = { .read = do_read, .write = do_write };

static int add_controller(int i)
{
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_STRING("maximum-speed", maximum_speed),
		PROPERTY_ENTRY_STRING("dr_mode", role_switch ? "otg" : "peripheral"),
		role_switch ? PROPERTY_ENTRY_BOOL("usb-role-switch") : (struct property_entry){},
		{},
	};
	const struct udc_controller controller = {
		.name = name,
		.driver = "dwc3",
		.registers = &register_ops,
		.properties = properties,
	};
	struct dwc3_model *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	d->link = DWC3_LINK_STATE_SS_DIS;
	udc_init_timer(&d->iso_timer, model_on_iso_timer);
	d->port = udc_port_add(i, &model_ops, d);
	if (IS_ERR(d->port))
		return PTR_ERR(d->port);
	soft_reset(d);
	return udc_controller_add(&controller, d->port, &d->irq);
}

static int __init dwc3_model_init(void)
{
	int rc = 0;

	if (num < 1 || num > UDC_MAX_CONTROLLERS || endpoints < 2 || endpoints > MODEL_ENDPOINTS)
		return -EINVAL;
	for (int i = 0; i < num && !rc; i++)
		rc = add_controller(i);
	return rc;
}
module_init(dwc3_model_init);

MODULE_DESCRIPTION("A model of the DWC3 USB device controller, for the lab");
MODULE_LICENSE("GPL");

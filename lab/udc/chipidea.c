// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the ChipIdea high-speed USB core in device mode, as NXP's i.MX and LPC43xx have it, on
 * which the kernel's own driver runs (drivers/usb/chipidea, unchanged). This file has the
 * registers, chipidea_transfers.c what the core does with packets.
 *
 * What the core does is known from public sources, which the comments cite. "UM" is NXP UM10503,
 * the user manual of the LPC43xx, chapter "USB0 Host/Device/OTG controller"; "RM" is the reference
 * manual of the MCF5253, chapter "Universal Serial Bus Interface". Both describe the same core.
 * core.c, udc.c and otg.c are the driver's, cited by function.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/ulpi/interface.h>
#include <linux/usb/chipidea.h>

#include "chipidea.h"
#include "chipidea/bits.h"

static char *name = "ci_hdrc";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "name of the devices, which become NAME.0 and so on");

static int num = 1;
module_param(num, int, 0444);
MODULE_PARM_DESC(num, "number of controllers");

static uint revision = 5;
module_param(revision, uint, 0444);
MODULE_PARM_DESC(revision, "N of revision 2.N of the core");

static bool long_requests;
module_param(long_requests, bool, 0444);
MODULE_PARM_DESC(long_requests, "the board's driver does not limit requests to 16 KB");

/* ci_hdrc_imx.c, ci_hdrc_imx_probe() limits requests to one dTD, since Linux 6.12.5. */
#ifdef CI_HDRC_HAS_SHORT_PKT_LIMIT
#define SHORT_PACKET_LIMIT CI_HDRC_HAS_SHORT_PKT_LIMIT
#else
#define SHORT_PACKET_LIMIT 0
#endif

/* core.c, ci_get_revision(): VERSION is 2, and REVISION the number behind the point. */
#define ID_VERSION_2 (2 << 25)
#define ID_REVISION(n) ((n) << 21)
/* Registers of operation begin 0x40 bytes behind CAPLENGTH. */
#define CAPLENGTH (CHIPIDEA_USBCMD - CHIPIDEA_CAPLENGTH)
/* RM, PORTSC: what the core shows. PR: a reset is going on. */
#define PORTSC_PR BIT(8)
#define PORTSC_STATES (PORTSC_CCS | PORTSC_SUSP | PORTSC_PR | PORTSC_HSP | PORTSC_FPR)
#define OTGSC_INPUTS (OTGSC_ID | OTGSC_AVV | OTGSC_ASV | OTGSC_BSV | OTGSC_BSE)
/* bits.h: an enable bit is so far from its status bit. */
#define OTGSC_ENABLE_SHIFT 8

void chipidea_update_interrupt(struct chipidea *c)
{
	u32 otgsc = CHIPIDEA_REG(c, CHIPIDEA_OTGSC);

	udc_irq_set(&c->irq,
		    (CHIPIDEA_REG(c, CHIPIDEA_USBSTS) & CHIPIDEA_REG(c, CHIPIDEA_USBINTR)) ||
			    (otgsc & otgsc >> OTGSC_ENABLE_SHIFT & OTGSC_INT_STATUS_BITS));
}

/* udc.c, ep_enable(): EP0 is always enabled. */
static void disable_endpoints(struct chipidea *c)
{
	for (int n = 0; n < CHIPIDEA_ENDPOINTS; n++)
		CHIPIDEA_ENDPTCTRL_OF(c, n) = n ? 0 : ENDPTCTRL_RXE | ENDPTCTRL_TXE;
	CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) = 0;
	memset(c->pipes, 0, sizeof(c->pipes));
}

/*
 * core.c, hw_device_reset(). OTGSC keeps its value: otg.c enables the interrupt of VBUS once, and
 * udc.c, ci_hdrc_gadget_connect() resets the core later. So does PORTSC: core.c,
 * hw_phymode_configure() is only called when the driver probes.
 */
static void soft_reset(struct chipidea *c)
{
	static const enum chipidea_register cleared[] = {
		CHIPIDEA_USBCMD,	 CHIPIDEA_USBSTS,	 CHIPIDEA_USBINTR,
		CHIPIDEA_DEVICEADDR,	 CHIPIDEA_ENDPTLISTADDR, CHIPIDEA_USBMODE,
		CHIPIDEA_ENDPTSETUPSTAT, CHIPIDEA_ENDPTCOMPLETE,
	};

	for (int i = 0; i < ARRAY_SIZE(cleared); i++)
		CHIPIDEA_REG(c, cleared[i]) = 0;
	c->address = 0;
	c->new_address = false;
	disable_endpoints(c);
	udc_port_pull_up(c->port, false);
}

/*
 * udc.c, ci_udc_pullup(): RS is the pull-up resistor. The core clears SUTW when a SETUP packet
 * comes (isr_setup_packet_handler()), and ATDTW while it follows a list of dTDs (UM,
 * "Managing transfers with transfer descriptors"), which in the model takes no time.
 */
static void write_command(struct chipidea *c, u32 value)
{
	u32 old = CHIPIDEA_REG(c, CHIPIDEA_USBCMD);

	if (value & USBCMD_RST) {
		soft_reset(c);
		return;
	}
	CHIPIDEA_REG(c, CHIPIDEA_USBCMD) = value;
	if ((old ^ value) & USBCMD_RS)
		udc_port_pull_up(c->port, value & USBCMD_RS);
}

/* udc.c, ci_udc_wakeup(): FPR is resume signaling of a suspended device. */
static void write_port(struct chipidea *c, u32 value)
{
	u32 *port = &CHIPIDEA_REG(c, CHIPIDEA_PORTSC);
	bool wake = (value & PORTSC_FPR) && (*port & PORTSC_SUSP) && !(*port & PORTSC_FPR);

	*port = (*port & PORTSC_STATES) | (value & ~(PORTSC_STATES | PORTSC_W1C_BITS));
	if (wake) {
		*port |= PORTSC_FPR;
		udc_port_wake(c->port);
	}
}

/* RM, OTGSC: inputs, bits that are cleared by writing 1, and others. */
static void write_otg(struct chipidea *c, u32 value)
{
	u32 *otg = &CHIPIDEA_REG(c, CHIPIDEA_OTGSC);
	u32 kept = *otg & (OTGSC_INPUTS | OTGSC_INT_STATUS_BITS);

	*otg = (kept & ~(value & OTGSC_INT_STATUS_BITS)) |
	       (value & ~(OTGSC_INPUTS | OTGSC_INT_STATUS_BITS));
}

/*
 * udc.c, hw_usb_set_address(): used at once. With USBADRA, which the driver names and does not use,
 * it is used after the status stage.
 */
static void write_address(struct chipidea *c, u32 value)
{
	CHIPIDEA_REG(c, CHIPIDEA_DEVICEADDR) = value;
	c->new_address = value & DEVICEADDR_USBADRA;
	if (!c->new_address)
		c->address = (value & DEVICEADDR_USBADR) >> 25;
}

/* UM, "Data toggle reset": after RXR and TXR the next PID is DATA0. */
static void write_endpoint_control(struct chipidea *c, int n, u32 value)
{
	if (value & ENDPTCTRL_RXR)
		c->pipes[false][n].data1 = false;
	if (value & ENDPTCTRL_TXR)
		c->pipes[true][n].data1 = false;
	value &= ~(ENDPTCTRL_RXR | ENDPTCTRL_TXR);
	CHIPIDEA_ENDPTCTRL_OF(c, n) = n ? value : value | ENDPTCTRL_RXE | ENDPTCTRL_TXE;
}

static void write_register(struct chipidea *c, unsigned int offset, u32 value)
{
	switch (offset) {
	case CHIPIDEA_USBCMD:
		write_command(c, value);
		break;
	case CHIPIDEA_USBSTS:
	case CHIPIDEA_ENDPTSETUPSTAT:
	case CHIPIDEA_ENDPTCOMPLETE:
		CHIPIDEA_REG(c, offset) &= ~value;
		break;
	case CHIPIDEA_DEVICEADDR:
		write_address(c, value);
		break;
	case CHIPIDEA_PORTSC:
		write_port(c, value);
		break;
	case CHIPIDEA_OTGSC:
		write_otg(c, value);
		break;
	case CHIPIDEA_ENDPTPRIME:
		chipidea_prime(c, value);
		break;
	case CHIPIDEA_ENDPTFLUSH:
		/* UM, "Flushing/De-priming an Endpoint": its bits are cleared when it is done */
		CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) &= ~value;
		break;
	case CHIPIDEA_ID:
	case CHIPIDEA_CAPLENGTH:
	case CHIPIDEA_HCCPARAMS:
	case CHIPIDEA_DCCPARAMS:
	case CHIPIDEA_FRINDEX:
	case CHIPIDEA_ENDPTSTAT:
		break; /* read only */
	default:
		if (offset >= CHIPIDEA_ENDPTCTRL)
			write_endpoint_control(c, (offset - CHIPIDEA_ENDPTCTRL) / 4, value);
		else
			CHIPIDEA_REG(c, offset) = value;
	}
	udc_port_poke(c->port);
}

/* udc.c, ci_udc_get_frame(): the number of the microframe, of 14 bits. */
static u32 read_register(const struct chipidea *c, unsigned int offset)
{
	if (offset == CHIPIDEA_FRINDEX)
		return udc_port_microframe(c->port) & 0x3fff;
	return CHIPIDEA_REG(c, offset);
}

static u32 do_read(void *model, unsigned int offset)
{
	return offset < CHIPIDEA_REGISTERS ? read_register(model, offset) : 0;
}

static void do_write(void *model, unsigned int offset, u32 value)
{
	if (offset >= CHIPIDEA_REGISTERS)
		return;
	write_register(model, offset, value);
	chipidea_update_interrupt(model);
}

static const struct udc_register_ops register_ops = { .read = do_read, .write = do_write };

/* ---- The cable ---- */

/* RM, OTGSC, and core.c, ci_irq_handler(). The core debounces its inputs for 1 ms, the model does
 * not. */
static void on_vbus(struct udc_port *port, bool on)
{
	struct chipidea *c = port->model;
	u32 *otg = &CHIPIDEA_REG(c, CHIPIDEA_OTGSC);

	*otg = (on ? *otg | OTGSC_BSV : *otg & ~OTGSC_BSV) | OTGSC_BSVIS;
	chipidea_update_interrupt(c);
}

/* RM, "Bus Reset": the address is 0, endpoints but EP0 are disabled, nothing is primed. */
static void on_reset(struct udc_port *port)
{
	struct chipidea *c = port->model;
	u32 *portsc = &CHIPIDEA_REG(c, CHIPIDEA_PORTSC);

	*portsc = (*portsc & ~PORTSC_STATES) | PORTSC_PR;
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_URI;
	CHIPIDEA_REG(c, CHIPIDEA_DEVICEADDR) = 0;
	c->address = 0;
	c->new_address = false;
	disable_endpoints(c);
	chipidea_update_interrupt(c);
}

/* udc.c, udc_irq(): PCI says that the speed is known. */
static enum usb_device_speed on_enumerate(struct udc_port *port, enum usb_device_speed host)
{
	struct chipidea *c = port->model;
	u32 *portsc = &CHIPIDEA_REG(c, CHIPIDEA_PORTSC);
	bool high = host == USB_SPEED_HIGH && !(*portsc & PORTSC_PFSC);

	*portsc = (*portsc & ~PORTSC_STATES) | PORTSC_CCS | (high ? PORTSC_HSP : 0);
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_PCI;
	chipidea_update_interrupt(c);
	return high ? USB_SPEED_HIGH : USB_SPEED_FULL;
}

/* UM, 23.11.2: the bus was idle for 3 ms. */
static void on_suspend(struct udc_port *port)
{
	struct chipidea *c = port->model;

	CHIPIDEA_REG(c, CHIPIDEA_PORTSC) |= PORTSC_SUSP;
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_SLI;
	chipidea_update_interrupt(c);
}

/* UM, 23.11.2: SUSP is cleared, and PCI set; udc.c, udc_irq() waits for that. */
static void on_resume(struct udc_port *port)
{
	struct chipidea *c = port->model;

	CHIPIDEA_REG(c, CHIPIDEA_PORTSC) &= ~(PORTSC_SUSP | PORTSC_FPR);
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_PCI;
	chipidea_update_interrupt(c);
}

/* The interrupt of each SOF, which the driver does not use, is not in the model. */
static void on_frame(struct udc_port *port, u32 microframe)
{
}

static const struct udc_model_ops chipidea_ops = {
	.vbus = on_vbus,
	.reset = on_reset,
	.enumerate = on_enumerate,
	.suspend = on_suspend,
	.resume = on_resume,
	.frame = on_frame,
	.setup = chipidea_setup,
	.out = chipidea_out,
	.in = chipidea_in,
};

/* ---- What the driver gets from a board ---- */

/* The PHY of the model has no low-power mode. */
static void enter_lpm(struct ci_hdrc *ci, bool enable)
{
}

/*
 * The driver of a board calls core.c, ci_hdrc_add_device(), which names the device itself. The
 * model adds the device, and sets what ci_get_platdata() sets in a peripheral without a device
 * tree. The core is one with OTG, because the driver only watches VBUS of those (otg.c,
 * ci_handle_vbus_change()).
 */
static int add_device(struct chipidea *c)
{
	const struct ci_hdrc_platform_data platform_data = {
		.name = "ci_hdrc",
		.capoffset = DEF_CAPOFFSET,
		.usb_phy = &c->phy,
		.flags = long_requests ? 0 : SHORT_PACKET_LIMIT,
		.dr_mode = USB_DR_MODE_PERIPHERAL,
		.itc_setting = 1,
		.vbus_extcon.edev = ERR_PTR(-ENODEV),
		.id_extcon.edev = ERR_PTR(-ENODEV),
		.enter_lpm = enter_lpm,
	};
	const struct udc_controller controller = {
		.name = name,
		.driver = "ci_hdrc",
		.registers = &register_ops,
		.parent = "udc_chipidea",
		.platform_data = &platform_data,
		.platform_data_size = sizeof(platform_data),
	};

	return udc_controller_add(&controller, c->port, &c->irq);
}

static int add_controller(int i)
{
	struct chipidea *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	ATOMIC_INIT_NOTIFIER_HEAD(&c->phy.notifier);
	c->port = udc_port_add(i, &chipidea_ops, c);
	if (IS_ERR(c->port))
		return PTR_ERR(c->port);
	CHIPIDEA_REG(c, CHIPIDEA_ID) = ID_VERSION_2 | ID_REVISION(revision);
	CHIPIDEA_REG(c, CHIPIDEA_CAPLENGTH) = CAPLENGTH;
	CHIPIDEA_REG(c, CHIPIDEA_DCCPARAMS) = DCCPARAMS_DC | DCCPARAMS_HC | CHIPIDEA_ENDPOINTS;
	CHIPIDEA_REG(c, CHIPIDEA_OTGSC) = OTGSC_ID;
	soft_reset(c);
	return add_device(c);
}

static int __init chipidea_model_init(void)
{
	int rc = 0;

	if (num < 1 || num > UDC_MAX_CONTROLLERS || revision > 0xf)
		return -EINVAL;
	for (int i = 0; i < num && !rc; i++)
		rc = add_controller(i);
	return rc;
}
module_init(chipidea_model_init);

/*
 * The driver links to the bus of ULPI, which the lab's kernels do not have. core.c does not call it
 * with the PHY of the model.
 */
#if !IS_ENABLED(CONFIG_USB_ULPI_BUS)
struct ulpi *ulpi_register_interface(struct device *dev, const struct ulpi_ops *ops)
{
	return ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_GPL(ulpi_register_interface);

void ulpi_unregister_interface(struct ulpi *ulpi)
{
}
EXPORT_SYMBOL_GPL(ulpi_unregister_interface);
#endif

MODULE_DESCRIPTION("A model of the ChipIdea USB device controller, for the lab");
MODULE_LICENSE("GPL");

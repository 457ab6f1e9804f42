// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the Synopsys DesignWare USB 2.0 OTG core (DWC2) in device mode, on which the kernel's
 * own driver runs (drivers/usb/dwc2, unchanged). This file has the registers, dwc2_packets.c what
 * the core does with packets.
 *
 * What the core does is known from two public sources, which the comments cite. "RM" is ST RM0436,
 * the reference manual of the STM32MP157, chapter "USB on-the-go high-speed (OTG)": it has the same
 * core, with names such as OTG_DOEPCTLx for DOEPCTLn. "gadget.c" and other files without a path are
 * the driver's, cited by function. What neither says is a parameter of the module, and tests should
 * try its values.
 */
#include <linux/module.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "dwc2.h"

static char *name = "dwc2";
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "name of the devices, which become NAME.0 and so on");

static int num = 1;
module_param(num, int, 0444);
MODULE_PARM_DESC(num, "number of controllers");

static char *board = "bcm2835";
module_param(board, charp, 0444);
MODULE_PARM_DESC(board, "bcm2835, rk3288 or stm32mp15: endpoints and FIFOs");

bool dwc2_ddma;
module_param_named(ddma, dwc2_ddma, bool, 0444);
MODULE_PARM_DESC(ddma, "the core has descriptor DMA, whatever the board has");

static bool slave;
module_param(slave, bool, 0444);
MODULE_PARM_DESC(slave, "the core has no DMA: the driver copies words to and from the FIFOs");

static bool role_switch;
module_param(role_switch, bool, 0444);
MODULE_PARM_DESC(role_switch, "the ports can be hosts, too, as with dr_mode \"otg\"");

static bool txfsts_by_fifo;
module_param(txfsts_by_fifo, bool, 0444);
MODULE_PARM_DESC(txfsts_by_fifo, "DTXFSTSn is of FIFO n, not of the FIFO of endpoint n");

/* The registers of the endpoints: DxEPCTLn and so on. */
#define FIRST_ENDPOINT_REGISTER DIEPCTL(0)
#define LAST_ENDPOINT_REGISTER (DOEPCTL(DWC2_ENDPOINTS) - 1)
#define ENDPOINT_REGISTERS (DIEPCTL(1) - DIEPCTL(0))

/* RM, OTG_GINTSTS: bits that show a state and are not cleared by writing 1. */
#define GINTSTS_STATES                                                                             \
	(GINTSTS_CURMODE_HOST | GINTSTS_OTGINT | GINTSTS_RXFLVL | GINTSTS_NPTXFEMP |               \
	 GINTSTS_PTXFEMP | GINTSTS_GINNAKEFF | GINTSTS_GOUTNAKEFF | GINTSTS_IEPINT |               \
	 GINTSTS_OEPINT)

bool dwc2_uses_dma(const struct dwc2 *d)
{
	return DWC2_REG(d, GAHBCFG) & GAHBCFG_DMA_EN;
}

bool dwc2_uses_descriptors(const struct dwc2 *d)
{
	return dwc2_ddma && (DWC2_REG(d, DCFG) & DCFG_DESCDMA_EN);
}

u32 dwc2_frame_length(const struct dwc2 *d)
{
	return DWC2_REG(d, DSTS) & DSTS_ENUMSPD_MASK ? MICROFRAMES_PER_FRAME : 1;
}

/* RM, OTG_DSTS.FNSOF: of 11 bits at full speed, of 14 at high speed. */
u32 dwc2_frame(const struct dwc2 *d, u32 microframe)
{
	u32 length = dwc2_frame_length(d);

	return microframe / length & (DSTS_SOFFN_LIMIT / length);
}

unsigned int dwc2_tx_depth(const struct dwc2 *d, int fifo)
{
	return FIFOSIZE_DEPTH_GET(DWC2_REG(d, fifo ? DPTXFSIZN(fifo) : GNPTXFSIZ));
}

int dwc2_fifo_of(const struct dwc2 *d, int n)
{
	return DWC2_REG(d, DIEPCTL(n)) >> DXEPCTL_TXFNUM_SHIFT & DXEPCTL_TXFNUM_LIMIT;
}

/*
 * Returns the free words of a TX FIFO. With DMA the core fills and empties it, and the driver sees
 * it empty.
 */
static u32 tx_space(const struct dwc2 *d, int fifo)
{
	u32 depth = min_t(u32, dwc2_tx_depth(d, fifo), DWC2_TX_WORDS);

	return depth - min_t(u32, depth, d->tx[fifo].count);
}

/*
 * RM, OTG_DAINT: a bit for each endpoint with an interrupt that OTG_DIEPMSK or OTG_DOEPMSK does not
 * mask. TXFE, which shows a state, is masked by OTG_DIEPEMPMSK.
 */
static u32 all_endpoints_interrupt(const struct dwc2 *d)
{
	u32 bits = 0;

	for (int n = 0; n < DWC2_ENDPOINTS; n++) {
		if (DWC2_REG(d, DIEPINT(n)) & DWC2_REG(d, DIEPMSK) & ~DIEPMSK_TXFIFOEMPTY)
			bits |= DAINT_INEP(n);
		if ((DWC2_REG(d, DIEPEMPMSK) & BIT(n)) && !d->tx[dwc2_fifo_of(d, n)].count)
			bits |= DAINT_INEP(n);
		if (DWC2_REG(d, DOEPINT(n)) & DWC2_REG(d, DOEPMSK))
			bits |= DAINT_OUTEP(n);
	}
	return bits;
}

static u32 core_interrupt(const struct dwc2 *d)
{
	u32 status = DWC2_REG(d, GINTSTS) & ~GINTSTS_STATES;
	u32 endpoints = all_endpoints_interrupt(d) & DWC2_REG(d, DAINTMSK);

	if (dwc2_is_host(d))
		status |= GINTSTS_CURMODE_HOST;
	if (endpoints & GENMASK(15, 0))
		status |= GINTSTS_IEPINT;
	if (endpoints & GENMASK(31, 16))
		status |= GINTSTS_OEPINT;
	if (DWC2_REG(d, GOTGINT))
		status |= GINTSTS_OTGINT;
	if (d->rx->count > d->rx->data_left)
		status |= GINTSTS_RXFLVL;
	if (!d->tx[0].count)
		status |= GINTSTS_NPTXFEMP;
	/*
	 * RM, OTG_DCTL: effective when the driver has read the status word from the RX FIFO; with
	 * DMA at once
	 */
	if ((DWC2_REG(d, DCTL) & DCTL_GOUTNAKSTS) && (dwc2_uses_dma(d) || d->rx_nak_popped))
		status |= GINTSTS_GOUTNAKEFF;
	if (DWC2_REG(d, DCTL) & DCTL_GNPINNAKSTS)
		status |= GINTSTS_GINNAKEFF;
	return status;
}

void dwc2_update_interrupt(struct dwc2 *d)
{
	udc_irq_set(&d->irq, (DWC2_REG(d, GAHBCFG) & GAHBCFG_GLBL_INTR_EN) &&
				     (core_interrupt(d) & DWC2_REG(d, GINTMSK)));
}

static void flush(struct dwc2 *d, u32 value)
{
	u32 fifo = value >> GRSTCTL_TXFNUM_SHIFT & GRSTCTL_TXFNUM_LIMIT;

	if (value & GRSTCTL_TXFFLSH)
		for (int n = 0; n < DWC2_ENDPOINTS; n++)
			/* RM, OTG_GRSTCTL: 0x10 is all */
			if (fifo == 0x10 || fifo == n)
				d->tx[n].count = 0;
	if (value & GRSTCTL_RXFFLSH) {
		d->rx->count = d->rx->data_left = 0;
		d->setup_held = d->setup_written = false;
	}
}

/*
 * RM, OTG_GRSTCTL: a soft reset clears all registers but some bits that concern PHY and clocks,
 * flushes the FIFOs and ends all transfers. The reset value of OTG_DCTL disconnects.
 */
static void soft_reset(struct dwc2 *d)
{
	const struct dwc2_board *b = d->board;
	u32 usb = DWC2_REG(d, GUSBCFG), otg = DWC2_REG(d, GOTGCTL), pcg = DWC2_REG(d, PCGCTL);
	u32 speed = DWC2_REG(d, DCFG) & DCFG_DEVSPD_MASK;

	memset(d->regs, 0, sizeof(d->regs));
	memset(d->chain, 0, sizeof(d->chain));
	flush(d, GRSTCTL_TXFNUM(0x10) | GRSTCTL_TXFFLSH | GRSTCTL_RXFFLSH);
	d->address = 0;
	DWC2_REG(d, GUSBCFG) = usb;
	DWC2_REG(d, GOTGCTL) = otg;
	DWC2_REG(d, PCGCTL) = pcg;
	DWC2_REG(d, DCFG) = speed;
	DWC2_REG(d, GSNPSID) = b->id;
	DWC2_REG(d, GHWCFG2) = b->hwcfg2;
	if (slave)
		DWC2_REG(d, GHWCFG2) &= ~GHWCFG2_ARCHITECTURE_MASK;
	DWC2_REG(d, GHWCFG3) = b->hwcfg3;
	DWC2_REG(d, GHWCFG4) = b->hwcfg4 | (dwc2_ddma ? GHWCFG4_DESC_DMA : 0);
	DWC2_REG(d, GRXFSIZ) = b->rx_reset;
	DWC2_REG(d, GNPTXFSIZ) = b->np_reset;
	for (int n = 1; n < DWC2_ENDPOINTS; n++)
		DWC2_REG(d, DPTXFSIZN(n)) = b->tx_reset;
	DWC2_REG(d, DCTL) = DCTL_SFTDISCON;
	DWC2_REG(d, DIEPCTL(0)) = DXEPCTL_USBACTEP;
	DWC2_REG(d, DOEPCTL(0)) = DXEPCTL_USBACTEP;
	dwc2_update_pull_up(d);
}

static u32 read_register(struct dwc2 *d, unsigned int offset)
{
	switch (offset) {
	case GRSTCTL:
		/* core.c, dwc2_core_reset(): a reset is over at once, also for cores since 4.20a */
		return GRSTCTL_AHBIDLE | GRSTCTL_CSFTRST_DONE;
	case GINTSTS:
		return core_interrupt(d);
	case GOTGCTL:
		return dwc2_read_otg_control(d);
	case GRXSTSR:
		return dwc2_peek_rx(d);
	case GRXSTSP:
		return dwc2_pop_rx(d);
	case GNPTXSTS:
		/* RM, OTG_HNPTXSTS: 8 requests, and the free words */
		return 8 << GNPTXSTS_NP_TXQ_SPC_AVAIL_SHIFT | tx_space(d, 0);
	case DAINT:
		return all_endpoints_interrupt(d);
	case DSTS:
		return DWC2_REG(d, DSTS) |
		       DSTS_SOFFN(dwc2_frame(d, udc_port_microframe(d->port)) & DSTS_SOFFN_LIMIT);
	}
	if (offset >= DIEPCTL(0) && offset < DOEPCTL(0)) {
		int n = (offset - DIEPCTL(0)) / ENDPOINT_REGISTERS;

		if (offset == DTXFSTS(n))
			return tx_space(d, txfsts_by_fifo ? n : dwc2_fifo_of(d, n));
		if (offset == DIEPINT(n))
			return DWC2_REG(d, offset) |
			       (d->tx[dwc2_fifo_of(d, n)].count ? 0 : DXEPINT_TXFEMP);
	}
	return DWC2_REG(d, offset);
}

/*
 * RM, OTG_DIEPCTLx and OTG_DOEPCTLx. EPENA is set by the driver and cleared by the core; SNAK,
 * CNAK, SD0PID and so on are commands. USBACTEP: gadget.c, dwc2_hsotg_core_init_disconnected(),
 * "seems to be set by writing"; of EP0 it is always set, and its STALL is only cleared by the next
 * SETUP packet.
 */
static void write_endpoint_control(struct dwc2 *d, int n, bool in, u32 value)
{
	u32 *control = &DWC2_REG(d, in ? DIEPCTL(n) : DOEPCTL(n));
	u32 *interrupt = &DWC2_REG(d, in ? DIEPINT(n) : DOEPINT(n));
	const u32 commands =
		DXEPCTL_EPDIS | DXEPCTL_SETD0PID | DXEPCTL_SETD1PID | DXEPCTL_SNAK | DXEPCTL_CNAK;
	const u32 core = DXEPCTL_EPENA | DXEPCTL_NAKSTS | DXEPCTL_DPID;
	u32 old = *control, now = (old & core) | (value & ~(core | commands));

	if (n == 0)
		now |= DXEPCTL_USBACTEP | (old & DXEPCTL_STALL);
	if (value & DXEPCTL_SETD0PID)
		now &= ~DXEPCTL_DPID;
	if (value & DXEPCTL_SETD1PID)
		now |= DXEPCTL_DPID;
	if (value & DXEPCTL_SNAK) {
		now |= DXEPCTL_NAKSTS;
		if (in)
			*interrupt |= DXEPINT_INEPNAKEFF;
	}
	if (value & DXEPCTL_CNAK) {
		now &= ~DXEPCTL_NAKSTS;
		if (in)
			*interrupt &= ~DXEPINT_INEPNAKEFF;
	}
	if (value & DXEPCTL_EPENA) {
		struct dwc2_chain *chain = &d->chain[in][n];

		/*
		 * gadget.c enables EP0 OUT a second time, with a new address, before a packet has
		 * come
		 */
		if (!(old & DXEPCTL_EPENA) || (n == 0 && !in)) {
			*chain = (struct dwc2_chain){ 0 };
			chain->first = chain->address = DWC2_REG(d, in ? DIEPDMA(n) : DOEPDMA(n));
		}
		now |= DXEPCTL_EPENA;
	}
	if ((value & DXEPCTL_EPDIS) && (now & DXEPCTL_EPENA)) {
		now &= ~DXEPCTL_EPENA;
		*interrupt |= DXEPINT_EPDISBLD;
	}
	*control = now;
	dwc2_set_periodic_end(d);
	udc_port_poke(d->port);
}

static void write_device_control(struct dwc2 *d, u32 value)
{
	u32 state = DWC2_REG(d, DCTL) & (DCTL_GOUTNAKSTS | DCTL_GNPINNAKSTS);
	u32 old = DWC2_REG(d, DCTL);

	if (value & DCTL_SGOUTNAK && !(state & DCTL_GOUTNAKSTS)) {
		state |= DCTL_GOUTNAKSTS;
		d->rx_nak_popped = false;
		if (!dwc2_uses_dma(d))
			dwc2_push_rx(d, 0, GRXSTS_PKTSTS_GLOBALOUTNAK, NULL, 0);
	}
	if (value & DCTL_CGOUTNAK)
		state &= ~DCTL_GOUTNAKSTS;
	if (value & DCTL_SGNPINNAK)
		state |= DCTL_GNPINNAKSTS;
	if (value & DCTL_CGNPINNAK)
		state &= ~DCTL_GNPINNAKSTS;
	DWC2_REG(d, DCTL) = state | (value & (DCTL_SFTDISCON | DCTL_RMTWKUPSIG | DCTL_TSTCTL_MASK |
					      DCTL_PWRONPRGDONE | DCTL_SERVICE_INTERVAL_SUPPORTED));
	if ((old ^ value) & DCTL_SFTDISCON)
		dwc2_update_pull_up(d);
	if (value & ~old & DCTL_RMTWKUPSIG)
		udc_port_wake(d->port);
	udc_port_poke(d->port);
}

static void write_register(struct dwc2 *d, unsigned int offset, u32 value)
{
	switch (offset) {
	case GINTSTS:
		DWC2_REG(d, GINTSTS) &= ~(value & ~GINTSTS_STATES);
		return;
	case GOTGINT:
		DWC2_REG(d, GOTGINT) &= ~value;
		return;
	case GOTGCTL:
		dwc2_write_otg_control(d, value);
		return;
	case GUSBCFG:
		dwc2_write_usb_config(d, value);
		return;
	case GRSTCTL:
		if (value & GRSTCTL_CSFTRST)
			soft_reset(d);
		flush(d, value);
		return;
	case DCFG:
		DWC2_REG(d, DCFG) = value;
		/*
		 * The status stage of SET_ADDRESS, after which it is used, comes later (gadget.c
		 * writes it at SETUP)
		 */
		if (!(value & DCFG_DEVADDR_MASK))
			d->address = 0;
		return;
	case DCTL:
		write_device_control(d, value);
		return;
	case GSNPSID:
	case GHWCFG1:
	case GHWCFG2:
	case GHWCFG3:
	case GHWCFG4:
	case GRXSTSR:
	case GRXSTSP:
	case GNPTXSTS:
	case DSTS:
	case DAINT:
		return; /* read only */
	}
	if (offset >= FIRST_ENDPOINT_REGISTER && offset <= LAST_ENDPOINT_REGISTER) {
		bool in = offset < DOEPCTL(0);
		int n = (offset - (in ? DIEPCTL(0) : DOEPCTL(0))) / ENDPOINT_REGISTERS;

		if (offset == (in ? DIEPCTL(n) : DOEPCTL(n))) {
			write_endpoint_control(d, n, in, value);
			return;
		}
		if (offset == (in ? DIEPINT(n) : DOEPINT(n))) {
			DWC2_REG(d, offset) &= ~value;
			return;
		}
	}
	DWC2_REG(d, offset) = value;
}

static u32 do_read(void *model, unsigned int offset)
{
	u32 value = offset < DWC2_REGISTERS ? read_register(model, offset) : dwc2_read_fifo(model);

	dwc2_update_interrupt(model);
	return value;
}

static void do_write(void *model, unsigned int offset, u32 value)
{
	if (offset < DWC2_REGISTERS)
		write_register(model, offset, value);
	else if (offset < EPFIFO(DWC2_ENDPOINTS))
		dwc2_write_fifo(model, offset / EPFIFO(0) - 1, value);
	dwc2_update_interrupt(model);
}

static const struct udc_register_ops register_ops = { .read = do_read, .write = do_write };

static int add_controller(int i, const struct dwc2_board *b)
{
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_STRING("dr_mode", role_switch ? "otg" : "peripheral"),
		PROPERTY_ENTRY_U32("g-rx-fifo-size", b->rx),
		PROPERTY_ENTRY_U32("g-np-tx-fifo-size", b->np),
		PROPERTY_ENTRY_U32_ARRAY_LEN("g-tx-fifo-size", b->tx, b->tx_count),
		PROPERTY_ENTRY_STRING("role-switch-default-mode", "peripheral"),
		role_switch ? PROPERTY_ENTRY_BOOL("usb-role-switch") : (struct property_entry){},
		{},
	};
	const struct udc_controller controller = {
		.name = name,
		.driver = "dwc2",
		.registers = &register_ops,
		.properties = properties,
	};
	struct dwc2 *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	udc_init_timer(&d->periodic_end, dwc2_on_periodic_end);
	d->board = b;
	d->rx = kzalloc(sizeof(*d->rx), GFP_KERNEL);
	d->tx = kcalloc(DWC2_ENDPOINTS, sizeof(*d->tx), GFP_KERNEL);
	if (!d->rx || !d->tx)
		return -ENOMEM;
	d->port = udc_port_add(i, &dwc2_ops, d);
	if (IS_ERR(d->port))
		return PTR_ERR(d->port);
	soft_reset(d);
	return udc_controller_add(&controller, d->port, &d->irq);
}

static const struct dwc2_board *find_board(void)
{
	const struct dwc2_board *b = dwc2_boards;

	while (b->name && strcmp(b->name, board) != 0)
		b++;
	return b->name ? b : NULL;
}

static int __init dwc2_model_init(void)
{
	const struct dwc2_board *b = find_board();
	int rc = 0;

	if (!b || num < 1 || num > UDC_MAX_CONTROLLERS)
		return -EINVAL;
	for (int i = 0; i < num && !rc; i++)
		rc = add_controller(i, b);
	return rc;
}
module_init(dwc2_model_init);

MODULE_DESCRIPTION("A model of the DWC2 USB device controller, for the lab");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the DWC2 core does with packets: in buffer DMA, in descriptor DMA and with FIFOs (slave
 * mode), and with what else comes over the cable. dwc2.c has the registers and says what
 * RM is.
 */
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>

#include "dwc2.h"

static bool whole_packets;
module_param(whole_packets, bool, 0644);
MODULE_PARM_DESC(whole_packets,
		 "a packet that is longer than the rest of its transfer is written whole");

static bool ignore_setup;
module_param(ignore_setup, bool, 0644);
MODULE_PARM_DESC(ignore_setup, "a SETUP packet is only acknowledged while EP0 is enabled for it");

unsigned int dwc2_cut;
module_param_named(cut, dwc2_cut, uint, 0444);
MODULE_PARM_DESC(cut, "bytes of packets that did not fit into their transfers so far");

static bool is_iso(u32 control)
{
	return (control & DXEPCTL_EPTYPE_MASK) == DXEPCTL_EPTYPE_ISO;
}

u32 *dwc2_endpoint_interrupt(struct dwc2 *d, int n, bool in)
{
	return &DWC2_REG(d, in ? DIEPINT(n) : DOEPINT(n));
}

/* RM, OTG_DOEPCTL0: EP0 has a code for its packet size; gadget.c writes it to both directions. */
unsigned int dwc2_max_packet(const struct dwc2 *d, int n, bool in)
{
	u32 control = DWC2_REG(d, in ? DIEPCTL(n) : DOEPCTL(n));

	return n ? control & DXEPCTL_MPS_MASK : 64 >> (DWC2_REG(d, DOEPCTL(0)) & D0EPCTL_MPS_MASK);
}

/* RM, EPENA: cleared by the core when the transfer ends. It also sets NAK. */
void dwc2_disable_endpoint(struct dwc2 *d, int n, bool in)
{
	u32 *control = &DWC2_REG(d, in ? DIEPCTL(n) : DOEPCTL(n));

	*control = (*control & ~DXEPCTL_EPENA) | DXEPCTL_NAKSTS;
}

void dwc2_end_transfer(struct dwc2 *d, int n, bool in)
{
	dwc2_disable_endpoint(d, n, in);
	/* In slave mode, gadget.c learns the end of an OUT transfer from the RX FIFO */
	if (!in && !dwc2_uses_dma(d))
		dwc2_push_rx(d, n, GRXSTS_PKTSTS_OUTDONE, NULL, 0);
	else
		*dwc2_endpoint_interrupt(d, n, in) |= DXEPINT_XFERCOMPL;
}

void *dwc2_dma_memory(u32 address)
{
	return phys_to_virt(address);
}

/* ---- FIFOs ---- */

static void push_word(struct dwc2 *d, u32 word)
{
	struct dwc2_rx_fifo *rx = d->rx;

	rx->words[(rx->head + rx->count++) % DWC2_FIFO_WORDS] = word;
}

static bool rx_has_room(const struct dwc2 *d, unsigned int length)
{
	u32 depth = min_t(u32, DWC2_REG(d, GRXFSIZ), DWC2_FIFO_WORDS);

	/* Status words of the packet, of its end, and of a global NAK */
	return d->rx->count + DIV_ROUND_UP(length, 4) + 3 <= depth;
}

/* Appends an entry: RM, OTG_GRXSTSP, then the data. */
void dwc2_push_rx(struct dwc2 *d, int n, int status, const void *data, unsigned int length)
{
	push_word(d, n | length << GRXSTS_BYTECNT_SHIFT | status << GRXSTS_PKTSTS_SHIFT);
	for (unsigned int i = 0; i < length; i += 4) {
		u32 word = 0;

		memcpy(&word, data + i, min(4u, length - i));
		push_word(d, word);
	}
}

static u32 pop_word(struct dwc2 *d)
{
	struct dwc2_rx_fifo *rx = d->rx;
	u32 word = rx->words[rx->head];

	rx->head = (rx->head + 1) % DWC2_FIFO_WORDS;
	rx->count--;
	return word;
}

u32 dwc2_read_fifo(struct dwc2 *d)
{
	if (!d->rx->data_left)
		return 0;
	d->rx->data_left--;
	return pop_word(d);
}

/*
 * Returns the next status word. Data of the entry before that the driver has not read is dropped.
 */
u32 dwc2_pop_rx(struct dwc2 *d)
{
	u32 status;
	int n;

	while (d->rx->data_left)
		dwc2_read_fifo(d);
	if (!d->rx->count)
		return 0;
	status = pop_word(d);
	n = status & GRXSTS_EPNUM_MASK;
	d->rx->data_left = DIV_ROUND_UP((status & GRXSTS_BYTECNT_MASK) >> GRXSTS_BYTECNT_SHIFT, 4);
	/* RM, OTG_GRXSTSP: the last two raise the endpoint's interrupt when they are popped */
	switch ((status & GRXSTS_PKTSTS_MASK) >> GRXSTS_PKTSTS_SHIFT) {
	case GRXSTS_PKTSTS_GLOBALOUTNAK:
		d->rx_nak_popped = true;
		break;
	case GRXSTS_PKTSTS_OUTDONE:
		*dwc2_endpoint_interrupt(d, n, false) |= DXEPINT_XFERCOMPL;
		break;
	case GRXSTS_PKTSTS_SETUPDONE:
		*dwc2_endpoint_interrupt(d, n, false) |= DXEPINT_SETUP;
		break;
	}
	udc_port_poke(d->port);
	return status;
}

/* Returns the status word that dwc2_pop_rx() would return. */
u32 dwc2_peek_rx(const struct dwc2 *d)
{
	const struct dwc2_rx_fifo *rx = d->rx;

	if (rx->count <= rx->data_left)
		return 0;
	return rx->words[(rx->head + rx->data_left) % DWC2_FIFO_WORDS];
}

void dwc2_write_fifo(struct dwc2 *d, int n, u32 word)
{
	struct dwc2_tx_fifo *fifo = &d->tx[dwc2_fifo_of(d, n)];

	if (fifo->count < DWC2_TX_WORDS)
		fifo->words[fifo->count++] = word;
	udc_port_poke(d->port);
}

/* Takes a packet from a TX FIFO. Returns whether it is there. */
static bool take_from_fifo(struct dwc2 *d, int n, void *data, unsigned int length,
			   unsigned int room)
{
	struct dwc2_tx_fifo *fifo = &d->tx[dwc2_fifo_of(d, n)];
	unsigned int words = DIV_ROUND_UP(length, 4);

	if (fifo->count < words)
		return false;
	memcpy(data, fifo->words, min(length, room));
	fifo->count -= words;
	memmove(fifo->words, fifo->words + words, fifo->count * sizeof(u32));
	return true;
}

/* ---- Control endpoint ---- */

/*
 * Returns whether EP0 is enabled with a place for a SETUP packet. No source says what happens with
 * a smaller place.
 */
static bool takes_setup(const struct dwc2 *d)
{
	return (DWC2_REG(d, DOEPCTL(0)) & DXEPCTL_EPENA) &&
	       (dwc2_uses_descriptors(d) ||
		DXEPTSIZ_XFERSIZE_GET(DWC2_REG(d, DOEPTSIZ(0))) >= sizeof(struct usb_ctrlrequest));
}

/*
 * RM, "SETUP transactions": with DMA, a SETUP packet is written to memory as soon as EP0 is enabled
 * for it, up to three one behind the other. gadget.c takes their length from what the place has
 * left. With descriptors, of which there is one, the next packet replaces the one before.
 */
static void write_setup(struct dwc2 *d)
{
	const unsigned int size = sizeof(d->request);

	if (!d->setup_held || !dwc2_uses_dma(d) || !takes_setup(d))
		return;
	if (!dwc2_uses_descriptors(d)) {
		d->setup_at = DWC2_REG(d, DOEPDMA(0));
		DWC2_REG(d, DOEPDMA(0)) += size;
		DWC2_REG(d, DOEPTSIZ(0)) -= size;
	} else if (!d->setup_written) {
		struct dwc2_dma_desc *desc = dwc2_descriptor(d, 0, false);

		if (!dwc2_descriptor_is_ready(d, 0, false))
			return;
		d->setup_at = desc->buf;
		d->chain[false][0].done = size;
		desc->status |= DEV_DMA_SR;
		dwc2_close_descriptor(d, 0, false, DEV_DMA_NBYTES_MASK);
	}
	memcpy(dwc2_dma_memory(d->setup_at), &d->request, size);
	d->setup_held = false;
	d->setup_written = true;
}

/*
 * RM, "SETUP transactions" and OTG_DOEPINT.STUP: with the first IN or OUT token after them it is
 * known that no more SETUP packets follow, and the driver gets the interrupt. A packet that EP0 is
 * not enabled for stays in the RX FIFO.
 */
static void end_setup_phase(struct dwc2 *d)
{
	write_setup(d);
	if (d->setup_written) {
		*dwc2_endpoint_interrupt(d, 0, false) |= DXEPINT_SETUP;
	} else if (d->setup_held && !dwc2_uses_dma(d) && takes_setup(d) &&
		   rx_has_room(d, sizeof(d->request))) {
		dwc2_push_rx(d, 0, GRXSTS_PKTSTS_SETUPRX, &d->request, sizeof(d->request));
		dwc2_push_rx(d, 0, GRXSTS_PKTSTS_SETUPDONE, NULL, 0);
		DWC2_REG(d, DOEPTSIZ(0)) -= sizeof(d->request);
		d->setup_held = false;
	} else {
		return;
	}
	dwc2_disable_endpoint(d, 0, false);
	d->setup_written = false;
}

/*
 * RM: a SETUP packet is always received; it sets NAK of EP0 in both directions and clears its
 * STALL. One that the RX FIFO holds is replaced.
 */
static int on_setup(struct udc_port *port, u8 address, const struct usb_ctrlrequest *request)
{
	struct dwc2 *d = port->model;

	if (address != d->address || (ignore_setup && !takes_setup(d)))
		return -EPROTO;
	d->request = *request;
	d->setup_held = true;
	d->status_reported = false;
	DWC2_REG(d, DIEPCTL(0)) = (DWC2_REG(d, DIEPCTL(0)) & ~DXEPCTL_STALL) | DXEPCTL_NAKSTS;
	DWC2_REG(d, DOEPCTL(0)) = (DWC2_REG(d, DOEPCTL(0)) & ~DXEPCTL_STALL) | DXEPCTL_NAKSTS;
	write_setup(d);
	dwc2_update_interrupt(d);
	return sizeof(*request);
}

static bool is_control_write(const struct dwc2 *d)
{
	return !(d->request.bRequestType & USB_DIR_IN) && d->request.wLength;
}

/* ---- Transactions ---- */

/* RM, EONUM_DPID: the parity of the frame in which an isochronous endpoint has its transaction. */
static bool is_its_frame(const struct dwc2 *d, u32 control)
{
	return !!(control & DXEPCTL_EOFRNUM) == (d->frame & 1);
}

static int out_by_size(struct dwc2 *d, int n, const void *data, unsigned int length)
{
	u32 *size = &DWC2_REG(d, DOEPTSIZ(n));
	u32 left = DXEPTSIZ_XFERSIZE_GET(*size), packets = DXEPTSIZ_PKTCNT_GET(*size);
	u32 part = min(length, left);

	if (!dwc2_uses_dma(d)) {
		if (!rx_has_room(d, length))
			return -EAGAIN;
		dwc2_push_rx(d, n, GRXSTS_PKTSTS_OUTRX, data, length);
	} else {
		memcpy(dwc2_dma_memory(DWC2_REG(d, DOEPDMA(n))), data,
		       whole_packets ? length : part);
		DWC2_REG(d, DOEPDMA(n)) += length;
	}
	dwc2_cut += length - part;
	left -= part;
	packets -= packets > 0;
	*size = (*size & DXEPTSIZ_MC_MASK) | DXEPTSIZ_PKTCNT(packets) | DXEPTSIZ_XFERSIZE(left);
	if (length < dwc2_max_packet(d, n, false) || !packets || !left)
		dwc2_end_transfer(d, n, false);
	return length;
}

static int in_by_size(struct dwc2 *d, int n, void *data, unsigned int room)
{
	u32 *size = &DWC2_REG(d, DIEPTSIZ(n));
	u32 left = DXEPTSIZ_XFERSIZE_GET(*size), packets = DXEPTSIZ_PKTCNT_GET(*size);
	u32 length = min(left, dwc2_max_packet(d, n, true));

	if (dwc2_uses_dma(d)) {
		if (length)
			memcpy(data, dwc2_dma_memory(DWC2_REG(d, DIEPDMA(n))), min(length, room));
		DWC2_REG(d, DIEPDMA(n)) += length;
	} else if (!take_from_fifo(d, n, data, length, room)) {
		/* RM, OTG_DIEPINTx.ITTXFE; gadget.c, dwc2_hsotg_epint() fills the FIFO then */
		*dwc2_endpoint_interrupt(d, n, true) |= DXEPINT_INTKNTXFEMP;
		return -EAGAIN;
	}
	packets -= packets > 0;
	*size = (*size & DXEPTSIZ_MC_MASK) | DXEPTSIZ_PKTCNT(packets) |
		DXEPTSIZ_XFERSIZE(left - length);
	if (!packets)
		dwc2_end_transfer(d, n, true);
	return length;
}

static int iso_out(struct dwc2 *d, int n, const struct udc_packet *p)
{
	u32 control = DWC2_REG(d, DOEPCTL(n));

	if (!(control & DXEPCTL_EPENA)) {
		/* gadget.c, dwc2_gadget_handle_out_token_ep_disabled() */
		*dwc2_endpoint_interrupt(d, n, false) |= DXEPINT_OUTTKNEPDIS;
		return p->length;
	}
	if ((control & DXEPCTL_NAKSTS) || (DWC2_REG(d, DCTL) & DCTL_GOUTNAKSTS))
		return p->length;
	if (dwc2_uses_descriptors(d))
		return dwc2_iso_out_by_descriptors(d, n, p->data, p->length);
	if (!is_its_frame(d, control))
		return p->length;
	d->received |= BIT(n);
	return out_by_size(d, n, p->data, p->length);
}

static int iso_in(struct dwc2 *d, int n, struct udc_packet *p)
{
	u32 control = DWC2_REG(d, DIEPCTL(n));
	int length;

	if (!(control & DXEPCTL_EPENA) || (control & DXEPCTL_NAKSTS)) {
		/*
		 * gadget.c, dwc2_gadget_handle_nak(): an empty packet is sent, with these two
		 * interrupts
		 */
		*dwc2_endpoint_interrupt(d, n, true) |= DXEPINT_NAKINTRPT | DXEPINT_INTKNTXFEMP;
		return 0;
	}
	if (dwc2_uses_descriptors(d))
		return dwc2_iso_in_by_descriptors(d, n, p->data, p->length);
	if (!is_its_frame(d, control))
		return 0;
	d->sent |= BIT(n);
	length = in_by_size(d, n, p->data, p->length);
	return max(length, 0);
}

/* Returns 0 if an endpoint can have a transaction. */
static int check_endpoint(const struct dwc2 *d, const struct udc_packet *p, u32 control)
{
	if (p->address != d->address || !(control & DXEPCTL_USBACTEP))
		return -EPROTO;
	return control & DXEPCTL_STALL ? -EPIPE : 0;
}

static int on_out(struct udc_port *port, struct udc_packet *p)
{
	struct dwc2 *d = port->model;
	int n = p->endpoint, rc;
	u32 *control = &DWC2_REG(d, DOEPCTL(n));

	rc = check_endpoint(d, p, *control);
	if (rc)
		return rc;
	if (n == 0)
		end_setup_phase(d);
	if (is_iso(*control)) {
		rc = iso_out(d, n, p);
	} else if (n && p->data1 != !!(*control & DXEPCTL_DPID)) {
		/* USB 2.0, 8.6: the packet is repeated. It is acknowledged and dropped */
		return p->length;
	} else if (!(*control & DXEPCTL_EPENA) || (*control & DXEPCTL_NAKSTS) ||
		   (n == 0 && d->setup_held) || (DWC2_REG(d, DCTL) & DCTL_GOUTNAKSTS)) {
		if (!(*control & DXEPCTL_EPENA))
			*dwc2_endpoint_interrupt(d, n, false) |= DXEPINT_OUTTKNEPDIS;
		rc = -EAGAIN;
	} else {
		rc = dwc2_uses_descriptors(d) ? dwc2_out_by_descriptors(d, n, p->data, p->length)
					      : out_by_size(d, n, p->data, p->length);
		if (rc >= 0)
			*control ^= DXEPCTL_DPID;
	}
	dwc2_update_interrupt(d);
	return rc;
}

static int on_in(struct udc_port *port, struct udc_packet *p)
{
	struct dwc2 *d = port->model;
	int n = p->endpoint, rc;
	u32 *control = &DWC2_REG(d, DIEPCTL(n));

	rc = check_endpoint(d, p, *control);
	if (rc)
		return rc;
	if (n == 0)
		end_setup_phase(d);
	if (is_iso(*control)) {
		rc = iso_in(d, n, p);
	} else if (n == 0 && dwc2_uses_descriptors(d) && is_control_write(d) && !d->setup_held &&
		   !d->status_reported) {
		/*
		 * gadget.c, dwc2_hsotg_epint(): with descriptors it waits for this before it sends
		 * the status
		 */
		d->status_reported = true;
		*dwc2_endpoint_interrupt(d, 0, false) |= DXEPINT_STSPHSERCVD;
		rc = -EAGAIN;
	} else if (!(*control & DXEPCTL_EPENA) || (*control & DXEPCTL_NAKSTS) ||
		   (n == 0 && d->setup_held) || (DWC2_REG(d, DCTL) & DCTL_GNPINNAKSTS)) {
		rc = -EAGAIN;
	} else {
		bool data1 = *control & DXEPCTL_DPID;

		rc = dwc2_uses_descriptors(d) ? dwc2_in_by_descriptors(d, n, p->data, p->length)
					      : in_by_size(d, n, p->data, p->length);
		if (n && rc >= 0) {
			p->data1 = data1;
			*control ^= DXEPCTL_DPID;
		}
		/* The address is used after the status stage of SET_ADDRESS */
		if (n == 0 && rc == 0)
			d->address = (DWC2_REG(d, DCFG) & DCFG_DEVADDR_MASK) >> DCFG_DEVADDR_SHIFT;
	}
	dwc2_update_interrupt(d);
	return rc;
}

/* ---- The cable ---- */

/*
 * RM, OTG_GINTSTS.USBRST, and RSTDET while suspended. The driver clears the address (gadget.c,
 * dwc2_hsotg_irq()).
 */
static void on_reset(struct udc_port *port)
{
	struct dwc2 *d = port->model;

	DWC2_REG(d, GINTSTS) |= GINTSTS_USBRST;
	if (DWC2_REG(d, DSTS) & DSTS_SUSPSTS)
		DWC2_REG(d, GINTSTS) |= GINTSTS_RESETDET;
	DWC2_REG(d, DSTS) &= ~DSTS_SUSPSTS;
	d->address = 0;
	d->setup_held = d->setup_written = false;
	dwc2_update_interrupt(d);
}

static enum usb_device_speed on_enumerate(struct udc_port *port, enum usb_device_speed host)
{
	struct dwc2 *d = port->model;
	u32 wanted = DWC2_REG(d, DCFG) & DCFG_DEVSPD_MASK;
	bool high = host == USB_SPEED_HIGH && wanted == DCFG_DEVSPD_HS;

	/* Code of OTG_DSTS.ENUMSPD: the same as of OTG_DCFG.DSPD */
	if (!high && wanted == DCFG_DEVSPD_HS)
		wanted = DCFG_DEVSPD_FS;
	DWC2_REG(d, DSTS) = wanted << DSTS_ENUMSPD_SHIFT;
	DWC2_REG(d, GINTSTS) |= GINTSTS_ENUMDONE;
	dwc2_update_interrupt(d);
	return high ? USB_SPEED_HIGH : USB_SPEED_FULL;
}

static void on_suspend(struct udc_port *port)
{
	struct dwc2 *d = port->model;

	DWC2_REG(d, DSTS) |= DSTS_SUSPSTS;
	DWC2_REG(d, GINTSTS) |= GINTSTS_ERLYSUSP | GINTSTS_USBSUSP;
	dwc2_update_interrupt(d);
}

static void on_resume(struct udc_port *port)
{
	struct dwc2 *d = port->model;

	DWC2_REG(d, DSTS) &= ~DSTS_SUSPSTS;
	DWC2_REG(d, GINTSTS) |= GINTSTS_WKUPINT;
	dwc2_update_interrupt(d);
}

static void begin_frame(struct dwc2 *d, u32 microframe)
{
	u32 frame = dwc2_frame(d, microframe);

	if (frame == d->frame)
		return;
	d->sent = d->received = 0;
	d->frame = frame;
}

static void on_frame(struct udc_port *port, u32 microframe)
{
	begin_frame(port->model, microframe);
	dwc2_set_periodic_end(port->model);
}

static bool waits_for_frame(u32 control)
{
	return is_iso(control) && (control & DXEPCTL_EPENA);
}

/*
 * RM, OTG_GINTSTS.IISOIXFR and INCOMPISOOUT come with EOPF, OTG_DCFG.PFIVL: in a microframe, or a
 * frame at full speed, of which 80 % are over, an isochronous endpoint is enabled for it and has
 * had no transaction.
 */
enum hrtimer_restart dwc2_on_periodic_end(struct hrtimer *timer)
{
	struct dwc2 *d = container_of(timer, struct dwc2, periodic_end);
	unsigned long flags;

	spin_lock_irqsave(&d->port->lock, flags);
	begin_frame(d, udc_port_microframe(d->port));
	for (int n = 1; n < DWC2_ENDPOINTS; n++) {
		u32 in = DWC2_REG(d, DIEPCTL(n)), out = DWC2_REG(d, DOEPCTL(n));

		if (waits_for_frame(in) && is_its_frame(d, in) && !(d->sent & BIT(n)))
			DWC2_REG(d, GINTSTS) |= GINTSTS_INCOMPL_SOIN;
		if (waits_for_frame(out) && is_its_frame(d, out) && !(d->received & BIT(n)))
			DWC2_REG(d, GINTSTS) |= GINTSTS_INCOMPL_SOOUT;
	}
	dwc2_update_interrupt(d);
	dwc2_set_periodic_end(d);
	spin_unlock_irqrestore(&d->port->lock, flags);
	return HRTIMER_NORESTART;
}

static bool some_wait_for_frame(const struct dwc2 *d)
{
	for (int n = 1; n < DWC2_ENDPOINTS; n++)
		if (waits_for_frame(DWC2_REG(d, DIEPCTL(n))) ||
		    waits_for_frame(DWC2_REG(d, DOEPCTL(n))))
			return true;
	return false;
}

/* Sets the timer for dwc2_on_periodic_end(), if there are frames and an endpoint waits for one. */
void dwc2_set_periodic_end(struct dwc2 *d)
{
	u32 length = dwc2_frame_length(d);
	u32 ns = length * MICROFRAME_NS;
	ktime_t at;

	if (hrtimer_is_queued(&d->periodic_end) || !d->vbus || (DWC2_REG(d, DSTS) & DSTS_SUSPSTS) ||
	    dwc2_uses_descriptors(d) || !some_wait_for_frame(d))
		return;
	at = udc_port_microframe_time(d->port, rounddown(udc_port_microframe(d->port), length));
	at = ktime_add_ns(at, ns * 4 / 5);
	if (ktime_compare(at, ktime_get()) <= 0)
		at = ktime_add_ns(at, ns);
	hrtimer_start(&d->periodic_end, at, HRTIMER_MODE_ABS_HARD);
}

const struct udc_model_ops dwc2_ops = {
	.vbus = dwc2_on_vbus,
	.reset = on_reset,
	.enumerate = on_enumerate,
	.suspend = on_suspend,
	.resume = on_resume,
	.frame = on_frame,
	.setup = on_setup,
	.out = on_out,
	.in = on_in,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ChipIdea core does with packets: its queue heads (dQH) and transfer descriptors (dTD).
 * chipidea.c has the registers and says what UM and RM are.
 */
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>

#include "chipidea.h"
#include "chipidea/bits.h"
#include "chipidea/ci.h"
#include "chipidea/udc.h"

static bool prime_during_setup;
module_param(prime_during_setup, bool, 0644);
MODULE_PARM_DESC(prime_during_setup,
		 "EP0 can be primed while the driver has not acknowledged a SETUP packet");

static uint cut;
module_param(cut, uint, 0444);
MODULE_PARM_DESC(cut, "bytes of packets that did not fit into their transfers so far");

/* udc.c, init_eps(): a queue head for OUT, then one for IN of each endpoint, 64 bytes apart. */
#define QUEUE_HEAD_SIZE 64

static u32 bit_of(int n, bool in)
{
	return BIT(in ? n + 16 : n);
}

static struct ci_hw_qh *queue_head(const struct chipidea *c, int n, bool in)
{
	u32 list = CHIPIDEA_REG(c, CHIPIDEA_ENDPTLISTADDR);

	return phys_to_virt(list + (2 * n + in) * QUEUE_HEAD_SIZE);
}

static u32 field(u32 value, u32 mask)
{
	return (value & mask) >> __ffs(mask);
}

static u32 max_packet(const struct ci_hw_qh *qh)
{
	return field(le32_to_cpu(qh->cap), QH_MAX_PKT);
}

static u32 bytes_left(const struct ci_hw_qh *qh)
{
	return field(le32_to_cpu(qh->td.token), TD_TOTAL_BYTES);
}

static bool is_iso(const struct chipidea *c, int n, bool in)
{
	return field(CHIPIDEA_ENDPTCTRL_OF(c, n), in ? ENDPTCTRL_TXT : ENDPTCTRL_RXT) ==
	       USB_ENDPOINT_XFER_ISOC;
}

/*
 * UM, "Endpoint queue head": copies the dTD into the dQH, which the core works on. Returns false if
 * it is not active, or the pointer is the end of the list.
 */
static bool fetch(struct chipidea *c, int n, bool in, u32 pointer)
{
	struct ci_hw_qh *qh = queue_head(c, n, in);
	const struct ci_hw_td *td = phys_to_virt(pointer & TD_ADDR_MASK);

	if ((pointer & TD_TERMINATE) || !(le32_to_cpu(td->token) & TD_STATUS_ACTIVE))
		return false;
	qh->curr = cpu_to_le32(pointer & TD_ADDR_MASK);
	qh->td = *td;
	c->pipes[in][n].done = 0;
	return true;
}

/*
 * RM, "Data Phase": priming fails if the dQH or the dTD is wrong, or if a SETUP packet comes during
 * it. No source says whether it also fails while the driver has not acknowledged an earlier SETUP
 * packet. UM, "Software link pointers": the driver clears the bits of the dQH that end an old
 * transfer.
 */
static bool prime_endpoint(struct chipidea *c, int n, bool in)
{
	struct ci_hw_qh *qh = queue_head(c, n, in);

	if (n == 0 && !prime_during_setup && (CHIPIDEA_REG(c, CHIPIDEA_ENDPTSETUPSTAT) & BIT(0)))
		return false;
	if (le32_to_cpu(qh->td.token) & (TD_STATUS_ACTIVE | TD_STATUS_HALTED))
		return false;
	return fetch(c, n, in, le32_to_cpu(qh->td.next));
}

void chipidea_prime(struct chipidea *c, u32 bits)
{
	u32 *primed = &CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT);

	if (!CHIPIDEA_REG(c, CHIPIDEA_ENDPTLISTADDR))
		return;
	for (int i = 0; i < 2 * CHIPIDEA_ENDPOINTS; i++) {
		u32 bit = bit_of(i / 2, i % 2);

		if ((bits & bit) && !(*primed & bit) && prime_endpoint(c, i / 2, i % 2))
			*primed |= bit;
	}
}

/* UM, "Device transfer descriptor": five pages, and the offset into the first one. */
static void copy(const struct ci_hw_td *td, u32 at, void *data, unsigned int length, bool in)
{
	const u32 size = TD_CURR_OFFSET + 1;
	u32 offset = (le32_to_cpu(td->page[0]) & TD_CURR_OFFSET) + at;

	while (length && offset / size < TD_PAGE_COUNT) {
		u32 page = le32_to_cpu(td->page[offset / size]) & ~TD_RESERVED_MASK;
		void *memory = phys_to_virt(page + offset % size);
		u32 part = min(length, size - offset % size);

		memcpy(in ? data : memory, in ? memory : data, part);
		data += part;
		offset += part;
		length -= part;
	}
}

/*
 * UM, "Transfer completion": the dTD is written back, and its next pointer followed; at the end of
 * the list the endpoint is not primed any more. UI is set with IOC, or for a short packet
 * (EHCI 1.0, 2.3.2, whose register it is).
 */
static void retire(struct chipidea *c, int n, bool in)
{
	struct ci_hw_qh *qh = queue_head(c, n, in);
	struct ci_hw_td *td = phys_to_virt(le32_to_cpu(qh->curr));
	u32 token = le32_to_cpu(qh->td.token);

	qh->td.token &= cpu_to_le32(~TD_STATUS_ACTIVE);
	td->token = qh->td.token;
	CHIPIDEA_REG(c, CHIPIDEA_ENDPTCOMPLETE) |= bit_of(n, in);
	if ((token & TD_IOC) || bytes_left(qh))
		CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_UI;
	/* UM, "Isochronous endpoint operational model": the next one is for the next microframe */
	c->pipes[in][n].not_until = udc_port_microframe(c->port) + 1;
	qh->td.next = td->next;
	if (!fetch(c, n, in, le32_to_cpu(td->next)))
		CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) &= ~bit_of(n, in);
}

/*
 * RM, "RX-dTD is complete when", and reference manual of the MPC8308, "Device Error Matrix": the
 * rest of a packet that is too long is discarded, the dTD gets a buffer error, the dQH is halted,
 * the endpoint flushed, and UEI set. That ENDPTCOMPLETE is set and the dTD not active is what
 * udc.c, isr_tr_complete_handler() relies on.
 */
static void overflow(struct chipidea *c, int n)
{
	struct ci_hw_qh *qh = queue_head(c, n, false);
	struct ci_hw_td *td = phys_to_virt(le32_to_cpu(qh->curr));

	qh->td.token &= cpu_to_le32(~TD_STATUS_ACTIVE);
	qh->td.token |= cpu_to_le32(TD_STATUS_DT_ERR);
	td->token = qh->td.token;
	qh->td.token |= cpu_to_le32(TD_STATUS_HALTED);
	CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) &= ~bit_of(n, false);
	CHIPIDEA_REG(c, CHIPIDEA_ENDPTCOMPLETE) |= bit_of(n, false);
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_UEI;
}

static void advance(struct chipidea *c, int n, bool in, u32 length)
{
	struct ci_hw_qh *qh = queue_head(c, n, in);
	u32 left = bytes_left(qh) - length;

	c->pipes[in][n].done += length;
	qh->td.token &= cpu_to_le32(~TD_TOTAL_BYTES);
	qh->td.token |= cpu_to_le32(left << __ffs(TD_TOTAL_BYTES));
}

/*
 * UM, "RX-dTD is complete when", and "Isochronous endpoint operational model": dTD is retired after
 * a short packet, when it is full, and that of an isochronous endpoint after MULT packets.
 */
static int receive(struct chipidea *c, const struct udc_packet *p)
{
	int n = p->endpoint;
	struct ci_hw_qh *qh = queue_head(c, n, false);
	struct chipidea_pipe *pipe = &c->pipes[false][n];
	u32 max = max_packet(qh), part = min3(p->length, max, bytes_left(qh));

	copy(&qh->td, pipe->done, p->data, part, false);
	if (p->length > part) {
		cut += p->length - part;
		overflow(c, n);
		return -EAGAIN;
	}
	advance(c, n, false, part);
	if (p->length < max || !bytes_left(qh) ||
	    (is_iso(c, n, false) && pipe->done >= max * field(le32_to_cpu(qh->cap), QH_MULT)))
		retire(c, n, false);
	return p->length;
}

/* UM, "TX-dTD is complete when": all is sent. ZLT of the dQH is always set (udc.c, ep_enable()). */
static int transmit(struct chipidea *c, struct udc_packet *p)
{
	int n = p->endpoint;
	struct ci_hw_qh *qh = queue_head(c, n, true);
	u32 length = min(max_packet(qh), bytes_left(qh));

	copy(&qh->td, c->pipes[true][n].done, p->data, min(length, p->length), true);
	advance(c, n, true, length);
	if (!bytes_left(qh))
		retire(c, n, true);
	return length;
}

static bool answers(const struct chipidea *c, u8 address)
{
	return address == c->address && CHIPIDEA_REG(c, CHIPIDEA_ENDPTLISTADDR) &&
	       (CHIPIDEA_REG(c, CHIPIDEA_USBMODE) & USBMODE_CM) == USBMODE_CM_DC;
}

/*
 * UM, "Setup phase" and "Data phase": the packet is written to the dQH, ends the priming of EP0,
 * and breaks SUTW. It also ends a halt, which udc.c does not do. With the lockout (SLOM is 0) it is
 * ignored until the driver has acknowledged the one before.
 */
int chipidea_setup(struct udc_port *port, u8 address, const struct usb_ctrlrequest *request)
{
	struct chipidea *c = port->model;
	u32 *waiting = &CHIPIDEA_REG(c, CHIPIDEA_ENDPTSETUPSTAT);

	if (!answers(c, address) ||
	    (*waiting && !(CHIPIDEA_REG(c, CHIPIDEA_USBMODE) & USBMODE_SLOM)))
		return -EPROTO;
	queue_head(c, 0, false)->setup = *request;
	*waiting |= BIT(0);
	c->new_address = false;
	CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) &= ~(bit_of(0, false) | bit_of(0, true));
	CHIPIDEA_ENDPTCTRL_OF(c, 0) &= ~(ENDPTCTRL_RXS | ENDPTCTRL_TXS);
	CHIPIDEA_REG(c, CHIPIDEA_USBCMD) &= ~USBCMD_SUTW;
	CHIPIDEA_REG(c, CHIPIDEA_USBSTS) |= USBi_UI;
	chipidea_update_interrupt(c);
	return sizeof(*request);
}

/*
 * UM, bus response matrices. Returns 1 if the endpoint is primed, otherwise the answer: of an
 * isochronous endpoint an empty packet, or nothing, which the host does not see.
 */
static int check_endpoint(const struct chipidea *c, const struct udc_packet *p, bool in)
{
	int n = p->endpoint;
	bool exists = answers(c, p->address) && n < CHIPIDEA_ENDPOINTS;
	u32 control = exists ? CHIPIDEA_ENDPTCTRL_OF(c, n) : 0;
	bool iso = exists && is_iso(c, n, in);
	s32 early;

	if (!(control & (in ? ENDPTCTRL_TXE : ENDPTCTRL_RXE)))
		return -EPROTO;
	if (!iso && (control & (in ? ENDPTCTRL_TXS : ENDPTCTRL_RXS)))
		return -EPIPE;
	early = c->pipes[in][n].not_until - udc_port_microframe(c->port);
	if ((CHIPIDEA_REG(c, CHIPIDEA_ENDPTSTAT) & bit_of(n, in)) && !(iso && early > 0))
		return 1;
	return iso ? 0 : -EAGAIN;
}

int chipidea_out(struct udc_port *port, struct udc_packet *p)
{
	struct chipidea *c = port->model;
	int n = p->endpoint, rc = check_endpoint(c, p, false);
	struct chipidea_pipe *pipe = &c->pipes[false][n];
	bool iso = rc >= 0 && is_iso(c, n, false);

	/* USB 2.0, 8.6: a packet that is repeated is acknowledged and dropped */
	if (rc > 0 && n && !iso && p->data1 != pipe->data1)
		return p->length;
	if (rc > 0) {
		rc = receive(c, p);
		if (rc >= 0)
			pipe->data1 = !pipe->data1;
		chipidea_update_interrupt(c);
	}
	return iso ? p->length : rc;
}

int chipidea_in(struct udc_port *port, struct udc_packet *p)
{
	struct chipidea *c = port->model;
	int n = p->endpoint, rc = check_endpoint(c, p, true);
	struct chipidea_pipe *pipe = &c->pipes[true][n];

	if (rc <= 0)
		return rc;
	rc = transmit(c, p);
	if (n) {
		p->data1 = pipe->data1;
		pipe->data1 = !pipe->data1;
	} else if (c->new_address) {
		c->address = field(CHIPIDEA_REG(c, CHIPIDEA_DEVICEADDR), DEVICEADDR_USBADR);
		c->new_address = false;
	}
	chipidea_update_interrupt(c);
	return rc;
}

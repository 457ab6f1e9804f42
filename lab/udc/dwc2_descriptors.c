// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor DMA of the DWC2 model. The chains are as gadget.c has them:
 * dwc2_gadget_fill_nonisoc_xfer_ddma_one() and dwc2_gadget_fill_isoc_desc(). dwc2.c says
 * what the sources are.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "dwc2.h"

struct dwc2_dma_desc *dwc2_descriptor(struct dwc2 *d, int n, bool in)
{
	return dwc2_dma_memory(d->chain[in][n].address);
}

/*
 * Returns whether the driver has made the descriptor ready. Otherwise the core raises BNA and ends
 * the transfer (RM, OTG_DIEPINTx.BNA; gadget.c, dwc2_gadget_handle_isoc_bna()).
 */
bool dwc2_descriptor_is_ready(struct dwc2 *d, int n, bool in)
{
	u32 state = dwc2_descriptor(d, n, in)->status >> DEV_DMA_BUFF_STS_SHIFT;

	if (state == DEV_DMA_BUFF_STS_HREADY)
		return true;
	*dwc2_endpoint_interrupt(d, n, in) |= DXEPINT_BNAINTR;
	dwc2_disable_endpoint(d, n, in);
	return false;
}

/*
 * Writes back a descriptor with the number of bytes that it has left. Returns whether it was the
 * last one.
 */
bool dwc2_close_descriptor(struct dwc2 *d, int n, bool in, u32 mask)
{
	struct dwc2_chain *chain = &d->chain[in][n];
	struct dwc2_dma_desc *desc = dwc2_descriptor(d, n, in);
	u32 status = desc->status, left = (status & mask) - chain->done;

	status = (status & ~(DEV_DMA_BUFF_STS_MASK | DEV_DMA_STS_MASK | mask)) | left;
	desc->status = status | DEV_DMA_BUFF_STS_DMADONE << DEV_DMA_BUFF_STS_SHIFT;
	chain->done = 0;
	chain->address += sizeof(*desc);
	return status & DEV_DMA_L;
}

int dwc2_out_by_descriptors(struct dwc2 *d, int n, const u8 *data, unsigned int length)
{
	struct dwc2_chain *chain = &d->chain[false][n];
	unsigned int max = dwc2_max_packet(d, n, false), left = length;

	for (;;) {
		struct dwc2_dma_desc *desc = dwc2_descriptor(d, n, false);
		u32 size, part;

		if (!dwc2_descriptor_is_ready(d, n, false))
			return -EAGAIN;
		size = desc->status & DEV_DMA_NBYTES_MASK;
		part = min(left, size - chain->done);
		memcpy(dwc2_dma_memory(desc->buf) + chain->done, data, part);
		chain->done += part;
		data += part;
		left -= part;
		if (!left && length == max && chain->done < size)
			return length;
		if (dwc2_close_descriptor(d, n, false, DEV_DMA_NBYTES_MASK) ||
		    (!left && length < max)) {
			dwc2_cut += left;
			dwc2_end_transfer(d, n, false);
			return length;
		}
		if (!left)
			return length;
	}
}

int dwc2_in_by_descriptors(struct dwc2 *d, int n, u8 *data, unsigned int room)
{
	struct dwc2_chain *chain = &d->chain[true][n];
	unsigned int max = dwc2_max_packet(d, n, true), length = 0;

	if (chain->zlp) {
		dwc2_end_transfer(d, n, true);
		return 0;
	}
	do {
		struct dwc2_dma_desc *desc = dwc2_descriptor(d, n, true);
		u32 size, part, status = desc->status;

		if (!dwc2_descriptor_is_ready(d, n, true))
			return -EAGAIN;
		size = status & DEV_DMA_NBYTES_MASK;
		part = min(max - length, size - chain->done);
		if (length < room)
			memcpy(data + length, dwc2_dma_memory(desc->buf) + chain->done,
			       min(part, room - length));
		chain->done += part;
		length += part;
		if (chain->done < size)
			break;
		if (dwc2_close_descriptor(d, n, true, DEV_DMA_NBYTES_MASK)) {
			/* gadget.c sets the bit where an empty packet must follow */
			if (length == max && (status & DEV_DMA_SHORT))
				chain->zlp = true;
			else
				dwc2_end_transfer(d, n, true);
			break;
		}
	} while (length < max);
	return length;
}

/* After the last descriptor the core goes on with the first one. */
static void next_iso_descriptor(struct dwc2 *d, int n, bool in, u32 mask)
{
	struct dwc2_chain *chain = &d->chain[in][n];
	bool interrupt = dwc2_descriptor(d, n, in)->status & DEV_DMA_IOC;

	if (dwc2_close_descriptor(d, n, in, mask))
		chain->address = chain->first;
	if (interrupt)
		*dwc2_endpoint_interrupt(d, n, in) |= DXEPINT_XFERCOMPL;
}

int dwc2_iso_out_by_descriptors(struct dwc2 *d, int n, const void *data, unsigned int length)
{
	struct dwc2_dma_desc *desc = dwc2_descriptor(d, n, false);
	u32 frame = d->frame << DEV_DMA_ISOC_FRNUM_SHIFT & DEV_DMA_ISOC_FRNUM_MASK;
	u32 part;

	if (!dwc2_descriptor_is_ready(d, n, false))
		return length;
	part = min_t(u32, length, desc->status & DEV_DMA_ISOC_RX_NBYTES_MASK);
	memcpy(dwc2_dma_memory(desc->buf), data, part);
	dwc2_cut += length - part;
	desc->status = (desc->status & ~DEV_DMA_ISOC_FRNUM_MASK) | frame;
	d->chain[false][n].done = part;
	next_iso_descriptor(d, n, false, DEV_DMA_ISOC_RX_NBYTES_MASK);
	return length;
}

/* A descriptor is sent in the microframe that it names. Those before are closed as flushed. */
int dwc2_iso_in_by_descriptors(struct dwc2 *d, int n, void *data, unsigned int room)
{
	struct dwc2_chain *chain = &d->chain[true][n];
	const u32 limit = DEV_DMA_ISOC_FRNUM_MASK >> DEV_DMA_ISOC_FRNUM_SHIFT;

	for (;;) {
		struct dwc2_dma_desc *desc = dwc2_descriptor(d, n, true);
		u32 frame, late, length;

		if (!dwc2_descriptor_is_ready(d, n, true))
			return 0;
		frame = (desc->status & DEV_DMA_ISOC_FRNUM_MASK) >> DEV_DMA_ISOC_FRNUM_SHIFT;
		late = (d->frame - frame) & limit;
		if (late > limit / 2)
			return 0; /* its microframe is still to come */
		length = desc->status & DEV_DMA_ISOC_TX_NBYTES_MASK;
		if (late == 0) {
			u32 part = min(length - chain->done, dwc2_max_packet(d, n, true));

			memcpy(data, dwc2_dma_memory(desc->buf) + chain->done, min(part, room));
			chain->done += part;
			if (chain->done == length)
				next_iso_descriptor(d, n, true, DEV_DMA_ISOC_TX_NBYTES_MASK);
			return part;
		}
		next_iso_descriptor(d, n, true, DEV_DMA_ISOC_TX_NBYTES_MASK);
		desc->status |= DEV_DMA_STS_BUFF_FLUSH << DEV_DMA_STS_SHIFT;
	}
}

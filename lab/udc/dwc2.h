/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the DWC2 model share: registers (dwc2.c), packets (dwc2_packets.c), descriptor
 * DMA (dwc2_descriptors.c) and boards (dwc2_boards.c).
 */
#ifndef LAB_UDC_DWC2_H
#define LAB_UDC_DWC2_H

#include <linux/types.h>

#include "hw.h"
#include "model.h"

#define DWC2_ENDPOINTS 16
/* Registers end at 0x1000; FIFO n is at EPFIFO(n). */
#define DWC2_REGISTERS 0x1000
/* Words that a FIFO of slave mode has at most. */
#define DWC2_FIFO_WORDS 4096
#define DWC2_TX_WORDS 1024

/*
 * Hardware configuration and reset values, and the properties of the device tree: all FIFO sizes
 * are in words of 4 bytes.
 */
struct dwc2_board {
	const char *name;
	u32 id, hwcfg2, hwcfg3, hwcfg4;
	u32 rx_reset, np_reset, tx_reset;
	u32 rx, np, tx[15];
	int tx_count;
};

/* The last one has no name. */
extern const struct dwc2_board dwc2_boards[];

/* A TX FIFO in slave mode: the words that the driver has written and the host has not yet read. */
struct dwc2_tx_fifo {
	u32 words[DWC2_TX_WORDS];
	unsigned int count;
};

/*
 * The RX FIFO in slave mode, a ring: a status word (GRXSTSP) for each entry, then the words of its
 * data.
 */
struct dwc2_rx_fifo {
	u32 words[DWC2_FIFO_WORDS];
	unsigned int head, count;
	unsigned int data_left; /* words of data of the entry that was popped last */
};

/* How far the core is in a chain of descriptors. */
struct dwc2_chain {
	u32 first;   /* address that was in DxEPDMA when the endpoint was enabled */
	u32 address; /* address of the descriptor */
	u32 done;    /* its bytes that were moved */
	bool zlp;    /* all is sent but an empty packet */
};

struct dwc2 {
	struct udc_port *port;
	const struct dwc2_board *board;
	struct udc_irq irq;
	struct hrtimer periodic_end;
	u32 regs[DWC2_REGISTERS / sizeof(u32)];
	bool vbus;	    /* the cable is in, and the host powers it */
	u8 address;	    /* that the device answers to */
	bool rx_nak_popped; /* slave mode: the status word of the global OUT NAK was read */
	struct usb_ctrlrequest request; /* of the last SETUP packet */
	bool setup_held;		/* it is in the RX FIFO, until EP0 can take it */
	bool setup_written;		/* it is in memory; the SETUP phase has not ended */
	u32 setup_at;			/* its address in memory */
	bool status_reported; /* descriptor DMA: StsPhseRcvd was raised for this request */
	u32 sent, received;   /* bits of isochronous endpoints that had their transaction */
	u32 frame;	      /* number of the frame, or microframe at high speed */
	struct dwc2_chain chain[2][DWC2_ENDPOINTS]; /* of OUT and IN endpoints */
	struct dwc2_rx_fifo *rx;
	struct dwc2_tx_fifo *tx; /* one for each FIFO number */
};

#define DWC2_REG(d, offset) ((d)->regs[(offset) / sizeof(u32)])

extern const struct udc_model_ops dwc2_ops;
enum hrtimer_restart dwc2_on_periodic_end(struct hrtimer *timer);
extern bool dwc2_ddma;
extern unsigned int dwc2_cut;

/* These need the port's lock. */
void dwc2_update_interrupt(struct dwc2 *d);
bool dwc2_uses_descriptors(const struct dwc2 *d);
bool dwc2_uses_dma(const struct dwc2 *d);
bool dwc2_is_host(const struct dwc2 *d);
u32 dwc2_read_otg_control(const struct dwc2 *d);
void dwc2_write_otg_control(struct dwc2 *d, u32 value);
void dwc2_write_usb_config(struct dwc2 *d, u32 value);
void dwc2_update_pull_up(struct dwc2 *d);
void dwc2_on_vbus(struct udc_port *port, bool on);
/* Returns the number that the core has for the frame: of 1 ms, or of a microframe at high speed. */
u32 dwc2_frame(const struct dwc2 *d, u32 microframe);
/* Returns the microframes in what dwc2_frame() counts. */
u32 dwc2_frame_length(const struct dwc2 *d);
void dwc2_set_periodic_end(struct dwc2 *d);
/* Returns the depth of a TX FIFO in words, as the driver has set it. */
unsigned int dwc2_tx_depth(const struct dwc2 *d, int fifo);
int dwc2_fifo_of(const struct dwc2 *d, int n);
void dwc2_push_rx(struct dwc2 *d, int n, int status, const void *data, unsigned int length);
u32 dwc2_pop_rx(struct dwc2 *d);
u32 dwc2_peek_rx(const struct dwc2 *d);
u32 dwc2_read_fifo(struct dwc2 *d);
void dwc2_write_fifo(struct dwc2 *d, int n, u32 word);

void *dwc2_dma_memory(u32 address);
u32 *dwc2_endpoint_interrupt(struct dwc2 *d, int n, bool in);
unsigned int dwc2_max_packet(const struct dwc2 *d, int n, bool in);
void dwc2_disable_endpoint(struct dwc2 *d, int n, bool in);
void dwc2_end_transfer(struct dwc2 *d, int n, bool in);

struct dwc2_dma_desc *dwc2_descriptor(struct dwc2 *d, int n, bool in);
bool dwc2_descriptor_is_ready(struct dwc2 *d, int n, bool in);
bool dwc2_close_descriptor(struct dwc2 *d, int n, bool in, u32 mask);
int dwc2_out_by_descriptors(struct dwc2 *d, int n, const u8 *data, unsigned int length);
int dwc2_in_by_descriptors(struct dwc2 *d, int n, u8 *data, unsigned int room);
int dwc2_iso_out_by_descriptors(struct dwc2 *d, int n, const void *data, unsigned int length);
int dwc2_iso_in_by_descriptors(struct dwc2 *d, int n, void *data, unsigned int room);

#endif

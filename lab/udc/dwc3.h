/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the DWC3 model share: registers (dwc3.c), events (dwc3_events.c), commands
 * (dwc3_commands.c), transfers (dwc3_transfers.c) and packets (dwc3_packets.c).
 */
#ifndef LAB_UDC_DWC3_H
#define LAB_UDC_DWC3_H

#include <linux/types.h>

/* Names of registers, their bits, events and TRBs are the driver's */
#include "dwc3/core.h"
#include "dwc3/gadget.h"
#include "model.h"

/* Endpoint n has the physical endpoints 2n (OUT) and 2n + 1 (IN). */
#define MODEL_ENDPOINTS DWC3_ENDPOINTS_NUM
/* Global and device registers are in one block. */
#define MODEL_FIRST_REGISTER DWC3_GLOBALS_REGS_START
#define MODEL_REGISTERS 0x1000
#define MODEL_MAX_PACKET 1024

/* What the host may do next at EP0 besides a SETUP packet. */
enum model_stage { MODEL_NO_STAGE, MODEL_DATA_STAGE, MODEL_STATUS_STAGE };

/* One physical endpoint. */
struct model_endpoint {
	u8 number; /* of the physical endpoint */
	u8 type;   /* USB_ENDPOINT_XFER_* */
	u16 max_packet;
	u32 events;   /* DWC3_DEPCFG_*_EN */
	u16 interval; /* in microframes, or frames at full speed */
	bool has_resource;
	u8 resource; /* XferRscIdx of its transfers */
	bool stalled;
	bool data1;	/* PID of the next packet */
	bool ending;	/* an End Transfer waits until the SETUP packet has its place */
	bool not_ready; /* XferNotReady was reported, once for each transfer */
	/* The transfer */
	bool active;
	bool starved;  /* the TRB was not ready: the core looks again at Update Transfer */
	bool skipping; /* a short packet has ended the chain of TRBs */
	bool received; /* isochronous: the interval of the TRB has had a packet */
	u32 address;   /* of the TRB */
	u32 done;      /* its bytes that were moved */
	u16 frame;     /* isochronous: number of its interval's first (micro)frame */
	/* A packet that is on its way between FIFO and memory */
	u8 fifo[MODEL_MAX_PACKET];
	u16 length, taken;
	bool in_fifo;
};

struct dwc3_model {
	struct udc_port *port;
	struct udc_irq irq;
	u32 regs[MODEL_REGISTERS / sizeof(u32)];
	struct hrtimer iso_timer;
	bool handler_busy;  /* GEVNTCOUNT.EHB */
	u32 event_count;    /* bytes of events that the driver has not taken */
	u32 event_position; /* where the next one is written */
	bool vbus;
	u8 address; /* that the device answers to */
	u8 link;    /* DWC3_LINK_STATE_* */
	bool full_speed;
	struct usb_ctrlrequest request; /* that the driver has got */
	struct usb_ctrlrequest held; /* the next one, in the RX FIFO until there is a TRB for it */
	bool setup_held;
	enum model_stage stage;
	struct model_endpoint ep[MODEL_ENDPOINTS];
};

#define MODEL_REG(d, offset) ((d)->regs[((offset)-MODEL_FIRST_REGISTER) / sizeof(u32)])

extern const struct udc_model_ops model_ops;
extern unsigned int model_cut;

/* All of these need the port's lock. */

/* dwc3_events.c */
void model_update_interrupt(struct dwc3_model *d);
void model_device_event(struct dwc3_model *d, int type, u32 info);
void model_endpoint_event(struct dwc3_model *d, const struct model_endpoint *ep, int event,
			  int status, u16 parameters);
/* Reports XferNotReady, once for each transfer. */
void model_not_ready(struct dwc3_model *d, struct model_endpoint *ep, int status);
bool model_has_room_for_events(const struct dwc3_model *d);
void model_take_events(struct dwc3_model *d, u32 value);
void model_set_link(struct dwc3_model *d, u8 link);

/* dwc3_commands.c */
void model_endpoint_command(struct dwc3_model *d, int n, u32 value);
void model_generic_command(struct dwc3_model *d, u32 value);
/* Completes the End Transfer commands that have waited for a TRB for the SETUP packet. */
void model_end_waiting(struct dwc3_model *d);

/* dwc3_transfers.c */
void *model_dma_memory(u32 address);
/* Looks at the TRB; follows links. Returns whether it is ready. */
bool model_fetch(struct dwc3_model *d, struct model_endpoint *ep);
struct dwc3_trb *model_trb(const struct model_endpoint *ep);
void model_end_transfer(struct dwc3_model *d, struct model_endpoint *ep, int trb_status);
/* Moves the packet in the FIFO of an OUT endpoint to memory, as far as there are TRBs. */
void model_drain(struct dwc3_model *d, struct model_endpoint *ep);
/* Fills the FIFO of an IN endpoint. Returns whether there is a whole packet. */
bool model_fill(struct dwc3_model *d, struct model_endpoint *ep);
/* Completes the TRBs of isochronous endpoints whose interval has passed. */
void model_expire(struct dwc3_model *d, struct model_endpoint *ep);
void model_set_iso_timer(struct dwc3_model *d);
enum hrtimer_restart model_on_iso_timer(struct hrtimer *timer);
/* Returns the number that the core has for the frame: of 1 ms, or of a microframe at high speed. */
u16 model_frame(const struct dwc3_model *d);

/* dwc3_packets.c */
void model_start_control(struct dwc3_model *d, struct model_endpoint *ep);

#endif

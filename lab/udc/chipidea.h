/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the ChipIdea model share: registers (chipidea.c) and transfers. */
#ifndef LAB_UDC_CHIPIDEA_H
#define LAB_UDC_CHIPIDEA_H

#include <linux/types.h>
#include <linux/usb/phy.h>

#include "model.h"

/* Endpoints of each direction, with EP0. */
#define CHIPIDEA_ENDPOINTS 8

/* core.c: offsets of the registers, of a core without LPM. */
enum chipidea_register {
	CHIPIDEA_ID = 0x000,
	CHIPIDEA_CAPLENGTH = 0x100,
	CHIPIDEA_HCCPARAMS = 0x108,
	CHIPIDEA_DCCPARAMS = 0x124,
	CHIPIDEA_USBCMD = 0x140,
	CHIPIDEA_USBSTS = 0x144,
	CHIPIDEA_USBINTR = 0x148,
	CHIPIDEA_FRINDEX = 0x14c,
	CHIPIDEA_DEVICEADDR = 0x154,
	CHIPIDEA_ENDPTLISTADDR = 0x158,
	CHIPIDEA_PORTSC = 0x184,
	CHIPIDEA_OTGSC = 0x1a4,
	CHIPIDEA_USBMODE = 0x1a8,
	CHIPIDEA_ENDPTSETUPSTAT = 0x1ac,
	CHIPIDEA_ENDPTPRIME = 0x1b0,
	CHIPIDEA_ENDPTFLUSH = 0x1b4,
	CHIPIDEA_ENDPTSTAT = 0x1b8,
	CHIPIDEA_ENDPTCOMPLETE = 0x1bc,
	CHIPIDEA_ENDPTCTRL = 0x1c0, /* of EP0; those of the others follow */
	CHIPIDEA_REGISTERS = CHIPIDEA_ENDPTCTRL + 4 * CHIPIDEA_ENDPOINTS,
};

/* Where the core is in the transfers of one direction of an endpoint. */
struct chipidea_pipe {
	bool data1;    /* PID of the next packet */
	u32 done;      /* bytes of the current dTD that were moved */
	u32 not_until; /* isochronous: the microframe before which the current dTD is not used */
};

struct chipidea {
	struct udc_port *port;
	struct udc_irq irq;
	struct usb_phy phy;
	u32 regs[CHIPIDEA_REGISTERS / sizeof(u32)];
	u8 address;	  /* that the device answers to */
	bool new_address; /* DEVICEADDR is used after the next status stage */
	struct chipidea_pipe pipes[2][CHIPIDEA_ENDPOINTS]; /* OUT and IN */
};

#define CHIPIDEA_REG(c, offset) ((c)->regs[(offset) / sizeof(u32)])
#define CHIPIDEA_ENDPTCTRL_OF(c, n) CHIPIDEA_REG(c, CHIPIDEA_ENDPTCTRL + 4 * (n))

/* These need the port's lock. */
void chipidea_update_interrupt(struct chipidea *c);
/* ENDPTPRIME: has the endpoints of these bits begin with the dTD that their dQH points to. */
void chipidea_prime(struct chipidea *c, u32 bits);
/* The transactions of struct udc_model_ops. */
int chipidea_setup(struct udc_port *port, u8 address, const struct usb_ctrlrequest *request);
int chipidea_out(struct udc_port *port, struct udc_packet *packet);
int chipidea_in(struct udc_port *port, struct udc_packet *packet);

#endif

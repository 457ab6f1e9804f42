/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by storm.c (disturbances), storm_device.c (the device) and storm_flow.c (messages and
   transfers). */
#pragma once

#include <linux/usbdevice_fs.h>

#include "usbfs.h"

#define DEPTH_MAX 32
#define TRANSFER_MAX 65536
#define MESSAGE_MAX (4 * TRANSFER_MAX)

/* A position in the messages of an epoch. */
struct place {
	uint32_t seq; /* number of the message */
	size_t at;    /* offset in the message */
};

struct slot {
	struct usbdevfs_urb *urb;
	struct place from; /* OUT: position of the first byte */
	uint64_t order;	   /* number of the submission */
	bool busy;
	unsigned char *data;
};

struct direction {
	uint8_t address;
	struct slot slots[DEPTH_MAX];
	unsigned int busy;
	bool paused;	   /* no transfer is submitted */
	uint64_t gone;	   /* OUT: `order` of the last transfer that has moved bytes */
	uint64_t broken;   /* OUT: `order` of the first incomplete transfer; sending continues at
			      `next` */
	struct place next; /* OUT: next position to send; IN: next position to receive */
};

struct counts {
	uint64_t messages, bytes, transfers;
	uint64_t stale; /* number of epochs that began with data of an earlier epoch */
};

struct storm {
	/* Options */
	const char *outside;
	unsigned int runs, depth;
	size_t fixed, longest;

	struct usbfs host;
	size_t packet; /* packet size of the endpoints */

	uint32_t epoch, stale_epoch;
	bool ignoring;	/* during a disturbance: received data is not checked */
	bool finishing; /* no new message is begun */
	struct direction out, in;
	struct counts counts;
};

/* Begins a new epoch: the device must drop all data of the last one. */
void flow_begin(struct storm *s);
/* Submits transfers in both directions and waits until one has ended; ends the program if none
 * does. Returns false if the device was removed. */
bool flow_pump(struct storm *s);
/* Handles all transfers that have ended. Returns false if the device was removed. */
bool flow_reap(struct storm *s);
/* Waits until no transfer of this direction is in flight. */
void flow_settle(struct storm *s, struct direction *d);
/* Cancels the transfers in flight, the last one first, so that no later data overtakes them. */
void flow_discard(struct storm *s, struct direction *d);
/* After flow_settle() continues at the position of the first incomplete transfer. */
void flow_go_on(struct direction *d);
/* After the device was removed: its transfers have ended, but will not be reported. */
void flow_forget(struct storm *s);

/* Waits until the device is connected, or connected again, and begins an epoch. */
void device_find(struct storm *s, int uevents);
void device_lose(struct storm *s);
void device_claim(struct storm *s);

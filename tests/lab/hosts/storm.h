/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What storm.c (disturbances) and storm_flow.c (messages and transfers between them) share. */
#pragma once

#include <linux/usbdevice_fs.h>

#include "usbfs.h"

#define DEPTH_MAX 32
#define TRANSFER_MAX 65536
#define MESSAGE_MAX (4 * TRANSFER_MAX)

/* A place in the endless row of messages of an epoch. */
struct place {
	uint32_t seq;
	size_t at;
};

struct slot {
	struct usbdevfs_urb *urb;
	struct place from; /* OUT: where its bytes begin */
	uint64_t order;	   /* of submission */
	bool busy;
	unsigned char *data;
};

struct direction {
	uint8_t address;
	struct slot slots[DEPTH_MAX];
	unsigned int busy;
	bool paused;	   /* nothing more is submitted */
	uint64_t gone;	   /* OUT: order of the last that something went of */
	uint64_t broken;   /* OUT: of the first that did not go whole; `next` is where to go on */
	struct place next; /* OUT: to be sent; IN: to come */
};

struct counts {
	uint64_t messages, bytes, transfers;
	uint64_t stale; /* epochs that began with what was of an earlier one */
};

struct storm {
	/* Options */
	const char *outside;
	unsigned int runs, depth;
	size_t fixed, longest;

	struct usbfs host;
	size_t packet; /* the device's */

	uint32_t epoch, stale_epoch;
	bool ignoring;	/* the link is being changed: what comes is of no epoch */
	bool finishing; /* no message is begun any more */
	struct direction out, in;
	struct counts counts;
};

/* Begins anew: the other end forgets what was before. */
void flow_begin(struct storm *s);
/* Keeps both directions full, until something has ended; fails when nothing does. False: the device
 * was removed. */
bool flow_pump(struct storm *s);
/* Takes what has ended; false: the device was removed. */
bool flow_reap(struct storm *s);
/* Until nothing is in flight in that direction. */
void flow_settle(struct storm *s, struct direction *d);
/* Takes back what is in flight, the last first, so that nothing overtakes it. */
void flow_discard(struct storm *s, struct direction *d);
/* Goes on after flow_settle() where it was. */
void flow_go_on(struct direction *d);
/* The device has gone: its transfers have ended, and nobody will tell. */
void flow_forget(struct storm *s);

/* Waits for the device, or for the next one, and begins an epoch with it. */
void device_find(struct storm *s, int uevents);
void device_lose(struct storm *s);
void device_claim(struct storm *s);

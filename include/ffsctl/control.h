/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control socket between ffsctl and a worker, byte by byte. See ffsctl-worker(7).
 *
 * AF_UNIX, SOCK_SEQPACKET: one message is one packet. A message is a header and `length` bytes of
 * body. All integers are little-endian. A receiver ignores types it does not know and bytes
 * beyond the body it knows, so that both may grow; `version` changes only when that is not enough.
 */
#ifndef FFSCTL_CONTROL_H
#define FFSCTL_CONTROL_H

#include <stdint.h>

#define FFSCTL_CONTROL_VERSION 1

struct ffsctl_msg {
	uint16_t version; /* FFSCTL_CONTROL_VERSION */
	uint16_t type;	  /* enum ffsctl_msg_type */
	uint32_t length;  /* bytes of body that follow, at most FFSCTL_MSG_MAX_BODY */
	uint32_t id;	  /* of the SETUP that SETUP, ACCEPT, STALL and DATA are about, of the PING
			     that PONG answers; 0 elsewhere */
};

/* wLength is 16 bits (USB 2.0, 9.3.5): no data stage is longer. */
#define FFSCTL_MSG_MAX_BODY 65535

/* STATS: bytes of UTF-8, and how deep objects and arrays in it may be nested, itself included. What
   is beyond that is not shown. Of many in one second only the last one is. */
#define FFSCTL_STATS_MAX 4096
#define FFSCTL_STATS_DEPTH 4

enum ffsctl_msg_type {
	/* ffsctl to worker */
	FFSCTL_MSG_EVENT = 1, /* body: struct ffsctl_event */
	FFSCTL_MSG_SETUP = 2, /* body: the 8 bytes of the SETUP packet (USB 2.0, 9.3) */
	FFSCTL_MSG_DATA = 3,  /* body: OUT data of the accepted SETUP `id`;
				 worker to ffsctl: IN data that answers it */
	FFSCTL_MSG_PING = 4,  /* no body; answer PONG with the same id */
	FFSCTL_MSG_STOP = 5,  /* no body; finish and exit */

	/* worker to ffsctl */
	FFSCTL_MSG_READY = 33,	/* the function may go on the bus; body: what moves the data, a word
				   for status (ffsctl-worker: "copy", "mmap", "dmabuf", "mixed"), or
				   nothing. Once ready: changes the word */
	FFSCTL_MSG_ACCEPT = 34, /* no body: SETUP without data is acknowledged; of one with OUT data
				   the data is read from the host and comes as DATA */
	FFSCTL_MSG_STALL = 35,	/* no body: SETUP is refused */
	FFSCTL_MSG_PONG = 36,
	FFSCTL_MSG_STATS = 37,	 /* body: a JSON object, shown by status; see FFSCTL_STATS_MAX */
	FFSCTL_MSG_SWITCH = 38,	 /* body: name of a gadget in `switch_to`; behind a NUL may follow
				    a JSON object, which its workers find in their configuration */
	FFSCTL_MSG_TRAFFIC = 39, /* body: for each endpoint, in the configuration's order, 8 bytes:
				    how many bytes it has moved since the worker began. Shown by
				    status; of many in one second only the last one is */
};

/* Same numbers as enum usb_functionfs_event_type (linux/usb/functionfs.h); SETUP is a message. */
enum ffsctl_event_type {
	FFSCTL_EVENT_BIND = 0,
	FFSCTL_EVENT_UNBIND = 1,
	FFSCTL_EVENT_ENABLE = 2,
	FFSCTL_EVENT_DISABLE = 3,
	FFSCTL_EVENT_SUSPEND = 5,
	FFSCTL_EVENT_RESUME = 6,
};

/* Same numbers as enum usb_device_speed (linux/usb/ch9.h). */
enum ffsctl_speed {
	FFSCTL_SPEED_UNKNOWN = 0,
	FFSCTL_SPEED_FULL = 2,
	FFSCTL_SPEED_HIGH = 3,
	FFSCTL_SPEED_SUPER = 5,
	FFSCTL_SPEED_SUPER_PLUS = 6,
};

struct ffsctl_event {
	uint8_t event;	   /* enum ffsctl_event_type */
	uint8_t speed;	   /* enum ffsctl_speed; meaningful with ENABLE */
	uint16_t reserved; /* 0 */
};

#endif

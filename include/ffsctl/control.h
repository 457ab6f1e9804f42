/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol of the control socket between ffsctl and a worker. See ffsctl-worker(7).
 *
 * The socket has the types AF_UNIX and SOCK_SEQPACKET. A packet is one message: a header and a body
 * of `length` bytes. All integers are little-endian. Later versions may add message types, and
 * bytes at the end of a body. Therefore a receiver ignores unknown message types, and bytes after
 * the known part of a body. `version` changes only for incompatible changes.
 */
#ifndef FFSCTL_CONTROL_H
#define FFSCTL_CONTROL_H

#include <stdint.h>

#define FFSCTL_CONTROL_VERSION 1

struct ffsctl_msg {
	uint16_t version; /* FFSCTL_CONTROL_VERSION */
	uint16_t type;	  /* enum ffsctl_msg_type */
	uint32_t length;  /* bytes of the body, at most FFSCTL_MSG_MAX_BODY */
	uint32_t id;	  /* SETUP, ACCEPT, STALL, DATA: number of the control request; PING, PONG:
			     number of the ping; other types: 0 */
};

/* Longest body in bytes: wLength has 16 bits (USB 2.0, 9.3.5), so no data stage is longer. */
#define FFSCTL_MSG_MAX_BODY 65535

/* Limits of the JSON object in STATS: bytes of UTF-8 text, and levels of objects and arrays,
   including the outermost object. ffsctl ignores a message that exceeds a limit. It uses only the
   last message of each second. */
#define FFSCTL_STATS_MAX 4096
#define FFSCTL_STATS_DEPTH 4

enum ffsctl_msg_type {
	/* messages from ffsctl to the worker */
	FFSCTL_MSG_EVENT = 1, /* body: struct ffsctl_event */
	FFSCTL_MSG_SETUP = 2, /* body: the 8 bytes of the SETUP packet (USB 2.0, 9.3) */
	FFSCTL_MSG_DATA = 3, /* body: OUT data of the accepted SETUP `id`. A worker sends DATA, too:
				the body is then the IN data that answers SETUP `id` */
	FFSCTL_MSG_PING = 4, /* no body; the worker must answer PONG with the same id */
	FFSCTL_MSG_STOP = 5, /* no body; the worker must finish and exit */

	/* messages from the worker to ffsctl */
	FFSCTL_MSG_READY = 33,	/* the gadget may be bound as far as this function is concerned;
				   body: empty, or one word that names how data is moved, shown by
				   status (ffsctl-worker: an engine's name, or "mixed"). A later
				   READY replaces the word */
	FFSCTL_MSG_ACCEPT = 34, /* no body; acknowledges a SETUP without data; for one with OUT
				   data, ffsctl reads the data from the host and sends it as DATA */
	FFSCTL_MSG_STALL = 35,	/* no body; refuses the SETUP */
	FFSCTL_MSG_PONG = 36,	/* no body; answers PING */
	FFSCTL_MSG_STATS =
		37, /* body: a JSON object that `ffsctl status` shows; see FFSCTL_STATS_MAX */
	FFSCTL_MSG_SWITCH = 38, /* body: the name of a gadget in `switch_to`; optionally a NUL and a
				   JSON object for the configuration of that gadget's workers */
	FFSCTL_MSG_TRAFFIC = 39, /* body: for each endpoint, in the configuration's order, an 8-byte
				    number of bytes moved since the worker started. Shown by status;
				    only the last message of each second is used */
};

/* Same numbers as enum usb_functionfs_event_type (linux/usb/functionfs.h). The kernel's event SETUP
   is a separate message here. */
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
	uint8_t speed;	   /* enum ffsctl_speed; only valid in ENABLE */
	uint16_t reserved; /* 0 */
};

#endif

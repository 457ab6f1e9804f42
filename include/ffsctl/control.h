/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol of a worker's control socket, over which ffsctl and the worker exchange messages.
 * See ffsctl-worker(7).
 *
 * This control socket is of the family AF_UNIX and the type SOCK_SEQPACKET. Each packet of the
 * socket is one message: a struct ffsctl_msg and a body of `length` bytes. All integers are
 * little-endian. Later versions may add message types, and bytes at the end of a body. Therefore a
 * receiver must ignore unknown message types, and bytes after the part of a body that it knows.
 * `version` only changes if old receivers can no longer understand the messages.
 */
#ifndef FFSCTL_CONTROL_H
#define FFSCTL_CONTROL_H

#include <stdint.h>

#define FFSCTL_CONTROL_VERSION 1

/* Head of a message on a worker's control socket; the body of `length` bytes follows. */
struct ffsctl_msg {
	uint16_t version; /* FFSCTL_CONTROL_VERSION */
	uint16_t type;	  /* enum ffsctl_msg_type */
	uint32_t length;  /* bytes of the body, at most FFSCTL_MSG_MAX_BODY */
	/* SETUP, ACCEPT, STALL, DATA: number of the control request; PING, PONG: number of the
	   PING; other types: 0. */
	uint32_t id;
};

/* Longest body in bytes: wLength has 16 bits (USB 2.0, 9.3.5), so the data stage of a control
   request is not longer. */
#define FFSCTL_MSG_MAX_BODY 65535

/*
 * Limits of the JSON object in a STATS message: its length in bytes (UTF-8), and the number of
 * levels of objects and arrays, including the outermost object. ffsctl ignores a STATS message that
 * exceeds a limit. If a worker sends several STATS messages within one second, ffsctl uses only the
 * last of them.
 */
#define FFSCTL_STATS_MAX 4096
#define FFSCTL_STATS_DEPTH 4

enum ffsctl_msg_type {
	/* messages from ffsctl to the worker */
	FFSCTL_MSG_EVENT = 1, /* body: struct ffsctl_event */
	FFSCTL_MSG_SETUP = 2, /* body: struct ffsctl_setup_body; before ffsctl 0.3, its first 8
				 bytes: see FFSCTL_INDEX_OF_FUNCTION */
	/* Body: the OUT data of the control request `id`, which the worker has accepted. The
	   worker sends DATA, too: then the body is the IN data of the control request `id`. */
	FFSCTL_MSG_DATA = 3,
	FFSCTL_MSG_PING = 4, /* no body; the worker must answer with PONG, with the same `id` */
	FFSCTL_MSG_STOP = 5, /* no body; the worker must finish and exit */

	/* messages from the worker to ffsctl */
	/* The function is ready: ffsctl may bind the gadget when all its functions are ready.
	   Body: empty, or one word that `ffsctl status` shows as the engine (from ffsctl-worker:
	   the name of an engine, or "mixed"). The word of a later READY replaces the earlier one.
	 */
	FFSCTL_MSG_READY = 33,
	/* No body; accepts the SETUP `id`. If the control request has OUT data, ffsctl reads it
	   from the host and sends it as DATA. */
	FFSCTL_MSG_ACCEPT = 34,
	FFSCTL_MSG_STALL = 35, /* no body; ffsctl must stall the control request `id` */
	FFSCTL_MSG_PONG = 36,  /* no body; answers PING */
	FFSCTL_MSG_STATS =
		37, /* body: a JSON object that `ffsctl status` shows; see FFSCTL_STATS_MAX */
	/* Requests the switch to another gadget; body: its name, one of `switch_to` in the
	   gadget file; optionally followed by a NUL and a JSON object, which becomes a part of
	   the configuration of the other gadget's workers. */
	FFSCTL_MSG_SWITCH = 38,
	/*
	 * Body: for each endpoint, in the order of `endpoints` in the worker's configuration, 8
	 * bytes: the number of bytes moved since the worker started. `ffsctl status` shows these
	 * numbers. If a worker sends several of these messages within one second, ffsctl uses only
	 * the last of them.
	 */
	FFSCTL_MSG_TRAFFIC = 39,
	/*
	 * Body: for each endpoint, in the order of `endpoints` in the worker's configuration, one
	 * byte: 1 if the worker, which ends now as STOP requires, cuts a transfer of this endpoint.
	 * When the worker has ended, ffsctl does what `on_crash` in the gadget file says.
	 */
	FFSCTL_MSG_CUT = 40,
	/* No body; requests that the UDC wakes the host, which has suspended the function (remote
	   wakeup). There is no answer: if the host wakes up, FFSCTL_EVENT_RESUME follows. */
	FFSCTL_MSG_WAKEUP = 41,
};

/* The numbers are those of enum usb_functionfs_event_type (linux/usb/functionfs.h). The kernel's
   event SETUP is not among them: FFSCTL_MSG_SETUP reports it. */
enum ffsctl_event_type {
	FFSCTL_EVENT_BIND = 0,
	FFSCTL_EVENT_UNBIND = 1,
	FFSCTL_EVENT_ENABLE = 2,
	FFSCTL_EVENT_DISABLE = 3,
	FFSCTL_EVENT_SUSPEND = 5,
	FFSCTL_EVENT_RESUME = 6,
};

/* The numbers are those of enum usb_device_speed (linux/usb/ch9.h). */
enum ffsctl_speed {
	FFSCTL_SPEED_UNKNOWN = 0,
	FFSCTL_SPEED_FULL = 2,
	FFSCTL_SPEED_HIGH = 3,
	FFSCTL_SPEED_SUPER = 5,
	FFSCTL_SPEED_SUPER_PLUS = 6,
};

/*
 * What wIndex of a control request is. FunctionFS replaces wIndex of a request to an interface or
 * endpoint by the number that the function itself uses (ffs_func_setup() in
 * drivers/usb/gadget/function/f_fs.c). Only kernels with ffsctl's patches report wIndex of the host
 * as well; without them ffsctl rebuilds what it can.
 */
enum ffsctl_index_origin {
	/* wIndex is the same as `function_index`: what the host sent is not known. It is also the
	   origin of all SETUP messages of ffsctl before version 0.3. */
	FFSCTL_INDEX_OF_FUNCTION = 0,
	/* The low byte, the number of the interface or the address of the endpoint, is what the
	   host sent. The high byte is 0, whatever the host sent. */
	FFSCTL_INDEX_REBUILT = 1,
	/* All of wIndex is what the host sent. */
	FFSCTL_INDEX_OF_HOST = 2,
};

/* Body of SETUP. Integers are little-endian, also those of the SETUP packet. */
struct ffsctl_setup_body {
	/* The SETUP packet (USB 2.0, 9.3) */
	uint8_t request_type, request;
	uint16_t value, index, length;
	/*
	 * The number that the function itself uses for the interface or endpoint: that of the
	 * interface in the function's descriptors, from 0; that of the endpoint in the order of the
	 * descriptors, from 1, or with `virtual_addr` in the gadget file its address there. wIndex,
	 * if the request is to neither.
	 */
	uint16_t function_index;
	uint8_t index_origin; /* enum ffsctl_index_origin */
	uint8_t reserved;     /* 0 */
};

struct ffsctl_event {
	uint8_t event; /* enum ffsctl_event_type */
	/* enum ffsctl_speed; valid only if `event` is FFSCTL_EVENT_ENABLE; FFSCTL_SPEED_UNKNOWN:
	   see EVENT in ffsctl-worker(7) */
	uint8_t speed;
	/*
	 * Valid only if `event` is FFSCTL_EVENT_ENABLE: length in KiB of the longest transfer that
	 * goes right with each kernel's driver of the UDC; 0: no limit is known, or it is not known
	 * which UDC it is. Before ffsctl 0.4 always 0.
	 */
	uint16_t max_transfer;
};

#endif

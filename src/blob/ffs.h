/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FunctionFS function as a gadget file describes it: interfaces, endpoints, strings and the rest
 * that its blobs are made of, and its mount. Part of struct gadget (gadgetfile/gadget.h), which
 * owns all of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/placed.h"

enum ep_type { EP_BULK, EP_INTERRUPT, EP_ISOCHRONOUS };
enum ep_direction { EP_OUT, EP_IN };

/* What one speed's endpoint descriptor says; exact, checked against USB 2.0 and 3.2. */
struct ep_speed {
	bool used;	     /* the function offers this speed */
	uint16_t max_packet; /* wMaxPacketSize, bytes */
	uint8_t interval;    /* bInterval as the descriptor encodes it */
	uint8_t burst;	     /* SuperSpeed companion: bMaxBurst, 0-15 */
	/* High speed: packets in a microframe; isochronous at SuperSpeed: bursts in a service
	 * interval. 1-3, and 0 is 1. */
	uint8_t mult;
};

enum { EP_FULL, EP_HIGH, EP_SUPER, EP_SPEED_COUNT };

struct endpoint {
	char *name;	 /* "ep1-in" style by default; unique in the function, no colon */
	uint8_t address; /* bEndpointAddress as the blob has it; the kernel remaps it at bind */
	enum ep_direction direction;
	enum ep_type type;
	uint8_t alternate; /* setting of the interface, 0.. */
	struct ep_speed speed[EP_SPEED_COUNT];
	struct placed_int zlp; /* in only; not 0: FunctionFS' automatic zero-length packets */
	unsigned int number;   /* 1.. in file order: the kernel's epN */
	struct origin at;
};

/* A text in one or several languages; the blob gives every language the same count. */
struct ffs_text {
	uint16_t lang;
	char *text;
};

struct ffs_string {
	struct ffs_text *texts;
	size_t n_texts; /* 0: no string */
	struct origin at;
};

struct ffs_bytes {
	uint8_t *data;
	size_t size;
};

/* An extended property of Microsoft OS descriptors 1.0: a value in Windows' registry. */
struct os_property {
	uint32_t type; /* dwPropertyDataType: 1 REG_SZ, 2 REG_EXPAND_SZ, 3 REG_BINARY, 6 REG_LINK */
	char *name;    /* ASCII */
	struct ffs_bytes data; /* of strings ASCII with its NUL: the kernel makes UTF-16 of it */
};

#define OS_ID_SIZE 8

struct interface {
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct ffs_bytes *extra; /* whole descriptors, behind that of setting 0 */
	size_t n_extra;
	struct origin extra_at;
	char compatible[OS_ID_SIZE + 1], sub_compatible[OS_ID_SIZE + 1]; /* "": none */
	struct os_property *properties;
	size_t n_properties;
	struct endpoint *endpoints; /* of all settings, in the order of these */
	size_t n_endpoints;
	unsigned int n_alternates; /* beside setting 0 */
	struct origin at;
};

/* Interfaces that are one thing to the host (USB 3.2, 9.6.4). */
struct association {
	uint8_t first, count; /* interfaces of the function, from 0 */
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct origin at;
};

struct ffs_mount {
	char *path; /* absolute; never NULL */
	bool path_is_default;
	struct placed_str uid, gid; /* name or decimal number, resolved when the plan is made */
	struct placed_int mode, rmode, fmode; /* permission bits */
	bool no_disconnect;
	struct placed_int mmap_memory_mb; /* MiB that may be mapped; 0: none */
	struct origin at;
};

struct ffs {
	struct ffs_mount mount;
	/* Absolute path of the link to the only endpoint, or with rw_proxy to the only pair's file.
	 */
	struct placed_str device;
	bool virtual_addr, all_ctrl_recip, config0_setup;
	/* Endpoints 1 and 2, 3 and 4, ... have a file for both directions as well; checked. */
	struct placed_int rw_proxy;
	bool speed[EP_SPEED_COUNT]; /* which sets of descriptors there are */
	struct interface *interfaces;
	size_t n_interfaces;
	/*
	 * `blob`: what is written to ep0 as it is; data is NULL where it is made of the rest. With
	 * descriptors speeds, interfaces and endpoints are what these say, for who looks at them.
	 */
	struct ffs_bytes raw_descriptors, raw_strings;
	struct association *associations;
	size_t n_associations;
	/* The number that interface 0 gets: where there are associations the same in every
	 * configuration. */
	uint8_t first_interface;
	/*
	 * There are Microsoft OS descriptors, of every interface: the kernel takes one without for
	 * interface 0. So also if only other functions of the gadget have them.
	 */
	bool os_descs;
	struct origin at;
};

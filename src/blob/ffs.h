/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a FunctionFS function, as a gadget file describes it: its mount, and the interfaces,
 * endpoints and strings that its blobs are made from. It is part of struct gadget
 * (gadgetfile/gadget.h), which owns it with all its members.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/placed.h"
#include "blob/flags.h"

/* Limits of FunctionFS (drivers/usb/gadget/function/f_fs.c) */
#define FFS_ENDPOINTS_MAX 30 /* FFS_MAX_EPS_COUNT, less ep0 */
#define FFS_ALTERNATES_MAX 2 /* MAX_ALT_SETTINGS, less setting 0 */
#define FFS_PROPERTY_MAX                                                                           \
	241 /* maximum bytes of name and data: the kernel stores dwSize, which counts 14 more, in  \
	       one byte */

enum ep_type { EP_BULK, EP_INTERRUPT, EP_ISOCHRONOUS };
enum ep_direction { EP_OUT, EP_IN };

/* An endpoint's descriptor at one speed; checked against USB 2.0 and 3.2. */
struct ep_speed {
	bool used;	     /* the function offers this speed */
	uint16_t max_packet; /* wMaxPacketSize, bytes */
	uint8_t interval;    /* bInterval as the descriptor encodes it */
	uint8_t burst;	     /* SuperSpeed companion: bMaxBurst, 0-15 */
	/*
	 * High speed: packets per microframe; isochronous at SuperSpeed: bursts per service
	 * interval. The number is 1 to 3; 0 means 1.
	 */
	uint8_t mult;
};

enum { EP_FULL, EP_HIGH, EP_SUPER, EP_SPEED_COUNT };

struct endpoint {
	char *name;	 /* unique in the function, without a colon; the default is like "ep1-in" */
	uint8_t address; /* bEndpointAddress in the blob; the kernel remaps it at bind */
	enum ep_direction direction;
	enum ep_type type;
	uint8_t alternate; /* number of the alternate setting that has the endpoint, from 0 */
	struct ep_speed speed[EP_SPEED_COUNT];
	struct placed_int
		zlp; /* for IN endpoints; not 0: FunctionFS itself sends zero-length packets */
	unsigned int
		number; /* number of the endpoint in file order, from 1: N of the kernel's epN */
	struct position at;
};

/* The text of a string in one language. */
struct ffs_text {
	uint16_t lang;
	char *text;
};

struct ffs_string {
	struct ffs_text *texts;
	size_t n_texts; /* 0: no string */
	struct position at;
};

struct ffs_bytes {
	uint8_t *data;
	size_t size;
};

/* An extended property of Microsoft OS descriptors 1.0: a value in Windows' registry. */
struct os_property {
	uint32_t type; /* dwPropertyDataType: 1 REG_SZ, 2 REG_EXPAND_SZ, 3 REG_BINARY, 6 REG_LINK */
	char *name;    /* ASCII */
	struct ffs_bytes data; /* text: ASCII with its NUL, which the kernel converts to UTF-16 */
	struct position at;
};

#define OS_ID_SIZE 8

struct interface {
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct ffs_bytes *extra; /* complete descriptors, which follow the interface descriptor of
				    alternate setting 0 */
	size_t n_extra;
	struct position extra_at;
	char compatible[OS_ID_SIZE + 1], sub_compatible[OS_ID_SIZE + 1]; /* "": none */
	struct os_property *properties;
	size_t n_properties;
	struct endpoint
		*endpoints; /* endpoints of all alternate settings, in the order of the settings */
	size_t n_endpoints;
	unsigned int n_alternates; /* number of alternate settings without setting 0 */
	struct position at;
};

/* Interfaces that the host treats as one function (USB 3.2, 9.6.4). */
struct association {
	uint8_t first, count; /* number of the first interface, counted from 0 in the function;
				 number of interfaces */
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct position at;
};

struct ffs_mount {
	char *path; /* absolute; never NULL */
	bool path_is_default;
	struct placed_str uid, gid; /* name or decimal number, resolved when the plan is made */
	struct placed_int mode, rmode, fmode; /* permission bits */
	bool no_disconnect;
	struct placed_int mmap_memory_mb; /* MiB that may be mapped; 0: none */
	struct position at;
};

struct ffs {
	struct ffs_mount mount;
	/*
	 * Absolute path of the link to the file of the only endpoint, or with rw_proxy to the file
	 * of the only pair of endpoints.
	 */
	struct placed_str device;
	/*
	 * The flags that are set by keys (blob/flags.h), and the positions of the values of these
	 * keys, indexed by FFS_FLAG_NUMBER(). With FUNCTIONFS_RW_PROXY_EPS, each pair of endpoints
	 * (1 and 2, 3 and 4, ...) also has a file for both directions; the loader has checked the
	 * pairs.
	 */
	uint32_t flags;
	struct position flag_at[FFS_FLAG_BITS];
	bool speed[EP_SPEED_COUNT]; /* speeds that have a set of descriptors */
	struct interface *interfaces;
	size_t n_interfaces;
	/*
	 * Contents of the files that the group `blob` names, written to ep0 unchanged; data NULL:
	 * the blob is made from the model. If raw_descriptors are set, speeds, interfaces and
	 * endpoints are decoded from them (blob/decode.h).
	 */
	struct ffs_bytes raw_descriptors, raw_strings;
	struct position raw_descriptors_at, raw_strings_at;
	struct association *associations;
	size_t n_associations;
	/*
	 * Number of the function's first interface in its configuration; with associations it is
	 * the same in every configuration.
	 */
	uint8_t first_interface;
	/*
	 * The blob has Microsoft OS descriptors for every interface. Also set if only other
	 * functions of the gadget have them: for an interface without such a descriptor the kernel
	 * would use that of interface 0.
	 */
	bool os_descs;
	struct position at;
};

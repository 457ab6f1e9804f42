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

#include "base/positioned_value.h"
#include "blob/flags.h"

/* Limits of FunctionFS (drivers/usb/gadget/function/f_fs.c) */
#define FFS_ENDPOINTS_MAX 30 /* FFS_MAX_EPS_COUNT - 1: without ep0 */
#define FFS_ALTERNATES_MAX 2 /* MAX_ALT_SETTINGS - 1: without alternate setting 0 */
#define FFS_PROPERTY_MAX                                                                           \
	241 /* maximum sum of the lengths of name and data: the kernel stores dwSize, which is 14  \
	       more, in one byte */

enum ep_type { EP_BULK, EP_INTERRUPT, EP_ISOCHRONOUS };
enum ep_direction { EP_OUT, EP_IN };

/* Values of an endpoint's descriptors at one speed. The loader has checked them (USB 2.0, 3.2). */
struct endpoint_speed_values {
	bool is_offered;     /* the function has descriptors for this speed */
	uint16_t max_packet; /* wMaxPacketSize, bytes */
	uint8_t interval;    /* bInterval as the descriptor encodes it */
	uint8_t burst;	     /* SuperSpeed companion: bMaxBurst, 0-15 */
	/*
	 * At high speed: packets per microframe. Isochronous at SuperSpeed: bursts per service
	 * interval. 1 to 3; 0 means 1.
	 */
	uint8_t mult;
};

enum { EP_FULL, EP_HIGH, EP_SUPER, EP_SPEED_COUNT };

/* The words of base/usb_words.h, by enum ep_type, as "bulk", and by speed: "full", and "full speed"
   for messages. */
extern const char *const ep_type_words[];
extern const char *const ep_speed_words[EP_SPEED_COUNT];
extern const char *const ep_speed_names[EP_SPEED_COUNT];

/* An endpoint of a FunctionFS function, in one alternate setting. */
struct endpoint {
	char *name;	 /* unique in the function, without a colon; the default is like "ep1-in" */
	uint8_t address; /* bEndpointAddress in the blob; the kernel remaps it at bind */
	enum ep_direction direction;
	enum ep_type type;
	uint8_t alternate; /* number of the alternate setting that has the endpoint, from 0 */
	struct endpoint_speed_values
		speed[EP_SPEED_COUNT]; /* values of the descriptors at each speed */
	struct positioned_int
		zlp; /* only IN endpoints; not 0: FunctionFS adds zero-length packets to writes */
	/* N of the kernel's file epN: from 1, in the order of the gadget file */
	unsigned int file_number;
	struct position at;
};

/* The text of a string in one language. */
struct ffs_string_translation {
	uint16_t lang;
	char *text;
};

struct ffs_string {
	struct ffs_string_translation *texts;
	size_t n_texts; /* 0: no string */
	struct position at;
};

struct ffs_bytes {
	uint8_t *data;
	size_t size;
};

/* An extended property (Microsoft OS descriptors 1.0): Windows stores it as a registry value. */
struct os_property {
	uint32_t data_type;    /* dwPropertyDataType: 1 REG_SZ, 2 REG_EXPAND_SZ, 3 REG_BINARY, 6
				  REG_LINK */
	char *name;	       /* ASCII */
	struct ffs_bytes data; /* a text is ASCII with its NUL; the kernel converts it to UTF-16 */
	struct position at;
};

#define OS_ID_SIZE 8

/* An interface of a FunctionFS function, with all its alternate settings. */
struct interface {
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct ffs_bytes *extra_descriptors; /* complete descriptors, which follow the interface
						descriptor of alternate setting 0 */
	size_t n_extra_descriptors;
	struct position extra_descriptors_at;
	char compatible[OS_ID_SIZE + 1], sub_compatible[OS_ID_SIZE + 1]; /* "": none */
	struct os_property *properties;
	size_t n_properties;
	struct endpoint
		*endpoints; /* endpoints of all alternate settings, in the order of the settings */
	size_t n_endpoints;
	unsigned int highest_alternate; /* 0: only alternate setting 0 */
	/*
	 * Class, subclass and protocol of the alternate settings from 1 on; class 0, which no
	 * interface has (USB 2.0, table 9-12): those of setting 0.
	 */
	struct {
		uint8_t class, subclass, protocol;
	} alternate_class[FFS_ALTERNATES_MAX];
	struct position at;
};

/* Interfaces that the host treats as one function (USB 3.2, 9.6.4). */
struct association {
	uint8_t first_interface; /* number of the first interface, counted from 0 in the function */
	uint8_t n_interfaces;
	uint8_t class, subclass, protocol;
	struct ffs_string string;
	struct position at;
};

/* The mount of the function's FunctionFS instance. */
struct ffs_mount {
	char *path; /* absolute path of the mount point; never NULL */
	bool path_is_default;
	struct positioned_str uid, gid; /* name or decimal number, resolved when the plan is made */
	struct positioned_int mode, rmode, fmode; /* permission bits */
	bool no_disconnect;
	struct positioned_int
		mmap_memory_mb; /* limit of memory that workers can map, MiB; 0: no mmap */
	struct position at;
};

/* The FunctionFS part of a function: the group `ffs` of the gadget file. */
struct ffs {
	struct ffs_mount mount;
	/*
	 * Absolute path of a symbolic link that ffsctl makes to the file of the only endpoint, or
	 * with rw_proxy to the file of the only pair of endpoints.
	 */
	struct positioned_str endpoint_file_symlink;
	/*
	 * The flags that keys of the gadget file set (blob/flags.h). With FUNCTIONFS_RW_PROXY_EPS,
	 * each pair of endpoints (1 and 2, 3 and 4, ...) also has a file for both directions; the
	 * loader has checked that each pair has both directions.
	 */
	uint32_t flags;
	struct position
		flag_at[FFS_FLAG_BITS]; /* positions of these keys; index: FFS_FLAG_NUMBER() */
	bool has_speed[EP_SPEED_COUNT]; /* speeds for which the function has descriptors */
	struct interface *interfaces;
	size_t n_interfaces;
	/*
	 * Contents of the files that the group `blob` names. They are written to ep0 unchanged.
	 * data NULL: there is no file, and the blob is encoded from the model. Speeds, interfaces
	 * and endpoints are decoded from raw_descriptors (blob/decode.h).
	 */
	struct ffs_bytes raw_descriptors, raw_strings;
	struct position raw_descriptors_at, raw_strings_at;
	struct association *associations;
	size_t n_associations;
	/*
	 * Number of the function's first interface in its configuration. Associations require that
	 * it is the same in every configuration.
	 */
	uint8_t first_interface;
	/*
	 * The blob has a Microsoft OS descriptor for every interface. Also set if this function
	 * needs no OS descriptors, but another function of the gadget does: for an interface
	 * without an OS descriptor, the kernel would send the descriptor of interface 0.
	 */
	bool has_os_descs;
	struct position at;
};

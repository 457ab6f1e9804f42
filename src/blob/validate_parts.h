/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations that the files of the validator share. */
#pragma once

#include "blob/validate.h"

enum { FFS_SET_FULL, FFS_SET_HIGH, FFS_SET_SUPER, FFS_SET_COUNT };

/* Lengths of descriptors: USB 2.0 and 3.2, 9.6; HID 1.11, 6.2.1; CCID 1.1, 5.1; DFU 1.1, 4.1.3;
 * OTG 1.3, 6.4; linux/usb/functionfs.h for Microsoft's. */
#define INTERFACE_SIZE 9
#define ENDPOINT_SIZE 7
#define ENDPOINT_AUDIO_SIZE 9
#define OTG_SIZE 3
#define ASSOCIATION_SIZE 8
#define COMPANION_SIZE 6
#define HID_SIZE 9
#define CCID_SIZE 54
#define DFU_SIZE 9
#define OS_HEAD_SIZE 11
#define COMPAT_SIZE 24
#define PROP_SIZE 10	/* bytes of the fixed part before the name */
#define PROP_LENGTHS 14 /* bytes of everything except name and data */

#define CLASS_DESCRIPTOR 0x21 /* USB_TYPE_CLASS | 0x01 */

enum { CLASS_AUDIO = 1, CLASS_HID = 3, CLASS_CCID = 0x0b, CLASS_APPLICATION = 0xfe };
enum { SUBCLASS_DFU = 1 };
enum { OS_INDEX_COMPAT = 4, OS_INDEX_PROP = 5 };

/* The validation of one blob. */
struct validation {
	const struct ffs_validator *validator;
	struct ffs_instance *instance;
	const uint8_t *data;
	size_t size;
	size_t offset; /* the next byte to read */
	struct ffs_finding finding;

	/* Descriptors: offsets at which the parser found each part */
	uint32_t flags;
	uint32_t count[FFS_SET_COUNT], os_count;
	size_t set[FFS_SET_COUNT], os_descriptors_offset; /* offsets */

	/* Counts in the set of descriptors that is being read */
	unsigned int interfaces, endpoints;
	int class, subclass; /* of the last interface; -1: no interface so far */
};

static inline unsigned int get16(const uint8_t *p)
{
	return p[0] | (unsigned int)p[1] << 8;
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static inline size_t left(const struct validation *v)
{
	return v->size - v->offset;
}

/* Counts whether a branch that refuses nothing was taken; returns `taken`. */
bool take_branch(struct validation *v, enum ffs_rule rule, bool taken);

/*
 * Counts a branch that refuses if `broken`, and then records a finding at the offset `at`. Returns
 * `broken`.
 */
bool refuse_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at);
/* Does the same with the two numbers for the rule's text. */
bool refuse_if_number(struct validation *v, enum ffs_rule rule, bool broken, size_t at,
		      uint32_t found, uint32_t wanted);

/* Validates one write as the kernel does; does not change the instance's state. False: refused. */
bool validate_write(struct validation *v);

/* Parse a part of the blob as the kernel does. False: it is refused. */
bool validate_descriptors(struct validation *v);
bool validate_os_descriptors(struct validation *v);
bool validate_strings(struct validation *v);

/*
 * Validate by the standards a blob that the kernel accepts; `v` has the offsets of its parts.
 * False: forbidden.
 */

bool validate_usb_descriptors(struct validation *v);
bool validate_usb_os_descriptors(struct validation *v);
bool validate_usb_strings(struct validation *v);

/* State of the validation of one speed's set by the standards. The pointers point into the blob. */
struct usb_set {
	struct validation *validation;
	int speed;
	const uint8_t *interface; /* the current setting; NULL: none */
	const uint8_t *endpoint;  /* the descriptor just before this one; NULL: not an endpoint */
	const uint8_t *class_descriptor; /* class descriptor of `interface`; NULL: none so far */
	/* Of all alternate settings of the interface: the first without a class descriptor, and
	 * whether any setting has one. */
	const uint8_t *without_class_descriptor;
	bool any_class_descriptor;
	int number, alternate;		   /* of the last interface descriptor; -1: none so far */
	unsigned int endpoints;		   /* number of endpoints of `interface` so far */
	uint32_t setting_endpoints;	   /* addresses of these endpoints, a bit for each:
					      usb_endpoint_bit() */
	uint8_t interface_of_endpoint[32]; /* number of the interface that has the endpoint, by the
					      same bit */
	uint32_t owned_endpoints;	   /* bits whose `interface_of_endpoint` is set */
	bool otg;
	const uint8_t *association; /* the last association; NULL: none */
};

static inline unsigned int usb_endpoint_bit(uint8_t address)
{
	return (address & 0x0f) | (address & 0x80) >> 3;
}

static inline size_t offset_in(const struct usb_set *s, const uint8_t *p)
{
	return (size_t)(p - s->validation->data);
}

bool validate_usb_endpoint(struct usb_set *s, const uint8_t *d);
bool validate_usb_companion(struct usb_set *s, const uint8_t *d);
/* Checks that the endpoint before needs no companion: the next descriptor is none. */
bool validate_usb_no_companion(struct usb_set *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations that only the files of the validator and the decoder use. */
#pragma once

#include "base/little_endian.h"
#include "blob/validate_blob.h"

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
#define PROP_LENGTHS 14 /* bytes of a property except its name and data */

#define CLASS_DESCRIPTOR 0x21 /* USB_TYPE_CLASS | 0x01 */

enum { CLASS_AUDIO = 1, CLASS_HID = 3, CLASS_CCID = 0x0b, CLASS_APPLICATION = 0xfe };
enum { SUBCLASS_DFU = 1 };
enum { OS_INDEX_COMPAT = 4, OS_INDEX_PROP = 5 };

/* The validation of one blob. */
struct validation {
	const struct ffs_validation_options *options;
	struct ffs_instance *instance;
	const uint8_t *data;
	size_t size;
	size_t offset; /* offset of the next byte to read */
	struct ffs_finding finding;

	/*
	 * Contents of the head, and offsets of the descriptors of each speed and of OS descriptors
	 */
	uint32_t flags;
	uint32_t n_descriptors[FFS_SET_COUNT], n_os_descriptors;
	size_t set_offset[FFS_SET_COUNT], os_descriptors_offset;

	/* Numbers of interfaces and endpoints in the descriptors of the current speed that were
	   read so far */
	unsigned int n_interfaces, n_endpoints;
	int class, subclass; /* class and subclass of the last interface; -1: no interface so far */
};

static inline size_t bytes_left(const struct validation *v)
{
	return v->size - v->offset;
}

/*
 * Counts in rule_coverage that the condition of `rule` was true or was false, as `condition` says.
 * Does not refuse the blob. Returns `condition`.
 */
bool count_rule_outcome(struct validation *v, enum ffs_rule rule, bool condition);

/*
 * Counts in rule_coverage that the condition of `rule` was true or was false, as `broken` says. If
 * it is true, the blob is refused: records a finding at the offset `at`. Returns `broken`.
 */
bool refuse_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at);
/* Like refuse_if, with the two numbers for the placeholders of the rule's text. */
bool refuse_with_numbers_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at,
			    uint32_t found, uint32_t wanted);

/*
 * Validates one write as the kernel does, without changing the state of the instance. False: the
 * kernel refuses the write.
 */
bool validate_ep0_write(struct validation *v);

/* Parse a part of the blob as the kernel does. False: the kernel refuses it. */
bool validate_descriptors(struct validation *v);
bool validate_os_descriptors(struct validation *v);
bool validate_strings(struct validation *v);

/*
 * Check whether the standards permit a blob. The kernel accepts this blob: validate_ep0_write() has
 * already checked that, and has set the counts and offsets in `v`. False: a standard forbids the
 * blob.
 */

bool validate_usb_descriptors(struct validation *v);
bool validate_usb_os_descriptors(struct validation *v);
bool validate_usb_strings(struct validation *v);
/*
 * Sets *offset to that of the first property whose type the kernel does not send; false: there is
 * none. The kernel accepts the blob.
 */
bool validation_find_unsent_property(const struct validation *v, size_t *offset);

/*
 * State of the check of one speed's descriptors against the standards. The pointers point into the
 * blob.
 */
struct speed_validation {
	struct validation *validation;
	int speed;
	const uint8_t
		*interface; /* descriptor of the current alternate setting; NULL: none so far */
	const uint8_t *previous_endpoint; /* the previous descriptor, if it is an endpoint
					     descriptor; else NULL */
	const uint8_t *class_descriptor;  /* class descriptor of `interface`; NULL: none so far */
	/* The interface's first alternate setting without a class descriptor; NULL: none so far */
	const uint8_t *first_alternate_without_class_descriptor;
	bool any_alternate_has_class_descriptor; /* true: an alternate setting has one */
	/* Numbers in the last interface descriptor; -1: no such descriptor so far */
	int interface_number, alternate_setting;
	unsigned int n_endpoints_in_alternate; /* so far in the current alternate setting */
	/* The endpoints of the current alternate setting, as a mask of usb_endpoint_bit_number() */
	uint32_t alternate_endpoint_mask;
	/* The endpoints of all interfaces so far, as a mask of usb_endpoint_bit_number() */
	uint32_t claimed_endpoint_mask;
	/*
	 * For each endpoint in `claimed_endpoint_mask`, the number of the interface that it belongs
	 * to; index: usb_endpoint_bit_number()
	 */
	uint8_t interface_of_endpoint[32];
	bool has_otg;		    /* an OTG descriptor was found */
	const uint8_t *association; /* the last association descriptor; NULL: none so far */
};

/* Returns the bit number of an endpoint: 0 to 15 for OUT endpoints, 16 to 31 for IN endpoints. */
static inline unsigned int usb_endpoint_bit_number(uint8_t address)
{
	return (address & 0x0f) | (address & 0x80) >> 3;
}

static inline size_t offset_in_blob(const struct speed_validation *s, const uint8_t *p)
{
	return (size_t)(p - s->validation->data);
}

bool validate_usb_endpoint(struct speed_validation *s, const uint8_t *d);
bool validate_usb_companion(struct speed_validation *s, const uint8_t *d);
/* Refuses a SuperSpeed endpoint descriptor if the next descriptor is not a companion. */
bool validate_usb_companion_present(struct speed_validation *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicts the descriptors that a host will read from a gadget. The descriptors of FunctionFS
 * functions come from the gadget file. The descriptors of kernel functions come from templates
 * (functions.c, audio.c, midi.c, video.c), which describe Linux 6.1, 6.12 and 6.18. The bits in a
 * descriptor that depend on the UDC are not certain (`certain_bits`).
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/kernel_series.h"
#include "configfs/udc_facts.h"
#include "gadgetfile/gadget.h"
#include "hid/check_report.h"

#define DESCRIPTOR_MAX 255 /* bLength is a byte */
#define DESCRIPTOR_STRINGS 3

#define DESCRIPTOR_NOT_CLAIMED '-'

/* A descriptor that is predicted, and how certain its bits are. */
struct descriptor {
	uint8_t bytes[DESCRIPTOR_MAX];
	uint8_t certain_bits[DESCRIPTOR_MAX]; /* for each of `bytes`, the mask of the bits that are
						 certain */
	size_t size;
	/*
	 * The strings whose indices are in `bytes`, in English (en-US) if the gadget file has that
	 * language.
	 */
	struct descriptor_string {
		size_t offset; /* offset of the string index in `bytes`; certain_bits says whether
				  the index is certain */
		char *text;    /* NULL: the text is known only while the gadget is up */
		/*
		 * Value of the key `from`, if the text is a serial number or an Ethernet address
		 * that this system provides; else NULL. The struct gadget owns the value.
		 */
		const char *from_key_value;
	} strings[DESCRIPTOR_STRINGS];
	size_t n_strings;
	/*
	 * The values that bcdUSB of a device descriptor can have, in words; NULL: it is certain, or
	 * this is another descriptor.
	 */
	const char *usb_versions;
	/*
	 * Which descriptors are included in wTotalLength, a field of this descriptor at the offset
	 * `total_length_offset`: this descriptor and the class-specific ones directly after it, or
	 * this descriptor and all class-specific ones up to the next interface. NONE: this
	 * descriptor has no such field.
	 */
	enum { TOTAL_LENGTH_NONE, TOTAL_LENGTH_CLASS, TOTAL_LENGTH_INTERFACE } total_length_kind;
	size_t total_length_offset;
	bool depends_on_endpoints; /* the descriptor exists only if the UDC has enough endpoints */
	/*
	 * In an endpoint descriptor, a letter that all descriptors of the same endpoint of the
	 * function have; 0: no other descriptor has this endpoint. DESCRIPTOR_NOT_CLAIMED: the
	 * kernel makes the descriptor, and claims no endpoint of the UDC for it.
	 */
	char endpoint_letter;
	const struct function *function; /* the function that the descriptor belongs to; NULL: it
					    belongs to the configuration or the device */
};

struct descriptors {
	struct descriptor *list;
	size_t n;
};
void descriptors_free(struct descriptors *d);
#define _cleanup_descriptors_ _cleanup_(descriptors_free)

/* What a prediction depends on; the results are struct descriptors. */
struct prediction_input {
	const struct gadget *gadget;
	enum kernel_series kernel_version;
	int speed; /* EP_FULL, EP_HIGH or EP_SUPER */
	/*
	 * The serial number that predict_device_strings(gadget)->serialnumber_source refers to;
	 * NULL: it could not be read.
	 */
	const char *serial_number;
	/*
	 * For each function of the gadget, the address that its attribute host_addr gets if the
	 * attribute's entry_kind is ATTRIBUTE_ADDRESS_SOURCE; else, or if the source could not be
	 * read, NULL. The array may be NULL.
	 */
	char *const *host_addresses;
	const struct udc_facts *udc; /* what bcdUSB depends on; NULL: unknown */
};

/*
 * Returns the device strings in the language that a prediction uses: English (en-US) if the gadget
 * file has it, else the file's first language. NULL: the file has no device strings.
 */
const struct gadget_strings *predict_device_strings(const struct gadget *g);

/* Returns whether max_speed of the gadget allows this speed. */
bool predict_can_run_at_speed(const struct gadget *g, int speed);

/* Returns whether the device has WebUSB, if the kernel has it (Linux 6.3 and later). */
bool predict_has_webusb(const struct gadget *g);

/* Appends the device descriptor to *out. */
void predict_device(const struct prediction_input *f, struct descriptors *out);
/* Appends the BOS descriptor with its device capabilities. */
void predict_bos(const struct prediction_input *f, struct descriptors *out);
/*
 * Returns whether a host sees the configuration at the speed of the prediction: whether a function
 * of it has descriptors of that speed (count_configs() of composite.c). A function whose
 * descriptors are unknown may have some.
 */
bool predict_has_config(const struct prediction_input *f, const struct config *config);
/* Appends the configuration descriptor and all descriptors of its functions. */
void predict_config(const struct prediction_input *f, const struct config *config,
		    struct descriptors *out);
/*
 * Appends the descriptors of a function whose first interface has the number `first_interface`.
 * Returns the number of its interfaces; 0 for a function that predict_covers_function does not
 * cover.
 */
unsigned int predict_function(const struct prediction_input *f, const struct function *function,
			      unsigned int first_interface, struct descriptors *out);
/* Returns the number in an attribute of the gadget; 0 if the gadget file does not set it. */
long long predict_gadget_number(const struct gadget *g, const char *path);
/*
 * Returns the offset at which the descriptors of a speed begin in a blob, or for EP_SPEED_COUNT the
 * Microsoft OS descriptors. Sets *count to their number.
 */
size_t predict_find_ffs_descriptors(const uint8_t *blob, size_t size, int speed, uint32_t *count);

/* --- Microsoft OS descriptors --- */

struct os_bytes {
	uint8_t *data;
	size_t size;
};

/* What the kernel sends to a host that asks for Microsoft OS descriptors 1.0. */
struct os_prediction {
	uint8_t string[18];		/* string 0xee */
	uint8_t vendor_code;		/* bRequest of the requests below */
	struct os_bytes compatible_ids; /* wIndex 4; empty: a host gets no answer */
	unsigned int n_compatible_ids;
	struct os_properties { /* wIndex 5, for each interface */
		unsigned int interface;
		const struct function *function;
		struct os_bytes bytes;
		bool is_refused; /* the kernel stalls the request */
	} * properties;
	size_t n_properties;
};
/* Returns false if the gadget has no such descriptors. The caller frees *out in both cases. */
bool predict_os(const struct prediction_input *f, struct os_prediction *out);
void os_prediction_free(struct os_prediction *p);
#define _cleanup_os_prediction_ _cleanup_(os_prediction_free)
/* Returns the configuration that they describe; NULL: none. */
const struct config *predict_os_config(const struct gadget *g);
/*
 * Returns the configuration that hosts read as number `index`, from 0: the one that OS descriptors
 * describe is the first.
 */
const struct config *predict_config_at(const struct gadget *g, size_t index);
/*
 * Returns the prediction as a JSON object of schemas/descriptors.schema.json; the caller owns it.
 */
json_t *os_prediction_to_json(const struct os_prediction *p);
/* Prints the Microsoft OS descriptors; prints nothing if the gadget has none. */
void predict_print_os(FILE *to, const struct gadget *g);
/*
 * Returns whether the function's descriptors can be predicted: it has a group `ffs`, or there is a
 * template of its type.
 */
bool predict_covers_function(const struct function *function);

/*
 * Prints a descriptor: its name, and a line for each field. `interface` is the interface descriptor
 * before `d`, whose class determines the meaning of a class-specific descriptor; NULL: there is
 * none.
 */
void descriptor_print(FILE *to, const struct descriptor *d, const struct descriptor *interface);
/* Returns the boot protocol that the interface descriptor of a hid function announces. */
enum hid_boot_protocol hid_boot_protocol_of_function(const struct function *f);
/*
 * Prints a HID report descriptor item by item up to an item that is cut off, what hosts refuse or
 * misread in it (hid_report_check), and the length of the longest reports.
 */
void hid_report_print(FILE *to, const uint8_t *bytes, size_t size, enum hid_boot_protocol boot);
/* Returns the bytes as a JSON string of hexadecimal digits; the caller owns it. */
json_t *bytes_to_hex(const uint8_t *bytes, size_t n);
/*
 * Returns the descriptor as a JSON object of schemas/descriptors.schema.json; the caller owns it.
 */
json_t *descriptor_to_json(const struct descriptor *d);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicts the descriptors that a host will read from a gadget. Those of FunctionFS come from the
 * gadget file; those of kernel functions come from templates (functions.c, audio.c, midi.c,
 * video.c) that describe Linux 6.1 and 6.12. Bits that only the UDC decides are marked as not
 * certain.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "gadgetfile/gadget.h"

#define DESCRIPTOR_MAX 255 /* bLength is a byte */
#define DESCRIPTOR_STRINGS 3

struct descriptor {
	uint8_t bytes[DESCRIPTOR_MAX];
	uint8_t certain[DESCRIPTOR_MAX]; /* mask of the bits in `bytes` that are certain */
	size_t size;
	/* Texts of the string indices in `bytes`: en-US if the gadget file has it. */
	struct descriptor_string {
		size_t offset; /* of the index in `bytes`; the index may be uncertain */
		char *text;    /* NULL: known only when the gadget is up */
		/* Source of a serial number that this computer provides: strings.serialnumber.from;
		 * the gadget owns it. */
		const char *serial_source;
	} strings[DESCRIPTOR_STRINGS];
	size_t n_strings;
	/* Which descriptors the wTotalLength at `total_at` counts (template.c). */
	enum { TOTAL_NONE, TOTAL_CLASS, TOTAL_INTERFACE } total;
	size_t total_at;
	bool depends_on_endpoints;	 /* exists only if the UDC has enough endpoints */
	const struct function *function; /* the function that it belongs to; NULL: the configuration
					    or the device */
};

struct descriptors {
	struct descriptor *list;
	size_t n;
};
void descriptors_free(struct descriptors *d);
#define _cleanup_descriptors_ _cleanup_(descriptors_free)

/* The releases that the templates describe; a release between two is treated as the older one. */
enum predict_kernel { KERNEL_6_1, KERNEL_6_12, KERNEL_COUNT };
extern const char *const predict_kernel_words[KERNEL_COUNT];
/* Finds the kernel for a release like "6.12.48-amd64"; false: not a release. */
bool predict_find_kernel(const char *release, enum predict_kernel *kernel);

struct prediction {
	const struct gadget *gadget;
	enum predict_kernel kernel;
	int speed; /* EP_FULL, EP_HIGH, EP_SUPER */
	/* The serial number, read from predict_strings(gadget)->serial_from; NULL: not readable. */
	const char *serial;
};

/* Returns the device strings that are predicted: en-US if the file has them; NULL: none. */
const struct gadget_strings *predict_strings(const struct gadget *g);

/* Returns whether the gadget can run at this speed. */
bool predict_has_speed(const struct gadget *g, int speed);

/* Appends the device descriptor to *out. */
void predict_device(const struct prediction *f, struct descriptors *out);
/* Appends the BOS descriptor with its device capabilities. */
void predict_bos(const struct prediction *f, struct descriptors *out);
/* Appends the configuration descriptor and all descriptors of its functions. */
void predict_config(const struct prediction *f, const struct config *config,
		    struct descriptors *out);
/* Prints the Microsoft OS descriptors; nothing if the gadget has none. */
void predict_print_os(FILE *to, const struct gadget *g);
/* Returns whether the function can be predicted: FunctionFS with `ffs`, or a type with a template.
 */
bool predict_knows(const struct function *function);

/*
 * Prints a descriptor: its name and a line for each field. `interface`: the interface descriptor
 * before it, which decides the meaning of class-specific ones; NULL: none.
 */
void descriptor_print(FILE *to, const struct descriptor *d, const struct descriptor *interface);
/* Returns the object of schemas/descriptors.schema.json; the caller owns it. */
json_t *descriptor_to_json(const struct descriptor *d);

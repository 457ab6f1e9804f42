/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host will see of a gadget, before there is one: FunctionFS' descriptors are the gadget
 * file's, those of the kernel's own functions are in tables (functions.c and beside it), as Linux
 * 6.1 and 6.12 have them. What only the UDC decides is marked as not certain.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "gadgetfile/gadget.h"

#define DESCRIPTOR_MAX 255 /* bLength is a byte */
#define DESCRIPTOR_STRINGS 3

struct descriptor {
	uint8_t bytes[DESCRIPTOR_MAX];
	uint8_t certain[DESCRIPTOR_MAX]; /* a bit for each that is */
	size_t size;
	/* The texts of string indices, which themselves need not be certain; in en-US if there is.
	 */
	struct descriptor_string {
		size_t offset;
		char *text; /* NULL: not known before it is made */
		/* What strings.serialnumber.from says, where `text` is this machine's; the
		 * gadget's.
		 */
		const char *from;
	} strings[DESCRIPTOR_STRINGS];
	size_t n_strings;
	/* Where wTotalLength stands that counts what follows, and what counts (template.c). */
	enum { TOTAL_NONE, TOTAL_CLASS, TOTAL_INTERFACE } total;
	size_t total_at;
	bool maybe;		   /* there only if the UDC has the endpoints for it */
	const struct function *of; /* NULL: of the configuration or the device */
};

struct descriptors {
	struct descriptor *v;
	size_t n;
};
void descriptors_free(struct descriptors *d);
#define _cleanup_descriptors_ _cleanup_(descriptors_free)

/* Whose functions: the tables are of these releases, and what lies between is as the older one. */
enum predict_kernel { KERNEL_6_1, KERNEL_6_12, KERNEL_COUNT };
extern const char *const predict_kernel_words[KERNEL_COUNT];
/* The table for a release like "6.12.48-amd64"; false: it is none. */
bool predict_find_kernel(const char *release, enum predict_kernel *kernel);

struct prediction {
	const struct gadget *gadget;
	enum predict_kernel kernel;
	int speed; /* EP_FULL, EP_HIGH, EP_SUPER */
	/* What this machine has where predict_strings(gadget)->serial_from says; NULL: nothing. */
	const char *serial;
};

/* Those of the device whose texts are predicted: in en-US if there are; NULL: there are none. */
const struct gadget_strings *predict_strings(const struct gadget *g);

/* Whether hosts see the gadget at that speed at all. */
bool predict_has_speed(const struct gadget *g, int speed);

void predict_device(const struct prediction *f, struct descriptors *out);
/* BOS with what is below it. */
void predict_bos(const struct prediction *f, struct descriptors *out);
/* The configuration's own descriptor and all that follows. */
void predict_config(const struct prediction *f, const struct config *config,
		    struct descriptors *out);
/* What Windows asks for beside them, for people; nothing where it is not in use. */
void predict_print_os(FILE *to, const struct gadget *g);
/* Whether functions of that type are predicted; FunctionFS ones with an `ffs` group are. */
bool predict_knows(const struct function *function);

/*
 * One descriptor for people: what it is, and a line for each field. What class-specific ones are
 * depends on the interface that they are behind; NULL: there is none.
 */
void descriptor_print(FILE *to, const struct descriptor *d, const struct descriptor *interface);
/* Of schemas/descriptors.schema.json; the caller owns it. */
json_t *descriptor_to_json(const struct descriptor *d);

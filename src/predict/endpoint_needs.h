/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts the endpoints that a configuration needs from a UDC, besides ep0: those of the predicted
 * descriptors.
 */
#pragma once

#include "predict/predict.h"

/* One endpoint that the kernel claims when the gadget is bound. */
struct endpoint_need {
	const struct function *function;
	enum ep_direction direction;
	enum ep_type type;
	char endpoint_letter;			 /* see struct descriptor */
	unsigned int max_packet[EP_SPEED_COUNT]; /* bytes at each speed; 0: unknown, or the gadget
						    does not have the speed */
	/* Bytes of the packets of one microframe, at each speed; 0: as above. */
	unsigned int max_per_microframe[EP_SPEED_COUNT];
};

struct endpoint_needs {
	struct endpoint_need *list;
	size_t n;
	unsigned int in, out; /* number of endpoints of each direction */
	bool is_minimum;      /* the endpoints of a function are unknown, so it may need more */
};
void endpoint_needs_free(struct endpoint_needs *needs);
#define _cleanup_endpoint_needs_ _cleanup_(endpoint_needs_free)

/*
 * Finds the endpoints that a configuration of the gadget needs at any of the gadget's speeds. Does
 * not count endpoints that a function uses only if the UDC has enough of them.
 */
void endpoint_needs_find(const struct gadget *g, enum kernel_series kernel,
			 const struct config *config, struct endpoint_needs *out);

/*
 * Returns the numbers of endpoints: "3 IN and 2 OUT endpoints besides endpoint 0". The caller frees
 * the text.
 */
char *endpoint_needs_text(const struct endpoint_needs *needs);

/*
 * Returns the numbers of endpoints that each configuration of the gadget needs, as an array of
 * schemas/descriptors.schema.json; the caller owns it.
 */
json_t *endpoint_needs_to_json(const struct gadget *g, enum kernel_series kernel);

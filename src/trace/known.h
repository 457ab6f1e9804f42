/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a gadget that a host asks: it makes words of class and vendor requests. It comes
 * from the gadget file, or from the answers that the host got.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_INTERFACES_MAX 32

struct known_interface {
	bool is_known;
	uint8_t class[3]; /* class, subclass, protocol */
	char *label;	  /* of its function; NULL: unknown */
};

struct known {
	struct known_interface interfaces[KNOWN_INTERFACES_MAX]; /* by their number */
	char *only_function; /* label of the gadget's only function; NULL: it has several */
	/* The codes of the vendor requests that Microsoft OS descriptors and WebUSB announce; -1:
	   none is known. */
	int microsoft_code, webusb_code;
	/* bMaxPower and wTotalLength of the configuration that the host has read last; 0: none */
	unsigned int max_power, total_length;
};
#define KNOWN_NOTHING ((struct known){ .microsoft_code = -1, .webusb_code = -1 })

void known_free(struct known *k);
/* Returns the interface; NULL: it is unknown. */
const struct known_interface *known_find(const struct known *k, unsigned int number);
/* Returns the label of the function that has the interface; NULL: unknown. */
const char *known_label(const struct known *k, unsigned int number);
/* Sets class and label of an interface. `label` may be NULL. */
void known_set_interface(struct known *k, unsigned int number, const uint8_t class[3],
			 const char *label);
/* Learns from the answer to GET_DESCRIPTOR. `descriptor` is the high byte of wValue, `index` the
   low one. */
void known_learn(struct known *k, unsigned int descriptor, unsigned int index, const uint8_t *data,
		 size_t n);

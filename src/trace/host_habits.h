/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells by its requests which system a host probably is. Hosts differ in how long the strings are
 * that they ask for, and in what they ask before they select a configuration.
 */
#pragma once

#include <linux/usb/ch9.h>
#include <stdbool.h>

/* What a host has asked since it reset the gadget. */
struct host_habits {
	unsigned int n_strings; /* strings, without that of Microsoft */
	unsigned int n_strings_2, n_strings_4, n_strings_255; /* of them those with this wLength */
	unsigned int first_device, first_config; /* wLength of the first of them; 0: not asked */
	bool asked_microsoft_string, asked_qualifier, asked_bos, asked_webusb;
};

/* Adds a request. `is_webusb`: it is the vendor request of WebUSB. */
void host_habits_add(struct host_habits *h, const struct usb_ctrlrequest *r, bool is_webusb);

struct host_guess {
	const char *host; /* as "Windows" */
	const char *why;  /* what it did, as "it asked for string 0xee" */
};

/* Returns the host; NULL: no row of the table fits. */
const struct host_guess *host_guess_by_habits(const struct host_habits *h);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostile.c (what a host does that means harm), hostile_setup.c (its requests) and
   hostile_check.c (what it must get all the same) share. */
#pragma once

#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>

#include "usbfs.h"

#define DATA_MAX 65535 /* wLength */
#define REQUESTS_MAX 8 /* in flight */
#define INTERFACES_MAX 16
#define ENDPOINTS_MAX 30
/* ffsctl-worker(7): no request is answered later. What work takes, on a loaded machine, comes on top. */
#define DEADLINE_MS 500
#define WORK_MS 400

struct request {
	struct usbdevfs_urb *urb; /* as long as the program runs */
	bool busy;
	uint64_t began; /* us */
	unsigned char data[sizeof(struct usb_ctrlrequest) + DATA_MAX];
};

struct check;

/* A function whose answers are known. */
struct function {
	const struct check *check;
	uint8_t interface;
};

struct hostile {
	struct usbfs host;
	uint64_t requests, wanted; /* SETUP packets that mean harm: so far, in all */
	uint64_t checks, slowest;  /* us */
	bool verbose;

	struct request pool[REQUESTS_MAX];
	bool given_up; /* somebody may still be at work for a request that was given up */
	uint32_t slow; /* bit n: interface n does not always answer */

	uint8_t interfaces[INTERFACES_MAX];
	size_t n_interfaces;
	struct endpoint {
		uint8_t address, interface;
		size_t packet;
	} endpoints[ENDPOINTS_MAX]; /* bulk */
	size_t n_endpoints;
	unsigned char descriptor[USB_DT_DEVICE_SIZE];

	struct function functions[INTERFACES_MAX];
	size_t n_functions;
};

uint64_t now_us(void);

/* --- hostile_setup.c --- */

struct usb_ctrlrequest setup_of(uint8_t type, uint8_t request, uint16_t value, uint16_t index,
				uint16_t length);
/* Near to what a function expects, or far from it. */
struct usb_ctrlrequest setup_draw(struct hostile *h);

/* --- hostile.c --- */

/* False: usbfs does not let it out. OUT data are what is in r->data. */
bool request_submit(struct hostile *h, struct request *r, const struct usb_ctrlrequest *setup);
/* False: it has not ended in that time. */
bool request_await(struct hostile *h, struct request *r, uint64_t us);
/* Ends the program then. */
void request_await_in_time(struct hostile *h, struct request *r, uint64_t us);

/* --- hostile_check.c --- */

/* Ends the program when no function has that name. */
const struct check *check_find(const char *name);
/* One request, or two, to that function; the answer must be the right one, and in time. */
void check_function(struct hostile *h, const struct function *f);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by hostile.c (what a hostile host does), hostile_setup.c (its requests) and
   hostile_check.c (valid requests and their answers). */
#pragma once

#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>

#include "usbfs.h"

#define DATA_MAX 65535 /* largest wLength */
#define REQUESTS_MAX 8 /* requests in flight */
#define INTERFACES_MAX 16
#define ENDPOINTS_MAX 30
/* Every request is answered within DEADLINE_MS (ffsctl-worker(7)). A busy machine may need WORK_MS
   more. */
#define DEADLINE_MS 500
#define WORK_MS 400

struct request {
	struct usbdevfs_urb *urb; /* never freed */
	bool busy;
	uint64_t began; /* time of the submission, us */
	unsigned char data[sizeof(struct usb_ctrlrequest) + DATA_MAX];
};

struct check;

/* A function with the valid requests that it must answer. */
struct function {
	const struct check *check;
	uint8_t interface;
};

struct hostile {
	struct usbfs host;
	uint64_t requests, wanted; /* number of hostile SETUP packets: sent so far, in all */
	uint64_t checks;	   /* number of valid requests so far */
	uint64_t slowest;	   /* longest time of a valid request, us */
	bool verbose;

	struct request pool[REQUESTS_MAX];
	bool given_up; /* a function may still work on a request that was cancelled */
	uint32_t slow; /* bit n: interface n does not answer all requests */

	uint8_t interfaces[INTERFACES_MAX];
	size_t n_interfaces;
	struct endpoint {
		uint8_t address, interface;
		size_t packet;
	} endpoints[ENDPOINTS_MAX]; /* the bulk endpoints */
	size_t n_endpoints;
	unsigned char descriptor[USB_DT_DEVICE_SIZE];

	struct function functions[INTERFACES_MAX];
	size_t n_functions;
};

uint64_t now_us(void);

/* --- hostile_setup.c --- */

struct usb_ctrlrequest setup_of(uint8_t type, uint8_t request, uint16_t value, uint16_t index,
				uint16_t length);
/* Returns a hostile request, which may be almost valid or random. */
struct usb_ctrlrequest setup_random(struct hostile *h);

/* --- hostile.c --- */

/* Submits a control request. OUT data is in r->data. Returns false if usbfs refuses the request. */
bool request_submit(struct hostile *h, struct request *r, const struct usb_ctrlrequest *setup);
/* Waits for at most `us` microseconds. Returns whether the request has ended. */
bool request_await(struct hostile *h, struct request *r, uint64_t us);
/* The same, but ends the program if the request has not ended. */
void request_await_in_time(struct hostile *h, struct request *r, uint64_t us);

/* --- hostile_check.c --- */

/* Returns the check with this name; ends the program if there is none. */
const struct check *check_find(const char *name);
/* Sends one or two valid requests to a function. Ends the program if an answer is wrong or late. */
void check_function(struct hostile *h, const struct function *f);

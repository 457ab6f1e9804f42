// SPDX-License-Identifier: GPL-2.0-or-later
/* Valid requests, which must be answered correctly after any hostile act. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

#define ANSWER_MAX 4096

struct check {
	const char *name;
	void (*run)(struct hostile *h, const struct function *f);
};

/* Sends a request and waits for its end. Returns the number of bytes or a negative errno, as
   reported by usbfs. Ends the program if the request does not end in time. */
static int ask(struct hostile *h, const struct function *f, uint8_t type, uint8_t request,
	       uint16_t value, void *data, uint16_t length)
{
	uint8_t recipient = type & USB_RECIP_MASK;
	uint16_t index = recipient == USB_RECIP_INTERFACE ? f->interface : 0;
	struct usb_ctrlrequest setup = setup_of(type, request, value, index, length);
	struct request *r = &h->pool[0];
	unsigned char *body = r->data + sizeof(setup);
	uint64_t began = now_us();

	if (!(type & USB_DIR_IN) && length > 0)
		memcpy(body, data, length);
	if (!request_submit(h, r, &setup))
		usbfs_fail(&h->host, "%s: usbfs refuses a valid request: %s", f->check->name,
			   strerror(errno));
	request_await_in_time(h, r, (DEADLINE_MS + WORK_MS) * 1000);
	if (now_us() - began > h->slowest)
		h->slowest = now_us() - began;
	h->checks++;
	if (r->urb->status < 0)
		return r->urb->status;
	if ((type & USB_DIR_IN) && r->urb->actual_length > 0)
		memcpy(data, body, (size_t)r->urb->actual_length);
	return r->urb->actual_length;
}

static void expect(const struct hostile *h, const struct function *f, const char *what, int got,
		   int wanted)
{
	if (got != wanted)
		usbfs_fail(&h->host, "%s (interface %d): %s: %d, not %d", f->check->name,
			   f->interface, what, got, wanted);
}

static void expect_same(const struct hostile *h, const struct function *f, const void *got,
			const void *wanted, size_t n)
{
	if (memcmp(got, wanted, n) != 0)
		usbfs_fail(&h->host, "%s (interface %d): other bytes than were written",
			   f->check->name, f->interface);
}

/* Writes data and reads it back. The device must return the same data, even if the host requests
   more bytes. */
static void write_and_read(struct hostile *h, const struct function *f, uint8_t type, uint8_t write,
			   uint8_t read, size_t n, size_t room)
{
	unsigned char there[ANSWER_MAX], back[ANSWER_MAX];

	for (size_t i = 0; i < n; i++)
		there[i] = (unsigned char)usbfs_random(&h->host, 256);
	expect(h, f, "write", ask(h, f, type, write, 0, there, (uint16_t)n), (int)n);
	expect(h, f, "read", ask(h, f, type | USB_DIR_IN, read, 0, back, (uint16_t)room), (int)n);
	expect_same(h, f, back, there, n);
}

/* See answer() in odd_worker.c. */
static void check_answers(struct hostile *h, const struct function *f)
{
	size_t n = 1 + usbfs_random(&h->host, ANSWER_MAX);

	write_and_read(h, f, USB_TYPE_VENDOR | USB_RECIP_INTERFACE, 2, 1, n,
		       n + usbfs_random(&h->host, ANSWER_MAX + 1 - n));
}

static void check_sourcesink(struct hostile *h, const struct function *f)
{
	size_t n = 1 + usbfs_random(&h->host, ANSWER_MAX);

	write_and_read(h, f, USB_TYPE_VENDOR | USB_RECIP_DEVICE, 0x5b, 0x5c, n, n);
}

static void check_accessory(struct hostile *h, const struct function *f)
{
	unsigned char version[64];

	expect(h, f, "protocol",
	       ask(h, f, USB_DIR_IN | USB_TYPE_VENDOR | USB_RECIP_DEVICE, 51, 0, version,
		   sizeof(version)),
	       2);
	expect_same(h, f, version, "\2", 2);
}

/* The function acm of the kernel. */
static void check_acm(struct hostile *h, const struct function *f)
{
	write_and_read(h, f, USB_TYPE_CLASS | USB_RECIP_INTERFACE, 0x20, 0x21, 7, 7);
}

static void check_device(struct hostile *h, const struct function *f)
{
	unsigned char d[USB_DT_DEVICE_SIZE];

	expect(h, f, "descriptor",
	       ask(h, f, USB_DIR_IN, USB_REQ_GET_DESCRIPTOR, USB_DT_DEVICE << 8, d, sizeof(d)),
	       sizeof(d));
	expect_same(h, f, d, h->descriptor, sizeof(d));
}

/* A function whose worker supports no requests or answers none. */
static void check_refuses(struct hostile *h, const struct function *f)
{
	unsigned char data[64] = { 0 };
	uint8_t type = USB_TYPE_VENDOR | USB_RECIP_INTERFACE |
		       (uint8_t)(usbfs_random(&h->host, 2) * USB_DIR_IN);

	expect(h, f, "a request", ask(h, f, type, 1, 0, data, sizeof(data)), -EPIPE);
}

static const struct check checks[] = {
	{ "answers", check_answers },	  { "sourcesink", check_sourcesink },
	{ "accessory", check_accessory }, { "acm", check_acm },
	{ "device", check_device },	  { "refuses", check_refuses },
};

const struct check *check_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (streq(checks[i].name, name))
			return &checks[i];
	fprintf(stderr, "hostile: nothing is known of %s\n", name);
	exit(64);
}

void check_function(struct hostile *h, const struct function *f)
{
	f->check->run(h, f);
}

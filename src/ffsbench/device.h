/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and claims the interface under test. */
#pragma once

#include <libusb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct device_wanted {
	bool by_id, by_place;
	uint16_t vendor, product;  /* by_id */
	unsigned int bus, address; /* by_place */
	const char *serial;	   /* NULL: any */
	int interface;		   /* -1: the first with a pair of endpoints */
	unsigned int pair;	   /* the n-th OUT with the n-th IN endpoint of the interface */
	unsigned int wait_ms;	   /* for the device to appear */
	bool need_out, need_in;	   /* endpoints that the interface has to have */
	bool detach;		   /* take the interface from a kernel driver, and give it back */
};

struct device {
	libusb_context *usb;
	libusb_device_handle *handle;
	unsigned int bus, address;
	uint16_t vendor, product;
	char *serial;
	int speed; /* enum libusb_speed */
	bool claimed;
	int configuration, interface;
	bool alternates;		    /* the interface has other settings than 0 */
	uint8_t out, in;		    /* addresses; 0: none */
	unsigned int out_packet, in_packet; /* bytes */
	bool out_interrupt, in_interrupt;   /* else bulk */
};

/* "1d6b:0104" or "1/4" */
int device_parse(const char *s, struct device_wanted *w, struct error *err);
int device_open(const struct device_wanted *w, struct device *d, struct error *err);
void device_close(struct device *d);
const char *device_speed_name(int speed);

/* A sentence about what libusb said; the exit code follows from it. */
int device_error(struct error *err, int usb, const char *fmt, ...) _printf_(3, 4);

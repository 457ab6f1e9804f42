/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the device under test and claims its interface. */
#pragma once

#include <libusb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Selects the device and the interface. */
struct device_filter {
	bool by_id, by_address;
	uint16_t vendor, product;  /* valid if by_id is set */
	unsigned int bus, address; /* valid if by_address is set */
	const char *serial;	   /* NULL: any */
	int interface;		   /* -1: the first interface that has the needed endpoints */
	unsigned int pair; /* index of the OUT endpoint and of the IN endpoint in the interface */
	unsigned int wait_ms;	/* longest time until the device appears */
	bool need_out, need_in; /* endpoints that the interface must have */
	bool detach;		/* detach the kernel driver during the run */
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
	bool alternates;		    /* the interface has several alternate settings */
	uint8_t out, in;		    /* endpoint addresses; 0: no such endpoint */
	unsigned int out_packet, in_packet; /* packet sizes in bytes */
	bool out_interrupt, in_interrupt;   /* interrupt endpoints; otherwise bulk endpoints */
};

/* Parses vendor and product id such as "1d6b:0104", or bus and address such as "1/4". */
int device_parse(const char *s, struct device_filter *w, struct error *err);
/* Finds the device, opens it and claims its interface. */
int device_open(const struct device_filter *w, struct device *d, struct error *err);
void device_close(struct device *d);
const char *device_speed_name(int speed);

/* Sets an error with the text and the exit status of a libusb error. */
int device_error(struct error *err, int usb, const char *fmt, ...) _printf_(3, 4);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the device under test and claims its interface. */
#pragma once

#include <libusb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct device;

/* Which device and which interface the user has selected. */
struct device_filter {
	bool select_by_id, select_by_address;
	uint16_t vendor_id, product_id;		 /* for select_by_id */
	unsigned int bus_number, device_address; /* for select_by_address */
	const char *serial_number;		 /* NULL: any serial number */
	int interface_number; /* -1: the first interface that has the endpoints */
	/* Index of the selected OUT endpoint among the interface's OUT endpoints, and of the
	   selected IN endpoint among its IN endpoints. */
	unsigned int endpoint_pair_index;
	unsigned int max_wait_ms; /* how long to wait until the device appears; 0: do not wait */
	bool needs_out;		  /* the interface must have an OUT endpoint */
	bool needs_in;		  /* the interface must have an IN endpoint */
	/* only the interface of a gadget of `ffsctl selftest` */
	bool needs_selftest_interface;
	/* Called with the open device: returns whether it is the right one. Else waits for
	   another one, as if it were not connected. NULL: any device. */
	bool (*accept)(void *data, const struct device *d);
	void *accept_data;
	bool detach_kernel_driver; /* detach the interface's kernel driver during the measurement */
};

struct device {
	libusb_context *context;
	libusb_device_handle *handle;
	unsigned int bus_number, device_address;
	uint16_t vendor_id, product_id;
	char *serial_number;
	int speed; /* enum libusb_speed */
	bool interface_claimed;
	int configuration_value, interface_number;
	bool has_alternate_settings;	 /* the interface has more than one alternate setting */
	uint8_t out_address, in_address; /* endpoint addresses; 0: there is no such endpoint */
	unsigned int out_packet_size, in_packet_size; /* bytes */
	bool out_is_interrupt, in_is_interrupt; /* whether it is an interrupt or a bulk endpoint */
};

/* Parses vendor and product id such as "1d6b:0104", or bus and address such as "1/4". */
int device_filter_parse(const char *s, struct device_filter *w, struct error *err);
/* Finds the device, opens it and claims its interface. If the device is not connected, waits for
   it up to w->max_wait_ms. */
int device_open(const struct device_filter *w, struct device *d, struct error *err);
void device_close(struct device *d);
const char *device_speed_name(int speed);

/* Sets `err`: the text is the formatted text and the text of the libusb error; the exit status
   depends on the libusb error. Returns a negative errno. */
int fail_libusb(struct error *err, int libusb_error, const char *fmt, ...) _printf_(3, 4);

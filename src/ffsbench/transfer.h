/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers for transfers of libusb. */
#pragma once

#include "ffsbench/bench.h"

/* Allocates a transfer for the device's endpoint of this direction. */
struct libusb_transfer *transfer_make(const struct device *d, enum direction direction,
				      unsigned char *buffer, int length, libusb_transfer_cb_fn fn,
				      void *data);
uint8_t transfer_address(const struct device *d, enum direction direction);
unsigned int transfer_packet(const struct device *d, enum direction direction);
/* Returns the largest length of whole packets that is not above `size`, but at least one packet. */
unsigned int transfer_whole_packets(uint64_t size, unsigned int packet);

/* Returns the libusb error for the status of a transfer; 0 if it was completed or cancelled. */
int transfer_status(enum libusb_transfer_status status);
/* The hint for messages that do not come back. */
#define NO_ECHO "the device's function may have no worker, or may not echo messages"

/* Adds a hint to the error of a failed transfer if there is a hint for `usb`, a libusb error.
   Returns -EIO. */
int transfer_hint(int usb, struct error *err);
/* Sets the error of a failed submission. */
int transfer_refused(const struct device *d, uint8_t address, const struct buffers *b, int usb,
		     struct error *err);
/* Handles completions. Waits until there is one, until a tick, or for `ms` milliseconds. */
void transfer_wait(const struct device *d, unsigned int ms);
/* Clears a halt that an earlier program may have left. */
int transfer_clear_halt(const struct device *d, enum direction direction, struct error *err);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers for libusb's transfers. */
#pragma once

#include "ffsbench/bench.h"

/* Allocates a transfer for the device's endpoint of this direction. */
struct libusb_transfer *transfer_make(const struct device *d, enum direction direction,
				      unsigned char *buffer, int length, libusb_transfer_cb_fn fn,
				      void *data);
uint8_t transfer_address(const struct device *d, enum direction direction);
unsigned int transfer_packet(const struct device *d, enum direction direction);
/* Returns the length of the longest transfer of whole packets that fits `size`; at least one
 * packet. */
unsigned int transfer_whole_packets(uint64_t size, unsigned int packet);

/* Converts a transfer's status to a libusb error; 0: completed or cancelled. */
int transfer_status(enum libusb_transfer_status status);
/* Hint about messages that do not come back. */
#define NO_ECHO "the device's function may have no worker, or may not echo messages"

/* Adds a hint to the error of a failed transfer, if there is one. Returns -EIO. */
int transfer_hint(int usb, struct error *err);
/* Sets the error of a failed submission. */
int transfer_refused(const struct device *d, uint8_t address, const struct buffers *b, int usb,
		     struct error *err);
/* Handles completions; waits for one, for a tick, or for `ms`. */
void transfer_wait(const struct device *d, unsigned int ms);
/* Clears a halt that an earlier program may have left. */
int transfer_clear_halt(const struct device *d, enum direction direction, struct error *err);

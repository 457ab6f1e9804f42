/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command does with libusb's transfers. */
#pragma once

#include "ffsbench/bench.h"

/* Of one endpoint of the device. */
struct libusb_transfer *transfer_make(const struct device *d, enum direction direction,
				      unsigned char *buffer, int length, libusb_transfer_cb_fn fn,
				      void *data);
uint8_t transfer_address(const struct device *d, enum direction direction);
unsigned int transfer_packet(const struct device *d, enum direction direction);
/* The longest transfer of whole packets that has at most `size` bytes, one packet at least. */
unsigned int transfer_whole_packets(uint64_t size, unsigned int packet);

/* libusb's status of a transfer as an error; 0: it went well or was taken back. */
int transfer_status(enum libusb_transfer_status status);
/* What to do about it, if there is something to say. Returns -EIO. */
int transfer_hint(int usb, struct error *err);
/* A sentence about a submission that libusb refused. */
int transfer_refused(const struct device *d, uint8_t address, const struct buffers *b, int usb,
		     struct error *err);
/* Waits until a transfer has ended, a tick, or `ms`. */
void transfer_wait(const struct device *d, unsigned int ms);
/* A halt may be left from whoever used the device before. */
int transfer_clear_halt(const struct device *d, enum direction direction, struct error *err);

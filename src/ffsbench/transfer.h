/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions for the transfers of libusb. */
#pragma once

#include "ffsbench/bench.h"

/* Allocates a transfer for the device's endpoint of this direction. libusb calls `callback` when
   the transfer has ended; `data` is its user_data. Returns NULL if there is no memory. */
struct libusb_transfer *transfer_allocate(const struct device *d, enum direction direction,
					  unsigned char *buffer, int length,
					  libusb_transfer_cb_fn callback, void *data);
uint8_t transfer_endpoint_address(const struct device *d, enum direction direction);
unsigned int transfer_packet_size(const struct device *d, enum direction direction);
/* Rounds `size` down to whole packets, but not below one packet. `packet`: packet size in bytes. */
unsigned int transfer_round_down_to_packets(uint64_t size, unsigned int packet);

/* Converts the status of a transfer to a libusb error; 0 if the transfer was completed or
   cancelled. */
int transfer_libusb_error(enum libusb_transfer_status status);
/* The hint if a message does not come back. */
#define NO_ECHO_HINT "perhaps the device's function has no worker, or does not echo messages"

/* Adds a hint for the libusb error of a failed transfer to `err`, if there is such a hint.
   Returns -EIO. */
int transfer_add_hint(int libusb_error, struct error *err);
/* Sets `err` after the submission of a transfer has failed. `address`: endpoint address. Returns
   a negative errno. */
int transfer_set_submit_error(const struct device *d, uint8_t address,
			      const struct transfer_buffers *b, int libusb_error,
			      struct error *err);
/* Calls the callbacks of completed transfers. If there are none, waits until a transfer
   completes, a tick elapses, or `ms` milliseconds are over. */
void transfer_handle_completions(const struct device *d, unsigned int ms);
/* Clears the halt of the endpoint, which may be left from an earlier run or program. */
int transfer_clear_halt(const struct device *d, enum direction direction, struct error *err);

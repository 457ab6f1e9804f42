/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/transfer.h"

#include <errno.h>

uint8_t transfer_endpoint_address(const struct device *d, enum direction direction)
{
	return direction == DIRECTION_IN ? d->in_address : d->out_address;
}

unsigned int transfer_packet_size(const struct device *d, enum direction direction)
{
	return direction == DIRECTION_IN ? d->in_packet_size : d->out_packet_size;
}

unsigned int transfer_round_down_to_packets(uint64_t size, unsigned int packet)
{
	return (unsigned int)(size > packet ? size - size % packet : packet);
}

struct libusb_transfer *transfer_allocate(const struct device *d, enum direction direction,
					  unsigned char *buffer, int length,
					  libusb_transfer_cb_fn callback, void *data)
{
	struct libusb_transfer *x = libusb_alloc_transfer(0);

	if (!x)
		return NULL;
	libusb_fill_bulk_transfer(x, d->handle, transfer_endpoint_address(d, direction), buffer,
				  length, callback, data, 0);
	if (direction == DIRECTION_IN ? d->in_is_interrupt : d->out_is_interrupt)
		x->type = LIBUSB_TRANSFER_TYPE_INTERRUPT;
	return x;
}

int transfer_libusb_error(enum libusb_transfer_status status)
{
	switch (status) {
	case LIBUSB_TRANSFER_COMPLETED:
	case LIBUSB_TRANSFER_CANCELLED:
		return 0;
	case LIBUSB_TRANSFER_STALL:
		return LIBUSB_ERROR_PIPE;
	case LIBUSB_TRANSFER_NO_DEVICE:
		return LIBUSB_ERROR_NO_DEVICE;
	case LIBUSB_TRANSFER_OVERFLOW:
		return LIBUSB_ERROR_OVERFLOW;
	case LIBUSB_TRANSFER_TIMED_OUT:
		return LIBUSB_ERROR_TIMEOUT;
	case LIBUSB_TRANSFER_ERROR:
		break;
	}
	return LIBUSB_ERROR_IO;
}

int transfer_add_hint(int libusb_error, struct error *err)
{
	if (libusb_error == LIBUSB_ERROR_PIPE)
		return error_add_hint(err, "perhaps the function's worker has ended");
	/* After a disconnect, transfers fail with this error until the hub reports the
	   disconnect. */
	if (libusb_error == LIBUSB_ERROR_IO)
		return error_add_hint(
			err, "the device may have been disconnected, or the cable may be bad");
	return -EIO;
}

int transfer_set_submit_error(const struct device *d, uint8_t address,
			      const struct transfer_buffers *b, int libusb_error, struct error *err)
{
	fail_libusb(err, libusb_error, "cannot submit a transfer to endpoint 0x%02x of %04x:%04x",
		    address, d->vendor_id, d->product_id);
	return libusb_error == LIBUSB_ERROR_NO_MEM ? buffers_add_hint(b, err) : -EIO;
}

void transfer_handle_completions(const struct device *d, unsigned int ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	libusb_handle_events_timeout_completed(d->context, &t, NULL);
}

int transfer_clear_halt(const struct device *d, enum direction direction, struct error *err)
{
	int r = libusb_clear_halt(d->handle, transfer_endpoint_address(d, direction));

	if (r == 0)
		return 0;
	return fail_libusb(err, r, "cannot clear the halt of endpoint 0x%02x",
			   transfer_endpoint_address(d, direction));
}

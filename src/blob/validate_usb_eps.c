/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks endpoints and their companions against the standards: USB 2.0, 5.5 to 5.8 and 9.6.6; USB
 * 3.2, 9.6.6 and 9.6.7.
 */
#include <linux/usb/ch9.h>

#include "blob/validate_parts.h"

#define SIZE_MASK 0x07ff
#define TRANSACTIONS_SHIFT 11
#define TRANSACTIONS_MASK 0x1800
#define INTERVAL_EXPONENT_MAX 16
#define BURST_MAX 15
#define BURST_INTERRUPT_MAX 2
#define STREAMS_MAX 16
#define STREAMS_MASK 0x1f
#define MULT_MAX 2
#define MULT_MASK 0x03
#define PERIODIC_BURST_SIZE 1024

enum { CONTROL, ISOCHRONOUS, BULK, INTERRUPT }; /* bits 0 and 1 of bmAttributes */

static unsigned int transfer_type(const uint8_t *d)
{
	return d[3] & USB_ENDPOINT_XFERTYPE_MASK;
}

static unsigned int packet_size(const uint8_t *d)
{
	return get_le16(d + 4) & SIZE_MASK;
}

/* Returns the additional transactions per microframe: bits 11 and 12 of wMaxPacketSize. */
static unsigned int additional_transactions(const uint8_t *d)
{
	return (get_le16(d + 4) & TRANSACTIONS_MASK) >> TRANSACTIONS_SHIFT;
}

static bool is_periodic_endpoint(const uint8_t *d)
{
	return transfer_type(d) == ISOCHRONOUS || transfer_type(d) == INTERRUPT;
}

/* --- addresses --- */

static bool check_endpoint_address(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d) + 2;
	unsigned int bit = usb_endpoint_bit_number(d[2]);
	bool owned = s->claimed_endpoint_mask >> bit & 1;

	if (refuse_with_numbers_if(s->validation, FFS_USB_ENDPOINT_BITS, d[2] & 0x70, at, d[2],
				   0) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_ENDPOINT_TWICE,
				   s->alternate_endpoint_mask >> bit & 1, at, d[2], 0) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_ENDPOINT_SHARED,
				   owned && s->interface_of_endpoint[bit] != s->interface_number,
				   at, d[2], s->interface_of_endpoint[bit]))
		return false;
	s->alternate_endpoint_mask |= UINT32_C(1) << bit;
	s->claimed_endpoint_mask |= UINT32_C(1) << bit;
	s->interface_of_endpoint[bit] = (uint8_t)s->interface_number;
	return true;
}

/* --- attributes --- */

/*
 * Returns the reserved bits of bmAttributes that are set. Isochronous endpoints have a
 * synchronization type and a usage type; value 3 of the usage type is reserved. Interrupt endpoints
 * at SuperSpeed have a usage type too, which must be 0 or 1.
 */
static unsigned int reserved_bmattributes_bits(const struct speed_validation *s, const uint8_t *d)
{
	if (transfer_type(d) == ISOCHRONOUS)
		return (d[3] & 0x30) == 0x30 ? d[3] & 0xf0 : d[3] & 0xc0;
	if (transfer_type(d) == INTERRUPT && s->speed == FFS_SET_SUPER)
		return d[3] & 0xec;
	return d[3] & 0xfc;
}

/* --- packet sizes --- */

struct allowed_packet_sizes {
	uint16_t min, max;
	bool only_powers_of_2; /* other sizes from `min` to `max` are not allowed */
};

static const struct allowed_packet_sizes packet_sizes[][FFS_SET_COUNT] = {
	[CONTROL] = { { 8, 64, true }, { 64, 64, false }, { 512, 512, false } },
	[ISOCHRONOUS] = { { 0, 1023, false }, { 0, 1024, false }, { 0, 1024, false } },
	[BULK] = { { 8, 64, true }, { 512, 512, false }, { 1024, 1024, false } },
	[INTERRUPT] = { { 1, 64, false }, { 1, 1024, false }, { 1, 1024, false } },
};

static const enum ffs_rule packet_size_rules[] = {
	[CONTROL] = FFS_USB_SIZE_CONTROL,
	[ISOCHRONOUS] = FFS_USB_SIZE_ISOCHRONOUS,
	[BULK] = FFS_USB_SIZE_BULK,
	[INTERRUPT] = FFS_USB_SIZE_INTERRUPT,
};

/*
 * Minimum packet size (USB 2.0, table 9-14); index: number of additional transactions. The value 3
 * is reserved.
 */
static const uint16_t packet_size_min[] = { 0, 513, 683, UINT16_MAX };

static bool packet_size_is_legal(const struct speed_validation *s, const uint8_t *d)
{
	const struct allowed_packet_sizes *range = &packet_sizes[transfer_type(d)][s->speed];
	unsigned int size = packet_size(d);

	return size >= range->min && size <= range->max &&
	       (!range->only_powers_of_2 || (size & (size - 1)) == 0);
}

static bool check_packet_size(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d) + 4;
	bool several = s->speed == FFS_SET_HIGH && is_periodic_endpoint(d);
	unsigned int bits = get_le16(d + 4) & ~(SIZE_MASK | (several ? TRANSACTIONS_MASK : 0U));
	bool at_usb2 = s->speed != FFS_SET_SUPER;

	return !refuse_with_numbers_if(s->validation, FFS_USB_SIZE_BITS, bits != 0, at, bits, 0) &&
	       !refuse_with_numbers_if(s->validation, packet_size_rules[transfer_type(d)],
				       !packet_size_is_legal(s, d), at, packet_size(d), 0) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_TRANSACTIONS,
				       packet_size(d) < packet_size_min[additional_transactions(d)],
				       at, packet_size(d), additional_transactions(d) + 1) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_DEFAULT_BANDWIDTH,
				       at_usb2 && transfer_type(d) == ISOCHRONOUS &&
					       s->alternate_setting == 0 && packet_size(d) > 0,
				       at, packet_size(d), 0);
}

static bool check_interval(struct speed_validation *s, const uint8_t *d)
{
	/*
	 * For an interrupt endpoint at full speed, bInterval n means n frames. Otherwise it means
	 * 2^(n-1) frames or microframes.
	 */
	bool plain = s->speed == FFS_SET_FULL && transfer_type(d) == INTERRUPT;
	unsigned int max = plain ? UINT8_MAX : INTERVAL_EXPONENT_MAX;

	return !refuse_with_numbers_if(s->validation, FFS_USB_INTERVAL,
				       is_periodic_endpoint(d) && (d[6] == 0 || d[6] > max),
				       offset_in_blob(s, d) + 6, d[6], max);
}

bool validate_usb_endpoint(struct speed_validation *s, const uint8_t *d)
{
	size_t at = offset_in_blob(s, d);

	if (refuse_if(s->validation, FFS_USB_ENDPOINT_STRAY, !s->interface, at) ||
	    refuse_if(s->validation, FFS_USB_ENDPOINT_NINE,
		      d[0] != ENDPOINT_SIZE && s->interface[5] != CLASS_AUDIO, at) ||
	    !check_endpoint_address(s, d) ||
	    refuse_with_numbers_if(s->validation, FFS_USB_ATTRIBUTES,
				   reserved_bmattributes_bits(s, d) != 0, at + 3,
				   reserved_bmattributes_bits(s, d), 0) ||
	    !check_packet_size(s, d) || !check_interval(s, d))
		return false;
	s->n_endpoints_in_alternate++;
	s->previous_endpoint = d;
	return true;
}

/* --- companions --- */

bool validate_usb_companion_present(struct speed_validation *s)
{
	const uint8_t *d = s->previous_endpoint;

	s->previous_endpoint = NULL;
	return !d || !refuse_if(s->validation, FFS_USB_COMPANION_MISSING, s->speed == FFS_SET_SUPER,
				offset_in_blob(s, d));
}

static unsigned int max_allowed_burst(const uint8_t *endpoint)
{
	switch (transfer_type(endpoint)) {
	case CONTROL:
		return 0;
	case INTERRUPT:
		return BURST_INTERRUPT_MAX;
	default:
		return BURST_MAX;
	}
}

static unsigned int reserved_companion_bits(const uint8_t *endpoint, const uint8_t *d)
{
	switch (transfer_type(endpoint)) {
	case BULK:
		return d[3] & ~STREAMS_MASK;
	case ISOCHRONOUS:
		return d[3] & ~MULT_MASK;
	default:
		return d[3];
	}
}

static bool check_companion_attributes(struct speed_validation *s, const uint8_t *endpoint,
				       const uint8_t *d)
{
	size_t at = offset_in_blob(s, d) + 3;
	unsigned int reserved = reserved_companion_bits(endpoint, d);
	unsigned int streams = transfer_type(endpoint) == BULK ? d[3] : 0;
	unsigned int mult = transfer_type(endpoint) == ISOCHRONOUS ? d[3] : 0;

	return !refuse_with_numbers_if(s->validation, FFS_USB_COMPANION_BITS, reserved != 0, at,
				       reserved, 0) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_STREAMS, streams > STREAMS_MAX, at,
				       streams, STREAMS_MAX) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_MULT, mult > MULT_MAX, at, mult,
				       MULT_MAX) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_MULT_BURST, mult > 0 && d[2] == 0, at,
				       mult, 0);
}

static bool check_interval_bytes(struct speed_validation *s, const uint8_t *endpoint,
				 const uint8_t *d)
{
	unsigned int mult = transfer_type(endpoint) == ISOCHRONOUS ? d[3] & MULT_MASK : 0U;
	unsigned int room = packet_size(endpoint) * (d[2] + 1U) * (mult + 1);

	return !is_periodic_endpoint(endpoint) ||
	       !refuse_with_numbers_if(s->validation, FFS_USB_INTERVAL_BYTES,
				       get_le16(d + 4) > room, offset_in_blob(s, d) + 4,
				       get_le16(d + 4), room);
}

bool validate_usb_companion(struct speed_validation *s, const uint8_t *d)
{
	const uint8_t *endpoint = s->previous_endpoint;
	size_t at = offset_in_blob(s, d);

	s->previous_endpoint = NULL;
	if (refuse_if(s->validation, FFS_USB_COMPANION_SPEED, s->speed != FFS_SET_SUPER, at) ||
	    refuse_if(s->validation, FFS_USB_COMPANION_STRAY, !endpoint, at))
		return false;
	return !refuse_with_numbers_if(s->validation, FFS_USB_BURST,
				       d[2] > max_allowed_burst(endpoint), at + 2, d[2],
				       max_allowed_burst(endpoint)) &&
	       check_companion_attributes(s, endpoint, d) &&
	       !refuse_with_numbers_if(s->validation, FFS_USB_SIZE_BURST,
				       is_periodic_endpoint(endpoint) && d[2] > 0 &&
					       packet_size(endpoint) != PERIODIC_BURST_SIZE,
				       offset_in_blob(s, endpoint) + 4, packet_size(endpoint),
				       PERIODIC_BURST_SIZE) &&
	       check_interval_bytes(s, endpoint, d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/link_speed.h"

#include <endian.h>
#include <ffsctl/control.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/usb_words.h"
#include "blob/uapi.h"

/* A set of speeds: bit n is the speed n of EP_FULL, EP_HIGH and EP_SUPER. */
#define SPEED_BIT(n) (1U << (n))
#define EVERY_SPEED (SPEED_BIT(EP_SPEED_COUNT) - 1)
/* The other bits are the packets per microframe (USB 2.0, 9.6.6). */
#define PACKET_SIZE_MASK 0x7ff

static const struct {
	const char *word; /* in current_speed */
	uint8_t speed;
	int descriptors; /* the speed whose descriptors the kernel uses */
} speeds[] = {
#define ROW(SPEED, DESCRIPTORS, word, kernels, ...)                                                \
	{ kernels, FFSCTL_SPEED_##SPEED, EP_##DESCRIPTORS },
	USB_SPEEDS(ROW)
#undef ROW
};

/* --- the descriptors ---------------------------------------------------------------------------
 */

static bool same_descriptor(const struct endpoint_speed_values *a, uint16_t max_packet,
			    uint8_t interval)
{
	return a->is_offered && a->max_packet == max_packet && a->interval == interval;
}

/* Returns the speeds at which the endpoint has such a descriptor. */
static unsigned int speeds_with_descriptor(const struct endpoint_speed_values *values,
					   uint16_t max_packet, uint8_t interval)
{
	unsigned int found = 0;

	for (int n = 0; n < EP_SPEED_COUNT; n++)
		if (same_descriptor(&values[n], max_packet, interval))
			found |= SPEED_BIT(n);
	return found;
}

/* Returns the speeds at which the descriptor differs from that at the speed `n`. */
static unsigned int speeds_told_apart(const struct endpoint_speed_values *values, int n)
{
	return values[n].is_offered
		       ? EVERY_SPEED & ~speeds_with_descriptor(values, values[n].max_packet,
							       values[n].interval)
		       : 0;
}

/* Returns whether the endpoint tells speeds apart that the endpoints of `source` do not. */
static bool adds_to(const struct link_speed *source, const struct endpoint *ep)
{
	for (int n = 0; n < EP_SPEED_COUNT; n++) {
		unsigned int known = 0;

		for (size_t i = 0; i < source->n_endpoints; i++)
			known |= speeds_told_apart(source->endpoints[i].values, n);
		if (speeds_told_apart(ep->speed, n) & ~known)
			return true;
	}
	return false;
}

void link_speed_choose_endpoints(struct link_speed *source, const struct ffs_endpoint_files *files)
{
	for (size_t i = 0; i < files->n && source->n_endpoints < LINK_SPEED_ENDPOINTS; i++) {
		const struct ffs_endpoint_file *file = &files->list[i];
		struct link_speed_endpoint *e = &source->endpoints[source->n_endpoints];

		if (!adds_to(source, file->model))
			continue;
		e->fd = file->fd;
		memcpy(e->values, file->model->speed, sizeof(e->values));
		source->n_endpoints++;
	}
}

/* Returns the speeds whose descriptors the kernel can be using now. */
static unsigned int possible_speeds(const struct link_speed *source)
{
	unsigned int possible = EVERY_SPEED;

	for (size_t i = 0; i < source->n_endpoints; i++) {
		const struct link_speed_endpoint *e = &source->endpoints[i];
		struct usb_endpoint_descriptor desc;

		/* The host may have disabled the endpoint again: the event DISABLE follows. */
		if (ioctl(e->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0)
			possible &= speeds_with_descriptor(
				e->values, le16toh(desc.wMaxPacketSize) & PACKET_SIZE_MASK,
				desc.bInterval);
	}
	return possible;
}

/* --- the speed ---------------------------------------------------------------------------------
 */

/* Returns the index in `speeds` of the speed that the UDC's file has; -1: none. */
static int read_udc_file(const struct link_speed *source)
{
	_cleanup_free_ char *word = NULL;

	if (fd_read_first_line(source->udc_file, &word) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (streq(word, speeds[i].word))
			return (int)i;
	return -1;
}

uint8_t link_speed_read(const struct link_speed *source)
{
	unsigned int possible = possible_speeds(source);
	int in_file = read_udc_file(source);

	if (in_file >= 0 && possible & SPEED_BIT(speeds[in_file].descriptors))
		return speeds[in_file].speed;
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (possible == SPEED_BIT(speeds[i].descriptors))
			return speeds[i].speed;
	return FFSCTL_SPEED_UNKNOWN;
}

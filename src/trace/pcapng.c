/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/pcapng.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

#define SECTION_HEADER 0x0a0d0d0a
#define INTERFACE_DESCRIPTION 1
#define ENHANCED_PACKET 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_USB_LINUX_MMAPPED 220

/* struct mon_bin_hdr of drivers/usb/mon/mon_bin.c */
struct usbmon_packet {
	uint64_t id;
	uint8_t type;	   /* 'S': submitted, 'C': completed */
	uint8_t xfer_type; /* 2: control */
	uint8_t endpoint;  /* with the direction */
	uint8_t device;
	uint16_t bus;
	char flag_setup; /* 0: setup is valid */
	char flag_data;	 /* 0: the data follow */
	int64_t seconds;
	int32_t microseconds;
	int32_t status;	 /* negative errno */
	uint32_t length; /* of the data */
	uint32_t n_data; /* bytes that follow */
	uint8_t setup[8];
	int32_t interval, start_frame;
	uint32_t flags, n_descriptors;
};

/* Writes a block: type, size, `head`, `body`, padding, and the size again. */
static void write_block(FILE *file, uint32_t type, const void *head, size_t n_head,
			const void *body, size_t n_body)
{
	static const uint8_t padding[3];
	size_t n_padding = (4 - n_body % 4) % 4;
	uint32_t size = (uint32_t)(12 + n_head + n_body + n_padding);

	fwrite(&type, sizeof(type), 1, file);
	fwrite(&size, sizeof(size), 1, file);
	fwrite(head, 1, n_head, file);
	fwrite(body, 1, n_body, file);
	fwrite(padding, 1, n_padding, file);
	fwrite(&size, sizeof(size), 1, file);
}

void pcapng_begin(FILE *file)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t length[2]; /* of the section; all bits set: not known */
	} section = { BYTE_ORDER_MAGIC, 1, 0, { UINT32_MAX, UINT32_MAX } };
	const struct {
		uint16_t link_type, reserved;
		uint32_t snap_length;
	} interface = { LINKTYPE_USB_LINUX_MMAPPED, 0, 0 };

	write_block(file, SECTION_HEADER, &section, sizeof(section), "", 0);
	write_block(file, INTERFACE_DESCRIPTION, &interface, sizeof(interface), "", 0);
}

static void write_packet(FILE *file, struct usbmon_packet *p, int64_t time_us, const uint8_t *data)
{
	uint8_t packet[sizeof(*p) + TRACE_DATA_MAX];
	size_t n = sizeof(*p) + p->n_data;
	const struct {
		uint32_t interface, time_high, time_low, captured, original;
	} head = { 0, (uint32_t)((uint64_t)time_us >> 32), (uint32_t)time_us, (uint32_t)n,
		   (uint32_t)(sizeof(*p) + (p->flag_data ? 0 : p->length)) };

	p->seconds = time_us / 1000000;
	p->microseconds = (int32_t)(time_us % 1000000);
	memcpy(packet, p, sizeof(*p));
	memcpy(packet + sizeof(*p), data, p->n_data);
	write_block(file, ENHANCED_PACKET, &head, sizeof(head), packet, n);
}

/* Returns what the host's URB would end with. */
static int32_t status_of(const struct exchange *x)
{
	static const int32_t statuses[REQUEST_OUTCOME_COUNT] = {
		[REQUEST_STALLED] = -EPIPE,
		[REQUEST_CANCELLED] = -ENOENT,
		[REQUEST_UNANSWERED] = -ENOENT,
	};

	return statuses[x->outcome];
}

void pcapng_add(FILE *file, unsigned int device, int64_t realtime_offset_us,
		const struct exchange *x)
{
	bool is_in = x->setup.bRequestType & USB_DIR_IN;
	struct usbmon_packet p = {
		.id = x->time_us,
		.type = 'S',
		.xfer_type = 2,
		.endpoint = is_in ? USB_DIR_IN : 0,
		.device = (uint8_t)device,
		.bus = 1,
		.flag_data = is_in ? '<' : 0,
		.status = -EINPROGRESS,
		.length = le16toh(x->setup.wLength),
		.n_data = is_in ? 0 : (uint32_t)x->n_data,
	};

	memcpy(p.setup, &x->setup, sizeof(p.setup));
	write_packet(file, &p, realtime_offset_us + (int64_t)x->time_us, x->data);
	p.type = 'C';
	p.flag_setup = '-';
	p.flag_data = is_in ? 0 : '>';
	p.status = status_of(x);
	p.length = x->actual;
	p.n_data = is_in ? (uint32_t)x->n_data : 0;
	memset(p.setup, 0, sizeof(p.setup));
	write_packet(file, &p, realtime_offset_us + (int64_t)x->end_us, x->data);
}

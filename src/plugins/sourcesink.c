/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a pattern on every IN endpoint, and compares the data of every OUT endpoint with the
 * pattern, as the kernel's function SourceSink does. The plugin is for the host's driver usbtest
 * and for measurements. Its patterns and control requests are those of
 * drivers/usb/gadget/function/f_sourcesink.c.
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ffsctl/plugin.h>

enum pattern { PATTERN_ZERO, PATTERN_MOD63, PATTERN_ANY };

/* bRequest of the control requests of usbtest. READ returns the data of the last WRITE. */
#define REQUEST_WRITE 0x5b
#define REQUEST_READ 0x5c
/* bRequest of a control request of ffsbench: how many bytes the plugin has received and found right
   since it began, as a number of 8 bytes, little-endian. A program that has sent data waits with it
   until they were compared. f_sourcesink compares before a transfer ends. */
#define REQUEST_READ_COMPARED 0x5d
/* Longest data stage in bytes (USB_COMP_EP0_BUFSIZ). The plugin stalls longer requests, as
   f_sourcesink does. */
#define CONTROL_MAX 4096

#define TYPE_VENDOR_OUT 0x40 /* bmRequestType (USB 2.0, 9.3.1) of vendor requests to the device */
#define TYPE_VENDOR_IN 0xc0

#define ENDPOINTS_MAX 30 /* 15 endpoints in each direction (USB 2.0, 9.6.6) */

struct sourcesink_state {
	/* Packet size of each endpoint in the current session. While the link is down, it is the
	   packet size in the last session, because data of that session may still be compared. */
	uint32_t packet_sizes[ENDPOINTS_MAX];
	uint8_t control_data[CONTROL_MAX]; /* data of the last WRITE request */
	uint64_t n_compared;		   /* bytes */
};

static const struct ffsctl_option options[] = {
	{ .name = "pattern",
	  .type = FFSCTL_OPTION_INT,
	  .default_value = "0",
	  .doc = "0: all bytes 0; 1: byte n of each packet is n modulo 63; 2: undefined data, "
		 "received data is not compared",
	  .min = 0,
	  .max = 2 },
	{ 0 },
};

static struct sourcesink_state *sourcesink_state(const struct ffsctl_host *host)
{
	return host->state;
}

static enum pattern selected_pattern(struct ffsctl_host *host)
{
	return (enum pattern)host->call->option_int(host, "pattern");
}

/* Returns the byte that the pattern has at the offset `at` of a transfer. */
static uint8_t expected_byte(struct ffsctl_host *host, enum pattern pattern, uint32_t endpoint,
			     size_t at)
{
	if (pattern == PATTERN_ZERO)
		return 0;
	return (uint8_t)(at % sourcesink_state(host)->packet_sizes[endpoint] % 63);
}

static void fill_with_pattern(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	enum pattern pattern = selected_pattern(host);
	uint8_t *data = t->data;

	t->length = t->capacity;
	t->flags = 0;
	for (size_t i = 0; pattern != PATTERN_ANY && i < t->length; i++)
		data[i] = expected_byte(host, pattern, t->endpoint, i);
}

/* Returns the offset of the first byte that differs from the pattern; t->length if there is
   none. */
static size_t first_wrong_byte(struct ffsctl_host *host, const struct ffsctl_transfer *t)
{
	enum pattern pattern = selected_pattern(host);
	const uint8_t *data = t->data;
	size_t i = 0;

	if (pattern == PATTERN_ANY)
		return t->length;
	while (i < t->length && data[i] == expected_byte(host, pattern, t->endpoint, i))
		i++;
	return i;
}

static int sourcesink_start(struct ffsctl_host *host)
{
	host->state = calloc(1, sizeof(struct sourcesink_state));
	return host->state ? 0 : -ENOMEM;
}

static void submit_or_give_back(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	bool is_out = host->endpoints[t->endpoint]->direction == FFSCTL_OUT;

	if (is_out && selected_pattern(host) == PATTERN_ANY)
		t->flags |= FFSCTL_NO_CPU_ACCESS;
	if (host->call->submit(host, t->endpoint, t) < 0)
		host->call->release_transfer(host,
					     t); /* submit() failed because the link is down */
}

static void sourcesink_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;

	for (uint32_t i = 0; i < host->n_endpoints && i < ENDPOINTS_MAX; i++) {
		sourcesink_state(host)->packet_sizes[i] = host->endpoints[i]->max_packet;
		while ((t = host->call->get_transfer(host, i))) {
			/* The buffers of an IN endpoint are filled only at the start of each
			   session: the pattern depends on the packet size, which can only change
			   with the session. */
			if (host->endpoints[i]->direction == FFSCTL_IN)
				fill_with_pattern(host, t);
			submit_or_give_back(host, t);
		}
	}
}

static void log_failure_and_exit(struct ffsctl_host *host, const struct ffsctl_transfer *t)
{
	const char *name = host->endpoints[t->endpoint]->name;
	enum pattern pattern = selected_pattern(host);
	const uint8_t *data = t->data;
	size_t at;

	if (t->status) {
		host->call->log(host, FFSCTL_LOG_ERROR,
				"a transfer on endpoint %s failed with error %d", name, -t->status);
	} else {
		at = first_wrong_byte(host, t);
		host->call->log(host, FFSCTL_LOG_ERROR,
				"byte %zu of a transfer on endpoint %s is 0x%02x, not 0x%02x as in "
				"pattern %d",
				at, name, data[at], expected_byte(host, pattern, t->endpoint, at),
				(int)pattern);
	}
	/* After this exit, ffsctl halts the endpoints, as the kernel's function SourceSink does. */
	host->call->exit(host, 1);
}

static void sourcesink_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	bool is_out = host->endpoints[t->endpoint]->direction == FFSCTL_OUT;

	if (t->status == 0 && (!is_out || first_wrong_byte(host, t) == t->length)) {
		if (is_out)
			sourcesink_state(host)->n_compared += t->length;
		else
			t->flags |= FFSCTL_NO_CPU_ACCESS; /* sends the same data again */
		submit_or_give_back(host, t);
		return;
	}
	if (t->status == -EPIPE) { /* the host has cleared a halt; it sends or reads on */
		submit_or_give_back(host, t);
		return;
	}
	if (t->status != -ESHUTDOWN && t->status != -ECANCELED)
		log_failure_and_exit(host, t);
	host->call->release_transfer(host, t);
}

static void reply_with_compared(struct ffsctl_host *host, uint32_t id)
{
	uint64_t n = htole64(sourcesink_state(host)->n_compared);

	host->call->reply_to_control_request(host, id, &n, sizeof(n));
}

static void sourcesink_setup(struct ffsctl_host *host, uint32_t id,
			     const struct ffsctl_setup *setup)
{
	bool known = setup->value == 0 && setup->index == 0 && setup->length <= CONTROL_MAX;

	if (known && setup->request_type == TYPE_VENDOR_OUT && setup->request == REQUEST_WRITE)
		host->call->accept_control_request(host, id);
	else if (known && setup->request_type == TYPE_VENDOR_IN && setup->request == REQUEST_READ)
		host->call->reply_to_control_request(host, id, sourcesink_state(host)->control_data,
						     setup->length);
	else if (known && setup->request_type == TYPE_VENDOR_IN &&
		 setup->request == REQUEST_READ_COMPARED && setup->length == sizeof(uint64_t))
		reply_with_compared(host, id);
	else
		host->call->stall_control_request(host, id);
}

static void sourcesink_setup_data(struct ffsctl_host *host, uint32_t id, const void *data,
				  size_t length)
{
	(void)id;
	memcpy(sourcesink_state(host)->control_data, data,
	       length < CONTROL_MAX ? length : CONTROL_MAX);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "sourcesink",
	.summary = "sends a data pattern, and compares received data with it",
	.options = options,
	.framing = FFSCTL_FRAMING_STREAM,
	.transfer_size = 65536,
	.transfers_per_endpoint = 8,
	.start = sourcesink_start,
	.enable = sourcesink_enable,
	.done = sourcesink_done,
	.setup = sourcesink_setup,
	.setup_data = sourcesink_setup_data,
};

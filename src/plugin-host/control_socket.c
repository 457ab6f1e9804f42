/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles the messages that the plugin host receives from its control socket. */
#include <endian.h>
#include <errno.h>
#include <linux/usb/functionfs.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/control_message.h"
#include "base/little_endian.h"
#include "base/util.h"
#include "plugin-host/plugin_host_state.h"

#define SETUP_PACKET 8 /* bytes; a keeper of ffsctl before version 0.3 sends no others */

void plugin_host_request_stop(struct plugin_host *h)
{
	if (h->stopping)
		return;
	h->stopping = true;
	if (h->plugin->stop)
		h->plugin->stop(&h->public);
	else
		plugin_host_exit(h, 0);
}

/*
 * Asks the kernel for the packet sizes of a link whose speed is not known. Returns false if the
 * host has disabled the function meanwhile; an event follows.
 */
static bool read_packet_sizes(struct plugin_host *h)
{
	for (unsigned int i = 0; i < h->public.n_endpoints; i++) {
		struct stream_endpoint *ep = &h->stream_endpoints[i];
		struct usb_endpoint_descriptor desc;

		if (ioctl(ep->fd, FUNCTIONFS_ENDPOINT_DESC, &desc) < 0)
			return false;
		/* Bits 11 and 12 are the number of packets per microframe. */
		ep->packet_size[FFSCTL_SPEED_UNKNOWN] = le16toh(desc.wMaxPacketSize) & 0x7ff;
	}
	return true;
}

static void on_link_event(struct plugin_host *h, const unsigned char *body, size_t length)
{
	struct ffsctl_event ev;

	if (length < sizeof(ev))
		return;
	memcpy(&ev, body, sizeof(ev));
	h->held_request.exists = false; /* the host has given it up */
	if (ev.event == FFSCTL_EVENT_SUSPEND || ev.event == FFSCTL_EVENT_RESUME)
		stream_set_suspended(&h->stream, ev.event == FFSCTL_EVENT_SUSPEND);
	switch (ev.event) {
	case FFSCTL_EVENT_ENABLE:
		if (ev.speed == FFSCTL_SPEED_UNKNOWN && !read_packet_sizes(h))
			break;
		h->stream.max_transfer = ev.max_transfer * 1024U;
		if (stream_link_up(&h->stream, ev.speed) < 0)
			fprintf(stderr,
				"%s: error: cannot enable the endpoints at speed %d: the worker's "
				"configuration has no packet sizes for this speed (enum "
				"ffsctl_speed)\n",
				h->plugin->name, ev.speed);
		break;
	case FFSCTL_EVENT_DISABLE:
		stream_link_down(&h->stream);
		break;
	case FFSCTL_EVENT_UNBIND:
		stream_link_down(&h->stream);
		/* fall through */
	default:
		if (h->plugin->event)
			h->plugin->event(&h->public, ev.event);
	}
}

static void on_setup_request(struct plugin_host *h, uint32_t id, const unsigned char *body,
			     size_t length)
{
	struct ffsctl_setup setup = { 0 };

	if (length < SETUP_PACKET)
		return;
	if (!h->plugin->setup) {
		plugin_host_send(h, FFSCTL_MSG_STALL, id, NULL, 0);
		return;
	}
	setup.request_type = body[0];
	setup.request = body[1];
	setup.value = get_le16(body + 2);
	setup.index = get_le16(body + 4);
	setup.length = get_le16(body + 6);
	setup.function_index = setup.index;
	if (length >= sizeof(struct ffsctl_setup_body)) {
		setup.function_index =
			get_le16(body + offsetof(struct ffsctl_setup_body, function_index));
		setup.index_origin = body[offsetof(struct ffsctl_setup_body, index_origin)];
	}
	h->held_request = (struct held_request){ .exists = true, .id = id, .setup = setup };
	/* Until the transfers of the last session have ended, the link of the plugin is down, but
	   the host has configured the function. on_link_up() delivers the request then. */
	if (!h->stream.session_is_pending)
		plugin_host_deliver_held_request(h);
}

void plugin_host_deliver_held_request(struct plugin_host *h)
{
	if (!h->held_request.exists)
		return;
	h->held_request.exists = false;
	h->plugin->setup(&h->public, h->held_request.id, &h->held_request.setup);
}

bool plugin_host_receive_message(struct plugin_host *h)
{
	static unsigned char body[FFSCTL_MSG_MAX_BODY];
	struct ffsctl_msg head;
	size_t length;
	ssize_t n;

	n = control_message_receive(h->control_fd, &head, body, sizeof(body));
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		/* The keeper has ended. Therefore the function no longer exists. */
		plugin_host_exit(h, 0);
		return false;
	}
	length = head.length < (size_t)n ? head.length : (size_t)n;
	switch (head.type) {
	case FFSCTL_MSG_EVENT:
		on_link_event(h, body, length);
		break;
	case FFSCTL_MSG_SETUP:
		on_setup_request(h, head.id, body, length);
		break;
	case FFSCTL_MSG_DATA:
		if (h->plugin->setup_data)
			h->plugin->setup_data(&h->public, head.id, body, length);
		break;
	case FFSCTL_MSG_PING:
		plugin_host_send(h, FFSCTL_MSG_PONG, head.id, NULL, 0);
		break;
	case FFSCTL_MSG_STOP:
		plugin_host_request_stop(h);
		break;
	default: /* a message of an unknown type must be ignored (ffsctl/control.h) */
		break;
	}
	return true;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the device that echoes, and its interface and endpoints. */
#include <linux/usb/ch9.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "storm.h"

void device_claim(struct storm *s)
{
	unsigned int interface = 0;

	usbfs_must(&s->host, ioctl(s->host.fd, USBDEVFS_CLAIMINTERFACE, &interface),
		   "claim the interface");
}

/* Reads the descriptors of the device and of its configuration from the device file. */
static void read_endpoints(struct storm *s)
{
	unsigned char d[1024];
	ssize_t n = pread(s->host.fd, d, sizeof(d), 0), i;

	s->out.address = s->in.address = 0;
	for (i = 0; i + 2 <= n && d[i] >= 2; i += d[i]) {
		if (d[i + 1] != USB_DT_ENDPOINT)
			continue;
		if (d[i + 2] & USB_DIR_IN)
			s->in.address = d[i + 2];
		else
			s->out.address = d[i + 2];
		s->packet = (size_t)d[i + 4] | (size_t)d[i + 5] << 8;
	}
	if (!s->out.address || !s->in.address)
		usbfs_fail(&s->host, "the device has no pair of endpoints");
}

void device_find(struct storm *s, int uevents)
{
	usbfs_find(&s->host, uevents);
	device_claim(s);
	read_endpoints(s);
	flow_begin(s);
}

void device_lose(struct storm *s)
{
	usbfs_lose(&s->host);
	flow_forget(s);
}

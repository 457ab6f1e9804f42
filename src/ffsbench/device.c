/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/device.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/tick.h"

/* Mask of two netlink groups: uevents of the kernel, and uevents that udev sends after it has set
   permissions. */
#define UEVENT_GROUPS 3

static const char *usb_error_text(int usb)
{
	switch (usb) {
	case LIBUSB_ERROR_ACCESS:
		return "permission denied";
	case LIBUSB_ERROR_NO_DEVICE:
		return "the device was disconnected";
	case LIBUSB_ERROR_NOT_FOUND:
		return "not found";
	case LIBUSB_ERROR_BUSY:
		return "in use by another program";
	case LIBUSB_ERROR_TIMEOUT:
		return "timed out";
	case LIBUSB_ERROR_PIPE:
		return "the device stalled";
	case LIBUSB_ERROR_NO_MEM:
		return "out of memory";
	case LIBUSB_ERROR_IO:
		return "input/output error";
	default:
		return libusb_strerror(usb);
	}
}

int device_error(struct error *err, int usb, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	int exit = EX_IOERR;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	if (usb == LIBUSB_ERROR_ACCESS)
		exit = EX_NOPERM;
	else if (usb == LIBUSB_ERROR_NO_DEVICE || usb == LIBUSB_ERROR_NOT_FOUND)
		exit = EX_UNAVAILABLE;
	else if (usb == LIBUSB_ERROR_TIMEOUT)
		exit = EX_TEMPFAIL;
	return error_set(err, exit, EIO, NULL, "%s: %s", what, usb_error_text(usb));
}

const char *device_speed_name(int speed)
{
	switch (speed) {
	case LIBUSB_SPEED_LOW:
		return "low";
	case LIBUSB_SPEED_FULL:
		return "full";
	case LIBUSB_SPEED_HIGH:
		return "high";
	case LIBUSB_SPEED_SUPER:
		return "super";
	case LIBUSB_SPEED_SUPER_PLUS:
		return "super-plus";
	default:
		return "unknown";
	}
}

int device_parse(const char *s, struct device_filter *w, struct error *err)
{
	unsigned int a, b;
	int end = 0;

	if (sscanf(s, "%4x:%4x%n", &a, &b, &end) == 2 && !s[end]) {
		w->by_id = true;
		w->vendor = (uint16_t)a;
		w->product = (uint16_t)b;
		return 0;
	}
	if (sscanf(s, "%3u/%3u%n", &a, &b, &end) == 2 && !s[end]) {
		w->by_address = true;
		w->bus = a;
		w->address = b;
		return 0;
	}
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "'%s' is not a device: VENDOR:PRODUCT in hex, or BUS/ADDRESS", s);
}

static bool is_interrupt(const struct libusb_endpoint_descriptor *e)
{
	return (e->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) == LIBUSB_TRANSFER_TYPE_INTERRUPT;
}

/* Returns the n-th bulk or interrupt endpoint of a direction; NULL if there is none. */
static const struct libusb_endpoint_descriptor *
find_endpoint(const struct libusb_interface_descriptor *i, uint8_t direction, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < i->bNumEndpoints; k++) {
		const struct libusb_endpoint_descriptor *e = &i->endpoint[k];
		unsigned int type = e->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK;

		if ((e->bEndpointAddress & LIBUSB_ENDPOINT_DIR_MASK) != direction ||
		    (type != LIBUSB_TRANSFER_TYPE_BULK && type != LIBUSB_TRANSFER_TYPE_INTERRUPT))
			continue;
		if (n-- == 0)
			return e;
	}
	return NULL;
}

static bool has_endpoints(const struct device_filter *w,
			  const struct libusb_endpoint_descriptor *out,
			  const struct libusb_endpoint_descriptor *in)
{
	return (out || !w->need_out) && (in || !w->need_in) && (out || in);
}

static void set_endpoints(struct device *d, const struct libusb_endpoint_descriptor *out,
			  const struct libusb_endpoint_descriptor *in)
{
	d->out = out ? out->bEndpointAddress : 0;
	d->in = in ? in->bEndpointAddress : 0;
	d->out_packet = out ? out->wMaxPacketSize & 0x7ff : 0;
	d->in_packet = in ? in->wMaxPacketSize & 0x7ff : 0;
	d->out_interrupt = out && is_interrupt(out);
	d->in_interrupt = in && is_interrupt(in);
}

/* Returns whether the device has a matching interface; stores interface and endpoints. */
static bool choose_interface(const struct device_filter *w, libusb_device *dev, struct device *d)
{
	const struct libusb_endpoint_descriptor *out = NULL, *in = NULL;
	struct libusb_config_descriptor *c;
	unsigned int i;

	if (libusb_get_active_config_descriptor(dev, &c) < 0)
		return false;
	d->configuration = c->bConfigurationValue;
	for (i = 0; i < c->bNumInterfaces && !has_endpoints(w, out, in); i++) {
		const struct libusb_interface_descriptor *id = c->interface[i].altsetting;

		if (c->interface[i].num_altsetting < 1 ||
		    (w->interface >= 0 && w->interface != id->bInterfaceNumber))
			continue;
		/* By default ffsbench uses only interfaces for which there is no class driver. */
		if (w->interface < 0 && !w->by_id && !w->by_address && !w->serial &&
		    id->bInterfaceClass != LIBUSB_CLASS_VENDOR_SPEC)
			continue;
		out = find_endpoint(id, LIBUSB_ENDPOINT_OUT, w->pair);
		in = find_endpoint(id, LIBUSB_ENDPOINT_IN, w->pair);
		d->interface = id->bInterfaceNumber;
		d->alternates = c->interface[i].num_altsetting > 1;
	}
	set_endpoints(d, out, in);
	libusb_free_config_descriptor(c);
	return has_endpoints(w, out, in);
}

static char *read_serial(libusb_device *dev, uint8_t index)
{
	libusb_device_handle *h;
	unsigned char text[256];
	char *serial = NULL;

	if (!index || libusb_open(dev, &h) < 0)
		return NULL;
	if (libusb_get_string_descriptor_ascii(h, index, text, sizeof(text)) >= 0)
		serial = xstrdup((char *)text);
	libusb_close(h);
	return serial;
}

static bool matches(const struct device_filter *w, libusb_device *dev, struct device *d)
{
	struct libusb_device_descriptor desc;

	if (libusb_get_device_descriptor(dev, &desc) < 0 || desc.bDeviceClass == LIBUSB_CLASS_HUB)
		return false;
	d->bus = libusb_get_bus_number(dev);
	d->address = libusb_get_device_address(dev);
	d->vendor = desc.idVendor;
	d->product = desc.idProduct;
	d->speed = libusb_get_device_speed(dev);
	if ((w->by_id && (w->vendor != d->vendor || w->product != d->product)) ||
	    (w->by_address && (w->bus != d->bus || w->address != d->address)))
		return false;
	if (!choose_interface(w, dev, d))
		return false;
	free(d->serial);
	d->serial = read_serial(dev, desc.iSerialNumber);
	return !w->serial || streq_null(w->serial, d->serial);
}

/* Returns the name of the kernel driver bound to the interface; NULL: none or unknown. */
static char *driver_of(const struct device *d, libusb_device *dev)
{
	_cleanup_free_ char *ports_text = NULL, *path = NULL;
	uint8_t port[8];
	char target[256];
	ssize_t n;
	int i, ports = libusb_get_port_numbers(dev, port, sizeof(port));

	for (i = 0; i < ports; i++) {
		char *so_far = ports_text;

		ports_text = strf("%s%s%u", so_far ? so_far : "", so_far ? "." : "", port[i]);
		free(so_far);
	}
	if (!ports_text)
		return NULL;
	path = strf("/sys/bus/usb/devices/%u-%s:%d.%d/driver", d->bus, ports_text, d->configuration,
		    d->interface);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = 0;
	return xstrdup(basename(target));
}

static int fail_several_devices(const char *found, struct error *err)
{
	error_set(err, EX_USAGE, EINVAL, NULL, "several devices match: %s", found);
	return error_hint(err, "choose one with --device BUS/ADDRESS");
}

static int fail_claim(const struct device *d, libusb_device *dev, int usb, struct error *err)
{
	_cleanup_free_ char *driver = usb == LIBUSB_ERROR_BUSY ? driver_of(d, dev) : NULL;

	/* The driver usbfs means that another program has claimed the interface. */
	if (!driver || streq(driver, "usbfs"))
		return device_error(err, usb, "cannot claim interface %d of %04x:%04x at %u/%u",
				    d->interface, d->vendor, d->product, d->bus, d->address);
	error_set(err, EX_IOERR, EBUSY, NULL,
		  "cannot claim interface %d of %04x:%04x at %u/%u: in use by the kernel driver %s",
		  d->interface, d->vendor, d->product, d->bus, d->address, driver);
	return error_hint(err, "use --detach, or unload the driver with 'modprobe -r %s'", driver);
}

static int claim(const struct device_filter *w, struct device *d, libusb_device *dev,
		 struct error *err)
{
	int r = libusb_open(dev, &d->handle);

	if (r < 0) {
		d->handle = NULL;
		return device_error(err, r, "cannot open the device %04x:%04x at %u/%u", d->vendor,
				    d->product, d->bus, d->address);
	}
	libusb_set_auto_detach_kernel_driver(d->handle, w->detach);
	r = libusb_claim_interface(d->handle, d->interface);
	if (r < 0)
		return fail_claim(d, dev, r, err);
	d->claimed = true;
	/* A driver may have selected another alternate setting, which has other endpoints. */
	if (d->alternates && (r = libusb_set_interface_alt_setting(d->handle, d->interface, 0)) < 0)
		return device_error(err, r, "cannot select alternate setting 0 of interface %d",
				    d->interface);
	return 0;
}

static int fail_not_found(const struct device_filter *w, struct error *err)
{
	/* indices: need_out, need_in */
	static const char *const endpoints[2][2] = { { "an OUT or an IN", "an IN" },
						     { "an OUT", "an OUT and an IN" } };
	_cleanup_free_ char *which = NULL;

	if (w->by_id)
		which = strf("device %04x:%04x", w->vendor, w->product);
	else if (w->by_address)
		which = strf("device at %u/%u", w->bus, w->address);
	else
		which = xstrdup("device with a vendor-specific interface");
	return error_set(err, EX_UNAVAILABLE, ENODEV, NULL,
			 "cannot find a %s%s%s%s that has %s endpoint", which,
			 w->serial ? " with serial number '" : "", w->serial ? w->serial : "",
			 w->serial ? "'" : "", endpoints[w->need_out][w->need_in]);
}

/* Opens a matching device that is connected now. Initialises libusb in every call, because without
   udevd an existing context does not find new devices. */
static int open_now(const struct device_filter *w, struct device *d, struct error *err)
{
	_cleanup_free_ char *found = NULL;
	libusb_device **list, *hit = NULL;
	struct device candidate = { 0 };
	ssize_t i, n;
	int r;

	r = libusb_init(&d->usb);
	if (r < 0) {
		d->usb = NULL;
		return device_error(err, r, "cannot start libusb");
	}
	n = libusb_get_device_list(d->usb, &list);
	if (n < 0)
		return device_error(err, (int)n, "cannot list the USB devices");
	for (i = 0; i < n; i++) {
		char *so_far = found;

		if (!matches(w, list[i], &candidate))
			continue;
		found = strf("%s%s%04x:%04x at %u/%u", hit ? so_far : "", hit ? ", " : "",
			     candidate.vendor, candidate.product, candidate.bus, candidate.address);
		free(so_far);
		if (hit) {
			r = 1;
			continue;
		}
		hit = list[i];
		candidate.usb = d->usb;
		*d = candidate;
		candidate.serial = NULL;
	}
	free(candidate.serial);
	if (!hit)
		r = fail_not_found(w, err);
	else if (r == 1)
		r = fail_several_devices(found, err);
	else
		r = claim(w, d, hit, err);
	libusb_free_device_list(list, 1);
	return r;
}

static int open_uevents(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = UEVENT_GROUPS };
	int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int e = errno;

		if (fd >= 0)
			close(fd);
		return -e;
	}
	return fd;
}

/* Waits for the next uevents and discards them. Returns false if the deadline is reached. */
static bool wait_uevent(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[8192];
	int64_t left = deadline - now_ms();

	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return false;
	while (recv(fd, text, sizeof(text), 0) > 0 || errno == ENOBUFS)
		;
	return true;
}

int device_open(const struct device_filter *w, struct device *d, struct error *err)
{
	int64_t deadline = now_ms() + w->wait_ms;
	_cleanup_close_ int events = -1;
	int r;

	*d = (struct device){ 0 };
	if (w->wait_ms) {
		events = open_uevents();
		if (events < 0)
			return error_errno(err, EX_OSERR, -events, NULL,
					   "cannot watch for new devices (netlink)");
	}
	for (;;) {
		r = open_now(w, d, err);
		if (r >= 0)
			return 0;
		device_close(d);
		/* The device may be missing, or udev may not have set its permissions yet. */
		if (!w->wait_ms || (err->exit != EX_UNAVAILABLE && err->exit != EX_NOPERM))
			return r;
		if (!wait_uevent(events, deadline))
			return error_detail(err, "waited %u ms", w->wait_ms);
		error_clear(err);
	}
}

void device_close(struct device *d)
{
	if (d->claimed)
		libusb_release_interface(d->handle, d->interface);
	if (d->handle)
		libusb_close(d->handle);
	if (d->usb)
		libusb_exit(d->usb);
	free(d->serial);
	*d = (struct device){ 0 };
}

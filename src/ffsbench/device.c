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
#include "base/usb_words.h"
#include "base/util.h"
#include "ffsbench/selftest.h"
#include "ffsbench/timing.h"

/* Two netlink groups, as a mask: uevents of the kernel, and the uevents that udev sends after it
   has set the permissions of a device. */
#define UEVENT_GROUPS 3

static const char *libusb_error_text(int libusb_error)
{
	switch (libusb_error) {
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
		return libusb_strerror(libusb_error);
	}
}

int fail_libusb(struct error *err, int libusb_error, const char *fmt, ...)
{
	_cleanup_free_ char *what = NULL;
	int exit = EX_IOERR;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	if (libusb_error == LIBUSB_ERROR_ACCESS)
		exit = EX_NOPERM;
	else if (libusb_error == LIBUSB_ERROR_NO_DEVICE || libusb_error == LIBUSB_ERROR_NOT_FOUND)
		exit = EX_UNAVAILABLE;
	else if (libusb_error == LIBUSB_ERROR_TIMEOUT)
		exit = EX_TEMPFAIL;
	return error_set(err, exit, EIO, NULL, "%s: %s", what, libusb_error_text(libusb_error));
}

const char *device_speed_name(int speed)
{
	switch (speed) {
	case LIBUSB_SPEED_LOW:
		return "low";
#define WORD(SPEED, unused, word, ...)                                                             \
	case LIBUSB_SPEED_##SPEED:                                                                 \
		return word;
		USB_SPEEDS(WORD)
#undef WORD
	default:
		return "unknown";
	}
}

int device_filter_parse(const char *s, struct device_filter *w, struct error *err)
{
	unsigned int a, b;
	int end = 0;

	if (sscanf(s, "%4x:%4x%n", &a, &b, &end) == 2 && !s[end]) {
		w->select_by_id = true;
		w->vendor_id = (uint16_t)a;
		w->product_id = (uint16_t)b;
		return 0;
	}
	if (sscanf(s, "%3u/%3u%n", &a, &b, &end) == 2 && !s[end]) {
		w->select_by_address = true;
		w->bus_number = a;
		w->device_address = b;
		return 0;
	}
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "'%s' is not a device: VENDOR:PRODUCT in hex, or BUS/ADDRESS", s);
}

static bool is_interrupt(const struct libusb_endpoint_descriptor *e)
{
	return (e->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) == LIBUSB_TRANSFER_TYPE_INTERRUPT;
}

/* Returns the n-th of the bulk and interrupt endpoints that have this direction, counted from 0;
   NULL if there are fewer. */
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

static bool has_needed_endpoints(const struct device_filter *w,
				 const struct libusb_endpoint_descriptor *out,
				 const struct libusb_endpoint_descriptor *in)
{
	return (out || !w->needs_out) && (in || !w->needs_in) && (out || in);
}

static void set_endpoints(struct device *d, const struct libusb_endpoint_descriptor *out,
			  const struct libusb_endpoint_descriptor *in)
{
	d->out_address = out ? out->bEndpointAddress : 0;
	d->in_address = in ? in->bEndpointAddress : 0;
	d->out_packet_size = out ? out->wMaxPacketSize & 0x7ff : 0;
	d->in_packet_size = in ? in->wMaxPacketSize & 0x7ff : 0;
	d->out_is_interrupt = out && is_interrupt(out);
	d->in_is_interrupt = in && is_interrupt(in);
}

static bool is_selftest_interface(const struct libusb_interface_descriptor *i)
{
	return i->bInterfaceClass == LIBUSB_CLASS_VENDOR_SPEC &&
	       i->bInterfaceSubClass == SELFTEST_INTERFACE_SUBCLASS &&
	       i->bInterfaceProtocol == SELFTEST_INTERFACE_PROTOCOL;
}

/* Returns whether the device has an interface that the filter selects. Stores the interface and
   its endpoints in *d. */
static bool choose_interface(const struct device_filter *w, libusb_device *dev, struct device *d)
{
	const struct libusb_endpoint_descriptor *out = NULL, *in = NULL;
	struct libusb_config_descriptor *c;
	unsigned int i;

	if (libusb_get_active_config_descriptor(dev, &c) < 0)
		return false;
	d->configuration_value = c->bConfigurationValue;
	for (i = 0; i < c->bNumInterfaces && !has_needed_endpoints(w, out, in); i++) {
		const struct libusb_interface_descriptor *id = c->interface[i].altsetting;

		if (c->interface[i].num_altsetting < 1 ||
		    (w->interface_number >= 0 && w->interface_number != id->bInterfaceNumber))
			continue;
		/* If the user has selected neither an interface nor a device, only
		   vendor-specific interfaces are used: no class driver of the host uses them. */
		if (w->interface_number < 0 && !w->select_by_id && !w->select_by_address &&
		    !w->serial_number && id->bInterfaceClass != LIBUSB_CLASS_VENDOR_SPEC)
			continue;
		if (w->needs_selftest_interface && !is_selftest_interface(id))
			continue;
		out = find_endpoint(id, LIBUSB_ENDPOINT_OUT, w->endpoint_pair_index);
		in = find_endpoint(id, LIBUSB_ENDPOINT_IN, w->endpoint_pair_index);
		d->interface_number = id->bInterfaceNumber;
		d->has_alternate_settings = c->interface[i].num_altsetting > 1;
	}
	set_endpoints(d, out, in);
	libusb_free_config_descriptor(c);
	return has_needed_endpoints(w, out, in);
}

static char *read_serial_number(libusb_device *dev, uint8_t index)
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

static bool device_matches(const struct device_filter *w, libusb_device *dev, struct device *d)
{
	struct libusb_device_descriptor desc;

	if (libusb_get_device_descriptor(dev, &desc) < 0 || desc.bDeviceClass == LIBUSB_CLASS_HUB)
		return false;
	d->bus_number = libusb_get_bus_number(dev);
	d->device_address = libusb_get_device_address(dev);
	d->vendor_id = desc.idVendor;
	d->product_id = desc.idProduct;
	d->speed = libusb_get_device_speed(dev);
	if ((w->select_by_id && (w->vendor_id != d->vendor_id || w->product_id != d->product_id)) ||
	    (w->select_by_address &&
	     (w->bus_number != d->bus_number || w->device_address != d->device_address)))
		return false;
	if (!choose_interface(w, dev, d))
		return false;
	free(d->serial_number);
	d->serial_number = read_serial_number(dev, desc.iSerialNumber);
	return !w->serial_number || streq_null(w->serial_number, d->serial_number);
}

/* Returns the name of the kernel driver that uses the interface; NULL if there is none or it is
   unknown. The caller frees the name. */
static char *interface_driver(const struct device *d, libusb_device *dev)
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
	path = strf("/sys/bus/usb/devices/%u-%s:%d.%d/driver", d->bus_number, ports_text,
		    d->configuration_value, d->interface_number);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = 0;
	return xstrdup(basename(target));
}

static int fail_several_devices(const char *found, struct error *err)
{
	error_set(err, EX_USAGE, EINVAL, NULL, "several devices match: %s", found);
	return error_add_hint(err, "choose one with --device BUS/ADDRESS");
}

static int fail_claim_interface(const struct device *d, libusb_device *dev, int libusb_error,
				struct error *err)
{
	_cleanup_free_ char *driver =
		libusb_error == LIBUSB_ERROR_BUSY ? interface_driver(d, dev) : NULL;

	/* If another program has claimed the interface, its driver is "usbfs". */
	if (!driver || streq(driver, "usbfs"))
		return fail_libusb(err, libusb_error,
				   "cannot claim interface %d of %04x:%04x at %u/%u",
				   d->interface_number, d->vendor_id, d->product_id, d->bus_number,
				   d->device_address);
	error_set(err, EX_IOERR, EBUSY, NULL,
		  "cannot claim interface %d of %04x:%04x at %u/%u: in use by the kernel driver %s",
		  d->interface_number, d->vendor_id, d->product_id, d->bus_number,
		  d->device_address, driver);
	return error_add_hint(err, "use --detach, or unload the driver with 'modprobe -r %s'",
			      driver);
}

static int claim_interface(const struct device_filter *w, struct device *d, libusb_device *dev,
			   struct error *err)
{
	int r = libusb_open(dev, &d->handle);

	if (r < 0) {
		d->handle = NULL;
		return fail_libusb(err, r, "cannot open the device %04x:%04x at %u/%u",
				   d->vendor_id, d->product_id, d->bus_number, d->device_address);
	}
	libusb_set_auto_detach_kernel_driver(d->handle, w->detach_kernel_driver);
	r = libusb_claim_interface(d->handle, d->interface_number);
	if (r < 0)
		return fail_claim_interface(d, dev, r, err);
	d->interface_claimed = true;
	/* The kernel driver may have selected another alternate setting, which has other
	   endpoints. */
	if (d->has_alternate_settings &&
	    (r = libusb_set_interface_alt_setting(d->handle, d->interface_number, 0)) < 0)
		return fail_libusb(err, r, "cannot select alternate setting 0 of interface %d",
				   d->interface_number);
	return 0;
}

static int fail_not_found(const struct device_filter *w, struct error *err)
{
	/* The first index is needs_out, the second one is needs_in. */
	static const char *const endpoints[2][2] = { { "an OUT or an IN", "an IN" },
						     { "an OUT", "an OUT and an IN" } };
	_cleanup_free_ char *which = NULL;

	if (w->select_by_id)
		which = strf("device %04x:%04x", w->vendor_id, w->product_id);
	else if (w->select_by_address)
		which = strf("device at %u/%u", w->bus_number, w->device_address);
	else
		which = xstrdup(w->needs_selftest_interface
					? "gadget of 'ffsctl selftest'"
					: "device with a vendor-specific interface");
	return error_set(err, EX_UNAVAILABLE, ENODEV, NULL,
			 "cannot find a %s%s%s%s that has %s endpoint", which,
			 w->serial_number ? " with serial number '" : "",
			 w->serial_number ? w->serial_number : "", w->serial_number ? "'" : "",
			 endpoints[w->needs_out][w->needs_in]);
}

/* Opens the device that the filter selects, if it is connected. Each call makes a new libusb
   context, because without udevd an old context does not find new devices. */
static int open_connected_device(const struct device_filter *w, struct device *d, struct error *err)
{
	_cleanup_free_ char *found = NULL;
	libusb_device **list, *hit = NULL;
	struct device candidate = { 0 };
	ssize_t i, n;
	int r;

	r = libusb_init(&d->context);
	if (r < 0) {
		d->context = NULL;
		return fail_libusb(err, r, "cannot start libusb");
	}
	n = libusb_get_device_list(d->context, &list);
	if (n < 0)
		return fail_libusb(err, (int)n, "cannot list the USB devices");
	for (i = 0; i < n; i++) {
		char *so_far = found;

		if (!device_matches(w, list[i], &candidate))
			continue;
		found = strf("%s%s%04x:%04x at %u/%u", hit ? so_far : "", hit ? ", " : "",
			     candidate.vendor_id, candidate.product_id, candidate.bus_number,
			     candidate.device_address);
		free(so_far);
		if (hit) {
			r = 1;
			continue;
		}
		hit = list[i];
		candidate.context = d->context;
		*d = candidate;
		candidate.serial_number = NULL;
	}
	free(candidate.serial_number);
	if (!hit)
		r = fail_not_found(w, err);
	else if (r == 1)
		r = fail_several_devices(found, err);
	else
		r = claim_interface(w, d, hit, err);
	libusb_free_device_list(list, 1);
	return r;
}

static int open_uevent_socket(void)
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

/* Waits until there are uevents, and discards them. Returns false if there are none until the
   deadline. */
static bool wait_for_uevent(int fd, int64_t deadline)
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

/* Returns whether another attempt may succeed: the device is missing, or udev has not set its
   permissions yet. A gadget of `ffsctl selftest` may also be removed while it is opened. */
static bool waiting_helps(const struct device_filter *w, const struct error *err)
{
	return err->exit == EX_UNAVAILABLE || err->exit == EX_NOPERM ||
	       (w->needs_selftest_interface && err->exit == EX_IOERR);
}

int device_open(const struct device_filter *w, struct device *d, struct error *err)
{
	int64_t deadline = now_ms() + w->max_wait_ms;
	_cleanup_close_ int events = -1;
	int r;

	*d = (struct device){ 0 };
	if (w->max_wait_ms) {
		events = open_uevent_socket();
		if (events < 0)
			return error_errno(err, EX_OSERR, -events, NULL,
					   "cannot watch for new devices (netlink)");
	}
	for (;;) {
		r = open_connected_device(w, d, err);
		if (r >= 0 && (!w->accept || w->accept(w->accept_data, d)))
			return 0;
		if (r >= 0)
			r = fail_not_found(w, err);
		device_close(d);
		if (!w->max_wait_ms || !waiting_helps(w, err))
			return r;
		if (!wait_for_uevent(events, deadline))
			return error_add_detail(err, "waited %u ms", w->max_wait_ms);
		error_clear(err);
	}
}

void device_close(struct device *d)
{
	if (d->interface_claimed)
		libusb_release_interface(d->handle, d->interface_number);
	if (d->handle)
		libusb_close(d->handle);
	if (d->context)
		libusb_exit(d->context);
	free(d->serial_number);
	*d = (struct device){ 0 };
}

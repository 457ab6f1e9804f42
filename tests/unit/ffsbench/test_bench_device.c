/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The selection of the device, with a fake libusb. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/device.h"

/* The devices on the fake bus: echo devices with different addresses. */
struct libusb_device {
	uint8_t address;
	uint16_t product;
	const char *serial;
};
static struct libusb_device connected[4];
static unsigned int n_connected;
static libusb_device *claimed;

static const struct libusb_endpoint_descriptor endpoints[] = {
	{ .bEndpointAddress = 0x81, .bmAttributes = 2, .wMaxPacketSize = 512 },
	{ .bEndpointAddress = 0x02, .bmAttributes = 2, .wMaxPacketSize = 512 },
};
static const struct libusb_interface_descriptor setting = {
	.bInterfaceClass = LIBUSB_CLASS_VENDOR_SPEC, .bNumEndpoints = 2, .endpoint = endpoints
};
static const struct libusb_interface interface = { .altsetting = &setting, .num_altsetting = 1 };
static struct libusb_config_descriptor config = { .bConfigurationValue = 1,
						  .bNumInterfaces = 1,
						  .interface = &interface };

int libusb_init(libusb_context **ctx)
{
	*ctx = (libusb_context *)connected;
	return 0;
}

void libusb_exit(libusb_context *ctx)
{
	(void)ctx;
}

ssize_t libusb_get_device_list(libusb_context *ctx, libusb_device ***list)
{
	(void)ctx;
	*list = xcalloc(n_connected + 1, sizeof(**list));
	for (unsigned int i = 0; i < n_connected; i++)
		(*list)[i] = &connected[i];
	return n_connected;
}

void libusb_free_device_list(libusb_device **list, int unref)
{
	(void)unref;
	free(list);
}

int libusb_get_device_descriptor(libusb_device *dev, struct libusb_device_descriptor *desc)
{
	*desc = (struct libusb_device_descriptor){ .idVendor = 0x1d6b,
						   .idProduct = dev->product,
						   .iSerialNumber = dev->serial ? 3 : 0 };
	return 0;
}

int libusb_get_active_config_descriptor(libusb_device *dev, struct libusb_config_descriptor **c)
{
	(void)dev;
	*c = &config;
	return 0;
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *c)
{
	(void)c;
}

uint8_t libusb_get_bus_number(libusb_device *dev)
{
	(void)dev;
	return 1;
}

uint8_t libusb_get_device_address(libusb_device *dev)
{
	return dev->address;
}

int libusb_get_device_speed(libusb_device *dev)
{
	(void)dev;
	return LIBUSB_SPEED_HIGH;
}

int libusb_get_port_numbers(libusb_device *dev, uint8_t *ports, int length)
{
	(void)dev;
	(void)ports;
	(void)length;
	return 0;
}

int libusb_open(libusb_device *dev, libusb_device_handle **h)
{
	*h = (libusb_device_handle *)dev;
	return 0;
}

void libusb_close(libusb_device_handle *h)
{
	(void)h;
}

int libusb_get_string_descriptor_ascii(libusb_device_handle *h, uint8_t index, unsigned char *data,
				       int length)
{
	const libusb_device *dev = (const libusb_device *)h;

	(void)index;
	return snprintf((char *)data, (size_t)length, "%s", dev->serial);
}

int libusb_set_auto_detach_kernel_driver(libusb_device_handle *h, int enable)
{
	(void)h;
	(void)enable;
	return 0;
}

int libusb_claim_interface(libusb_device_handle *h, int number)
{
	(void)number;
	claimed = (libusb_device *)h;
	return 0;
}

int libusb_release_interface(libusb_device_handle *h, int number)
{
	(void)h;
	(void)number;
	claimed = NULL;
	return 0;
}

int libusb_set_interface_alt_setting(libusb_device_handle *h, int number, int alternate)
{
	(void)h;
	(void)number;
	(void)alternate;
	return 0;
}

const char *libusb_strerror(int code)
{
	(void)code;
	return "error";
}

static const struct device_filter any = { .interface_number = -1,
					  .needs_out = true,
					  .needs_in = true };

static void connect_three(void)
{
	connected[0] = (struct libusb_device){ 4, 0x0104, "one" };
	connected[1] = (struct libusb_device){ 5, 0x0104, "two" };
	connected[2] = (struct libusb_device){ 7, 0x0105, NULL };
	n_connected = 3;
}

static void refused(const struct device_filter *w, const char *text)
{
	_cleanup_free_ char *said = NULL;
	struct error err = { 0 };
	struct device d;

	cr_assert_lt(device_open(w, &d, &err), 0);
	cr_assert_eq(err.exit, EX_USAGE);
	said = error_text(&err);
	cr_assert_str_eq(said, text);
	cr_assert_null(claimed);
	error_clear(&err);
}

static void opens(const struct device_filter *w, unsigned int address)
{
	struct error err = { 0 };
	struct device d;

	cr_assert_eq(device_open(w, &d, &err), 0, "%s", err.text);
	cr_assert_eq(d.device_address, address);
	cr_assert(claimed && claimed->address == address);
	device_close(&d);
	cr_assert_null(claimed);
}

Test(device, several_matching_devices_are_an_error)
{
	struct device_filter w = any;

	connect_three();
	refused(&w, "several devices match: 1d6b:0104 at 1/4, 1d6b:0104 at 1/5, 1d6b:0105 at 1/7; "
		    "choose one with --device BUS/ADDRESS");
	w.select_by_id = true;
	w.vendor_id = 0x1d6b;
	w.product_id = 0x0104;
	refused(&w, "several devices match: 1d6b:0104 at 1/4, 1d6b:0104 at 1/5; "
		    "choose one with --device BUS/ADDRESS");
}

Test(device, the_only_matching_device_is_opened)
{
	struct device_filter by_id = any, by_address = any, by_serial = any;

	connect_three();
	by_id.select_by_id = true;
	by_id.vendor_id = 0x1d6b;
	by_id.product_id = 0x0105;
	opens(&by_id, 7);
	by_address.select_by_address = true;
	by_address.bus_number = 1;
	by_address.device_address = 5;
	opens(&by_address, 5);
	by_serial.serial_number = "one";
	opens(&by_serial, 4);
}

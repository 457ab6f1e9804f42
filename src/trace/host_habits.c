/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: those of tests/lab/hosts/replay, which has the requests of each system, and of firmware
 * what tests/lab/machines sees in the lab (test_trace.py).
 */
#include "trace/host_habits.h"

#include <endian.h>

#include "base/util.h"
#include "trace/request_words.h"

static void add_string(struct host_habits *h, unsigned int index, unsigned int length)
{
	if (index == MICROSOFT_STRING) {
		h->asked_microsoft_string = true;
		return;
	}
	if (!h->first_device) /* a program's, before the system that is next has begun */
		return;
	h->n_strings++;
	h->n_strings_2 += length == 2;
	h->n_strings_4 += length == 4;
	h->n_strings_255 += length == 255;
}

static void add_descriptor(struct host_habits *h, unsigned int value, unsigned int length)
{
	switch (value >> 8) {
	case USB_DT_DEVICE:
		h->first_device = h->first_device ? h->first_device : length;
		break;
	case USB_DT_CONFIG:
		h->first_config = h->first_config ? h->first_config : length;
		break;
	case USB_DT_STRING:
		add_string(h, value & 0xff, length);
		break;
	case USB_DT_DEVICE_QUALIFIER:
		h->asked_qualifier = true;
		break;
	case USB_DT_BOS:
		h->asked_bos = true;
		break;
	}
}

void host_habits_add(struct host_habits *h, const struct usb_ctrlrequest *r, bool is_webusb)
{
	h->asked_webusb = h->asked_webusb || is_webusb;
	if ((r->bRequestType & USB_TYPE_MASK) != USB_TYPE_STANDARD)
		return;
	if (r->bRequest == USB_REQ_GET_DESCRIPTOR)
		add_descriptor(h, le16toh(r->wValue), le16toh(r->wLength));
}

static bool is_windows_by_string(const struct host_habits *h)
{
	return h->asked_microsoft_string;
}

static bool is_windows_by_lengths(const struct host_habits *h)
{
	return h->n_strings_255 >= 2 && h->n_strings_4 >= 1;
}

static bool is_chromeos(const struct host_habits *h)
{
	return h->asked_webusb;
}

static bool is_linux(const struct host_habits *h)
{
	return h->n_strings >= 2 && h->n_strings == h->n_strings_255;
}

static bool is_edk2(const struct host_habits *h)
{
	return h->first_device == 8 && h->first_config == 8;
}

static bool is_macos(const struct host_habits *h)
{
	return h->n_strings_2 >= 2;
}

static bool is_seabios(const struct host_habits *h)
{
	return h->first_device == 8 && h->first_config == 9 && h->n_strings == 0 && !h->asked_bos;
}

/* The first row that fits counts. */
static const struct {
	bool (*fits)(const struct host_habits *h);
	struct host_guess guess;
} hosts[] = {
	{ is_windows_by_string,
	  { "Windows", "it asked for string 0xee, the Microsoft OS descriptors" } },
	{ is_windows_by_lengths,
	  { "Windows", "it asked for strings of 255 bytes and for the languages with 4" } },
	{ is_chromeos, { "Chrome on any system", "it asked for the landing page of WebUSB" } },
	{ is_linux,
	  { "Linux, as also Android and ChromeOS are",
	    "it asked for all strings with 255 bytes" } },
	{ is_edk2,
	  { "UEFI firmware (EDK II)",
	    "it asked for 8 bytes of the device and of a configuration" } },
	{ is_macos,
	  { "macOS or iOS", "it asked for 2 bytes of each string, and then for its length" } },
	{ is_seabios,
	  { "BIOS firmware (SeaBIOS)", "it asked for 8 bytes of the device, and for no string" } },
};

const struct host_guess *host_guess_by_habits(const struct host_habits *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (hosts[i].fits(h))
			return &hosts[i].guess;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/known.h"

#include <linux/usb/ch9.h>
#include <stdlib.h>
#include <string.h>

#include "base/little_endian.h"
#include "base/util.h"
#include "trace/request_words.h"

#define PLATFORM_CAPABILITY 5 /* linux/usb/ch9.h does not define it */

void known_free(struct known *k)
{
	for (size_t i = 0; i < KNOWN_INTERFACES_MAX; i++)
		free(k->interfaces[i].label);
	free(k->only_function);
	*k = KNOWN_NOTHING;
}

const struct known_interface *known_find(const struct known *k, unsigned int number)
{
	return number < KNOWN_INTERFACES_MAX && k->interfaces[number].is_known
		       ? &k->interfaces[number]
		       : NULL;
}

const char *known_label(const struct known *k, unsigned int number)
{
	const struct known_interface *i = known_find(k, number);

	return i && i->label ? i->label : k->only_function;
}

void known_set_interface(struct known *k, unsigned int number, const uint8_t class[3],
			 const char *label)
{
	struct known_interface *i;

	if (number >= KNOWN_INTERFACES_MAX)
		return;
	i = &k->interfaces[number];
	i->is_known = true;
	memcpy(i->class, class, sizeof(i->class));
	if (!label)
		return;
	free(i->label);
	i->label = xstrdup(label);
}

/* Calls learn() for each complete descriptor of the data. */
static void for_each_descriptor(struct known *k, const uint8_t *data, size_t n,
				void (*learn)(struct known *k, const uint8_t *descriptor))
{
	for (size_t at = 0; at + 2 <= n && data[at] >= 2 && at + data[at] <= n; at += data[at])
		learn(k, data + at);
}

static void learn_interface(struct known *k, const uint8_t *d)
{
	if (d[1] == USB_DT_INTERFACE && d[0] >= USB_DT_INTERFACE_SIZE && d[3] == 0)
		known_set_interface(k, d[2], d + 5, NULL);
}

/* WebUSB 4.1: a platform capability with this UUID has the code of the vendor request. */
static void learn_capability(struct known *k, const uint8_t *d)
{
	static const uint8_t webusb[] = { 0x38, 0xb6, 0x08, 0x34, 0xa9, 0x09, 0xa0, 0x47,
					  0x8b, 0xfd, 0xa0, 0x76, 0x88, 0x15, 0xb6, 0x65 };

	if (d[1] == USB_DT_DEVICE_CAPABILITY && d[0] >= 24 && d[2] == PLATFORM_CAPABILITY &&
	    memcmp(d + 4, webusb, sizeof(webusb)) == 0)
		k->webusb_code = d[22];
}

void known_learn(struct known *k, unsigned int descriptor, unsigned int index, const uint8_t *data,
		 size_t n)
{
	if (descriptor == USB_DT_STRING && index == MICROSOFT_STRING && n >= 18)
		k->microsoft_code = data[16];
	if (descriptor == USB_DT_CONFIG && n >= USB_DT_CONFIG_SIZE) {
		k->total_length = get_le16(data + 2);
		k->max_power = data[8];
		for_each_descriptor(k, data, n, learn_interface);
	}
	if (descriptor == USB_DT_BOS)
		for_each_descriptor(k, data, n, learn_capability);
}

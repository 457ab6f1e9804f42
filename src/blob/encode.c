/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob/encode.h"

#include <linux/usb/ch9.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/uapi.h"

/* Begins a part: the next bytes are encoded from the gadget-file key at the position `at`. */
static void begin_blob_part(struct ffs_blob *b, const struct position *at)
{
	*array_add(b->parts, b->n_parts) = (struct ffs_blob_part){ b->size, at };
}

static void put_data(struct ffs_blob *b, const void *data, size_t n)
{
	if (b->size + n > b->allocated) {
		b->allocated = (b->size + n) * 2;
		b->data = xreallocarray(b->data, b->allocated, 1);
	}
	if (n > 0)
		memcpy(b->data + b->size, data, n);
	b->size += n;
}

static void put8(struct ffs_blob *b, unsigned int v)
{
	put_data(b, &(uint8_t){ (uint8_t)v }, 1);
}

static void put16(struct ffs_blob *b, unsigned int v)
{
	put8(b, v & 0xff);
	put8(b, v >> 8 & 0xff);
}

static void put32(struct ffs_blob *b, uint32_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16);
}

static void set32(struct ffs_blob *b, size_t offset, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b->data[offset + (size_t)i] = (uint8_t)(v >> 8 * i);
}

static unsigned int count_endpoints(const struct interface *intf, unsigned int alternate)
{
	unsigned int n = 0;

	for (size_t i = 0; i < intf->n_endpoints; i++)
		n += intf->endpoints[i].alternate == alternate;
	return n;
}

/*
 * Appends an interface descriptor (USB 2.0, 9.6.5). `string` is the number of the interface's
 * string in this blob; 0: no string.
 */
static void put_interface(struct ffs_blob *b, const struct interface *intf, size_t number,
			  unsigned int alternate, unsigned int string)
{
	put8(b, USB_DT_INTERFACE_SIZE);
	put8(b, USB_DT_INTERFACE);
	put8(b, (unsigned int)number);
	put8(b, alternate);
	put8(b, count_endpoints(intf, alternate));
	if (alternate > 0 && alternate <= FFS_ALTERNATES_MAX &&
	    intf->alternate_class[alternate - 1].class) {
		put8(b, intf->alternate_class[alternate - 1].class);
		put8(b, intf->alternate_class[alternate - 1].subclass);
		put8(b, intf->alternate_class[alternate - 1].protocol);
	} else {
		put8(b, intf->class);
		put8(b, intf->subclass);
		put8(b, intf->protocol);
	}
	put8(b, string);
}

static const uint8_t xfer_type[] = {
	[EP_BULK] = USB_ENDPOINT_XFER_BULK,
	[EP_INTERRUPT] = USB_ENDPOINT_XFER_INT,
	[EP_ISOCHRONOUS] = USB_ENDPOINT_XFER_ISOC,
};

/*
 * Appends an endpoint descriptor (USB 2.0, 9.6.6) and at SuperSpeed its companion (USB 3.2, 9.6.7).
 * Returns the number of descriptors.
 */
static uint32_t put_endpoint(struct ffs_blob *b, const struct endpoint *ep, int speed)
{
	const struct endpoint_speed_values *s = &ep->speed[speed];
	unsigned int more =
		s->mult > 1 ? s->mult - 1U : 0; /* transactions or bursts beyond the first */

	begin_blob_part(b, &ep->at);
	put8(b, USB_DT_ENDPOINT_SIZE);
	put8(b, USB_DT_ENDPOINT);
	put8(b, ep->address);
	/*
	 * Bits 2 to 5 of bmAttributes are 0. For an isochronous endpoint, this means: no
	 * synchronization, data endpoint.
	 */
	put8(b, xfer_type[ep->type]);
	put16(b, s->max_packet | (speed == EP_HIGH ? more << 11 : 0));
	put8(b, s->interval);
	if (speed != EP_SUPER)
		return 1;
	put8(b, USB_DT_SS_EP_COMP_SIZE);
	put8(b, USB_DT_SS_ENDPOINT_COMP);
	put8(b, s->burst);
	put8(b, more); /* bmAttributes: Mult; no streams (the kernel never sets stream_id) */
	/*
	 * wBytesPerInterval: maximum bytes of a periodic endpoint in a service interval; 0 for bulk
	 */
	put16(b, ep->type == EP_BULK ? 0 : s->max_packet * (s->burst + 1U) * (more + 1));
	return 2;
}

/*
 * Returns string `i`, counted from 0: first the strings of the interfaces, then those of the
 * associations. Returns NULL if `i` is too large. The returned string may have no text
 * (n_texts is 0).
 */
static const struct ffs_string *nth_string(const struct ffs *ffs, size_t i)
{
	if (i < ffs->n_interfaces)
		return &ffs->interfaces[i].string;
	i -= ffs->n_interfaces;
	return i < ffs->n_associations ? &ffs->associations[i].string : NULL;
}

/* Returns the number of the string in this blob; 0: the string has no text. */
static unsigned int string_number(const struct ffs *ffs, const struct ffs_string *string)
{
	const struct ffs_string *s;
	unsigned int number = 1;

	if (string->n_texts == 0)
		return 0;
	for (size_t i = 0; (s = nth_string(ffs, i)) != string; i++)
		number += s->n_texts > 0;
	return number;
}

/* Appends an association (USB 3.2, 9.6.4). The kernel does not renumber bFirstInterface. */
static uint32_t put_association(struct ffs_blob *b, const struct ffs *ffs, size_t interface)
{
	for (size_t i = 0; i < ffs->n_associations; i++) {
		const struct association *a = &ffs->associations[i];

		if (a->first_interface != interface)
			continue;
		begin_blob_part(b, &a->at);
		put8(b, USB_DT_INTERFACE_ASSOCIATION_SIZE);
		put8(b, USB_DT_INTERFACE_ASSOCIATION);
		put8(b, ffs->first_interface + (unsigned int)a->first_interface);
		put8(b, a->n_interfaces);
		put8(b, a->class);
		put8(b, a->subclass);
		put8(b, a->protocol);
		put8(b, string_number(ffs, &a->string));
		return 1;
	}
	return 0;
}

/*
 * Appends one alternate setting with its endpoints. The string (iInterface) and the additional
 * descriptors of the interface are written only once, with alternate setting 0.
 */
static uint32_t put_alternate_setting(struct ffs_blob *b, const struct ffs *ffs, size_t number,
				      unsigned int alternate, int speed)
{
	const struct interface *intf = &ffs->interfaces[number];
	uint32_t n = 1;

	begin_blob_part(b, &intf->at);
	put_interface(b, intf, number, alternate,
		      alternate == 0 ? string_number(ffs, &intf->string) : 0);
	if (intf->n_extra_descriptors > 0 && alternate == 0)
		begin_blob_part(b, &intf->extra_descriptors_at);
	for (size_t i = 0; i < intf->n_extra_descriptors && alternate == 0; i++, n++)
		put_data(b, intf->extra_descriptors[i].data, intf->extra_descriptors[i].size);
	for (size_t e = 0; e < intf->n_endpoints; e++)
		if (intf->endpoints[e].alternate == alternate)
			n += put_endpoint(b, &intf->endpoints[e], speed);
	return n;
}

/* Appends the descriptors of one speed. Returns the number of descriptors. */
static uint32_t put_speed_descriptors(struct ffs_blob *b, const struct ffs *ffs, int speed)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		n += put_association(b, ffs, i);
		for (unsigned int alt = 0; alt <= ffs->interfaces[i].highest_alternate; alt++)
			n += put_alternate_setting(b, ffs, i, alt, speed);
	}
	return n;
}

/* --- bcdVersion of Microsoft OS descriptors 1.0 --- */

#define OS_VERSION 0x0100
#define OS_VERSION_SWAPPED 0x0001
#define EXT_COMPAT_ID 4
#define EXT_PROPERTIES 5

/*
 * Appends the header of an OS descriptor. Returns the offset of dwLength, which the caller sets
 * later.
 */
static size_t put_os_header(struct ffs_blob *b, size_t interface, unsigned int version,
			    unsigned int index, size_t count)
{
	size_t length_at = b->size + 1;

	put8(b, (unsigned int)interface);
	put32(b, 0);
	put16(b, version);
	put16(b, index);
	put16(b, (unsigned int)count);
	return length_at;
}

static void put_compat_ids(struct ffs_blob *b, const struct ffs *ffs, unsigned int version)
{
	static const uint8_t reserved[6];
	size_t start = b->size;
	size_t length_at = put_os_header(b, 0, version, EXT_COMPAT_ID, ffs->n_interfaces);

	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		begin_blob_part(b, &ffs->interfaces[i].at);
		put8(b, (unsigned int)i);
		put8(b, 1); /* Reserved1 */
		put_data(b, ffs->interfaces[i].compatible, OS_ID_SIZE);
		put_data(b, ffs->interfaces[i].sub_compatible, OS_ID_SIZE);
		put_data(b, reserved, sizeof(reserved));
	}
	set32(b, length_at, (uint32_t)(b->size - start));
}

static void put_property(struct ffs_blob *b, const struct os_property *p)
{
	size_t name = strlen(p->name) + 1;

	begin_blob_part(b, &p->at);
	put32(b, (uint32_t)(14 + name + p->data.size));
	put32(b, p->data_type);
	put16(b, (unsigned int)name);
	put_data(b, p->name, name);
	put32(b, (uint32_t)p->data.size);
	put_data(b, p->data.data, p->data.size);
}

/*
 * Appends the Microsoft OS descriptors of all interfaces to the blob. Returns the number of
 * descriptors.
 */
static uint32_t put_os_descs(struct ffs_blob *b, const struct ffs *ffs, unsigned int version)
{
	uint32_t n = 1;

	begin_blob_part(b, &ffs->at);
	put_compat_ids(b, ffs, version);
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		const struct interface *intf = &ffs->interfaces[i];
		size_t start = b->size, length_at;

		if (intf->n_properties == 0)
			continue;
		begin_blob_part(b, &intf->at);
		length_at = put_os_header(b, i, version, EXT_PROPERTIES, intf->n_properties);
		for (size_t p = 0; p < intf->n_properties; p++)
			put_property(b, &intf->properties[p]);
		set32(b, length_at, (uint32_t)(b->size - start));
		n++;
	}
	return n;
}

static void put_bytes(struct ffs_blob *b, const struct ffs_bytes *bytes, const struct position *at)
{
	begin_blob_part(b, at);
	put_data(b, bytes->data, bytes->size);
}

static uint32_t head_flags(const struct ffs *ffs)
{
	static const uint32_t has[EP_SPEED_COUNT] = {
		[EP_FULL] = FUNCTIONFS_HAS_FS_DESC,
		[EP_HIGH] = FUNCTIONFS_HAS_HS_DESC,
		[EP_SUPER] = FUNCTIONFS_HAS_SS_DESC,
	};
	uint32_t flags = ffs->flags;

	for (int s = 0; s < EP_SPEED_COUNT; s++)
		flags |= ffs->has_speed[s] ? has[s] : 0;
	flags |= ffs->has_os_descs ? FUNCTIONFS_HAS_MS_OS_DESC : 0;
	return flags;
}

/*
 * Returns the position of the key for the flag that the kernel accepts only with suitable endpoints
 * (FUNCTIONFS_RW_PROXY_EPS). If it is not set, returns the position of the function.
 */
static const struct position *head_flags_position(const struct ffs *ffs)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++)
		if (f->needs_in_out_pairs && ffs->flags & f->flag)
			return &ffs->flag_at[FFS_FLAG_NUMBER(f->flag)];
	return &ffs->at;
}

static void put_descriptors(struct ffs_blob *b, const struct ffs *ffs, unsigned int os_version)
{
	size_t count_at[EP_SPEED_COUNT] = { 0 }, os_count_at;

	begin_blob_part(b, &ffs->at);
	put32(b, FUNCTIONFS_DESCRIPTORS_MAGIC_V2);
	put32(b, 0); /* the length, which is set at the end */
	begin_blob_part(b, head_flags_position(ffs));
	put32(b, head_flags(ffs));
	begin_blob_part(b, &ffs->at);
	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		count_at[s] = b->size;
		if (ffs->has_speed[s])
			put32(b, 0);
	}
	os_count_at = b->size;
	if (ffs->has_os_descs)
		put32(b, 0);
	for (int s = 0; s < EP_SPEED_COUNT; s++)
		if (ffs->has_speed[s])
			set32(b, count_at[s], put_speed_descriptors(b, ffs, s));
	if (ffs->has_os_descs)
		set32(b, os_count_at, put_os_descs(b, ffs, os_version));
	set32(b, 4, (uint32_t)b->size);
}

void ffs_encode_descriptors(const struct ffs *ffs, struct ffs_blob *b)
{
	if (ffs->raw_descriptors.data)
		put_bytes(b, &ffs->raw_descriptors, &ffs->raw_descriptors_at);
	else
		put_descriptors(b, ffs, OS_VERSION);
}

/*
 * Returns the text in a language. Returns the first text if there is none in that language, because
 * every language must have every string.
 */
static const char *text_in_language(const struct ffs_string *string, uint16_t lang)
{
	for (size_t i = 0; i < string->n_texts; i++)
		if (string->texts[i].lang == lang)
			return string->texts[i].text;
	return string->texts[0].text;
}

static bool contains_lang(const uint16_t *langs, size_t n, uint16_t lang)
{
	for (size_t i = 0; i < n; i++)
		if (langs[i] == lang)
			return true;
	return false;
}

void ffs_encode_strings(const struct ffs *ffs, struct ffs_blob *b)
{
	_cleanup_free_ uint16_t *langs = NULL;
	const struct ffs_string *string;
	size_t n_langs = 0, n_strings = 0;

	if (ffs->raw_strings.data) {
		put_bytes(b, &ffs->raw_strings, &ffs->raw_strings_at);
		return;
	}
	for (size_t i = 0; (string = nth_string(ffs, i)); i++) {
		n_strings += string->n_texts > 0;
		for (size_t t = 0; t < string->n_texts; t++)
			if (!contains_lang(langs, n_langs, string->texts[t].lang))
				*array_add(langs, n_langs) = string->texts[t].lang;
	}
	begin_blob_part(b, ffs->raw_descriptors.data ? &ffs->raw_descriptors_at : &ffs->at);
	put32(b, FUNCTIONFS_STRINGS_MAGIC);
	put32(b, 0);
	put32(b, (uint32_t)n_strings);
	put32(b, (uint32_t)n_langs);
	for (size_t l = 0; l < n_langs; l++) {
		begin_blob_part(b, &ffs->at);
		put16(b, langs[l]);
		for (size_t i = 0; (string = nth_string(ffs, i)); i++) {
			if (string->n_texts > 0) {
				const char *text = text_in_language(string, langs[l]);

				begin_blob_part(b, &string->at);
				put_data(b, text, strlen(text) + 1);
			}
		}
	}
	set32(b, 4, (uint32_t)b->size);
}

/* --- blobs --- */

void ffs_blob_clear(struct ffs_blob *b)
{
	free(b->data);
	free(b->parts);
	*b = (struct ffs_blob){ 0 };
}

const struct position *ffs_blob_position(const struct ffs_blob *b, size_t offset)
{
	size_t i = b->n_parts;

	while (i > 1 && b->parts[i - 1].offset > offset)
		i--;
	return i > 0 ? b->parts[i - 1].at : NULL;
}

static uint8_t *steal_bytes(struct ffs_blob *b, size_t *size)
{
	uint8_t *data = steal_ptr(b->data);

	*size = b->size;
	ffs_blob_clear(b);
	return data;
}

uint8_t *ffs_blob_descriptors(const struct ffs *ffs, size_t *size)
{
	struct ffs_blob b = { 0 };

	ffs_encode_descriptors(ffs, &b);
	return steal_bytes(&b, size);
}

uint8_t *ffs_blob_descriptors_with_swapped_os_version(const struct ffs *ffs, size_t *size)
{
	struct ffs_blob b = { 0 };

	put_descriptors(&b, ffs, OS_VERSION_SWAPPED);
	return steal_bytes(&b, size);
}

uint8_t *ffs_blob_strings(const struct ffs *ffs, size_t *size)
{
	struct ffs_blob b = { 0 };

	ffs_encode_strings(ffs, &b);
	return steal_bytes(&b, size);
}

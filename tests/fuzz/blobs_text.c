/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Microsoft OS descriptors, and the second blob: strings. */
#include <string.h>

#include "base/util.h"
#include "blobs_parts.h"

#define MAX_ALLOC (4u << 20)

/* --- Microsoft OS descriptors --- */

static uint8_t some_interface(struct template_state *m)
{
	unsigned int n = m->plan.interfaces;

	return (uint8_t)(twisted(m, TWIST_OS_INTERFACE) ? n + dice_below(&m->d, 3)
							: dice_below(&m->d, n));
}

static void put_compat(struct template_state *m, struct blob *b, unsigned int n)
{
	static const char *const ids[] = { "WINUSB\0", "MTP\0\0\0\0", "RNDIS\0\0", "PTP_2\0\0" };
	/* Each interface once, as long as there are any */
	unsigned int interface = n < m->plan.interfaces ? n : some_interface(m);
	uint8_t d[24] = { (uint8_t)interface, 1 };

	if (twisted(m, TWIST_OS_INTERFACE))
		d[0] = some_interface(m);
	memcpy(d + 2, ids[dice_below(&m->d, ARRAY_SIZE(ids))], 8);
	if (twisted(m, TWIST_COMPAT_VALUE))
		d[1 + dice_below(&m->d, 23)] = (uint8_t)dice_below(&m->d, 3);
	if (dice_percent(&m->d, 10))
		d[1] = 0;
	blob_put(b, d, sizeof(d));
}

static const struct {
	const char *name, *data;
	uint8_t name_size, data_size, type;
} props[] = {
	{ "DeviceInterfaceGUID", "{0}", 20, 4, 1 },
	{ "DeviceInterfaceGUIDs", "{0}\0", 21, 5, 7 },
	{ "Label", "x", 6, 2, 1 },
	{ "Icons", "%SystemRoot%", 6, 13, 2 },
	{ "Raw", "\1\2\3", 4, 3, 3 },
	{ "Number", "\1\0\0\0", 7, 4, 4 },
	{ "Big", "\0\0\0\1", 4, 4, 5 },
	{ "Link", "y", 5, 2, 6 },
	{ "Empty", "", 6, 0, 1 },
	{ "", "nameless", 0, 8, 3 }, /* the kernel accepts it, the standards do not */
};

static uint32_t some_type(struct template_state *m, uint32_t type)
{
	if (!twisted(m, TWIST_PROP_TYPE))
		return type;
	return dice_percent(&m->d, 70) ? dice_below(&m->d, 10) : (uint32_t)dice_next(&m->d);
}

static uint32_t some_size(struct template_state *m, enum twist twist, uint32_t n)
{
	return some_count(m, twist, n, n + 256); /* the kernel keeps dwSize in a byte */
}

static void put_prop(struct template_state *m, struct blob *b)
{
	size_t i = dice_below(&m->d, (uint32_t)ARRAY_SIZE(props) - m->plan.standard);
	unsigned int name = props[i].name_size, data = props[i].data_size;

	blob_put32(b, some_size(m, TWIST_PROP_SIZE, 14 + name + data));
	blob_put32(b, some_type(m, props[i].type));
	blob_put16(b, some_size(m, TWIST_PROP_NAME, name) & 0xffff);
	blob_put(b, props[i].name, name);
	if (name > 1 && dice_percent(&m->d, 5))
		b->data[b->size - 1 - dice_below(&m->d, name)] ^= 'x';
	blob_put32(b, some_size(m, TWIST_PROP_DATA, data));
	blob_put(b, props[i].data, data);
	if (dice_percent(&m->d, 5))
		b->data[b->size - data - 4 - name - 2 - 4] = (uint8_t)(1 + dice_below(&m->d, 7));
}

static void put_section(struct template_state *m, struct blob *b, bool compat)
{
	unsigned int n = dice_below(&m->d, compat ? m->plan.interfaces + 1 : 4), count = n;
	unsigned int version = dice_percent(&m->d, 80) ? 0x0001 : 0x0100;
	unsigned int index = compat ? 4 : 5;
	size_t at = b->size;

	if (twisted(m, TWIST_OS_VERSION))
		version =
			dice_percent(&m->d, 50) ? 0x0200 : (unsigned int)dice_next(&m->d) & 0xffff;
	if (twisted(m, TWIST_OS_INDEX))
		index = dice_below(&m->d, 8);
	if (twisted(m, TWIST_OS_COUNT))
		count = dice_percent(&m->d, 50) ? n + 1 : n | dice_below(&m->d, 3) << 8;
	blob_put8(b, some_interface(m));
	blob_put32(b, 0);
	blob_put16(b, version);
	blob_put16(b, index);
	blob_put16(b, count);
	for (unsigned int i = 0; i < n; i++) {
		if (compat)
			put_compat(m, b, i);
		else
			put_prop(m, b);
	}
	blob_set32(b, at + 1, some_size(m, TWIST_OS_LENGTH, (uint32_t)(b->size - at)));
}

void make_os_descriptors(struct template_state *m, struct blob *b)
{
	bool compat = dice_percent(&m->d, 60);

	for (unsigned int i = 0; i < m->plan.os; i++) {
		put_section(m, b, compat);
		/* Two sections of IDs are two IDs for an interface */
		compat = !m->plan.standard && dice_percent(&m->d, 40);
	}
	if (m->twist == TWIST_OS_HEAD_CUT)
		b->size -= dice_below(&m->d, (uint32_t)(b->size < 40 ? b->size : 40));
}

/* --- strings --- */

static void put_text(struct template_state *m, struct blob *b)
{
	static const char *const texts[] = {
		"",
		"x",
		"Loopback",
		"Küchenwaage",
		"データ",
		"😀 𝄞",
		"a b c d e",
		"naïve",
		"0123456789abcdef0123456789abcdef",
	};
	const char *text = texts[dice_below(&m->d, ARRAY_SIZE(texts))];
	size_t n = 1;

	if (twisted(m, TWIST_TEXT)) {
		if (dice_percent(&m->d, 50))
			text = "\xc3(";
		else
			n = 1 + dice_below(&m->d, 40);
	}
	while (n-- > 0)
		blob_put(b, text, strlen(text));
	blob_put8(b, 0);
}

static uint32_t some_languages(struct template_state *m)
{
	uint32_t needed = m->plan.strings, fit = (MAX_ALLOC - 8) / (8 + 16 * (needed + 2));

	if (m->twist == TWIST_LANGUAGES)
		return dice_percent(&m->d, 20) ? 100 + dice_below(&m->d, 60)
					       : 1 + dice_below(&m->d, 6);
	if (!twisted(m, TWIST_STRINGS_MEMORY))
		return 1 + dice_below(&m->d, 3);
	return dice_percent(&m->d, 60) ? fit + dice_below(&m->d, 3) - 1
				       : (uint32_t)dice_next(&m->d);
}

static uint32_t some_strings(struct template_state *m)
{
	uint32_t needed = m->plan.strings;

	if (twisted(m, TWIST_STRINGS_FEW))
		return dice_below(&m->d, needed + 2);
	return needed + (dice_percent(&m->d, 25) ? dice_below(&m->d, 4) : 0);
}

static uint16_t some_language(struct template_state *m, uint32_t n)
{
	static const uint16_t codes[] = { 0x0409, 0x0407, 0x0411, 0x040c, 0x0804, 0x0419 };

	if (twisted(m, TWIST_LANGUAGES) && dice_percent(&m->d, 20))
		return (uint16_t)(dice_percent(&m->d, 50) ? 0 : codes[0]);
	return n < ARRAY_SIZE(codes) ? codes[n] : (uint16_t)(0x0500 + n);
}

void make_strings(struct template_state *m, struct blob *b)
{
	uint32_t strings = some_strings(m), languages = strings > 0 ? some_languages(m) : 0;
	uint32_t there = languages;

	b->size = 0;
	/* The kernel reads no language if it cannot allocate memory for all */
	if (there > 200)
		there = dice_below(&m->d, 3);
	if (twisted(m, TWIST_STRINGS_PARITY)) {
		strings = dice_percent(&m->d, 50) ? 0 : strings;
		languages = !strings;
	}
	blob_put32(b, m->twist == TWIST_STRINGS_MAGIC ? dice_below(&m->d, 5) : 2);
	blob_put32(b, 0);
	blob_put32(b, strings);
	blob_put32(b, languages);
	for (uint32_t l = 0; l < there; l++) {
		blob_put16(b, some_language(m, l));
		for (uint32_t i = 0; i < strings; i++)
			put_text(m, b);
	}
	if (m->twist == TWIST_STRINGS_CUT && b->size > 16)
		b->size -= dice_below(&m->d, (uint32_t)(b->size - 15));
	if (m->twist == TWIST_STRINGS_TAIL)
		blob_put8(b, (unsigned int)dice_next(&m->d));
	blob_finish(b);
	if (m->twist == TWIST_STRINGS_LENGTH)
		blob_set32(b, 4, (uint32_t)b->size + dice_below(&m->d, 5) - 2);
}

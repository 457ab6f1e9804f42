/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of the device, its configurations and FunctionFS, as in composite.c and f_fs.c. */
#include "predict/predict.h"

#include <linux/usb/ch9.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/little_endian.h"
#include "base/text.h"
#include "blob/encode.h"
#include "blob/uapi.h"
#include "gadgetfile/types/language_id.h"
#include "predict/template.h"

bool predict_can_run_at_speed(const struct gadget *g, int speed)
{
	static const enum gadget_speed speeds[] = {
		[EP_FULL] = GADGET_SPEED_FULL,
		[EP_HIGH] = GADGET_SPEED_HIGH,
		[EP_SUPER] = GADGET_SPEED_SUPER,
	};

	return g->max_speed == GADGET_SPEED_NONE || g->max_speed >= speeds[speed];
}

static struct descriptor *add_descriptor(struct descriptors *out, const uint8_t *bytes, size_t size)
{
	struct descriptor *d = array_add(out->list, out->n);

	d->size = size < DESCRIPTOR_MAX ? size : DESCRIPTOR_MAX;
	memcpy(d->bytes, bytes, d->size);
	memset(d->certain_bits, 0xff, d->size);
	return d;
}

static void set_string_index(struct descriptor *d, size_t offset, const char *text)
{
	d->bytes[offset] = 0;
	d->certain_bits[offset] = text ? 0 : 0xff;
	if (text && d->n_strings < DESCRIPTOR_STRINGS)
		d->strings[d->n_strings++] =
			(struct descriptor_string){ .offset = offset, .text = xstrdup(text) };
}

/* --- FunctionFS ------------------------------------------------------------------------------- */

/*
 * Returns the text of string number `n` of the function's strings blob, in English (en-US) if the
 * blob has that language, else in its first one; NULL: there is none. The caller frees it.
 */
static char *ffs_string_text(const struct ffs *ffs, unsigned int n)
{
	size_t size, at = 16;
	_cleanup_free_ uint8_t *blob = ffs_blob_strings(ffs, &size);
	const uint32_t n_texts = size >= at ? get_le32(blob + 8) : 0,
		       n_languages = n_texts ? get_le32(blob + 12) : 0;
	const char *found = NULL;

	for (uint32_t l = 0; l < n_languages && at + 2 <= size; l++) {
		const bool is_english = (blob[at] | blob[at + 1] << 8) == LANG_EN_US;

		at += 2;
		for (uint32_t i = 1; i <= n_texts && at < size; i++) {
			const char *text = (const char *)blob + at;

			if (i == n && (is_english || !found))
				found = text;
			at += strnlen(text, size - at) + 1;
		}
	}
	return found ? xstrndup(found, size - (size_t)(found - (const char *)blob)) : NULL;
}

/*
 * Changes the interface number, string index or endpoint address in a descriptor of FunctionFS, as
 * the kernel does at the bind.
 */
static void renumber_descriptor(struct descriptor *d, const struct ffs *ffs,
				unsigned int first_interface)
{
	static const size_t string_at[] = {
		[USB_DT_INTERFACE] = 8,
		[USB_DT_INTERFACE_ASSOCIATION] = 7,
	};
	uint8_t type = d->bytes[1];
	size_t at = type < ARRAY_SIZE(string_at) ? string_at[type] : 0;

	if (type == USB_DT_INTERFACE)
		d->bytes[2] = (uint8_t)(d->bytes[2] + first_interface);
	if (type == USB_DT_ENDPOINT && d->size > 2) {
		d->certain_bits[2] = (uint8_t)~USB_ENDPOINT_NUMBER_MASK;
		d->bytes[2] &= (uint8_t)~USB_ENDPOINT_NUMBER_MASK;
	}
	if (at > 0 && at < d->size && d->bytes[at] != 0) {
		_cleanup_free_ char *text = ffs_string_text(ffs, d->bytes[at]);

		set_string_index(d, at, text ? text : "");
	}
}

size_t predict_find_ffs_descriptors(const uint8_t *blob, size_t size, int speed, uint32_t *count)
{
	bool old = get_le32(blob) != FUNCTIONFS_DESCRIPTORS_MAGIC_V2;
	uint32_t counts[EP_SPEED_COUNT + 1] = { 0 }, flags = old ? FUNCTIONFS_HAS_FS_DESC |
									     FUNCTIONFS_HAS_HS_DESC
								 : get_le32(blob + 8);
	size_t at = old ? 8 : 12;

	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		if (!(flags & 1U << s))
			continue;
		counts[s] = get_le32(blob + at);
		at += 4;
	}
	if (flags & FUNCTIONFS_HAS_MS_OS_DESC) {
		counts[EP_SPEED_COUNT] = get_le32(blob + at);
		at += 4;
	}
	for (int s = 0; s < speed; s++)
		for (uint32_t i = 0; i < counts[s] && at < size; i++)
			at += blob[at];
	*count = counts[speed];
	return at;
}

static unsigned int add_ffs_descriptors(const struct prediction_input *f,
					const struct function *function,
					unsigned int first_interface, struct descriptors *out)
{
	const struct ffs *ffs = function->ffs;
	size_t size, at;
	_cleanup_free_ uint8_t *blob = ffs_blob_descriptors(ffs, &size);
	uint32_t count;

	/* gadgetfile_load has already validated the lengths of the descriptors. */
	at = predict_find_ffs_descriptors(blob, size, f->speed, &count);
	for (uint32_t i = 0; i < count && at + 2 <= size && at + blob[at] <= size; i++) {
		struct descriptor *d = add_descriptor(out, blob + at, blob[at]);

		d->function = function;
		renumber_descriptor(d, ffs, first_interface);
		at += blob[at];
	}
	return (unsigned int)ffs->n_interfaces;
}

/* --- functions -------------------------------------------------------------------------------- */

static const struct function_template *find_template(const char *type)
{
	static const struct function_template *const tables[] = {
		function_templates,
		audio_templates,
		midi_templates,
		video_templates,
	};

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct function_template *r = tables[t]; r->type; r++)
			if (streq(r->type, type))
				return r;
	return NULL;
}

unsigned int predict_function(const struct prediction_input *f, const struct function *function,
			      unsigned int first_interface, struct descriptors *out)
{
	const struct function_template *template = find_template(function->type);

	if (function_descriptors(function))
		return add_ffs_descriptors(f, function, first_interface, out);
	return template ? template_apply(f, function, template, first_interface, out) : 0;
}

bool predict_covers_function(const struct function *function)
{
	return function->ffs || find_template(function->type);
}

/* --- configurations --------------------------------------------------------------------------- */

/*
 * Sets bMaxPower like encode_bMaxPower() of composite.c. If the gadget file sets no value, the
 * value depends on the kernel's build configuration.
 */
static void set_max_power(struct descriptor *d, const struct config *config, int speed)
{
	long long ma = config->max_power.set ? config->max_power.value : 0;
	bool self = config->bm_attributes.set &&
		    (config->bm_attributes.value & USB_CONFIG_ATT_SELFPOWER);

	if (ma == 0 && !self) {
		ma = 2; /* default of CONFIG_USB_GADGET_VBUS_DRAW, in mA */
		d->certain_bits[8] = 0;
	}
	d->bytes[8] = (uint8_t)(speed == EP_SUPER ? (ma > 900 ? 900 : ma) / 8
						  : (ma > 500 ? 500 : ma) / 2);
}

/* The kernel sends an empty text in a language that has none (configfs.c). */
static void set_config_string(struct descriptor *d, const struct config *config)
{
	const struct config_strings *s = config->strings;

	for (size_t i = 0; i < config->n_strings; i++)
		if (config->strings[i].lang == LANG_EN_US)
			s = &config->strings[i];
	if (config->n_strings > 0)
		set_string_index(d, 6, s->configuration ? s->configuration : "");
}

/*
 * Appends the descriptors of a function at the speed of the prediction. If it has none, the kernel
 * sends those of the next lower speed (function_descriptors() of composite.c). Returns the number
 * of its interfaces.
 */
static unsigned int add_function(const struct prediction_input *f, const struct function *function,
				 unsigned int first_interface, struct descriptors *out)
{
	struct prediction_input lower = *f;
	const size_t start = out->n;
	unsigned int n;

	do {
		n = predict_function(&lower, function, first_interface, out);
	} while (out->n == start && lower.speed-- > EP_FULL);
	return n;
}

/*
 * Removes the texts of the strings from `start` on, if the function is of type Loopback and another
 * one is bound after it. All have one static table of strings, in which each bind changes the index
 * (loopback_bind() of f_loopback.c), so that a host gets the string of the last one only.
 */
static void remove_lost_strings(const struct gadget *g, const struct config *config,
				const struct function *function, struct descriptors *out,
				size_t start)
{
	const struct config *last_config;

	if (!streq(function->type, "Loopback") ||
	    (gadget_last_linked_function(g, function->type, &last_config) == function &&
	     config == last_config))
		return;
	for (size_t i = start; i < out->n; i++)
		for (size_t s = 0; s < out->list[i].n_strings; s++)
			out->list[i].strings[s].text[0] = '\0';
}

void predict_config(const struct prediction_input *f, const struct config *config,
		    struct descriptors *out)
{
	uint8_t head[USB_DT_CONFIG_SIZE] = { USB_DT_CONFIG_SIZE, USB_DT_CONFIG };
	size_t start = out->n, total = 0;
	unsigned int interfaces = 0;
	bool maybe = false, unknown = false;
	struct descriptor *d;

	head[5] = (uint8_t)config->id;
	head[7] = (uint8_t)(config->bm_attributes.set ? config->bm_attributes.value
						      : USB_CONFIG_ATT_ONE);
	d = add_descriptor(out, head, sizeof(head));
	set_config_string(d, config);
	set_max_power(d, config, f->speed);
	/* The kernel clears remote wakeup if the UDC does not support it. */
	if (head[7] & USB_CONFIG_ATT_WAKEUP)
		d->certain_bits[7] = (uint8_t)~USB_CONFIG_ATT_WAKEUP;
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct function *function =
			&f->gadget->functions[config->functions[i].function_index];
		const size_t function_start = out->n;

		unknown |= !function_descriptors(function) && !find_template(function->type);
		interfaces += add_function(f, function, interfaces, out);
		remove_lost_strings(f->gadget, config, function, out, function_start);
	}
	for (size_t i = start; i < out->n; i++) {
		maybe |= out->list[i].depends_on_endpoints;
		total += out->list[i].size;
	}
	d = &out->list[start];
	d->bytes[2] = (uint8_t)total;
	d->bytes[3] = (uint8_t)(total >> 8);
	d->bytes[4] = (uint8_t)interfaces;
	if (maybe || unknown)
		d->certain_bits[2] = d->certain_bits[3] = 0;
	if (unknown)
		d->certain_bits[4] = 0;
}

/* Returns whether a function has descriptors of the speed. Those of a program are unknown. */
static bool may_have_descriptors(const struct prediction_input *f, const struct function *function)
{
	_cleanup_descriptors_ struct descriptors d = { 0 };

	if (!function_descriptors(function) && !find_template(function->type))
		return true;
	predict_function(f, function, 0, &d);
	return d.n > 0;
}

bool predict_has_config(const struct prediction_input *f, const struct config *config)
{
	for (size_t i = 0; i < config->n_functions; i++)
		if (may_have_descriptors(
			    f, &f->gadget->functions[config->functions[i].function_index]))
			return true;
	return false;
}

static unsigned int count_configs(const struct prediction_input *f)
{
	unsigned int n = 0;

	for (size_t i = 0; i < f->gadget->n_configs; i++)
		n += predict_has_config(f, &f->gadget->configs[i]);
	return n;
}

/* --- the device ------------------------------------------------------------------------------- */

static uint16_t device_descriptor_field(const struct gadget *g, enum gadget_attr attr)
{
	return (uint16_t)(g->device_attrs[attr].set ? g->device_attrs[attr].value : 0);
}

const struct gadget_strings *predict_device_strings(const struct gadget *g)
{
	for (size_t i = 0; i < g->n_strings; i++)
		if (g->strings[i].lang == LANG_EN_US)
			return &g->strings[i];
	return g->n_strings > 0 ? &g->strings[0] : NULL;
}

/*
 * Adds the device strings. The kernel gives them the indices 1 to 3, even if the gadget file does
 * not set a text (configfs_composite_bind).
 */
static void add_device_strings(const struct prediction_input *f, const struct gadget_strings *s,
			       struct descriptor *d)
{
	const char *from = s->serialnumber_source.value;
	const char *const texts[DESCRIPTOR_STRINGS] = {
		s->manufacturer.value,
		s->product.value,
		from ? f->serial_number : s->serialnumber.value,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct descriptor_string *string = &d->strings[d->n_strings++];

		d->bytes[14 + i] = (uint8_t)(i + 1);
		string->offset = 14 + i;
		string->from_key_value = i == 2 ? from : NULL;
		if (texts[i] || !string->from_key_value)
			string->text = xstrdup(texts[i] ? texts[i] : "");
	}
}

long long predict_gadget_number(const struct gadget *g, const char *path)
{
	const struct configfs_attribute *e =
		configfs_attributes_find(&g->configfs_attributes, path);

	return e && e->value ? strtoll(e->value, NULL, 0) : 0;
}

bool predict_has_webusb(const struct gadget *g)
{
	return predict_gadget_number(g, "webusb/use");
}

/* bcdUSB below SuperSpeed: its lower byte, the bits of it that are certain, and its words. */
struct usb_version {
	uint8_t minor, certain_bits;
	const char *words;
};

/* Returns bcdUSB below SuperSpeed, as composite.c sets it for GET_DESCRIPTOR (USB_DT_DEVICE). */
static struct usb_version find_usb_version(const struct prediction_input *f)
{
	const struct udc_facts unknown = { 0 }, *udc = f->udc ? f->udc : &unknown;
	bool webusb = f->kernel_version >= KERNEL_6_12 && predict_has_webusb(f->gadget);

	if (udc->superspeed == UDC_YES || (webusb && udc->webusb_fix == UDC_YES))
		return (struct usb_version){ 0x10, 0xff, NULL };
	if (!webusb && udc->superspeed == UDC_NO)
		return (struct usb_version){ 0x00, 0xfe, "2.00, or 2.01 if the UDC supports LPM" };
	if (!webusb)
		return (struct usb_version){ 0x00, 0x00,
					     "2.00, 2.01 or 2.10, depending on the UDC" };
	if (udc->superspeed == UDC_NO && udc->webusb_fix == UDC_NO)
		return (struct usb_version){ 0x01, 0xff, NULL };
	return (struct usb_version){ 0x10, 0xee,
				     udc->superspeed == UDC_NO
					     ? "2.10, or 2.01 if the kernel has no fix"
				     : udc->webusb_fix == UDC_NO
					     ? "2.10, or 2.01 if the UDC has no SuperSpeed"
					     : "2.10, or 2.01 if the UDC has no SuperSpeed and the "
					       "kernel no fix" };
}

void predict_device(const struct prediction_input *f, struct descriptors *out)
{
	const struct gadget *g = f->gadget;
	const struct gadget_strings *s = predict_device_strings(g);
	uint16_t usb = f->speed == EP_SUPER ? 0x0320 : 0x0200,
		 vendor = device_descriptor_field(g, GADGET_ID_VENDOR),
		 product = device_descriptor_field(g, GADGET_ID_PRODUCT),
		 release = device_descriptor_field(g, GADGET_BCD_DEVICE);
	struct descriptor *d = add_descriptor(
		out,
		(uint8_t[]){ USB_DT_DEVICE_SIZE, USB_DT_DEVICE, (uint8_t)usb, (uint8_t)(usb >> 8),
			     (uint8_t)device_descriptor_field(g, GADGET_DEVICE_CLASS),
			     (uint8_t)device_descriptor_field(g, GADGET_DEVICE_SUB_CLASS),
			     (uint8_t)device_descriptor_field(g, GADGET_DEVICE_PROTOCOL),
			     f->speed == EP_SUPER ? 9 : 64, (uint8_t)vendor, (uint8_t)(vendor >> 8),
			     (uint8_t)product, (uint8_t)(product >> 8), (uint8_t)release,
			     (uint8_t)(release >> 8), 0, 0, 0, (uint8_t)count_configs(f) },
		USB_DT_DEVICE_SIZE);

	if (f->speed != EP_SUPER) {
		const struct usb_version version = find_usb_version(f);

		d->bytes[2] = version.minor;
		d->certain_bits[2] = version.certain_bits;
		d->usb_versions = version.words;
	}
	/* At full speed, some UDCs have a smaller packet size of ep0. */
	if (f->speed == EP_FULL)
		d->certain_bits[7] = 0;
	/* The default of bcdDevice is the kernel's release. */
	if (!g->device_attrs[GADGET_BCD_DEVICE].set)
		d->certain_bits[12] = d->certain_bits[13] = 0;
	if (s)
		add_device_strings(f, s, d);
}

/* --- BOS -------------------------------------------------------------------------------------- */

/*
 * Sets the variables of bos_template, which include those of the WebUSB capability (WebUSB, 4.1;
 * Linux 6.3 and later).
 */
static void set_bos_variables(struct template_state *m)
{
	const struct gadget *g = m->prediction->gadget;
	const struct configfs_attribute *page =
		configfs_attributes_find(&g->configfs_attributes, "webusb/landingPage");
	bool super = m->prediction->speed == EP_SUPER,
	     webusb = template_number(m, "new") && predict_has_webusb(g);
	long long version = predict_gadget_number(g, "webusb/bcdVersion");

	template_set_number(m, "super", super);
	template_set_number(m, "webusb", webusb);
	template_set_number(m, "bos", super || webusb);
	template_set_number(m, "version", version ? version : 0x0100);
	template_set_number(m, "code", predict_gadget_number(g, "webusb/bVendorCode"));
	template_set_number(m, "page", page && page->size > 0);
}

/*
 * The descriptors that bos_desc() of composite.c makes. The UDC determines whether they report LPM
 * and SuperSpeed, and which exit latencies. If the UDC supports SuperSpeed, the descriptors report
 * SuperSpeed also when the device runs at high speed. If the UDC supports SuperSpeedPlus, the
 * kernel adds one more capability.
 */
static const struct function_template bos_template = {
	.prepare = set_bos_variables,
	.rows = {
		"?bos: 05 0f ?? ?? ??",
		"!bos: ~: 05 0f ?? ?? ??",
		"?super: !new: 07 10 02 ?? ?? ?? ??",
		"?super: ?new: ~: 07 10 02 ?? ?? ?? ??",
		"!super: ~: 07 10 02 ?? ?? ?? ??",
		"?super: 0a 10 03 00 0f 00 01 ?? ?? ??",
		"!super: ~: 0a 10 03 00 0f 00 01 ?? ?? ??",
		"?webusb: 18 10 05 00 38 b6 08 34 a9 09 a0 47 8b fd a0 76 88 15 b6 65 $version.2 $code "
		"$page",
	},
};

void predict_bos(const struct prediction_input *f, struct descriptors *out)
{
	template_apply(f, NULL, &bos_template, 0, out);
}

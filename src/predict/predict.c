/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of the device, its configurations and FunctionFS, as in composite.c and f_fs.c. */
#include "predict/predict.h"

#include <linux/usb/ch9.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "blob/encode.h"
#include "blob/uapi.h"
#include "gadgetfile/types/lang.h"
#include "predict/template.h"

const char *const predict_kernel_words[KERNEL_COUNT] = {
	[KERNEL_6_1] = "6.1",
	[KERNEL_6_12] = "6.12",
};

bool predict_find_kernel(const char *release, enum predict_kernel *kernel)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	*kernel = major > 6 || (major == 6 && minor >= 12) ? KERNEL_6_12 : KERNEL_6_1;
	return true;
}

bool predict_has_speed(const struct gadget *g, int speed)
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
	memset(d->certain, 0xff, d->size);
	return d;
}

static void set_string(struct descriptor *d, size_t offset, const char *text)
{
	d->bytes[offset] = 0;
	d->certain[offset] = text ? 0 : 0xff;
	if (text && d->n_strings < DESCRIPTOR_STRINGS)
		d->strings[d->n_strings++] =
			(struct descriptor_string){ .offset = offset, .text = xstrdup(text) };
}

/* --- FunctionFS ------------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Returns string `n` of the strings blob in its first language; NULL: none. The caller frees it. */
static char *string_of(const struct ffs *ffs, unsigned int n)
{
	size_t size, at = 18;
	_cleanup_free_ uint8_t *blob = ffs_blob_strings(ffs, &size);
	uint32_t count = size >= 16 ? get32(blob + 8) : 0;

	for (unsigned int i = 1; i <= count && at < size; i++) {
		size_t length = strnlen((const char *)blob + at, size - at);

		if (i == n)
			return xstrndup((const char *)blob + at, length);
		at += length + 1;
	}
	return NULL;
}

/* Renumbers the interface, string or endpoint in a descriptor, as the kernel does. */
static void renumber(struct descriptor *d, const struct ffs *ffs, unsigned int first_interface)
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
		d->certain[2] = (uint8_t)~USB_ENDPOINT_NUMBER_MASK;
		d->bytes[2] &= (uint8_t)~USB_ENDPOINT_NUMBER_MASK;
	}
	if (at > 0 && at < d->size && d->bytes[at] != 0) {
		_cleanup_free_ char *text = string_of(ffs, d->bytes[at]);

		set_string(d, at, text ? text : "");
	}
}

/* Returns the offset of the descriptors of a speed in the blob. Sets *count to their number. */
static size_t find_speed(const uint8_t *blob, size_t size, int speed, uint32_t *count)
{
	bool old = get32(blob) != FUNCTIONFS_DESCRIPTORS_MAGIC_V2;
	uint32_t counts[EP_SPEED_COUNT] = { 0 },
		 flags = old ? FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC : get32(blob + 8);
	size_t at = old ? 8 : 12;

	for (int s = 0; s < EP_SPEED_COUNT; s++) {
		if (!(flags & 1U << s))
			continue;
		counts[s] = get32(blob + at);
		at += 4;
	}
	at += flags & FUNCTIONFS_HAS_MS_OS_DESC ? 4 : 0;
	for (int s = 0; s < speed; s++)
		for (uint32_t i = 0; i < counts[s] && at < size; i++)
			at += blob[at];
	*count = counts[speed];
	return at;
}

static unsigned int add_ffs(const struct prediction *f, const struct function *function,
			    unsigned int first_interface, struct descriptors *out)
{
	const struct ffs *ffs = function->ffs;
	size_t size, at;
	_cleanup_free_ uint8_t *blob = ffs_blob_descriptors(ffs, &size);
	uint32_t count;

	/* gadgetfile_load has validated the lengths. */
	at = find_speed(blob, size, f->speed, &count);
	for (uint32_t i = 0; i < count && at + 2 <= size && at + blob[at] <= size; i++) {
		struct descriptor *d = add_descriptor(out, blob + at, blob[at]);

		d->function = function;
		renumber(d, ffs, first_interface);
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

bool predict_knows(const struct function *function)
{
	return function->ffs || find_template(function->type);
}

/* --- configurations --------------------------------------------------------------------------- */

/*
 * Sets bMaxPower like encode_bMaxPower() of composite.c. Without a value the kernel's build
 * configuration decides.
 */
static void set_power(struct descriptor *d, const struct config *config, int speed)
{
	long long ma = config->max_power.set ? config->max_power.value : 0;
	bool self = config->attributes.set && (config->attributes.value & USB_CONFIG_ATT_SELFPOWER);

	if (ma == 0 && !self) {
		ma = 2; /* default of CONFIG_USB_GADGET_VBUS_DRAW */
		d->certain[8] = 0;
	}
	d->bytes[8] = (uint8_t)(speed == EP_SUPER ? (ma > 900 ? 900 : ma) / 8
						  : (ma > 500 ? 500 : ma) / 2);
}

static void set_config_string(struct descriptor *d, const struct config *config)
{
	const char *text = config->n_strings > 0 ? config->strings[0].configuration : NULL;

	for (size_t i = 0; i < config->n_strings; i++)
		if (config->strings[i].lang == LANG_EN_US && config->strings[i].configuration)
			text = config->strings[i].configuration;
	if (config->n_strings > 0)
		set_string(d, 6, text ? text : "");
}

void predict_config(const struct prediction *f, const struct config *config,
		    struct descriptors *out)
{
	uint8_t head[USB_DT_CONFIG_SIZE] = { USB_DT_CONFIG_SIZE, USB_DT_CONFIG };
	size_t start = out->n, total = 0;
	unsigned int interfaces = 0;
	bool maybe = false, unknown = false;
	struct descriptor *d;

	head[5] = (uint8_t)config->id;
	head[7] = (uint8_t)(config->attributes.set ? config->attributes.value : USB_CONFIG_ATT_ONE);
	d = add_descriptor(out, head, sizeof(head));
	set_config_string(d, config);
	set_power(d, config, f->speed);
	/* The kernel clears remote wakeup if the UDC does not support it. */
	if (head[7] & USB_CONFIG_ATT_WAKEUP)
		d->certain[7] = (uint8_t)~USB_CONFIG_ATT_WAKEUP;
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct function *function =
			&f->gadget->functions[config->functions[i].function];
		const struct function_template *template = find_template(function->type);

		if (function_descriptors(function))
			interfaces += add_ffs(f, function, interfaces, out);
		else if (template)
			interfaces += template_apply(f, function, template, interfaces, out);
		else
			unknown = true;
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
		d->certain[2] = d->certain[3] = 0;
	if (unknown)
		d->certain[4] = 0;
}

/* --- the device ------------------------------------------------------------------------------- */

static uint16_t device_field(const struct gadget *g, enum gadget_attr attr)
{
	return (uint16_t)(g->attrs[attr].set ? g->attrs[attr].value : 0);
}

const struct gadget_strings *predict_strings(const struct gadget *g)
{
	for (size_t i = 0; i < g->n_strings; i++)
		if (g->strings[i].lang == LANG_EN_US)
			return &g->strings[i];
	return g->n_strings > 0 ? &g->strings[0] : NULL;
}

/*
 * Adds the device strings; the kernel assigns their indices 1 to 3 with or without a text
 * (configfs_composite_bind).
 */
static void add_strings(const struct prediction *f, const struct gadget_strings *s,
			struct descriptor *d)
{
	const char *from = s->serial_from.value;
	const char *const texts[DESCRIPTOR_STRINGS] = {
		s->manufacturer.value,
		s->product.value,
		from ? f->serial : s->serialnumber.value,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct descriptor_string *string = &d->strings[d->n_strings++];

		d->bytes[14 + i] = (uint8_t)(i + 1);
		string->offset = 14 + i;
		string->serial_source = i == 2 ? from : NULL;
		if (texts[i] || !string->serial_source)
			string->text = xstrdup(texts[i] ? texts[i] : "");
	}
}

void predict_device(const struct prediction *f, struct descriptors *out)
{
	const struct gadget *g = f->gadget;
	const struct gadget_strings *s = predict_strings(g);
	uint16_t usb = f->speed == EP_SUPER ? 0x0320 : 0x0200,
		 vendor = device_field(g, GADGET_ID_VENDOR),
		 product = device_field(g, GADGET_ID_PRODUCT),
		 release = device_field(g, GADGET_BCD_DEVICE);
	struct descriptor *d = add_descriptor(
		out,
		(uint8_t[]){ USB_DT_DEVICE_SIZE, USB_DT_DEVICE, (uint8_t)usb, (uint8_t)(usb >> 8),
			     (uint8_t)device_field(g, GADGET_DEVICE_CLASS),
			     (uint8_t)device_field(g, GADGET_DEVICE_SUB_CLASS),
			     (uint8_t)device_field(g, GADGET_DEVICE_PROTOCOL),
			     f->speed == EP_SUPER ? 9 : 64, (uint8_t)vendor, (uint8_t)(vendor >> 8),
			     (uint8_t)product, (uint8_t)(product >> 8), (uint8_t)release,
			     (uint8_t)(release >> 8), 0, 0, 0, (uint8_t)g->n_configs },
		USB_DT_DEVICE_SIZE);

	/*
	 * bcdUSB is 0200, 0201 or 0210: it depends on whether the UDC supports LPM or SuperSpeed.
	 */
	if (f->speed != EP_SUPER)
		d->certain[2] = 0;
	/* At full speed, the packet size of the UDC's endpoint 0 may be smaller. */
	if (f->speed == EP_FULL)
		d->certain[7] = 0;
	/* The default is the kernel's release. */
	if (!g->attrs[GADGET_BCD_DEVICE].set)
		d->certain[12] = d->certain[13] = 0;
	if (s)
		add_strings(f, s, d);
}

/* --- BOS -------------------------------------------------------------------------------------- */

static long long read_gadget_number(const struct gadget *g, const char *path)
{
	const struct configfs_attribute *e =
		configfs_attributes_find(&g->configfs_attributes, path);

	return e && e->value ? strtoll(e->value, NULL, 0) : 0;
}

/*
 * The descriptors that bos_desc() of composite.c makes. The UDC decides whether LPM and SuperSpeed
 * are reported, and the exit latencies. A UDC with SuperSpeed reports it at high speed as well. A
 * UDC with SuperSpeedPlus has one more capability.
 */
static const char *const bos_rows[] = {
	"?bos: 05 0f ?? ?? ??",
	"!bos: ~: 05 0f ?? ?? ??",
	"?super: !new: 07 10 02 ?? ?? ?? ??",
	"?super: ?new: ~: 07 10 02 ?? ?? ?? ??",
	"!super: ~: 07 10 02 ?? ?? ?? ??",
	"?super: 0a 10 03 00 0f 00 01 ?? ?? ??",
	"!super: ~: 0a 10 03 00 0f 00 01 ?? ?? ??",
	"?webusb: 18 10 05 00 38 b6 08 34 a9 09 a0 47 8b fd a0 76 88 15 b6 65 $version.2 $code "
	"$page",
	NULL,
};

/* Adds the capability of WebUSB (WebUSB, 4.1), which Linux supports since 6.3. */
static void make_bos(struct template_state *m)
{
	const struct gadget *g = m->prediction->gadget;
	const struct configfs_attribute *page =
		configfs_attributes_find(&g->configfs_attributes, "webusb/landingPage");
	bool super = m->prediction->speed == EP_SUPER,
	     webusb = template_get(m, "new") && read_gadget_number(g, "webusb/use");
	long long version = read_gadget_number(g, "webusb/bcdVersion");

	template_set(m, "super", super);
	template_set(m, "webusb", webusb);
	template_set(m, "bos", super || webusb);
	template_set(m, "version", version ? version : 0x0100);
	template_set(m, "code", read_gadget_number(g, "webusb/bVendorCode"));
	template_set(m, "page", page && page->size > 0);
}

void predict_bos(const struct prediction *f, struct descriptors *out)
{
	static const struct function_template bos = { NULL, NULL, bos_rows, make_bos };

	template_apply(f, NULL, &bos, 0, out);
}

/* --- Microsoft OS descriptors ----------------------------------------------------------------- */

static void print_text(FILE *to, const char *name, const char *text, size_t n)
{
	_cleanup_free_ char *shown = text_printable(text, n);

	fprintf(to, "    %-24s\"%s\"\n", name, shown);
}

static void print_ffs_os(FILE *to, const struct function *f)
{
	for (size_t i = 0; i < f->ffs->n_interfaces; i++) {
		const struct interface *interface = &f->ffs->interfaces[i];

		fprintf(to, "  --- function '%s', its interface %zu\n", f->label, i);
		print_text(to, "compatibleID", interface->compatible,
			   strlen(interface->compatible));
		print_text(to, "subCompatibleID", interface->sub_compatible,
			   strlen(interface->sub_compatible));
		for (size_t p = 0; p < interface->n_properties; p++) {
			const struct os_property *property = &interface->properties[p];

			if (property->type == 3)
				fprintf(to, "    %-24s%zu bytes\n", property->name,
					property->data.size);
			else
				print_text(to, property->name, (const char *)property->data.data,
					   strnlen((const char *)property->data.data,
						   property->data.size));
		}
	}
}

static void print_kernel_os(FILE *to, const struct function *f)
{
	static const char prefix[] = "os_desc/interface.";

	for (size_t i = 0; i < f->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &f->configfs_attributes.list[i];

		if (e->kind != ATTRIBUTE_VALUE || !str_has_prefix(e->path, prefix))
			continue;
		fprintf(to, "  --- function '%s', %s\n", f->label, e->path + strlen("os_desc/"));
		print_text(to, strrchr(e->path, '/') + 1, e->value, e->size);
	}
}

void predict_print_os(FILE *to, const struct gadget *g)
{
	const struct configfs_attribute *sign =
		configfs_attributes_find(&g->configfs_attributes, "os_desc/qw_sign");

	if (!read_gadget_number(g, "os_desc/use"))
		return;
	fprintf(to, "Microsoft OS descriptors\n");
	if (sign)
		print_text(to, "qwSignature", sign->value, sign->size);
	fprintf(to, "    %-24s0x%02llx\n", "bMS_VendorCode",
		read_gadget_number(g, "os_desc/b_vendor_code"));
	for (size_t i = 0; i < g->n_functions; i++) {
		if (function_descriptors(&g->functions[i]))
			print_ffs_os(to, &g->functions[i]);
		else
			print_kernel_os(to, &g->functions[i]);
	}
	fputc('\n', to);
}

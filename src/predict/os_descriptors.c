/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicts Microsoft OS descriptors 1.0 as composite.c sends them (fill_ext_compat, fill_ext_prop).
 * The interfaces are those of the configuration that the link in the gadget's os_desc refers to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/little_endian.h"
#include "base/text.h"
#include "blob/encode.h"
#include "gadgetfile/keys/function_types.h"
#include "predict/predict.h"

#define LONGEST 4096	/* USB_COMP_EP0_OS_DESC_BUFSIZ */
#define COMPATIBLE_ID 4 /* wIndex of the requests, and of the parts of a blob */
#define PROPERTIES 5
#define COMPATIBLE_ID_HEAD 16
#define COMPATIBLE_ID_SIZE 24
#define PROPERTIES_HEAD 10
#define PART_HEAD 11 /* size of usb_os_desc_header, with the number of what follows */
#define PROPERTY_FIXED 14

enum { TYPE_UNICODE = 1, TYPE_UNICODE_ENV = 2, TYPE_BINARY = 3, TYPE_UNICODE_LINK = 6 };

/* --- bytes ------------------------------------------------------------------------------------ */

static void set_le32(uint8_t *p, size_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

/* Appends `n` bytes, which are 0, and returns a pointer to them. */
static uint8_t *add_bytes(struct os_bytes *b, size_t n)
{
	b->data = xreallocarray(b->data, b->size + n + 1, 1);
	memset(b->data + b->size, 0, n);
	b->size += n;
	return b->data + b->size - n;
}

static void add_head(struct os_bytes *b, size_t size, uint8_t index)
{
	uint8_t *head = add_bytes(b, size);

	head[5] = 1; /* bcdVersion 0x0100 */
	head[6] = index;
}

/*
 * Writes a text as UTF-16 of at most `size` bytes, like utf8s_to_utf16s(), which ends at a NUL.
 * Returns false if the text is not UTF-8.
 */
static bool put_utf16(uint8_t *to, size_t size, const char *text, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && text[i];) {
		const unsigned char first = (unsigned char)text[i];
		const size_t length = first < 0x80 ? 1 : text_utf8_character_size(text + i, n - i);
		uint32_t code = length == 1 ? first : first & (0x7fU >> length);
		unsigned int units[2], n_units = 0;

		if (length == 0)
			return false;
		for (size_t k = 1; k < length; k++)
			code = code << 6 | ((unsigned char)text[i + k] & 0x3f);
		if (code >= 0x10000) {
			units[n_units++] = 0xd800 | (code - 0x10000) >> 10;
			code = 0xdc00 | ((code - 0x10000) & 0x3ff);
		}
		units[n_units++] = code;
		for (unsigned int u = 0; u < n_units && at + 2 <= size; u++, at += 2) {
			to[at] = (uint8_t)units[u];
			to[at + 1] = (uint8_t)(units[u] >> 8);
		}
		i += length;
	}
	return true;
}

/* --- the functions of a configuration --------------------------------------------------------- */

/* An interface of a function with OS descriptors, as an element of the kernel's os_desc_table. */
struct table_entry {
	unsigned int interface; /* number in the configuration; 0 if no descriptor is for it */
	uint8_t ids[16];
	size_t n_properties, properties_size; /* as hosts see them */
	struct os_bytes properties;
	bool is_refused; /* a property makes the kernel stall the request for all of them */
};

struct table {
	struct table_entry *entries;
	size_t n;
};

static void free_table(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->entries[i].properties.data);
	free(t->entries);
}

/* Adds a property of a blob: its name and, unless it is binary, its value become UTF-16. */
static void add_property(struct table_entry *e, const uint8_t *from)
{
	const uint32_t type = get_le32(from + 4);
	const size_t name = get_le16(from + 8), data = get_le32(from + 10 + name);
	const char *name_text = (const char *)from + 10, *value = name_text + name + 4;
	const bool is_text =
		type == TYPE_UNICODE || type == TYPE_UNICODE_ENV || type == TYPE_UNICODE_LINK;
	const size_t data_size = is_text ? 2 * data : data,
		     size = PROPERTY_FIXED + 2 * name + data_size;
	uint8_t *to;

	e->n_properties++;
	e->properties_size += size;
	if (PROPERTIES_HEAD + e->properties.size + size >= LONGEST)
		return;
	to = add_bytes(&e->properties, size);
	set_le32(to, size);
	set_le32(to + 4, type);
	to[8] = (uint8_t)(2 * name);
	to[9] = (uint8_t)(2 * name >> 8);
	set_le32(to + 10 + 2 * name, data_size);
	to += 10;
	if (!put_utf16(to, 2 * name - 2, name_text, name))
		e->is_refused = true;
	to += 2 * name + 4;
	if (type == TYPE_BINARY)
		memcpy(to, value, data);
	else if (!is_text || !put_utf16(to, data_size - 2, value, data))
		e->is_refused = true;
}

/* Reads the OS descriptors that are written to FunctionFS; gadgetfile_load has validated them. */
static void read_ffs(const struct ffs *ffs, unsigned int first_interface, struct table *t)
{
	size_t size, at;
	_cleanup_free_ uint8_t *blob = ffs_blob_descriptors(ffs, &size);
	uint32_t n_parts;

	t->n = ffs->n_interfaces;
	t->entries = xcalloc(t->n + 1, sizeof(*t->entries));
	at = predict_find_ffs_descriptors(blob, size, EP_SPEED_COUNT, &n_parts);
	for (uint32_t part = 0; part < n_parts && at + PART_HEAD <= size; part++) {
		const unsigned int interface = blob[at], index = get_le16(blob + at + 7),
				   n = get_le16(blob + at + 9);
		const size_t end = at + get_le32(blob + at + 1);

		at += PART_HEAD;
		for (unsigned int i = 0; i < n && at + PROPERTY_FIXED <= size; i++) {
			const bool is_id = index == COMPATIBLE_ID;
			const unsigned int of = is_id ? blob[at] : interface;
			struct table_entry *e;

			if (of >= t->n)
				return;
			e = &t->entries[of];
			e->interface = first_interface + of;
			if (is_id)
				memcpy(e->ids, blob + at + 2, sizeof(e->ids));
			else
				add_property(e, blob + at);
			at += is_id ? COMPATIBLE_ID_SIZE : get_le32(blob + at);
		}
		at = end;
	}
}

static void copy_id(uint8_t *to, const struct function *f, const char *interface, const char *name)
{
	_cleanup_free_ char *path = strf("os_desc/interface.%s/%s", interface, name);
	const struct configfs_attribute *e =
		configfs_attributes_find(&f->configfs_attributes, path);

	if (e && e->value)
		memcpy(to, e->value, e->size < 8 ? e->size : 8);
}

static void read_function(const struct function *f, unsigned int first_interface, struct table *t)
{
	const struct function_type *type = function_type_find(f->type);
	const char *interface = type ? type->os_descriptor_interface : NULL;

	if (function_descriptors(f)) {
		read_ffs(f->ffs, first_interface, t);
	} else if (interface) {
		t->n = 1;
		t->entries = xcalloc(1, sizeof(*t->entries));
		t->entries[0].interface = first_interface;
		copy_id(t->entries[0].ids, f, interface, "compatible_id");
		copy_id(t->entries[0].ids + 8, f, interface, "sub_compatible_id");
	}
}

/* --- what hosts read -------------------------------------------------------------------------- */

/* The part of the answer to the host's first request that is for an interface. */
static void add_compatible_ids(struct os_prediction *out, const struct table *t,
			       unsigned int interface)
{
	for (size_t i = 0; i < t->n; i++) {
		uint8_t *to;

		if (t->entries[i].interface != interface)
			continue;
		out->n_compatible_ids++;
		if (out->compatible_ids.size + COMPATIBLE_ID_SIZE >= LONGEST)
			continue;
		to = add_bytes(&out->compatible_ids, COMPATIBLE_ID_SIZE);
		to[0] = (uint8_t)interface;
		to[1] = 1;
		memcpy(to + 2, t->entries[i].ids, sizeof(t->entries[i].ids));
	}
}

static void add_properties(struct os_prediction *out, const struct function *f,
			   const struct table *t, unsigned int interface)
{
	struct os_properties *p = array_add(out->properties, out->n_properties);
	size_t total = PROPERTIES_HEAD;

	*p = (struct os_properties){ .function = f, .interface = interface };
	add_head(&p->bytes, PROPERTIES_HEAD, PROPERTIES);
	for (size_t i = 0; i < t->n; i++) {
		const struct table_entry *e = &t->entries[i];

		if (e->interface != interface)
			continue;
		/* The kernel's header has the numbers of the first entry. */
		if (total == PROPERTIES_HEAD) {
			total += e->properties_size;
			p->bytes.data[8] = (uint8_t)e->n_properties;
			p->bytes.data[9] = (uint8_t)(e->n_properties >> 8);
		}
		p->is_refused |= e->is_refused;
		if (e->properties.size)
			memcpy(add_bytes(&p->bytes, e->properties.size), e->properties.data,
			       e->properties.size);
	}
	set_le32(p->bytes.data, total < LONGEST ? total : LONGEST);
}

const struct config *predict_os_config(const struct gadget *g)
{
	for (size_t i = 0; i < g->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &g->configfs_attributes.list[i];

		if (e->entry_kind != ATTRIBUTE_LINK || !str_has_prefix(e->path, "os_desc/"))
			continue;
		for (size_t c = 0; c < g->n_configs; c++) {
			_cleanup_free_ char *target =
				strf("configs/%s.%u", g->configs[c].name, g->configs[c].id);

			if (streq(e->value, target))
				return &g->configs[c];
		}
	}
	return NULL;
}

/*
 * config_desc() of composite.c begins with this configuration, whether the gadget has the
 * descriptors or not.
 */
const struct config *predict_config_at(const struct gadget *g, size_t index)
{
	const struct config *first = predict_os_config(g);

	if (!first)
		return &g->configs[index];
	if (index == 0)
		return first;
	return &g->configs[index <= (size_t)(first - g->configs) ? index - 1 : index];
}

static void set_string(const struct gadget *g, struct os_prediction *out)
{
	const struct configfs_attribute *sign =
		configfs_attributes_find(&g->configfs_attributes, "os_desc/qw_sign");

	out->vendor_code = (uint8_t)predict_gadget_number(g, "os_desc/b_vendor_code");
	out->string[0] = sizeof(out->string);
	out->string[1] = 3; /* string */
	if (sign && sign->value)
		put_utf16(out->string + 2, 14, sign->value, sign->size);
	out->string[16] = out->vendor_code;
}

bool predict_os(const struct prediction_input *f, struct os_prediction *out)
{
	const struct gadget *g = f->gadget;
	const struct config *config = predict_os_config(g);
	unsigned int first_interface = 0;

	*out = (struct os_prediction){ 0 };
	if (!predict_gadget_number(g, "os_desc/use"))
		return false;
	set_string(g, out);
	if (!config)
		return true;
	add_head(&out->compatible_ids, COMPATIBLE_ID_HEAD, COMPATIBLE_ID);
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct function *function =
			&g->functions[config->functions[i].function_index];
		_cleanup_descriptors_ struct descriptors d = { 0 };
		const unsigned int n = predict_function(f, function, first_interface, &d);
		struct table t = { 0 };

		read_function(function, first_interface, &t);
		for (unsigned int k = first_interface; k < first_interface + n; k++) {
			add_compatible_ids(out, &t, k);
			add_properties(out, function, &t, k);
		}
		free_table(&t);
		first_interface += n;
	}
	set_le32(out->compatible_ids.data,
		 COMPATIBLE_ID_HEAD + COMPATIBLE_ID_SIZE * out->n_compatible_ids);
	out->compatible_ids.data[8] = (uint8_t)out->n_compatible_ids;
	return true;
}

void os_prediction_free(struct os_prediction *p)
{
	for (size_t i = 0; i < p->n_properties; i++)
		free(p->properties[i].bytes.data);
	free(p->properties);
	free(p->compatible_ids.data);
	*p = (struct os_prediction){ 0 };
}

json_t *os_prediction_to_json(const struct os_prediction *p)
{
	json_t *properties = json_array();

	for (size_t i = 0; i < p->n_properties; i++) {
		const struct os_properties *one = &p->properties[i];

		json_array_append_new(properties,
				      json_pack("{s:i, s:s, s:o}", "interface", (int)one->interface,
						"function", one->function->label, "bytes",
						one->is_refused ? json_null()
								: bytes_to_hex(one->bytes.data,
									       one->bytes.size)));
	}
	return json_pack("{s:o, s:i, s:o, s:o}", "string",
			 bytes_to_hex(p->string, sizeof(p->string)), "vendor_code",
			 (int)p->vendor_code, "compatible_ids",
			 bytes_to_hex(p->compatible_ids.data, p->compatible_ids.size), "properties",
			 properties);
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_os_field(FILE *to, const char *name, const char *text, size_t n)
{
	_cleanup_free_ char *shown = text_replace_unprintable(text, n);

	fprintf(to, "    %-24s\"%s\"\n", name, shown);
}

static void print_ffs_os_descriptors(FILE *to, const struct function *f)
{
	for (size_t i = 0; i < f->ffs->n_interfaces; i++) {
		const struct interface *interface = &f->ffs->interfaces[i];

		fprintf(to, "  --- function '%s', its interface %zu\n", f->label, i);
		print_os_field(to, "compatibleID", interface->compatible,
			       strlen(interface->compatible));
		print_os_field(to, "subCompatibleID", interface->sub_compatible,
			       strlen(interface->sub_compatible));
		for (size_t p = 0; p < interface->n_properties; p++) {
			const struct os_property *property = &interface->properties[p];

			if (property->data_type == 3)
				fprintf(to, "    %-24s%zu bytes\n", property->name,
					property->data.size);
			else
				print_os_field(to, property->name,
					       (const char *)property->data.data,
					       strnlen((const char *)property->data.data,
						       property->data.size));
		}
	}
}

static void print_kernel_os_descriptors(FILE *to, const struct function *f)
{
	static const char prefix[] = "os_desc/interface.";

	for (size_t i = 0; i < f->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &f->configfs_attributes.list[i];

		if (e->entry_kind != ATTRIBUTE_VALUE || !str_has_prefix(e->path, prefix))
			continue;
		fprintf(to, "  --- function '%s', %s\n", f->label, e->path + strlen("os_desc/"));
		print_os_field(to, path_last_component(e->path), e->value, e->size);
	}
}

void predict_print_os(FILE *to, const struct gadget *g)
{
	const struct configfs_attribute *sign =
		configfs_attributes_find(&g->configfs_attributes, "os_desc/qw_sign");
	const struct config *config = predict_os_config(g);

	if (!predict_gadget_number(g, "os_desc/use"))
		return;
	fprintf(to, "Microsoft OS descriptors\n");
	if (sign)
		print_os_field(to, "qwSignature", sign->value, sign->size);
	fprintf(to, "    %-24s0x%02llx\n", "bMS_VendorCode",
		predict_gadget_number(g, "os_desc/b_vendor_code"));
	for (size_t i = 0; config && i < config->n_functions; i++) {
		const struct function *f = &g->functions[config->functions[i].function_index];

		if (function_descriptors(f))
			print_ffs_os_descriptors(to, f);
		else
			print_kernel_os_descriptors(to, f);
	}
	fputc('\n', to);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads settings for Microsoft OS descriptors 1.0 of a function: the driver that Windows loads for
 * an interface, and the values that Windows writes into its registry.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/load.h"

#define OS_ID_PATTERN "^[A-Z0-9_]{1,8}$"

static const struct key os_compat_rows[] = {
	{ "interface", NODE_INT, .flags = KEY_REQUIRED, .min = 0, .max = 15,
	  .doc = "Number of the interface, counted from 0 in this function.", .set = set_int,
	  FIELD(struct os_compat_settings, interface) },
	{ "compatible", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY,
	  .pattern = OS_ID_PATTERN, .doc = "Compatible ID, at most 8 characters: \"WINUSB\".",
	  .set = set_node, FIELD(struct os_compat_settings, compatible) },
	{ "sub_compatible", NODE_STRING, .flags = KEY_NOT_EMPTY, .pattern = OS_ID_PATTERN,
	  .default_text = "none", .doc = "Sub-compatible ID, at most 8 characters.",
	  .set = set_node, FIELD(struct os_compat_settings, sub_compatible) },
	{ 0 },
};
const struct key_group os_compat_keys = { "ffs.os_compat", "an entry of 'os_compat'",
					  os_compat_rows, NULL,
					  "The compatible ID of one interface." };

/* REG_DWORD and REG_MULTI_SZ are missing, because composite.c stalls a host's request for them. */
static const struct keyword os_property_words[] = {
	{ "string", 1 }, { "expand-string", 2 }, { "binary", 3 }, { "link", 6 }, { NULL, 0 },
};

static const struct key os_properties_rows[] = {
	{ "interface", NODE_INT, .flags = KEY_REQUIRED, .min = 0, .max = 15,
	  .doc = "Number of the interface, counted from 0 in this function.", .set = set_int,
	  FIELD(struct os_property_settings, interface) },
	{ "name", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY, .pattern = "^[ -~]+$",
	  .doc = "Name of the value, in ASCII.", .set = set_node,
	  FIELD(struct os_property_settings, name) },
	{ "type", NODE_STRING, .words = os_property_words, .default_text = "string",
	  .doc = "Type of the value in the registry: REG_SZ, REG_EXPAND_SZ, REG_BINARY or "
		 "REG_LINK. Linux sends no others.",
	  .set = set_keyword, FIELD(struct os_property_settings, type) },
	{ "data", NODE_STRING | TYPE_LIST, NODE_INT, KEY_REQUIRED, BYTE,
	  .doc = "The value: a list of bytes for type binary, else a string in ASCII. Linux "
		 "accepts at most 240 bytes of name and value together.",
	  .set = set_node, FIELD(struct os_property_settings, data) },
	{ 0 },
};
const struct key_group os_properties_keys = { "ffs.os_properties", "an entry of 'os_properties'",
					      os_properties_rows, NULL,
					      "An extended property of one interface." };

#define REG_SZ 1
#define REG_BINARY 3

/*
 * Bytes of the kernel's buffer, USB_COMP_EP0_OS_DESC_BUFSIZ of linux/usb/composite.h. All
 * properties of an interface together must have fewer bytes.
 */
#define OS_DESC_BUFFER_SIZE 4096

/* --- checks ----------------------------------------------------------------------------------- */

static struct interface *find_interface(struct load *l, struct ffs *ffs,
					const struct positioned_int *n, struct node *node)
{
	if (!n->set)
		return NULL;
	if (n->value < (int64_t)ffs->n_interfaces)
		return &ffs->interfaces[n->value];
	if (!l->has_syntax_error)
		load_error(l, load_member_or_node_itself(node, "interface"),
			   "no interface %lld: this function has %zu, counted from 0",
			   (long long)n->value, ffs->n_interfaces);
	return NULL;
}

static bool check_compatible_id(struct load *l, struct node *value)
{
	size_t n = strspn(value->text, OS_ID_CHARACTERS);

	if (n <= OS_ID_SIZE && !value->text[n])
		return true;
	load_error(l, value,
		   "'%s' must consist of upper-case letters, digits and '_', at most %d characters",
		   value->name, OS_ID_SIZE);
	return false;
}

/* Checks that a text is ASCII: the kernel converts each byte to one UTF-16 unit. */
static bool check_ascii(struct load *l, struct node *value)
{
	for (const char *p = value->text; *p; p++) {
		if (*p >= ' ' && *p < 0x7f)
			continue;
		load_error(l, value, "'%s' must be ASCII without control characters", value->name);
		return false;
	}
	return true;
}

/* Returns whether the text is "{", hexadecimal digits in groups of 8-4-4-4-12, "}". */
static bool is_guid(const char *text)
{
	static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
	size_t i = 0;

	for (; form[i] && text[i]; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return !form[i] && !text[i];
}

/* --- os_compat -------------------------------------------------------------------------------- */

static void load_compatible_id(struct load *l, struct ffs *ffs, struct node *node)
{
	struct os_compat_settings d = { 0 };
	struct interface *i;

	load_group(l, &os_compat_keys, node, &d);
	i = find_interface(l, ffs, &d.interface, node);
	if (!i || !d.compatible || !check_compatible_id(l, d.compatible) ||
	    (d.sub_compatible && !check_compatible_id(l, d.sub_compatible)))
		return;
	if (*i->compatible) {
		load_error(l, load_member_or_node_itself(node, "interface"),
			   "a second compatible ID of interface %lld",
			   (long long)d.interface.value);
		return;
	}
	strcpy(i->compatible, d.compatible->text);
	if (d.sub_compatible)
		strcpy(i->sub_compatible, d.sub_compatible->text);
}

/* --- os_properties ---------------------------------------------------------------------------- */

static struct os_property *find_property(const struct interface *i, const char *name)
{
	for (size_t n = 0; n < i->n_properties; n++)
		if (streq(i->properties[n].name, name))
			return &i->properties[n];
	return NULL;
}

/*
 * Returns how many bytes the kernel sends to the host for a property, whose texts it converts to
 * UTF-16.
 */
static size_t size_of_sent_property(const struct os_property *p)
{
	return 14 + 2 * (strlen(p->name) + 1) + (p->data_type == REG_BINARY ? 1 : 2) * p->data.size;
}

static size_t size_of_sent_properties(const struct interface *i)
{
	size_t sum = 10; /* bytes of the header before the list of properties */

	for (size_t n = 0; n < i->n_properties; n++)
		sum += size_of_sent_property(&i->properties[n]);
	return sum;
}

static void check_size_of_sent_properties(struct load *l, const struct interface *i,
					  struct node *value)
{
	if (size_of_sent_properties(i) >= OS_DESC_BUFFER_SIZE)
		load_error(l, value,
			   "the properties of an interface must have less than %d bytes in the "
			   "kernel's answer to the host, not %zu",
			   OS_DESC_BUFFER_SIZE, size_of_sent_properties(i));
}

/* Returns a copy of the bytes of a text, including the NUL at its end. */
static struct ffs_bytes text_with_nul(const char *text)
{
	return (struct ffs_bytes){ (uint8_t *)xstrdup(text), strlen(text) + 1 };
}

/* Sets *data to the data of a property; returns false after adding an error. */
static bool load_property_data(struct load *l, unsigned int type, struct node *value,
			       struct ffs_bytes *data)
{
	if ((type == REG_BINARY) != !!(value->type & TYPE_LIST)) {
		load_error(l, value, "'data' of this type must be %s",
			   type == REG_BINARY ? "a list of bytes" : "a string");
		return false;
	}
	if (type != REG_BINARY) {
		if (!check_ascii(l, value))
			return false;
		*data = text_with_nul(value->text);
		return true;
	}
	if (load_bytes(l, value, data))
		return true;
	free(steal_ptr(data->data));
	return false;
}

static void load_property(struct load *l, struct ffs *ffs, struct node *node)
{
	struct os_property_settings d = { .type = REG_SZ };
	struct ffs_bytes data = { 0 };
	struct interface *i;
	struct os_property *p;

	load_group(l, &os_properties_keys, node, &d);
	i = find_interface(l, ffs, &d.interface, node);
	if (!i || !d.name || !d.data || load_member_or_node_itself(node, "type")->has_error ||
	    !check_ascii(l, d.name) || !load_property_data(l, d.type, d.data, &data))
		return;
	if (find_property(i, d.name->text))
		load_error(l, d.name, "a second property of this name for interface %lld",
			   (long long)d.interface.value);
	p = array_add(i->properties, i->n_properties);
	*p = (struct os_property){ d.type, xstrdup(d.name->text), data,
				   position_of_range(l, &d.data->at) };
	if (strlen(p->name) + 1 + data.size > FFS_PROPERTY_MAX)
		load_error(
			l, d.data,
			"a property's name and value, including the NULs of strings, must have at "
			"most %d bytes together (f_fs.c), not %zu",
			FFS_PROPERTY_MAX, strlen(p->name) + 1 + data.size);
	else
		check_size_of_sent_properties(l, i, d.data);
}

/* --- winusb ----------------------------------------------------------------------------------- */

/*
 * Makes a GUID from the names of gadget and function: a UUID of version 8 (RFC 9562, custom). For
 * the same names it must be the same in all versions of ffsctl, because programs on the host
 * contain the GUID.
 */
static char *guid_from_names(const char *gadget, const char *label)
{
	uint64_t high = digest_add_text(digest_add_text(DIGEST_EMPTY, gadget), label);
	uint64_t low = digest_add_text(digest_add_text(high, label), gadget);

	high = (high & ~0xf000ULL) | 0x8000;
	low = (low & ~(3ULL << 62)) | 2ULL << 62;
	return strf("{%08llx-%04llx-%04llx-%04llx-%012llx}", (unsigned long long)high >> 32,
		    (unsigned long long)high >> 16 & 0xffff, (unsigned long long)high & 0xffff,
		    (unsigned long long)low >> 48, (unsigned long long)low & 0xffffffffffffULL);
}

static void set_winusb(struct load *l, struct function *f, struct node *value)
{
	_cleanup_free_ char *guid = NULL;

	if (value->type == NODE_BOOL && !value->integer)
		return;
	if (value->type == NODE_STRING && !is_guid(value->text)) {
		_cleanup_free_ char *shown = diag_quote(value->text);

		load_error(l, value,
			   "'winusb' must be true or a GUID like "
			   "\"{12345678-9abc-def0-1234-56789abcdef0}\", not %s",
			   shown);
		return;
	}
	guid = value->type == NODE_STRING ? xstrdup(value->text)
					  : guid_from_names(l->gadget->name, f->label);
	if (value->type == NODE_BOOL && !l->has_syntax_error)
		diag_note(l->diags, &value->name_at,
			  "programs for Windows find the function by the GUID %s, which is made "
			  "from the gadget's name and the function's label",
			  guid);
	for (size_t n = 0; n < f->ffs->n_interfaces; n++) {
		struct interface *i = &f->ffs->interfaces[n];
		struct os_property *p;

		if (*i->compatible)
			continue;
		strcpy(i->compatible, "WINUSB");
		if (find_property(i, "DeviceInterfaceGUID"))
			continue;
		/*
		 * The property is not DeviceInterfaceGUIDs, because a property of this name has the
		 * type REG_MULTI_SZ, which fill_ext_prop of composite.c does not support.
		 */
		p = array_add(i->properties, i->n_properties);
		*p = (struct os_property){ REG_SZ, xstrdup("DeviceInterfaceGUID"),
					   text_with_nul(guid), position_of_range(l, &value->at) };
		check_size_of_sent_properties(l, i, value);
	}
}

void load_winusb(struct load *l, struct function *f, struct ffs_settings *d)
{
	if (d->os_compat) {
		node_foreach(item, d->os_compat)
			if (!item->has_error)
				load_compatible_id(l, f->ffs, item);
	}
	if (d->os_properties) {
		node_foreach(item, d->os_properties)
			if (!item->has_error)
				load_property(l, f->ffs, item);
	}
	if (d->winusb)
		set_winusb(l, f, d->winusb);
}

struct node *load_find_microsoft_os_setting(const struct load *l, size_t function_index)
{
	static const char *const names[] = { "winusb", "os_compat", "os_properties" };
	const struct node *node;

	if (function_index >= l->gadget->n_functions || !l->gadget->functions[function_index].ffs)
		return NULL;
	node = node_member(l->function_nodes[function_index], "ffs");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct node *value = node_member(node, names[i]);

		if (value && !(value->type == NODE_BOOL && !value->integer))
			return value;
	}
	return NULL;
}

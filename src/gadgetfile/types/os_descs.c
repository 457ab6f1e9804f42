// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads settings for descriptors that are not in the USB standard: Microsoft OS descriptors and
 * WebUSB.
 */
#include <strings.h>

#include "base/cleanup.h"
#include "gadgetfile/keys/attrs.h"

static const struct key function_os_descs_rows[] = {
	{ "interface", NODE_STRING, .flags = KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY,
	  .pattern = "^[^/]+$",
	  .doc = "Name of the interface in the kernel's function: \"rndis\", \"ncm\".",
	  .set = set_name_refusing_slash, FIELD(struct os_descriptor_settings, interface) },
	{ "compatible_id", NODE_STRING, .flags = KEY_SCHEME, .pattern = "^.{0,8}$",
	  .doc = "Compatible ID, at most 8 characters: \"WINNCM\".", .set = set_node,
	  FIELD(struct os_descriptor_settings, compatible) },
	{ "sub_compatible_id", NODE_STRING, .flags = KEY_SCHEME, .pattern = "^.{0,8}$",
	  .doc = "Sub-compatible ID, at most 8 characters: \"5162001\".", .set = set_node,
	  FIELD(struct os_descriptor_settings, sub_compatible) },
	{ 0 },
};
const struct key_group function_os_descs_keys = { "functions.LABEL.os_descs",
						  "an entry of 'os_descs'", function_os_descs_rows,
						  NULL,
						  "Microsoft OS descriptors of one interface." };

static const struct key os_descs_rows[] = {
	{ "b_vendor_code", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "1",
	  .doc = "bRequest by which the host asks for these descriptors. No function may use the "
		 "same bRequest.",
	  .set = set_attr_int },
	{ "qw_sign", NODE_STRING, .flags = KEY_SCHEME, .max = 7, .default_text = "MSFT100",
	  .doc = "Signature in string 0xee.", .set = set_attr_string },
	{ "use", NODE_BOOL | NODE_INT, .flags = KEY_SCHEME, .default_text = "true",
	  .doc = "Whether the host can read these descriptors.", .set = set_attr_bool },
	{ "config_id", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .default_text = "the first configuration's",
	  .doc = "Id of the configuration whose functions the descriptors describe.",
	  .set = set_attr_node },
	{ 0 },
};
const struct key_group os_descs_keys = {
	"os_descs", "'os_descs'", os_descs_rows, NULL,
	"Microsoft OS descriptors 1.0, by which Windows finds drivers without an .inf file."
};

static const struct key webusb_rows[] = {
	{ "bcdVersion", NODE_INT, WORD16, .default_text = "0x0100",
	  .doc = "Release of the WebUSB specification, binary coded decimal.",
	  .set = set_attr_bcd },
	{ "bVendorCode", NODE_INT, BYTE, .default_text = "0",
	  .doc = "bRequest by which the browser asks for the landing page.", .set = set_attr_int },
	{ "landingPage", NODE_STRING,
	  .doc = "URL that the browser offers to open, with https://. Chromium reads it only if "
		 "bcdUSB is 2.10 or more: on UDCs without SuperSpeed, Linux without our patches "
		 "sends 2.01.",
	  .set = set_attr_url },
	{ "use", NODE_BOOL | NODE_INT, .default_text = "true",
	  .doc = "Whether the host can read these descriptors.", .set = set_attr_bool },
	{ 0 },
};
const struct key_group webusb_keys = { "webusb", "'webusb'", webusb_rows, NULL,
				       "WebUSB descriptors, by which a browser may use the device "
				       "(Linux 6.3 and later)." };

/*
 * Maximum bytes of a URL with a scheme (https://), and of one without. A URL descriptor has room
 * for 252 bytes after its header; the header contains the scheme as a number. If a host requests
 * 255 bytes, Linux computes a length as if the characters of the scheme were also in the
 * descriptor, and sends NULs for them. For a URL without a scheme, Linux subtracts the size of the
 * header twice (composite.c, landing_page_length).
 */
#define MAX_URL 252
#define MAX_BARE_URL 249

/*
 * Default of b_vendor_code if 'winusb' is set, but not 'os_descs'. The kernel does not pass vendor
 * requests with this bRequest to functions (composite.c), so it must be a number that functions are
 * unlikely to use.
 */
#define WINUSB_VENDOR_CODE "0xee"

static void add_compatible_id(struct load *l, struct function *f, const char *interface,
			      const char *name, struct node *value)
{
	if (!value || value->has_error)
		return;
	if (strlen(value->text) > 8) {
		load_error(l, value, "'%s' must have at most 8 characters, not %zu", value->name,
			   strlen(value->text));
		return;
	}
	if (value->text[strspn(value->text, OS_ID_CHARACTERS)])
		diag_warning(l->diags, &value->at,
			     "Windows accepts only upper-case letters, digits and '_' in '%s'",
			     value->name);
	load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_VALUE,
			   strf("os_desc/interface.%s/%s", interface, name), xstrdup(value->text),
			   strlen(value->text), value);
}

/*
 * Adds an error about an interface that the kernel's function does not have: there is a directory
 * os_desc/interface.NAME only if the function's module makes it (f_rndis.c:919, f_ncm.c:1709), and
 * mkdir of another one fails.
 */
static void check_os_desc_interface(struct load *l, const struct function *f, struct node *entry)
{
	const struct function_type *type = f->type ? function_type_find(f->type) : NULL;
	struct node *value = load_member_or_node_itself(entry, "interface");

	if (!type || value->has_error || load_is_from_document(l))
		return;
	if (streq(type->name, "ffs")) {
		load_error(l, value,
			   "FunctionFS has Microsoft OS descriptors of its own, not 'os_descs'");
		diags_hint(l->diags, "set 'winusb' or 'os_compat' in the function's 'ffs'");
	} else if (!type->os_descriptor_interface) {
		load_error(l, value,
			   "the kernel's functions of type %s have no Microsoft OS descriptors: "
			   "only rndis and ncm have them",
			   type->name);
		diags_hint(l->diags, "remove 'os_descs'");
	} else if (value->type == NODE_STRING &&
		   !streq(value->text, type->os_descriptor_interface)) {
		load_error(l, value,
			   "the kernel's functions of type %s have Microsoft OS descriptors of the "
			   "interface \"%s\" only",
			   type->name, type->os_descriptor_interface);
		diags_hint(l->diags, "write interface = \"%s\"", type->os_descriptor_interface);
	}
}

/* Adds an error about an interface that another entry before this one has. */
static void check_repeated_interface(struct load *l, const struct node *list, struct node *entry,
				     const char *interface)
{
	node_foreach(other, list) {
		const struct node *value = load_member_or_node_itself(other, "interface");

		if (other == entry)
			return;
		if (value && !value->has_error && value->type == NODE_STRING &&
		    streq(value->text, interface)) {
			load_error(l, entry, "a second entry for the interface \"%s\"", interface);
			diags_hint(l->diags, "remove one of them");
			return;
		}
	}
}

void load_function_os_descs(struct load *l, struct function *f, struct node *list)
{
	node_foreach(item, list) {
		struct os_descriptor_settings d = { 0 };

		if (item->has_error)
			continue;
		load_group(l, &function_os_descs_keys, item, &d);
		if (d.interface.value) {
			check_os_desc_interface(l, f, item);
			check_repeated_interface(l, list, item, d.interface.value);
			add_compatible_id(l, f, d.interface.value, "compatible_id", d.compatible);
			add_compatible_id(l, f, d.interface.value, "sub_compatible_id",
					  d.sub_compatible);
		}
		free(d.interface.value);
	}
}

static bool config_has_function(const struct config *c, size_t function)
{
	for (size_t i = 0; i < c->n_functions; i++)
		if (c->functions[i].function_index == function)
			return true;
	return false;
}

/*
 * Returns the index of the first function whose 'ffs' group has Microsoft OS descriptors; returns
 * the number of functions if there is none.
 */
static size_t first_function_with_os_descs(const struct load *l)
{
	size_t i = 0;

	while (i < l->gadget->n_functions && !load_find_microsoft_os_setting(l, i))
		i++;
	return i;
}

/*
 * Returns the configuration that the OS descriptors describe: the one with this id; if `id` is
 * NULL, the first one that contains the function with the index `first_function`, or else the first
 * one of all.
 */
static const struct config *find_config_of_os_descs(struct load *l, const struct node *id,
						    size_t first_function)
{
	const struct gadget *g = l->gadget;

	for (size_t i = 0; i < g->n_configs; i++)
		if (id ? g->configs[i].id == id->integer
		       : config_has_function(&g->configs[i], first_function))
			return &g->configs[i];
	return id || g->n_configs == 0 ? NULL : &g->configs[0];
}

static void warn_os_descs_host_never_reads(struct load *l, const struct node *use,
					   const struct config *config)
{
	for (size_t i = 0; i < l->gadget->n_functions; i++) {
		const struct node *node = load_find_microsoft_os_setting(l, i);

		if (!node)
			continue;
		if (use && use->integer == 0)
			diag_warning(l->diags, &node->name_at,
				     "no host reads these OS descriptors: 'use' in the gadget's "
				     "'os_descs' is false");
		else if (config && !config_has_function(config, i))
			diag_warning(l->diags, &node->name_at,
				     "no host reads these OS descriptors: 'os_descs' of the gadget "
				     "is for configuration %u, which does not contain this "
				     "function",
				     config->id);
	}
}

void load_gadget_os_descs(struct load *l, struct node *group)
{
	size_t first_function = first_function_with_os_descs(l);
	struct node *node = group ? group : load_find_microsoft_os_setting(l, first_function);
	const struct config *config;
	struct node *id, *use;
	struct attribute_values d = { .keys = os_descs_keys.keys };

	if (!node)
		return;
	if (group)
		load_attr_group(l, &os_descs_keys, group, &d);
	use = load_find_attr(&d, "use")->node;
	id = load_find_attr(&d, "config_id")->node;
	load_set_attr_default(&d, "b_vendor_code", group ? "1" : WINUSB_VENDOR_CODE, node);
	load_set_attr_default(&d, "qw_sign", "MSFT100", node);
	load_set_attr_default(&d, "use", "1", node);
	config = find_config_of_os_descs(l, id, first_function);
	load_add_attributes(l, &l->gadget->configfs_attributes, "os_desc/", &d);
	if (id && !config && !l->has_syntax_error)
		load_error(l, id, "no configuration has the id %s", id->text);
	/*
	 * libusbgx exports `use = 0` without 'config_id' for a gadget without OS descriptors, which
	 * has no link.
	 */
	if (config && config->name && (id || !use || use->integer != 0))
		load_add_attribute(l, &l->gadget->configfs_attributes, ATTRIBUTE_LINK,
				   strf("os_desc/%s.%u", config->name, config->id),
				   strf("configs/%s.%u", config->name, config->id), 0,
				   id ? id : node);
	warn_os_descs_host_never_reads(l, use, config);
	for (size_t i = 0; i < l->gadget->n_functions; i++)
		if (l->gadget->functions[i].ffs)
			l->gadget->functions[i].ffs->has_os_descs = true;
}

void set_attr_url(struct load *l, const struct key *k, struct node *value, void *field)
{
	static const char *const schemes[] = { "https://", "http://" };
	size_t n = strlen(value->text), max = MAX_BARE_URL;

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(value->text, schemes[i], strlen(schemes[i])) == 0)
			max = MAX_URL;
	if (n > max)
		load_error(l, value, "'%s' must have at most %zu bytes%s, not %zu", k->name, max,
			   max == MAX_URL ? " with its scheme" : "", n);
	else
		set_attr_string(l, k, value, field);
}

/*
 * Checks that the vendor codes of WebUSB and of Microsoft OS descriptors differ. If they are the
 * same, composite.c takes a WebUSB request for a request for Microsoft OS descriptors, and stalls
 * it as unknown.
 */
static void check_vendor_codes(struct load *l, struct attribute_values *d)
{
	const struct configfs_attribute *use = configfs_attributes_find(
						&l->gadget->configfs_attributes, "os_desc/use"),
					*code = configfs_attributes_find(
						&l->gadget->configfs_attributes,
						"os_desc/b_vendor_code");

	if (load_attr_integer(d, "use", 1) == 0 || !use || streq(use->value, "0") || !code ||
	    strtol(code->value, NULL, 0) != load_attr_integer(d, "bVendorCode", 0))
		return;
	load_error(l, load_member_or_node_itself(d->group, "bVendorCode"),
		   "bRequest %s is also 'b_vendor_code' of the gadget's OS descriptors: no browser "
		   "would get the landing page",
		   code->value);
}

void load_gadget_webusb(struct load *l, struct node *node)
{
	struct attribute_values d;

	load_attr_group(l, &webusb_keys, node, &d);
	check_vendor_codes(l, &d);
	load_set_attr_default(&d, "use", "1", node);
	load_add_attributes(l, &l->gadget->configfs_attributes, "webusb/", &d);
}

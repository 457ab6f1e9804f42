/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exports a gadget: device descriptor, strings and configurations. function.c exports functions. */
#include "export/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/usb_words.h"
#include "export/common.h"

void export_free(struct export *e)
{
	export_truncate_omissions(e, 0);
	free(e->omissions);
	for (size_t i = 0; i < e->n_function_labels; i++)
		free(e->function_labels[i]);
	free(e->function_labels);
	e->omissions = e->function_labels = NULL;
	e->n_omissions = e->n_function_labels = 0;
}

/* Returns the first line of an attribute; NULL: the attribute has no value. The caller frees it. */
static char *read_attribute_line(const struct configfs_tree *dir, const char *path)
{
	const struct configfs_tree *a = configfs_tree_find(dir, path);
	char *line = xstrdup_or_null(a ? a->value : NULL);

	if (line)
		line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Returns the number in an attribute; -1: the attribute does not exist or is empty. */
static long long read_attribute_number(const struct configfs_tree *dir, const char *path)
{
	_cleanup_free_ char *line = read_attribute_line(dir, path);

	return line && *line ? strtoll(line, NULL, 0) : -1;
}

/* --- The device ------------------------------------------------------------------------------- */

static void add_gadget_name(struct export *e, json_t *document)
{
	if (gadgetfile_is_gadget_name(e->gadget_name))
		json_object_set_new(document, "name", json_string(e->gadget_name));
	else
		export_report_omission(e, document,
				       "the gadget's name '%s' is not valid in a gadget file",
				       e->gadget_name);
}

/* Adds keys of the recorded gadget file that have no attribute in configfs. */
static void add_settings_from_record(const struct export *e, json_t *document)
{
	static const char *const keys[] = { "autostart", "hosts", "udc", "switch_to" };
	const json_t *record = e->record ? e->record->document : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(record, keys[i]);

		if (value)
			json_object_set_new(document, keys[i], json_deep_copy(value));
	}
}

/* Returns whether `up` would choose this UDC for a gadget file without the key `udc`. */
static bool is_default_udc(const struct udcs *udcs, const char *name)
{
	size_t n_candidates = 0;
	bool found = false;

	for (size_t i = 0; i < udcs->n; i++) {
		if (udcs_ignore(udcs, &udcs->list[i]))
			continue;
		n_candidates++;
		found |= streq(udcs->list[i].name, name);
	}
	return found && n_candidates == 1;
}

static void add_udc(const struct export *e, json_t *document)
{
	_cleanup_free_ char *udc = read_attribute_line(e->gadget_dir, "UDC");

	if (!udc || !*udc || json_object_get(document, "udc"))
		return;
	if (is_default_udc(e->udcs, udc) || !export_is_text(udc, strlen(udc), EXPORT_ONE_LINE))
		export_add_comment(document, "It was bound to the UDC %s.", udc);
	else
		json_object_set_new(document, "udc", json_string(udc));
}

static void add_max_speed(struct export *e, json_t *document)
{
#define PAIR(SPEED, unused, word, kernels, ...) { kernels, word },
	static const char *const words[][2] = { USB_SPEEDS(PAIR) };
#undef PAIR
	_cleanup_free_ char *speed = read_attribute_line(e->gadget_dir, "max_speed");

	for (size_t i = 0; speed && i < ARRAY_SIZE(words); i++) {
		if (!streq(words[i][0], speed))
			continue;
		json_object_set_new(document, "max_speed", json_string(words[i][1]));
		return;
	}
	if (speed && *speed)
		export_report_omission(e, document, "max_speed %s", speed);
}

/*
 * Returns the value of bcdUSB; -1: nobody has set it. Whenever a host reads the descriptor, Linux
 * replaces it by the release that fits the connection (composite_setup, composite.c:1833 of Linux
 * 6.12, :1802 of 6.1), so that the value of a recorded gadget is that of its file. Of other gadgets
 * it is what configfs has: a kernel with another rule then sends the same to the host.
 */
static long long usb_release(const struct export *e)
{
	const char *name = gadget_attribute_words[GADGET_BCD_USB];
	const json_t *recorded =
		e->record ? json_object_get(json_object_get(e->record->document, "attrs"), name)
			  : NULL;
	long long value = e->record ? recorded ? json_integer_value(recorded) : 0
				    : read_attribute_number(e->gadget_dir, name);

	return value > 0 ? value : -1;
}

/*
 * Adds the attributes of the device descriptor. Omits bMaxPacketSize0, which the kernel sets
 * whenever a host reads the descriptor.
 */
static void add_device_attributes(const struct export *e, json_t *document)
{
	json_t *attrs = json_object();

	for (int i = 0; i < GADGET_ATTR_COUNT; i++) {
		long long value =
			i == GADGET_BCD_USB
				? usb_release(e)
				: read_attribute_number(e->gadget_dir, gadget_attribute_words[i]);

		if (value >= 0 && i != GADGET_MAX_PACKET_SIZE0)
			json_object_set_new(attrs, gadget_attribute_words[i], json_integer(value));
	}
	json_object_set_new(document, "attrs", attrs);
}

/* --- Strings ---------------------------------------------------------------------------------- */

static void add_string_attribute(struct export *e, json_t *group, const struct configfs_tree *dir,
				 const char *name)
{
	_cleanup_free_ char *value = read_attribute_line(dir, name);

	if (!value || !*value)
		return;
	if (export_is_text(value, strlen(value), EXPORT_ONE_LINE))
		json_object_set_new(group, name, json_string(value));
	else
		export_report_omission(e, group, "%s '%s': not a valid string", name, value);
}

static json_t *export_string_groups(struct export *e, const struct configfs_tree *dir,
				    const char *const *string_names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; dir && i < dir->n_children; i++) {
		const struct configfs_tree *language = &dir->children[i];
		json_t *group, *source;

		if (language->kind != TREE_DIRECTORY)
			continue;
		group = json_pack("{s:i}", "lang", (int)strtol(language->name, NULL, 0));
		for (size_t k = 0; k < n; k++)
			add_string_attribute(e, group, language, string_names[k]);
		source = export_serial_source(e, json_text(group, "serialnumber", NULL));
		if (source)
			json_object_set_new(group, "serialnumber", source);
		json_array_append_new(list, group);
	}
	return list;
}

/* --- Vendors' descriptors -------------------------------------------------------------------- */

/* Returns the id of the configuration to which os_desc has a link; 0: os_desc has no link. */
static long long find_os_desc_config(const struct configfs_tree *os_desc)
{
	for (size_t i = 0; i < os_desc->n_children; i++) {
		const struct configfs_tree *child = &os_desc->children[i];
		const char *dot = child->kind == TREE_SYMLINK && child->value
					  ? strrchr(child->value, '.')
					  : NULL;

		if (dot)
			return strtoll(dot + 1, NULL, 0);
	}
	return 0;
}

static void add_os_descs(struct export *e, json_t *document)
{
	const struct configfs_tree *dir = configfs_tree_child(e->gadget_dir, "os_desc");
	_cleanup_free_ char *sign = dir ? read_attribute_line(dir, "qw_sign") : NULL;
	long long use = dir ? read_attribute_number(dir, "use") : 0,
		  id = dir ? find_os_desc_config(dir) : 0,
		  /* Linux 6.1 shows b_vendor_code as a signed number. */
		code = dir && configfs_tree_child(dir, "b_vendor_code")
			       ? read_attribute_number(dir, "b_vendor_code") & 0xff
			       : 0;
	json_t *group;

	if (!dir || (use <= 0 && id == 0 && code == 0 && !(sign && *sign)))
		return;
	group = json_pack("{s:b, s:I}", "use", use > 0, "b_vendor_code", (json_int_t)code);
	if (sign && export_is_text(sign, strlen(sign), EXPORT_ONE_LINE))
		json_object_set_new(group, "qw_sign", json_string(sign));
	if (id > 0)
		json_object_set_new(group, "config_id", json_integer(id));
	else
		export_report_omission(
			e, group,
			"os_desc has no link to a configuration; 'up' links it to the first one");
	json_object_set_new(document, "os_descs", group);
}

static void add_webusb(struct export *e, json_t *document)
{
	static const char *const numbers[] = { "bcdVersion", "bVendorCode" };
	const struct configfs_tree *dir = configfs_tree_child(e->gadget_dir, "webusb");
	_cleanup_free_ char *page = dir ? read_attribute_line(dir, "landingPage") : NULL;
	json_t *group;

	if (!dir || (read_attribute_number(dir, "use") <= 0 &&
		     read_attribute_number(dir, "bcdVersion") <= 0 &&
		     read_attribute_number(dir, "bVendorCode") <= 0 && !(page && *page)))
		return;
	group = json_pack("{s:b}", "use", read_attribute_number(dir, "use") > 0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(group, numbers[i],
				    json_integer(read_attribute_number(dir, numbers[i])));
	if (page && *page)
		add_string_attribute(e, group, dir, "landingPage");
	json_object_set_new(document, "webusb", group);
}

/* --- Configurations --------------------------------------------------------------------------- */

/*
 * Returns the label of the function to which a link in a configuration leads. The target of the
 * link is like "usb_gadget/G/functions/acm.a". NULL: there is no such function.
 */
static const char *label_of_symlinked_function(const struct export *e,
					       const struct configfs_tree *link)
{
	const struct configfs_tree *functions = configfs_tree_child(e->gadget_dir, "functions");
	const char *name = link->value ? strrchr(link->value, '/') : NULL;
	size_t n = 0;

	for (size_t i = 0; name && functions && i < functions->n_children; i++) {
		if (functions->children[i].kind != TREE_DIRECTORY)
			continue;
		if (streq(functions->children[i].name, name + 1))
			return e->function_labels[n];
		n++;
	}
	return NULL;
}

/*
 * Returns the key `functions` of a configuration. The key contains the name of a symbolic link only
 * if this name differs from the default, the name of the function's directory.
 */
static json_t *export_config_functions(struct export *e, json_t *group,
				       const struct configfs_tree *dir)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dir->n_children; i++) {
		const struct configfs_tree *link = &dir->children[i];
		const char *label =
			link->kind == TREE_SYMLINK ? label_of_symlinked_function(e, link) : NULL;

		if (link->kind != TREE_SYMLINK)
			continue;
		if (!label)
			export_report_omission(e, group, "the link %s leads to no function",
					       link->name);
		else if (!streq(path_last_component(link->value), link->name) &&
			 export_is_text(link->name, strlen(link->name), EXPORT_ONE_LINE))
			json_array_append_new(list, json_pack("{s:s, s:s}", "name", link->name,
							      "function", label));
		else
			json_array_append_new(list, json_string(label));
	}
	return list;
}

static bool is_valid_config_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p >= 0x7f)
			return false;
	return *name;
}

static void add_config_attributes(json_t *group, const struct configfs_tree *dir)
{
	long long power = read_attribute_number(dir, "MaxPower"),
		  attributes = read_attribute_number(dir, "bmAttributes");
	json_t *attrs = json_object();

	if (attributes >= 0)
		json_object_set_new(attrs, "bmAttributes", json_integer(attributes));
	if (power >= 0) /* the kernel limits MaxPower to 900 mA (composite.c) */
		json_object_set_new(attrs, "bMaxPower", json_integer(power > 900 ? 900 : power));
	json_object_set_new(group, "attrs", attrs);
}

static void add_config(struct export *e, json_t *document, json_t *configs,
		       const struct configfs_tree *dir)
{
	static const char *const texts[] = { "configuration" };
	const struct configfs_tree *languages = configfs_tree_child(dir, "strings");
	const char *dot = strrchr(dir->name, '.');
	_cleanup_free_ char *name = xstrndup(dir->name, dot ? (size_t)(dot - dir->name) : 0);
	json_t *group = json_object(), *list;

	json_object_set_new(group, "id", json_integer(dot ? strtoll(dot + 1, NULL, 0) : 0));
	if (is_valid_config_name(name))
		json_object_set_new(group, "name", json_string(name));
	else
		export_report_omission(
			e, group, "the configuration's name '%s' is not valid in a gadget file",
			name);
	add_config_attributes(group, dir);
	export_set_unless_empty(group, "strings",
				export_string_groups(e, languages, texts, ARRAY_SIZE(texts)));
	list = export_config_functions(e, group, dir);
	export_other_config_entries(e, group, dir);
	if (json_array_size(list) > 0) {
		json_object_set(group, "functions", list);
		json_array_append(configs, group);
	} else {
		export_report_omission(e, document, "the configuration %s, which has no functions",
				       dir->name);
	}
	json_decref(list);
	json_decref(group);
}

static void add_configs(struct export *e, json_t *document)
{
	const struct configfs_tree *dir = configfs_tree_child(e->gadget_dir, "configs");
	json_t *configs = json_array();

	for (size_t i = 0; dir && i < dir->n_children; i++)
		if (dir->children[i].kind == TREE_DIRECTORY)
			add_config(e, document, configs, &dir->children[i]);
	export_set_unless_empty(document, "configs", configs);
}

/* --- The file --------------------------------------------------------------------------------- */

json_t *export_document(struct export *e)
{
	static const char *const names[] = { "manufacturer", "product", "serialnumber" };
	json_t *document = json_object();

	export_add_comment(document, "Exported from the gadget '%s' in configfs.", e->gadget_name);
	add_gadget_name(e, document);
	add_settings_from_record(e, document);
	add_udc(e, document);
	add_max_speed(e, document);
	add_device_attributes(e, document);
	json_object_set_new(document, "strings",
			    export_string_groups(e, configfs_tree_child(e->gadget_dir, "strings"),
						 names, ARRAY_SIZE(names)));
	add_os_descs(e, document);
	add_webusb(e, document);
	export_functions(e, document);
	add_configs(e, document);
	export_other_gadget_entries(e, document);
	return document;
}

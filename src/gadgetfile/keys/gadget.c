// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: the gadget, its strings, functions and configurations. */
#include "base/usb_words.h"
#include "gadgetfile/types/attrs.h"

#define ATTR(index) .set = set_int, .offset = (index) * sizeof(struct positioned_int)
#define LANG_PATTERN "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"

#define WORD(SPEED, unused, word, ...) { word, GADGET_SPEED_##SPEED },
static const struct keyword speed_words[] = { USB_SPEEDS(WORD){ NULL, 0 } };
#undef WORD

#define HOST_WORD(NAME, word, name) { word, 1U << GADGET_HOST_##NAME },
static const struct keyword host_words[] = { GADGET_HOSTS(HOST_WORD){ NULL, 0 } };
#undef HOST_WORD

static const struct key attrs_rows[] = {
	{ "bcdUSB", NODE_INT, .flags = KEY_SCHEME, WORD16, .default_text = "the kernel's",
	  .doc = "Release of the USB standard in BCD: 0x0200. Linux does not send it to hosts: it "
		 "sends the value that fits the UDC, the speed and WebUSB.",
	  ATTR(GADGET_BCD_USB) },
	{ "bDeviceClass", NODE_INT | NODE_STRING, .flags = KEY_SCHEME, BYTE, .words = class_words,
	  .default_text = "0, per-interface", .doc = "Class of the device, a number or a name.",
	  .set = set_class, .offset = GADGET_DEVICE_CLASS * sizeof(struct positioned_int) },
	{ "bDeviceSubClass", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0",
	  .doc = "Subclass of the device.", ATTR(GADGET_DEVICE_SUB_CLASS) },
	{ "bDeviceProtocol", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0",
	  .doc = "Protocol of the device.", ATTR(GADGET_DEVICE_PROTOCOL) },
	{ "bMaxPacketSize0", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "the UDC's",
	  .doc = "Packet size of endpoint 0. The kernel always sends the UDC's value instead.",
	  ATTR(GADGET_MAX_PACKET_SIZE0) },
	{ "idVendor", NODE_INT, .flags = KEY_SCHEME, WORD16,
	  .default_text = "0x1d6b, with a warning",
	  .doc = "Vendor id, assigned by the USB Implementers Forum.", ATTR(GADGET_ID_VENDOR) },
	{ "idProduct", NODE_INT, .flags = KEY_SCHEME, WORD16,
	  .default_text = "0x0104, with a warning", .doc = "Product id, assigned by the vendor.",
	  ATTR(GADGET_ID_PRODUCT) },
	{ "bcdDevice", NODE_INT, .flags = KEY_SCHEME, WORD16,
	  .default_text = "the kernel's release",
	  .doc = "Release of the device in BCD: 0x0100 is 1.00.", ATTR(GADGET_BCD_DEVICE) },
	{ 0 },
};
const struct key_group attrs_keys = { "attrs", "'attrs'", attrs_rows, NULL,
				      "Fields of the device descriptor." };

static const struct key serial_rows[] = {
	{ "from", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY,
	  .pattern = "^(machine-id|device-tree|name|file:.+)$",
	  .doc = "Source of the serial number, read when the gadget comes up. \"machine-id\": a "
		 "hash of /etc/machine-id, the same for all gadgets of a board. \"device-tree\": "
		 "/proc/device-tree/serial-number. \"name\": the gadget's name, which --name can "
		 "set: for a file that is used for several gadgets. \"file:PATH\": the first line "
		 "of a file.",
	  .set = set_serialnumber_source, FIELD(struct gadget_strings, serialnumber_source) },
	{ 0 },
};
const struct key_group serial_keys = { "strings.serialnumber", "'serialnumber'", serial_rows, NULL,
				       "A serial number that differs for each board or gadget." };

static const struct key strings_rows[] = {
	{ "lang", NODE_INT | NODE_STRING, .flags = KEY_SCHEME, WORD16, .pattern = LANG_PATTERN,
	  .default_text = "en-us", .doc = "Language: an id (0x0409) or a name ('en-us').",
	  .set = set_lang, FIELD(struct gadget_strings, lang) },
	{ "manufacturer", NODE_STRING, .flags = KEY_SCHEME, .doc = "Manufacturer string.",
	  .set = set_usb_string, FIELD(struct gadget_strings, manufacturer) },
	{ "product", NODE_STRING, .flags = KEY_SCHEME, .doc = "Product string.",
	  .set = set_usb_string, FIELD(struct gadget_strings, product) },
	{ "serialnumber", NODE_STRING | NODE_GROUP, .flags = KEY_SCHEME, .group = &serial_keys,
	  .doc = "Serial number: a text, or a group with the source of the number.",
	  .set = set_serialnumber },
	{ 0 },
};
const struct key_group strings_keys = { "strings", "'strings'", strings_rows, NULL,
					"One group for each language." };

static const struct key udc_rows[] = {
	{ "name", NODE_STRING, .flags = KEY_NOT_EMPTY,
	  .doc = "Name of the UDC, as in /sys/class/udc.", .set = set_name_refusing_slash,
	  FIELD(struct gadget_udc, name) },
	{ "driver", NODE_STRING, .flags = KEY_NOT_EMPTY,
	  .doc = "Name of the UDC's driver, for systems whose UDC names vary.",
	  .set = set_name_refusing_slash, FIELD(struct gadget_udc, driver) },
	{ "wait", TYPE_SECONDS, .flags = KEY_SECONDS, .min = 0, .max = 86400, .default_text = "0",
	  .doc = "Seconds to wait for the UDC to appear.", .set = set_seconds,
	  FIELD(struct gadget_udc, wait_seconds) },
	{ 0 },
};
const struct key_group udc_keys = { "udc", "'udc'", udc_rows, NULL,
				    "The USB device controller to use." };

static const struct key function_rows[] = {
	{ "type", NODE_STRING, .flags = KEY_SCHEME | KEY_NOT_EMPTY,
	  .default_text = "ffs if there is an 'ffs' group", .pattern = "^[!-\\-0-~]+$",
	  .doc = "Type of the function, as in configfs; any type of the kernel. With type ffs and "
		 "no 'ffs' group, ffsctl only creates the configfs function: you mount it and "
		 "write the descriptors.",
	  .set = set_node, FIELD(struct function_settings, type) },
	{ "type_unchecked", NODE_BOOL, .default_text = "false",
	  .doc = "Whether to accept a type that ffsctl does not know: without it, such a type gets "
		 "a warning, and one that resembles a known type is an error.",
	  .set = set_bool, FIELD(struct function_settings, type_unchecked) },
	{ "instance", NODE_STRING, .flags = KEY_SCHEME | KEY_NOT_EMPTY,
	  .default_text = "the label; for type ffs, GADGET-LABEL", .pattern = "^[!-.0-~]{1,35}$",
	  .doc = "Name of the instance, at most 35 characters. Names of ffs instances must be "
		 "unique in the system.",
	  .set = set_node, FIELD(struct function_settings, instance) },
	{ "ffs", NODE_GROUP, .group = &ffs_keys, .doc = "A FunctionFS function.", .set = set_node,
	  FIELD(struct function_settings, ffs) },
	{ "worker", NODE_GROUP, .group = &worker_keys,
	  .doc = "The process that moves the data. If this group is not set, ffsctl starts no "
		 "process for that: it only keeps ep0 open, and a program that you start opens the "
		 "endpoints.",
	  .set = set_node, FIELD(struct function_settings, worker) },
	{ "optional", NODE_BOOL, .default_text = "false",
	  .doc = "Whether the gadget is bound without this function while its worker is not ready; "
		 "see "
		 "ffsctl-worker(7), \"Optional functions\". Only for a FunctionFS function with a "
		 "worker.",
	  .set = set_bool, FIELD(struct function_settings, optional) },
	{ "attrs", NODE_GROUP, .flags = KEY_SCHEME | KEY_BY_TYPE,
	  .doc = "Attributes of a kernel function. ffsctl-functions(5) lists them for each type. "
		 "For "
		 "a type that is not listed there, all attributes are written unchanged.",
	  .set = set_node, FIELD(struct function_settings, attrs) },
	{ "os_descs", TYPE_LIST, NODE_GROUP, KEY_SCHEME, .group = &function_os_descs_keys,
	  .doc = "Microsoft OS descriptors of a kernel function, by which Windows finds a driver. "
		 "They need the gadget's 'os_descs'.",
	  .set = set_node, FIELD(struct function_settings, os_descs) },
	{ "tree", TYPE_LIST, NODE_GROUP, .group = &function_tree_keys,
	  .doc = "Attributes, directories and links in the function's configfs directory that "
		 "'attrs' cannot express, because libconfig does not allow their names. They are "
		 "created after 'attrs', in file order; "
		 "at most 1024.",
	  .set = set_node, FIELD(struct function_settings, tree) },
	{ 0 },
};
const struct key_group function_keys = { "functions.LABEL", "a function", function_rows, NULL,
					 "One function of the gadget." };

static const struct key function_label = {
	"LABEL",
	NODE_GROUP,
	.group = &function_keys,
	.doc = "One function; you choose its label.",
};
static const struct key_group functions_keys = { "functions", "'functions'", NULL, &function_label,
						 "The functions of the gadget." };

static const struct key config_attrs_rows[] = {
	{ "bmAttributes", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0x80, bus powered",
	  .doc = "Bit 7 must be set; bit 6: self powered; bit 5: remote wakeup.",
	  .set = set_bm_attributes, FIELD(struct config, bm_attributes) },
	{ "bMaxPower", NODE_INT, .flags = KEY_SCHEME, .min = 0, .max = 900,
	  .default_text = "the kernel's (2)",
	  .doc = "Current that the device draws from the bus, in mA: at most 500, at SuperSpeed "
		 "900.",
	  .set = set_int, FIELD(struct config, max_power) },
	{ 0 },
};
const struct key_group config_attrs_keys = { "configs.attrs", "'attrs' of a configuration",
					     config_attrs_rows, NULL,
					     "Fields of the configuration descriptor." };

static const struct key config_strings_rows[] = {
	{ "lang", NODE_INT | NODE_STRING, .flags = KEY_SCHEME, WORD16, .pattern = LANG_PATTERN,
	  .default_text = "en-us", .doc = "Language: an id (0x0409) or a name ('en-us').",
	  .set = set_lang, FIELD(struct config_strings, lang) },
	{ "configuration", NODE_STRING, .flags = KEY_SCHEME, .doc = "Configuration string.",
	  .set = set_config_string, FIELD(struct config_strings, configuration) },
	{ 0 },
};
const struct key_group config_strings_keys = { "configs.strings", "'strings' of a configuration",
					       config_strings_rows, NULL,
					       "One group for each language." };

static const struct key config_function_rows[] = {
	{ "name", NODE_STRING, .flags = KEY_SCHEME | KEY_NOT_EMPTY, .default_text = "TYPE.INSTANCE",
	  .doc = "Name of the link in the configuration's directory.", .set = set_node,
	  FIELD(struct config_function_settings, name) },
	{ "function", NODE_STRING | NODE_GROUP, .flags = KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY,
	  .group = &function_keys,
	  .doc = "Label of a function; or the function itself, a group with the same keys as in "
		 "'functions', which needs 'instance' and gets the label TYPE_INSTANCE.",
	  .set = set_node, FIELD(struct config_function_settings, function) },
	{ 0 },
};
const struct key_group config_function_keys = { "configs.functions",
						"a function of a configuration",
						config_function_rows, NULL,
						"A function of the configuration." };

static const struct key config_rows[] = {
	{ "id", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .default_text = "one more than the highest id before it",
	  .doc = "bConfigurationValue, by which the host selects the configuration.",
	  .set = set_node, FIELD(struct config_settings, id) },
	{ "name", NODE_STRING, .flags = KEY_SCHEME | KEY_NOT_EMPTY, .default_text = "c",
	  .pattern = "^[ -,0-~-]{1,37}$",
	  .doc = "Name in configfs, without a dot; NAME.ID has at most 39 characters.",
	  .set = set_node, FIELD(struct config_settings, name) },
	{ "attrs", NODE_GROUP, .flags = KEY_SCHEME, .group = &config_attrs_keys,
	  .doc = "Fields of the configuration descriptor.", .set = set_node,
	  FIELD(struct config_settings, attrs) },
	{ "strings", TYPE_LIST, NODE_GROUP, KEY_SCHEME, .group = &config_strings_keys,
	  .doc = "Strings of the configuration, a group for each language.", .set = set_node,
	  FIELD(struct config_settings, strings) },
	{ "functions", TYPE_LIST, NODE_STRING | NODE_GROUP,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY, .group = &config_function_keys,
	  .doc = "Functions of the configuration, in the order of their interface numbers: labels "
		 "of functions, or groups, which can also set the link's name or define the "
		 "function.",
	  .set = set_node, FIELD(struct config_settings, functions) },
	{ "tree", TYPE_LIST, NODE_GROUP, .group = &config_tree_keys,
	  .doc = "Attributes and directories in the configuration's configfs directory that have "
		 "no key, such as an attribute of a newer kernel. They are created before the "
		 "functions are linked, in file order; at most 1024.",
	  .set = set_node, FIELD(struct config_settings, tree) },
	{ 0 },
};
const struct key_group config_keys = { "configs", "a configuration", config_rows, NULL,
				       "One group for each configuration." };

static const struct key gadget_rows[] = {
	{ "name", NODE_STRING, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$",
	  .default_text = "the file's name without .conf or .scheme",
	  .doc = "Name of the gadget: letters, digits, and dots, underscores and hyphens after the "
		 "first; at most 64 characters.",
	  .set = set_node, FIELD(struct gadget_settings, name) },
	{ "autostart", NODE_BOOL, .default_text = "false",
	  .doc = "Whether 'ffsctl up --all' brings it up.", .set = set_bool,
	  FIELD(struct gadget_settings, autostart) },
	{ "max_speed", NODE_STRING, .words = speed_words,
	  .default_text = "what all functions offer",
	  .doc = "Highest speed of the gadget. It is lowered to the highest speed that all "
		 "functions support, with a warning if that is below SuperSpeed. If the file sets "
		 "the key, there is no warning.",
	  .set = set_keyword, FIELD(struct gadget_settings, max_speed) },
	{ "hosts", TYPE_LIST, NODE_STRING, .words = host_words,
	  .doc = "Systems that the gadget is for. 'ffsctl check' warns if one of them has no "
		 "driver for an interface, and says what to change; 'ffsctl descriptors --hosts' "
		 "prints the drivers of all.",
	  .set = set_word_bits, FIELD(struct gadget_settings, hosts) },
	{ "udc", NODE_STRING | NODE_GROUP, .flags = KEY_NOT_EMPTY, .group = &udc_keys,
	  .default_text = "the only real UDC that is free",
	  .doc = "USB device controller: its name, or a group. The command line overrides it. "
		 "Virtual controllers are chosen automatically only if there is no real one.",
	  .set = set_node, FIELD(struct gadget_settings, udc) },
	{ "attrs", NODE_GROUP, .flags = KEY_SCHEME, .group = &attrs_keys,
	  .default_text = "ids 1d6b:0104, with a warning",
	  .doc = "Fields of the device descriptor.", .set = set_node,
	  FIELD(struct gadget_settings, attrs) },
	{ "strings", TYPE_LIST, NODE_GROUP, KEY_SCHEME, .group = &strings_keys,
	  .default_text = "product = the gadget's name, in en-us",
	  .doc = "Strings of the device, one group for each language.", .set = set_node,
	  FIELD(struct gadget_settings, strings) },
	{ "os_descs", NODE_GROUP, .flags = KEY_SCHEME, .group = &os_descs_keys,
	  .doc = "Microsoft OS descriptors of the gadget.", .set = set_node,
	  FIELD(struct gadget_settings, os_descs) },
	{ "webusb", NODE_GROUP, .group = &webusb_keys, .doc = "WebUSB descriptors.",
	  .set = set_node, FIELD(struct gadget_settings, webusb) },
	{ "switch_to", TYPE_LIST, NODE_STRING, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$",
	  .doc = "Names of gadgets that a worker may switch to (SWITCH of ffsctl-worker(7)). "
		 "ffsctl looks for their gadget files in the same directories as 'ffsctl up NAME'. "
		 "If this gadget file is in none of these directories, ffsctl looks first in the "
		 "directory of this file.",
	  .set = set_node, FIELD(struct gadget_settings, switch_to) },
	{ "functions", NODE_GROUP, .flags = KEY_SCHEME | KEY_ONE_OF | KEY_NOT_EMPTY,
	  .group = &functions_keys,
	  .doc = "The functions, each under a label of your choice. Required, unless 'configs' "
		 "defines them.",
	  .set = set_node, FIELD(struct gadget_settings, functions) },
	{ "configs", TYPE_LIST, NODE_GROUP, KEY_SCHEME | KEY_ONE_OF | KEY_NOT_EMPTY,
	  .group = &config_keys, .default_text = "one, with every function in file order",
	  .doc = "The configurations, one group for each.", .set = set_node,
	  FIELD(struct gadget_settings, configs) },
	{ "tree", TYPE_LIST, NODE_GROUP, .group = &gadget_tree_keys,
	  .doc = "Attributes and directories in the gadget's configfs directory that have no key, "
		 "such as an attribute of a newer kernel. They are created after everything else, "
		 "in file order; at most 1024. What other keys set, and what belongs to functions "
		 "and configurations, is an error.",
	  .set = set_node, FIELD(struct gadget_settings, tree) },
	{ 0 },
};
const struct key_group gadget_keys = { "", "a gadget file", gadget_rows, NULL,
				       "The keys of the gadget." };

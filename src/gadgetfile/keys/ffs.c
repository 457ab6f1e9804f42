// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: the `ffs` group. */
#include "base/usb_words.h"
#include "blob/uapi.h"
#include "gadgetfile/load.h"

#define SECONDS .min = 0, .max = 86400
#define END_WORDS                                                                                  \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define OCTAL_PATTERN "^0?[0-7]{1,3}$"
#define NEEDS_7_3 "Needs Linux 7.3, or ffsctl's kernel patches."
#define NEEDS_PATCHES "Needs ffsctl's kernel patches."

#define GUID_PATTERN                                                                               \
	"^\\{[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\\}$"

static const struct key mount_rows[] = {
	{ "path", NODE_STRING, .flags = KEY_NOT_EMPTY, .default_text = "/dev/ffs/GADGET/LABEL",
	  .doc = "Mount point of FunctionFS. If the directory does not exist, it is created and "
		 "removed together with the mount. The mount never hides files or the mount of "
		 "another gadget or program.",
	  .set = set_path, FIELD(struct ffs_mount, path) },
	{ "uid", NODE_STRING | NODE_INT, .flags = KEY_NOT_EMPTY, .min = 0, .max = 4294967294.0,
	  .default_text = "root, or with opens = \"ep0\" the worker's user",
	  .doc = "Owner of the files, a name or a number.", .set = set_user_or_group,
	  FIELD(struct ffs_mount, uid) },
	{ "gid", NODE_STRING | NODE_INT, .flags = KEY_NOT_EMPTY, .min = 0, .max = 4294967294.0,
	  .default_text = "root, or with opens = \"ep0\" the worker's group",
	  .doc = "Group of the files, a name or a number.", .set = set_user_or_group,
	  FIELD(struct ffs_mount, gid) },
	{ "mode", NODE_STRING, .pattern = OCTAL_PATTERN, .default_text = "the kernel's",
	  .doc = "Permissions of directory and files, octal, as a string: \"0660\". The kernel "
		 "removes write permission of the directory and execute permission of files.",
	  .flags = KEY_OCTAL, .set = set_octal_mode, FIELD(struct ffs_mount, mode) },
	{ "rmode", NODE_STRING, .pattern = OCTAL_PATTERN, .default_text = "0500",
	  .doc = "Permissions of the directory only.", .flags = KEY_OCTAL, .set = set_octal_mode,
	  FIELD(struct ffs_mount, rmode) },
	{ "fmode", NODE_STRING, .pattern = OCTAL_PATTERN, .default_text = "0600",
	  .doc = "Permissions of the files only.", .flags = KEY_OCTAL, .set = set_octal_mode,
	  FIELD(struct ffs_mount, fmode) },
	{ "no_disconnect", NODE_BOOL, .default_text = "false",
	  .doc = "The gadget stays bound when the last open file is closed, until ep0 is opened "
		 "again.",
	  .set = set_bool, FIELD(struct ffs_mount, no_disconnect) },
	{ "mmap_memory_mb", NODE_INT, .min = 0, .max = 65536,
	  .default_text = "16, which the kernel sets",
	  .doc = "MiB of the instance's memory that programs can map, for zero-copy I/O; 0: "
		 "none. " NEEDS_PATCHES,
	  .set = set_int, FIELD(struct ffs_mount, mmap_memory_mb) },
	{ 0 },
};
const struct key_group mount_keys = { "ffs.mount", "'mount'", mount_rows, NULL,
				      "How FunctionFS is mounted." };

static const struct key text_rows[] = {
	{ "lang", NODE_INT | NODE_STRING, .min = 0, .max = 65535,
	  .pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", .default_text = "en-us",
	  .doc = "Language: an id (0x0409) or a name ('en-us').", .set = set_lang,
	  FIELD(struct ffs_string_translation, lang) },
	{ "text", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY,
	  .doc = "The text in this language.", .set = set_text,
	  FIELD(struct ffs_string_translation, text) },
	{ 0 },
};
const struct key_group text_keys = { "ffs.interfaces.string", "a text", text_rows, NULL,
				     "A text in one language." };

/*
 * Limits of an interval in milliseconds. The highest bInterval at high speed, 16, stands for 2^15
 * microframes (USB 2.0, 9.6.6).
 */
#define INTERVAL .flags = KEY_MILLISECONDS, .min = 0.125, .max = 4096
#define MULT .min = 1, .max = 3

static const struct key full_rows[] = {
	{ "max_packet", NODE_INT, .min = 1, .max = 1024, .doc = "wMaxPacketSize at this speed.",
	  .set = set_int, FIELD(struct endpoint_speed_settings, max_packet) },
	{ "interval", TYPE_SECONDS, INTERVAL,
	  .doc = "Milliseconds between transfers; an interval that this speed allows.",
	  .set = set_node, FIELD(struct endpoint_speed_settings, interval) },
	{ "mult", NODE_INT, MULT, .doc = "Packets in a microframe. At high speed only.",
	  .set = set_int, FIELD(struct endpoint_speed_settings, mult) },
	{ 0 },
};
const struct key_group full_keys = {
	"ffs.interfaces.endpoints.full", "'full' or 'high'", full_rows, NULL,
	"Values of an endpoint for one speed. The group 'high' has the same keys."
};

static const struct key super_rows[] = {
	{ "max_packet", NODE_INT, .min = 1, .max = 1024, .doc = "wMaxPacketSize at this speed.",
	  .set = set_int, FIELD(struct endpoint_speed_settings, max_packet) },
	{ "interval", TYPE_SECONDS, INTERVAL,
	  .doc = "Milliseconds between transfers; an interval that this speed allows.",
	  .set = set_node, FIELD(struct endpoint_speed_settings, interval) },
	{ "burst", NODE_INT, .min = 0, .max = 15, .doc = "bMaxBurst at this speed.", .set = set_int,
	  FIELD(struct endpoint_speed_settings, burst) },
	{ "mult", NODE_INT, MULT,
	  .doc = "Bursts in a service interval. Only for isochronous endpoints with a 'burst' "
		 "above 0.",
	  .set = set_int, FIELD(struct endpoint_speed_settings, mult) },
	{ 0 },
};
const struct key_group super_keys = { "ffs.interfaces.endpoints.super", "'super'", super_rows, NULL,
				      "Values of an endpoint for SuperSpeed." };

static const struct keyword endpoint_words[] = {
	{ "bulk-in", ENDPOINT_WORD(EP_BULK, EP_IN) },
	{ "bulk-out", ENDPOINT_WORD(EP_BULK, EP_OUT) },
	{ "interrupt-in", ENDPOINT_WORD(EP_INTERRUPT, EP_IN) },
	{ "interrupt-out", ENDPOINT_WORD(EP_INTERRUPT, EP_OUT) },
	{ "iso-in", ENDPOINT_WORD(EP_ISOCHRONOUS, EP_IN) },
	{ "iso-out", ENDPOINT_WORD(EP_ISOCHRONOUS, EP_OUT) },
	END_WORDS,
};
static const struct keyword direction_words[] = {
	{ "in", EP_IN },
	{ "out", EP_OUT },
	END_WORDS,
};
#define WORD(TYPE, word) { word, EP_##TYPE },
static const struct keyword endpoint_type_words[] = {
	USB_TRANSFER_TYPES(WORD){ "iso", EP_ISOCHRONOUS },
	END_WORDS,
};
#undef WORD

static const struct key endpoint_rows[] = {
	{ "direction", NODE_STRING, .words = direction_words,
	  .default_text = "the direction of 'address'",
	  .doc = "\"in\": the endpoint sends data to the host. \"out\": it receives data from the "
		 "host.",
	  .set = set_keyword_setting, FIELD(struct endpoint_settings, direction) },
	{ "type", NODE_STRING, .flags = KEY_REQUIRED, .words = endpoint_type_words,
	  .doc = "Transfer type.", .set = set_keyword_setting,
	  FIELD(struct endpoint_settings, type) },
	{ "name", NODE_STRING, .flags = KEY_NOT_EMPTY, .default_text = "ep1-in, ep2-out, ...",
	  .pattern = "^[^:]*$",
	  .doc = "Name in the worker's LISTEN_FDNAMES: no colon, no control characters.",
	  .set = set_endpoint_name, FIELD(struct endpoint_settings, name) },
	{ "address", NODE_INT, .min = 1, .max = 0x8f, .default_text = "in file order from 1",
	  .doc = "bEndpointAddress: 1 to 15, plus 0x80 for in. The host gets the address of the "
		 "UDC's endpoint instead.",
	  .set = set_int, FIELD(struct endpoint_settings, address) },
	{ "max_packet", NODE_INT, .min = 1, .max = 1024,
	  .default_text = "bulk: the speed's limit; interrupt: 64; required for isochronous",
	  .doc = "Bytes in a packet, reduced to the limit of each speed.", .set = set_int,
	  FIELD(struct endpoint_settings, max_packet) },
	{ "interval", TYPE_SECONDS, INTERVAL, .default_text = "1",
	  .doc = "Milliseconds between transfers of an interrupt or isochronous endpoint; "
		 "rounded down to an interval that the speed allows.",
	  .set = set_node, FIELD(struct endpoint_settings, interval) },
	{ "burst", NODE_INT, .min = 0, .max = 15, .default_text = "0",
	  .doc = "At SuperSpeed: packets in a burst minus one.", .set = set_int,
	  FIELD(struct endpoint_settings, burst) },
	{ "full", NODE_GROUP, .group = &full_keys,
	  .doc = "Values for full speed only, which are never reduced or rounded.", .set = set_node,
	  FIELD(struct endpoint_settings, by_speed[EP_FULL]) },
	{ "high", NODE_GROUP, .group = &full_keys,
	  .doc = "Values for high speed only, which are never reduced or rounded.", .set = set_node,
	  FIELD(struct endpoint_settings, by_speed[EP_HIGH]) },
	{ "super", NODE_GROUP, .group = &super_keys,
	  .doc = "Values for SuperSpeed only, which are never reduced or rounded.", .set = set_node,
	  FIELD(struct endpoint_settings, by_speed[EP_SUPER]) },
	{ "mult", NODE_INT, MULT, .default_text = "1",
	  .doc = "Number of packets in a microframe at high speed, for interrupt and isochronous "
		 "endpoints. At SuperSpeed with a 'burst' above 0: number of bursts in a service "
		 "interval, for isochronous endpoints. At SuperSpeed without 'burst', each service "
		 "interval has one burst. This burst has 'mult' packets if 'max_packet' is 1024, "
		 "else one packet.",
	  .set = set_int, FIELD(struct endpoint_settings, mult) },
	{ "zlp", NODE_BOOL, .default_text = "false",
	  .doc = "For IN endpoints of a program ('exec'): if the length of a write is a multiple "
		 "of the packet size, the kernel sends a zero-length packet after it, so that the "
		 "host detects the end of the write. (For plugins, the plugin host sends these "
		 "packets.) " NEEDS_7_3,
	  .set = set_int, FIELD(struct endpoint_settings, zlp) },
	{ 0 },
};
const struct key_group endpoint_keys = {
	"ffs.interfaces.endpoints", "an endpoint", endpoint_rows, NULL,
	"An endpoint with attributes that a word like \"bulk-in\" cannot express."
};

static const struct key alternate_rows[] = {
	{ "class", NODE_INT | NODE_STRING, BYTE, .words = class_words,
	  .default_text = "that of the interface",
	  .doc = "Class of the alternate setting, a number or a name.", .set = set_node,
	  FIELD(struct alternate_settings, class.class) },
	{ "subclass", NODE_INT, BYTE,
	  .default_text = "that of the interface; with class, 0, for dfu 1",
	  .doc = "Subclass of the alternate setting.", .set = set_int,
	  FIELD(struct alternate_settings, class.subclass) },
	{ "protocol", NODE_INT, BYTE, .default_text = "that of the interface; with class, 0",
	  .doc = "Protocol of the alternate setting. IPP over USB, for example, needs settings "
		 "with "
		 "class printer, subclass 1 and protocols 2 and 4.",
	  .set = set_int, FIELD(struct alternate_settings, class.protocol) },
	{ "endpoints", TYPE_LIST, NODE_STRING | NODE_GROUP, .words = endpoint_words,
	  .group = &endpoint_keys, .default_text = "none",
	  .doc = "Endpoints of the alternate setting.", .set = set_node,
	  FIELD(struct alternate_settings, endpoints) },
	{ 0 },
};
static const struct key_group alternate_keys = { "ffs.interfaces.alternates",
						 "an alternate setting", alternate_rows, NULL,
						 "One alternate setting." };

static const struct key interface_rows[] = {
	{ "class", NODE_INT | NODE_STRING, BYTE, .words = class_words, .default_text = "vendor",
	  .doc = "Class of the interface, a number or a name.", .set = set_node,
	  FIELD(struct interface_settings, class.class) },
	{ "subclass", NODE_INT, BYTE, .default_text = "0, for dfu 1",
	  .doc = "Subclass of the interface.", .set = set_int,
	  FIELD(struct interface_settings, class.subclass) },
	{ "protocol", NODE_INT, BYTE, .default_text = "0", .doc = "Protocol of the interface.",
	  .set = set_int, FIELD(struct interface_settings, class.protocol) },
	{ "string", NODE_STRING | TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &text_keys,
	  .doc = "Interface string: a text, whose language is en-us, or a list of groups, one for "
		 "each language.",
	  .set = set_node, FIELD(struct interface_settings, string) },
	{ "endpoints", TYPE_LIST, NODE_STRING | NODE_GROUP, .words = endpoint_words,
	  .group = &endpoint_keys, .default_text = "none",
	  .doc = "Endpoints of the interface: words like \"bulk-in\", or groups with more "
		 "attributes.",
	  .set = set_node, FIELD(struct interface_settings, endpoints) },
	{ "alternates", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &alternate_keys,
	  .default_text = "none",
	  .doc = "Alternate settings 1 and 2. The kernel enables the endpoints of all settings at "
		 "once, so their addresses must differ. It does not report which setting the host "
		 "has chosen. Linux 6.1 refuses each SET_INTERFACE request for a setting other "
		 "than 0; Linux 6.12 accepts it.",
	  .set = set_node, FIELD(struct interface_settings, alternates) },
	{ "extra", TYPE_LIST, TYPE_LIST, KEY_NOT_EMPTY, .default_text = "none",
	  .doc = "Additional descriptors after the interface descriptor, each a list of bytes. "
		 "FunctionFS accepts only type 0x21, for interfaces of class hid, smart-card and "
		 "dfu (dfu since Linux 6.12).",
	  .set = set_node, FIELD(struct interface_settings, extra_descriptors) },
	{ 0 },
};
const struct key_group interface_keys = { "ffs.interfaces", "an interface", interface_rows, NULL,
					  "One group for each interface." };

static const struct key association_rows[] = {
	{ "first", NODE_INT, .flags = KEY_REQUIRED, .min = 0, .max = 15,
	  .doc = "First interface of the association, counted from 0 in this function.",
	  .set = set_int, FIELD(struct association_settings, first_interface) },
	{ "count", NODE_INT, .flags = KEY_REQUIRED, .min = 2, .max = 16,
	  .doc = "Number of interfaces in the association.", .set = set_int,
	  FIELD(struct association_settings, n_interfaces) },
	{ "class", NODE_INT | NODE_STRING, BYTE, .words = class_words,
	  .default_text = "that of the first interface",
	  .doc = "Class of the association, a number or a name.", .set = set_node,
	  FIELD(struct association_settings, class.class) },
	{ "subclass", NODE_INT, BYTE,
	  .default_text = "that of the first interface; 0 if 'class' is set",
	  .doc = "Subclass of the association.", .set = set_int,
	  FIELD(struct association_settings, class.subclass) },
	{ "protocol", NODE_INT, BYTE,
	  .default_text = "that of the first interface; 0 if 'class' is set",
	  .doc = "Protocol of the association.", .set = set_int,
	  FIELD(struct association_settings, class.protocol) },
	{ "string", NODE_STRING | TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &text_keys,
	  .doc = "String of the association: a text, whose language is en-us, or a list of "
		 "groups, one for each language.",
	  .set = set_node, FIELD(struct association_settings, string) },
	{ 0 },
};
static const struct key_group association_keys = { "ffs.associations", "an association",
						   association_rows, NULL,
						   "An interface association." };

#define WORD(SPEED, unused, word, ...) { word, EP_##SPEED },
static const struct keyword ffs_speed_words[] = { USB_DESCRIPTOR_SPEEDS(WORD) END_WORDS };
#undef WORD

static const struct key blob_rows[] = {
	{ "descriptors", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY,
	  .doc = "Path of a file with the descriptors to write to ep0, in the format of "
		 "linux/usb/functionfs.h. The descriptors define the speeds and endpoints. The "
		 "file is read when the gadget file is read.",
	  .set = set_node, FIELD(struct blob_settings, descriptors) },
	{ "strings", NODE_STRING, .flags = KEY_NOT_EMPTY, .default_text = "no strings",
	  .doc = "Path of a file with the strings to write to ep0.", .set = set_node,
	  FIELD(struct blob_settings, strings) },
	{ 0 },
};
static const struct key_group blob_keys = { "ffs.blob", "'blob'", blob_rows, NULL,
					    "Descriptors and strings from files." };

/* Setter and field for the row of a boolean key that sets a flag of ffs_flags (blob/flags.c). */
#define FLAG(flag) .set = set_node, FIELD(struct ffs_settings, flags[FFS_FLAG_NUMBER(flag)])

static const struct key ffs_rows[] = {
	{ "mount", NODE_GROUP, .group = &mount_keys, .doc = "How FunctionFS is mounted.",
	  .set = set_node, FIELD(struct ffs_settings, mount) },
	{ "device", NODE_STRING, .flags = KEY_NOT_EMPTY, .default_text = "none",
	  .doc = "Path of a symbolic link that ffsctl makes to the file of the endpoint, if the "
		 "function has only one; with 'rw_proxy', to the file of the pair, if the function "
		 "has only one. An existing file is never replaced.",
	  .set = set_node, FIELD(struct ffs_settings, endpoint_file_symlink) },
	{ "virtual_addr", NODE_BOOL, .default_text = "false",
	  .doc = "The name of an endpoint's file contains the address in the descriptors: ep81. "
		 "A kernel without the group 'fixes' of ffsctl's patches enables an endpoint only "
		 "if the UDC assigns this same address to it; otherwise no host can configure the "
		 "gadget.",
	  FLAG(FUNCTIONFS_VIRTUAL_ADDR) },
	{ "all_ctrl_recip", NODE_BOOL, .default_text = "false",
	  .doc = "The function also gets control requests whose recipient is the device or "
		 "\"other\". Of several such functions of a configuration only the first gets "
		 "them.",
	  FLAG(FUNCTIONFS_ALL_CTRL_RECIP) },
	{ "config0_setup", NODE_BOOL, .default_text = "false",
	  .doc = "The function also gets control requests before the host has chosen a "
		 "configuration.",
	  FLAG(FUNCTIONFS_CONFIG0_SETUP) },
	{ "speeds", TYPE_LIST, NODE_STRING, KEY_NOT_EMPTY, .words = ffs_speed_words,
	  .default_text = "all", .doc = "Speeds for which descriptors are written.",
	  .set = set_node, FIELD(struct ffs_settings, speeds) },
	{ "interfaces", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &interface_keys,
	  .doc = "The interfaces, a group for each. Required without 'blob'.", .set = set_node,
	  FIELD(struct ffs_settings, interfaces) },
	{ "rw_proxy", NODE_BOOL, .default_text = "false",
	  .doc = "Each pair of endpoints (1 and 2, 3 and 4, ...), one in and one out, also has a "
		 "file for both directions, named after the first: ep1_rw. " NEEDS_7_3,
	  FLAG(FUNCTIONFS_RW_PROXY_EPS) },
	{ "associations", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &association_keys,
	  .default_text = "none",
	  .doc = "Interface associations, so that the host uses one driver for several "
		 "interfaces. The gadget gets the device class for associations (misc, 2, 1) if "
		 "'attrs' sets none. In 'configs', only functions with an 'ffs' group may precede "
		 "this one.",
	  .set = set_node, FIELD(struct ffs_settings, associations) },
	{ "winusb", NODE_BOOL | NODE_STRING, .pattern = GUID_PATTERN, .default_text = "false",
	  .doc = "Windows loads its WinUSB driver for the interfaces that are not in 'os_compat', "
		 "and programs on Windows find them by a GUID. The value is the GUID, \"{...}\"; "
		 "with true, the GUID is derived from the gadget's name and the function's label. "
		 "The gadget gets 'os_descs' if the file has none, with b_vendor_code 0xee: the "
		 "kernel then answers vendor requests whose bRequest is this number. The GUID is "
		 "sent as the string DeviceInterfaceGUID, because Linux cannot send lists of "
		 "strings.",
	  .set = set_node, FIELD(struct ffs_settings, winusb) },
	{ "os_compat", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &os_compat_keys,
	  .default_text = "none",
	  .doc = "Compatible ids of interfaces, by which Windows finds other drivers than WinUSB.",
	  .set = set_node, FIELD(struct ffs_settings, os_compat) },
	{ "os_properties", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &os_properties_keys,
	  .default_text = "none", .doc = "Values that Windows writes into its registry.",
	  .set = set_node, FIELD(struct ffs_settings, os_properties) },
	{ "blob", NODE_GROUP, .group = &blob_keys, .default_text = "none",
	  .doc = "Descriptors and strings from files. It excludes all other keys of 'ffs' except "
		 "'mount' and 'device'. If the files contain Microsoft OS descriptors, the gadget "
		 "must have 'os_descs'.",
	  .set = set_node, FIELD(struct ffs_settings, blob) },
	{ 0 },
};
const struct key_group ffs_keys = { "ffs", "'ffs'", ffs_rows, NULL, "A FunctionFS function." };

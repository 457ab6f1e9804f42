// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of keys: kernel functions and their attributes. Ranges are those that the store
 * functions in drivers/usb/gadget/function (Linux 6.12) enforce; rows are in the order in which the
 * kernel expects the writes. Audio, MIDI and video functions are in keys/media.c.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/keys/attrs.h"

/* --- serial lines ----------------------------------------------------------------------------- */

#define PORT_NUM READ_ONLY("port_num", "Number of the port: N of /dev/ttyGSN.")
#define CONSOLE                                                                                    \
	BOOL("console", .default_text = "false",                                                   \
	     .doc = "Whether the port is a console of the kernel (CONFIG_U_SERIAL_CONSOLE).")

static const struct key acm_rows[] = {
	PORT_NUM,
	CONSOLE,
	INT("protocol", BYTE, .default_text = "1, AT commands",
	    .doc = "bInterfaceProtocol of the control interface (Linux 6.12 and later)."),
	{ 0 },
};
static const struct key gser_rows[] = { PORT_NUM, CONSOLE, { 0 } };
static const struct key obex_rows[] = { PORT_NUM, { 0 } };

/* --- networks --------------------------------------------------------------------------------- */

#define IFNAME                                                                                     \
	{                                                                                          \
		"ifname", NODE_STRING,                                                             \
			.flags = KEY_SCHEME | KEY_NOT_EMPTY,                                       \
			.default_text = "the kernel's, usb%d",                                     \
			.doc = "Pattern for the name of the network interface on "                 \
			       "the board, with one %d: \"lab%d\". The kernel puts "               \
			       "the first free number there. A name without %d is "                \
			       "taken as the pattern of that name: \"lab0\" and "                  \
			       "\"lab\" are \"lab%d\".",                                           \
			.set = set_attr_ifname                                                     \
	}
#define ADDRESS(name_, end)                                                                        \
	{                                                                                          \
		name_, NODE_STRING | NODE_GROUP,                                                   \
			.flags = KEY_SCHEME, .group = &address_keys,                               \
			.default_text = "random at each start",                                    \
			.doc = "Ethernet address of the network "                                  \
			       "interface on the " end ": a string, or a group with the source "   \
			       "from which it is made.",                                           \
			.set = set_attr_address                                                    \
	}
#define ETHERNET                                                                                   \
	ADDRESS("dev_addr", "board"), ADDRESS("host_addr", "host"),                                \
		INT("qmult", BYTE, .flags = KEY_SCHEME, .default_text = "5",                       \
		    .doc = "Multiplier of the queue length at high speed and above: a queue has "  \
			   "2 requests times this number."),                                       \
		IFNAME

static const struct key ethernet_rows[] = { ETHERNET, { 0 } };
static const struct key ncm_rows[] = {
	ETHERNET,
	INT("max_segment_size", .min = 1514, .max = 8000, .default_text = "1514",
	    .doc = "Longest datagram in bytes (Linux 6.12 and later)."),
	{ 0 },
};
/*
 * The kernel's defaults of `class`, `subclass` and `protocol` are those of the rndis function that
 * was bound last (f_rndis.c of Linux 6.12, lines 684 to 686 and 910 to 912).
 */
static const struct key rndis_rows[] = {
	ETHERNET,
	{ "class", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0x02",
	  .doc = "Class of the interface association.", .set = set_attr_hex,
	  .value_if_missing = "02" },
	{ "subclass", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0x06",
	  .doc = "Subclass of the interface association.", .set = set_attr_hex,
	  .value_if_missing = "06" },
	{ "protocol", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0x00",
	  .doc = "Protocol of the interface association.", .set = set_attr_hex,
	  .value_if_missing = "00" },
	{ 0 },
};
static const struct key phonet_rows[] = {
	READ_ONLY("ifname", "Name of the network interface on the board."),
	{ 0 },
};

/* --- storage ---------------------------------------------------------------------------------- */

static const struct key no_rows[] = { { 0 } };

static const struct key mass_storage_rows[] = {
	BOOL("stall", .flags = KEY_SCHEME, .default_text = "false",
	     .doc = "Whether the function halts endpoints where the standard requires it; a few "
		    "UDCs cannot do this."),
	INT("num_buffers", .min = 2, .max = 255, .default_text = "2",
	    .doc = "Number of buffers of 16 KiB for the data of transfers. Needs "
		   "CONFIG_USB_GADGET_DEBUG_FILES."),
	{ "luns", TYPE_LIST, NODE_GROUP, KEY_SCHEME | KEY_NOT_EMPTY, .group = &lun_keys,
	  .configfs_directory_prefix = "lun.", .default_text = "one without a medium",
	  .doc = "The drives, at most 16.", .set = set_attr_node },
	{ 0 },
};

/* --- human interface devices ------------------------------------------------------------------ */

static const struct key hid_rows[] = {
	INT("subclass", BYTE, .flags = KEY_SCHEME,
	    .default_text = "that of a built-in 'report_desc', else 0",
	    .doc = "bInterfaceSubClass; 1: the device supports the boot protocol: its reports "
		   "begin "
		   "as firmware expects them (HID 1.11, appendix B)."),
	INT("protocol", BYTE, .flags = KEY_SCHEME,
	    .default_text = "that of a built-in 'report_desc', else 0",
	    .doc = "bInterfaceProtocol; with subclass 1, 1 is a keyboard and 2 a mouse."),
	BOOL("no_out_endpoint", .default_text = "false",
	     .doc = "The function has no OUT endpoint; the host sends output reports with "
		    "SET_REPORT. Firmware sends the lights of a keyboard only so, and Linux "
		    "refuses it where there is an OUT endpoint."),
	INT("interval", .min = 1, .max = 255, .default_text = "10 at full speed, else 4",
	    .doc = "bInterval of the endpoints at all speeds (Linux 6.18 and later): at full "
		   "speed, milliseconds; at high speed and above, N is 2^(N-1) microframes of "
		   "125 microseconds, at most 16."),
	/* report_length becomes wMaxPacketSize (USB 2.0, 5.7.3) */
	INT("report_length", .min = 1, .max = 1024, .flags = KEY_SCHEME,
	    .default_text = "that of a built-in 'report_desc'; else required",
	    .doc = "Length of the longest report in bytes. If it is more than 64, a host at full "
		   "speed cannot select the configuration."),
	/* The rules are those of src/hid/report_rules.c */
	{ "report_desc", TYPE_LIST | NODE_STRING, NODE_INT,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY | KEY_BYTES, BYTE,
	  .doc = "The report descriptor: a list of bytes; a string of hexadecimal bytes "
		 "(\"05 01 09 06\", \"05010906\") or of escapes (\"\\x05\\x01\\x09\\x06\"); the "
		 "name of a built-in one (keyboard, mouse, tablet, media-keys, gamepad); or, with "
		 "a slash, a file relative to the gadget file. 'ffsctl check' refuses what no host "
		 "takes, and warns about what a host misreads.",
	  .set = set_attr_report_desc },
	{ "dev", NODE_INT | NODE_STRING | NODE_GROUP, .flags = KEY_SCHEME,
	  .set = ignore_readonly_attr,
	  .doc = "Device number of /dev/hidgN. The kernel chooses the value; a value in the file "
		 "is accepted and ignored." },
	{ 0 },
};

/* --- printers, tests -------------------------------------------------------------------------- */

static const struct key printer_rows[] = {
	{ "pnp_string", NODE_STRING, .flags = KEY_NOT_EMPTY, .max = 1021, .default_text = "none",
	  .doc = "IEEE 1284 device id without the two bytes of its length: "
		 "\"MFG:...;MDL:...;CLS:PRINTER;\".",
	  .set = set_attr_printer_device_id },
	INT("q_len", WORD16, .default_text = "10", .doc = "Requests in the queue."),
	{ 0 },
};

static const struct key loopback_rows[] = {
	INT("qlen", .min = 0, .max = 4294967295.0, .flags = KEY_SCHEME, .default_text = "32",
	    .doc = "Requests in the queue."),
	INT("bulk_buflen", .min = 0, .max = 4294967295.0, .default_text = "4096",
	    .doc = "Bytes of a request."),
	/* buflen is libusbgx's name for bulk_buflen */
	{ "buflen", NODE_INT, .min = 0, .max = 4294967295.0, .flags = KEY_SCHEME,
	  .doc = "Another name for bulk_buflen.", .set = set_attr_node },
	{ 0 },
};

static const struct key source_sink_rows[] = {
	INT("pattern", .min = 0, .max = 2, .default_text = "0",
	    .doc = "Data in the transfers. 0: zeros; 1: the numbers 0 to 62, repeated; 2: any "
		   "data, which is not checked."),
	INT("isoc_interval", .min = 1, .max = 16, .default_text = "4",
	    .doc = "bInterval of the isochronous endpoints."),
	INT("isoc_maxpacket", .min = 0, .max = 1024, .default_text = "1024",
	    .doc = "Packet size of the isochronous endpoints."),
	INT("isoc_mult", .min = 0, .max = 2, .default_text = "0",
	    .doc = "Additional packets of an isochronous endpoint in an interval."),
	INT("isoc_maxburst", .min = 0, .max = 15, .default_text = "0",
	    .doc = "Additional packets of an isochronous endpoint in a burst, at SuperSpeed."),
	INT("bulk_buflen", WORD32, .default_text = "4096", .doc = "Bytes of a bulk request."),
	INT("bulk_maxburst", .min = 0, .max = 15, .default_text = "0",
	    .doc = "Additional packets of a bulk endpoint in a burst, at SuperSpeed (Linux 7.1 and "
		   "later)."),
	INT("bulk_qlen", WORD32, .default_text = "1", .doc = "Bulk requests in the queue."),
	INT("iso_qlen", WORD32, .default_text = "8", .doc = "Isochronous requests in the queue."),
	{ 0 },
};

/* --- the types -------------------------------------------------------------------------------- */

static const char *const serial_types[] = { "acm", "gser", "obex", NULL };
static const char *const network_types[] = { "ecm", "eem", "ncm", "rndis", "geth", NULL };
static const char *const sound_types[] = { "uac1", "uac2", NULL };

const struct function_family function_families[] = {
	{ "Serial functions",
	  "A serial line. The tty on the board exists as long as the function, also while the "
	  "gadget is not bound. All serial functions of a system together can have 8 ports. "
	  "The gadget file login has a login prompt on one.",
	  serial_types },
	{ "Network functions",
	  "A network interface on the board and one on the host. The interface on the board is "
	  "created when the gadget is first bound, and exists as long as the function.",
	  network_types },
	{ "Sound functions",
	  "A sound card on the board and one on the host. Attributes that begin with p_ are for "
	  "data to the host, which programs on the board play. Attributes that begin with c_ are "
	  "for data from the host, which programs on the board record.",
	  sound_types },
	{ 0 },
};

#define TYPE(name_, rows_, doc_)                                                                   \
	.name = name_, .attr_keys = &(const struct key_group)                                      \
	{                                                                                          \
		name_, "'attrs' of a function of type " name_, rows_, NULL, doc_                   \
	}

/*
 * Number of endpoints of audio and video functions. Attributes can add more endpoints to a
 * function.
 */
#define ISOCHRONOUS(in_, out_)                                                                     \
	{                                                                                          \
		.in = (in_), .out = (out_), .has_isochronous = true, .is_minimum = true            \
	}

/* u_serial.c, MAX_U_SERIAL_PORTS */
#define NO_SERIAL_PORT                                                                             \
	"the kernel has 8 serial ports for acm, gser and obex of all gadgets together"

const struct function_type function_table[] = {
	{ .name = "ffs",
	  .module = "usb_f_fs",
	  .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .busy_when_made = "another gadget on this machine has an instance of that name" },
	{ TYPE("acm", acm_rows,
	       "A serial line of the class CDC ACM: /dev/ttyACMN on a Linux host."),
	  .device = FUNCTION_DEVICE_TTY, .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { .in = 2, .out = 1 }, .has_association = true,
	  .busy_when_made = NO_SERIAL_PORT },
	{ TYPE("gser", gser_rows, "A serial line without a class: two bulk endpoints."),
	  .module = "usb_f_serial", .device = FUNCTION_DEVICE_TTY,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .out = 1 },
	  .busy_when_made = NO_SERIAL_PORT },
	{ TYPE("obex", obex_rows,
	       "A serial line for OBEX. With Linux 6.1 and 6.12 a gadget with this function never "
	       "connects to a host: the function keeps the gadget disconnected until a host has "
	       "configured it."),
	  .device = FUNCTION_DEVICE_TTY, .highest_speed = GADGET_SPEED_HIGH,
	  .endpoints = { .in = 1, .out = 1 }, .deactivates_gadget = true,
	  .busy_when_made = NO_SERIAL_PORT },
	{ TYPE("ecm", ethernet_rows, "Ethernet, CDC ECM."), .device = FUNCTION_DEVICE_NETWORK,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 2, .out = 1 },
	  .has_association = true },
	{ TYPE("eem", ethernet_rows, "Ethernet, CDC EEM: no control interface."),
	  .device = FUNCTION_DEVICE_NETWORK, .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("ncm", ncm_rows,
	       "Ethernet, CDC NCM: several frames in a transfer; the best choice if the host "
	       "supports it."),
	  .device = FUNCTION_DEVICE_NETWORK, .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { .in = 2, .out = 1 }, .has_association = true,
	  .os_descriptor_interface = "ncm" },
	{ TYPE("rndis", rndis_rows, "Ethernet, Microsoft's RNDIS, for old Windows."),
	  .device = FUNCTION_DEVICE_NETWORK, .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { .in = 2, .out = 1 }, .has_association = true,
	  .os_descriptor_interface = "rndis" },
	{ TYPE("geth", ethernet_rows, "Ethernet, CDC Subset: two bulk endpoints."),
	  .module = "usb_f_ecm_subset", .device = FUNCTION_DEVICE_NETWORK,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("phonet", phonet_rows, "Nokia's Phonet."), .manual_device = "upnlinkN",
	  .device = FUNCTION_DEVICE_NETWORK, .highest_speed = GADGET_SPEED_HIGH,
	  .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("mass_storage", mass_storage_rows, "Drives: files or block devices."),
	  .check_and_convert_values = check_and_convert_mass_storage,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("hid", hid_rows,
	       "A keyboard, a mouse, any human interface device: a program reads and writes "
	       "reports in /dev/hidgN. It can be in one configuration only."),
	  .device = FUNCTION_DEVICE_CHARACTER, .only_in_one_config = true,
	  .check_and_convert_values = check_and_convert_hid,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .is_minimum = true } },
	{ TYPE("midi", midi_rows, "MIDI ports and an ALSA card."), .manual_device = "ALSA card",
	  .highest_speed = GADGET_SPEED_SUPER, .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("midi2", midi2_rows, "MIDI 2.0 endpoints and an ALSA card (Linux 6.6 and later)."),
	  .manual_device = "ALSA card", .check_and_convert_values = check_and_convert_midi2,
	  .highest_speed = GADGET_SPEED_SUPER,
	  .endpoints = { .in = 1, .out = 1, .is_minimum = true } },
	{ TYPE("uac1", uac1_rows,
	       "A sound card, USB Audio Class 1. Its endpoints have 200 bytes in 1 ms at high "
	       "speed: 48000 Hz, 2 channels of 2 bytes. At full speed they have 200 bytes in 8 ms, "
	       "and the defaults lose sound: use uac2 there."),
	  .manual_device = "ALSA card", .check_and_convert_values = check_and_convert_uac,
	  .highest_speed = GADGET_SPEED_HIGH, .endpoints = ISOCHRONOUS(1, 1),
	  .attribute_enabling_in_endpoint = "p_chmask",
	  .attribute_enabling_out_endpoint = "c_chmask" },
	{ TYPE("uac1_legacy", uac1_legacy_rows,
	       "A loudspeaker that plays on sound card 0 of the board. This card must exist when "
	       "the gadget is bound."),
	  .highest_speed = GADGET_SPEED_HIGH, .endpoints = { .out = 1, .has_isochronous = true } },
	{ TYPE("uac2", uac2_rows, "A sound card, USB Audio Class 2."), .manual_device = "ALSA card",
	  .check_and_convert_values = check_and_convert_uac,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = ISOCHRONOUS(1, 1),
	  .attribute_enabling_in_endpoint = "p_chmask",
	  .attribute_enabling_out_endpoint = "c_chmask", .has_association = true },
	{ TYPE("uvc", uvc_rows,
	       "A camera: a program feeds /dev/videoN. Until a program has opened /dev/videoN, the "
	       "gadget does not connect to the host."),
	  .device = FUNCTION_DEVICE_VIDEO, .check_and_convert_values = check_and_convert_uvc,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = ISOCHRONOUS(1, 0),
	  .has_association = true, .deactivates_gadget = true },
	{ TYPE("tcm", no_rows,
	       "Drives of the kernel's SCSI target, as USB Mass Storage (BOT) and as UAS. A system "
	       "can have one such function. The function has no attributes: its drives are created "
	       "in /sys/kernel/config/target. Create the target after the function and enable it "
	       "before the gadget is bound: 'ffsctl up --no-bind', then the target, then 'ffsctl "
	       "bind', which links the function to the existing target. Before 'ffsctl down', run "
	       "'ffsctl unbind' and remove the target. The section EXAMPLES shows the commands."),
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 2, .out = 2 },
	  /* f_tcm.c, TPG_INSTANCES */
	  .busy_when_made = "a system can have one function of type tcm",
	  .busy_when_removed = "the function's SCSI target still exists",
	  .hint_when_removed = "first remove the target, below target/usb_gadget in configfs" },
	{ TYPE("printer", printer_rows, "A printer. It can be in one configuration only."),
	  .manual_device = "/dev/g_printerN", .only_in_one_config = true,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("Loopback", loopback_rows, "Sends received data back. For tests."),
	  .module = "usb_f_ss_lb", .check_and_convert_values = check_and_convert_loopback,
	  .highest_speed = GADGET_SPEED_SUPER_PLUS, .endpoints = { .in = 1, .out = 1 } },
	{ TYPE("SourceSink", source_sink_rows, "A source and a sink of data. For tests."),
	  .module = "usb_f_ss_lb", .highest_speed = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { .in = 1, .out = 1, .is_minimum = true } },
	{ 0 },
};

const struct function_type *function_type_find(const char *name)
{
	for (const struct function_type *t = function_table; t->name; t++)
		if (streq(t->name, name))
			return t;
	return NULL;
}

/* Words that users write as the type of a function, and the type that they mean. */
static const struct {
	const char *word, *type;
	const char *report_desc; /* built-in report descriptor of a hid function; NULL: none */
} type_synonyms[] = {
	{ "keyboard", "hid", "keyboard" }, { "mouse", "hid", "mouse" },
	{ "gamepad", "hid", "gamepad" },   { "joystick", "hid", "gamepad" },
	{ "tablet", "hid", "tablet" },	   { "media-keys", "hid", "media-keys" },
	{ "serial", "acm", NULL },	   { "cdc_acm", "acm", NULL },
	{ "cdc_ecm", "ecm", NULL },	   { "cdc_eem", "eem", NULL },
	{ "cdc_ncm", "ncm", NULL },	   { "ethernet", "ncm", NULL },
	{ "network", "ncm", NULL },	   { "storage", "mass_storage", NULL },
	{ "disk", "mass_storage", NULL },  { "audio", "uac2", NULL },
	{ "sound", "uac2", NULL },	   { "camera", "uvc", NULL },
	{ "webcam", "uvc", NULL },	   { "video", "uvc", NULL },
	{ "functionfs", "ffs", NULL },
};

static bool is_module_of(const char *name, const struct function_type *t)
{
	return t->module
		       ? streq(name, t->module)
		       : str_has_prefix(name, "usb_f_") && streq(name + strlen("usb_f_"), t->name);
}

char *function_type_suggest_setting(const char *name)
{
	/* Stricter than for keys, because there are other types, and short names resemble many. */
	size_t limit = strlen(name) <= 6 ? 1 : 2;
	const char *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(type_synonyms); i++) {
		if (!streq(type_synonyms[i].word, name))
			continue;
		if (type_synonyms[i].report_desc)
			return strf("type = \"%s\"; attrs : { report_desc = \"%s\"; }",
				    type_synonyms[i].type, type_synonyms[i].report_desc);
		best = type_synonyms[i].type;
	}
	for (const struct function_type *t = function_table; !best && t->name; t++)
		if (is_module_of(name, t))
			best = t->name;
	for (size_t allowed = 0; !best && allowed <= limit; allowed++)
		for (const struct function_type *t = function_table; !best && t->name; t++)
			if (text_edit_distance(name, t->name, allowed) <= allowed)
				best = t->name;
	return best ? strf("type = \"%s\"", best) : NULL;
}

enum function_device function_type_device(const char *name)
{
	const struct function_type *type = function_type_find(name);

	return type ? type->device : FUNCTION_DEVICE_NONE;
}

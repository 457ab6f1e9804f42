// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of keys: the functions that the kernel has, and their attributes. Bounds are those of
 * the stores in drivers/usb/gadget/function (Linux 6.12), where these bound at all; rows stand in
 * the order in which the kernel wants them written.
 */
#include "spec/attrs.h"

#define BYTE .min = 0, .max = 255
#define WORD16 .min = 0, .max = 65535
#define WORD32 .min = 0, .max = 4294967295.0
#define INT(name_, ...)                                                                            \
	{                                                                                          \
		name_, NODE_INT, .set = set_attr_int, __VA_ARGS__                                  \
	}
#define BOOL(name_, ...)                                                                           \
	{                                                                                          \
		name_, NODE_BOOL | NODE_INT, .set = set_attr_bool, __VA_ARGS__                     \
	}
#define STRING(name_, ...)                                                                         \
	{                                                                                          \
		name_, NODE_STRING, .set = set_attr_string, __VA_ARGS__                            \
	}
#define READ_ONLY(name_, doc_)                                                                     \
	{                                                                                          \
		name_, NODE_INT | NODE_STRING,                                                     \
			.flags = KEY_SCHEME, .set = set_attr_readonly,                             \
			.doc = doc_ " The kernel chooses it: accepted, and left out."              \
	}

/* --- serial lines ----------------------------------------------------------------------------- */

#define PORT_NUM READ_ONLY("port_num", "Number of the port: N of /dev/ttyGSN.")
#define CONSOLE                                                                                    \
	BOOL("console", .fallback = "false",                                                       \
	     .doc = "Whether the kernel's messages go there as well (CONFIG_U_SERIAL_CONSOLE).")

static const struct key acm_rows[] = {
	PORT_NUM,
	CONSOLE,
	INT("protocol", BYTE, .fallback = "1, AT commands",
	    .doc = "bInterfaceProtocol of the control interface (Linux 6.12 and later)."),
	{ 0 },
};
static const struct key gser_rows[] = { PORT_NUM, CONSOLE, { 0 } };
static const struct key obex_rows[] = { PORT_NUM, { 0 } };

/* --- networks --------------------------------------------------------------------------------- */

#define IFNAME                                                                                     \
	{                                                                                          \
		"ifname", NODE_STRING, .flags = KEY_SCHEME | KEY_NOT_EMPTY,                        \
				       .fallback = "the kernel's, usb%d",                          \
				       .doc = "Pattern for the name of the network interface on "  \
					      "this side, with one %d in it: "                     \
					      "\"lab%d\". A name without %d is what a scheme was " \
					      "exported with: accepted, and "                      \
					      "left out.",                                         \
				       .set = set_attr_ifname                                      \
	}
#define ETHERNET                                                                                   \
	{ "dev_addr",                                                                              \
	  NODE_STRING,                                                                             \
	  .flags = KEY_SCHEME,                                                                     \
	  .fallback = "random",                                                                    \
	  .doc = "Ethernet address of the interface on this side.",                                \
	  .set = set_attr_mac },                                                                   \
		{ "host_addr",                                                                     \
		  NODE_STRING,                                                                     \
		  .flags = KEY_SCHEME,                                                             \
		  .fallback = "random",                                                            \
		  .doc = "Ethernet address of the host's interface.",                              \
		  .set = set_attr_mac },                                                           \
		INT("qmult", BYTE, .flags = KEY_SCHEME, .fallback = "5",                           \
		    .doc = "Requests in the queues at high speed and above, by two."),             \
		IFNAME

static const struct key ethernet_rows[] = { ETHERNET, { 0 } };
static const struct key ncm_rows[] = {
	ETHERNET,
	INT("max_segment_size", .min = 1514, .max = 8000, .fallback = "1514",
	    .doc = "Longest datagram in bytes (Linux 6.12 and later)."),
	{ 0 },
};
static const struct key rndis_rows[] = {
	ETHERNET,
	{ "class", NODE_INT, .flags = KEY_SCHEME, BYTE, .fallback = "0x02",
	  .doc = "Class of the interface association.", .set = set_attr_hex },
	{ "subclass", NODE_INT, .flags = KEY_SCHEME, BYTE, .fallback = "0x06",
	  .doc = "Its subclass.", .set = set_attr_hex },
	{ "protocol", NODE_INT, .flags = KEY_SCHEME, BYTE, .fallback = "0x00",
	  .doc = "Its protocol.", .set = set_attr_hex },
	{ 0 },
};
static const struct key phonet_rows[] = {
	READ_ONLY("ifname", "Name of the network interface on this side."),
	{ 0 },
};

/* --- storage ---------------------------------------------------------------------------------- */

static const struct key lun_rows[] = {
	BOOL("removable", .flags = KEY_SCHEME, .fallback = "true",
	     .doc = "Whether the medium can be changed."),
	BOOL("cdrom", .flags = KEY_SCHEME, .fallback = "false",
	     .doc = "A CD drive, which is read-only."),
	BOOL("ro", .flags = KEY_SCHEME, .fallback = "false",
	     .doc = "Read-only. A file that cannot be written is so by itself."),
	BOOL("nofua", .flags = KEY_SCHEME, .fallback = "false",
	     .doc = "Do not wait for the disk where the host asks for it (FUA)."),
	STRING("inquiry_string", .flags = KEY_SCHEME, .max = 28, .fallback = "the kernel's",
	       .doc = "What the host calls the drive: vendor (8 characters), product (16), release "
		      "(4)."),
	{ "file", NODE_STRING, .flags = KEY_SCHEME, .fallback = "no medium",
	  .doc = "File or block device with the medium, relative to the gadget file.",
	  .set = set_attr_path },
	{ 0 },
};
const struct key_group lun_keys = { "functions.LABEL.attrs.luns", "a LUN", lun_rows, NULL,
				    "One drive; the first is lun.0." };

static const struct key no_rows[] = { { 0 } };

static const struct key mass_storage_rows[] = {
	BOOL("stall", .flags = KEY_SCHEME, .fallback = "false",
	     .doc = "Whether endpoints may be halted, as the standard has it; a few UDCs cannot."),
	INT("num_buffers", .min = 2, .max = 255, .fallback = "2",
	    .doc = "Buffers of 16 KiB between the disk and the bus, where the kernel has "
		   "CONFIG_USB_GADGET_DEBUG_FILES."),
	{ "luns", TYPE_LIST, NODE_GROUP, KEY_SCHEME | KEY_NOT_EMPTY, .group = &lun_keys,
	  .fallback = "one without a medium", .doc = "The drives, at most 16.",
	  .set = set_attr_node },
	{ 0 },
};

/* --- human interface devices ------------------------------------------------------------------ */

static const struct key hid_rows[] = {
	INT("subclass", BYTE, .flags = KEY_SCHEME, .fallback = "that of a named descriptor, or 0",
	    .doc = "1: it can speak the boot protocol."),
	INT("protocol", BYTE, .flags = KEY_SCHEME, .fallback = "that of a named descriptor, or 0",
	    .doc = "With subclass 1: 1 a keyboard, 2 a mouse."),
	BOOL("no_out_endpoint", .fallback = "false",
	     .doc = "Output reports come by SET_REPORT instead of an endpoint of their own."),
	/* It becomes wMaxPacketSize: USB 2.0, 5.7.3 */
	INT("report_length", .min = 1, .max = 1024, .flags = KEY_SCHEME,
	    .fallback = "that of a named descriptor",
	    .doc = "Length of the longest report in bytes; above 64 no host at full speed can "
		   "choose the configuration."),
	{ "report_desc", TYPE_LIST | NODE_STRING, NODE_INT,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY, BYTE,
	  .doc = "The report descriptor: its bytes, the name of one that ffsctl has (keyboard, "
		 "mouse, gamepad), or, with a slash, a file relative to the gadget file.",
	  .set = set_attr_report_desc },
	READ_ONLY("dev", "Device number of /dev/hidgN."),
	{ 0 },
};

/* --- sound ------------------------------------------------------------------------------------ */

static const struct key midi_rows[] = {
	{ "index", NODE_INT, .min = -1, .max = 32, .flags = KEY_SCHEME, .fallback = "-1, any",
	  .doc = "Number of the ALSA card.", .set = set_attr_int },
	STRING("id", .flags = KEY_SCHEME, .max = 15, .fallback = "the kernel's",
	       .doc = "Id of the ALSA card."),
	INT("buflen", .min = 1, .max = 65536, .flags = KEY_SCHEME, .fallback = "512",
	    .doc = "Bytes of a request."),
	INT("qlen", .min = 2, .max = 1024, .flags = KEY_SCHEME, .fallback = "32",
	    .doc = "Requests in the queue."),
	INT("in_ports", .min = 0, .max = 16, .flags = KEY_SCHEME, .fallback = "1",
	    .doc = "Ports to the host."),
	INT("out_ports", .min = 0, .max = 16, .flags = KEY_SCHEME, .fallback = "1",
	    .doc = "Ports from the host."),
	{ 0 },
};

static const struct key midi2_block_rows[] = {
	INT("direction", .min = 1, .max = 3, .fallback = "3",
	    .doc = "1: to the host, its input; 2: from the host, its output; 3: both."),
	INT("first_group", .min = 0, .max = 15, .fallback = "0", .doc = "Its first UMP group."),
	INT("num_groups", .min = 1, .max = 16, .fallback = "1", .doc = "How many groups."),
	INT("midi1_first_group", .min = 0, .max = 15, .fallback = "0",
	    .doc = "The first group that MIDI 1.0 hosts see."),
	INT("midi1_num_groups", .min = 0, .max = 16,
	    .fallback = "1 in the first block of all, else 0",
	    .doc = "How many MIDI 1.0 hosts see; one block at least has some."),
	INT("ui_hint", .min = 0, .max = 3, .fallback = "3",
	    .doc = "0: unknown, 1: receiver, 2: sender, 3: both."),
	INT("midi_ci_version", .min = 0, .max = 1, .fallback = "0",
	    .doc = "MIDI-CI message version."),
	INT("sysex8_streams", BYTE, .fallback = "0", .doc = "System exclusive 8 streams at once."),
	INT("is_midi1", .min = 0, .max = 2, .fallback = "0",
	    .doc = "0: MIDI 2.0, 1: MIDI 1.0, 2: MIDI 1.0 at 31.25 kb/s."),
	BOOL("active", .fallback = "true", .doc = "Whether the block is in use."),
	STRING("name", .max = 126, .fallback = "the kernel's", .doc = "Name of the block."),
	{ 0 },
};
const struct key_group midi2_block_keys = { "functions.LABEL.attrs.endpoints.blocks",
					    "a function block", midi2_block_rows, NULL,
					    "One function block of a MIDI 2.0 endpoint." };

static const struct key midi2_endpoint_rows[] = {
	INT("protocol", .min = 1, .max = 2, .fallback = "2",
	    .doc = "The MIDI protocol to begin with."),
	INT("protocol_caps", .min = 1, .max = 3, .fallback = "3",
	    .doc = "Bit 0: MIDI 1.0, bit 1: MIDI 2.0; \"protocol\" is one of them."),
	INT("manufacturer", .min = 0, .max = 16777215, .fallback = "0", .doc = "Manufacturer id."),
	INT("family", WORD16, .fallback = "0", .doc = "Family of the device."),
	INT("model", WORD16, .fallback = "0", .doc = "Model of the device."),
	INT("sw_revision", WORD32, .fallback = "0", .doc = "Revision of the software."),
	STRING("ep_name", .max = 126, .fallback = "the kernel's", .doc = "Name of the endpoint."),
	STRING("product_id", .max = 126, .fallback = "the kernel's",
	       .doc = "Unique id of the product."),
	{ "blocks", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &midi2_block_keys,
	  .fallback = "one", .doc = "Its function blocks, at most 32.", .set = set_attr_node },
	{ 0 },
};
const struct key_group midi2_endpoint_keys = { "functions.LABEL.attrs.endpoints",
					       "a MIDI 2.0 endpoint", midi2_endpoint_rows, NULL,
					       "One MIDI 2.0 (UMP) endpoint." };

static const struct key midi2_rows[] = {
	BOOL("process_ump", .fallback = "true",
	     .doc = "Whether the kernel answers the host's stream messages."),
	BOOL("static_block", .fallback = "true", .doc = "Whether blocks stay as they are."),
	STRING("iface_name", .max = 126, .fallback = "the first endpoint's",
	       .doc = "Name of the interface."),
	{ "endpoints", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &midi2_endpoint_keys,
	  .fallback = "one", .doc = "Its UMP endpoints, at most 4.", .set = set_attr_node },
	{ 0 },
};

/* What uac1 and uac2 have both: `p_` plays to the host, `c_` captures from it. */
#define UAC_SIDE(p, p_words, mask_max, mask_doc, rate)                                             \
	INT(p "_chmask", .min = 0, .max = mask_max, .flags = KEY_SCHEME, .fallback = "3, stereo",  \
	    .doc = "Channels " p_words ", a bit for each; " mask_doc "0: none."),                  \
		{ p "_srate",                                                                      \
		  NODE_INT | TYPE_LIST,                                                            \
		  NODE_INT,                                                                        \
		  KEY_SCHEME | KEY_NOT_EMPTY,                                                      \
		  .min = 1,                                                                        \
		  .max = 16777215,                                                                 \
		  .fallback = rate,                                                                \
		  .doc = "Samples a second, or a list of at most 10 such rates.",                  \
		  .set = set_attr_rates },                                                         \
		INT(p "_ssize", .min = 1, .max = 4, .flags = KEY_SCHEME, .fallback = "2",          \
		    .doc = "Bytes of a sample.")
#define UAC_VOLUME(p)                                                                              \
	BOOL(p "_mute_present", .flags = KEY_SCHEME, .fallback = "true",                           \
	     .doc = "Whether there is a mute switch."),                                            \
		BOOL(p "_volume_present", .flags = KEY_SCHEME, .fallback = "true",                 \
		     .doc = "Whether there is a volume control."),                                 \
		INT(p "_volume_min", .min = -32768, .max = 32767, .flags = KEY_SCHEME,             \
		    .fallback = "-25600", .doc = "Lowest volume in 1/256 dB."),                    \
		INT(p "_volume_max", .min = -32768, .max = 32767, .flags = KEY_SCHEME,             \
		    .fallback = "0", .doc = "Highest volume in 1/256 dB."),                        \
		INT(p "_volume_res", .min = 1, .max = 32767, .flags = KEY_SCHEME,                  \
		    .fallback = "256", .doc = "Its steps in 1/256 dB.")
#define UAC_NAMES(p)                                                                               \
	NAME(p "_it_name", "the input terminal"), NAME(p "_it_ch_name", "its channels"),           \
		NAME(p "_ot_name", "the output terminal"), NAME(p "_fu_vol_name", "the volume")
#define TO_HOST "to the host"
#define FROM_HOST "from the host"

/* uac1 wants something behind a name, and keeps the rest. */
#define NAME(name_, what)                                                                          \
	{                                                                                          \
		name_, NODE_STRING, .max = 125, .fallback = "the kernel's", .set = set_attr_line,  \
				    .doc = "Name of " what " (Linux 6.12 and later)."              \
	}
static const struct key uac1_rows[] = {
	UAC_SIDE("c", FROM_HOST, 0xfff, "", "48000"),
	UAC_SIDE("p", TO_HOST, 0xfff, "", "48000"),
	INT("req_number", .min = 1, .max = 1024, .fallback = "2", .doc = "Requests in each queue."),
	UAC_VOLUME("p"),
	UAC_VOLUME("c"),
	{ "function_name", NODE_STRING, .max = 125, .fallback = "the kernel's",
	  .doc = "Name of the function; Linux 6.1 cuts it after 31 bytes.", .set = set_attr_line },
	UAC_NAMES("p"),
	UAC_NAMES("c"),
	{ 0 },
};
#undef NAME

#define NAME(name_, what)                                                                          \
	STRING(name_, .max = 125, .fallback = "the kernel's",                                      \
	       .doc = "Name of " what " (Linux 6.12 and later).")
static const struct key_word sync_words[] = {
	{ "async", 0, false },
	{ "adaptive", 0, false },
	{ NULL, 0, false },
};
static const struct key uac2_rows[] = {
	UAC_SIDE("p", TO_HOST, 0x7ffffff, "", "48000"),
	INT("p_hs_bint", .min = 0, .max = 4, .flags = KEY_SCHEME, .fallback = "0, as needed",
	    .doc = "bInterval at high speed and above."),
	UAC_SIDE("c", FROM_HOST, 0x7ffffff, "", "64000"),
	INT("c_hs_bint", .min = 0, .max = 4, .flags = KEY_SCHEME, .fallback = "0, as needed",
	    .doc = "bInterval at high speed and above."),
	STRING("c_sync", .flags = KEY_SCHEME, .words = sync_words, .fallback = "async",
	       .doc = "Whose clock counts: this side's (async, with feedback) or the host's."),
	INT("req_number", .min = 1, .max = 1024, .flags = KEY_SCHEME, .fallback = "2",
	    .doc = "Requests in each queue."),
	INT("fb_max", .min = 0, .max = 1000, .flags = KEY_SCHEME, .fallback = "5",
	    .doc = "How much faster than nominal feedback may ask for, in 1/1000."),
	UAC_VOLUME("p"),
	UAC_VOLUME("c"),
	STRING("function_name", .flags = KEY_SCHEME, .max = 125, .fallback = "the kernel's",
	       .doc = "Name of the function; Linux 6.1 cuts it after 31 bytes."),
	NAME("if_ctrl_name", "the control interface"),
	NAME("clksrc_in_name", "the input clock"),
	NAME("clksrc_out_name", "the output clock"),
	UAC_NAMES("p"),
	UAC_NAMES("c"),
	INT("p_terminal_type", .min = 0, .max = 32767, .fallback = "0x0301",
	    .doc = "Type of the output terminal of the path from the host: the kernel has the two "
		   "crossed (Linux 6.12 and later)."),
	INT("c_terminal_type", .min = 0, .max = 32767, .fallback = "0x0201",
	    .doc = "Type of the input terminal of the path to the host (Linux 6.12 and later)."),
	{ 0 },
};

static const struct key uac1_legacy_rows[] = {
	INT("req_buf_size", .min = 1, .max = 200, .fallback = "200", .doc = "Bytes of a request."),
	INT("req_count", .min = 1, .max = 4096, .fallback = "256", .doc = "Requests in the queue."),
	INT("audio_buf_size", .min = 1, .max = 16777216, .fallback = "48000",
	    .doc = "Bytes of the buffer before the sound card."),
	{ 0 },
};

/* --- cameras ---------------------------------------------------------------------------------- */

#define DWORD(name_, doc_, fallback_)                                                              \
	{                                                                                          \
		name_, NODE_INT, .flags = KEY_SCHEME, WORD32, .fallback = fallback_, .doc = doc_,  \
				 .set = set_attr_node                                              \
	}

static const struct key uvc_frame_rows[] = {
	{ "width", NODE_INT, .min = 1, .max = 65535, .doc = "Width in pixels.",
	  .set = set_attr_node },
	{ "height", NODE_INT, .min = 1, .max = 65535, .doc = "Height in pixels.",
	  .set = set_attr_node },
	{ "fps", NODE_INT | NODE_FLOAT | TYPE_LIST, NODE_INT | NODE_FLOAT, KEY_NOT_EMPTY,
	  .min = 0.01, .max = 10000, .fallback = "30",
	  .doc = "Frames per second, or a list of rates, the first of which is the default.",
	  .set = set_attr_node },
	{ "wWidth", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 65535,
	  .doc = "The same as width.", .set = set_attr_node },
	{ "wHeight", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 65535,
	  .doc = "The same as height.", .set = set_attr_node },
	{ "dwFrameInterval", NODE_INT | TYPE_LIST, NODE_INT, KEY_SCHEME | KEY_NOT_EMPTY, .min = 1,
	  .max = 4294967295.0, .doc = "In place of fps: intervals in units of 100 ns.",
	  .set = set_attr_node },
	DWORD("dwDefaultFrameInterval", "Which of them is the default.", "the first"),
	DWORD("dwMinBitRate", "Bits per second at the slowest rate.",
	      "what uncompressed frames take"),
	DWORD("dwMaxBitRate", "Bits per second at the fastest rate.",
	      "what uncompressed frames take"),
	DWORD("dwMaxVideoFrameBufferSize", "Bytes of the largest frame.",
	      "what an uncompressed one takes"),
	{ "bmCapabilities", NODE_INT, .flags = KEY_SCHEME, BYTE, .fallback = "0",
	  .doc = "Bit 0: still images, bit 1: fixed frame rate.", .set = set_attr_node },
	{ "bFrameIndex", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .doc = "The kernel numbers frames in their order: accepted, and left out.",
	  .set = set_attr_readonly },
	{ 0 },
};
const struct key_group uvc_frame_keys = { "functions.LABEL.attrs.formats.frames", "a frame",
					  uvc_frame_rows, NULL, "One size of picture." };

static const struct key_word format_words[] = {
	{ "mjpeg", 0, false },	      { "yuyv", 0, false }, { "nv12", 0, false },
	{ "uncompressed", 0, false }, { NULL, 0, false },
};
static const struct key uvc_format_rows[] = {
	{ "type", NODE_STRING, .words = format_words,
	  .doc = "How a picture is made; in a list of formats it is required. In a group, as "
		 "schemes "
		 "have it, the name says it.",
	  .set = set_attr_node },
	{ "frames", TYPE_LIST, NODE_GROUP, KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY,
	  .group = &uvc_frame_keys, .doc = "The sizes of pictures.", .set = set_attr_node },
	{ "bDefaultFrameIndex", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .fallback = "1", .doc = "Which frame is the default, counted from 1.",
	  .set = set_attr_node },
	{ "guidFormat", TYPE_LIST, NODE_INT, KEY_SCHEME, BYTE, .fallback = "that of the type",
	  .doc = "GUID of an uncompressed format, 16 bytes.", .set = set_attr_bytes },
	{ "bBitsPerPixel", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .fallback = "that of the type", .doc = "Bits of a pixel of an uncompressed format.",
	  .set = set_attr_node },
	{ 0 },
};
const struct key_group uvc_format_keys = { "functions.LABEL.attrs.formats", "a format",
					   uvc_format_rows, NULL, "One format of pictures." };

#define UVC_CONFIG                                                                                 \
	INT("streaming_interval", .min = 1, .max = 16, .flags = KEY_SCHEME, .fallback = "1",       \
	    .doc = "bInterval of the isochronous endpoint."),                                      \
		INT("streaming_maxpacket", .min = 1, .max = 3072, .flags = KEY_SCHEME,             \
		    .fallback = "1024", .doc = "Bytes in an interval."),                           \
		INT("streaming_maxburst", .min = 0, .max = 15, .flags = KEY_SCHEME,                \
		    .fallback = "0", .doc = "Further packets in a burst, at SuperSpeed."),         \
		STRING("function_name", .flags = KEY_SCHEME, .max = 31, .fallback = "UVC Camera",  \
		       .doc = "Name of the camera.")
static const struct key uvc_config_rows[] = { UVC_CONFIG, { 0 } };
const struct key_group uvc_config_keys = { "functions.LABEL.attrs.config", "'config'",
					   uvc_config_rows, NULL,
					   "The place that schemes have for these." };
static const struct key uvc_rows[] = {
	UVC_CONFIG,
	{ "config", NODE_GROUP, .flags = KEY_SCHEME, .group = &uvc_config_keys,
	  .doc = "The place that schemes have for these.", .set = set_attr_node },
	{ "formats", TYPE_LIST | NODE_GROUP, NODE_GROUP,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY | KEY_NAMED, .group = &uvc_format_keys,
	  .doc = "The formats, a group for each; as schemes have it a group of groups.",
	  .set = set_attr_node },
	{ 0 },
};

/* --- printers, tests -------------------------------------------------------------------------- */

static const struct key printer_rows[] = {
	{ "pnp_string", NODE_STRING, .flags = KEY_NOT_EMPTY, .max = 1021, .fallback = "none",
	  .doc = "IEEE 1284 device id without its length: \"MFG:...;MDL:...;CLS:PRINTER;\".",
	  .set = set_attr_device_id },
	INT("q_len", WORD16, .fallback = "10", .doc = "Requests in the queue."),
	{ 0 },
};

static const struct key loopback_rows[] = {
	INT("qlen", .min = 0, .max = 4294967295.0, .flags = KEY_SCHEME, .fallback = "32",
	    .doc = "Requests in the queue."),
	INT("bulk_buflen", .min = 0, .max = 4294967295.0, .fallback = "4096",
	    .doc = "Bytes of a request."),
	/* libusbgx's word for bulk_buflen */
	{ "buflen", NODE_INT, .min = 0, .max = 4294967295.0, .flags = KEY_SCHEME,
	  .doc = "The same as bulk_buflen.", .set = set_attr_node },
	{ 0 },
};

static const struct key source_sink_rows[] = {
	INT("pattern", .min = 0, .max = 2, .fallback = "0",
	    .doc = "0: zeroes; 1: 0 to 62 again and again; 2: nothing is written or compared."),
	INT("isoc_interval", .min = 1, .max = 16, .fallback = "4",
	    .doc = "bInterval of the isochronous endpoints."),
	INT("isoc_maxpacket", .min = 0, .max = 1024, .fallback = "1024", .doc = "Their packets."),
	INT("isoc_mult", .min = 0, .max = 2, .fallback = "0",
	    .doc = "Further packets in an interval."),
	INT("isoc_maxburst", .min = 0, .max = 15, .fallback = "0",
	    .doc = "Further packets in a burst, at SuperSpeed."),
	INT("bulk_buflen", WORD32, .fallback = "4096", .doc = "Bytes of a bulk request."),
	INT("bulk_qlen", WORD32, .fallback = "1", .doc = "Bulk requests in the queue."),
	INT("iso_qlen", WORD32, .fallback = "8", .doc = "Isochronous requests in the queue."),
	{ 0 },
};

#define GROUP(type_, rows_, doc_)                                                                  \
	(&(const struct key_group){ "functions.LABEL.attrs, " type_,                               \
				    "'attrs' of a function of type " type_, rows_, NULL, doc_ })

const struct function_type function_table[] = {
	{ "ffs", .highest = GADGET_SPEED_SUPER_PLUS },
	{ "acm",
	  GROUP("acm", acm_rows,
		"A serial line, CDC ACM: /dev/ttyGSN here, /dev/ttyACMN on a "
		"Linux host."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 2, 1 } },
	{ "gser", GROUP("gser", gser_rows, "A serial line without a class: two bulk endpoints."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "obex",
	  GROUP("obex", obex_rows,
		"A serial line for OBEX. In Linux 6.1 and 6.12 no host sees a gadget with one: it "
		"stays off the bus until a host has configured it."),
	  .highest = GADGET_SPEED_HIGH, .endpoints = { 1, 1 } },
	{ "ecm", GROUP("ecm", ethernet_rows, "Ethernet, CDC ECM."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 2, 1 } },
	{ "eem", GROUP("eem", ethernet_rows, "Ethernet, CDC EEM: no control interface."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "ncm",
	  GROUP("ncm", ncm_rows,
		"Ethernet, CDC NCM: several frames in a transfer; the one to "
		"choose where the host can."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 2, 1 } },
	{ "rndis", GROUP("rndis", rndis_rows, "Ethernet, Microsoft's RNDIS, for old Windows."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 2, 1 } },
	{ "geth", GROUP("geth", ethernet_rows, "Ethernet, CDC Subset: two bulk endpoints."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "phonet", GROUP("phonet", phonet_rows, "Nokia's Phonet."), .highest = GADGET_SPEED_HIGH,
	  .endpoints = { 1, 1 } },
	{ "mass_storage",
	  GROUP("mass_storage", mass_storage_rows, "Drives: files or block devices."),
	  .load = load_mass_storage, .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "hid",
	  GROUP("hid", hid_rows,
		"A keyboard, a mouse, any human interface device: a program "
		"reads and writes reports in /dev/hidgN."),
	  .load = load_hid, .highest = GADGET_SPEED_SUPER_PLUS,
	  .endpoints = { 1, .at_least = true } },
	{ "midi", GROUP("midi", midi_rows, "MIDI ports and an ALSA card."),
	  .highest = GADGET_SPEED_SUPER, .endpoints = { 1, 1 } },
	{ "midi2",
	  GROUP("midi2", midi2_rows, "MIDI 2.0 endpoints and an ALSA card (Linux 6.6 and later)."),
	  .load = load_midi2, .highest = GADGET_SPEED_SUPER,
	  .endpoints = { 1, 1, .at_least = true } },
	{ "uac1", GROUP("uac1", uac1_rows, "A sound card, USB Audio Class 1."), .load = load_uac,
	  .highest = GADGET_SPEED_HIGH, .endpoints = { 1, 1, true, true }, .in_if = "p_chmask",
	  .out_if = "c_chmask" },
	{ "uac1_legacy",
	  GROUP("uac1_legacy", uac1_legacy_rows,
		"A loudspeaker that plays on sound card 0 of this side, which has to be there when "
		"the gadget is bound."),
	  .highest = GADGET_SPEED_HIGH, .endpoints = { 0, 1, true } },
	{ "uac2", GROUP("uac2", uac2_rows, "A sound card, USB Audio Class 2."), .load = load_uac,
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1, true, true },
	  .in_if = "p_chmask", .out_if = "c_chmask" },
	{ "uvc",
	  GROUP("uvc", uvc_rows,
		"A camera: a program feeds /dev/videoN. Until it has opened "
		"that the gadget stays off the bus."),
	  .load = load_uvc, .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 0, true, true } },
	{ "tcm",
	  GROUP("tcm", no_rows,
		"Drives of the kernel's target, as USB Mass Storage (BOT) and as UAS; one on a "
		"machine. It has no attributes: its drives are made in "
		"/sys/kernel/config/target. A target can be made when the function is there, and "
		"has to be enabled before the gadget is bound: 'ffsctl up --no-bind', then the "
		"target, then 'ffsctl bind', which links the function to the target that there "
		"is. 'ffsctl unbind' and take the target away before 'ffsctl down'. There is an "
		"example below."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 2, 2 } },
	{ "printer", GROUP("printer", printer_rows, "A printer: /dev/g_printerN."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "Loopback", GROUP("Loopback", loopback_rows, "What comes is sent back. A test."),
	  .load = load_loopback, .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1 } },
	{ "SourceSink",
	  GROUP("SourceSink", source_sink_rows, "A source and a sink of data. A test."),
	  .highest = GADGET_SPEED_SUPER_PLUS, .endpoints = { 1, 1, .at_least = true } },
	{ 0 },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: the attributes of functions for sound and pictures. See keys/function.c. */
#include "gadgetfile/keys/attrs.h"

/* --- sound ------------------------------------------------------------------------------------ */

const struct key midi_rows[] = {
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

const struct key midi2_rows[] = {
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
const struct key uac1_rows[] = {
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
	{ "async", 0 },
	{ "adaptive", 0 },
	{ NULL, 0 },
};
const struct key uac2_rows[] = {
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

const struct key uac1_legacy_rows[] = {
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
	{ "mjpeg", 0 }, { "yuyv", 0 }, { "nv12", 0 }, { "uncompressed", 0 }, { NULL, 0 },
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
const struct key uvc_rows[] = {
	UVC_CONFIG,
	{ "config", NODE_GROUP, .flags = KEY_SCHEME, .group = &uvc_config_keys,
	  .doc = "The place that schemes have for these.", .set = set_attr_node },
	{ "formats", TYPE_LIST | NODE_GROUP, NODE_GROUP,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY | KEY_NAMED, .group = &uvc_format_keys,
	  .doc = "The formats, a group for each; as schemes have it a group of groups.",
	  .set = set_attr_node },
	{ 0 },
};

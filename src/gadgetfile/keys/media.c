// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: attributes of audio, MIDI and video functions. See keys/function_types.c. */
#include "gadgetfile/keys/attrs.h"

/* --- sound ------------------------------------------------------------------------------------ */

const struct key midi_rows[] = {
	{ "index", NODE_INT, .min = -1, .max = 31, .flags = KEY_SCHEME, .default_text = "-1, any",
	  .doc = "Number of the ALSA card.", .set = set_attr_int },
	STRING("id", .flags = KEY_SCHEME, .max = 15, .default_text = "the kernel's",
	       .doc = "Id of the ALSA card."),
	INT("buflen", .min = 1, .max = 65536, .flags = KEY_SCHEME, .default_text = "512",
	    .doc = "Bytes of a request."),
	INT("qlen", .min = 2, .max = 1024, .flags = KEY_SCHEME, .default_text = "32",
	    .doc = "Requests in the queue."),
	INT("in_ports", .min = 0, .max = 16, .flags = KEY_SCHEME, .default_text = "1",
	    .doc = "Ports to the host."),
	INT("out_ports", .min = 0, .max = 16, .flags = KEY_SCHEME, .default_text = "1",
	    .doc = "Ports from the host."),
	STRING("interface_string", .max = 126, .default_text = "MIDI function",
	       .doc = "Name of the interface (Linux 7.1 and later)."),
	{ 0 },
};

const struct key midi2_rows[] = {
	BOOL("process_ump", .default_text = "true",
	     .doc = "Whether the kernel handles the host's UMP stream messages."),
	BOOL("static_block", .default_text = "true", .doc = "Whether function blocks are static."),
	STRING("iface_name", .max = 126, .default_text = "the first endpoint's",
	       .doc = "Name of the interface."),
	{ "endpoints", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &midi2_endpoint_keys,
	  .configfs_directory_prefix = "ep.", .default_text = "one",
	  .doc = "UMP endpoints of the function, at most 4.", .set = set_attr_node },
	{ 0 },
};

/*
 * Rows that uac1 and uac2 share. Keys with `p_` are for data to the host, keys with `c_` for data
 * from the host.
 */
#define UAC_SIDE(p, p_words, mask_max, mask_doc, rate)                                             \
	INT(p "_chmask", .min = 0, .max = mask_max, .flags = KEY_SCHEME,                           \
	    .default_text = "3, stereo",                                                           \
	    .doc = "Channels " p_words ", a bit for each; " mask_doc "0: none."),                  \
		{ p "_srate",                                                                      \
		  NODE_INT | TYPE_LIST,                                                            \
		  NODE_INT,                                                                        \
		  KEY_SCHEME | KEY_NOT_EMPTY,                                                      \
		  .min = 1,                                                                        \
		  .max = 16777215,                                                                 \
		  .default_text = rate,                                                            \
		  .doc = "Sample rate in Hz, or a list of at most 10 rates.",                      \
		  .set = set_attr_rates },                                                         \
		INT(p "_ssize", .min = 1, .max = 4, .flags = KEY_SCHEME, .default_text = "2",      \
		    .doc = "Bytes of a sample.")
#define UAC_VOLUME(p)                                                                              \
	BOOL(p "_mute_present", .flags = KEY_SCHEME, .default_text = "true",                       \
	     .doc = "Whether there is a mute switch."),                                            \
		BOOL(p "_volume_present", .flags = KEY_SCHEME, .default_text = "true",             \
		     .doc = "Whether there is a volume control."),                                 \
		INT(p "_volume_min", .min = -32768, .max = 32767, .flags = KEY_SCHEME,             \
		    .default_text = "-25600", .doc = "Lowest volume in 1/256 dB."),                \
		INT(p "_volume_max", .min = -32768, .max = 32767, .flags = KEY_SCHEME,             \
		    .default_text = "0", .doc = "Highest volume in 1/256 dB."),                    \
		INT(p "_volume_res", .min = 1, .max = 32767, .flags = KEY_SCHEME,                  \
		    .default_text = "256", .doc = "Step of the volume in 1/256 dB.")
#define UAC_NAMES(p)                                                                               \
	NAME(p "_it_name", "the input terminal"),                                                  \
		NAME(p "_it_ch_name", "the input terminal's channels"),                            \
		NAME(p "_ot_name", "the output terminal"), NAME(p "_fu_vol_name", "the volume")
#define TO_HOST "to the host"
#define FROM_HOST "from the host"

/* uac1 expects a newline after a name (set_attr_string_with_newline). */
#define NAME(name_, what)                                                                          \
	{                                                                                          \
		name_, NODE_STRING, .max = 125, .default_text = "the kernel's",                    \
				    .set = set_attr_string_with_newline,                           \
				    .doc = "Name of " what " (Linux 6.12 and later)."              \
	}
const struct key uac1_rows[] = {
	UAC_SIDE("c", FROM_HOST, 0xfff, "", "48000"),
	UAC_SIDE("p", TO_HOST, 0xfff, "", "48000"),
	INT("req_number", .min = 1, .max = 1024, .default_text = "2",
	    .doc = "Requests in each queue."),
	UAC_VOLUME("p"),
	UAC_VOLUME("c"),
	{ "function_name", NODE_STRING, .max = 125, .default_text = "the kernel's",
	  .doc = "Name of the function. Linux 6.1 uses only its first 31 bytes, Linux 6.12 "
		 "all of them.",
	  .set = set_attr_string_with_newline },
	UAC_NAMES("p"),
	UAC_NAMES("c"),
	{ 0 },
};
#undef NAME

#define NAME(name_, what)                                                                          \
	STRING(name_, .max = 125, .default_text = "the kernel's",                                  \
	       .doc = "Name of " what " (Linux 6.12 and later).")
static const struct keyword sync_words[] = {
	{ "async", 0 },
	{ "adaptive", 0 },
	{ NULL, 0 },
};
const struct key uac2_rows[] = {
	UAC_SIDE("p", TO_HOST, 0x7ffffff, "", "48000"),
	INT("p_hs_bint", .min = 0, .max = 4, .flags = KEY_SCHEME, .default_text = "0, as needed",
	    .doc = "bInterval at high speed and above."),
	UAC_SIDE("c", FROM_HOST, 0x7ffffff, "", "64000"),
	INT("c_hs_bint", .min = 0, .max = 4, .flags = KEY_SCHEME, .default_text = "0, as needed",
	    .doc = "bInterval at high speed and above."),
	STRING("c_sync", .flags = KEY_SCHEME, .words = sync_words, .default_text = "async",
	       .doc = "Clock that determines the rate of the data from the host: the device's "
		      "clock (async, with feedback) or the host's (adaptive)."),
	INT("req_number", .min = 1, .max = 1024, .flags = KEY_SCHEME, .default_text = "2",
	    .doc = "Requests in each queue."),
	INT("fb_max", .min = 0, .max = 1000, .flags = KEY_SCHEME, .default_text = "5",
	    .doc = "How far the rate that the feedback endpoint requests may exceed the nominal "
		   "rate, in thousandths of the nominal rate."),
	UAC_VOLUME("p"),
	UAC_VOLUME("c"),
	STRING("function_name", .flags = KEY_SCHEME, .max = 125, .default_text = "the kernel's",
	       .doc = "Name of the function. Linux 6.1 uses only its first 31 bytes, Linux 6.12 "
		      "all of them."),
	NAME("if_ctrl_name", "the control interface"),
	NAME("clksrc_in_name", "the input clock"),
	NAME("clksrc_out_name", "the output clock"),
	UAC_NAMES("p"),
	UAC_NAMES("c"),
	INT("p_terminal_type", .min = 0, .max = 32767, .default_text = "0x0301",
	    .doc = "Type of the output terminal, where the data from the host ends (Linux 6.12 and "
		   "later). Unlike other keys with 'p_', this key is about the data from the host, "
		   "because the kernel swaps 'p_terminal_type' and 'c_terminal_type'."),
	INT("c_terminal_type", .min = 0, .max = 32767, .default_text = "0x0201",
	    .doc = "Type of the input terminal, where the data to the host begins (Linux 6.12 and "
		   "later)."),
	{ 0 },
};

const struct key uac1_legacy_rows[] = {
	INT("req_buf_size", .min = 1, .max = 200, .default_text = "200",
	    .doc = "Bytes of a request."),
	INT("req_count", .min = 1, .max = 4096, .default_text = "256",
	    .doc = "Requests in the queue."),
	/* A packet that is longer ends behind the buffer (f_uac1_legacy.c:348). */
	INT("audio_buf_size", .min = 200, .max = 4194304, .default_text = "48000",
	    .doc = "Bytes of the buffer for data on its way to the sound card."),
	{ 0 },
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros for rows of function attributes; and the arrays of rows that keys/media.c defines. */
#pragma once

#include "gadgetfile/types/attrs.h"

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
			.flags = KEY_SCHEME, .set = ignore_readonly_attr,                          \
			.doc = doc_ " The kernel chooses the value; a value in the file is "       \
				    "accepted and ignored."                                        \
	}

extern const struct key midi_rows[], midi2_rows[], uac1_rows[], uac1_legacy_rows[], uac2_rows[],
	uvc_rows[];

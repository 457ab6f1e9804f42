/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates of video functions: f_uvc.c and uvc_configfs.c. The formats are in the order of their
 * links in the header, the frames in the order of their directories.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "predict/template.h"

#define HEADER "streaming/header/h/"
#define MAX_FORMATS 16
#define MAX_INTERVALS 32 /* intervals of a frame; the prediction leaves out further ones */

static long long attribute_number(struct template_state *m, const char *dir, const char *name,
				  long long fallback)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name);

	return template_attribute_number(m->function, path, fallback);
}

static void set_variable_from_attribute(struct template_state *m, const char *dir, const char *name,
					long long fallback)
{
	template_set_number(m, name, attribute_number(m, dir, name, fallback));
}

/*
 * Reads the numbers of an attribute that has one number on each line. Returns the number of lines
 * read.
 */
static size_t read_attribute_numbers(struct template_state *m, const char *path, long long *v,
				     size_t max)
{
	const struct configfs_attribute *e = template_attribute(m->function, path);
	const char *p = e ? e->value : "";
	size_t n = 0;

	while (*p && n < max) {
		char *end;

		v[n] = strtoll(p, &end, 0);
		if (end == p)
			break;
		n++;
		p = end + strspn(end, "\n");
	}
	return n;
}

/* Adds a row that consists of `start`, the bytes and `end`. */
static void add_descriptor_with_bytes(struct template_state *m, const char *start,
				      const uint8_t *bytes, size_t n, const char *end)
{
	char *row = xstrdup(start);

	for (size_t i = 0; i < n; i++) {
		char *longer = strf("%s %02x", row, bytes[i]);

		free(row);
		row = longer;
	}
	{
		_cleanup_free_ char *whole = strf("%s %s", row, end);

		template_add_descriptor(m, whole);
	}
	free(row);
}

/* --- control ---------------------------------------------------------------------------------- */

static const char *const control_begin[] = {
	"08 0b #0 02 0e 03 00 %function_name",
	"?new: ?int: 09 04 #0 00 01 0e 01 00 00",
	"?new: !int: 09 04 #0 00 00 0e 01 00 00",
	"!new: 09 04 #0 00 01 0e 01 00 %function_name",
	"0d 24 01 $bcdUVC.2 T $dwClockFrequency.4 01 #1",
	"12 24 02 01 01 02 00 00 00 00 00 00 00 00 03 $camera.3",
	"0c 24 05 02 01 00 40 02 $processing.2 00 00",
	"09 24 03 03 01 01 00 $bSourceID 00",
	NULL,
};
static const char *const control_end[] = {
	"?int: 07 05 &i 03 10 00 08",
	"S: ?int: 06 30 00 00 10 00",
	"?int: 05 25 03 10 00",
	"09 04 #1 00 00 0e 02 00 'Video Streaming'",
	NULL,
};

/*
 * Sets a variable to the number whose bytes are in the attribute `path`, one on each line, the
 * lowest byte first. If lines are missing, those bytes are taken from `fallback`.
 */
static void set_controls_bitmap(struct template_state *m, const char *name, const char *path,
				long long fallback)
{
	long long v[3], value = fallback;
	size_t n = read_attribute_numbers(m, path, v, ARRAY_SIZE(v));

	for (size_t i = 0; i < n; i++)
		value = (value & ~(0xffLL << 8 * i)) | (v[i] & 0xff) << 8 * i;
	template_set_number(m, name, value);
}

static void add_extension_unit(struct template_state *m, const char *dir, long long id)
{
	static const uint8_t no_guid[16];
	_cleanup_free_ char *guid_path = strf("%s/guidExtensionCode", dir),
			    *sources_path = strf("%s/baSourceID", dir),
			    *controls_path = strf("%s/bmControls", dir), *start = NULL, *end = NULL;
	const struct configfs_attribute *guid = template_attribute(m->function, guid_path);
	long long v[DESCRIPTOR_MAX];
	size_t n = read_attribute_numbers(m, sources_path, v, ARRAY_SIZE(v));

	start = strf("L 24 06 %02llx", id);
	end = strf("%02llx %02zx", attribute_number(m, dir, "bNumControls", 0), n);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *old = end;

		end = strf("%s %02llx", old, v[i] & 0xff);
	}
	n = read_attribute_numbers(m, controls_path, v, ARRAY_SIZE(v));
	for (size_t i = 0; i <= n; i++) {
		_cleanup_free_ char *old = end;

		end = i == 0 ? strf("%s %02zx", old, n) : strf("%s %02llx", old, v[i - 1] & 0xff);
	}
	{
		_cleanup_free_ char *old = end;

		end = strf("%s 00", old);
	}
	add_descriptor_with_bytes(m, start,
				  guid && guid->size == 16 ? (const uint8_t *)guid->value : no_guid,
				  16, end);
}

/* Returns whether `path` is a path of an entry of the directory `dir`. */
static bool is_directly_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return str_has_prefix(path, dir) && path[n] == '/' && !strchr(path + n + 1, '/');
}

static void add_extension_units(struct template_state *m)
{
	long long id = 4;

	for (size_t i = 0; i < m->function->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &m->function->configfs_attributes.list[i];

		if (e->entry_kind == ATTRIBUTE_DIRECTORY &&
		    is_directly_below(e->path, "control/extensions"))
			add_extension_unit(m, e->path, id++);
	}
}

/* --- streaming -------------------------------------------------------------------------------- */

/* Subtypes of the descriptors of frames (USB Video Class 1.5, table A-6). */
#define FRAME_UNCOMPRESSED "05"
#define FRAME_MJPEG "07"
#define FRAME_FRAME_BASED "11"

static void add_frame(struct template_state *m, const char *dir, const char *subtype,
		      long long index)
{
	bool frame_based = streq(subtype, FRAME_FRAME_BASED);
	_cleanup_free_ char *path = strf("%s/dwFrameInterval", dir), *row = NULL;
	long long v[MAX_INTERVALS];
	size_t n = read_attribute_numbers(m, path, v, ARRAY_SIZE(v));

	set_variable_from_attribute(m, dir, "bmCapabilities", 0);
	set_variable_from_attribute(m, dir, "wWidth", 640);
	set_variable_from_attribute(m, dir, "wHeight", 360);
	set_variable_from_attribute(m, dir, "dwMinBitRate", 18432000);
	set_variable_from_attribute(m, dir, "dwMaxBitRate", 55296000);
	set_variable_from_attribute(m, dir, "dwMaxVideoFrameBufferSize", 460800);
	set_variable_from_attribute(m, dir, "dwDefaultFrameInterval", 666666);
	set_variable_from_attribute(m, dir, "dwBytesPerLine", 0);
	row = strf("L 24 %s %02llx $bmCapabilities $wWidth.2 $wHeight.2 $dwMinBitRate.4 "
		   "$dwMaxBitRate.4%s $dwDefaultFrameInterval.4 %02zx%s",
		   subtype, index, frame_based ? "" : " $dwMaxVideoFrameBufferSize.4", n,
		   frame_based ? " $dwBytesPerLine.4" : "");
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *old = row;

		row = strf("%s %02llx %02llx %02llx %02llx", old, v[i] & 0xff, v[i] >> 8 & 0xff,
			   v[i] >> 16 & 0xff, v[i] >> 24 & 0xff);
	}
	template_add_descriptor(m, row);
}

static long long count_frames(const struct function *f, const char *format)
{
	long long n = 0;

	for (size_t i = 0; i < f->configfs_attributes.n; i++)
		n += f->configfs_attributes.list[i].entry_kind == ATTRIBUTE_DIRECTORY &&
		     is_directly_below(f->configfs_attributes.list[i].path, format);
	return n;
}

static void add_frames(struct template_state *m, const char *format, const char *subtype)
{
	long long index = 1;

	for (size_t i = 0; i < m->function->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &m->function->configfs_attributes.list[i];

		if (e->entry_kind == ATTRIBUTE_DIRECTORY && is_directly_below(e->path, format))
			add_frame(m, e->path, subtype, index++);
	}
}

/*
 * Adds the color matching descriptor that the format links to; without such a link, the default
 * one. `format` NULL: the default one.
 */
static void add_color_matching(struct template_state *m, const char *format)
{
	const char *dir = "streaming/color_matching/default";
	bool own;

	for (size_t i = 0; format && i < m->function->configfs_attributes.n; i++) {
		const struct configfs_attribute *e = &m->function->configfs_attributes.list[i];

		if (e->entry_kind == ATTRIBUTE_LINK && is_directly_below(e->path, format))
			dir = e->value;
	}
	own = !streq(dir, "streaming/color_matching/default");
	set_variable_from_attribute(m, dir, "bColorPrimaries", own ? 0 : 1);
	set_variable_from_attribute(m, dir, "bTransferCharacteristics", own ? 0 : 1);
	set_variable_from_attribute(m, dir, "bMatrixCoefficients", own ? 0 : 4);
	template_add_descriptor(
		m, "06 24 0d $bColorPrimaries $bTransferCharacteristics $bMatrixCoefficients");
}

static void add_format(struct template_state *m, const char *dir, long long index)
{
	static const uint8_t yuy2[16] = { 'Y',	'U', 'Y', '2',	0, 0,	 0x10, 0,
					  0x80, 0,   0,	  0xaa, 0, 0x38, 0x9b, 0x71 };
	static const uint8_t h264[16] = { 'H',	'2', '6', '4',	0, 0,	 0x10, 0,
					  0x80, 0,   0,	  0xaa, 0, 0x38, 0x9b, 0x71 };
	bool mjpeg = str_has_prefix(dir, "streaming/mjpeg/"),
	     frame_based = str_has_prefix(dir, "streaming/framebased/");
	_cleanup_free_ char *path = strf("%s/guidFormat", dir);
	const struct configfs_attribute *guid = template_attribute(m->function, path);

	template_set_number(m, "index", index);
	template_set_number(m, "frames", count_frames(m->function, dir));
	set_variable_from_attribute(m, dir, "bDefaultFrameIndex", 1);
	set_variable_from_attribute(m, dir, "bBitsPerPixel", 16);
	if (mjpeg)
		template_add_descriptor(
			m, "0b 24 06 $index $frames 00 $bDefaultFrameIndex 00 00 00 00");
	else if (frame_based)
		add_descriptor_with_bytes(m, "1c 24 10 $index $frames",
					  guid && guid->size == 16 ? (const uint8_t *)guid->value
								   : h264,
					  16, "00 $bDefaultFrameIndex 00 00 00 00 01");
	else
		add_descriptor_with_bytes(m, "1b 24 04 $index $frames",
					  guid && guid->size == 16 ? (const uint8_t *)guid->value
								   : yuy2,
					  16, "$bBitsPerPixel $bDefaultFrameIndex 00 00 00 00");
	add_frames(m, dir,
		   mjpeg	 ? FRAME_MJPEG
		   : frame_based ? FRAME_FRAME_BASED
				 : FRAME_UNCOMPRESSED);
	if (template_number(m, "new"))
		add_color_matching(m, dir);
}

static void add_formats(struct template_state *m)
{
	const char *formats[MAX_FORMATS];
	uint8_t controls[MAX_FORMATS];
	_cleanup_free_ char *start = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->function->configfs_attributes.n && n < MAX_FORMATS; i++) {
		const struct configfs_attribute *e = &m->function->configfs_attributes.list[i];

		if (e->entry_kind != ATTRIBUTE_LINK || !str_has_prefix(e->path, HEADER))
			continue;
		controls[n] = (uint8_t)attribute_number(m, e->value, "bmaControls", 0);
		formats[n++] = e->value;
	}
	start = strf("L 24 01 %02zx T &i 00 03 00 00 00 01", n);
	add_descriptor_with_bytes(m, start, controls, n, "");
	for (size_t i = 0; i < n; i++)
		add_format(m, formats[i], (long long)i + 1);
	if (!template_number(m, "new"))
		add_color_matching(m, NULL);
}

static const char *const streaming_end[] = {
	"09 04 #1 01 01 0e 02 00 'Video Streaming'",
	"07 05 &i 05 {$full.2|$high.2|$packet.2} {$interval|$high_interval|$interval}",
	"S: 06 30 $burst $mult $bytes.2",
	NULL,
};

/*
 * Sets the variables for the interval and the packet sizes of the streaming endpoint, like
 * uvc_function_bind() of f_uvc.c.
 */
static void set_packet_sizes(struct template_state *m)
{
	long long size = template_number(m, "streaming_maxpacket"),
		  interval = template_number(m, "streaming_interval"),
		  burst = template_number(m, "streaming_maxburst"), mult;

	if (burst && size % 1024)
		size = (size + 1023) / 1024 * 1024;
	mult = size <= 1024 ? 1 : size <= 2048 ? 2 : 3;
	template_set_number(m, "full", size < 1023 ? size : 1023);
	template_set_number(m, "packet", size / mult);
	template_set_number(m, "high", size / mult | (mult - 1) << 11);
	template_set_number(m, "interval", interval);
	template_set_number(m, "high_interval", mult > 1 ? 1 : interval);
	template_set_number(m, "burst", burst);
	template_set_number(m, "mult", mult - 1);
	template_set_number(m, "bytes", size / mult * mult * (burst + 1));
}

static void add_uvc_descriptors(struct template_state *m)
{
	template_set_number(m, "int",
			    !template_number(m, "new") ||
				    attribute_number(m, "control", "enable_interrupt_ep", 0));
	set_variable_from_attribute(m, "control/header/h", "bcdUVC", 0x0110);
	set_variable_from_attribute(m, "control/header/h", "dwClockFrequency", 48000000);
	set_variable_from_attribute(m, "control/terminal/output/default", "bSourceID", 2);
	set_controls_bitmap(m, "camera", "control/terminal/camera/default/bmControls", 2);
	set_controls_bitmap(m, "processing", "control/processing/default/bmControls", 1);
	set_packet_sizes(m);
	template_add_descriptors(m, control_begin);
	add_extension_units(m);
	template_add_descriptors(m, control_end);
	add_formats(m);
	template_add_descriptors(m, streaming_end);
}

const struct function_template video_templates[] = {
	{
		.type = "uvc",
		.defaults = "function_name='UVC Camera' streaming_maxpacket=1024 "
			    "streaming_interval=1 streaming_maxburst=0",
		.prepare = add_uvc_descriptors,
	},
	{ 0 },
};

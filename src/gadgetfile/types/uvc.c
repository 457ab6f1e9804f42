// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converts a short description of a camera's formats and frames to the directories and links that
 * the uvc function needs (Documentation/ABI/testing/configfs-usb-gadget-uvc).
 */
#include "base/cleanup.h"
#include "gadgetfile/keys/attrs.h"

/* --- the keys --- */

#define DWORD(name_, doc_, fallback_)                                                              \
	{                                                                                          \
		name_, NODE_INT, .flags = KEY_SCHEME, WORD32, .default_text = fallback_,           \
				 .doc = doc_, .set = set_attr_node                                 \
	}

static const struct key uvc_frame_rows[] = {
	{ "width", NODE_INT, .min = 1, .max = 65535, .doc = "Width in pixels.",
	  .set = set_attr_node },
	{ "height", NODE_INT, .min = 1, .max = 65535, .doc = "Height in pixels.",
	  .set = set_attr_node },
	{ "fps", NODE_INT | NODE_FLOAT | TYPE_LIST, NODE_INT | NODE_FLOAT, KEY_NOT_EMPTY,
	  .min = 0.01, .max = 10000, .default_text = "30",
	  .doc = "Frames per second, or a list of rates, the first of which is the default.",
	  .set = set_attr_node },
	{ "wWidth", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 65535,
	  .doc = "The same as width.", .set = set_attr_node },
	{ "wHeight", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 65535,
	  .doc = "The same as height.", .set = set_attr_node },
	{ "dwFrameInterval", NODE_INT | TYPE_LIST, NODE_INT, KEY_SCHEME | KEY_NOT_EMPTY, .min = 1,
	  .max = 4294967295.0, .doc = "Frame intervals in units of 100 ns, instead of fps.",
	  .set = set_attr_node },
	DWORD("dwDefaultFrameInterval", "Default interval, one of those in dwFrameInterval or fps.",
	      "the first"),
	DWORD("dwMinBitRate", "Bits per second at the lowest frame rate.",
	      "the bit rate of uncompressed frames"),
	DWORD("dwMaxBitRate", "Bits per second at the highest frame rate.",
	      "the bit rate of uncompressed frames"),
	DWORD("dwMaxVideoFrameBufferSize", "Size of the largest frame in bytes.",
	      "the size of an uncompressed frame"),
	{ "dwBytesPerLine", NODE_INT, WORD32, .default_text = "0",
	  .doc = "Bytes of a line of a frame-based format; 0: lines differ (Linux 6.18 and later).",
	  .set = set_attr_node },
	{ "bmCapabilities", NODE_INT, .flags = KEY_SCHEME, BYTE, .default_text = "0",
	  .doc = "Bit 0: still images, bit 1: fixed frame rate.", .set = set_attr_node },
	{ "bFrameIndex", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .doc = "Accepted and ignored: the kernel numbers the frames in their order.",
	  .set = ignore_readonly_attr },
	{ 0 },
};
const struct key_group uvc_frame_keys = { "formats.frames of uvc", "a frame", uvc_frame_rows, NULL,
					  "One picture size." };

static const struct keyword format_words[] = {
	{ "mjpeg", 0 },	       { "yuyv", 0 },	    { "nv12", 0 }, { "h264", 0 },
	{ "uncompressed", 0 }, { "framebased", 0 }, { NULL, 0 },
};
static const struct key uvc_format_rows[] = {
	{ "type", NODE_STRING, .words = format_words,
	  .doc = "Encoding of the pictures. Required in a list of formats; in a group of formats, "
		 "as in libusbgx's gadget schemes, the name of the format is the type. \"h264\" is "
		 "a "
		 "frame-based format, \"framebased\" one whose 'guidFormat' names the encoding "
		 "(Linux 6.18 and later).",
	  .set = set_attr_node },
	{ "frames", TYPE_LIST, NODE_GROUP, KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY,
	  .group = &uvc_frame_keys, .doc = "The picture sizes.", .set = set_attr_node },
	{ "bDefaultFrameIndex", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .default_text = "1", .doc = "Which frame is the default, counted from 1.",
	  .set = set_attr_node },
	{ "guidFormat", TYPE_LIST, NODE_INT, KEY_SCHEME, BYTE,
	  .default_text = "the GUID of the format's type",
	  .doc = "GUID of an uncompressed or frame-based format, 16 bytes.",
	  .set = set_attr_bytes },
	{ "bBitsPerPixel", NODE_INT, .flags = KEY_SCHEME, .min = 1, .max = 255,
	  .default_text = "the bits of the format's type",
	  .doc = "Bits per pixel of an uncompressed format.", .set = set_attr_node },
	{ 0 },
};
const struct key_group uvc_format_keys = { "formats of uvc", "a format", uvc_format_rows, NULL,
					   "One picture format." };

#define UVC_CONFIG                                                                                 \
	INT("streaming_interval", .min = 1, .max = 16, .flags = KEY_SCHEME, .default_text = "1",   \
	    .doc = "bInterval of the isochronous endpoint."),                                      \
		INT("streaming_maxpacket", .min = 1, .max = 3072, .flags = KEY_SCHEME,             \
		    .default_text = "1024", .doc = "Bytes in an interval."),                       \
		INT("streaming_maxburst", .min = 0, .max = 15, .flags = KEY_SCHEME,                \
		    .default_text = "0", .doc = "Further packets in a burst, at SuperSpeed."),     \
		STRING("function_name", .flags = KEY_SCHEME, .max = 31,                            \
		       .default_text = "UVC Camera", .doc = "Name of the camera.")
static const struct key uvc_config_rows[] = { UVC_CONFIG, { 0 } };
const struct key_group uvc_config_keys = {
	"config of uvc", "'config'", uvc_config_rows, NULL,
	"Group in which libusbgx's gadget schemes set function_name and the attributes of the "
	"streaming endpoint."
};
const struct key uvc_rows[] = {
	UVC_CONFIG,
	{ "config", NODE_GROUP, .flags = KEY_SCHEME, .group = &uvc_config_keys,
	  .doc = "Group in which libusbgx's gadget schemes set function_name and the attributes of "
		 "the streaming endpoint.",
	  .set = set_attr_node },
	{ "formats", TYPE_LIST | NODE_GROUP, NODE_GROUP,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY | KEY_NAMED, .group = &uvc_format_keys,
	  .doc = "The formats: a list of groups or, as in libusbgx's gadget schemes, a group of "
		 "groups.",
	  .set = set_attr_node },
	{ 0 },
};

/* --- formats and frames as directories --- */

#define MAX_INTERVALS 255    /* bFrameIntervalType is a byte */
#define MAX_FRAMES 255	     /* bNumFrameDescriptors is a byte */
#define UNITS_PER_SECOND 1e7 /* number of units of 100 ns in a second */

/* A picture format: its name in gadget files, and its directory in configfs below "streaming". */
struct uvc_format {
	const char *name, *directory;
	const uint8_t *guid;	     /* GUID of the format; NULL: the format has none */
	unsigned int bits_per_pixel; /* default of bBitsPerPixel */
};

#define GUID(a, b, c, d)                                                                           \
	(const uint8_t[16])                                                                        \
	{                                                                                          \
		a, b, c, d, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71                   \
	}
#define FRAME_BASED "framebased"
static const struct uvc_format formats[] = {
	{ "mjpeg", "mjpeg", NULL, 16 },
	{ "yuyv", "uncompressed", GUID('Y', 'U', 'Y', '2'), 16 },
	{ "nv12", "uncompressed", GUID('N', 'V', '1', '2'), 12 },
	/* A name that only libusbgx's scheme files use; they also set guidFormat */
	{ "uncompressed", "uncompressed", GUID('Y', 'U', 'Y', '2'), 16 },
	{ "h264", FRAME_BASED, GUID('H', '2', '6', '4'), 16 },
	{ "framebased", FRAME_BASED, GUID('H', '2', '6', '4'), 16 },
};

static const struct uvc_format *format_by_name(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (streq(formats[i].name, word))
			return &formats[i];
	return NULL;
}

/*
 * The state of check_and_convert_uvc while it adds the entries of the directories "streaming" and
 * "control".
 */
struct uvc_loader {
	struct load *load;
	struct function *function;
	char *format_directory; /* directory of the current format */
	unsigned int bits_per_pixel;
	bool is_frame_based;  /* the current format is in streaming/framebased */
	bool is_uncompressed; /* the current format is in streaming/uncompressed */
	size_t n_formats, n_frames_in_format;
};

static void add_directory(struct uvc_loader *u, char *path, const struct node *node)
{
	load_add_attribute(u->load, &u->function->configfs_attributes, ATTRIBUTE_DIRECTORY, path,
			   NULL, 0, node);
}

static void add_text_attribute(struct uvc_loader *u, char *path, char *text,
			       const struct node *node)
{
	load_add_attribute(u->load, &u->function->configfs_attributes, ATTRIBUTE_VALUE, path, text,
			   strlen(text), node);
}

static void add_number_attribute(struct uvc_loader *u, const char *dir, const char *name,
				 long long value, const struct node *node)
{
	add_text_attribute(u, strf("%s/%s", dir, name), strf("%lld", value), node);
}

/* Adds an attribute with the number that the gadget file sets for `name`, or with `fallback`. */
static void add_number_or_fallback(struct uvc_loader *u, const char *dir, const char *name,
				   struct attribute_values *d, long long fallback)
{
	add_number_attribute(u, dir, name, load_attr_integer(d, name, fallback), d->group);
}

static void add_symlink(struct uvc_loader *u, char *path, char *target, const struct node *node)
{
	load_add_attribute(u->load, &u->function->configfs_attributes, ATTRIBUTE_LINK, path, target,
			   strlen(target), node);
}

/* --- frames ----------------------------------------------------------------------------------- */

static int compare_intervals(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t interval_of_rate(double fps)
{
	return (uint32_t)(UNITS_PER_SECOND / fps + 0.5);
}

/*
 * Stores in `v` the frame intervals in units of 100 ns, in ascending order. They come from the
 * setting `fps` or `dwFrameInterval`. Stores in *first the interval that is first in the gadget
 * file. Returns the number of intervals.
 */
static size_t read_frame_intervals(struct attribute_values *d, uint32_t v[MAX_INTERVALS],
				   uint32_t *first)
{
	const struct node *fps = load_find_attr(d, "fps")->node,
			  *raw = load_find_attr(d, "dwFrameInterval")->node,
			  *given = fps ? fps : raw;
	size_t n = 0;

	if (!given) {
		v[n++] = interval_of_rate(30);
	} else if (!(given->type & TYPE_LIST)) {
		v[n++] = fps ? interval_of_rate(given->real) : (uint32_t)given->integer;
	} else {
		for (const struct node *item = given->first_child; item && n < MAX_INTERVALS;
		     item = item->next)
			if (!item->has_error)
				v[n++] = fps ? interval_of_rate(item->real)
					     : (uint32_t)item->integer;
	}
	*first = n > 0 ? v[0] : 0;
	qsort(v, n, sizeof(*v), compare_intervals);
	return n;
}

/*
 * Warns if the default interval is not one of the frame's intervals: hosts use the default without
 * checking it.
 */
static void check_default_interval(struct load *l, const struct node *given, const uint32_t *v,
				   size_t n)
{
	for (size_t i = 0; given && i < n; i++)
		if (v[i] == (uint32_t)given->integer)
			return;
	if (given)
		diag_warning(l->diags, &given->at,
			     "the default interval is not one of the frame's intervals: a host may "
			     "request the default, and the request may fail");
}

static long long limit_to_32_bits(double value)
{
	return value > UINT32_MAX ? UINT32_MAX : (long long)(value + 0.5);
}

/*
 * Warns about a list of intervals that hosts do not see as it is written: the kernel sorts them
 * (__uvcg_frm_intrvl_sort, uvc_configfs.c:2054), and sends one that is written twice twice, which
 * UVC 1.1, 3.9.2.2, forbids: they must rise. `v` has the intervals sorted.
 */
static void check_intervals_rise(struct load *l, const struct node *list, const uint32_t *v,
				 size_t n)
{
	if (!list || !(list->type & TYPE_LIST) || l->has_syntax_error)
		return;
	for (size_t i = 1; i < n; i++) {
		if (v[i] != v[i - 1])
			continue;
		diag_warning(l->diags, &list->at,
			     "the frame interval %u appears twice: intervals must rise (UVC 1.1, "
			     "3.9.2.2)",
			     v[i]);
		diags_hint(l->diags, "remove one of the two");
		return;
	}
	if (!streq(list->name, "dwFrameInterval"))
		return;
	for (const struct node *item = list->first_child; item && item->next; item = item->next) {
		if (item->integer < item->next->integer)
			continue;
		diag_warning(l->diags, &item->next->at,
			     "frame intervals must rise (UVC 1.1, 3.9.2.2): the kernel sorts them");
		diags_hint(l->diags, "write the shortest interval first, and the default one as "
				     "'dwDefaultFrameInterval'");
		return;
	}
}

/* Bit rates of a frame, which the kernel sends to hosts unchecked (uvc_configfs.c:1924). */
struct bit_rates {
	long long min, max;
};

/*
 * Returns the bit rates of a frame. If only one of them is set, limits the default of the other one
 * by it. Warns if the lowest one is above the highest one.
 */
static struct bit_rates read_bit_rates(struct load *l, struct attribute_values *d, double lowest,
				       double highest)
{
	const struct node *min = load_find_attr(d, "dwMinBitRate")->node,
			  *max = load_find_attr(d, "dwMaxBitRate")->node;
	struct bit_rates r = { limit_to_32_bits(lowest), limit_to_32_bits(highest) };

	if (min && min->integer > r.max)
		r.max = min->integer;
	if (max && max->integer < r.min)
		r.min = max->integer;
	r.min = load_attr_integer(d, "dwMinBitRate", r.min);
	r.max = load_attr_integer(d, "dwMaxBitRate", r.max);
	if (min && max && r.min > r.max) {
		diag_warning(l->diags, &min->at,
			     "'dwMinBitRate' (%lld) is above 'dwMaxBitRate' (%lld): the kernel "
			     "sends both to the host as they are",
			     r.min, r.max);
		diags_hint(l->diags, "exchange the two values, or leave them out");
	}
	return r;
}

/*
 * Warns about a buffer that has no room for an uncompressed frame: the kernel sends its size to
 * hosts unchecked (uvc_configfs.c:1924), which then take whole frames for too long.
 */
static void check_frame_buffer(const struct uvc_loader *u, struct attribute_values *d,
			       long long frame_size)
{
	const struct node *node = load_find_attr(d, "dwMaxVideoFrameBufferSize")->node;

	if (!node || !u->is_uncompressed || node->integer >= frame_size)
		return;
	diag_warning(u->load->diags, &node->at,
		     "a frame has %lld bytes, more than 'dwMaxVideoFrameBufferSize': hosts discard "
		     "what is longer",
		     frame_size);
	diags_hint(u->load->diags, "write %lld, or leave the setting out", frame_size);
}

static char *numbers_to_lines(const uint32_t *v, size_t n)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < n; i++) {
		char *longer = strf("%s%s%u", all, i ? "\n" : "", v[i]);

		free(all);
		all = longer;
	}
	return all;
}

/*
 * Returns whether a frame has a width, or a height; adds an error if it has neither the key nor the
 * other key for it.
 */
static bool require_frame_dimension(struct load *l, const struct node *frame, long long pixels,
				    const char *key, const char *other_key)
{
	if (pixels == 0 && !node_member(frame, key) && !node_member(frame, other_key) &&
	    !l->has_syntax_error)
		diag_error(l->diags, node_range_to_mark(frame), "a frame needs '%s'", key);
	return pixels != 0;
}

/* Adds an error if the format or the frame has a key that the kernel has not for such formats. */
static void refuse_key(struct uvc_loader *u, const struct node *group, const char *key,
		       const char *kind)
{
	const struct node *setting = node_member(group, key);

	if (setting)
		diag_error(u->load->diags, &setting->name_at, "'%s' cannot be set in %s", key,
			   kind);
}

/*
 * Frames of frame-based formats have dwBytesPerLine in place of dwMaxVideoFrameBufferSize
 * (uvcg_frame_attrs2, uvc_configfs.c:2132 of Linux 7.1).
 */
static void add_frame_size(struct uvc_loader *u, const char *dir, struct attribute_values *d,
			   const struct node *node, double bits)
{
	if (u->is_frame_based) {
		refuse_key(u, node, "dwMaxVideoFrameBufferSize", "a frame-based format");
		add_number_or_fallback(u, dir, "dwBytesPerLine", d, 0);
	} else {
		refuse_key(u, node, "dwBytesPerLine", "a format that is not frame-based");
		add_number_or_fallback(u, dir, "dwMaxVideoFrameBufferSize", d,
				       limit_to_32_bits(bits / 8));
	}
}

static void load_frame(struct uvc_loader *u, struct node *node)
{
	uint32_t v[MAX_INTERVALS], first;
	_cleanup_free_ char *dir = NULL;
	const struct node *list;
	struct attribute_values d;
	long long width, height;
	struct bit_rates rates;
	double bits;
	size_t n;

	load_attr_group(u->load, &uvc_frame_keys, node, &d);
	load_check_attr_alias(u->load, &d, "width", "wWidth");
	load_check_attr_alias(u->load, &d, "height", "wHeight");
	load_check_attr_alias(u->load, &d, "fps", "dwFrameInterval");
	list = load_find_attr(&d, load_find_attr(&d, "fps")->node ? "fps" : "dwFrameInterval")
		       ->node;
	if (list && (list->type & TYPE_LIST) && list->n_children > MAX_INTERVALS)
		diag_error(u->load->diags, &list->at, "a frame has at most %d rates",
			   MAX_INTERVALS);
	width = load_attr_integer(&d, "width", load_attr_integer(&d, "wWidth", 0));
	height = load_attr_integer(&d, "height", load_attr_integer(&d, "wHeight", 0));
	n = read_frame_intervals(&d, v, &first);
	if (!require_frame_dimension(u->load, node, width, "width", "wWidth") ||
	    !require_frame_dimension(u->load, node, height, "height", "wHeight") || n == 0)
		return;
	check_default_interval(u->load, load_find_attr(&d, "dwDefaultFrameInterval")->node, v, n);
	check_intervals_rise(u->load, list, v, n);
	bits = (double)width * (double)height * u->bits_per_pixel;
	check_frame_buffer(u, &d, limit_to_32_bits(bits / 8));
	/* Bits per second at the lowest and the highest frame rate */
	rates = read_bit_rates(u->load, &d, bits * UNITS_PER_SECOND / v[n - 1],
			       bits * UNITS_PER_SECOND / v[0]);
	dir = strf("%s/%zu_%lldx%lld", u->format_directory, ++u->n_frames_in_format, width, height);
	add_directory(u, xstrdup(dir), node);
	add_number_attribute(u, dir, "wWidth", width, node);
	add_number_attribute(u, dir, "wHeight", height, node);
	add_number_or_fallback(u, dir, "bmCapabilities", &d, 0);
	add_number_attribute(u, dir, "dwMinBitRate", rates.min, node);
	add_number_attribute(u, dir, "dwMaxBitRate", rates.max, node);
	add_frame_size(u, dir, &d, node, bits);
	add_number_or_fallback(u, dir, "dwDefaultFrameInterval", &d, first);
	add_text_attribute(u, strf("%s/dwFrameInterval", dir), numbers_to_lines(v, n), node);
}

/* --- formats ---------------------------------------------------------------------------------- */

static void load_format(struct uvc_loader *u, const struct uvc_format *format, struct node *node)
{
	struct attribute_values d;
	struct attribute_value *guid;
	const struct node *frames, *preset;

	u->n_frames_in_format = 0;
	u->is_frame_based = streq(format->directory, FRAME_BASED);
	u->format_directory =
		strf("streaming/%s/%zu_%s", format->directory, ++u->n_formats, format->name);
	load_attr_group(u->load, &uvc_format_keys, node, &d);
	guid = load_find_attr(&d, "guidFormat");
	u->bits_per_pixel =
		(unsigned int)load_attr_integer(&d, "bBitsPerPixel", format->bits_per_pixel);
	u->is_uncompressed = format->guid && !u->is_frame_based;
	add_directory(u, xstrdup(u->format_directory), node);
	if (format->guid) {
		if (guid->value && guid->size != 16)
			load_error(u->load, guid->node, "'guidFormat' must have 16 bytes, not %zu",
				   guid->size);
		else if (guid->value)
			load_add_attribute(u->load, &u->function->configfs_attributes,
					   ATTRIBUTE_VALUE,
					   strf("%s/guidFormat", u->format_directory),
					   steal_ptr(guid->value), 16, guid->node);
		else
			load_add_attribute(u->load, &u->function->configfs_attributes,
					   ATTRIBUTE_VALUE,
					   strf("%s/guidFormat", u->format_directory),
					   memcpy(xcalloc(17, 1), format->guid, 16), 16, node);
		/* Of frame-based formats it is read-only (uvc_configfs.c:2812 of Linux 7.1). */
		if (u->is_frame_based)
			refuse_key(u, node, "bBitsPerPixel", "a frame-based format");
		else
			add_number_attribute(u, u->format_directory, "bBitsPerPixel",
					     u->bits_per_pixel, node);
	} else if (guid->node) {
		diag_error(u->load->diags, node_range_to_mark(guid->node),
			   "a format of type %s has no GUID", format->name);
	}
	add_number_or_fallback(u, u->format_directory, "bDefaultFrameIndex", &d, 1);
	frames = load_find_attr(&d, "frames")->node;
	if (frames && frames->n_children > MAX_FRAMES)
		load_error(u->load, load_find_attr(&d, "frames")->node,
			   "a format has at most %d frames", MAX_FRAMES);
	for (struct node *item = frames ? frames->first_child : NULL; item; item = item->next)
		if (!item->has_error)
			load_frame(u, item);
	preset = load_find_attr(&d, "bDefaultFrameIndex")->node;
	if (frames && preset && preset->integer > (int64_t)frames->n_children)
		diag_error(u->load->diags, node_range_to_mark(preset),
			   "'bDefaultFrameIndex' must be 1 to %zu, the number of frames",
			   frames->n_children);
	free(guid->value);
}

/* Adds the headers of streaming and control. The kernel requires that their name is "h". */
static void add_headers(struct uvc_loader *u, char *const *dirs, const struct node *node)
{
	static const char *const streaming[] = { "fs", "hs", "ss" }, *const control[] = { "fs",
											  "ss" };

	add_directory(u, xstrdup("streaming/header/h"), node);
	for (size_t i = 0; i < u->n_formats; i++)
		add_symlink(u, strf("streaming/header/h/%s", path_last_component(dirs[i])),
			    xstrdup(dirs[i]), node);
	for (size_t i = 0; i < ARRAY_SIZE(streaming); i++)
		add_symlink(u, strf("streaming/class/%s/h", streaming[i]),
			    xstrdup("streaming/header/h"), node);
	add_directory(u, xstrdup("control/header/h"), node);
	for (size_t i = 0; i < ARRAY_SIZE(control); i++)
		add_symlink(u, strf("control/class/%s/h", control[i]), xstrdup("control/header/h"),
			    node);
}

/*
 * Returns the type of an element of `formats`. In a list, the type is the element's setting 'type';
 * in a group, which scheme files use, it is the element's name. Returns NULL if the type is wrong,
 * after adding an error.
 */
static const struct uvc_format *find_format_type(struct load *l, struct node *item)
{
	const struct node *type = item->name ? item : node_member(item, "type");
	const char *word = item->name ? item->name : type ? type->text : NULL;
	const struct uvc_format *format = word ? format_by_name(word) : NULL;

	if (format)
		return format;
	if (!item->name && !type && !l->has_syntax_error)
		diag_error(l->diags, &item->at, "a format needs 'type'");
	if (item->name) {
		diag_error(l->diags, &item->name_at, "unknown format '%s'", word);
		diags_hint(l->diags,
			   "use 'mjpeg', 'yuyv', 'nv12', 'h264', 'uncompressed' or 'framebased'");
	}
	return NULL;
}

/* Checks the settings other than 'type' of a format whose type is wrong. */
static void check_settings_of_untyped_format(struct load *l, struct node *item)
{
	struct attribute_values d;

	load_attr_group(l, &uvc_format_keys, item, &d);
	free(load_find_attr(&d, "guidFormat")->value);
}

void check_and_convert_uvc(struct load *l, struct function *f, struct attribute_values *d)
{
	struct node *list = load_find_attr(d, "formats")->node,
		    *config = load_find_attr(d, "config")->node;
	struct uvc_loader u = { .load = l, .function = f };
	char *dirs[16] = { NULL };

	/* libusbgx's gadget schemes set some attributes of the function in the group 'config' */
	if (config) {
		struct attribute_values inner;

		load_attr_group(l, &uvc_config_keys, config, &inner);
		node_foreach(setting, config)
			if (!setting->has_error && node_member(d->group, setting->name))
				diag_error(l->diags, &setting->name_at,
					   "'%s' is also set outside of 'config'", setting->name);
		load_add_attributes(l, &f->configfs_attributes, "", &inner);
	}
	for (struct node *item = list ? list->first_child : NULL; item; item = item->next) {
		const struct uvc_format *format =
			item->has_error ? NULL : find_format_type(l, item);

		if (!format) {
			if (!item->has_error && !item->name)
				check_settings_of_untyped_format(l, item);
			continue;
		}
		if (u.n_formats == ARRAY_SIZE(dirs)) {
			diag_error(l->diags, node_range_to_mark(item), "more than %zu formats",
				   ARRAY_SIZE(dirs));
			break;
		}
		load_format(&u, format, item);
		dirs[u.n_formats - 1] = u.format_directory;
	}
	if (list && u.n_formats > 0)
		add_headers(&u, dirs, list);
	for (size_t i = 0; i < u.n_formats; i++)
		free(dirs[i]);
}

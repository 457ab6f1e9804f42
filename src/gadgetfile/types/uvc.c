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
	DWORD("dwDefaultFrameInterval", "Default interval, one of those in dwFrameInterval or fps.",
	      "the first"),
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
	  .doc = "Encoding of the pictures. Required in a list of formats; in a group of formats, "
		 "as in schemes, the name of the format is the type.",
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
const struct key_group uvc_config_keys = {
	"functions.LABEL.attrs.config", "'config'", uvc_config_rows, NULL,
	"Where schemes have the settings of the streaming endpoint and the name."
};
const struct key uvc_rows[] = {
	UVC_CONFIG,
	{ "config", NODE_GROUP, .flags = KEY_SCHEME, .group = &uvc_config_keys,
	  .doc = "Where schemes have the settings of the streaming endpoint and the name.",
	  .set = set_attr_node },
	{ "formats", TYPE_LIST | NODE_GROUP, NODE_GROUP,
	  KEY_SCHEME | KEY_REQUIRED | KEY_NOT_EMPTY | KEY_NAMED, .group = &uvc_format_keys,
	  .doc = "The formats: a list of groups or, as in schemes, a group of groups.",
	  .set = set_attr_node },
	{ 0 },
};

/* --- formats and frames as directories --- */

#define MAX_INTERVALS 255 /* bFrameIntervalType is a byte */
#define MAX_FRAMES 255	  /* bNumFrameDescriptors is a byte */
#define UNITS 1e7	  /* units of 100 ns in a second */

/* A format of pictures: its name in gadget files, and the kernel's kind, mjpeg or uncompressed. */
struct format {
	const char *word, *kind;
	const uint8_t *guid; /* NULL: this kind has no GUID */
	unsigned int bits;   /* bits of a pixel */
};

#define GUID(a, b, c, d)                                                                           \
	(const uint8_t[16])                                                                        \
	{                                                                                          \
		a, b, c, d, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71                   \
	}
static const struct format formats[] = {
	{ "mjpeg", "mjpeg", NULL, 16 },
	{ "yuyv", "uncompressed", GUID('Y', 'U', 'Y', '2'), 16 },
	{ "nv12", "uncompressed", GUID('N', 'V', '1', '2'), 12 },
	/* A word of libusbgx's schemes, which set guidFormat for the details */
	{ "uncompressed", "uncompressed", GUID('Y', 'U', 'Y', '2'), 16 },
};

static const struct format *find_format(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (streq(formats[i].word, word))
			return &formats[i];
	return NULL;
}

/* State while the contents of the function's directory "streaming" are made. */
struct uvc {
	struct load *load;
	struct function *function;
	char *format_directory; /* directory of the current format */
	unsigned int bits;
	size_t n_formats, n_frames;
};

static void add_dir(struct uvc *u, char *path, const struct node *node)
{
	load_add_attribute(u->load, &u->function->configfs_attributes, ATTRIBUTE_DIRECTORY, path,
			   NULL, 0, node);
}

static void add_text(struct uvc *u, char *path, char *text, const struct node *node)
{
	load_add_attribute(u->load, &u->function->configfs_attributes, ATTRIBUTE_VALUE, path, text,
			   strlen(text), node);
}

static void add_number(struct uvc *u, const char *dir, const char *name, long long value,
		       const struct node *node)
{
	add_text(u, strf("%s/%s", dir, name), strf("%lld", value), node);
}

/* Adds the number that the file has for `name`, or `fallback`. */
static void add_number_or_fallback(struct uvc *u, const char *dir, const char *name,
				   struct attribute_values *d, long long fallback)
{
	add_number(u, dir, name, load_attr_number(d, name, fallback), d->node);
}

static void add_link(struct uvc *u, char *path, char *target, const struct node *node)
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

static uint32_t to_interval(double fps)
{
	return (uint32_t)(UNITS / fps + 0.5);
}

/*
 * Gets the intervals of a frame in ascending order and units of 100 ns, from the setting of either
 * unit in the file. *first: the first interval in the file. Returns the number of intervals.
 */
static size_t read_intervals(struct attribute_values *d, uint32_t v[MAX_INTERVALS], uint32_t *first)
{
	const struct node *fps = load_attr(d, "fps")->node,
			  *raw = load_attr(d, "dwFrameInterval")->node, *given = fps ? fps : raw;
	size_t n = 0;

	if (!given) {
		v[n++] = to_interval(30);
	} else if (!(given->type & TYPE_LIST)) {
		v[n++] = fps ? to_interval(given->real) : (uint32_t)given->integer;
	} else {
		for (const struct node *item = given->first; item && n < MAX_INTERVALS;
		     item = item->next)
			if (!item->bad)
				v[n++] = fps ? to_interval(item->real) : (uint32_t)item->integer;
	}
	*first = n > 0 ? v[0] : 0;
	qsort(v, n, sizeof(*v), compare_intervals);
	return n;
}

/* Warns if the default is not in the list: hosts use it without checking. */
static void check_default(struct load *l, const struct node *given, const uint32_t *v, size_t n)
{
	for (size_t i = 0; given && i < n; i++)
		if (v[i] == (uint32_t)given->integer)
			return;
	if (given)
		diag_warning(l->diags, &given->at,
			     "the default is not one of the frame's intervals: hosts may request "
			     "it without success");
}

static char *join_lines(const uint32_t *v, size_t n)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < n; i++) {
		char *longer = strf("%s%s%u", all, i ? "\n" : "", v[i]);

		free(all);
		all = longer;
	}
	return all;
}

static long long limit_to_32_bits(double value)
{
	return value > UINT32_MAX ? UINT32_MAX : (long long)(value + 0.5);
}

static bool check_size(struct load *l, const struct node *frame, long long size, const char *word,
		       const char *other)
{
	if (size == 0 && !node_member(frame, word) && !node_member(frame, other) &&
	    !l->has_syntax_error)
		diag_error(l->diags, node_range(frame), "a frame needs '%s'", word);
	return size != 0;
}

static void load_frame(struct uvc *u, struct node *node)
{
	uint32_t v[MAX_INTERVALS], first;
	_cleanup_free_ char *dir = NULL;
	const struct node *list;
	struct attribute_values d;
	long long width, height;
	double bits;
	size_t n;

	load_attr_rows(u->load, &uvc_frame_keys, node, &d);
	load_check_second_name(u->load, &d, "width", "wWidth");
	load_check_second_name(u->load, &d, "height", "wHeight");
	load_check_second_name(u->load, &d, "fps", "dwFrameInterval");
	list = load_attr(&d, load_attr(&d, "fps")->node ? "fps" : "dwFrameInterval")->node;
	if (list && (list->type & TYPE_LIST) && list->n > MAX_INTERVALS)
		diag_error(u->load->diags, &list->at, "a frame has at most %d rates",
			   MAX_INTERVALS);
	width = load_attr_number(&d, "width", load_attr_number(&d, "wWidth", 0));
	height = load_attr_number(&d, "height", load_attr_number(&d, "wHeight", 0));
	n = read_intervals(&d, v, &first);
	if (!check_size(u->load, node, width, "width", "wWidth") ||
	    !check_size(u->load, node, height, "height", "wHeight") || n == 0)
		return;
	check_default(u->load, load_attr(&d, "dwDefaultFrameInterval")->node, v, n);
	bits = (double)width * (double)height * u->bits;
	dir = strf("%s/%zu_%lldx%lld", u->format_directory, ++u->n_frames, width, height);
	add_dir(u, xstrdup(dir), node);
	add_number(u, dir, "wWidth", width, node);
	add_number(u, dir, "wHeight", height, node);
	add_number_or_fallback(u, dir, "bmCapabilities", &d, 0);
	/* Bits per second at the slowest and the fastest rate */
	add_number_or_fallback(u, dir, "dwMinBitRate", &d,
			       limit_to_32_bits(bits * UNITS / v[n - 1]));
	add_number_or_fallback(u, dir, "dwMaxBitRate", &d, limit_to_32_bits(bits * UNITS / v[0]));
	add_number_or_fallback(u, dir, "dwMaxVideoFrameBufferSize", &d, limit_to_32_bits(bits / 8));
	add_number_or_fallback(u, dir, "dwDefaultFrameInterval", &d, first);
	add_text(u, strf("%s/dwFrameInterval", dir), join_lines(v, n), node);
}

/* --- formats ---------------------------------------------------------------------------------- */

static void load_format(struct uvc *u, const struct format *format, struct node *node)
{
	struct attribute_values d;
	struct attribute_value *guid;
	const struct node *frames, *preset;

	u->n_frames = 0;
	u->format_directory =
		strf("streaming/%s/%zu_%s", format->kind, ++u->n_formats, format->word);
	load_attr_rows(u->load, &uvc_format_keys, node, &d);
	guid = load_attr(&d, "guidFormat");
	u->bits = (unsigned int)load_attr_number(&d, "bBitsPerPixel", format->bits);
	add_dir(u, xstrdup(u->format_directory), node);
	if (format->guid) {
		if (guid->value && guid->size != 16)
			load_error(u->load, guid->node, "'guidFormat' has 16 bytes, not %zu",
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
		add_number(u, u->format_directory, "bBitsPerPixel", u->bits, node);
	} else if (guid->node) {
		diag_error(u->load->diags, node_range(guid->node),
			   "a format of type %s has no GUID", format->word);
	}
	add_number_or_fallback(u, u->format_directory, "bDefaultFrameIndex", &d, 1);
	frames = load_attr(&d, "frames")->node;
	if (frames && frames->n > MAX_FRAMES)
		load_error(u->load, load_attr(&d, "frames")->node, "a format has at most %d frames",
			   MAX_FRAMES);
	for (struct node *item = frames ? frames->first : NULL; item; item = item->next)
		if (!item->bad)
			load_frame(u, item);
	preset = load_attr(&d, "bDefaultFrameIndex")->node;
	if (frames && preset && preset->integer > (int64_t)frames->n)
		diag_error(u->load->diags, node_range(preset),
			   "'bDefaultFrameIndex' is 1 to %zu, the number of frames", frames->n);
	free(guid->value);
}

/* Adds the headers, whose name must be h for the kernel. */
static void add_headers(struct uvc *u, char *const *dirs, const struct node *node)
{
	static const char *const streaming[] = { "fs", "hs", "ss" }, *const control[] = { "fs",
											  "ss" };

	add_dir(u, xstrdup("streaming/header/h"), node);
	for (size_t i = 0; i < u->n_formats; i++)
		add_link(u, strf("streaming/header/h/%s", strrchr(dirs[i], '/') + 1),
			 xstrdup(dirs[i]), node);
	for (size_t i = 0; i < ARRAY_SIZE(streaming); i++)
		add_link(u, strf("streaming/class/%s/h", streaming[i]),
			 xstrdup("streaming/header/h"), node);
	add_dir(u, xstrdup("control/header/h"), node);
	for (size_t i = 0; i < ARRAY_SIZE(control); i++)
		add_link(u, strf("control/class/%s/h", control[i]), xstrdup("control/header/h"),
			 node);
}

/*
 * Returns the format's type: an element of a list contains it; in a scheme, which has a group, the
 * name of the element is the type.
 */
static const struct format *type_of(struct load *l, struct node *item)
{
	const struct node *type = item->name ? item : node_member(item, "type");
	const char *word = item->name ? item->name : type ? type->text : NULL;
	const struct format *format = word ? find_format(word) : NULL;

	if (format)
		return format;
	if (!item->name && !type && !l->has_syntax_error)
		diag_error(l->diags, &item->at, "a format needs 'type'");
	if (item->name) {
		diag_error(l->diags, &item->name_at, "unknown format '%s'", word);
		diags_hint(l->diags, "use 'mjpeg', 'yuyv', 'nv12' or 'uncompressed'");
	}
	return NULL;
}

/* Checks the other settings of a format whose type is wrong. */
static void check_format(struct load *l, struct node *item)
{
	struct attribute_values d;

	load_attr_rows(l, &uvc_format_keys, item, &d);
	free(load_attr(&d, "guidFormat")->value);
}

void load_uvc(struct load *l, struct function *f, struct attribute_values *d)
{
	struct node *list = load_attr(d, "formats")->node, *config = load_attr(d, "config")->node;
	struct uvc u = { .load = l, .function = f };
	char *dirs[16] = { NULL };

	if (config) { /* the group that schemes of libusbgx have for the first four rows */
		struct attribute_values inner;

		load_attr_rows(l, &uvc_config_keys, config, &inner);
		node_foreach(setting, config)
			if (!setting->bad && node_member(d->node, setting->name))
				diag_error(l->diags, &setting->name_at,
					   "'%s' is also set outside of 'config'", setting->name);
		load_add_attributes(l, &f->configfs_attributes, "", &inner);
	}
	for (struct node *item = list ? list->first : NULL; item; item = item->next) {
		const struct format *format = item->bad ? NULL : type_of(l, item);

		if (!format) {
			if (!item->bad && !item->name)
				check_format(l, item);
			continue;
		}
		if (u.n_formats == ARRAY_SIZE(dirs)) {
			diag_error(l->diags, node_range(item), "more than %zu formats",
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

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The setters of the table of keys: each stores a validated value in a field of struct gadget or of
 * a struct whose name ends in _settings.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "gadgetfile/load.h"
#include "gadgetfile/types/language_id.h"

struct position position_of_range(const struct load *l, const struct text_range *at)
{
	struct position position = { NULL, at->line, at->column };

	if (l->scan->is_from_document)
		position.line = position.column = 1;
	for (size_t i = 0; i < l->scan->n_sources; i++)
		if (l->scan->sources[i] == at->source)
			position.file = l->gadget->source_files[i];
	return position;
}

static char *join_path(const char *dir, const char *path)
{
	return strf("%s/%s", streq(dir, "/") ? "" : dir, path);
}

/* Returns an absolute path that is relative to the file with `value`. */
static char *make_absolute(const struct load *l, const struct node *value, const char *path)
{
	const char *dir = value->at.source->dir;
	_cleanup_free_ char *absolute = NULL;

	if (path[0] == '/')
		return xstrdup(path);
	if (value->at.source == l->scan->sources[0])
		return join_path(l->gadget->file_dir, path);
	absolute = realpath(dir, NULL);
	return join_path(absolute ?: dir, path);
}

/*
 * The document does not have the directories of drop-ins and included files: a path that is
 * relative to one of them becomes absolute in the document.
 */
static void keep_absolute_path(struct load *l, struct node *value, const char *prefix,
			       const char *path)
{
	_cleanup_free_ char *text = NULL;

	if (value->at.source == l->scan->sources[0])
		return;
	text = strf("%s%s", prefix, path);
	node_set_text(l->scan, value, text);
}

char *load_absolute_path(struct load *l, struct node *value)
{
	char *path = make_absolute(l, value, value->text);

	keep_absolute_path(l, value, "", path);
	return path;
}

static void set_positioned_text(struct load *l, struct positioned_str *s, const struct node *value,
				char *text)
{
	free(s->value);
	s->value = text;
	s->at = position_of_range(l, &value->at);
}

void set_node(struct load *l _unused_, const struct key *k _unused_, struct node *value,
	      void *field)
{
	*(struct node **)field = value;
}

void set_keyword_setting(struct load *l _unused_, const struct key *k, struct node *value,
			 void *field)
{
	*(struct keyword_setting *)field =
		(struct keyword_setting){ value, key_find_word(k->words, value->text)->value };
}

void set_bool(struct load *l _unused_, const struct key *k _unused_, struct node *value,
	      void *field)
{
	*(bool *)field = value->integer;
}

void set_int(struct load *l, const struct key *k _unused_, struct node *value, void *field)
{
	*(struct positioned_int *)field =
		(struct positioned_int){ true, value->integer, position_of_range(l, &value->at) };
}

void set_uint(struct load *l _unused_, const struct key *k _unused_, struct node *value,
	      void *field)
{
	*(unsigned int *)field = (unsigned int)value->integer;
}

void set_uint64(struct load *l _unused_, const struct key *k _unused_, struct node *value,
		void *field)
{
	*(uint64_t *)field = (uint64_t)value->integer;
}

void set_keyword(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	*(unsigned int *)field = key_find_word(k->words, value->text)->value;
}

void set_seconds(struct load *l _unused_, const struct key *k _unused_, struct node *value,
		 void *field)
{
	*(double *)field = value->real;
}

/*
 * Returns the size in bytes that the value sets; 0: an error was added. `letters`: those with which
 * a unit may begin.
 */
static uint64_t read_size(struct load *l, const struct key *k, struct node *value,
			  const char *letters, const char *examples)
{
	uint64_t size = (uint64_t)value->integer;
	unsigned int shift;
	char *end = NULL;

	if (value->type == NODE_STRING) {
		size_t digits = strspn(value->text, "0123456789");

		size = strtoull(value->text, &end, 10);
		if (digits == 0 || digits > 9 || !strchr(letters, *end) ||
		    !size_unit_shift(end, &shift)) {
			load_error(l, value, "'%s' must be a size: an integer, %s", k->name,
				   examples);
			return 0;
		}
		size <<= shift;
		/*
		 * The document has no units of two and three letters, which older versions of
		 * ffsctl refuse, unless the number is too large for libconfig.
		 */
		if (*end && end[1] && size <= UINT32_MAX) {
			value->type = NODE_INT;
			value->integer = (int64_t)size;
			value->real = (double)size;
		}
	}
	if (size >= k->min && size <= k->max)
		return size;
	load_error(l, value, "'%s' must be %.0f to %.0f bytes, not %s", k->name, k->min, k->max,
		   value->text);
	return 0;
}

void set_transfer_size(struct load *l, const struct key *k, struct node *value, void *field)
{
	*(uint32_t *)field = (uint32_t)read_size(l, k, value, "KM", "\"64K\" or \"1M\"");
}

void set_memory_limit(struct load *l, const struct key *k, struct node *value, void *field)
{
	*(uint64_t *)field = read_size(l, k, value, "KMG", "\"64M\" or \"2G\"");
}

const struct keyword class_words[] = {
	{ "per-interface", CLASS_WORD(0x00, 0) }, { "audio", CLASS_WORD(0x01, 0) },
	{ "cdc", CLASS_WORD(0x02, 0) },		  { "hid", CLASS_WORD(0x03, 0) },
	{ "physical", CLASS_WORD(0x05, 0) },	  { "image", CLASS_WORD(0x06, 0) },
	{ "printer", CLASS_WORD(0x07, 0) },	  { "mass-storage", CLASS_WORD(0x08, 0) },
	{ "hub", CLASS_WORD(0x09, 0) },		  { "cdc-data", CLASS_WORD(0x0a, 0) },
	{ "smart-card", CLASS_WORD(0x0b, 0) },	  { "content-security", CLASS_WORD(0x0d, 0) },
	{ "video", CLASS_WORD(0x0e, 0) },	  { "healthcare", CLASS_WORD(0x0f, 0) },
	{ "audio-video", CLASS_WORD(0x10, 0) },	  { "diagnostic", CLASS_WORD(0xdc, 0) },
	{ "wireless", CLASS_WORD(0xe0, 0) },	  { "misc", CLASS_WORD(0xef, 0) },
	{ "application", CLASS_WORD(0xfe, 0) },	  { "dfu", CLASS_WORD(0xfe, 1) },
	{ "vendor", CLASS_WORD(0xff, 0) },	  { NULL, 0 },
};

void set_class(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct positioned_int *class = field;

	if (value->type == NODE_STRING)
		*class =
			(struct positioned_int){ true,
						 key_find_word(k->words, value->text)->value & 0xff,
						 position_of_range(l, &value->at) };
	else
		set_int(l, k, value, field);
}

bool load_lang(struct load *l, struct node *value, uint16_t *lang)
{
	if (value->type == NODE_INT) {
		*lang = (uint16_t)value->integer;
		if (lang_is_valid(*lang))
			return true;
		load_error(l, value, "%s is not a language id (0x0409 is en-us)", value->text);
		return false;
	}
	*lang = lang_by_name(value->text);
	if (*lang != 0)
		return true;
	{
		_cleanup_free_ char *shown = diag_quote(value->text);

		load_error(l, value, "unknown language %s", shown);
		load_add_suggestion_hint(l, lang_nearest(value->text));
	}
	return false;
}

void set_lang(struct load *l, const struct key *k _unused_, struct node *value, void *field)
{
	uint16_t lang;

	if (load_lang(l, value, &lang))
		*(uint16_t *)field = lang;
}

/*
 * Checks the characters and the length of a string. The standard allows 126 UTF-16 units, but the
 * kernel counts bytes of UTF-8: configfs refuses longer strings, and FunctionFS cuts them
 * (usb_string_copy, usb_gadget_get_string).
 */
bool load_check_usb_string(struct load *l, struct node *value)
{
	size_t n = strlen(value->text);

	for (const char *p = value->text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			load_error(l, value, "a control character in a string for the host");
			return false;
		}
	}
	if (n <= USB_MAX_STRING_BYTES)
		return true;
	load_error(l, value,
		   "the string has %zu bytes of UTF-8, more than the %d that Linux sends to "
		   "the host",
		   n, USB_MAX_STRING_BYTES);
	return false;
}

void set_usb_string(struct load *l, const struct key *k _unused_, struct node *value, void *field)
{
	/*
	 * An empty string is not stored: configfs refuses it, and for the host it is the same as no
	 * string.
	 */
	if (load_check_usb_string(l, value) && *value->text)
		set_positioned_text(l, field, value, xstrdup(value->text));
}

void set_serialnumber(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct gadget_strings *s = field;

	if (value->type != NODE_GROUP) {
		set_usb_string(l, k, value, &s->serialnumber);
		return;
	}
	load_group(l, k->group, value, s);
	/* The gadget's name is already known, so it becomes the serial number here. */
	if (streq_null(s->serialnumber_source.value, "name")) {
		s->serialnumber = s->serialnumber_source;
		s->serialnumber_source = (struct positioned_str){ 0 };
		free(s->serialnumber.value);
		s->serialnumber.value = xstrdup(l->gadget->name);
	}
}

#define SOURCE_FILE "file:"

/* Sets the source of a value that differs for each board or gadget: one of `words`. */
static void set_source(struct load *l, const struct key *k, const struct keyword *words,
		       struct node *value, struct positioned_str *source)
{
	if (str_has_prefix(value->text, SOURCE_FILE) && value->text[strlen(SOURCE_FILE)]) {
		set_positioned_text(l, source, value,
				    make_absolute(l, value, value->text + strlen(SOURCE_FILE)));
		keep_absolute_path(l, value, SOURCE_FILE, source->value);
	} else if (key_find_word(words, value->text)) {
		set_positioned_text(l, source, value, xstrdup(value->text));
	} else {
		load_error_wrong_word(l, k, words, value);
	}
}

void set_serialnumber_source(struct load *l, const struct key *k, struct node *value, void *field)
{
	static const struct keyword words[] = { { "machine-id", 0 },
						{ "device-tree", 0 },
						{ "name", 0 },
						{ "file:PATH", 0 },
						{ NULL, 0 } };

	set_source(l, k, words, value, field);
}

void set_address_source(struct load *l, const struct key *k, struct node *value, void *field)
{
	static const struct keyword words[] = {
		{ "machine-id", 0 }, { "device-tree", 0 }, { "file:PATH", 0 }, { NULL, 0 }
	};

	set_source(l, k, words, value, field);
}

void set_config_string(struct load *l, const struct key *k _unused_, struct node *value,
		       void *field)
{
	char **text = field;

	if (load_check_usb_string(l, value) && *value->text) {
		free(*text);
		*text = xstrdup(value->text);
	}
}

void set_text(struct load *l, const struct key *k, struct node *value, void *field)
{
	set_config_string(l, k, value, field);
}

bool load_check_bcd(struct load *l, struct node *value, const char *name)
{
	for (int64_t v = value->integer; v > 0; v >>= 4) {
		if ((v & 0xf) <= 9)
			continue;
		load_error(l, value, "'%s' must be BCD: all digits of 0x%04llx must be 0 to 9",
			   name, (long long)value->integer);
		return false;
	}
	return true;
}

bool load_bytes(struct load *l, struct node *list, struct ffs_bytes *bytes)
{
	bytes->data = xcalloc(list->n_children + 1, 1);
	node_foreach(item, list) {
		if (item->has_error || item->type == NODE_BAD)
			return false;
		if (item->type != NODE_INT || item->integer < 0 || item->integer > 255) {
			load_error(l, item, "a byte must be an integer from 0 to 255");
			return false;
		}
		bytes->data[bytes->size++] = (uint8_t)item->integer;
	}
	return true;
}

/* Sets a name that is used as a file name, such as that of a UDC or a driver. */
void set_name_refusing_slash(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (strchr(value->text, '/') || streq(value->text, ".") || streq(value->text, ".."))
		load_error(l, value, "'%s' must be a name without '/'",
			   value->name ? value->name : k->name);
	else
		set_positioned_text(l, field, value, xstrdup(value->text));
}

void set_path(struct load *l, const struct key *k _unused_, struct node *value, void *field)
{
	char **path = field;

	free(*path);
	*path = load_absolute_path(l, value);
}

static char *user_or_group_text(const struct node *value)
{
	return value->type == NODE_INT ? strf("%lld", (long long)value->integer)
				       : xstrdup(value->text);
}

void set_user_or_group(struct load *l, const struct key *k _unused_, struct node *value,
		       void *field)
{
	set_positioned_text(l, field, value, user_or_group_text(value));
}

void set_supplementary_groups(struct load *l, const struct key *k _unused_, struct node *value,
			      void *field)
{
	struct worker *w = &((struct worker_settings *)field)->worker;

	node_foreach(item, value) {
		struct positioned_str *group;

		if (item->has_error)
			continue;
		if (item->type == NODE_STRING && !*item->text) {
			load_error(l, item, "the name of a group is empty");
			continue;
		}
		group = array_add(w->groups, w->n_groups);
		set_positioned_text(l, group, item, user_or_group_text(item));
	}
}

void set_capabilities(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	struct worker *w = &((struct worker_settings *)field)->worker;

	node_foreach(item, value)
		if (!item->has_error)
			w->process_limits.capabilities |=
				1ULL << key_find_word(k->words, item->text)->value;
}

void set_word_bits(struct load *l _unused_, const struct key *k, struct node *value, void *field)
{
	node_foreach(item, value)
		if (!item->has_error)
			*(unsigned int *)field |= key_find_word(k->words, item->text)->value;
}

void set_octal_mode(struct load *l, const struct key *k, struct node *value, void *field)
{
	size_t n = strlen(value->text);

	if (n == 0 || strspn(value->text, "01234567") != n || n > 4 ||
	    (n == 4 && value->text[0] != '0')) {
		_cleanup_free_ char *shown = diag_quote(value->text);

		load_error(l, value, "'%s' must be octal permissions like \"0660\", not %s",
			   k->name, shown);
		return;
	}
	*(struct positioned_int *)field =
		(struct positioned_int){ true, strtol(value->text, NULL, 8),
					 position_of_range(l, &value->at) };
}

void set_nested_group(struct load *l, const struct key *k, struct node *value, void *field)
{
	load_group(l, k->group, value, field);
}

/*
 * Returns whether LISTEN_FDNAMES has this name for a file descriptor that is not an endpoint
 * (ffsctl-worker(7)).
 */
static bool is_reserved_fd_name(const char *name)
{
	static const char *const names[] = { "config", "control", "udmabuf", "dma-heap", "plugin" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return true;
	return false;
}

void set_endpoint_name(struct load *l, const struct key *k _unused_, struct node *value,
		       void *field)
{
	for (const char *p = value->text; *p; p++) {
		if (*p == ':' || (unsigned char)*p < 0x20 || *p == 0x7f) {
			load_error(l, value,
				   "the name of an endpoint cannot contain %s, because of "
				   "LISTEN_FDNAMES",
				   *p == ':' ? "a colon" : "control characters");
			return;
		}
	}
	if (strlen(value->text) > 255)
		load_error(l, value, "the name of an endpoint can have at most 255 bytes");
	else if (is_reserved_fd_name(value->text))
		load_error(l, value, "'%s' is the name of another file descriptor of the worker",
			   value->text);
	else
		set_positioned_text(l, field, value, xstrdup(value->text));
}

/* Sets bmAttributes: configfs accepts bits 5 to 7 and requires bit 7 (USB 2.0, table 9-10). */
void set_bm_attributes(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (!(value->integer & 0x80))
		load_error(l, value, "'%s' must have bit 7 set (USB 2.0, table 9-10): 0x%02llx",
			   k->name, (unsigned long long)value->integer | 0x80);
	else if (value->integer & 0x1f)
		load_error(l, value, "bits 0 to 4 of '%s' must be 0 (USB 2.0, table 9-10)",
			   k->name);
	else
		set_int(l, k, value, field);
}

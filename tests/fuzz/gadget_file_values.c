// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes the values of a generated gadget file. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "gadget_files.h"

/* --- what the table of keys does not say ------------------------------------------------------ */

/*
 * Texts for a key: of any group, unless `group` is set. The loader has rules for these texts that
 * no row has; all other texts are made from their rows.
 */
static const struct texts {
	const struct key_group *group;
	const char *key;
	const char *const *texts; /* as libconfig reads them; ends with NULL */
} special_texts[] = {
#define TEXTS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
	{ &gadget_keys, "name", TEXTS("\"gen\"") },
	{ &gadget_keys, "udc", TEXTS("\"dummy_udc.0\"") },
	{ &gadget_keys, "switch_to", TEXTS("\"other\"", "\"a\"", "\"another-1.x_y\"") },
	{ &udc_keys, "name", TEXTS("\"dummy_udc.0\"") },
	{ &udc_keys, "driver", TEXTS("\"dummy_udc\"") },
	{ &udc_keys, "wait", TEXTS("0", "\"500ms\"", "1.5", "86400") },
	{ &serial_keys, "from", TEXTS("\"machine-id\"", "\"name\"", "\"file:serial\"") },
	{ &address_keys, "from", TEXTS("\"machine-id\"", "\"file:serial\"") },
	{ NULL, "lang", TEXTS("\"en-us\"", "0x0409", "\"de\"", "0x407", "0xffff", "\"zh-tw\"") },
	{ &function_keys, "instance",
	  TEXTS("\"i0\"", "\"usb0\"", "\"1\"", "\"i2\"", "\"i3\"",
		"\"iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii\"") },
	{ &config_keys, "name",
	  TEXTS("\"c\"", "\"a b\"", "\"The only configuration\"",
		"\"ccccccccccccccccccccccccccccccccccc\"") },
	{ &config_function_keys, "name", TEXTS("\"x\"", "\"acm.GS0\"", "\"y z\"") },
	{ &mount_keys, "path", TEXTS("\"/dev/ffs-gen\"", "\"/tmp/ffs-gen/a/b\"", "\"/run/f g\"") },
	{ &mount_keys, "uid", TEXTS("0", "\"root\"", "\"nobody\"", "65534", "4294967294") },
	{ &mount_keys, "gid", TEXTS("0", "\"root\"", "\"nogroup\"", "65534", "4294967294") },
	{ &mount_keys, "mode", TEXTS("\"0660\"", "\"0\"", "\"777\"", "\"0750\"") },
	{ &mount_keys, "rmode", TEXTS("\"0500\"", "\"0\"", "\"777\"") },
	{ &mount_keys, "fmode", TEXTS("\"0600\"", "\"0\"", "\"777\"") },
	{ &ffs_keys, "device", TEXTS("\"/dev/gen-device\"", "\"/tmp/gen device\"") },
	{ &ffs_keys, "winusb", TEXTS("\"{01234567-89ab-cdef-0123-456789ABCDEF}\"") },
	{ NULL, "descriptors", TEXTS("\"blob/descriptors\"") },
	{ NULL, "strings", TEXTS("\"blob/strings\"") },
	{ &endpoint_keys, "name", TEXTS("\"in\"", "\"data out\"", "\"a\"") },
	{ &worker_keys, "plugin", TEXTS("\"loopback\"", "\"sourcesink\"", "\"bridge\"") },
	{ &worker_keys, "exec", TEXTS("\"sh\"", "\"/bin/sh\"") },
	{ &worker_keys, "user", TEXTS("\"root\"", "\"nobody\"", "0", "65534", "4294967294") },
	{ &worker_keys, "groups", TEXTS("\"root\"", "\"dialout\"", "0", "65534", "4294967294") },
	{ &worker_keys, "directory", TEXTS("\"/\"", "\"/tmp\"") },
	{ &io_keys, "size", TEXTS("1", "\"4K\"", "\"1M\"", "16777216", "1024", "\"64KiB\"") },
	{ &limits_keys, "memory", TEXTS("\"64M\"", "1048576", "\"2G\"", "1099511627776L") },
	{ &os_compat_keys, "compatible", TEXTS("\"WINUSB\"", "\"A\"", "\"MTP_1234\"") },
	{ &os_compat_keys, "sub_compatible", TEXTS("\"1\"", "\"01234567\"") },
	{ &os_properties_keys, "name", TEXTS("\"Label\"", "\"a\"", "\"Icons (x)\"") },
	{ &function_os_descs_keys, "compatible_id", TEXTS("\"RNDIS\"", "\"\"", "\"01234567\"") },
	{ &function_os_descs_keys, "sub_compatible_id",
	  TEXTS("\"5162001\"", "\"\"", "\"01234567\"") },
	{ &os_descs_keys, "qw_sign", TEXTS("\"MSFT100\"", "\"\"", "\"a\"") },
	{ &webusb_keys, "landingPage",
	  TEXTS("\"https://example.com/\"", "\"\"", "\"http://a\"", "\"example.org\"") },
	{ NULL, "dev_addr", TEXTS("\"02:00:00:00:00:0a\"", "\"02:00:00:00:00:0c\"") },
	{ NULL, "host_addr", TEXTS("\"02:00:00:00:00:0b\"", "\"020000000010\"") },
	{ NULL, "ifname", TEXTS("\"lab%d\"", "\"lab0\"", "\"x%d\"") },
	{ NULL, "report_desc",
	  TEXTS("\"keyboard\"", "\"mouse\"", "\"tablet\"", "\"media-keys\"", "\"gamepad\"",
		"[ 0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x01, 0x15, 0x00, 0x26, 0xff, "
		"0x00, 0x75, 0x08, 0x95, 0x08, 0x81, 0x02, 0xc0 ]") },
	{ NULL, "pnp_string", TEXTS("\"MFG:a;MDL:b;CLS:PRINTER;\"", "\"MFG:;MDL:;CMD:;\"") },
	{ &lun_keys, "file", TEXTS("\"\"", "\"disk.img\"") },
	{ &function_tree_keys, "path", TEXTS("\"x\"", "\"lun.0/ro\"", "\"lun.1\"", "\"a/b/c\"") },
	{ &function_tree_keys, "link", TEXTS("\"x\"", "\"lun.0\"") },
	{ &gadget_tree_keys, "path", TEXTS("\"x\"", "\"os_desc/x\"", "\"webusb/a/b\"") },
	{ &config_tree_keys, "path", TEXTS("\"future\"", "\"a/b/c\"") },
	{ &uvc_format_keys, "guidFormat",
	  TEXTS("[ 0x59, 0x55, 0x59, 0x32, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71 "
		"]") },
	{ &interface_keys, "extra",
	  TEXTS("[ 9, 0x21, 0x11, 0x01, 0, 1, 0x22, 8, 0 ]", "[ 9, 0x21, 1, 0, 0, 0, 0, 0, 0 ]",
		"[ 3, 0x21, 0 ]") },
};

/* How often a file has a setting, in percent; others are there as often as the file says. */
static const struct {
	const struct key_group *group;
	const char *key;
	int percent;
} frequencies[] = {
	{ &gadget_keys, "functions", 97 },    { &gadget_keys, "configs", 50 },
	{ &ffs_keys, "interfaces", 90 },      { &ffs_keys, "blob", 6 },
	{ &interface_keys, "endpoints", 75 }, { &worker_keys, "exec", 60 },
	{ &worker_keys, "plugin", 40 },	      { &function_keys, "tree", 3 },
	{ &config_keys, "functions", 100 },   { &gadget_keys, "tree", 3 },
	{ &config_keys, "tree", 3 },
};

/*
 * Settings that a host does not see: of a group (NULL: of any) those that are listed; NULL: all but
 * `but`. The numbers and sizes of requests are among them: large ones need all memory.
 */
static const struct {
	const struct key_group *group;
	const char *key, *but;
} hidden_settings[] = {
	{ &gadget_keys, "name", NULL },	  { &gadget_keys, "autostart", NULL },
	{ &gadget_keys, "udc", NULL },	  { &gadget_keys, "switch_to", NULL },
	{ &function_keys, "tree", NULL }, { &function_keys, "optional", NULL },
	{ &ffs_keys, "mount", NULL },	  { &ffs_keys, "device", NULL },
	{ &worker_keys, NULL, "plugin" }, { NULL, "q_len", NULL },
	{ NULL, "qlen", NULL },		  { NULL, "bulk_qlen", NULL },
	{ NULL, "iso_qlen", NULL },	  { NULL, "bulk_buflen", NULL },
	{ NULL, "buflen", NULL },	  { NULL, "req_number", NULL },
	{ NULL, "audio_buf_size", NULL },
};

static bool host_sees(const struct key_group *group, const struct key *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden_settings); i++) {
		if (hidden_settings[i].group && hidden_settings[i].group != group)
			continue;
		if (hidden_settings[i].key ? streq(hidden_settings[i].key, key->name)
					   : !streq(hidden_settings[i].but, key->name))
			return false;
	}
	return true;
}

int setting_percent(const struct generator *g, const struct key_group *group, const struct key *key)
{
	if (g->types && !host_sees(group, key))
		return 0;
	if (g->types && (key->flags & KEY_BY_TYPE))
		return 95;
	if (g->types && group == &gadget_keys && streq(key->name, "functions"))
		return 100;
	/* A type that is missing is ffs if there is an `ffs` group. */
	if (group == &function_keys && streq(key->name, "type"))
		return g->type == function_table ? (int)g->percent : 100;
	if (group == &function_keys && streq(key->name, "ffs"))
		return g->type == function_table ? 95 : 0;
	/* Of the kernel's functions only these have OS descriptors of their own. */
	if (group == &function_keys && streq(key->name, "os_descs"))
		return streq(g->type->name, "ncm") || streq(g->type->name, "rndis") ? -1 : 1;
	for (size_t i = 0; i < ARRAY_SIZE(frequencies); i++)
		if (frequencies[i].group == group && streq(frequencies[i].key, key->name))
			return frequencies[i].percent;
	return -1;
}

static void choose_text(struct generator *g, const char *const *texts, struct setting *setting)
{
	unsigned int n = 0, i;

	while (texts[n])
		n++;
	i = choose(g->choices, n);
	setting->value = xstrdup(texts[i]);
	if (streq(setting->value, "\"\""))
		setting->extreme = EXTREME_EMPTY;
	else if (i == 0)
		setting->extreme = EXTREME_SMALLEST;
	else if (i == n - 1)
		setting->extreme = EXTREME_LARGEST;
}

/* A program that does not end: its arguments, and more that it ignores. */
static const char *const arguments[] = { "\"-c\"", "\"exec sleep 1000000\"" };
static const char *const more_arguments[] = { "\"a\"", "\"\"", "\"${gadget}\"",
					      "\"${function}${dir}\"", NULL };

size_t list_min_length(const struct key *key)
{
	return streq(key->name, "exec")		? 1 + ARRAY_SIZE(arguments)
	       : streq(key->name, "guidFormat") ? 16
						: 1;
}

static void make_argument(struct generator *g, struct setting *setting)
{
	if (g->list_index <= ARRAY_SIZE(arguments))
		setting->value = xstrdup(arguments[g->list_index - 1]);
	else
		choose_text(g, more_arguments, setting);
}

/*
 * The name of an interface in the kernel's function, which only a few functions have; the loader
 * accepts any name.
 */
static void make_os_interface(const struct generator *g, struct setting *setting)
{
	setting->value = strf("\"%s\"", g->type ? g->type->name : "ncm");
}

static const struct texts *find_texts(const struct key_group *group, const struct key *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_texts); i++)
		if ((!special_texts[i].group || special_texts[i].group == group) &&
		    streq(special_texts[i].key, key->name))
			return &special_texts[i];
	return NULL;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static long long middle_number(struct generator *g, double min, double max)
{
	const double share = choose(g->choices, 65536) / 65536.0;

	return (long long)(min + (max - min) * share);
}

static void make_integer(struct generator *g, const struct key *key, struct setting *setting)
{
	const bool has_limits =
		key->min < key->max && !(key->types & NODE_STRING && key->max > 1e10);
	const double min = has_limits ? key->min : 0, max = has_limits ? key->max : 65535;
	long long value = (long long)min;

	if (value < min)
		value++;
	switch (choose(g->choices, 8)) {
	case 0:
	case 1:
		setting->extreme = EXTREME_SMALLEST;
		break;
	case 2:
	case 3:
		value = (long long)max;
		setting->extreme = EXTREME_LARGEST;
		break;
	case 4: /* small numbers fit together more often */
		value += choose(g->choices, 4);
		break;
	case 5:
		value = 1 << choose(g->choices, 11);
		break;
	default:
		value = middle_number(g, min, max);
		break;
	}
	value = value > max ? (long long)max : value < min ? (long long)min : value;
	setting->value = strf(choose(g->choices, 2) && value >= 0 ? "0x%llx" : "%lld", value);
}

static void make_float(struct generator *g, const struct key *key, struct setting *setting)
{
	const double max = key->min < key->max ? key->max : 10;

	switch (choose(g->choices, 4)) {
	case 0:
		setting->value = strf("%f", key->min);
		setting->extreme = EXTREME_SMALLEST;
		break;
	case 1:
		setting->value = strf("%f", max);
		setting->extreme = EXTREME_LARGEST;
		break;
	default:
		setting->value = strf("%f", key->min + choose(g->choices, 256) / 64.0);
		break;
	}
}

/* --- texts ------------------------------------------------------------------------------------ */

static char *long_text(size_t n)
{
	char *text = xcalloc(n + 3, 1);

	memset(text, 'x', n + 2);
	text[0] = text[n + 1] = '"';
	return text;
}

#define LONGEST_TEXT 126 /* characters of a string descriptor */

static void make_text(struct generator *g, const struct key *key, struct setting *setting)
{
	static const char *const texts[] = {
		"\"a\"",
		"\"\\x41 \\\"b\\\\c\\\"\"",
		"\"\303\244\342\202\254\"",
		"\" a  b \"",
		"\"%s%n%d\"",
		"\"0\"",
	};
	unsigned int way = choose(g->choices, ARRAY_SIZE(texts) + 6);
	const bool has_limit = key->min < key->max && !(key->types & NODE_INT);

	if (way < ARRAY_SIZE(texts)) {
		setting->value = xstrdup(texts[way]);
		setting->extreme = way == 0 ? EXTREME_SMALLEST : EXTREME_NONE;
	} else if (way < ARRAY_SIZE(texts) + 3 && !(key->flags & KEY_NOT_EMPTY)) {
		setting->value = xstrdup("\"\"");
		setting->extreme = EXTREME_EMPTY;
	} else {
		setting->value = long_text(has_limit ? (size_t)key->max : LONGEST_TEXT);
		setting->extreme = EXTREME_LARGEST;
	}
}

static void make_word(struct generator *g, const struct keyword *words, struct setting *setting)
{
	unsigned int n = 0, i;

	while (words[n].word)
		n++;
	i = choose(g->choices, n);
	setting->value = strf("\"%s\"", words[i].word);
	setting->extreme = i == 0 ? EXTREME_SMALLEST : i == n - 1 ? EXTREME_LARGEST : EXTREME_NONE;
}

static void make_time(struct generator *g, const struct key *key, struct setting *setting)
{
	static const char *const times[] = { "\"1s\"",	  "\"500ms\"",	"\"0.125ms\"",
					     "\"125us\"", "\"4096ms\"", "\"2ms\"" };

	(void)key;
	setting->value = xstrdup(times[choose(g->choices, ARRAY_SIZE(times))]);
}

static void make_function_type_text(const struct generator *g, struct setting *setting)
{
	setting->value = strf("\"%s\"", g->type->name);
}

static void make_label(struct generator *g, struct setting *setting)
{
	const unsigned int n = g->n_functions ?: 1;

	setting->value = strf("\"%s\"", gadget_file_labels[choose(g->choices, n)]);
}

static bool is_label(const struct key_group *group, const struct key *key)
{
	return (group == &config_keys && streq(key->name, "functions")) ||
	       (group == &config_function_keys && streq(key->name, "function"));
}

/* --- all -------------------------------------------------------------------------------------- */

static void make_byte_list(struct generator *g, struct setting *setting)
{
	const unsigned int n = choose(g->choices, 9);
	char *text = xstrdup("[ ");

	for (unsigned int i = 0; i < n; i++) {
		char *longer = strf("%s%s%u", text, i ? ", " : "", choose(g->choices, 256));

		free(text);
		text = longer;
	}
	setting->value = strf("%s ]", text);
	free(text);
}

static unsigned int choose_type(struct generator *g, unsigned int types)
{
	unsigned int possible[4], n = 0;

	for (unsigned int type = NODE_BOOL; type <= NODE_STRING; type <<= 1)
		if (types & type)
			possible[n++] = type;
	return n ? possible[choose(g->choices, n)] : NODE_LIST;
}

void make_value(struct generator *g, const struct key_group *group, const struct key *key,
		unsigned int types, struct setting *setting)
{
	const struct texts *texts = find_texts(group, key);
	const unsigned int type = choose_type(g, types);

	if (group == &function_keys && streq(key->name, "type"))
		make_function_type_text(g, setting);
	else if (is_label(group, key))
		make_label(g, setting);
	else if (group == &worker_keys && streq(key->name, "exec") && g->list_index > 0)
		make_argument(g, setting);
	else if (group == &function_os_descs_keys && streq(key->name, "interface"))
		make_os_interface(g, setting);
	else if (texts && type != NODE_BOOL)
		choose_text(g, texts->texts, setting);
	else if (type == NODE_LIST)
		make_byte_list(g, setting);
	else if (type == NODE_BOOL)
		choose_text(g, TEXTS("false", "true"), setting);
	else if (type == NODE_INT)
		make_integer(g, key, setting);
	else if (type == NODE_FLOAT)
		make_float(g, key, setting);
	else if (key->words)
		make_word(g, key->words, setting);
	else if (key->flags & KEY_TIME)
		make_time(g, key, setting);
	else
		make_text(g, key, setting);
}

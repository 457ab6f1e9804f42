// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Written gadget files, and the export of trees that no kernel has made: what is in them must come
 * back as it was, whatever it is. (What kernels make of it: tests/lab/export/test_export.py.)
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "export/common.h"
#include "gadgetfile/write.h"

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *form_of(const char *text)
{
	struct diags diags = { 0 };
	struct scan s;
	json_t *form;

	scan_text(&s, "test.conf", text, strlen(text), &diags);
	cr_assert_eq(diags.n_errors, 0, "%s:\n%s", diags.list[0].text, text);
	form = node_to_json(s.root);
	scan_free(&s);
	diags_free(&diags);
	return form;
}

static void check_round_trip(json_t *form)
{
	_cleanup_free_ char *text = gadgetfile_write(form);
	json_t *again = form_of(text);

	cr_assert(json_equal(again, form), "%s", text);
	json_decref(again);
	json_decref(form);
}

Test(write, strings_of_every_kind)
{
	char all[256 + 1];

	for (int i = 1; i < 0x80; i++)
		all[i - 1] = (char)i;
	all[0x7f] = '\0';
	check_round_trip(json_pack("{s:s}", "a", all));
	check_round_trip(json_pack("{s:s}", "a", "\";\nb = 1; \\\"\\x41\\"));
	check_round_trip(json_pack("{s:s}", "a", "\n@include \"/etc/passwd\"\n"));
	check_round_trip(json_pack("{s:s}", "a", "ü\xc2\x85\xe2\x80\xa8"));
	check_round_trip(json_pack("{s:s, s:[ss]}", "a", "", "b", "x", "\\"));
}

Test(write, numbers_lists_and_groups)
{
	check_round_trip(json_pack("{s:I, s:I, s:f, s:f, s:b, s:b}", "a", (json_int_t)UINT32_MAX,
				   "b", (json_int_t)INT32_MIN, "c", 0.1, "d", 1e-300, "e", 1, "f",
				   0));
	check_round_trip(json_pack("{s:[], s:{}, s:[[], {}, [i, s]]}", "a", "b", "c", 1, "x"));
	check_round_trip(json_pack("{s:{s:{s:{s:s}}}}", "a", "b", "c", "d", "x"));
	check_round_trip(json_pack("{s:i, s:[ii]}", "idVendor", 0xffff, "report_desc", 0, 255));
}

Test(write, long_lists_run_over_lines)
{
	json_t *bytes = json_array(), *words = json_array();

	for (int i = 0; i < 4095; i++) {
		json_array_append_new(bytes, json_integer(i & 0xff));
		json_array_append_new(words, json_string("\"word\""));
	}
	check_round_trip(json_pack("{s:{s:o, s:[{s:o}]}}", "a", "value", bytes, "b", "c", words));
}

Test(write, comments_are_one_line_each)
{
	json_t *form = json_pack("{s:s, s:i, s:{s:s, s:i}}", "#0", "a\nb = 2;\x1b[2J", "c", 3, "d",
				 "#0", "*/ \"", "e", 4);
	_cleanup_free_ char *text = gadgetfile_write(form);
	json_t *again = form_of(text);

	cr_assert_str_eq(text, "# a?b = 2;?[2J\nc = 3;\nd : {\n  # */ \"\n  e = 4;\n};\n");
	cr_assert_eq(json_object_size(again), 2);
	json_decref(again);
	json_decref(form);
}

Test(write, names_of_settings)
{
	cr_assert(gadgetfile_is_setting_name("a-b_0*"));
	cr_assert_not(gadgetfile_is_setting_name("0"));
	cr_assert_not(gadgetfile_is_setting_name(""));
	cr_assert_not(gadgetfile_is_setting_name("a.b"));
	cr_assert_not(gadgetfile_is_setting_name("True"));
	cr_assert_not(gadgetfile_is_setting_name("\xfc"));
}

/* --- values ----------------------------------------------------------------------------------- */

static const struct key string_row = { "a", NODE_STRING, .doc = "" },
			bool_row = { "a", NODE_BOOL | NODE_INT, .doc = "" },
			int_row = { "a", NODE_INT, .doc = "" },
			hex_row = { "a", NODE_INT, .set = set_attr_hex, .doc = "" },
			rates_row = { "a", NODE_INT | TYPE_LIST, .set = set_attr_rates, .doc = "" },
			bytes_row = { "a", TYPE_LIST, .doc = "" };

/* Compares with JSON; NULL: nothing. */
#define VALUE(type_, name_, text, row, json)                                                       \
	check_value(type_, (char *)(name_), (char *)(text), sizeof(text) - 1, row, json)
static void check_value(const char *type, char *name, char *text, size_t size,
			const struct key *row, const char *json)
{
	struct configfs_tree attribute = { TREE_ATTRIBUTE, .name = name, .value = text,
					   .value_size = size };
	struct configfs_tree property = { TREE_ATTRIBUTE, .name = (char *)"type",
					  .value = (char *)"1\n", .value_size = 2 };
	struct configfs_tree dir = { .children = &property, .n_children = 1 };
	struct attribute_with_directory a = { type, &dir, &attribute };
	json_t *value = row ? export_key_value(&a, row) : export_attribute_value(&a);
	_cleanup_free_ char *shown =
		value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (json)
		cr_assert_str_eq(shown ? shown : "nothing", json);
	else
		cr_assert_null(value, "%s", shown);
	json_decref(value);
}

Test(value, as_rows_have_them)
{
	VALUE("acm", "console", "1\n", &bool_row, "true");
	VALUE("acm", "console", "2\n", &bool_row, "2");
	VALUE("midi2", "family", "0x10\n", &int_row, "16");
	VALUE("midi", "index", "-1\n", &int_row, "-1");
	VALUE("acm", "protocol", "99999999999\n", &int_row, NULL);
	VALUE("acm", "protocol", "1 2\n", &int_row, NULL);
	VALUE("acm", "protocol", "", &int_row, NULL);
	VALUE("rndis", "class", "e0\n", &hex_row, "224");
	VALUE("uac2", "p_srate", "44100,48000\n", &rates_row, "[44100,48000]");
	VALUE("uac2", "p_srate", "48000\n", &rates_row, "48000");
	VALUE("uac2", "p_srate", "48000,\n", &rates_row, NULL);
	VALUE("hid", "report_desc", "\1\n\0\xff\n", &bytes_row, "[1,10,0,255,10]");
	VALUE("ecm", "dev_addr", "02:00:00:00:00:01\0\n", &string_row, "\"02:00:00:00:00:01\"");
	VALUE("mass_storage", "inquiry_string", "x  y    \n", &string_row, "\"x  y\"");
	VALUE("ncm", "compatible_id", "WINNCM\0\0", &string_row, "\"WINNCM\"");
	VALUE("ncm", "compatible_id", "\0\0\0\0\0\0\0\0", &string_row, NULL);
	VALUE("printer", "pnp_string", "", &string_row, NULL);
	VALUE("uac2", "if_ctrl_name", "\n", &string_row, "\"\"");
	VALUE("uvc", "function_name", "", &string_row, "\"\"");
	VALUE("midi2", "product_id", "\n", &string_row, "\"\"");
	VALUE("midi2", "iface_name", "\n", &string_row, "\"\"");
	VALUE("midi2", "iface_name", "", &string_row, NULL);
	VALUE("printer", "pnp_string", "a\nb\n", &string_row, NULL);
	VALUE("printer", "pnp_string", "\xff\n", &string_row, NULL);
}

Test(value, as_the_tree_has_them)
{
	VALUE("uvc", "wWidth", "640\n", NULL, "640");
	VALUE("uvc", "dwMaxBitRate", "4294967295\n", NULL, "4294967295");
	VALUE("new", "big", "4294967296\n", NULL, "\"4294967296\"");
	VALUE("new", "octal", "010\n", NULL, "\"010\"");
	VALUE("uvc", "dwFrameInterval", "1\n2\n", NULL, "\"1\\n2\"");
	VALUE("uvc", "bmaControls", "0xf\n", NULL, "\"0x0f\"");
	VALUE("uac1", "c_it_name", "n", NULL, "\"n\\n\"");
	VALUE("uac1", "c_it_name", "", NULL, "\"\\n\"");
	VALUE("uac1", "c_it_name", "\xff", NULL, "[255,10]");
	VALUE("rndis", "data", "abX", NULL, "\"ab\"");
	VALUE("new", "bytes", "a\0b\n", NULL, "[97,0,98]");
	VALUE("new", "empty", "\n", NULL, NULL);
}

Test(value, names_of_interfaces)
{
	static const char *const names[][2] = {
		{ "lab7", "lab%d" }, { "usb%d", "usb%d" }, { "(unnamed net_device)", NULL },
		{ "7", NULL },	     { "eth", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *pattern = export_ifname_pattern(names[i][0]);

		cr_assert(streq_null(pattern, names[i][1]), "%s: %s", names[i][0], pattern);
	}
}

/* --- trees ------------------------------------------------------------------------------------ */

struct tree {
	char top[32];
};

static struct tree tree_new(void)
{
	struct tree t;

	strcpy(t.top, "/tmp/ffsctl-XXXXXX");
	cr_assert_not_null(mkdtemp(t.top));
	return t;
}

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_,
		      struct FTW *ftw _unused_)
{
	return remove(path);
}

static void tree_free(const struct tree *t)
{
	nftw(t->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directories on the way, and writes the value. */
static void put(const struct tree *t, const char *path, const char *value, size_t size)
{
	_cleanup_free_ char *full = strf("%s/usb_gadget/g/%s", t->top, path);
	_cleanup_close_ int fd = -1;

	for (char *p = full + strlen(t->top) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	if (!value) {
		cr_assert_eq(mkdir(full, 0755), 0);
		return;
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	cr_assert_eq(write(fd, value, size), (ssize_t)size);
}

#define PUT(t, path, value) put(t, path, value, sizeof(value) - 1)

static void put_link(const struct tree *t, const char *path, const char *target)
{
	_cleanup_free_ char *full = strf("%s/usb_gadget/g/%s", t->top, path);
	_cleanup_free_ char *to = strf("../../../../../../usb_gadget/g/%s", target);

	cr_assert_eq(symlink(to, full), 0);
}

struct result {
	struct gadget *g;
	json_t *form;
	char *text;
	size_t n_lost;
};

static struct result export_tree(const struct tree *t)
{
	_cleanup_free_ char *path = strf("%s/usb_gadget/g", t->top);
	_cleanup_error_ struct error err = { 0 };
	_cleanup_configfs_tree_ struct configfs_tree gadget = { 0 };
	struct diags diags = { 0 };
	struct udcs udcs = { 0 };
	struct export e = { .gadget_name = "g", .gadget_dir = &gadget, .udcs = &udcs };
	struct result r = { 0 };

	cr_assert_eq(configfs_tree_read(t->top, path, &gadget, &err), 0, "%s", err.text);
	r.form = export_document(&e);
	r.text = gadgetfile_write(r.form);
	r.n_lost = e.n_omissions;
	gadgetfile_load_text("g.conf", r.text, strlen(r.text), &r.g, NULL, &diags);
	cr_assert_not_null(r.g, "%s\n%s", diags.n ? diags.list[0].text : "", r.text);
	diags_free(&diags);
	export_free(&e);
	return r;
}

static void result_free(struct result *r)
{
	gadget_free(r->g);
	json_decref(r->form);
	free(r->text);
}

static const struct configfs_attribute *entry_of(const struct gadget *g, size_t function,
						 const char *path)
{
	for (size_t i = 0; i < g->functions[function].configfs_attributes.n; i++)
		if (streq(g->functions[function].configfs_attributes.list[i].path, path))
			return &g->functions[function].configfs_attributes.list[i];
	cr_assert_fail("no %s", path);
	abort();
}

static void check_entry(const struct gadget *g, const char *path, const char *value, size_t size)
{
	const struct configfs_attribute *e = entry_of(g, 0, path);

	cr_assert_eq(e->size, size, "%s: %zu", path, e->size);
	cr_assert_arr_eq(e->value, value, size);
}

#define ENTRY(g, path, value) check_entry(g, path, value, sizeof(value) - 1)

static void check_gadget_entry(const struct gadget *g, const char *path, const char *value)
{
	const struct configfs_attribute *e =
		configfs_attributes_find(&g->configfs_attributes, path);

	cr_assert_not_null(e, "%s", path);
	cr_assert_str_eq(e->value, value);
}

/* Text that tries to be read as something else. */
Test(tree, values_of_an_enemy)
{
	struct tree t = tree_new();
	struct result r;

	PUT(&t, "functions/new.x/quote", "\"; };\n");
	PUT(&t, "functions/new.x/include", "\n@include \"/etc/passwd\"\n");
	PUT(&t, "functions/new.x/backslash", "\\\n");
	PUT(&t, "functions/new.x/bytes", "\0\xff\x80\n");
	PUT(&t, "functions/new.x/a \"b\"", "1\n");
	PUT(&t, "strings/0x409/product", "\"; name = \"other\n");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	put_link(&t, "configs/c.1/\"; };", "functions/new.x");
	r = export_tree(&t);
	cr_assert_eq(r.n_lost, 0);
	cr_assert_str_eq(r.g->name, "g");
	cr_assert_eq(r.g->n_functions, 1);
	ENTRY(r.g, "quote", "\"; };");
	ENTRY(r.g, "include", "\n@include \"/etc/passwd\"");
	ENTRY(r.g, "backslash", "\\");
	ENTRY(r.g, "bytes", "\0\xff\x80");
	ENTRY(r.g, "a \"b\"", "1");
	cr_assert_str_eq(r.g->strings[0].product.value, "\"; name = \"other");
	cr_assert_str_eq(r.g->configs[0].functions[0].name, "\"; };");
	result_free(&r);
	tree_free(&t);
}

Test(tree, links_come_after_those_below_what_they_lead_to)
{
	struct tree t = tree_new();
	struct result r;
	size_t n;

	put(&t, "functions/uvc.x/streaming/class/fs", NULL, 0);
	put(&t, "functions/uvc.x/streaming/header/h", NULL, 0);
	PUT(&t, "functions/uvc.x/streaming/mjpeg/m/bDefaultFrameIndex", "1\n");
	PUT(&t, "functions/uvc.x/streaming/color_matching/c/bColorPrimaries", "1\n");
	put_link(&t, "functions/uvc.x/streaming/class/fs/h", "functions/uvc.x/streaming/header/h");
	put_link(&t, "functions/uvc.x/streaming/header/h/m", "functions/uvc.x/streaming/mjpeg/m");
	put_link(&t, "functions/uvc.x/streaming/mjpeg/m/c",
		 "functions/uvc.x/streaming/color_matching/c");
	put_link(&t, "functions/uvc.x/streaming/mjpeg/m/loop", "functions/uvc.x/streaming/mjpeg");
	put_link(&t, "functions/uvc.x/streaming/mjpeg/m/out", "strings/0x409");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	put_link(&t, "configs/c.1/x", "functions/uvc.x");
	r = export_tree(&t);
	cr_assert_eq(r.n_lost, 1);
	n = (size_t)(entry_of(r.g, 0, "streaming/mjpeg/m/c") -
		     r.g->functions[0].configfs_attributes.list);
	cr_assert_lt(&r.g->functions[0].configfs_attributes.list[n],
		     entry_of(r.g, 0, "streaming/header/h/m"));
	cr_assert_lt(entry_of(r.g, 0, "streaming/header/h/m"),
		     entry_of(r.g, 0, "streaming/class/fs/h"));
	cr_assert_lt(entry_of(r.g, 0, "streaming/color_matching/c/bColorPrimaries"),
		     entry_of(r.g, 0, "streaming/mjpeg/m/bDefaultFrameIndex"));
	result_free(&r);
	tree_free(&t);
}

Test(tree, what_our_rows_refuse_goes_to_the_tree)
{
	struct tree t = tree_new();
	struct result r;

	PUT(&t, "functions/hid.x/report_length", "0\n");
	PUT(&t, "functions/hid.x/report_desc", "");
	PUT(&t, "functions/hid.x/protocol", "2\n");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	put_link(&t, "configs/c.1/x", "functions/hid.x");
	r = export_tree(&t);
	cr_assert_null(json_object_get(json_object_get(json_object_get(r.form, "functions"), "x"),
				       "attrs"));
	ENTRY(r.g, "report_length", "0");
	ENTRY(r.g, "protocol", "2");
	result_free(&r);
	tree_free(&t);
}

Test(tree, entries_of_gadget_and_configuration_without_a_key)
{
	struct tree t = tree_new();
	struct result r;

	PUT(&t, "strings/0x0409/product", "p\n");
	PUT(&t, "strings/0x0409/camera/s", "Front\n");
	put(&t, "strings/0x0409/more", NULL, 0);
	PUT(&t, "os_desc/use", "1\n");
	PUT(&t, "os_desc/future", "2\n");
	PUT(&t, "webusb/future", "\xff\n");
	PUT(&t, "bFuture", "0x03\n");
	put(&t, "group/empty", NULL, 0);
	PUT(&t, "a\nb", "1\n");
	PUT(&t, "functions/acm.x/port_num", "0\n");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	PUT(&t, "configs/c.1/wFuture", "4\n");
	PUT(&t, "configs/c.1/strings/0x407/configuration", "k\n");
	PUT(&t, "configs/c.1/strings/0x407/future", "x\n");
	put_link(&t, "configs/c.1/acm.x", "functions/acm.x");
	put_link(&t, "os_desc/c.1", "configs/c.1");
	put_link(&t, "group/link", "configs/c.1");
	r = export_tree(&t);
	cr_assert_eq(r.n_lost, 2, "%s", r.text); /* the link, and the name of two lines */
	check_gadget_entry(r.g, "strings/0x409/camera/s", "Front");
	cr_assert_not_null(
		configfs_attributes_find(&r.g->configfs_attributes, "strings/0x409/more"));
	check_gadget_entry(r.g, "os_desc/future", "2");
	check_gadget_entry(r.g, "webusb/future", "\xff");
	check_gadget_entry(r.g, "bFuture", "0x03");
	cr_assert_not_null(configfs_attributes_find(&r.g->configfs_attributes, "group/empty"));
	cr_assert_eq(json_array_size(json_object_get(r.form, "tree")), 6);
	cr_assert_eq(r.g->configs[0].configfs_attributes.n, 2);
	cr_assert_not_null(configfs_attributes_find(&r.g->configs[0].configfs_attributes,
						    "strings/0x407/future"));
	cr_assert_not_null(
		configfs_attributes_find(&r.g->configs[0].configfs_attributes, "wFuture"));
	result_free(&r);
	tree_free(&t);
}

Test(tree, types_that_resemble_a_known_one_are_not_checked)
{
	struct tree t = tree_new();
	struct result r;
	const json_t *functions;

	PUT(&t, "functions/uac3.x/rate", "1\n");
	PUT(&t, "functions/accessory.y/rate", "1\n");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	put_link(&t, "configs/c.1/x", "functions/uac3.x");
	r = export_tree(&t);
	cr_assert_eq(r.g->n_functions, 2);
	functions = json_object_get(r.form, "functions");
	cr_expect(json_is_true(json_object_get(json_object_get(functions, "x"), "type_unchecked")));
	cr_expect_null(json_object_get(json_object_get(functions, "y"), "type_unchecked"));
	result_free(&r);
	tree_free(&t);
}

Test(tree, labels_are_names_of_settings_and_all_different)
{
	struct tree t = tree_new();
	struct result r;

	PUT(&t, "functions/acm.0/protocol", "1\n");
	PUT(&t, "functions/acm.acm_0/protocol", "1\n");
	PUT(&t, "functions/gser.acm_0/x", "");
	PUT(&t, "functions/acm.true/protocol", "1\n");
	PUT(&t, "functions/ffs./x", "");
	PUT(&t, "configs/c.1/MaxPower", "2\n");
	put_link(&t, "configs/c.1/acm.0", "functions/acm.0");
	r = export_tree(&t);
	cr_assert_eq(r.g->n_functions, 5);
	cr_assert_eq(r.g->configs[0].n_functions, 1);
	cr_assert_str_eq(r.g->functions[r.g->configs[0].functions[0].function_index].instance, "0");
	result_free(&r);
	tree_free(&t);
}

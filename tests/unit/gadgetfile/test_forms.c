/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short forms of values. The document always has the usual form, so its readers need no other. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "text.h"

TestSuite(forms, .fini = unload);

static json_t *document_of(const char *text)
{
	json_t *document = NULL;

	unload();
	gadgetfile_load_text("/nonexistent/demo.conf", text, strlen(text), &g, &document, &d);
	cr_assert_not_null(g, "%s: %s", text, d.n ? d.list[0].text : "no reason");
	return document;
}

/* Leaves the gadget of `text` in `g`. */
static void same(const char *text, const char *usual)
{
	json_t *b = document_of(usual), *a = document_of(text);
	_cleanup_free_ char *shown = json_dumps(a, 0);

	cr_expect(json_equal(a, b), "%s is %s", text, shown);
	json_decref(a);
	json_decref(b);
}

#define ACM "functions = { f = { type = \"acm\"; }; }; "

Test(forms, one_group_is_a_list_of_one)
{
	same(ACM "strings = { product = \"a\"; };", ACM "strings = ( { product = \"a\"; } );");
	same(ACM "configs = { id = 2; functions = ( \"f\" ); };",
	     ACM "configs = ( { id = 2; functions = ( \"f\" ); } );");
	same(ACM "configs = { functions = ( \"f\" ); strings = { configuration = \"a\"; }; };",
	     ACM "configs = ( { functions = ( \"f\" ); strings = ( { configuration = \"a\"; } ); "
		 "} );");
	same("functions = { f = { type = \"mass_storage\"; attrs = { luns = { ro = true; }; }; }; "
	     "};",
	     "functions = { f = { type = \"mass_storage\"; attrs = { luns = ( { ro = true; } ); }; "
	     "}; };");
	same(FFS("interfaces = { endpoints = { direction = \"in\"; type = \"bulk\"; }; };"),
	     FFS("interfaces = ( { endpoints = ( { direction = \"in\"; type = \"bulk\"; } ); } "
		 ");"));
	same(FFS("interfaces = { string = { text = \"a\"; }; };"),
	     FFS("interfaces = ( { string = ( { text = \"a\"; } ); } );"));
}

Test(forms, one_function_inside_a_configuration)
{
#define INLINE "{ function = { type = \"acm\"; instance = \"x\"; }; }"
	same("configs = { functions = " INLINE "; };",
	     "configs = ( { functions = ( " INLINE " ); } );");
	cr_expect_eq(g->n_functions, 1U);
	cr_expect_str_eq(g->functions[0].label, "acm_x");
}

static void worker_is(const char *inside, const char *usual)
{
#define WORKER FFS("interfaces = ( { } ); }; worker = { %s")
	_cleanup_free_ char *text = strf(WORKER, inside), *other = strf(WORKER, usual);

	same(text, other);
}

Test(forms, a_program_without_arguments)
{
	worker_is("exec = \"cat\";", "exec = ( \"cat\" );");
	worker_is("exec = \"./cat\";", "exec = ( \"./cat\" );");
	cr_expect_str_eq(g->functions[0].worker->argv[0], "/nonexistent/./cat");
	cr_expect_null(g->functions[0].worker->argv[1]);
}

#define CAT "exec = ( \"cat\" ); "

/* The worker that the document describes after a takeover must get what that of the file got. */
Test(forms, a_variable_is_text_as_it_is_written)
{
	worker_is(CAT "env = { A = 0x0f; B = 7; C = -1; };",
		  CAT "env = { A = \"0x0f\"; B = \"7\"; C = \"-1\"; };");
	cr_expect_str_eq(g->functions[0].worker->env[0].value, "0x0f");
	cr_expect_str_eq(g->functions[0].worker->env[2].value, "-1");
}

Test(forms, times_with_units)
{
	worker_is(CAT "stop_timeout = \"500ms\";", CAT "stop_timeout = 0.5;");
	worker_is(CAT "stop_timeout = \"2s\";", CAT "stop_timeout = 2;");
	worker_is(CAT "stop_timeout = \"1.5s\";", CAT "stop_timeout = 1.5;");
	worker_is(CAT "stop_timeout = \"250000us\";", CAT "stop_timeout = 0.25;");
	cr_expect_eq(g->functions[0].worker->stop_timeout, 0.25);
}

Test(forms, units_of_sizes)
{
	worker_is(CAT "limits = { memory = \"64MiB\"; };", CAT "limits = { memory = 67108864; };");
	worker_is(CAT "limits = { memory = \"2048KB\"; };", CAT "limits = { memory = 2097152; };");
	worker_is(CAT "limits = { memory = \"64M\"; };", CAT "limits = { memory = \"64M\"; };");
	worker_is(CAT "limits = { memory = \"8GiB\"; };", CAT "limits = { memory = \"8GiB\"; };");
	cr_expect_eq(g->functions[0].worker->process_limits.max_memory_bytes, 8ULL << 30);
}

Test(forms, intervals_are_in_milliseconds)
{
#define INTERVAL(value)                                                                            \
	FFS("interfaces = ( { endpoints = ( { direction = \"in\"; type = \"interrupt\"; "          \
	    "interval = " value "; } ); } );")
	same(INTERVAL("\"10ms\""), INTERVAL("10"));
	same(INTERVAL("\"125us\""), INTERVAL("0.125"));
	same(INTERVAL("\"0.032s\""), INTERVAL("32"));
}

#define HID(desc)                                                                                  \
	"functions = { f = { type = \"hid\"; attrs = { report_length = 8; report_desc = " desc     \
	"; }; }; };"
#define BYTES "( 5, 1, 9, 6, 161, 1, 21, 0, 192 )"

Test(forms, bytes_of_a_report_descriptor)
{
	static const char *const texts[] = {
		HID("\"05 01 09 06 a1 01 15 00 c0\""),
		HID("\"05010906a1011500C0\""),
		HID("\"0501 0906\" \" A101 1500 c0 \""),
		HID("\"0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x15, 0x00, 0xC0\""),
		HID("\"\\x05\\x01\\x09\\x06\\xa1\\x01\\x15\\x00\\xc0\""),
		HID("\"\\x05\\x01\\x09\\x06\\xa1\\x01\\x15\\x00\" \"\\xc0\""),
		HID("\"\\\\x05\\\\x01\\\\x09\\\\x06\\\\xa1\\\\x01\\\\x15\\\\x00\\\\xc0\""),
		HID("( 0x5, 0x1, 0x9, 0x6, 0xFFFFFFA1, 0x1, 0x15, 0x0, 0xFFFFFFC0 )"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct configfs_attribute *e;

		same(texts[i], HID(BYTES));
		e = configfs_attributes_find(&g->functions[0].configfs_attributes, "report_desc");
		cr_assert_eq(e->size, 9U);
		cr_expect_arr_eq(e->value, "\x05\x01\x09\x06\xa1\x01\x15\x00\xc0", 9);
	}
}

Test(forms, signs_of_exported_bytes_are_a_warning)
{
	load(HID("( 5, 1, 9, 6, 0xFFFFFFA1, 1, 9, 1, 0x15, 0, 0x25, 1, 0x75, 8, 0x95, 1, "
		 "0xFFFFFF81, 2, 0xFFFFFFC0 )"));
	cr_expect(said(DIAG_WARNING, "0xFFFFFFA1 is read as 0xa1"));
	cr_expect_eq(d.n_warnings, 2U, "one for all bytes, one about ids");
}

static void ifname_is(const char *name, const char *wanted)
{
	_cleanup_free_ char *text = strf("functions = { f = { type = \"ecm\"; attrs = { ifname = "
					 "\"%s\"; }; }; };",
					 name);
	const struct configfs_attribute *e;

	unload();
	load(text);
	e = configfs_attributes_find(&g->functions[0].configfs_attributes, "ifname");
	if (wanted)
		cr_expect_str_eq(e ? e->value : "none", wanted, "%s", name);
	else
		cr_expect_null(e, "%s", name);
	cr_expect_eq(said(DIAG_NOTE, "takes only a pattern"), wanted && !strchr(name, '%'), "%s",
		     name);
}

Test(forms, names_of_interfaces)
{
	ifname_is("lab%d", "lab%d");
	ifname_is("lab0", "lab%d");
	ifname_is("lab", "lab%d");
	ifname_is("a2b17", "a2b%d");
	ifname_is("usb0", NULL);
	ifname_is("(unnamed net_device)", NULL);
}

/* libusbgx exports this for a gadget that has none. */
Test(forms, os_descriptors_that_are_not_used_have_no_link)
{
	load(ACM "os_descs = { use = 0; qw_sign = \"\"; b_vendor_code = 0; };");
	cr_expect_null(configfs_attributes_find(&g->configfs_attributes, "os_desc/c.1"));
	unload();
	load(ACM "os_descs = { use = 0; config_id = 1; };");
	cr_expect_not_null(configfs_attributes_find(&g->configfs_attributes, "os_desc/c.1"));
}

/* The document does not say which directory a drop-in is in. */
Test(forms, a_relative_path_in_a_drop_in_is_absolute)
{
	static const char *const texts[] = {
		"functions = { f = { type = \"mass_storage\"; }; n = { type = \"ecm\"; }; };",
		"strings = ( { serialnumber = { from = \"file:serial\"; }; } ); functions = { "
		"f = { attrs = { luns = ( { file = \"a.img\"; }, { file = \"/b.img\"; } ); }; }; "
		"n = { attrs = { dev_addr = { from = \"file:id\"; }; }; "
		"worker = { exec = [ \"./run\", \"./x\" ]; directory = \"here\"; }; }; "
		"e = { ffs = { device = \"device\"; mount = { path = \"mount\"; }; "
		"interfaces = ( { endpoints = ( \"bulk-in\" ); } ); }; "
		"worker = { plugin = \"./p.so\"; }; }; };",
	};
	static const char *const paths[] = { "file:/nonexistent/demo.conf.d/serial",
					     "/nonexistent/demo.conf.d/a.img",
					     "/b.img",
					     "file:/nonexistent/demo.conf.d/id",
					     "/nonexistent/demo.conf.d/./run",
					     "/nonexistent/demo.conf.d/here",
					     "/nonexistent/demo.conf.d/device",
					     "/nonexistent/demo.conf.d/mount",
					     "/nonexistent/demo.conf.d/./p.so" };
	const struct gadgetfile_text both[] = {
		{ "/nonexistent/demo.conf", texts[0], strlen(texts[0]) },
		{ "/nonexistent/demo.conf.d/x.conf", texts[1], strlen(texts[1]) },
	};
	_cleanup_free_ char *shown = NULL;
	json_t *document = NULL;

	gadgetfile_load_texts(both, ARRAY_SIZE(both), &g, &document, &d);
	cr_assert_not_null(g, "%s", d.n ? d.list[0].text : "no reason");
	shown = json_dumps(document, 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *quoted = strf("\"%s\"", paths[i]);

		cr_expect_not_null(strstr(shown, quoted), "%s in %s", quoted, shown);
	}
	/* The first argument of a program only: others need not be paths. */
	cr_expect_not_null(strstr(shown, "\"./x\""));
	json_decref(document);
}

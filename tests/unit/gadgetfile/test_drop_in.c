/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How drop-ins change the settings of a gadget file. */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/diag.h"
#include "gadgetfile/syntax/tree.h"

static struct scan s;
static struct diags d;

static void scan_with(const char *text, const char *over)
{
	scan_text(&s, "a.conf", text, strlen(text), &d);
	scan_text_as_drop_in(&s, "a.conf.d/b.conf", over, strlen(over));
}

static void done(void)
{
	scan_free(&s);
	diags_free(&d);
}

TestSuite(drop_in, .fini = done);

/* Returns the tree as JSON, with single quotes. */
static void expect(const char *want)
{
	json_t *json = node_to_json(s.root);
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT);

	for (char *p = text; *p; p++)
		*p = *p == '"' ? '\'' : *p;
	cr_expect_str_eq(text, want);
	json_decref(json);
}

Test(drop_in, a_later_value_overrides_and_keeps_the_order)
{
	scan_with("a = 1; b = \"x\"; c = true;", "b = 2; d = 0.5;");
	expect("{'a':1,'b':2,'c':true,'d':0.5}");
	cr_expect_eq(node_member(s.root, "b")->at.source, s.sources[1]);
	cr_expect_eq(node_member(s.root, "a")->at.source, s.sources[0]);
}

Test(drop_in, groups_are_merged_at_any_depth)
{
	scan_with("f : { a : { x = 1; y = 2; }; };", "f : { b : { z = 3; }; a : { y = 4; }; };");
	expect("{'f':{'a':{'x':1,'y':4},'b':{'z':3}}}");
	cr_expect_eq(node_member(s.root, "f")->n_children, 2);
}

Test(drop_in, lists_and_arrays_are_replaced)
{
	scan_with("a = ( 1, 2 ); b = [ 3 ]; c = ( { x = 1; } );", "a = ( 5 ); b = [ ]; c = 7;");
	expect("{'a':[5],'b':[],'c':7}");
}

Test(drop_in, an_empty_group_replaces_a_group)
{
	scan_with("w : { plugin = \"p\"; }; x : { };", "w : { }; x : { y = 1; };");
	expect("{'w':{},'x':{'y':1}}");
}

Test(drop_in, a_value_of_another_type_replaces_the_first)
{
	scan_with("u = \"x\"; v : { a = 1; };", "u : { driver = \"y\"; }; v = 2;");
	expect("{'u':{'driver':'y'},'v':2}");
}

Test(drop_in, several_apply_in_order)
{
	scan_with("a = 1;", "a = 2; b = 2;");
	scan_text_as_drop_in(&s, "a.conf.d/c.conf", "b = 3;", 6);
	expect("{'a':2,'b':3}");
	cr_expect_str_eq(node_member(s.root, "b")->at.source->path, "a.conf.d/c.conf");
}

Test(drop_in, a_duplicate_in_a_drop_in_is_an_error_there)
{
	scan_with("a = 1;", "a = 2;\na = 3;");
	cr_expect_eq(d.n_errors, 1);
	cr_expect_str_eq(d.list[0].file, "a.conf.d/b.conf");
	cr_expect_eq(d.list[0].line, 2);
	expect("{'a':2}");
}

Test(drop_in, syntax_errors_of_all_files_are_reported)
{
	scan_with("a = ;\nb = \"", "c = ;\n\"open");
	scan_text_as_drop_in(&s, "a.conf.d/c.conf", "d = ;", 5);
	cr_expect_eq(d.n_errors, 3, "%zu", d.n_errors);
	cr_expect_str_eq(d.list[d.n - 1].file, "a.conf.d/c.conf");
}

Test(drop_in, the_limit_of_settings_applies_to_the_merged_group)
{
	_cleanup_free_ char *text = xcalloc(GADGETFILE_MAX_GROUP, 16),
			    *over = xcalloc(GADGETFILE_MAX_GROUP, 16);

	for (int i = 0; i < GADGETFILE_MAX_GROUP; i++) {
		sprintf(text + strlen(text), "a%d=1;", i);
		sprintf(over + strlen(over), "b%d=1;", i);
	}
	scan_with(text, over);
	cr_expect_eq(d.n_errors, 1);
	cr_expect_str_eq(d.list[0].text, "more than 512 settings in one group");
}

Test(drop_in, the_size_limit_applies_to_all_files_together)
{
	_cleanup_free_ char *blanks = xcalloc(GADGETFILE_MAX_SIZE, 1);

	memset(blanks, ' ', GADGETFILE_MAX_SIZE - 1);
	scan_with("a = 1;", blanks);
	cr_expect_eq(d.n_errors, 1);
	cr_expect_str_eq(
		d.list[0].text,
		"the gadget file with its included files and drop-ins is larger than 1 MiB");
	cr_expect_str_eq(d.list[0].file, "a.conf.d/b.conf");
}

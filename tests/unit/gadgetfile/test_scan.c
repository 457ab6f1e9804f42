/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scanner: values, positions and errors of libconfig's language. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/diag.h"
#include "gadgetfile/syntax/lex.h"
#include "gadgetfile/syntax/tree.h"

static struct scan s;
static struct diags d;

static const struct node *scan(const char *text)
{
	scan_text(&s, "test.conf", text, strlen(text), &d);
	return s.root;
}

static void teardown(void)
{
	scan_free(&s);
	diags_free(&d);
}

TestSuite(scan, .fini = teardown);

static const struct node *value(const char *text)
{
	const struct node *root = scan(text);

	cr_assert_eq(d.n_errors, 0, "%s: %s", text, d.n ? d.list[0].text : "");
	return node_member(root, "a");
}

static const struct diag *first_error(void)
{
	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].severity == DIAG_ERROR)
			return &d.list[i];
	cr_assert_fail("no error");
	return NULL;
}

static void one_error(const char *text, unsigned int line, unsigned int column, const char *part)
{
	scan(text);
	cr_assert_eq(d.n_errors, 1, "%zu errors in: %s", d.n_errors, text);
	cr_expect_eq(d.list[0].line, line, "line %u", d.list[0].line);
	cr_expect_eq(d.list[0].column, column, "column %u", d.list[0].column);
	cr_expect(strstr(d.list[0].text, part), "%s", d.list[0].text);
}

Test(scan, integers_are_converted_from_their_text)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "a = 0;", 0 },
		{ "a = -1;", -1 },
		{ "a = +7;", 7 },
		{ "a = 010;", 10 }, /* libconfig 1.5 has no octal */
		{ "a = 0xff;", 255 },
		{ "a = 0XFFFFFFFF;", 4294967295 }, /* -1 in libconfig 1.5 */
		{ "a = 2147483648;", 2147483648 }, /* negative in libconfig 1.5 */
		{ "a = 4294967295;", 4294967295 },
		{ "a = -2147483648;", -2147483648 },
		{ "a = 5L;", 5 },
		{ "a = 0x10LL;", 16 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct node *n = value(cases[i].text);

		cr_expect_eq(n->type, NODE_INT, "%s", cases[i].text);
		cr_expect_eq(n->integer, cases[i].value, "%s", cases[i].text);
		teardown();
	}
}

Test(scan, integers_outside_32_bits_are_errors)
{
	static const char *const cases[] = { "4294967296", "-2147483649", "99999999999999999999",
					     "0x1FFFFFFFFL", "-99999999999999999999" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = strf("a = %s;", cases[i]);

		one_error(text, 1, 5, "does not fit into 32 bits");
		cr_expect(s.has_error_in_valid_libconfig, "libconfig wraps it");
		teardown();
	}
}

Test(scan, floating_point)
{
	static const struct {
		const char *text;
		double value;
	} cases[] = {
		{ "a = 1.5;", 1.5 },  { "a = .5;", 0.5 },      { "a = -2.;", -2 },
		{ "a = 1e3;", 1000 }, { "a = 2.5E-1;", 0.25 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct node *n = value(cases[i].text);

		cr_expect_eq(n->type, NODE_FLOAT, "%s", cases[i].text);
		cr_expect_eq(n->real, cases[i].value, "%s", cases[i].text);
		teardown();
	}
}

Test(scan, rejects_malformed_numbers)
{
	one_error("a = .;", 1, 5, "not a number"); /* libconfig: 0.0 */
	teardown();
	one_error("a = 1e999;", 1, 5, "too large");
	teardown();
	/* 0, and then a name. */
	one_error("a = 0x;", 1, 7, "expected '=' or ':' after 'x'");
}

/* Criterion evaluates an argument more than once, so the value is computed first. */
static void expect_text(const char *text, const char *want)
{
	const struct node *n = value(text);

	cr_expect_str_eq(n->text, want);
}

Test(scan, booleans_in_any_case)
{
	expect_text("a = TRUE;", "true");
	teardown();
	expect_text("a = False;", "false");
}

Test(scan, strings_with_escapes)
{
	expect_text("a = \"x\\n\\r\\t\\f\\\\\\\"\\x41\\q\";", "x\n\r\t\f\\\"A\\q");
}

Test(scan, adjacent_strings_are_joined)
{
	expect_text("a = \"one\" /* and */ \"two\"\n\"three\";", "onetwothree");
}

Test(scan, strings_may_contain_newlines)
{
	expect_text("a = \"one\ntwo\";", "one\ntwo");
}

Test(scan, semicolons_and_commas_may_be_missing)
{
	const struct node *root = scan("a = 1 b : 2, c = { d = 3 e = 4; } f = ( 1, 2 )");

	cr_assert_eq(d.n_errors, 0);
	cr_expect_eq(root->n_children, 4);
	cr_expect_eq(node_member(root, "c")->n_children, 2);
	cr_expect_eq(node_member(root, "f")->n_children, 2);
}

Test(scan, names_may_have_stars_and_hyphens)
{
	const struct node *root = scan("*a-b_1 = 1; trueish = 2;");

	cr_assert_eq(d.n_errors, 0);
	cr_expect_not_null(node_member(root, "*a-b_1"));
	cr_expect_eq(node_member(root, "trueish")->integer, 2);
}

Test(scan, comments_of_three_kinds)
{
	expect_text("# one\n// two\n/* three\n*/ a = /**/ 1; # end\n", "1");
}

Test(scan, columns_count_characters)
{
	const struct node *n;

	scan("\xc3\xa4 = 1;");
	cr_expect_eq(d.list[0].column, 1);
	cr_expect_eq(d.list[0].end_column, 2, "one character, not two bytes");
	teardown();
	n = value("/* \xc3\xa4\xc3\xa4 */ a = \"\xe2\x82\xac\";\n");
	cr_expect_eq(n->name_at.line, 1);
	cr_expect_eq(n->name_at.column, 10);
	cr_expect_eq(n->name_at.end_column, 11);
	cr_expect_eq(n->at.column, 14);
	cr_expect_eq(n->at.end_column, 17);
}

Test(scan, reports_several_errors_in_one_run)
{
	scan("a = ;\nb = 1;\nc 2;\nd = ( 1, );\n");
	cr_expect_eq(d.n_errors, 3, "%zu errors", d.n_errors);
	cr_expect_not_null(node_member(s.root, "b"));
	cr_expect_eq(node_member(s.root, "b")->integer, 1, "what is right is understood");
}

Test(scan, one_missing_bracket_is_one_error)
{
	one_error("a = {\n  b = ( 1, 2;\n  c = 3;\n};\nd = 4;\n", 2, 13, "expected ',' or ')'");
	cr_expect_not_null(node_member(s.root, "d"));
	teardown();
	one_error("a = {\n  b = { c = 1; };\n", 1, 5, "never closed");
	teardown();
	one_error("a = [ 1, 2;\nb = 1;\n", 1, 11, "expected ',' or ']'");
}

Test(scan, a_missing_quote_is_one_error_with_its_likely_position)
{
	one_error("a = \"x;\nb = \"y\";\nc = 1;\n", 2, 7, "has no end");
	cr_assert_eq(d.n, 2);
	cr_expect_eq(d.list[1].severity, DIAG_NOTE);
	cr_expect_eq(d.list[1].line, 1);
}

Test(scan, a_duplicate_is_reported_with_the_first_one)
{
	one_error("a = 1;\nb = 1;\na = 2;\n", 3, 1, "'a' is set twice");
	cr_expect_eq(d.list[1].line, 1);
	teardown();
	scan("a = { x = 1; }; b = { x = 2; };");
	cr_expect_eq(d.n_errors, 0, "in another group it is another setting");
}

Test(scan, nul_bytes_are_errors)
{
	scan_text(&s, "test.conf", "a = 1;\n\0", 8, &d);
	cr_assert_eq(d.n_errors, 1);
	cr_expect_eq(d.list[0].line, 2);
}

Test(scan, nesting_is_limited)
{
	char text[4096] = "a = ", *p = text + 4;

	p = memset(p, '(', 1000);
	memset(p + 1000, ')', 1000);
	one_error(text, 1, 5 + GADGETFILE_MAX_NESTING, "nested deeper than");
	teardown();
	/* The deepest that is allowed libconfig takes as well. */
	memset(text + 4, 0, sizeof(text) - 4);
	memset(p, '(', GADGETFILE_MAX_NESTING);
	memset(p + GADGETFILE_MAX_NESTING, ')', GADGETFILE_MAX_NESTING);
	scan(text);
	cr_expect_eq(d.n_errors, 0);
}

Test(scan, large_files_are_refused)
{
	char *text = malloc(GADGETFILE_MAX_SIZE + 1);

	memset(text, ' ', GADGETFILE_MAX_SIZE + 1);
	scan_text(&s, "test.conf", text, GADGETFILE_MAX_SIZE, &d);
	cr_expect_eq(d.n_errors, 0);
	teardown();
	scan_text(&s, "test.conf", text, GADGETFILE_MAX_SIZE + 1, &d);
	cr_expect_eq(d.n_errors, 1);
	free(text);
}

Test(scan, the_number_of_errors_is_limited)
{
	char *text = malloc(100001);

	for (size_t i = 0; i < 100000; i += 2)
		memcpy(text + i, "%\n", 2);
	text[100000] = '\0';
	scan(text);
	cr_expect_eq(d.n, DIAG_MAX_ERRORS + 1);
	cr_expect(strstr(d.list[d.n - 1].text, "too many errors"));
	free(text);
}

Test(scan, the_size_of_groups_is_limited)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; i <= GADGETFILE_MAX_GROUP; i++)
		fprintf(f, "a%d = 1;\n", i);
	fclose(f);
	scan(text);
	cr_assert_eq(d.n_errors, 1);
	cr_expect(strstr(d.list[0].text, "settings in one group"));
	free(text);
}

/* --- included files ----------------------------------------------------------------------------
 */

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/dev/shm/ffsctl-test-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
	DIR *handle = opendir(dir);

	for (const struct dirent *e; handle && (e = readdir(handle));) {
		_cleanup_free_ char *path = strf("%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.' && unlink(path) < 0)
			rmdir(path);
	}
	if (handle)
		closedir(handle);
	rmdir(dir);
	teardown();
}

TestSuite(include, .init = make_dir, .fini = remove_dir);

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name);
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void scan_main_file(void)
{
	_cleanup_free_ char *path = strf("%s/main.conf", dir);
	_cleanup_error_ struct error err = { 0 };

	cr_assert_eq(scan_file(&s, path, NULL, &d, &err), 0, "%s", err.text);
}

Test(include, is_replaced_by_the_file)
{
	put("main.conf", "a = {\n  @include \"part\"\n};\nc = 3;\n");
	put("part", "b = 2; # no newline is needed after this: \"\n");
	scan_main_file();
	cr_assert_eq(d.n_errors, 0, "%s", d.list[0].text);
	cr_expect_eq(node_member(node_member(s.root, "a"), "b")->integer, 2);
	cr_expect_eq(node_member(s.root, "c")->at.line, 4);
	cr_expect_eq(node_member(s.root, "c")->at.source, s.sources[0]);
}

Test(include, tokens_of_two_files_do_not_merge)
{
	put("main.conf", "a = 1\n@include \"part\"\n2 = 3;\n");
	put("part", "b");
	scan_main_file();
	/* As one text `b` and `2` would be the name b2. */
	cr_assert_geq(d.n_errors, 1);
	cr_expect(strstr(first_error()->text, "after 'b'"), "%s", first_error()->text);
	cr_expect_eq(first_error()->line, 3);
}

Test(include, errors_have_the_right_file_and_line)
{
	put("main.conf", "a = 1;\n@include \"part\"\nc = ;\n");
	put("part", "\n\nb = ;\n");
	scan_main_file();
	cr_assert_eq(d.n_errors, 2);
	diags_sort(&d);
	for (size_t i = 0, e = 0; i < d.n; i++) {
		if (d.list[i].severity != DIAG_ERROR)
			continue;
		cr_expect_eq(d.list[i].line, 3);
		cr_expect_eq(str_has_suffix(d.list[i].file, e++ == 0 ? "/part" : "/main.conf"),
			     true);
	}
}

/* libconfig reports lines of the text with includes only. */
Test(include, lines_of_the_text_with_includes_map_to_the_files)
{
	static const struct {
		const char *text; /* what stands in the line */
		unsigned int source, line;
	} want[] = { { "a = 1;", 0, 1 }, { "", 0, 2 },	     { "b = 2;", 1, 1 },
		     { "c = 3;", 2, 1 }, { "d = 4;", 1, 3 }, { "e = 5;", 0, 3 } };

	put("main.conf", "a = 1;\n@include \"one\"\ne = 5;\n");
	put("one", "b = 2;\n@include \"two\"\nd = 4;\n");
	put("two", "c = 3;\n");
	scan_main_file();
	cr_assert_eq(d.n_errors, 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const char *found =
			*want[i].text ? strstr(s.text_with_includes, want[i].text) : NULL;
		unsigned int line = 1;
		struct text_range at;

		if (!found)
			continue;
		for (const char *p = s.text_with_includes; p < found; p++)
			line += *p == '\n';
		at = source_range_of_line(&s, line);
		cr_expect_eq(at.source, s.sources[want[i].source], "%s", want[i].text);
		cr_expect_eq(at.line, want[i].line, "%s: line %u", want[i].text, at.line);
	}
}

Test(include, is_relative_to_the_including_file)
{
	_cleanup_free_ char *sub = strf("%s/sub", dir), *inner = NULL;

	mkdir(sub, 0700);
	put("main.conf", "@include \"sub/one\"\n");
	put("sub/one", "@include \"two\"\n");
	put("sub/two", "a = 1;\n");
	scan_main_file();
	cr_expect_eq(d.n_errors, 0);
	cr_expect_not_null(node_member(s.root, "a"));
	inner = strf("%s/one", sub);
	unlink(inner);
	free(inner);
	inner = strf("%s/two", sub);
	unlink(inner);
}

static void one_include_error(const char *text, const char *part)
{
	put("main.conf", text);
	scan_main_file();
	cr_assert_eq(d.n_errors, 1, "%zu errors", d.n_errors);
	cr_expect(strstr(first_error()->text, part), "%s", first_error()->text);
	teardown();
}

Test(include, includes_only_regular_files)
{
	_cleanup_free_ char *fifo = strf("%s/fifo", dir), *sub = strf("%s/sub", dir);

	mkfifo(fifo, 0600);
	mkdir(sub, 0700);
	one_include_error("@include \"fifo\"\n", "not a regular file"); /* and does not wait */
	one_include_error("@include \"sub\"\n", "not a regular file");
	one_include_error("@include \"/dev/null\"\n", "not a regular file");
	one_include_error("@include \"none\"\n", "No such file");
}

Test(include, a_file_cannot_include_itself)
{
	one_include_error("@include \"main.conf\"\n", "includes itself");
	put("part", "@include \"main.conf\"\n");
	one_include_error("@include \"part\"\n", "includes itself");
}

Test(include, is_limited_to_ten_levels)
{
	char name[16], text[64];

	for (int i = 1; i <= 11; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), i < 11 ? "@include \"f%d\"\n" : "a = 1;\n", i + 1);
		put(name, text);
	}
	one_include_error("@include \"f1\"\n", "nested deeper than 10 levels");
	put("main.conf", "@include \"f2\"\n");
	scan_main_file();
	cr_expect_eq(d.n_errors, 0);
	cr_expect_not_null(node_member(s.root, "a"));
}

Test(include, the_number_of_includes_is_limited)
{
	/* Each file has the next one four times: 4^10 without a limit. */
	char name[16], text[256];

	for (int i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text),
			 "@include \"f%d\"\n@include \"f%d\"\n@include \"f%d\"\n@include \"f%d\"\n",
			 i + 1, i + 1, i + 1, i + 1);
		put(name, i < 10 ? text : "\n");
	}
	one_include_error("@include \"f1\"\n", "more than 256 @include lines");
}

Test(include, files_outside_the_directory_must_belong_to_root)
{
	char other[] = "/dev/shm/ffsctl-other-XXXXXX";
	_cleanup_free_ char *text = NULL;
	int fd = mkstemp(other);

	cr_assert_geq(fd, 0);
	close(fd);
	text = strf("@include \"%s\"\n", other);
	if (geteuid() == 0)
		cr_assert_eq(chown(other, 65534, 65534), 0);
	one_include_error(text, "does not belong to root");
	if (geteuid() == 0) {
		cr_assert_eq(chown(other, 0, 0), 0);
		put("main.conf", text);
		scan_main_file();
		cr_expect_eq(d.n_errors, 0);
	}
	unlink(other);
}

/* Root's files may be anywhere, so the file belongs to another user. */
Test(include, a_sibling_with_the_same_prefix_is_outside)
{
	_cleanup_free_ char *beside = strf("%s-beside", dir),
			    *text = strf("@include \"%s/part\"\n", beside),
			    *part = strf("%s/part", beside);
	int fd;

	cr_assert_eq(mkdir(beside, 0700), 0);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	if (geteuid() == 0)
		cr_assert_eq(chown(part, 65534, 65534), 0);
	one_include_error(text, "does not belong to root");
	unlink(part);
	rmdir(beside);
}

Test(include, a_link_counts_as_its_target)
{
	char other[] = "/dev/shm/ffsctl-other-XXXXXX";
	_cleanup_free_ char *link = strf("%s/link", dir);
	int fd = mkstemp(other);

	cr_assert_geq(fd, 0);
	close(fd);
	if (geteuid() == 0)
		cr_assert_eq(chown(other, 65534, 65534), 0);
	cr_assert_eq(symlink(other, link), 0);
	one_include_error("@include \"link\"\n", "does not belong to root");
	unlink(other);
}

Test(include, not_in_the_middle_of_a_line)
{
	put("part", "b = 1;\n");
	put("main.conf", "a = 1; @include \"part\"\n");
	scan_main_file();
	cr_assert_geq(d.n_errors, 1);
	cr_expect(strstr(d.list[0].text, "at the start of a line"), "%s", d.list[0].text);
}

Test(include, not_in_a_comment_or_string)
{
	put("main.conf", "/*\n@include \"none\"\n*/\n# @include \"none\"\na = \"\n@include \";\n");
	scan_main_file();
	cr_expect_eq(d.n_errors, 0);
	cr_expect_str_eq(node_member(s.root, "a")->text, "\n@include ");
}

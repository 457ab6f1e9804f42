// SPDX-License-Identifier: GPL-2.0-or-later
/* libconfig reads each gadget file, too; what it reads otherwise is an error. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/lex.h"

static struct scan s;
static struct diags d;

static void scan(const char *text)
{
	scan_text(&s, "test.conf", text, strlen(text), &d);
}

static void teardown(void)
{
	scan_free(&s);
	diags_free(&d);
}

TestSuite(libconfig, .fini = teardown);

Test(libconfig, is_asked_about_each_text_without_errors)
{
	scan("a = 1;");
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_AGREES);
	teardown();
	scan("a = ;");
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_NOT_COMPARED);
	teardown();
	scan_text_of_document(&s, "test.conf", "a = 1;", &d);
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_NOT_COMPARED);
	cr_expect_eq(d.n, 0);
}

Test(libconfig, is_not_asked_about_errors_that_are_not_counted)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; i <= DIAG_MAX_ERRORS; i++)
		fprintf(f, "a%d = ;\n", i);
	fclose(f);
	scan(text);
	scan_text_as_drop_in(&s, "test.conf.d/a.conf", "b = ;", 5);
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_NOT_COMPARED);
	free(text);
}

/* The scanner and libconfig agree, so the tests pass libconfig another text of that length. */
static void let_libconfig_read(const char *text, const char *instead)
{
	scan(text);
	cr_assert_eq(s.comparison_with_libconfig, LIBCONFIG_AGREES, "%s: %s", text,
		     d.n ? d.list[0].text : "");
	memcpy(s.text_with_includes, instead, strlen(instead));
	scan_compare_with_libconfig(&s);
}

Test(libconfig, a_text_that_libconfig_rejects_is_an_error_in_its_line)
{
	let_libconfig_read("a = 1;\nb = 2;\n", "a = 1;\nb =  ;\n");
	cr_assert_eq(d.n, 1);
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_DISAGREES);
	cr_expect_str_eq(d.list[0].text, "libconfig rejects this: syntax error");
	cr_expect_eq(d.list[0].line, 2);
}

Test(libconfig, what_libconfig_reads_otherwise_is_an_error_at_the_setting)
{
	static const struct {
		const char *text, *instead;
		unsigned int column;
		const char *words;
	} table[] = {
		{ "a = 1; b = 2;", "a = 1; b = 3;", 8, "'b' is the integer 3" },
		{ "a = 1; b = 22;", "a = 1; b = 3L;", 8, "'b' is the integer 3" },
		{ "a = 1; b = 2;", "a = 1; c = 2;", 8, "'c' is the integer 2" },
		{ "a = 1; b = 22;", "a = 1; b = 2.;", 8, "'b' is the number 2" },
		{ "a = 1.5;", "a = 2.5;", 1, "'a' is the number 2.5" },
		{ "a = true; ", "a = false;", 1, "'a' is false" },
		{ "a = true;", "a = 1;   ", 1, "'a' is the integer 1" },
		{ "a = \"x\";", "a = \"y\";", 1, "'a' is \"y\"" },
		{ "a = \"\"; ", "a = \"y\";", 1, "'a' is \"y\"" },
		{ "a = { b = { c = 1; }; };", "a = { b = { c = 2; }; };", 13,
		  "'c' is the integer 2" },
		{ "a = (1, 2);", "a = (1, 3);", 9, "the integer 3" },
		{ "a = (1, 2);", "a = [1, 2];", 1, "'a' is an array of 2" },
		{ "a = (1, 2);", "a = (1   );", 1, "'a' is a list of 1" },
		{ "a = { b = 1; };", "a = {        };", 1, "'a' is a group of 0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *words =
			strf("libconfig reads this differently: %s", table[i].words);

		let_libconfig_read(table[i].text, table[i].instead);
		cr_assert_eq(d.n, 1, "%zu messages: %s", d.n, table[i].instead);
		cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_DISAGREES);
		cr_expect_str_eq(d.list[0].text, words, "%s", d.list[0].text);
		cr_expect_eq(d.list[0].column, table[i].column, "%s: %u", table[i].instead,
			     d.list[0].column);
		teardown();
	}
}

Test(libconfig, another_type_of_integer_is_the_same_value)
{
	let_libconfig_read("a = 2 ;", "a = 2L;");
	cr_expect_eq(d.n, 0);
	cr_expect_eq(s.comparison_with_libconfig, LIBCONFIG_AGREES);
}

Test(libconfig, another_number_of_settings_is_an_error_of_the_whole_file)
{
	let_libconfig_read("a = 1; b = 2;", "a = 1;       ");
	cr_assert_eq(d.n, 1);
	cr_expect_str_eq(d.list[0].text, "libconfig reads this differently: a group of 1");
	cr_expect_eq(d.list[0].line, 0);
}

Test(libconfig, a_difference_in_an_included_file_is_reported_there)
{
	static const char main_file[] = "a = 1;\n@include \"part\"\n", part[] = "\nb = 2;\n";
	char dir[] = "/tmp/ffsctl-test-XXXXXX";
	_cleanup_free_ char *path = NULL, *included = NULL;
	const struct diag *last;
	FILE *f;

	cr_assert_not_null(mkdtemp(dir));
	path = strf("%s/main.conf", dir);
	included = strf("%s/part", dir);
	f = fopen(included, "we");
	cr_assert_not_null(f);
	fputs(part, f);
	fclose(f);
	scan_text(&s, path, main_file, strlen(main_file), &d);
	unlink(included);
	rmdir(dir);
	cr_assert_eq(s.comparison_with_libconfig, LIBCONFIG_AGREES);
	memcpy(strstr(s.text_with_includes, "b = 2"), "b = 3", 5);
	scan_compare_with_libconfig(&s);
	cr_assert_eq(d.n_errors, 1);
	last = &d.list[d.n - 1];
	cr_expect_str_eq(last->file, included);
	cr_expect_eq(last->line, 2);
	cr_expect_eq(last->column, 1);
}

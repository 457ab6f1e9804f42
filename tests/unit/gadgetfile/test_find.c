/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Search order of gadget files and drop-ins in several directories. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gadgetfile/gadgetfile.h"
#include "gadgetfile/syntax/diag.h"
#include "gadgetfile/syntax/tree.h"

static char top[] = "/tmp/ffsctl-find-XXXXXX";
static char *first, *second;
static const char *dirs[3];

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_,
		      struct FTW *ftw _unused_)
{
	return remove(path);
}

static void make_dirs(void)
{
	cr_assert_not_null(mkdtemp(top));
	dirs[0] = first = strf("%s/first", top);
	dirs[1] = second = strf("%s/second", top);
	cr_assert_eq(mkdir(first, 0700) + mkdir(second, 0700), 0);
}

static void remove_dirs(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(first);
	free(second);
}

TestSuite(find, .init = make_dirs, .fini = remove_dirs);

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name), *parent = path_parent(path);
	FILE *f;

	mkdir(parent, 0700);
	f = fopen(path, "we");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void expect_found(char *path, const char *dir, const char *name)
{
	_cleanup_free_ char *want = strf("%s/%s", dir, name);

	cr_expect(streq_null(path, want), "%s, not %s", path, want);
	free(path);
}

Test(find, the_first_directory_outranks_the_first_suffix)
{
	cr_expect_null(gadgetfile_find(dirs, "g"));
	put(second, "g.scheme", "");
	expect_found(gadgetfile_find(dirs, "g"), second, "g.scheme");
	put(second, "g.conf", "");
	expect_found(gadgetfile_find(dirs, "g"), second, "g.conf");
	put(first, "g.scheme", "");
	expect_found(gadgetfile_find(dirs, "g"), first, "g.scheme");
	put(first, "g.conf", "");
	expect_found(gadgetfile_find(dirs, "g"), first, "g.conf");
}

Test(find, of_two_drop_ins_with_one_name_the_first_is_used)
{
	const struct gadgetfile_options options = { .drop_in_dirs = dirs };
	_cleanup_free_ char *path = strf("%s/g.conf", second),
			    *mask = strf("%s/g.conf.d/20.conf", first), *text = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct scan s = { 0 };
	struct diags d = { 0 };
	json_t *json;

	put(second, "g.conf", "a = 0;");
	put(second, "g.conf.d/10.conf", "a = 1; no = 1;");
	put(second, "g.conf.d/20.conf", "b = 2;");
	put(second, "g.conf.d/30.conf", "c = 3;");
	put(first, "g.conf.d/10.conf", "a = 4;");
	cr_assert_eq(symlink("/dev/null", mask), 0);
	cr_assert_eq(scan_file(&s, path, &options, &d, &err), 0, "%s", err.text);
	cr_expect_eq(d.n_errors, 0);
	json = node_to_json(s.root);
	text = json_dumps(json, JSON_COMPACT);
	cr_expect_str_eq(text, "{\"a\":4,\"c\":3}");
	json_decref(json);
	scan_free(&s);
	diags_free(&d);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "process/worker_uid.h"

static char base[] = "/dev/shm/test_worker_uid-XXXXXX";
static char *pool;

static void make(void)
{
	cr_assert(mkdtemp(base));
	pool = strf("%s/users", base);
}

/* Returns the owner with that name; its link has the same name. */
static const struct worker_uid_owner *owner(const char *name)
{
	static struct {
		struct worker_uid_owner id;
		char link[64], text[32];
	} all[16];
	static size_t n;

	cr_assert_lt(n, ARRAY_SIZE(all));
	snprintf(all[n].link, sizeof(all[n].link), "%s/%s", base, name);
	snprintf(all[n].text, sizeof(all[n].text), "x/%s", name);
	all[n].id = (struct worker_uid_owner){ pool, all[n].link, all[n].text };
	return &all[n++].id;
}

static void clear(void)
{
	_cleanup_free_ char *command = strf("rm -rf %s", base);

	cr_assert_eq(system(command), 0);
	free(pool);
}

static uid_t reserve(const struct worker_uid_owner *of)
{
	uid_t uid = 0;

	cr_assert_eq(worker_uid_reserve(of, &uid), 0, "%s", of->owner_name);
	cr_assert(uid >= FFSCTL_WORKER_ID_FIRST && uid <= FFSCTL_WORKER_ID_LAST, "%u", uid);
	return uid;
}

static char *link_of(uid_t uid)
{
	return strf("%s/%u", pool, (unsigned int)uid);
}

TestSuite(worker_uid, .init = make, .fini = clear);

Test(worker_uid, each_owner_has_another_id)
{
	uid_t a = reserve(owner("a")), b = reserve(owner("b"));

	cr_assert_neq(a, b);
	cr_assert_eq(reserve(owner("a")), a);
	cr_assert_eq(reserve(owner("b")), b);
}

Test(worker_uid, preview_reserves_nothing_and_returns_the_id_that_reserve_returns)
{
	uid_t found = 0, again = 0;

	cr_assert_eq(worker_uid_preview(owner("a"), &found), 0);
	cr_assert(!path_exists(pool));
	cr_assert_eq(reserve(owner("a")), found);
	cr_assert_eq(worker_uid_preview(owner("a"), &again), 0);
	cr_assert_eq(again, found);
}

Test(worker_uid, an_id_of_another_owner_is_skipped)
{
	uid_t found = 0, mine, again = 0;
	_cleanup_free_ char *link = NULL;

	cr_assert_eq(worker_uid_preview(owner("a"), &found), 0);
	reserve(owner("b")); /* makes the pool */
	link = link_of(found);
	cr_assert_eq(symlink("another's", link), 0);
	mine = reserve(owner("a"));
	cr_assert_neq(mine, found);
	/* The owner keeps its id when the first candidate becomes free. */
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(reserve(owner("a")), mine);
	cr_assert_eq(worker_uid_preview(owner("a"), &again), 0);
	cr_assert_eq(again, mine);
}

Test(worker_uid, without_its_own_link_an_owner_gets_the_same_id)
{
	const struct worker_uid_owner *a = owner("a");
	uid_t mine = reserve(a), again = 0;

	cr_assert_eq(unlink(a->uid_lookup_symlink_path), 0);
	cr_assert_eq(worker_uid_preview(a, &again), 0);
	cr_assert_eq(again, mine);
	cr_assert_eq(reserve(a), mine);
}

Test(worker_uid, a_link_to_the_id_of_another_owner_is_ignored)
{
	uid_t b = reserve(owner("b"));
	const struct worker_uid_owner *a = owner("a");
	_cleanup_free_ char *text = strf("%u", (unsigned int)b);

	cr_assert_eq(symlink(text, a->uid_lookup_symlink_path), 0);
	cr_assert_neq(reserve(a), b);
	worker_uid_release(owner("b"));
	cr_assert_eq(reserve(owner("b")), b);
}

Test(worker_uid, release_frees_only_the_id_of_the_owner)
{
	uid_t a = reserve(owner("a")), b = reserve(owner("b"));
	_cleanup_free_ char *link = link_of(a);

	worker_uid_release(owner("a"));
	cr_assert(!path_exists(link));
	cr_assert_eq(reserve(owner("b")), b);
	/* The id is released also if the owner's link does not exist. */
	cr_assert_eq(unlink(owner("b")->uid_lookup_symlink_path), 0);
	worker_uid_release(owner("b"));
	cr_assert(!path_exists(pool), "the last release must remove the pool");
}

Test(worker_uid, release_all_frees_the_owners_with_a_prefix)
{
	uid_t a = reserve(owner("a")), b = reserve(owner("b"));
	_cleanup_free_ char *link = link_of(b);

	worker_uid_release_all(pool, "x/a");
	cr_assert(path_exists(link));
	cr_assert_eq(reserve(owner("a")), a);
	worker_uid_release_all(pool, "x/");
	cr_assert(!path_exists(pool));
}

Test(worker_uid, reserve_fails_when_no_id_is_free)
{
	uid_t uid, first = reserve(owner("first"));

	for (uid_t id = FFSCTL_WORKER_ID_FIRST; id <= FFSCTL_WORKER_ID_LAST; id++) {
		_cleanup_free_ char *link = link_of(id);

		cr_assert(symlink("another's", link) == 0 || errno == EEXIST);
	}
	cr_assert_eq(worker_uid_reserve(owner("a"), &uid), -ENOSPC);
	cr_assert_eq(worker_uid_preview(owner("a"), &uid), -ENOSPC);
	cr_assert_eq(reserve(owner("first")), first);
}

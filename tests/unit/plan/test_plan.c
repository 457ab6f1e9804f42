/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans whose steps only record which functions were called. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plan/directories_and_links.h"
#include "plan/plan.h"

static char done[256];

static void note(const char *what, const struct step *step)
{
	strcat(done, what);
	strcat(done, step->path);
	strcat(done, " ");
}

static int ok_apply(struct step *step, struct error *err _unused_)
{
	note("+", step);
	return 0;
}

static int ok_undo(struct step *step, struct error *err _unused_)
{
	note("-", step);
	return 0;
}

static int bad(struct step *step, struct error *err)
{
	note("!", step);
	return error_errno(err, EX_OSERR, EBUSY, step->path, "cannot handle %s", step->path);
}

static int wait_once(struct step *step, struct error *err _unused_)
{
	note("?", step);
	return step->n_undo_tries++ == 0 ? PLAN_AGAIN : 0;
}

static int soon_once(struct step *step, struct error *err _unused_)
{
	note("?", step);
	return step->n_undo_tries++ == 0 ? PLAN_SOON : 0;
}

static const struct step_op op_ok = {
	.name = "ok", .undo_name = "un-ok", .apply = ok_apply, .undo = ok_undo
};
static const struct step_op op_bad = {
	.name = "bad", .undo_name = "un-bad", .apply = bad, .undo = ok_undo
};
static const struct step_op op_bad_undo = {
	.name = "ok", .undo_name = "bad", .apply = ok_apply, .undo = bad
};
static const struct step_op op_waits = {
	.name = "waits", .undo_name = "un-wait", .apply = wait_once, .undo = soon_once
};
static const struct step_op op_for_good = {
	.name = "for-good", .undo_name = NULL, .apply = ok_apply, .undo = NULL
};
static const struct step_op *const all[] = { &op_ok, &op_bad, &op_waits, &op_for_good, NULL };

static void add(struct plan *plan, const struct step_op *op, const char *path)
{
	plan_add(plan, op, xstrdup(path), NULL, NULL, NULL);
}

Test(plan, applies_in_order_and_undoes_in_reverse_order)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };

	add(&plan, &op_ok, "a");
	add(&plan, &op_for_good, "b");
	add(&plan, &op_ok, "c");
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_str_eq(done, "+a +b +c -c -a ");
}

Test(plan, the_last_step_alone_is_undone_and_applied_again)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_plan_ struct plan plan = { 0 };

	add(&plan, &op_ok, "/a");
	add(&plan, &op_ok, "/b");
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(plan_undo_last(&plan, &err), 0);
	cr_expect_eq(plan.steps[1].state, STEP_TODO);
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(plan_undo_last(&plan, &err), 0);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_expect_str_eq(done, "+/a +/b -/b +/b -/b -/a ");
}

/* Returns the text of an error of op_bad or op_bad_undo, with what the C library says for EBUSY. */
static const char *busy(const char *step, const char *rest)
{
	static char text[100];

	snprintf(text, sizeof(text), "cannot handle %s: %s%s", step, strerror(EBUSY), rest);
	return text;
}

Test(plan, a_failed_step_is_not_undone_and_points_at_the_file)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 }, second = { 0 };
	struct position at = { .file = "x.conf", .line = 3, .column = 7 };

	add(&plan, &op_ok, "a");
	plan_add(&plan, &op_bad, xstrdup("b"), NULL, &at, NULL);
	add(&plan, &op_ok, "c");
	cr_assert_eq(plan_apply(&plan, &err), -EBUSY);
	cr_assert_str_eq(err.text, busy("b", ""));
	cr_assert_str_eq(err.gadget_file, "x.conf");
	cr_assert_eq(err.line, 3);
	cr_assert_eq(plan_undo(&plan, &second), 0);
	cr_assert_str_eq(done, "+a !b -a ");
}

Test(plan, after_a_failed_undo_the_other_steps_are_undone)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };

	add(&plan, &op_ok, "a");
	add(&plan, &op_bad_undo, "b");
	add(&plan, &op_bad_undo, "c");
	add(&plan, &op_ok, "d");
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(plan_undo(&plan, &err), -EBUSY);
	cr_assert_str_eq(done, "+a +b +c +d -d !c !b -a ");
	cr_assert_str_eq(err.text, busy("c", "; also left: b"));
	/* Only the steps whose undo failed are undone again. */
	done[0] = '\0';
	cr_assert_eq(plan_undo(&plan, &err), -EBUSY);
	cr_assert_str_eq(done, "!c !b ");
}

Test(plan, a_step_that_waits_is_called_again)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };

	add(&plan, &op_ok, "a");
	add(&plan, &op_waits, "b");
	add(&plan, &op_ok, "c");
	cr_assert_eq(plan_apply(&plan, &err), PLAN_AGAIN);
	cr_assert_eq(plan_apply(&plan, &err), 0);
	plan.steps[1].n_undo_tries = 0;
	cr_assert_eq(plan_undo(&plan, &err), PLAN_SOON);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_str_eq(done, "+a ?b ?b +c -c ?b ?b -a ");
}

Test(plan, undo_of_a_partly_applied_plan_undoes_only_applied_steps)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };

	add(&plan, &op_ok, "a");
	add(&plan, &op_waits, "b");
	add(&plan, &op_ok, "c");
	cr_assert_eq(plan_apply(&plan, &err), PLAN_AGAIN);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_str_eq(done, "+a ?b -a ");
}

Test(plan, a_record_is_undone_by_another_process)
{
	_cleanup_plan_ struct plan plan = { 0 }, read = { 0 };
	_cleanup_error_ struct error err = { 0 };
	json_t *json;

	add(&plan, &op_ok, "/a");
	plan_add(&plan, &op_ok, xstrdup("/b"), xstrdup("value"), NULL, NULL);
	json = plan_to_json(&plan);
	cr_assert_eq(plan_from_json(&read, json, all, &err), 0);
	json_decref(json);
	plan_assume_applied(&read);
	cr_assert_str_eq(read.steps[1].value, "value");
	cr_assert_eq(plan_undo(&read, &err), 0);
	cr_assert_str_eq(done, "-/b -/a ");
}

Test(plan, a_record_with_an_unknown_step_is_refused)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };
	json_t *json = json_pack("[{s:i, s:s, s:s}]", "n", 1, "do", "fly", "path", "/x");

	cr_assert_lt(plan_from_json(&plan, json, all, &err), 0);
	cr_assert_eq(err.exit, EX_SOFTWARE);
	cr_assert_not_null(strstr(err.text, "'fly'"));
	json_decref(json);
}

Test(files, directories_and_links_are_made_and_removed)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };
	char dir[] = "/tmp/ffsctl-plan-XXXXXX";
	char *inner, *link;

	cr_assert_not_null(mkdtemp(dir));
	inner = strf("%s/inner", dir);
	link = strf("%s/link", dir);
	plan_add(&plan, &plan_op_mkdir, inner, NULL, NULL, NULL);
	plan_add(&plan, &plan_op_symlink, link, xstrdup("target"), NULL, NULL);
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(access(inner, F_OK), 0);
	/* Another program has replaced the link: the undo must not remove it. */
	unlink(link);
	cr_assert_eq(symlink("elsewhere", link), 0);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_eq(access(inner, F_OK), -1);
	cr_assert_eq(unlink(link), 0);
	/* The undo of a directory or link that does not exist succeeds. */
	plan_assume_applied(&plan);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	rmdir(dir);
}

Test(files, a_shared_directory_is_removed_with_its_last_content)
{
	_cleanup_plan_ struct plan first = { 0 }, second = { 0 };
	_cleanup_error_ struct error err = { 0 };
	char dir[] = "/tmp/ffsctl-plan-XXXXXX";
	char *shared;

	cr_assert_not_null(mkdtemp(dir));
	shared = strf("%s/shared", dir);
	plan_add(&first, &plan_op_mkdir_shared, shared, NULL, NULL, NULL);
	plan_add(&first, &plan_op_mkdir, strf("%s/one", shared), NULL, NULL, NULL);
	plan_add(&second, &plan_op_mkdir_shared, xstrdup(shared), NULL, NULL, NULL);
	plan_add(&second, &plan_op_mkdir, strf("%s/two", shared), NULL, NULL, NULL);
	cr_assert_eq(plan_apply(&first, &err), 0);
	cr_assert_eq(plan_apply(&second, &err), 0);
	cr_assert_eq(plan_undo(&first, &err), 0);
	cr_assert_eq(access(shared, F_OK), 0);
	cr_assert_eq(plan_undo(&second, &err), 0);
	cr_assert_eq(access(shared, F_OK), -1);
	rmdir(dir);
}

Test(files, a_shared_directory_may_exist_already)
{
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };
	char dir[] = "/tmp/ffsctl-plan-XXXXXX";

	cr_assert_not_null(mkdtemp(dir));
	plan_add(&plan, &plan_op_mkdir_shared, xstrdup(dir), NULL, NULL, NULL);
	cr_assert_eq(plan_apply(&plan, &err), 0);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_eq(access(dir, F_OK), -1);
}

static int remove_directory(struct step *step, struct error *err _unused_)
{
	cr_assert_eq(rmdir(step->path), 0);
	return 0;
}

/* The calls that other processes make around our mkdir() of `path`. */
static struct {
	const char *path;
	int make, remove; /* number of calls of mkdir before ours, and of rmdir after ours */
} others;

/* Replaces the function of the C library. */
int mkdir(const char *path, mode_t mode)
{
	bool matches = others.path && streq(path, others.path);
	int r, error;

	if (matches && others.make-- > 0)
		syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	r = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	error = errno;
	if (matches && others.remove-- > 0)
		rmdir(path);
	errno = error;
	return r;
}

Test(files, a_shared_directory_that_others_make_and_remove_exists_in_the_end)
{
	_cleanup_error_ struct error err = { 0 };
	char dir[] = "/tmp/ffsctl-plan-XXXXXX";
	_cleanup_free_ char *shared = NULL;

	cr_assert_not_null(mkdtemp(dir));
	shared = strf("%s/shared", dir);
	for (int removed = 0; removed < 4; removed++) {
		_cleanup_plan_ struct plan plan = { 0 };

		plan_add(&plan, &plan_op_mkdir_shared, xstrdup(shared), NULL, NULL, NULL);
		others.path = shared;
		others.make = removed + 1;
		others.remove = removed;
		cr_expect_eq(plan_apply(&plan, &err), 0, "removed %d times: %s", removed, err.text);
		others.path = NULL;
		cr_expect_eq(plan_undo(&plan, &err), 0);
		error_clear(&err);
	}
	rmdir(dir);
}

Test(files, a_shared_directory_that_others_remove_is_made_again)
{
	static const struct step_op op_other = { .name = "other", .apply = remove_directory };
	_cleanup_plan_ struct plan plan = { 0 };
	_cleanup_error_ struct error err = { 0 };
	char dir[] = "/tmp/ffsctl-plan-XXXXXX";
	char *shared;

	cr_assert_not_null(mkdtemp(dir));
	shared = strf("%s/shared", dir);
	plan_add(&plan, &plan_op_mkdir_shared, shared, NULL, NULL, NULL);
	plan_add(&plan, &op_other, xstrdup(shared), NULL, NULL, NULL);
	plan_add(&plan, &plan_op_mkdir, strf("%s/mine", shared), NULL, NULL, PLAN_SHARED_PARENT);
	cr_assert_eq(plan_apply(&plan, &err), 0, "%s", err.text);
	cr_assert_eq(plan_undo(&plan, &err), 0);
	cr_assert_eq(access(shared, F_OK), -1);

	/* A missing parent that the plan has not made is not made. */
	plan_add(&plan, &plan_op_mkdir, strf("%s/no/mine", dir), NULL, NULL, NULL);
	plan.next_step = plan.n - 1;
	cr_assert_eq(plan_apply(&plan, &err), -ENOENT);
	rmdir(dir);
}

Test(plan, a_damaged_record_is_refused)
{
	static const char *const records[] = {
		"{}",
		"[1]",
		"[{\"do\": \"symlink\", \"path\": \"/x\"}]",
		"[{\"do\": \"symlink\", \"path\": \"x\", \"value\": \"y\"}]",
		"[{\"do\": \"mkdir\", \"path\": \"/\"}]",
		"[{\"do\": \"mkdir\", \"path\": 7}]",
	};
	static const struct step_op *const ops[] = { &plan_op_symlink, &plan_op_mkdir, NULL };

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		_cleanup_plan_ struct plan plan = { 0 };
		_cleanup_error_ struct error err = { 0 };
		json_t *json = json_loads(records[i], 0, NULL);

		cr_assert_not_null(json);
		cr_expect_lt(plan_from_json(&plan, json, ops, &err), 0, "%s", records[i]);
		cr_expect_eq(err.exit, EX_SOFTWARE);
		json_decref(json);
	}
}

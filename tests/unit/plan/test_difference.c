/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes from one plan to another, in a model of configfs: a directory cannot be removed while it
 * contains another one, or while a link leads to it; the order of links matters; a value stays
 * until another one is written.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../rounds.h"
#include "plan/difference.h"

/* --- the model ----------------------------------------------------------------------------------
 */

#define NODES_MAX 64

struct node {
	char path[32], value[32];
	bool is_value, is_link;
};

static struct node nodes[NODES_MAX];
static size_t n_nodes;
static int n_refused; /* number of calls that the kernel would have refused */

static struct node *find(const char *path)
{
	for (size_t i = 0; i < n_nodes; i++)
		if (streq(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static struct node *make_node(const char *path, const char *value)
{
	struct node *node = &nodes[n_nodes++];

	cr_assert_leq(n_nodes, NODES_MAX);
	*node = (struct node){ .is_value = false };
	snprintf(node->path, sizeof(node->path), "%s", path);
	snprintf(node->value, sizeof(node->value), "%s", value ? value : "");
	return node;
}

static bool parent_exists(const char *path)
{
	char *parent = path_parent(path);
	bool exists = !*parent || find(parent);

	free(parent);
	return exists;
}

static bool is_in_use(const struct node *node)
{
	for (size_t i = 0; i < n_nodes; i++)
		if (!nodes[i].is_value && (path_is_below(nodes[i].path, node->path) ||
					   (nodes[i].is_link && streq(nodes[i].value, node->path))))
			return true;
	return false;
}

static void remove_node(struct node *node)
{
	size_t i = (size_t)(node - nodes);
	char path[32];

	strcpy(path, node->path);
	n_nodes--;
	memmove(&nodes[i], &nodes[i + 1], (n_nodes - i) * sizeof(*nodes));
	for (i = n_nodes; i-- > 0;) /* values are removed with their directory */
		if (path_is_below(nodes[i].path, path))
			remove_node(&nodes[i]);
}

static int refuse(const struct step *step, int e, struct error *err)
{
	n_refused++;
	return error_errno(err, EX_OSERR, e, step->path, "cannot handle %s", step->path);
}

/* Number of the call that fails next; 0: none. */
static int fails_at;

static bool fails(void)
{
	return fails_at > 0 && --fails_at == 0;
}

/* Path of the directory whose mkdir never finishes; NULL: none. */
static const char *never_made;

static int fail_as_planned(const struct step *step, struct error *err)
{
	return error_errno(err, EX_OSERR, EIO, step->path, "planted %s", step->path);
}

static int directory_apply(struct step *step, struct error *err)
{
	if (fails())
		return fail_as_planned(step, err);
	if (streq_null(step->path, never_made))
		return PLAN_AGAIN;
	if (find(step->path) || !parent_exists(step->path))
		return refuse(step, ENOENT, err);
	make_node(step->path, NULL);
	return 0;
}

static int undo(struct step *step, struct error *err)
{
	struct node *node = find(step->path);

	if (fails())
		return fail_as_planned(step, err);
	if (node && is_in_use(node))
		return refuse(step, EBUSY, err);
	if (node)
		remove_node(node);
	return 0;
}

static int link_apply(struct step *step, struct error *err)
{
	if (fails())
		return fail_as_planned(step, err);
	if (find(step->path) || !parent_exists(step->path) || !find(step->value))
		return refuse(step, ENOENT, err);
	make_node(step->path, step->value)->is_link = true;
	return 0;
}

static int write_value(struct step *step, const char *value, struct error *err)
{
	struct node *node = find(step->path);

	if (fails())
		return fail_as_planned(step, err);
	if (!parent_exists(step->path))
		return refuse(step, ENOENT, err);
	if (!node)
		node = make_node(step->path, "default");
	node->is_value = true;
	if (!step->previous_value)
		step->previous_value = xstrdup(node->value);
	snprintf(node->value, sizeof(node->value), "%s", value);
	return 0;
}

static int value_apply(struct step *step, struct error *err)
{
	return write_value(step, step->value, err);
}

static int value_restore(struct step *step, struct error *err)
{
	return write_value(step, step->previous_value, err);
}

static const struct step_op op_directory = {
	.name = "mkdir", .undo_name = "rmdir", .apply = directory_apply, .undo = undo
};
static const struct step_op op_link = {
	.name = "link", .undo_name = "unlink", .apply = link_apply, .undo = undo
};
static const struct step_op op_value = { .name = "write",
					 .apply = value_apply,
					 .restore_previous_value = value_restore };

static bool same_parent(const struct step *a, const struct step *b)
{
	char *pa = path_parent(a->path), *pb = path_parent(b->path);
	bool same = streq(pa, pb);

	free(pa);
	free(pb);
	return same;
}

static bool depends_on(const struct step *later, const struct step *earlier)
{
	if (earlier->op == &op_directory &&
	    (path_is_below(later->path, earlier->path) ||
	     (later->op == &op_link && streq(later->value, earlier->path))))
		return true;
	return later->op == &op_link && earlier->op == &op_link && same_parent(later, earlier);
}

/* A function is made again when one of its values changes. */
static bool earlier_must_be_reapplied_if_later_changes(const struct step *earlier,
						       const struct step *later)
{
	return earlier->op == &op_directory && str_has_prefix(earlier->path, "/f") &&
	       path_is_below(later->path, earlier->path);
}

static bool can_replace_in_place(const struct step *next, const struct step *last)
{
	return next->op->restore_previous_value && streq(next->path, last->path);
}

static const struct plan_rules rules = { depends_on, earlier_must_be_reapplied_if_later_changes,
					 can_replace_in_place };

/* --- plans as words: "/c" is a directory, "/c=1" a value, "/c/l>/f" a link ----------------------
 */

static struct plan plan_of(const char *words)
{
	struct plan plan = { 0 };
	char *text = xstrdup(words), *save = NULL;

	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t n = strcspn(word, "=>");
		const struct step_op *op = word[n] == '='   ? &op_value
					   : word[n] == '>' ? &op_link
							    : &op_directory;

		plan_add(&plan, op, xstrndup(word, n), word[n] ? xstrdup(word + n + 1) : NULL, NULL,
			 NULL);
	}
	free(text);
	return plan;
}

static void begin(struct plan *plan, const char *words)
{
	struct error err = { 0 };

	n_nodes = 0;
	n_refused = fails_at = 0;
	never_made = NULL;
	*plan = plan_of(words);
	cr_assert_eq(plan_apply(plan, &err), 0, "%s: %s", words, err.text);
}

/*
 * Returns the state of the model as words. The links of each directory are in the order in which
 * they were made.
 */
static char *state(void)
{
	char *text = xstrdup("");
	const char *last = "";

	for (size_t done = 0; done < n_nodes; done++) {
		const struct node *next = NULL;
		char *before = text;

		for (size_t i = 0; i < n_nodes; i++)
			if (!nodes[i].is_link && strcmp(nodes[i].path, last) > 0 &&
			    (!next || strcmp(nodes[i].path, next->path) < 0))
				next = &nodes[i];
		if (!next)
			break;
		last = next->path;
		/* A value that was restored is left out, like one that was never written. */
		if (next->is_value && streq(next->value, "default"))
			continue;
		text = strf("%s %s%s%s", before, next->path, next->is_value ? "=" : "",
			    next->value);
		free(before);
	}
	for (size_t k = 0; k < 2 * n_nodes; k++) {
		const struct node *node = &nodes[k % n_nodes];
		char *before = text;

		if (!node->is_link || !path_is_below(node->path, k < n_nodes ? "/c0" : "/c1"))
			continue;
		text = strf("%s %s>%s", before, node->path, node->value);
		free(before);
	}
	return text;
}

static char *state_of(const char *words)
{
	struct plan plan;
	char *text;

	begin(&plan, words);
	text = state();
	plan_free(&plan);
	return text;
}

/* --- which steps are kept -----------------------------------------------------------------------
 */

static char *changes_in_words(const char *old, const char *new)
{
	struct plan plan, next = plan_of(new);
	struct difference d;
	char *text = xstrdup("");

	begin(&plan, old);
	difference_make(&d, &plan, &next, &rules);
	for (size_t i = 0; i < d.n_changes; i++) {
		char *before = text;

		text = strf("%s%s%s %s", before, *before ? ", " : "",
			    change_verb(&d, &d.changes[i]),
			    plan.steps[d.changes[i].index_in_merged_plan].path);
		free(before);
	}
	difference_free(&d);
	plan_free(&plan);
	return text;
}

static void expect(const char *old, const char *new, const char *changes)
{
	char *got = changes_in_words(old, new);

	cr_expect_str_eq(got, changes, "%s -> %s:\n  got  %s\n  want %s", old, new, got, changes);
	free(got);
}

Test(difference, only_different_steps_change)
{
	expect("/c /c=1", "/c /c=1", "");
	expect("/c /c/v=1", "/c /c/v=2", "write /c/v");
	expect("/c /c/v=1", "/c", "restore /c/v");
	expect("/c", "/c /c/v=1", "write /c/v");
	expect("/c /d /d/v=1", "/c", "leave /d/v, rmdir /d");
	expect("/f /f/v=1", "/f /f/v=2", "leave /f/v, rmdir /f, mkdir /f, write /f/v");
}

Test(difference, steps_that_depend_on_a_change_are_undone_and_applied_again)
{
	expect("/f /f/v=1 /c /c/l>/f", "/f /f/v=2 /c /c/l>/f",
	       "unlink /c/l, leave /f/v, rmdir /f, mkdir /f, write /f/v, link /c/l");
	expect("/f /g /c /c/a>/f /c/b>/g", "/f /g /c /c/b>/g",
	       "unlink /c/b, unlink /c/a, link /c/b");
}

Test(difference, links_are_made_in_the_new_order)
{
	expect("/f /g /h /c /c/a>/f /c/b>/g /c/d>/h", "/f /g /h /c /c/a>/f /c/d>/h /c/b>/g",
	       "unlink /c/d, unlink /c/b, link /c/d, link /c/b");
	expect("/f /g /c /c/a>/f", "/f /g /c /c/b>/g /c/a>/f", "unlink /c/a, link /c/b, link /c/a");
	expect("/f /g /c /c/a>/f", "/g /f /c /c/a>/f /c/b>/g", "link /c/b");
}

/* --- from which gadget file a step is ------------------------------------------------------------
 */

static void set_file(struct plan *plan, const char *file)
{
	for (size_t i = 0; i < plan->n; i++)
		plan->steps[i].at =
			(struct position){ .file = file, .line = (unsigned int)i + 1, .column = 1 };
}

static void expect_file(const struct plan *plan, const char *file)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		cr_expect(streq_null(step->at.file, file), "%s is of %s", step->path,
			  step->at.file);
		cr_expect_eq(step->at.line, i + 1, "%s: line %u", step->path, step->at.line);
	}
}

Test(difference, afterwards_all_steps_are_of_one_gadget_file)
{
	const char *old = "/v=1 /f /f/v=1 /c /c/l>/f", *new = "/c /f /f/v=1 /c/l>/f /v=2";

	for (int back = 0; back < 2; back++) {
		struct plan plan, next = plan_of(new);
		struct error err = { 0 };
		struct difference d;

		begin(&plan, old);
		set_file(&plan, "old.conf");
		set_file(&next, "new.conf");
		difference_make(&d, &plan, &next, &rules);
		cr_expect_eq(d.n_changes, 1, "all but /v are kept");
		cr_expect_eq(difference_apply(&d, &err), 0, "%s", err.text);
		if (back)
			cr_expect_eq(difference_revert(&d, &err), 0, "%s", err.text);
		difference_finish_keeping_plan(&d,
					       back ? DIFFERENCE_OLD_PLAN : DIFFERENCE_NEW_PLAN);
		cr_expect_eq(plan.n, 5);
		expect_file(&plan, back ? "old.conf" : "new.conf");
		plan_free(&plan);
	}
}

/* --- random pairs of gadgets --------------------------------------------------------------------
 */

static char *random_words(unsigned int *seed)
{
	char *words = xstrdup("");
	int order[] = { 0, 1, 2, 3 };
	bool there[4];

#define ADD(...)                                                                                   \
	do {                                                                                       \
		char *before = words, *word = strf(__VA_ARGS__);                                   \
                                                                                                   \
		words = strf("%s %s", before, word);                                               \
		free(before);                                                                      \
		free(word);                                                                        \
	} while (0)

	for (int i = 3; i > 0; i--) {
		int k = rand_r(seed) % (i + 1), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	if (rand_r(seed) % 2)
		ADD("/v=%d", rand_r(seed) % 3);
	for (int i = 0; i < 4; i++) {
		int f = order[i];

		there[f] = rand_r(seed) % 4;
		if (!there[f])
			continue;
		ADD("/f%d", f);
		if (rand_r(seed) % 2)
			ADD("/f%d/v=%d", f, rand_r(seed) % 3);
		if (rand_r(seed) % 2)
			ADD("/f%d/d", f);
	}
	for (int c = 0; c < 2; c++) {
		if (rand_r(seed) % 4 == 0)
			continue;
		ADD("/c%d", c);
		if (rand_r(seed) % 2)
			ADD("/c%d/v=%d", c, rand_r(seed) % 3);
		for (int i = 0; i < 4; i++)
			if (there[order[i]] && rand_r(seed) % 3)
				ADD("/c%d/%d>/f%d", c, rand_r(seed) % 2 ? order[i] : order[i] + 4,
				    order[i]);
	}
	return words;
}

struct pair {
	char *old, *new, *old_state, *new_state;
	size_t n; /* number of changes */
};

/* Makes the changes of a pair. Call number `fail` fails; 0: none. */
static int make_changes(struct difference *d, struct plan *plan, const struct pair *p, int fail)
{
	struct plan next = plan_of(p->new);
	struct error err = { 0 };
	int r;

	begin(plan, p->old);
	difference_make(d, plan, &next, &rules);
	fails_at = fail;
	r = difference_apply(d, &err);
	fails_at = 0;
	error_clear(&err);
	return r;
}

static void expect_state(const struct pair *p, const char *want, const char *when, int n)
{
	char *got = state();

	cr_expect_str_eq(got, want, "%s -> %s, %s %d:\n  got %s\n want%s", p->old, p->new, when, n,
			 got, want);
	cr_expect_eq(n_refused, 0, "%s -> %s, %s %d: %d steps were refused", p->old, p->new, when,
		     n, n_refused);
	free(got);
}

static void expect_applied(struct pair *p)
{
	struct difference d;
	struct plan plan;

	cr_assert_eq(make_changes(&d, &plan, p, 0), 0, "%s -> %s", p->old, p->new);
	p->n = d.n_changes;
	difference_finish_keeping_plan(&d, DIFFERENCE_NEW_PLAN);
	expect_state(p, p->new_state, "applied", 0);
	cr_expect_eq(plan_undo(&plan, &(struct error){ 0 }), 0);
	cr_expect(n_nodes == 0 || nodes[0].is_value, "%s -> %s: down leaves %s", p->old, p->new,
		  nodes[0].path);
	plan_free(&plan);
}

static void expect_reverted(const struct pair *p, int fail)
{
	struct error err = { 0 };
	struct difference d;
	struct plan plan;

	if (make_changes(&d, &plan, p, fail) < 0)
		cr_expect_eq(difference_revert(&d, &err), 0, "%s", err.text);
	else
		fail = 0; /* there are fewer calls than that */
	difference_finish_keeping_plan(&d, fail ? DIFFERENCE_OLD_PLAN : DIFFERENCE_NEW_PLAN);
	expect_state(p, fail ? p->old_state : p->new_state, "reverted from", fail);
	error_clear(&err);
	plan_free(&plan);
}

/*
 * Undoes the merged plan as another process does after a kill: it has only the record, so every
 * step may have been applied.
 */
static void expect_undone(const struct pair *p, int fail, bool revert_first)
{
	struct error err = { 0 };
	struct difference d;
	struct plan plan;

	if (make_changes(&d, &plan, p, fail) < 0 && revert_first) {
		fails_at = 2;
		difference_revert(&d, &err);
		fails_at = 0;
		error_clear(&err);
	}
	difference_free(&d);
	n_refused = 0; /* a change that could not be reverted may have blocked others */
	plan_assume_applied(&plan);
	cr_expect_eq(plan_undo(&plan, &err), 0, "%s -> %s, found after %d: %s", p->old, p->new,
		     fail, err.text);
	cr_expect_eq(n_refused, 0);
	for (size_t i = 0; i < n_nodes; i++)
		cr_expect(nodes[i].is_value, "%s -> %s, found after %d: %s is left", p->old, p->new,
			  fail, nodes[i].path);
	error_clear(&err);
	plan_free(&plan);
}

Test(difference, any_change_can_be_applied_and_reverted_and_undone, .timeout = 120)
{
	unsigned int seed = 1;

	for (int round = 0; round < rounds(50, 2000); round++) {
		struct pair p = { .old = random_words(&seed), .new = random_words(&seed) };

		p.old_state = state_of(p.old);
		p.new_state = state_of(p.new);
		expect_applied(&p);
		for (int fail = 1; fail <= (int)p.n; fail++) {
			expect_reverted(&p, fail);
			expect_undone(&p, fail, false);
			expect_undone(&p, fail, true);
		}
		free(p.old);
		free(p.new);
		free(p.old_state);
		free(p.new_state);
	}
}

Test(difference, a_failed_revert_skips_the_steps_that_depend_on_it)
{
	struct pair p = { .old = "/f /f/v=1 /c /c/l>/f", .new = "/c" };
	struct error err = { 0 };
	struct difference d;
	struct plan plan;
	char text[80];

	/*
	 * The changes are unlink /c/l, leave /f/v, rmdir /f. When they are reverted, mkdir /f
	 * fails.
	 */
	cr_assert_eq(make_changes(&d, &plan, &p, 0), 0);
	fails_at = 1;
	cr_expect_eq(difference_revert(&d, &err), -EIO);
	snprintf(text, sizeof(text), "planted /f: %s", strerror(EIO));
	cr_expect_str_eq(err.text, text);
	cr_expect_null(difference_failed_step(&d), "several changes could not be reverted");
	cr_expect_null(find("/c/l"));
	cr_expect_eq(n_refused, 0);
	error_clear(&err);
	difference_free(&d);
	cr_expect_eq(plan_undo(&plan, &err), 0);
	cr_expect_eq(n_nodes, 0);
	plan_free(&plan);
}

Test(difference, the_only_failure_is_named_and_can_be_skipped)
{
	const struct pair there = { .old = "/c", .new = "/c /f /g" },
			  back = { .old = "/c /f", .new = "/c" };
	struct error err = { 0 };
	struct difference d;
	struct plan plan;

	cr_assert_eq(make_changes(&d, &plan, &there, 2), -EIO);
	cr_expect_str_eq(difference_failed_step(&d)->path, "/g");
	difference_skip_failed_change(&d);
	cr_expect_eq(difference_apply(&d, &err), 0);
	difference_finish_keeping_plan(&d, DIFFERENCE_NEW_PLAN);
	cr_expect_eq(plan.next_step, 3, "all is taken for applied");
	plan_free(&plan);

	cr_assert_eq(make_changes(&d, &plan, &back, 0), 0);
	fails_at = 1;
	cr_expect_eq(difference_revert(&d, &err), -EIO);
	fails_at = 0;
	cr_expect_str_eq(difference_failed_step(&d)->path, "/f");
	difference_skip_failed_change(&d);
	error_clear(&err);
	cr_expect_eq(difference_revert(&d, &err), 0);
	difference_finish_keeping_plan(&d, DIFFERENCE_OLD_PLAN);
	cr_expect_eq(plan.next_step, 2, "all is taken for applied");
	plan_free(&plan);
}

Test(difference, a_revert_that_is_given_up_has_failed)
{
	struct pair p = { .old = "/f /f/v=1 /g /c /c/l>/f", .new = "/c" };
	struct error err = { 0 };
	struct difference d;
	struct plan plan;

	/*
	 * The changes are unlink /c/l, rmdir /g, leave /f/v, rmdir /f. When they are reverted,
	 * mkdir /f never finishes.
	 */
	cr_assert_eq(make_changes(&d, &plan, &p, 0), 0);
	never_made = "/f";
	cr_expect_eq(difference_revert(&d, &err), PLAN_AGAIN);
	difference_fail_revert_by_timeout(&d, &err);
	cr_expect_eq(difference_revert(&d, &err), -ETIMEDOUT);
	cr_expect_str_eq(err.text, "cannot mkdir /f within the time given");
	cr_expect_not_null(find("/g"), "/g does not depend on /f and must exist again");
	cr_expect_null(find("/c/l"));
	cr_expect_eq(n_refused, 0);
	error_clear(&err);
	difference_free(&d);
	cr_expect_eq(plan_undo(&plan, &err), 0);
	cr_expect_eq(n_nodes, 0);
	plan_free(&plan);
}

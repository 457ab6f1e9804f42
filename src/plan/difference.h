/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one plan to another: what `reload` does, and the way back.
 *
 * Both plans are of the same gadget; the old one is applied. A step that both have, with the same
 * path and value, is kept. What only the old one has is undone, from its end; what only the new one
 * has is applied, from its front; in between nothing of the kept is touched. A step whose value has
 * changed is replaced where it stands, if it can be. Steps rest on one another (a link on the
 * function it leads to, the bind on nearly all): what rests on a step that changes is undone before
 * it and applied again after it. What rests on what the rooms above tell by rules.
 *
 * The two plans are merged into one, in an order in which it can be undone from its end whatever of
 * it is there. It is what the record holds while the change is under way: whoever finds that record
 * takes everything away, as after any other death. It is also what `down` undoes meanwhile.
 */
#pragma once

#include "plan/plan.h"

/* Of each rule both steps are of the same plan, `earlier` stands before `later`. */
struct plan_rules {
	/* `later` must be undone before `earlier` changes, and applied again afterwards. */
	bool (*rests_on)(const struct step *later, const struct step *earlier);
	/* `earlier` must be undone and applied again when `later`, which is a part of it, changes.
	 */
	bool (*remade_with)(const struct step *earlier, const struct step *later);
	/* Both are of the same op: `next`, of the new plan, is `last` with another value. */
	bool (*replaces)(const struct step *next, const struct step *last);
};

enum change_kind {
	CHANGE_UNDO,	/* a step of the old plan */
	CHANGE_APPLY,	/* a step of the new plan */
	CHANGE_REPLACE, /* a step of the old plan by one of the new */
};

struct change {
	enum change_kind kind;
	size_t step; /* index in the merged plan */
	size_t last; /* CHANGE_REPLACE: the step whose place it takes */
	/* A value in a directory that comes or goes with this reload: there is nothing to restore.
	 */
	bool with_directory;
	bool failed; /* on the way back */
};

struct difference {
	struct plan *plan; /* the merged one, while there is a difference */
	const struct plan_rules *rules;
	struct change *changes;
	size_t n;
	size_t next;		 /* the first change that is not made */
	size_t *old_at, *new_at; /* where the steps of both plans are in the merged one */
	size_t n_old, n_new;
	struct origin *origins; /* of the new plan's steps */
	bool back_failed;
};

/*
 * Makes `plan`, which is applied, the merged plan of itself and `next`, which is empty afterwards.
 * Nothing is changed on the machine.
 */
void difference_make(struct difference *d, struct plan *plan, struct plan *next,
		     const struct plan_rules *rules);

/* As plan_apply, also PLAN_SOON: makes the changes, from the first that is not made. */
int difference_apply(struct difference *d, struct error *err);

/*
 * Takes the changes that were made back, from the last. Goes on after a failure, without what rests
 * on that; then returns the first one's errno and text, to which the paths of others are added.
 * Waits as difference_apply does. `err` has to be the same in all calls.
 */
int difference_take_back(struct difference *d, struct error *err);
/*
 * The step of the change at which difference_apply has failed, or the only one that
 * difference_take_back could not take back; NULL: there are several.
 */
const struct step *difference_failed(const struct difference *d);
/*
 * Takes that change, which must not be a CHANGE_REPLACE, for made, or for taken back: somebody else
 * sees to its step.
 */
void difference_forgive(struct difference *d);
/* On the way back: what is waited for does not come; goes on without it. */
void difference_give_up(struct difference *d, struct error *err);

enum difference_end { DIFFERENCE_OLD, DIFFERENCE_NEW };
/* The plan is one of the two again: the other's steps are gone, its origins may go. */
void difference_end(struct difference *d, enum difference_end which);
/* The plan stays as it is, merged. */
void difference_free(struct difference *d);

/* Whether a step stays as it is. `step` is one of the merged plan. */
bool difference_keeps(const struct difference *d, const struct step *step);

/* What is done, in one word: "write-text", "rmdir", "restore"; and to take it back. */
const char *change_word(const struct difference *d, const struct change *change);
const char *change_back_word(const struct difference *d, const struct change *change);
/* As plan_to_json; the caller owns it. */
json_t *difference_to_json(const struct difference *d);

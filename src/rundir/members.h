/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a struct as members of a JSON object, by a table: status, control requests and answers
 * are written, read, copied and freed by the same rows.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

enum member_type {
	MEMBER_NAME,  /* char *, owned; "?" if the object has none, so never NULL */
	MEMBER_TEXT,  /* char *, owned; NULL: null */
	MEMBER_WORD,  /* an enum; 0, or a value that has none: null; an unknown word is read as 0 */
	MEMBER_PID,   /* pid_t; 0: null */
	MEMBER_TIME,  /* time_t, seconds since the epoch; 0: null */
	MEMBER_COUNT, /* unsigned int */
	MEMBER_BYTES, /* int64_t; -1: null */
	MEMBER_SECONDS, /* double */
	MEMBER_FLAG,	/* bool */
	MEMBER_OBJECT,	/* json_t *, an object, owned; NULL: null */
};

struct member {
	const char *name; /* in the object */
	size_t offset;	  /* in the struct */
	enum member_type type;
	const char *const *words; /* of MEMBER_WORD, by the values of the enum */
	size_t n_words;
};

struct members {
	const struct member *v;
	size_t n;
};

/* Returns the value as JSON, which the caller owns; NULL: text that is not UTF-8. */
json_t *member_to_json(const struct member *member, const void *of);
/* Adds all members of the struct `of` to the object. Text that is not UTF-8 becomes null. */
void members_to_json(const struct members *members, const void *of, json_t *object);
/*
 * Reads the members that the object has, and sets the others to their values for null. Returns the
 * name of a member whose value is of another type or too large, else NULL. The caller frees the
 * members with members_free, also on failure.
 */
const char *members_from_json(const struct members *members, void *of, const json_t *object);
/* Copies the members to another struct, whose members are freed before. */
void members_copy(const struct members *members, void *to, const void *from);
void members_free(const struct members *members, void *of);

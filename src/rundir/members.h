/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that map the members of a struct to the members of a JSON object. The same table is used
 * to write, read, copy and free a status, a control request or a control answer.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum member_type {
	MEMBER_NAME,  /* char *, owned, never NULL: "?" if the object has no such member */
	MEMBER_TEXT,  /* char *, owned; NULL is null in JSON */
	MEMBER_WORD,  /* an enum; a value that has no word is null in JSON, an unknown word is read
			 as 0 */
	MEMBER_PID,   /* pid_t; 0 is null in JSON */
	MEMBER_TIME,  /* time_t, seconds since the epoch; 0 is null in JSON */
	MEMBER_COUNT, /* unsigned int */
	MEMBER_BYTES, /* int64_t; -1 is null in JSON */
	MEMBER_SECONDS, /* double */
	MEMBER_FLAG,	/* bool */
	MEMBER_OBJECT,	/* json_t *, owned: a JSON object; NULL is null in JSON */
};

struct member {
	const char *name; /* name of the member in the JSON object */
	size_t offset;	  /* offset of the member in the struct */
	enum member_type type;
	const char *const *words; /* only MEMBER_WORD: the word for each value of the enum */
	size_t n_words;
};

struct members {
	const struct member *v;
	size_t n;
};

/*
 * Returns the value that a member has in the struct `of`, as JSON, which the caller owns; NULL if
 * it is a text that is not UTF-8.
 */
json_t *member_to_json(const struct member *member, const void *of);
/*
 * Adds all members of the struct `of` to the object. Returns false if a text is not UTF-8; it
 * becomes null.
 */
bool members_to_json(const struct members *members, const void *of, json_t *object);
/*
 * Reads the members that the object has, and sets the other members of the struct to their values
 * for null. Returns the name of a member whose value is of another type or too large, else NULL.
 * The caller frees the members with members_free, also on failure.
 */
const char *members_from_json(const struct members *members, void *of, const json_t *object);
/*
 * Copies the members of the struct `from` to the struct `to`, whose old members are freed before.
 */
void members_copy(const struct members *members, void *to, const void *from);
void members_free(const struct members *members, void *of);

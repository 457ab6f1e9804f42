/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that map the members of a struct to the members of a JSON object. The functions below use
 * such a table to write, read, copy and free a struct: a status, or a request or answer of the
 * control socket.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum json_member_type {
	MEMBER_NAME, /* char *, owned, never NULL; "?" if the JSON object has no such member */
	MEMBER_TEXT, /* char *, owned; NULL is null in JSON */
	MEMBER_ENUM, /* an enum, a word in JSON; a value that has no word is null, and an unknown
			word becomes the value 0 */
	MEMBER_PID,  /* pid_t; 0 is null in JSON */
	MEMBER_TIME, /* time_t, seconds since the epoch; 0 is null in JSON */
	MEMBER_UNSIGNED, /* unsigned int */
	MEMBER_BYTES,	 /* int64_t; -1 is null in JSON */
	MEMBER_SECONDS,	 /* double */
	MEMBER_FLAG,	 /* bool */
	MEMBER_OBJECT,	 /* json_t *, owned: a JSON object; NULL is null in JSON */
};

struct json_member {
	const char *name; /* name of the member in the JSON object */
	size_t offset;	  /* offset of the member in the struct */
	enum json_member_type type;
	const char *const *enum_names; /* for MEMBER_ENUM: the word for each value of the enum */
	size_t n_enum_names;
};

struct json_members {
	const struct json_member *list;
	size_t n;
};

/*
 * Returns the value of a member of `structure` as JSON; the caller owns it. Returns NULL for a text
 * that is not UTF-8.
 */
json_t *json_member_to_json(const struct json_member *member, const void *structure);
/*
 * Adds all members of `structure` to the JSON object. Returns false if a text is not UTF-8; this
 * text becomes null.
 */
bool json_members_write(const struct json_members *members, const void *structure, json_t *object);
/*
 * Sets all members of `structure` from the JSON object. A member that the object does not have gets
 * the value that stands for null. Returns NULL or, if a JSON value has a wrong type or is too
 * large, the name of the member. The caller frees the members with json_members_free, also on
 * failure.
 */
const char *json_members_read(const struct json_members *members, void *structure,
			      const json_t *object);
/* Frees the members of the struct `to`, then copies the members of the struct `from` to it. */
void json_members_copy(const struct json_members *members, void *to, const void *from);
void json_members_free(const struct json_members *members, void *structure);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/json_members.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"

/* A pointer to a member of a struct; the type of the member decides which of these is valid. */
union member_pointer {
	void *any;
	const char **text;
	unsigned int *enum_value, *unsigned_number;
	pid_t *pid;
	time_t *time;
	int64_t *bytes;
	double *seconds;
	bool *flag;
	json_t **object;
};

static union member_pointer member_pointer(const struct json_member *member, const void *structure)
{
	return (union member_pointer){ .any = (char *)structure + member->offset };
}

static json_t *enum_to_json(const struct json_member *member, unsigned int value)
{
	return json_string_or_null(value < member->n_enum_names ? member->enum_names[value] : NULL);
}

json_t *json_member_to_json(const struct json_member *member, const void *structure)
{
	const union member_pointer at = member_pointer(member, structure);

	switch (member->type) {
	case MEMBER_NAME:
	case MEMBER_TEXT:
		return *at.text ? json_string(*at.text) : json_null();
	case MEMBER_ENUM:
		return enum_to_json(member, *at.enum_value);
	case MEMBER_PID:
		return *at.pid > 0 ? json_integer(*at.pid) : json_null();
	case MEMBER_TIME:
		return *at.time ? json_integer(*at.time) : json_null();
	case MEMBER_UNSIGNED:
		return json_integer(*at.unsigned_number);
	case MEMBER_BYTES:
		return *at.bytes >= 0 ? json_integer(*at.bytes) : json_null();
	case MEMBER_SECONDS:
		return json_real(*at.seconds);
	case MEMBER_FLAG:
		return json_boolean(*at.flag);
	case MEMBER_OBJECT:
		return *at.object ? json_incref(*at.object) : json_null();
	}
	return json_null();
}

bool json_members_write(const struct json_members *members, const void *structure, json_t *object)
{
	bool is_utf8 = true;

	for (size_t i = 0; i < members->n; i++) {
		json_t *value = json_member_to_json(&members->list[i], structure);

		is_utf8 = is_utf8 && value;
		json_object_set_new(object, members->list[i].name, value ? value : json_null());
	}
	return is_utf8;
}

static const size_t sizes[] = {
	[MEMBER_NAME] = sizeof(char *),	  [MEMBER_TEXT] = sizeof(char *),
	[MEMBER_ENUM] = sizeof(int),	  [MEMBER_PID] = sizeof(pid_t),
	[MEMBER_TIME] = sizeof(time_t),	  [MEMBER_UNSIGNED] = sizeof(unsigned int),
	[MEMBER_BYTES] = sizeof(int64_t), [MEMBER_SECONDS] = sizeof(double),
	[MEMBER_FLAG] = sizeof(bool),	  [MEMBER_OBJECT] = sizeof(json_t *),
};

static bool is_text_member(const struct json_member *member)
{
	return member->type == MEMBER_NAME || member->type == MEMBER_TEXT;
}

static void set_member_for_json_null(const struct json_member *member, void *structure)
{
	const union member_pointer at = member_pointer(member, structure);

	memset(at.any, 0, sizes[member->type]);
	if (member->type == MEMBER_NAME)
		*at.text = xstrdup("?");
	if (member->type == MEMBER_BYTES)
		*at.bytes = -1;
}

static unsigned int enum_from_json(const struct json_member *member, const json_t *value)
{
	for (unsigned int i = 0; i < member->n_enum_names; i++)
		if (streq_null(member->enum_names[i], json_string_value(value)))
			return i;
	return 0;
}

/* Returns whether the JSON value is an integer from `least` to `most`. */
static bool is_within(const json_t *value, json_int_t least, json_int_t most)
{
	return json_is_integer(value) && json_integer_value(value) >= least &&
	       json_integer_value(value) <= most;
}

static bool is_valid(const struct json_member *member, const json_t *value)
{
	switch (member->type) {
	case MEMBER_NAME:
	case MEMBER_TEXT:
	case MEMBER_ENUM:
		return json_is_string(value);
	case MEMBER_PID:
		return is_within(value, 0, INT_MAX);
	case MEMBER_UNSIGNED:
		return is_within(value, 0, UINT_MAX);
	case MEMBER_TIME:
	case MEMBER_BYTES:
		return is_within(value, 0, INT64_MAX);
	case MEMBER_SECONDS:
		return json_is_number(value);
	case MEMBER_FLAG:
		return json_is_boolean(value);
	case MEMBER_OBJECT:
		return json_is_object(value);
	}
	return false;
}

static void set_value(const struct json_member *member, void *structure, json_t *value)
{
	const union member_pointer at = member_pointer(member, structure);

	switch (member->type) {
	case MEMBER_NAME:
	case MEMBER_TEXT:
		*at.text = xstrdup(json_string_value(value));
		break;
	case MEMBER_ENUM:
		*at.enum_value = enum_from_json(member, value);
		break;
	case MEMBER_PID:
		*at.pid = (pid_t)json_integer_value(value);
		break;
	case MEMBER_TIME:
		*at.time = (time_t)json_integer_value(value);
		break;
	case MEMBER_UNSIGNED:
		*at.unsigned_number = (unsigned int)json_integer_value(value);
		break;
	case MEMBER_BYTES:
		*at.bytes = (int64_t)json_integer_value(value);
		break;
	case MEMBER_SECONDS:
		*at.seconds = json_number_value(value);
		break;
	case MEMBER_FLAG:
		*at.flag = json_is_true(value);
		break;
	case MEMBER_OBJECT:
		*at.object = json_incref(value);
		break;
	}
}

const char *json_members_read(const struct json_members *members, void *structure,
			      const json_t *object)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < members->n; i++) {
		const struct json_member *member = &members->list[i];
		json_t *value = json_object_get(object, member->name);

		if (value && !json_is_null(value) && is_valid(member, value)) {
			set_value(member, structure, value);
			continue;
		}
		set_member_for_json_null(member, structure);
		if (value && !json_is_null(value))
			wrong = member->name;
	}
	return wrong;
}

void json_members_free(const struct json_members *members, void *structure)
{
	for (size_t i = 0; i < members->n; i++) {
		const union member_pointer at = member_pointer(&members->list[i], structure);

		if (is_text_member(&members->list[i]))
			free((char *)steal_ptr(*at.text));
		else if (members->list[i].type == MEMBER_OBJECT)
			json_decref(steal_ptr(*at.object));
	}
}

void json_members_copy(const struct json_members *members, void *to, const void *from)
{
	json_members_free(members, to);
	for (size_t i = 0; i < members->n; i++) {
		const struct json_member *member = &members->list[i];
		const union member_pointer source = member_pointer(member, from),
					   target = member_pointer(member, to);

		memcpy(target.any, source.any, sizes[member->type]);
		if (is_text_member(member) && *source.text)
			*target.text = xstrdup(*source.text);
		else if (member->type == MEMBER_OBJECT)
			json_incref(*source.object);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"

#define STATUS_MAX (4 * 1024 * 1024)

const char *const gadget_state_in_status_words[GADGET_STATE_IN_STATUS_COUNT] = {
	[STATUS_READY] = "ready",	[STATUS_STARTING] = "starting",
	[STATUS_DEGRADED] = "degraded", [STATUS_FAILED] = "failed",
	[STATUS_UNBOUND] = "unbound",	[STATUS_DOWN] = "down",
	[STATUS_FOREIGN] = "foreign",
};

const char *const worker_state_in_status_words[WORKER_STATE_IN_STATUS_COUNT] = {
	[STATUS_WORKER_STOPPED] = "stopped",   [STATUS_WORKER_PENDING] = "pending",
	[STATUS_WORKER_STARTING] = "starting", [STATUS_WORKER_READY] = "ready",
	[STATUS_WORKER_WAITING] = "waiting",   [STATUS_WORKER_FAILED] = "failed",
	[STATUS_WORKER_DONE] = "done",
};

const char *const problem_severity_words[PROBLEM_SEVERITY_COUNT] = {
	[PROBLEM_ERROR] = "error",
	[PROBLEM_WARNING] = "warning",
};

/* --- the tables --------------------------------------------------------------------------------
 */

#define WORDS(table) .type = MEMBER_ENUM, .enum_names = (table), .n_enum_names = ARRAY_SIZE(table)
#define ROW_NAME .type = MEMBER_NAME
#define ROW_TEXT .type = MEMBER_TEXT
#define ROW_PID .type = MEMBER_PID
#define ROW_TIME .type = MEMBER_TIME
#define ROW_COUNT .type = MEMBER_UNSIGNED
#define ROW_BYTES .type = MEMBER_BYTES
#define ROW_FLAG .type = MEMBER_FLAG
#define ROW_OBJECT .type = MEMBER_OBJECT
#define ROW_GADGET_STATE WORDS(gadget_state_in_status_words)
#define ROW_WORKER_STATE WORDS(worker_state_in_status_words)
#define ROW_PROBLEM_SEVERITY WORDS(problem_severity_words)

#define GADGET_ROW(type, member) { #member, offsetof(struct gadget_status, member), ROW_##type },
#define FUNCTION_ROW(type, member)                                                                 \
	{ #member, offsetof(struct function_status, member), ROW_##type },
#define WORKER_ROW(type, member) { #member, offsetof(struct worker_status, member), ROW_##type },
#define ENDPOINT_ROW(type, member)                                                                 \
	{ #member, offsetof(struct endpoint_status, member), ROW_##type },
#define PROBLEM_ROW(type, member) { #member, offsetof(struct status_problem, member), ROW_##type },

static const struct json_member gadget_rows[] = { GADGET_MEMBERS(GADGET_ROW)
							  GADGET_UP_MEMBERS(GADGET_ROW) };
static const struct json_member down_rows[] = { GADGET_MEMBERS(GADGET_ROW) };
static const struct json_member file_rows[] = { GADGET_FILE_MEMBERS(GADGET_ROW) };
static const struct json_member function_rows[] = { FUNCTION_MEMBERS(FUNCTION_ROW) };
static const struct json_member function_file_rows[] = { FUNCTION_FILE_MEMBERS(FUNCTION_ROW) };
static const struct json_member worker_rows[] = { WORKER_MEMBERS(WORKER_ROW) };
static const struct json_member endpoint_rows[] = { ENDPOINT_MEMBERS(ENDPOINT_ROW) };
static const struct json_member problem_rows[] = { PROBLEM_MEMBERS(PROBLEM_ROW) };
static const struct json_member position_rows[] = { PROBLEM_POSITION_MEMBERS(PROBLEM_ROW) };

const struct json_members gadget_fields = { gadget_rows, ARRAY_SIZE(gadget_rows) };
const struct json_members function_fields = { function_rows, ARRAY_SIZE(function_rows) };
const struct json_members worker_fields = { worker_rows, ARRAY_SIZE(worker_rows) };
static const struct json_members down_fields = { down_rows, ARRAY_SIZE(down_rows) };
static const struct json_members file_fields = { file_rows, ARRAY_SIZE(file_rows) };
static const struct json_members function_file_fields = { function_file_rows,
							  ARRAY_SIZE(function_file_rows) };
static const struct json_members endpoint_fields = { endpoint_rows, ARRAY_SIZE(endpoint_rows) };
static const struct json_members problem_fields = { problem_rows, ARRAY_SIZE(problem_rows) };
static const struct json_members position_fields = { position_rows, ARRAY_SIZE(position_rows) };

/* --- to JSON -----------------------------------------------------------------------------------
 */

static json_t *members_as_object(const struct json_members *members, const void *structure)
{
	json_t *object = json_object();

	json_members_write(members, structure, object);
	return object;
}

static json_t *function_to_json(const struct function_status *function)
{
	json_t *object = members_as_object(&function_fields, function), *endpoints = json_array();

	for (size_t i = 0; i < function->n_endpoints; i++)
		json_array_append_new(endpoints,
				      members_as_object(&endpoint_fields, &function->endpoints[i]));
	json_object_set_new(object, "endpoints", endpoints);
	json_object_set_new(object, "worker",
			    function->has_worker
				    ? members_as_object(&worker_fields, &function->worker)
				    : json_null());
	return object;
}

static json_t *problem_to_json(const struct status_problem *problem)
{
	json_t *object = members_as_object(&problem_fields, problem);

	if (problem->has_position)
		json_members_write(&position_fields, problem, object);
	return object;
}

json_t *status_to_json(const struct gadget_status *status)
{
	json_t *object = members_as_object(
		status->state == STATUS_DOWN ? &down_fields : &gadget_fields, status);
	json_t *functions = json_array(), *problems = json_array();

	for (size_t i = 0; i < status->n_functions; i++)
		json_array_append_new(functions, function_to_json(&status->functions[i]));
	for (size_t i = 0; i < status->n_problems; i++)
		json_array_append_new(problems, problem_to_json(&status->problems[i]));
	json_object_set_new(object, "functions", functions);
	json_object_set_new(object, "problems", problems);
	return object;
}

json_t *statuses_to_json(const struct gadget_statuses *statuses)
{
	json_t *array = json_array();

	for (size_t i = 0; i < statuses->n; i++)
		json_array_append_new(array, status_to_json(&statuses->list[i]));
	return array;
}

int status_file_write(const struct rundir *rundir, const struct gadget_status *status,
		      struct error *err)
{
	json_t *json = status_to_json(status), *links = json_array();
	int r;

	for (size_t i = 0; i < status->n_configfs_symlinks; i++)
		json_array_append_new(links, json_string_or_null(status->configfs_symlinks[i]));
	json_object_set_new(json, "links", links);
	for (size_t i = 0; i < status->n_functions; i++)
		json_members_write(&function_file_fields, &status->functions[i],
				   json_array_get(json_object_get(json, "functions"), i));
	json_members_write(&file_fields, status, json);
	r = rundir_write(rundir, RUNDIR_STATUS, json, err);
	json_decref(json);
	return r;
}

/* --- from JSON ---------------------------------------------------------------------------------
 */

/* Like json_members_read, the following functions return NULL or the name of an invalid member. */

static const char *read_endpoints(struct function_status *function, const json_t *list)
{
	const char *wrong = NULL, *name;
	const json_t *json;
	size_t i;

	json_array_foreach(list, i, json) {
		name = json_members_read(&endpoint_fields,
					 array_add(function->endpoints, function->n_endpoints),
					 json);
		wrong = name ?: wrong;
	}
	return wrong;
}

static const char *read_function(struct function_status *function, const json_t *json)
{
	const json_t *worker = json_object_get(json, "worker");
	const char *wrong = json_members_read(&function_fields, function, json);
	const char *wrong_endpoint = read_endpoints(function, json_object_get(json, "endpoints"));
	const char *wrong_worker = json_members_read(&worker_fields, &function->worker, worker);
	const char *wrong_in_file = json_members_read(&function_file_fields, function, json);

	function->has_worker = json_is_object(worker);
	return wrong ?: wrong_endpoint ?: wrong_worker ?: wrong_in_file;
}

static const char *read_functions(struct gadget_status *status, const json_t *list)
{
	const char *wrong = NULL, *name;
	const json_t *json;
	size_t i;

	json_array_foreach(list, i, json) {
		name = read_function(array_add(status->functions, status->n_functions), json);
		wrong = name ?: wrong;
	}
	return wrong;
}

static const char *read_problems(struct gadget_status *status, const json_t *list)
{
	const char *wrong = NULL;
	const json_t *json;
	size_t i;

	json_array_foreach(list, i, json) {
		struct status_problem *problem = array_add(status->problems, status->n_problems);
		const char *name = json_members_read(&problem_fields, problem, json);
		const char *position = json_members_read(&position_fields, problem, json);

		problem->has_position = json_object_get(json, "line");
		wrong = name ?: position ?: wrong;
	}
	return wrong;
}

static const char *read_configfs_symlinks(struct gadget_status *status, const json_t *list)
{
	const json_t *link;
	size_t i;

	json_array_foreach(list, i, link) {
		if (!json_is_string(link))
			return "links";
		*array_add(status->configfs_symlinks, status->n_configfs_symlinks) =
			xstrdup(json_string_value(link));
	}
	return NULL;
}

static const char *read_status(struct gadget_status *status, const json_t *json)
{
	const json_t *functions = json_object_get(json, "functions"),
		     *problems = json_object_get(json, "problems");
	const char *wrong[] = {
		json_members_read(&gadget_fields, status, json),
		json_members_read(&file_fields, status, json),
		json_is_array(functions) ? read_functions(status, functions) : "functions",
		json_is_array(problems) ? read_problems(status, problems) : "problems",
		read_configfs_symlinks(status, json_object_get(json, "links")),
		status->state == STATUS_UNKNOWN ? "state" : NULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (wrong[i])
			return wrong[i];
	return NULL;
}

int status_parse(const char *text, size_t size, struct gadget_status *status, struct error *err)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, 0, &error);
	const char *wrong;

	*status = (struct gadget_status){ 0 };
	if (!json)
		return error_set(err, EX_IOERR, EBADMSG, NULL, "the status file is damaged: %s",
				 error.text);
	wrong = read_status(status, json);
	json_decref(json);
	return wrong ? error_set(err, EX_IOERR, EBADMSG, NULL,
				 "the status file is damaged: '%s' is missing or invalid", wrong)
		     : 0;
}

int status_file_read(const struct paths *paths, const char *name, struct gadget_status *status,
		     struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, err);

	*status = (struct gadget_status){ 0 };
	if (r < 0)
		return r;
	r = status_parse(text, size, status, err);
	return r < 0 ? error_wrap(err, "%s/%s/" RUNDIR_STATUS, paths->run_dir, name) : 0;
}

/* --- memory ------------------------------------------------------------------------------------
 */

void worker_status_copy(struct worker_status *to, const struct worker_status *from)
{
	json_members_copy(&worker_fields, to, from);
}

void worker_status_free(struct worker_status *status)
{
	json_members_free(&worker_fields, status);
}

static void free_function_status(struct function_status *function)
{
	for (size_t i = 0; i < function->n_endpoints; i++)
		json_members_free(&endpoint_fields, &function->endpoints[i]);
	free(function->endpoints);
	worker_status_free(&function->worker);
	json_members_free(&function_fields, function);
	json_members_free(&function_file_fields, function);
}

void status_clear_problems(struct gadget_status *status)
{
	for (size_t i = 0; i < status->n_problems; i++) {
		json_members_free(&problem_fields, &status->problems[i]);
		json_members_free(&position_fields, &status->problems[i]);
	}
	free(steal_ptr(status->problems));
	status->n_problems = 0;
}

void status_free(struct gadget_status *status)
{
	for (size_t i = 0; i < status->n_functions; i++)
		free_function_status(&status->functions[i]);
	for (size_t i = 0; i < status->n_configfs_symlinks; i++)
		free(status->configfs_symlinks[i]);
	status_clear_problems(status);
	free(status->functions);
	free(status->configfs_symlinks);
	json_members_free(&gadget_fields, status);
	*status = (struct gadget_status){ 0 };
}

void statuses_free(struct gadget_statuses *statuses)
{
	for (size_t i = 0; i < statuses->n; i++)
		status_free(&statuses->list[i]);
	free(statuses->list);
	*statuses = (struct gadget_statuses){ 0 };
}

/* --- parts -------------------------------------------------------------------------------------
 */

const struct function_status *status_find_function(const struct gadget_status *status,
						   const char *label)
{
	for (size_t i = 0; i < status->n_functions; i++)
		if (streq(status->functions[i].label, label))
			return &status->functions[i];
	return NULL;
}

struct status_problem *status_add_problem(struct gadget_status *status,
					  enum problem_severity severity, char *text)
{
	struct status_problem *problem = array_add(status->problems, status->n_problems);

	*problem = (struct status_problem){ .severity = severity, .text = text };
	return problem;
}

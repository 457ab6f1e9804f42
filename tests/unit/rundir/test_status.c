/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status file: written values are read back, also by other versions; damaged files are errors.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rundir/status.h"

static char top[32];
static struct paths paths = { .run_dir = top };
static struct rundir rundir;

static void make_rundir(void)
{
	_cleanup_error_ struct error err = { 0 };

	strcpy(top, "/dev/shm/ffsctl-status-XXXXXX");
	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(rundir_lock(&rundir, &paths, "g", OWNER_SUPERVISOR, &err), 0, "%s", err.text);
}

static void remove_rundir(void)
{
	_cleanup_error_ struct error err = { 0 };

	cr_expect_eq(rundir_remove(&rundir, &err), 0, "%s", err.text);
	rmdir(top);
}

TestSuite(status, .init = make_rundir, .fini = remove_rundir, .timeout = 60);

/* Makes a status in which each member has a value of its own. */
static struct gadget_status make_status(void)
{
	struct gadget_status status = {
		.name = xstrdup("g"),
		.file = xstrdup("/etc/g.conf"),
		.state = STATUS_DEGRADED,
		.udc = xstrdup("dummy_udc.0"),
		.udc_state = xstrdup("configured"),
		.speed = xstrdup("high-speed"),
		.configured_by = xstrdup("udc"),
		.host_failure = xstrdup("the kernel logged \"no\""),
		.host_hint = xstrdup("set max_speed"),
		.since = 1700000000,
		.supervisor = 4711,
		.configured = true,
		.lost = true,
	};
	struct function_status *echo = array_add(status.functions, status.n_functions), *ecm;
	struct status_problem *problem;

	*echo = (struct function_status){
		.label = xstrdup("echo"),
		.type = xstrdup("ffs"),
		.instance = xstrdup("g-echo"),
		.mount = xstrdup("/dev/ffs/g/echo"),
		.device = xstrdup("/dev/echo"),
		.keeper = 4712,
		.has_worker = true,
		.worker = { .state = STATUS_WORKER_WAITING,
			    .pid = 4713,
			    .engine = xstrdup("mmap"),
			    .restarts = 3,
			    .last_exit = xstrdup("signal 9 (Killed)"),
			    .ready_since = 1700000001,
			    .stats = json_pack("{s:i}", "packets", 7) },
	};
	*array_add(echo->endpoints, echo->n_endpoints) = (struct endpoint_status){
		.file = xstrdup("ep1"),
		.address = 0x81,
		.type = xstrdup("bulk"),
		.direction = xstrdup("in"),
		.max_packet = 512,
		.bytes = INT64_C(1) << 40,
	};
	*array_add(echo->endpoints, echo->n_endpoints) = (struct endpoint_status){
		.file = xstrdup("ep2"),
		.address = 1,
		.type = xstrdup("interrupt"),
		.direction = xstrdup("out"),
		.max_packet = 8,
		.bytes = -1,
	};
	ecm = array_add(status.functions, status.n_functions);
	*ecm = (struct function_status){ .label = xstrdup("net"),
					 .type = xstrdup("ecm"),
					 .instance = xstrdup("0"),
					 .ifname = xstrdup("usb0") };
	status_add_problem(&status, PROBLEM_ERROR, xstrdup("it failed"));
	problem = status_add_problem(&status, PROBLEM_WARNING, xstrdup("changed by the kernel"));
	problem->has_position = true;
	problem->file = xstrdup("/etc/g.conf");
	problem->line = 3;
	problem->column = 9;
	*array_add(status.configfs_symlinks, status.n_configfs_symlinks) =
		xstrdup("/sys/kernel/config/link");
	return status;
}

static char *file_text(void)
{
	_cleanup_error_ struct error err = { 0 };
	char *text = NULL;
	size_t size;

	cr_assert_eq(rundir_read_text(&paths, "g", RUNDIR_STATUS, 1 << 20, &text, &size, &err), 0);
	return text;
}

static char *write_status(const struct gadget_status *status)
{
	_cleanup_error_ struct error err = { 0 };

	cr_assert_eq(status_file_write(&rundir, status, &err), 0, "%s", err.text);
	return file_text();
}

Test(status, what_is_written_is_read_back)
{
	struct gadget_status status = make_status(), back;
	_cleanup_free_ char *text = write_status(&status), *again = NULL;
	_cleanup_error_ struct error err = { 0 };
	const struct function_status *echo;

	cr_assert_eq(status_file_read(&paths, "g", &back, &err), 0, "%s", err.text);
	again = write_status(&back);
	cr_expect_str_eq(again, text);

	cr_expect_eq(back.state, STATUS_DEGRADED);
	cr_expect_eq(back.supervisor, 4711);
	cr_expect_eq(back.since, 1700000000);
	cr_expect(back.configured && back.lost && !back.taken && !back.held && !back.no_bind);
	echo = status_find_function(&back, "echo");
	cr_assert_not_null(echo);
	cr_expect_eq(echo->worker.state, STATUS_WORKER_WAITING);
	cr_expect_eq(echo->worker.restarts, 3U);
	cr_expect_str_eq(echo->worker.last_exit, "signal 9 (Killed)");
	cr_expect_eq(echo->endpoints[0].bytes, INT64_C(1) << 40);
	cr_expect_eq(echo->endpoints[1].bytes, -1);
	cr_expect_not(back.functions[1].has_worker);
	cr_expect_null(back.functions[1].mount);
	cr_expect_eq(back.problems[0].severity, PROBLEM_ERROR);
	cr_expect_not(back.problems[0].has_position);
	cr_expect_eq(back.problems[1].line, 3U);
	cr_expect_str_eq(back.configfs_symlinks[0], "/sys/kernel/config/link");
	status_free(&status);
	status_free(&back);
}

Test(status, the_document_has_no_values_of_the_file_alone)
{
	static const char *const alone[] = { "configured", "host_failure", "host_hint", "no_bind",
					     "lost",	   "taken",	   "held",	"links" };
	struct gadget_status status = make_status();
	json_t *json = status_to_json(&status);

	for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
		cr_expect_null(json_object_get(json, alone[i]), "%s", alone[i]);
	cr_expect_eq(json_object_size(json_array_get(json_object_get(json, "problems"), 0)), 2U);
	json_decref(json);
	status.state = STATUS_DOWN;
	json = status_to_json(&status);
	cr_expect_eq(json_object_size(json), 5U, "name, file, state, functions, problems");
	json_decref(json);
	status_free(&status);
}

Test(status, text_that_is_not_utf8_is_null)
{
	struct gadget_status status = make_status();
	json_t *json;

	free(status.file);
	status.file = xstrdup("/etc/\xff.conf");
	json = status_to_json(&status);
	cr_expect(json_is_null(json_object_get(json, "file")));
	json_decref(json);
	status_free(&status);
}

static int parse(const char *text, struct gadget_status *status)
{
	_cleanup_error_ struct error err = { 0 };
	int r = status_parse(text, strlen(text), status, &err);

	cr_expect_eq(r < 0, err.exit != 0);
	return r;
}

#define REST "\"functions\": [], \"problems\": []"

Test(status, missing_and_unknown_members_are_tolerated)
{
	struct gadget_status status;

	cr_expect_eq(parse("{\"state\": \"ready\", " REST ", \"new\": {\"a\": [1]}}", &status), 0);
	cr_expect_eq(status.state, STATUS_READY);
	cr_expect_str_eq(status.name, "?");
	cr_expect_null(status.udc);
	cr_expect_eq(status.supervisor, 0);
	status_free(&status);

	cr_expect_eq(parse("{\"state\": \"ready\", \"problems\": [{}], \"functions\": "
			   "[{\"endpoints\": [{}], \"worker\": {\"state\": \"odd\"}}]}",
			   &status),
		     0);
	cr_assert_eq(status.n_functions, 1U);
	cr_expect_str_eq(status.functions[0].label, "?");
	cr_expect_eq(status.functions[0].endpoints[0].bytes, -1);
	cr_expect(status.functions[0].has_worker);
	cr_expect_eq(status.functions[0].worker.state, STATUS_WORKER_UNKNOWN);
	cr_expect_eq(status.problems[0].severity, PROBLEM_UNKNOWN);
	status_free(&status);
}

Test(status, values_that_make_no_sense_are_errors)
{
	static const char *const texts[] = {
		"",
		"[]",
		"null",
		"{",
		"{}",
		"{\"state\": \"ready\"}",
		"{\"state\": \"odd\", " REST "}",
		"{\"state\": 1, " REST "}",
		"{\"state\": \"ready\", \"functions\": {}, \"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [], \"problems\": 1}",
		"{\"state\": \"ready\", \"supervisor\": -1, " REST "}",
		"{\"state\": \"ready\", \"supervisor\": 4294967297, " REST "}",
		"{\"state\": \"ready\", \"supervisor\": \"1\", " REST "}",
		"{\"state\": \"ready\", \"since\": -1, " REST "}",
		"{\"state\": \"ready\", \"udc\": [], " REST "}",
		"{\"state\": \"ready\", \"held\": 1, " REST "}",
		"{\"state\": \"ready\", \"links\": [1], " REST "}",
		"{\"state\": \"ready\", \"functions\": [{\"label\": 1}, {}], \"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [{\"endpoints\": [{\"bytes\": -2}]}], "
		"\"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [{\"worker\": {\"pid\": -1}}], "
		"\"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [{\"worker\": {\"restarts\": -1}}], "
		"\"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [{\"worker\": {\"stats\": 1}}], "
		"\"problems\": []}",
		"{\"state\": \"ready\", \"functions\": [], \"problems\": [{\"line\": -1}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct gadget_status status;

		cr_expect_eq(parse(texts[i], &status), -EBADMSG, "%s", texts[i]);
		status_free(&status);
	}
}

/* With sanitizers, this finds what a hostile file could read, write or leak. */
Test(status, each_truncated_or_damaged_file_is_read_or_refused)
{
	static const char bytes[] = { '"', '{', ']', '0', '-', 'e', ',', '\0', '\xff' };
	struct gadget_status status = make_status();
	_cleanup_free_ char *text = write_status(&status);
	_cleanup_error_ struct error err = { 0 };
	size_t size = strlen(text);

	status_free(&status);
	for (size_t i = 0; i < size; i++) {
		cr_expect_lt(status_parse(text, i, &status, &err), 0, "%zu bytes", i);
		status_free(&status);
		for (size_t k = 0; k < ARRAY_SIZE(bytes); k++) {
			char was = text[i];

			text[i] = bytes[k];
			status_parse(text, size, &status, &err);
			status_free(&status);
			text[i] = was;
		}
	}
}

Test(status, a_file_that_does_not_exist_is_no_error)
{
	_cleanup_error_ struct error err = { 0 };
	struct gadget_status status;

	cr_expect_eq(status_file_read(&paths, "g", &status, &err), -ENOENT);
	cr_expect_eq(err.exit, 0);
	cr_expect_null(status.name);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of a control socket (src/rundir/control.c), and its client end. This process is the
 * supervisor as well: it replies between two system calls of the client.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "rundir/control.h"

static enum { NEVER, BEFORE_SEND, AFTER_SEND } refusal;
static char top[] = "/dev/shm/ffsctl-control-XXXXXX", dir[64], path[80];
static int listener;

static void refuse(void)
{
	static const char reply[] = "{\"exit\": 73, \"text\": \"too many clients\"}";
	int fd;

	refusal = NEVER;
	fd = accept(listener, NULL, NULL);
	cr_assert_geq(fd, 0);
	cr_assert_eq(send(fd, reply, strlen(reply), 0), (ssize_t)strlen(reply));
	close(fd);
}

/* --- replacements of libc functions --- */

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int r = (int)syscall(SYS_connect, fd, address, size);

	if (refusal == BEFORE_SEND)
		refuse();
	return r;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	ssize_t n = syscall(SYS_sendto, fd, data, size, flags, NULL, 0);

	if (refusal == AFTER_SEND)
		refuse();
	return n;
}

/* --- a supervisor that accepts no client --- */

static void setup(void)
{
	_cleanup_error_ struct error err = { 0 };
	struct sockaddr_un address;

	cr_assert_not_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/x", top);
	snprintf(path, sizeof(path), "%s/control", dir);
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(control_socket_address(&address, path, &err), 0);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 1), 0);
}

static void teardown(void)
{
	close(listener);
	unlink(path);
	rmdir(dir);
	rmdir(top);
}

TestSuite(control_ask_supervisor, .init = setup, .fini = teardown, .timeout = 60);

static void expect_refusal(void)
{
	const struct paths paths = { .run_dir = top };
	_cleanup_error_ struct error err = { 0 };
	const struct socket_request down = { .command = COMMAND_DOWN };

	cr_expect_lt(control_ask_supervisor(&paths, "x", &down, NULL, &err), 0);
	cr_expect_eq(err.exit, 73);
	cr_expect_str_eq(err.text, "too many clients");
}

Test(control_ask_supervisor, reads_a_refusal_sent_before_the_request)
{
	refusal = BEFORE_SEND;
	expect_refusal();
}

Test(control_ask_supervisor, reads_a_refusal_when_the_request_stays_unread)
{
	refusal = AFTER_SEND;
	expect_refusal();
}

/* --- messages --- */

TestSuite(control_messages, .timeout = 60);

static void expect_text(const char *expected, char *text)
{
	cr_expect_str_eq(text, expected);
	free(text);
}

/* Older builds send and read exactly these. */
Test(control_messages, requests_are_those_of_the_protocol)
{
	static const struct {
		struct socket_request request;
		const char *text;
	} cases[] = {
		{ { .command = COMMAND_DOWN }, "{\"command\":\"down\"}" },
		{ { .command = COMMAND_RESTART }, "{\"command\":\"restart\",\"function\":null}" },
		{ { .command = COMMAND_RESTART, .function = "echo" },
		  "{\"command\":\"restart\",\"function\":\"echo\"}" },
		{ { .command = COMMAND_BIND, .udc = "dummy_udc.0" },
		  "{\"command\":\"bind\",\"udc\":\"dummy_udc.0\"}" },
		{ { .command = COMMAND_UNBIND }, "{\"command\":\"unbind\"}" },
		{ { .command = COMMAND_WAIT, .condition = CONDITION_DISCONNECTED },
		  "{\"command\":\"wait\",\"for\":\"disconnected\"}" },
		{ { .command = COMMAND_WAIT_HOST }, "{\"command\":\"wait-host\"}" },
		{ { .command = COMMAND_RELOAD,
		    .file_path = "/g.conf",
		    .keeps_gadget_name = true,
		    .forces_eject = true,
		    .timeout_seconds = 30 },
		  "{\"command\":\"reload\",\"file\":\"/g.conf\",\"renamed\":true,"
		  "\"force_eject\":true,\"timeout\":30.0}" },
		{ { .command = COMMAND_REEXEC, .program_path = "/sbin/ffsctl" },
		  "{\"command\":\"reexec\",\"program\":\"/sbin/ffsctl\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = { 0 };
		struct socket_request back;

		expect_text(cases[i].text, socket_request_to_text(&cases[i].request));
		cr_expect_eq(
			socket_request_parse(cases[i].text, strlen(cases[i].text), &back, &err), 0);
		expect_text(cases[i].text, socket_request_to_text(&back));
		socket_request_free(&back);
	}
}

/*
 * The request must not be sent without the name, because it would mean all functions, or any UDC.
 */
Test(control_messages, a_name_that_is_not_utf8_is_not_sent)
{
	cr_expect_null(socket_request_to_text(
		&(struct socket_request){ .command = COMMAND_RESTART, .function = "\xff" }));
}

Test(control_messages, requests_that_make_no_sense_are_refused)
{
	static const char *const texts[] = {
		"",
		"x",
		"[]",
		"1",
		"{",
		"{\"command\": \"bind\", \"udc\": 5}",
		"{\"command\": \"restart\", \"function\": {}}",
		"{\"command\": \"reload\", \"renamed\": \"yes\"}",
		"{\"command\": \"reload\", \"timeout\": \"1\"}",
		"{\"command\": \"wait\", \"for\": []}",
	};
	static const char *const unknown[] = { "{}", "{\"command\": \"DOWN\"}",
					       "{\"command\": [\"down\"]}" };
	struct socket_request request;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_error_ struct error err = { 0 };

		cr_expect_lt(socket_request_parse(texts[i], strlen(texts[i]), &request, &err), 0,
			     "%s", texts[i]);
		cr_expect_eq(err.exit, EX_USAGE);
		socket_request_free(&request);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		_cleanup_error_ struct error err = { 0 };

		cr_expect_eq(socket_request_parse(unknown[i], strlen(unknown[i]), &request, &err),
			     0, "%s", unknown[i]);
		cr_expect_eq(request.command, COMMAND_UNKNOWN);
		socket_request_free(&request);
	}
}

Test(control_messages, answers_are_those_of_the_protocol)
{
	static const struct {
		enum control_command command;
		struct socket_answer answer;
		const char *text;
	} cases[] = {
		{ COMMAND_DOWN, { .gadget_changed = true }, "{\"exit\":0}" },
		{ COMMAND_BIND,
		  { .gadget_changed = true, .udc = "dummy_udc.0" },
		  "{\"exit\":0,\"changed\":true,\"udc\":\"dummy_udc.0\"}" },
		{ COMMAND_UNBIND, { .udc = NULL }, "{\"exit\":0,\"changed\":false,\"udc\":null}" },
		{ COMMAND_RELOAD,
		  { .gadget_changed = true, .rebound = true, .awaited_udc = "dummy_udc.1" },
		  "{\"exit\":0,\"changed\":true,\"rebound\":true,\"awaits\":\"dummy_udc.1\","
		  "\"due\":false}" },
		{ COMMAND_RELOAD,
		  { .gadget_changed = true, .bind_is_due = true },
		  "{\"exit\":0,\"changed\":true,\"rebound\":false,\"awaits\":null,\"due\":true}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = { 0 };
		_cleanup_answer_ struct socket_answer back = { 0 };

		expect_text(cases[i].text,
			    socket_answer_to_text(cases[i].command, &cases[i].answer, NULL));
		cr_expect_eq(socket_answer_parse(cases[i].command, cases[i].text,
						 strlen(cases[i].text), &back, &err),
			     0);
		expect_text(cases[i].text, socket_answer_to_text(cases[i].command, &back, NULL));
	}
}

Test(control_messages, an_error_arrives_as_it_was)
{
	_cleanup_error_ struct error sent = { 0 }, err = { 0 };
	_cleanup_answer_ struct socket_answer answer = { 0 };
	_cleanup_free_ char *text = NULL;

	error_set(&sent, EX_DATAERR, EINVAL, "/path", "it is wrong");
	error_set_position(&sent, &(struct position){ "/g.conf", 3, 7 });
	text = socket_answer_to_text(COMMAND_BIND, &(struct socket_answer){ 0 }, &sent);
	cr_expect_eq(socket_answer_parse(COMMAND_BIND, text, strlen(text), &answer, &err), -EINVAL);
	cr_expect_eq(err.exit, EX_DATAERR);
	cr_expect_str_eq(err.text, "it is wrong");
	cr_expect_str_eq(err.path, "/path");
	cr_expect_str_eq(err.gadget_file, "/g.conf");
	cr_expect_eq(err.line, 3U);
	cr_expect_eq(err.column, 7U);
}

Test(control_messages, a_reply_that_is_none_is_an_error)
{
	static const char *const texts[] = {
		"",
		"x",
		"{}",
		"[0]",
		"{\"exit\": \"0\"}",
		"{\"exit\": -1}",
		"{\"exit\": 256, \"text\": \"x\"}",
		"{\"exit\": 0, \"changed\": 1, \"udc\": null}",
		"{\"exit\": 71, \"errno\": -5, \"text\": \"x\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_error_ struct error err = { 0 };
		_cleanup_answer_ struct socket_answer answer = { 0 };

		cr_expect_lt(socket_answer_parse(COMMAND_BIND, texts[i], strlen(texts[i]), &answer,
						 &err),
			     0, "%s", texts[i]);
		cr_expect_neq(err.exit, 0, "%s", texts[i]);
	}
}

/* Commands of older versions know one text; supervisors of older versions send no hint. */
Test(control_error, keeps_the_hint_apart_on_its_way)
{
	_cleanup_error_ struct error sent = { 0 }, got = { 0 }, old = { 0 };
	json_t *reply, *json;

	error_set(&sent, EX_CANTCREAT, EEXIST, NULL, "'x' is up; all of it");
	error_add_hint(&sent, "take it down first");
	reply = error_to_reply(&sent);
	json = error_to_json(&sent);
	cr_expect_str_eq(json_string_value(json_object_get(reply, "text")),
			 "'x' is up; all of it; take it down first");
	cr_expect_null(json_object_get(json, "hint"), "what commands print has no such field");
	cr_expect_eq(error_from_json(&got, reply), -EEXIST);
	cr_expect_str_eq(got.text, "'x' is up; all of it");
	cr_expect_str_eq(got.hint, "take it down first");
	error_from_json(&old, json);
	cr_expect_str_eq(old.text, "'x' is up; all of it; take it down first");
	cr_expect_null(old.hint);
	json_decref(reply);
	json_decref(json);
}

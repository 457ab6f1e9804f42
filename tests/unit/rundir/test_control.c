/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client end of a control socket (src/rundir/control.c). This process is the supervisor as
 * well: it replies between two system calls of the client.
 */
#include <criterion/criterion.h>
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
static char top[] = "/tmp/ffsctl-control-XXXXXX", dir[64], path[80];
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
	cr_assert_eq(control_address(&address, path, &err), 0);
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

TestSuite(control_ask, .init = setup, .fini = teardown, .timeout = 60);

static void expect_refusal(void)
{
	const struct paths paths = { .run_dir = top };
	_cleanup_error_ struct error err = { 0 };
	json_t *command = json_pack("{s:s}", "command", "down");

	cr_expect_lt(control_command(&paths, "x", command, &err), 0);
	cr_expect_eq(err.exit, 73);
	cr_expect_str_eq(err.text, "too many clients");
	json_decref(command);
}

Test(control_ask, reads_a_refusal_sent_before_the_request)
{
	refusal = BEFORE_SEND;
	expect_refusal();
}

Test(control_ask, reads_a_refusal_when_the_request_stays_unread)
{
	refusal = AFTER_SEND;
	expect_refusal();
}

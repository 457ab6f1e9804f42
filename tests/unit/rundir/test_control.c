/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command and its supervisor's socket (src/rundir/control.c). The supervisor is this
 * process, too: it answers in between two system calls of the command's.
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

static enum { NEVER, BEFORE_THE_REQUEST, UNREAD } refuses;
static char top[] = "/tmp/ffsctl-control-XXXXXX", dir[64], path[80];
static int listener;

static void refuse(void)
{
	static const char reply[] = "{\"exit\": 73, \"text\": \"no place\"}";
	int fd;

	refuses = NEVER;
	fd = accept(listener, NULL, NULL);
	cr_assert_geq(fd, 0);
	cr_assert_eq(send(fd, reply, strlen(reply), 0), (ssize_t)strlen(reply));
	close(fd);
}

/* --- doubles --- */

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int r = (int)syscall(SYS_connect, fd, address, size);

	if (refuses == BEFORE_THE_REQUEST)
		refuse();
	return r;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	ssize_t n = syscall(SYS_sendto, fd, data, size, flags, NULL, 0);

	if (refuses == UNREAD)
		refuse();
	return n;
}

/* --- a supervisor that has no place for anybody --- */

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

static void is_told_why(void)
{
	const struct paths paths = { .run_dir = top };
	_cleanup_error_ struct error err = { 0 };
	json_t *command = json_pack("{s:s}", "command", "down");

	cr_expect_lt(control_command(&paths, "x", command, &err), 0);
	cr_expect_eq(err.exit, 73);
	cr_expect_str_eq(err.text, "no place");
	json_decref(command);
}

Test(control_ask, a_refusal_before_the_request_is_read)
{
	refuses = BEFORE_THE_REQUEST;
	is_told_why();
}

Test(control_ask, a_refusal_that_leaves_the_request_unread_is_read)
{
	refuses = UNREAD;
	is_told_why();
}

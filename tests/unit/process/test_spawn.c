/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts a worker with the given file descriptors, user and groups. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "process/credentials.h"
#include "process/spawn.h"

#define N_FDS 60

/* Exits with 0 if the file descriptor 3 + N is the argument N, and the number after them is closed.
 */
static const char script[] = "fd=3\n"
			     "for path; do\n"
			     "  [ /proc/self/fd/$fd -ef \"$path\" ] || exit 1\n"
			     "  fd=$((fd + 1))\n"
			     "done\n"
			     "[ ! -e /proc/self/fd/$fd ] || exit 2\n";

/* Returns the settings of a program that runs as this user, without limits. */
static struct spawn_settings settings_of(char *program, char **argv, char **env)
{
	return (struct spawn_settings){ .program_path = program,
					.argv = argv,
					.env = env,
					.working_directory = "/",
					.keep_caller_user = true,
					.process_limits.keep_all_privileges = true,
					.stdout_fd = -1 };
}

/*
 * Half of the file descriptors have numbers that others must get. The limit leaves room for a
 * second number of each, and for nothing more.
 */
Test(spawn, gives_file_descriptors_whatever_numbers_they_had, .timeout = 60)
{
	char dir[] = "/tmp/ffsctl-spawn-XXXXXX";
	char *argv[N_FDS + 5] = { "sh", "-c", (char *)script, "sh" }, *env[] = { NULL };
	struct spawn_settings settings = settings_of("/bin/sh", argv, env);
	_cleanup_error_ struct error err = { 0 };
	struct rlimit limit;
	int fds[N_FDS], status;
	pid_t pid;

	cr_assert(mkdtemp(dir));
	for (int i = N_FDS - 1; i >= 0; i--) {
		argv[4 + i] = strf("%s/%d", dir, i);
		fds[i] = open(argv[4 + i], O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
		cr_assert_geq(fds[i], 0);
	}
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)fds[0] + N_FDS + 10;
	cr_assert_lt(limit.rlim_cur, 200);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(spawn_start(&settings, fds, N_FDS, STDERR_FILENO, &pid, &err), 0, "%s",
		     err.text);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	for (int i = 0; i < N_FDS; i++) {
		unlink(argv[4 + i]);
		free(argv[4 + i]);
	}
	rmdir(dir);
}

/* Starts a program with this text, which must fail with a hint that contains `hint`. */
static void expect_execute_hint(const char *text, const char *hint)
{
	char path[] = "/tmp/ffsctl-program-XXXXXX";
	char *argv[] = { path, NULL }, *env[] = { NULL };
	struct spawn_settings settings = settings_of(path, argv, env);
	_cleanup_error_ struct error err = { 0 };
	int fd = mkostemp(path, O_CLOEXEC);
	pid_t pid;

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, 0700);
	close(fd);
	cr_expect_lt(spawn_start(&settings, NULL, 0, STDERR_FILENO, &pid, &err), 0);
	cr_expect(err.hint && strstr(err.hint, hint), "%s; %s", err.text, err.hint);
	unlink(path);
}

Test(spawn, explains_why_a_program_cannot_be_executed)
{
	expect_execute_hint("#!/no/interpreter -x\n",
			    "the interpreter /no/interpreter in its first line does not exist");
	expect_execute_hint(
		"#! /bin/sh\r\necho\r\n",
		"the first line of the script ends with CR: 'sed -i \"s/\\r$//\" /tmp/");
	expect_execute_hint("echo\n", "a script needs a first line such as #!/bin/sh");
}

Test(credentials, leave_no_id_of_the_caller)
{
	static const gid_t groups[] = { 4, 4242 };
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	if (geteuid() != 0)
		cr_skip_test("only root can become another user");
	cr_assert_eq(setgroups(ARRAY_SIZE(groups), groups), 0);
	cr_assert(credentials_become(70001, 70002, NULL, 0));
	cr_assert_eq(getresuid(&real_uid, &effective_uid, &saved_uid), 0);
	cr_assert_eq(getresgid(&real_gid, &effective_gid, &saved_gid), 0);
	cr_expect(real_uid == 70001 && effective_uid == 70001 && saved_uid == 70001);
	cr_expect(real_gid == 70002 && effective_gid == 70002 && saved_gid == 70002);
	cr_expect_eq(getgroups(0, NULL), 0);
}

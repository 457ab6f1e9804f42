/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory and its lock: the owner, and several processes at once. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rundir/rundir.h"

static char made[32], top[64];
static struct paths paths = { .run_dir = top };

static void make_top(void)
{
	strcpy(made, "/dev/shm/ffsctl-rundir-XXXXXX");
	cr_assert_not_null(mkdtemp(made));
	snprintf(top, sizeof(top), "%s/run", made);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_top(void)
{
	nftw(made, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

TestSuite(rundir, .init = make_top, .fini = remove_top);

static struct rundir lock(enum lock_owner_role role)
{
	_cleanup_error_ struct error err = { 0 };
	struct rundir rundir;

	cr_assert_eq(rundir_lock(&rundir, &paths, "g", role, &err), 0, "%s", err.text);
	return rundir;
}

Test(rundir, one_owner_with_its_role)
{
	_cleanup_error_ struct error err = { 0 };
	enum lock_owner_role role;
	struct rundir first, second;
	pid_t pid;

	cr_expect_eq(rundir_get_lock_owner(&paths, "g", &pid, NULL), -ENOENT);
	first = lock(OWNER_STARTING);
	cr_expect_eq(rundir_lock(&second, &paths, "g", OWNER_CLEARING, &err), -EWOULDBLOCK);
	cr_expect_eq(rundir_get_lock_owner(&paths, "g", &pid, &role), 0);
	cr_expect_eq(pid, getpid());
	cr_expect_eq(role, OWNER_STARTING);
	rundir_close(&first);
	cr_expect_eq(rundir_get_lock_owner(&paths, "g", &pid, NULL), 0);
	cr_expect_eq(pid, 0);
}

Test(rundir, a_shorter_role_replaces_a_longer_one)
{
	_cleanup_error_ struct error err = { 0 };
	struct rundir rundir = lock(OWNER_TAKING_OVER);
	enum lock_owner_role role;
	pid_t pid;

	cr_expect_eq(rundir_write_lock_owner(&rundir, OWNER_STARTING, &err), 0);
	cr_expect_eq(rundir_get_lock_owner(&paths, "g", &pid, &role), 0);
	cr_expect_eq(role, OWNER_STARTING);
	rundir_close(&rundir);
}

Test(rundir, the_pid_of_a_dead_owner_is_not_reported)
{
	struct rundir rundir = lock(OWNER_SUPERVISOR);
	enum lock_owner_role role;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_assert_eq(ftruncate(rundir.lock_fd, 0), 0);
	dprintf(rundir.lock_fd, "%d supervisor\n", (int)pid);
	cr_expect_eq(rundir_get_lock_owner(&paths, "g", &pid, &role), 0);
	cr_expect_eq(pid, -1);
	cr_expect_eq(role, OWNER_UNKNOWN);
	rundir_close(&rundir);
}

Test(rundir, a_reader_does_not_block_the_lock)
{
	_cleanup_free_ char *path = strf("%s/g/lock", top);
	struct rundir rundir = lock(OWNER_STARTING);
	int fd;

	rundir_close(&rundir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_SH), 0);
	rundir = lock(OWNER_CLEARING);
	rundir_close(&rundir);
	close(fd);
}

static int count(void *data, const char *name)
{
	cr_expect_str_eq(name, "g");
	++*(int *)data;
	return 0;
}

Test(rundir, a_directory_without_lock_is_no_gadget)
{
	_cleanup_free_ char *other = strf("%s/gadget.d", top);
	struct rundir rundir = lock(OWNER_STARTING);
	int n = 0;

	cr_assert_eq(mkdir(other, 0755), 0);
	cr_expect_eq(rundir_each_gadget(&paths, count, &n), 0);
	cr_expect_eq(n, 1);
	rundir_close(&rundir);
}

/* Another process removed and created the directory while this one removes it. */
Test(rundir, a_new_directory_is_not_removed)
{
	_cleanup_free_ char *dir = strf("%s/g", top), *path = strf("%s/lock", dir);
	_cleanup_error_ struct error err = { 0 };
	struct rundir first = lock(OWNER_CLEARING), second;

	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rmdir(dir), 0);
	second = lock(OWNER_STARTING);
	cr_expect_eq(rundir_remove(&first, &err), 0, "%s", err.text);
	cr_expect_eq(access(path, F_OK), 0);
	cr_expect_eq(rundir_remove(&second, &err), 0, "%s", err.text);
	cr_expect_eq(access(top, F_OK), -1);
}

/* Several processes lock and remove the directory, as `up` and `down` do; none gets an error. */
Test(rundir, concurrent_lock_and_remove, .timeout = 60)
{
	for (int child = 0; child < 4; child++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 3000; i++) {
			_cleanup_error_ struct error err = { 0 };
			struct rundir rundir;
			int r = rundir_lock(&rundir, &paths, "g", OWNER_STARTING, &err);

			if (r == -EWOULDBLOCK)
				continue;
			if (r == 0)
				r = rundir_remove(&rundir, &err);
			if (r < 0) {
				fprintf(stderr, "%s\n", err.text);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (int child = 0; child < 4; child++) {
		int status;

		cr_assert_gt(wait(&status), 0);
		cr_expect_eq(status, 0);
	}
	cr_expect_eq(access(top, F_OK), -1);
}

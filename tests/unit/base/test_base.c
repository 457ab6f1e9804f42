/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/text.h"
#include "process/sandbox.h"

Test(error, has_the_failed_action_the_errno_and_the_hint)
{
	struct error err = { 0 };

	cr_assert_eq(error_errno(&err, EX_OSERR, ENOENT, "/x", "cannot open %s", "/x"), -ENOENT);
	error_add_hint(&err, "make it");
	error_wrap(&err, "starting '%s'", "echo");
	cr_assert_str_eq(err.text, "starting 'echo': cannot open /x: No such file or directory");
	cr_assert_str_eq(err.hint, "make it");
	cr_assert_str_eq(err.path, "/x");
	error_clear(&err);
	cr_assert_null(err.text);
	cr_assert_null(err.hint);
	cr_assert_eq(err.exit, 0);
}

/* A caller adds text and hints: the text stays free of hints, and the hint of text. */
Test(error, has_one_line_for_logs_and_two_for_people)
{
	struct error err = { 0 }, other = { 0 };
	_cleanup_free_ char *plain = NULL, *text = NULL, *lines = NULL;

	error_set(&err, EX_OSERR, EBUSY, NULL, "cannot unmount /x");
	plain = error_lines(&err);
	cr_assert_str_eq(plain, "cannot unmount /x\n");
	cr_assert_eq(error_add_hint(&err, "end sleep"), -EBUSY);
	cr_assert_eq(error_add_detail(&err, "also left: /y"), -EBUSY);
	error_add_hint(&err, "'ffsctl down %s' removes what is left", "g");
	error_copy(&other, &err);
	error_clear(&err);
	text = error_text(&other);
	lines = error_lines(&other);
	cr_assert_str_eq(text, "cannot unmount /x; also left: /y; end sleep; "
			       "'ffsctl down g' removes what is left");
	cr_assert_str_eq(lines, "cannot unmount /x; also left: /y\n"
				"hint: end sleep; 'ffsctl down g' removes what is left\n");
	error_clear(&other);
}

Test(error, keeps_the_first_position)
{
	struct error err = { 0 };
	struct position near = { "a.conf", 1, 2 }, far = { "b.conf", 3, 4 }, none = { 0 };

	error_set(&err, EX_DATAERR, 0, NULL, "x");
	error_set_position(&err, &none);
	cr_assert_null(err.gadget_file);
	error_set_position(&err, &near);
	error_set_position(&err, &far);
	cr_assert_str_eq(err.gadget_file, "a.conf");
	cr_assert_eq(err.line, 1);
	error_clear(&err);
}

Test(error, errno_524_has_words)
{
	cr_assert_not_null(strstr(errno_words(524), "Not supported by this UDC"));
}

Test(fd, file_replace_leaves_only_the_new_content)
{
	char dir[] = "/tmp/ffsctl-base-XXXXXX";
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL, *path = NULL;
	size_t size;

	cr_assert_not_null(mkdtemp(dir));
	path = strf("%s/f", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	cr_assert_eq(file_replace(fd, "f", "one", 3, 0600), 0);
	cr_assert_eq(file_replace(fd, "f", "two\n", 4, 0600), 0);
	cr_assert_eq(file_read(fd, "f", 100, &text, &size), 0);
	cr_assert_eq(size, 4);
	free(steal_ptr(text));
	cr_assert_eq(file_read_first_line(AT_FDCWD, path, &text), 0);
	cr_assert_str_eq(text, "two");
	cr_assert_eq(file_read(fd, "f", 3, &(char *){ NULL }, NULL), -EFBIG);
	cr_assert_eq(file_read(fd, "g", 3, &(char *){ NULL }, NULL), -ENOENT);
	unlink(path);
	cr_assert_eq(rmdir(dir), 0, "the directory has another file");
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(fd, close_others_keeps_the_listed_descriptors)
{
	int status;
	pid_t pid = fork(); /* Criterion needs its own descriptors */

	if (pid == 0) {
		int a = dup(2), b = dup(2), c = dup(2), d = dup(2);

		fd_close_others((int[]){ d, -1, b }, 3);
		_exit(is_open(a) || !is_open(b) || is_open(c) || !is_open(d) || !is_open(2));
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
}

struct counter {
	struct loop *loop;
	struct fd_watch *other;
	int n;
};

static void count(void *data, uint32_t events _unused_)
{
	struct counter *c = data;

	c->n++;
	if (c->other)
		fd_watch_remove(c->loop, c->other);
}

Test(loop, a_callback_may_remove_another_watch_that_is_ready)
{
	struct loop loop;
	struct fd_watch one = FD_WATCH_NONE, two = FD_WATCH_NONE;
	struct counter first = { &loop, &two, 0 }, second = { &loop, &one, 0 };
	int p[2], q[2];

	cr_assert_eq(loop_open(&loop), 0);
	cr_assert_eq(pipe(p) + pipe(q), 0);
	cr_assert_eq(fd_watch_add(&loop, &one, p[0], EPOLLIN, count, &first), 0);
	cr_assert_eq(fd_watch_add(&loop, &two, q[0], EPOLLIN, count, &second), 0);
	cr_assert_eq(write(p[1], "x", 1) + write(q[1], "x", 1), 2);
	cr_assert_eq(loop_once(&loop, 0), 1);
	cr_assert_eq(loop_once(&loop, 0), 1);
	/* The order is not defined; the second callback must not run. */
	cr_assert(first.n == 0 || second.n == 0);
	loop_close(&loop);
}

static void stop_and_count(void *data, uint32_t events _unused_)
{
	struct counter *c = data;

	c->n++;
	timer_stop(c->other);
}

Test(loop, a_timer_fires_once_and_not_after_it_was_stopped)
{
	struct loop loop;
	struct fd_watch timer = FD_WATCH_NONE;
	struct counter c = { &loop, &timer, 0 };

	cr_assert_eq(loop_open(&loop), 0);
	cr_assert_eq(timer_open(&loop, &timer, stop_and_count, &c), 0);
	timer_start(&timer, 0); /* expires at once; a timerfd would be disarmed */
	cr_assert_eq(loop_once(&loop, -1), 1);
	cr_assert_eq(loop_once(&loop, 0), 0);
	timer_start(&timer, 0.001);
	timer_stop(&timer);
	cr_assert_eq(loop_once(&loop, 20), 0);
	cr_assert_eq(c.n, 1);
	fd_watch_close(&loop, &timer);
	loop_close(&loop);
}

Test(proc, reads_state_start_time_and_ids)
{
	uint64_t began, first;

	cr_assert(process_alive(getpid()));
	cr_assert(!process_alive(0x7fffffff));
	cr_assert(process_has_uid_or_gid(getpid(), geteuid()));
	cr_assert(process_has_uid_or_gid(getpid(), getegid()));
	cr_assert_not(process_has_uid_or_gid(getpid(), 4242));
	cr_assert(process_start_time(1, &first));
	cr_assert(process_start_time(getpid(), &began));
	cr_expect_leq(first, began);
	cr_assert_not(process_start_time(0x7fffffff, &began));
	cr_assert_not(process_has_uid_or_gid(0x7fffffff, geteuid()));
}

Test(proc, finds_the_mount_on_top)
{
	cr_assert_eq(mount_state_at("/proc", "proc", NULL), MOUNT_MATCH);
	cr_assert_eq(mount_state_at("/proc", "functionfs", NULL), MOUNT_OTHER);
	cr_assert_eq(mount_state_at("/proc/self", "proc", NULL), MOUNT_NONE);
}

Test(proc, a_covered_mount_does_not_match)
{
#define FFS_LINE "40 22 0:30 / /dev/ffs/x rw,relatime - functionfs x rw\n"
#define TMPFS_LINE "41 22 0:31 / /dev/ffs/x rw,relatime - tmpfs tmpfs rw\n"
#define OTHER_LINE "42 22 0:32 / /dev/ffs/y rw,relatime - tmpfs tmpfs rw\n"
	cr_expect(mounts_have(FFS_LINE OTHER_LINE, "/dev/ffs/x", "functionfs", "x"));
	cr_expect(mounts_have(TMPFS_LINE FFS_LINE, "/dev/ffs/x", "functionfs", "x"));
	cr_expect_not(mounts_have(FFS_LINE TMPFS_LINE, "/dev/ffs/x", "functionfs", "x"));
}

#ifndef FFSCTL_SANITIZED /* such a build has no system call filter */
static int errno_of_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Returns the errno of open(2) in the sandbox, 0 on success; -1: no sandbox. */
static int opened_in_sandbox(unsigned int left_open, const char *path, int flags)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct sandbox s = { 0 };

		sandbox_from_permissions(&s, left_open);
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !sandbox_enter(&s)
			      ? 255
			      : errno_of_open(path, flags));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) != 255 ? WEXITSTATUS(status) : -1;
}

Test(sandbox, without_files_allows_only_reading)
{
	static const int changes[] = { O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC };
	char path[] = "/tmp/ffsctl-base-XXXXXX";
	struct stat st;
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, "text", 4), 4);
	cr_expect_eq(opened_in_sandbox(0, path, O_RDONLY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		cr_expect_eq(opened_in_sandbox(0, path, changes[i]), EPERM, "flags 0%o",
			     (unsigned int)changes[i]);
	cr_expect(fstat(fd, &st) == 0 && st.st_size == 4);
	cr_expect_eq(opened_in_sandbox(SANDBOX_FILES, path, O_RDONLY | O_TRUNC), 0);
	cr_expect(fstat(fd, &st) == 0 && st.st_size == 0);
	close(fd);
	unlink(path);
}
#endif

/* Returns what text_print_wrapped prints. The caller frees it. */
static char *wrapped(const char *line, size_t indent)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	text_print_wrapped(out, line, indent);
	fclose(out);
	return text;
}

#define WORD_OF_35 "wordwordwordwordwordwordwordwordwor"

Test(text, lines_of_more_than_79_characters_are_broken_at_spaces)
{
	static const struct {
		const char *line, *lines;
	} cases[] = {
		{ "", "\n" },
		/* 79 and 80 characters */
		{ "  --a   " WORD_OF_35 " " WORD_OF_35, "  --a   " WORD_OF_35 " " WORD_OF_35 "\n" },
		{ "  --ab   " WORD_OF_35 " " WORD_OF_35,
		  "  --ab   " WORD_OF_35 "\n        " WORD_OF_35 "\n" },
		/* the space is the character after the 79th one */
		{ "  --a   " WORD_OF_35 " " WORD_OF_35 " b",
		  "  --a   " WORD_OF_35 " " WORD_OF_35 "\n        b\n" },
		/* the second line has 79 characters, and the spaces before it count */
		{ "  --a   " WORD_OF_35 " " WORD_OF_35 " " WORD_OF_35 " " WORD_OF_35 " b",
		  "  --a   " WORD_OF_35 " " WORD_OF_35 "\n        " WORD_OF_35 " " WORD_OF_35
		  "\n        b\n" },
		/* a word that is too long */
		{ WORD_OF_35 WORD_OF_35 WORD_OF_35, WORD_OF_35 WORD_OF_35 WORD_OF_35 "\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *lines = wrapped(cases[i].line, 8);

		cr_assert_str_eq(lines, cases[i].lines);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/family.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/util.h"

#define NANOSECONDS 1000000000

static char *put_number(char *to, uint64_t number)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

uint64_t family_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * PROCESS_TICKS +
	       (uint64_t)now.tv_nsec / (NANOSECONDS / PROCESS_TICKS);
}

void family_note(char text[FAMILY_TEXT])
{
	text = put_number(text, (uint64_t)getpid());
	*text++ = ' ';
	*put_number(text, family_now()) = '\0';
}

bool family_read(const char *text, struct family *family)
{
	int pid, end = 0;

	if (sscanf(text, "%d %" SCNu64 "%n", &pid, &family->latest, &end) != 2 || text[end] ||
	    pid <= 0)
		return false;
	family->session = pid;
	return true;
}

struct look {
	const struct family *family;
	pid_t session; /* 0: it has ended, or its number is another's by now */
	pid_t left;
	int *pidfd;
};

static bool belongs(const struct look *look, pid_t pid)
{
	if (look->session && getsid(pid) == look->session)
		return true;
	return look->family->id && process_has_id(pid, look->family->id);
}

static int kill_one(void *data, pid_t pid)
{
	struct look *look = data;
	_cleanup_close_ int fd = -1;

	if (pid == getpid() || !belongs(look, pid))
		return 0;
	/* Whom the signal reaches still has the number that was looked at in between. */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (!belongs(look, pid) || !process_alive(pid))
		return 0;
	/* valgrind does not know the calls. */
	if ((fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0) && errno == ENOSYS)
		kill(pid, SIGKILL);
	look->left = pid;
	if (look->pidfd) {
		cleanup_close(look->pidfd);
		*look->pidfd = steal_fd(&fd);
	}
	return 0;
}

pid_t family_kill(const struct family *family, int *pidfd)
{
	struct look look = { .family = family, .session = family->session, .pidfd = pidfd };
	uint64_t began;

	if (pidfd)
		*pidfd = -1;
	/* As long as a session has members, nobody else gets its number. */
	if (look.session && process_start(look.session, &began) && began > family->latest)
		look.session = 0;
	if (look.session || family->id)
		process_each(kill_one, &look);
	return look.left;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/worker_processes.h"

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

static char *append_number(char *to, uint64_t number)
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

uint64_t now_boot_ticks(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * PROCESS_TICKS +
	       (uint64_t)now.tv_nsec / (NANOSECONDS / PROCESS_TICKS);
}

void worker_pid_symlink_format_target(char text[WORKER_PID_SYMLINK_SIZE])
{
	text = append_number(text, (uint64_t)getpid());
	*text++ = ' ';
	*append_number(text, now_boot_ticks()) = '\0';
}

bool worker_pid_symlink_parse_target(const char *text, struct worker_processes *processes)
{
	int pid, end = 0;

	if (sscanf(text, "%d %" SCNu64 "%n", &pid, &processes->worker_started_before_ticks, &end) !=
		    2 ||
	    text[end] || pid <= 0)
		return false;
	processes->session_id = pid;
	return true;
}

struct worker_process_search {
	const struct worker_processes *processes;
	pid_t session_id; /* 0: unknown, or another process has the pid of the worker */
	pid_t found_pid;  /* a process of the worker, the last one that was found; 0: none */
	int *pidfd;	  /* pidfd of found_pid; NULL: not wanted */
};

static bool belongs_to_worker(const struct worker_process_search *scan, pid_t pid)
{
	if (scan->session_id && getsid(pid) == scan->session_id)
		return true;
	return scan->processes->reserved_uid &&
	       process_has_uid_or_gid(pid, scan->processes->reserved_uid);
}

static int kill_if_belongs_to_worker(void *data, pid_t pid)
{
	struct worker_process_search *scan = data;
	_cleanup_close_ int fd = -1;

	if (pid == getpid() || !belongs_to_worker(scan, pid))
		return 0;
	/*
	 * Checks the process again after the pidfd is open, because a new process may have got the
	 * same pid before.
	 */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (!belongs_to_worker(scan, pid) || !process_alive(pid))
		return 0;
	/* ENOSYS: valgrind does not implement these system calls. */
	if ((fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0) && errno == ENOSYS)
		kill(pid, SIGKILL);
	scan->found_pid = pid;
	if (scan->pidfd) {
		cleanup_close(scan->pidfd);
		*scan->pidfd = steal_fd(&fd);
	}
	return 0;
}

pid_t worker_processes_kill_and_find_remaining(const struct worker_processes *processes, int *pidfd)
{
	struct worker_process_search scan = { .processes = processes,
					      .session_id = processes->session_id,
					      .pidfd = pidfd };
	uint64_t leader_start;

	if (pidfd)
		*pidfd = -1;
	/* While a process session has processes, the kernel does not give its id to a new process.
	 */
	if (scan.session_id && process_start_time(scan.session_id, &leader_start) &&
	    leader_start > processes->worker_started_before_ticks)
		scan.session_id = 0;
	if (scan.session_id || processes->reserved_uid)
		process_each(kill_if_belongs_to_worker, &scan);
	return scan.found_pid;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the processes of a worker by session, and ignores a session number that was reused. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "process/worker_processes.h"

/* Starts a process in a new session, with a child in the same session. */
static pid_t begin_session(void)
{
	int begun[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(begun), 0);
	pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() == 0)
			setpgid(0, 0);
		close(begun[0]);
		if (write(begun[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(begun[1]);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(read(begun[0], &byte, 1), 1);
	close(begun[0]);
	return pid;
}

static void kill_all(const struct worker_processes *processes)
{
	while (worker_processes_kill_and_find_remaining(processes, NULL))
		usleep(1000);
}

Test(worker_processes, kills_all_process_groups_of_a_session, .timeout = 60)
{
	pid_t leader = begin_session();
	struct worker_processes processes = { .session_id = leader,
					      .worker_started_before_ticks = now_boot_ticks() };
	int status, pidfd;

	cr_expect_neq(worker_processes_kill_and_find_remaining(&processes, &pidfd), 0);
	process_await_end(pidfd, 60000);
	close(pidfd);
	cr_assert_eq(waitpid(leader, &status, 0), leader);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kill_all(&processes);
}

Test(worker_processes, ignores_a_session_that_started_later, .timeout = 60)
{
	struct worker_processes processes = { .worker_started_before_ticks = now_boot_ticks() };
	int status;

	/* Ticks are 10 ms. */
	while (now_boot_ticks() == processes.worker_started_before_ticks)
		usleep(1000);
	processes.session_id = begin_session();
	cr_expect_eq(worker_processes_kill_and_find_remaining(&processes, NULL), 0);
	cr_expect_eq(waitpid(processes.session_id, &status, WNOHANG), 0);
	processes.worker_started_before_ticks = now_boot_ticks();
	kill_all(&processes);
	waitpid(processes.session_id, NULL, 0);
}

Test(worker_processes, without_id_and_session_there_are_no_processes)
{
	const struct worker_processes none = { 0 };
	int pidfd;

	cr_expect_eq(worker_processes_kill_and_find_remaining(&none, &pidfd), 0);
	cr_expect_eq(pidfd, -1);
}

Test(worker_processes, parses_the_target_that_a_worker_makes)
{
	struct worker_processes processes = { 0 };
	char text[WORKER_PID_SYMLINK_SIZE];
	uint64_t began;

	worker_pid_symlink_format_target(text);
	cr_assert(worker_pid_symlink_parse_target(text, &processes), "%s", text);
	cr_expect_eq(processes.session_id, getpid());
	cr_assert(process_start_time(getpid(), &began));
	cr_expect_leq(began, processes.worker_started_before_ticks);
	cr_expect_leq(processes.worker_started_before_ticks, now_boot_ticks());
}

Test(worker_processes, refuses_targets_of_another_format)
{
	static const char *const texts[] = { "", "1", "1 ", "x 1", "0 1", "-5 1", "1 2 3", "1 2x" };
	struct worker_processes processes;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_expect_not(worker_pid_symlink_parse_target(texts[i], &processes), "%s",
			      texts[i]);
}

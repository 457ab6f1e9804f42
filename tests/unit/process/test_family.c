/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the processes of a worker by session, and ignores a session number that was reused. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "process/family.h"

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

static void kill_all(const struct family *family)
{
	while (family_kill(family, NULL))
		usleep(1000);
}

Test(family, kills_all_process_groups_of_a_session, .timeout = 60)
{
	pid_t leader = begin_session();
	struct family family = { .session = leader, .latest_start = family_now() };
	int status, pidfd;

	cr_expect_neq(family_kill(&family, &pidfd), 0);
	process_await_end(pidfd, 60000);
	close(pidfd);
	cr_assert_eq(waitpid(leader, &status, 0), leader);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kill_all(&family);
}

Test(family, ignores_a_session_that_started_later, .timeout = 60)
{
	struct family family = { .latest_start = family_now() };
	int status;

	/* Ticks are 10 ms. */
	while (family_now() == family.latest_start)
		usleep(1000);
	family.session = begin_session();
	cr_expect_eq(family_kill(&family, NULL), 0);
	cr_expect_eq(waitpid(family.session, &status, WNOHANG), 0);
	family.latest_start = family_now();
	kill_all(&family);
	waitpid(family.session, NULL, 0);
}

Test(family, without_id_and_session_there_are_no_processes)
{
	const struct family none = { 0 };
	int pidfd;

	cr_expect_eq(family_kill(&none, &pidfd), 0);
	cr_expect_eq(pidfd, -1);
}

Test(family, parses_the_target_that_a_worker_makes)
{
	struct family family = { 0 };
	char text[FAMILY_TEXT];
	uint64_t began;

	family_to_text(text);
	cr_assert(family_from_text(text, &family), "%s", text);
	cr_expect_eq(family.session, getpid());
	cr_assert(process_start(getpid(), &began));
	cr_expect_leq(began, family.latest_start);
	cr_expect_leq(family.latest_start, family_now());
}

Test(family, refuses_targets_of_another_format)
{
	static const char *const texts[] = { "", "1", "1 ", "x 1", "0 1", "-5 1", "1 2 3", "1 2x" };
	struct family family;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_expect_not(family_from_text(texts[i], &family), "%s", texts[i]);
}

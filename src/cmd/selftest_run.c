/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the rounds of `selftest` in child processes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "client/client.h"
#include "cmd/selftest.h"

/* Time limit of a round, besides the times that the user chooses, in seconds. */
#define ROUND_SECONDS 120
#define CABLE_SECONDS 180

static void add_result(struct selftest *t, const struct selftest_result *result)
{
	*array_add(t->results, t->n_results) = *result;
	log_info("%s: %s: %s", result->step, selftest_outcome_words[result->outcome], result->text);
}

static void __attribute__((noreturn))
child_main(const struct selftest *t, const struct selftest_round *round, bool is_last_with_host,
	   int result_fd, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	/* If the command is killed with SIGKILL, the kernel sends SIGTERM to this process. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (getppid() == parent)
		selftest_do_round(t, round, is_last_with_host, result_fd);
	_exit(0);
}

/* Learns from the n-th result of a round what later rounds need not wait for. */
static void learn_from_result(struct selftest *t, const struct selftest_round *round, size_t n,
			      const struct selftest_result *result)
{
	if (round->kind == SELFTEST_BASICS)
		t->host_is_missing |= result->host_is_missing;
	/* The second result is of the first test of ffsbench, which needs nothing else. */
	if (round->kind == SELFTEST_ENGINE && n == 2)
		t->ffsbench_is_missing = result->outcome == SELFTEST_NOT_POSSIBLE;
}

/*
 * Adds the results that the child sends until it has ended. Ends the child after a signal or after
 * the time limit. Returns the number of results.
 */
static size_t receive_results(struct selftest *t, const struct selftest_round *round, int fd,
			      int signal_fd, pid_t child)
{
	double until = now_monotonic() + ROUND_SECONDS + 3 * t->host_wait_seconds +
		       t->ffsbench_wait_seconds + (t->asks_for_cable ? CABLE_SECONDS : 0);
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = signal_fd, .events = POLLIN } };
	size_t n = 0;

	for (;;) {
		struct selftest_result result;
		struct signalfd_siginfo info;
		int ready = poll(fds, ARRAY_SIZE(fds), poll_timeout_until(until));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0) {
			selftest_result_set(&result, round->name, SELFTEST_FAILED, 0,
					    "the round did not end in time");
			add_result(t, &result);
			kill(child, SIGKILL);
			return n + 1;
		}
		if (fds[1].revents) {
			if (read(signal_fd, &info, sizeof(info)) == sizeof(info))
				t->was_interrupted = true;
			kill(child, SIGTERM);
		}
		if (!fds[0].revents)
			continue;
		if (recv(fd, &result, sizeof(result), 0) != sizeof(result))
			return n;
		add_result(t, &result);
		n++;
		learn_from_result(t, round, n, &result);
	}
}

static int take_gadget_down(const struct selftest *t, struct error *err)
{
	enum client_result ignored;

	return client_down(t->paths, SELFTEST_GADGET, CLIENT_DOWN_RECORDED, &ignored, err);
}

int selftest_run_round(struct selftest *t, const struct selftest_round *round,
		       bool is_last_with_host, int signal_fd, struct error *err)
{
	struct selftest_result result;
	pid_t parent = getpid(), child;
	int pair[2], status = 0;
	size_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot create a socket");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(pair[0]);
		child_main(t, round, is_last_with_host, pair[1], parent);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return error_errno(err, EX_OSERR, errno, NULL, "cannot start a process");
	}
	n = receive_results(t, round, pair[0], signal_fd, child);
	close(pair[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (n == 0 || (WIFSIGNALED(status) && !t->was_interrupted)) {
		selftest_result_set(&result, round->name,
				    t->was_interrupted ? SELFTEST_NOT_SEEN : SELFTEST_FAILED, 0,
				    t->was_interrupted ? "interrupted"
						       : "the process of this round was killed");
		add_result(t, &result);
	}
	return take_gadget_down(t, err);
}

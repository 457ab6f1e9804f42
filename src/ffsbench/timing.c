/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/timing.h"

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t tick_received, interrupt_received;

static void on_tick(int signal)
{
	(void)signal;
	tick_received = 1;
}

static void on_interrupt(int signal)
{
	(void)signal;
	interrupt_received = 1;
}

/* Makes on_interrupt the handler of a signal, unless the process ignores it: shells start
   background jobs with SIGINT ignored. */
static void install_interrupt_handler(int signal)
{
	struct sigaction old, action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };

	if (sigaction(signal, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

void start_periodic_ticks(void)
{
	/* SA_RESTART is not set, because a tick must interrupt libusb when it waits. */
	struct sigaction tick = { .sa_handler = on_tick };
	struct itimerval every = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	install_interrupt_handler(SIGINT);
	install_interrupt_handler(SIGTERM);
	sigaction(SIGALRM, &tick, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void stop_periodic_ticks(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

bool tick_elapsed(void)
{
	if (!tick_received)
		return false;
	tick_received = 0;
	return true;
}

bool run_interrupted(void)
{
	return interrupt_received;
}

int64_t now_ms(void)
{
	return (int64_t)(now_seconds() * 1000);
}

double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double timeval_seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return timeval_seconds(usage.ru_utime) + timeval_seconds(usage.ru_stime);
}

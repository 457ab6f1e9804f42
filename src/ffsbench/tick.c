/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/tick.h"

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t ticked, interrupted;

static void on_tick(int signal)
{
	(void)signal;
	ticked = 1;
}

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* Catches a signal, unless it was ignored at the start: a shell ignores SIGINT for background jobs.
 */
static void catch_signal(int signal)
{
	struct sigaction old, action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };

	if (sigaction(signal, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(signal, &action, NULL);
}

void tick_start(void)
{
	/* Without SA_RESTART, because a tick must end a wait of libusb. */
	struct sigaction tick = { .sa_handler = on_tick };
	struct itimerval every = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } };

	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	sigaction(SIGALRM, &tick, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void tick_stop(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

bool tick_due(void)
{
	if (!ticked)
		return false;
	ticked = 0;
	return true;
}

bool tick_interrupted(void)
{
	return interrupted;
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

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

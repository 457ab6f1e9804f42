// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes virtual time pass as slowly as this machine works. lab/run loads this library (LD_PRELOAD)
 * into User-Mode Linux.
 *
 * While a process of the lab works, the kernel's clock goes on with the expiry of its host timer: a
 * machine six times slower than the reference machine would take 0.6 s of virtual time for work of
 * 0.1 s, and tests that compare times would fail. So the host timer takes LAB_PATIENCE times as
 * long, which is how many times slower this machine is. While all processes wait, time jumps to the
 * next event, and this timer is not used (time_travel_sleep() of arch/um/kernel/time.c).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000LL

static struct timespec times(struct timespec t, double factor)
{
	long long ns = (long long)(((double)t.tv_sec * NSEC_PER_SEC + (double)t.tv_nsec) * factor);

	return (struct timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	static __typeof__(&timer_settime) next;
	static double factor;
	struct itimerspec slow;

	if (!next) {
		const char *patience = getenv("LAB_PATIENCE");

		factor = patience ? atof(patience) : 1;
		next = (__typeof__(next))dlsym(RTLD_NEXT, "timer_settime");
	}
	slow.it_value = times(new->it_value, factor);
	slow.it_interval = times(new->it_interval, factor);
	return next(timer, flags, &slow, old);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows who owns a value: a variable marked _cleanup_* frees its value when it goes out of scope;
 * steal_ptr and steal_fd return the value, which the caller then owns, and clear the variable.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__typeof__(p) __p = (p);                                                           \
		(p) = NULL;                                                                        \
		__p;                                                                               \
	})

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "null_stream.h"

#include <stdlib.h>

#include "base/util.h"

static ssize_t discard_output(void *cookie _unused_, const char *data _unused_, size_t size)
{
	return (ssize_t)size;
}

FILE *null_stream(void)
{
	static FILE *to;

	if (!to)
		to = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = discard_output });
	if (!to)
		abort();
	return to;
}

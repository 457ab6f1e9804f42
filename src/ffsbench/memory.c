/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/util.h"

#define LIMIT_PATH "/sys/module/usbcore/parameters/usbfs_memory_mb"
#define MIB (1u << 20)
#define MEMORY_MAX (UINT64_C(1) << 30)
/* What the kernel counts beside the buffers: its own records of each transfer. */
#define RECORDS_MIB 1

static const char *const names[] = {
	[MEMORY_AUTO] = "auto",
	[MEMORY_ZERO_COPY] = "zero-copy",
	[MEMORY_ORDINARY] = "ordinary",
};

int memory_parse(const char *s, enum memory_wish *wish, struct error *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!streq(s, names[i]))
			continue;
		*wish = (enum memory_wish)i;
		return 0;
	}
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "'%s' is not a kind of memory: auto, zero-copy or ordinary", s);
}

static unsigned char *make_one(const struct buffers *b)
{
	/* Page by page, as usbfs' own: neither kind is to have an advantage but its own. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *p;

	if (b->zero_copy)
		p = libusb_dev_mem_alloc(b->d->handle, b->size);
	else
		p = aligned_alloc(page, (b->size + page - 1) / page * page);
	if (p)
		memset(p, 0, b->size);
	return p;
}

static bool make_all(struct buffers *b, unsigned int n, bool zero_copy)
{
	b->zero_copy = zero_copy;
	for (b->n = 0; b->n < n; b->n++) {
		b->at[b->n] = make_one(b);
		if (!b->at[b->n])
			return false;
	}
	return true;
}

static void give_back(struct buffers *b)
{
	while (b->n) {
		b->n--;
		if (b->zero_copy)
			libusb_dev_mem_free(b->d->handle, b->at[b->n], b->size);
		else
			free(b->at[b->n]);
	}
}

int buffers_make(struct buffers *b, const struct device *d, enum memory_wish wish, unsigned int n,
		 size_t size, struct error *err)
{
	*b = (struct buffers){ .d = d, .size = size, .wanted = n };
	if ((uint64_t)n * size > MEMORY_MAX)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "%u buffers of %zu bytes are more than 1 GiB", n, size);
	b->at = xcalloc(n, sizeof(*b->at));
	if (wish != MEMORY_ORDINARY) {
		if (make_all(b, n, true))
			return 0;
		give_back(b);
	}
	if (wish != MEMORY_ZERO_COPY && make_all(b, n, false))
		return 0;
	give_back(b);
	error_set(err, wish == MEMORY_ZERO_COPY ? EX_UNAVAILABLE : EX_OSERR, ENOMEM, NULL,
		  "there is no %s memory for %u buffers of %zu bytes",
		  names[wish == MEMORY_AUTO ? MEMORY_ORDINARY : wish], n, size);
	return buffers_hint(b, err);
}

void buffers_free(struct buffers *b)
{
	give_back(b);
	free(b->at);
	b->at = NULL;
}

/* usbfs' limit, of all programs together; 0: none, or it cannot be known. */
static unsigned int limit_mib(void)
{
	_cleanup_free_ char *text = NULL;

	return file_read_line(AT_FDCWD, LIMIT_PATH, &text) < 0
		       ? 0
		       : (unsigned int)strtoul(text, NULL, 10);
}

/* What is to be done when the limit is too low; NULL: it is not that. */
static char *limit_advice(const struct buffers *b)
{
	unsigned int limit = limit_mib();
	unsigned int need = (unsigned int)((b->wanted * (uint64_t)b->size + MIB - 1) / MIB);

	if (!limit || need + RECORDS_MIB <= limit)
		return NULL;
	return strf("the kernel lends all USB programs %u MiB together, and these take more than "
		    "%u: as root, echo %u > " LIMIT_PATH,
		    limit, need, 2 * need + RECORDS_MIB);
}

int buffers_hint(const struct buffers *b, struct error *err)
{
	_cleanup_free_ char *advice = limit_advice(b);

	if (advice)
		return error_hint(err, "%s", advice);
	return error_hint(err,
			  "the kernel has no such memory in one piece, or has lent what " LIMIT_PATH
			  " allows to other programs: take a smaller --size or --depth%s",
			  b->zero_copy ? ", or --memory ordinary" : "");
}

char *buffers_remark(const struct buffers *b, enum memory_wish wish)
{
	_cleanup_free_ char *advice = NULL;

	if (b->zero_copy || wish != MEMORY_AUTO)
		return NULL;
	advice = limit_advice(b);
	if (advice)
		return strf("ordinary memory: %s", advice);
	return xstrdup("ordinary memory: the kernel has offered none without copies");
}

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
/* Memory that the kernel needs for its own data of the transfers, which it counts, too. */
#define KERNEL_DATA_MIB 1

static const char *const names[] = {
	[MEMORY_AUTO] = "auto",
	[MEMORY_ZERO_COPY] = "zero-copy",
	[MEMORY_ORDINARY] = "ordinary",
};

int memory_parse(const char *s, enum memory_choice *choice, struct error *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!streq(s, names[i]))
			continue;
		*choice = (enum memory_choice)i;
		return 0;
	}
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "'%s' is not a kind of memory: auto, zero-copy or ordinary", s);
}

static unsigned char *allocate_buffer(const struct buffers *b)
{
	/* Aligned to pages like memory of usbfs, for a fair comparison. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *p;

	if (b->zero_copy)
		p = libusb_dev_mem_alloc(b->device->handle, b->size);
	else
		p = aligned_alloc(page, (b->size + page - 1) / page * page);
	if (p)
		memset(p, 0, b->size);
	return p;
}

static bool allocate_buffers(struct buffers *b, unsigned int n, bool zero_copy)
{
	b->zero_copy = zero_copy;
	for (b->n = 0; b->n < n; b->n++) {
		b->data[b->n] = allocate_buffer(b);
		if (!b->data[b->n])
			return false;
	}
	return true;
}

static void free_all(struct buffers *b)
{
	while (b->n) {
		b->n--;
		if (b->zero_copy)
			libusb_dev_mem_free(b->device->handle, b->data[b->n], b->size);
		else
			free(b->data[b->n]);
	}
}

int buffers_make(struct buffers *b, const struct device *d, enum memory_choice choice,
		 unsigned int n, size_t size, struct error *err)
{
	*b = (struct buffers){ .device = d, .size = size, .requested = n };
	if ((uint64_t)n * size > MEMORY_MAX)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "%u buffers of %zu bytes are more than 1 GiB", n, size);
	b->data = xcalloc(n, sizeof(*b->data));
	if (choice != MEMORY_ORDINARY) {
		if (allocate_buffers(b, n, true))
			return 0;
		free_all(b);
	}
	if (choice != MEMORY_ZERO_COPY && allocate_buffers(b, n, false))
		return 0;
	free_all(b);
	error_set(err, choice == MEMORY_ZERO_COPY ? EX_UNAVAILABLE : EX_OSERR, ENOMEM, NULL,
		  "cannot allocate %s memory for %u buffers of %zu bytes",
		  names[choice == MEMORY_AUTO ? MEMORY_ORDINARY : choice], n, size);
	return buffers_hint(b, err);
}

void buffers_free(struct buffers *b)
{
	free_all(b);
	free(b->data);
	b->data = NULL;
}

/* Returns the limit of usbfs for the memory of all programs together, in MiB; 0 if there is no
   limit or it is unknown. */
static unsigned int read_memory_limit(void)
{
	_cleanup_free_ char *text = NULL;

	return file_read_line(AT_FDCWD, LIMIT_PATH, &text) < 0
		       ? 0
		       : (unsigned int)strtoul(text, NULL, 10);
}

/* Returns advice if the limit of usbfs is too low, else NULL. */
static char *memory_limit_advice(const struct buffers *b)
{
	unsigned int limit = read_memory_limit();
	unsigned int need = (unsigned int)((b->requested * (uint64_t)b->size + MIB - 1) / MIB);

	if (!limit || need + KERNEL_DATA_MIB <= limit)
		return NULL;
	return strf("all USB programs together may use %u MiB, the buffers need more than %u MiB: "
		    "as root, echo %u > " LIMIT_PATH,
		    limit, need, 2 * need + KERNEL_DATA_MIB);
}

int buffers_hint(const struct buffers *b, struct error *err)
{
	_cleanup_free_ char *advice = memory_limit_advice(b);

	if (advice)
		return error_hint(err, "%s", advice);
	return error_hint(err,
			  "decrease --size or --depth%s, or end other programs that use "
			  "USB devices (see " LIMIT_PATH ")",
			  b->zero_copy ? ", use --memory ordinary" : "");
}

char *buffers_remark(const struct buffers *b, enum memory_choice choice)
{
	_cleanup_free_ char *advice = NULL;

	if (b->zero_copy || choice != MEMORY_AUTO)
		return NULL;
	advice = memory_limit_advice(b);
	if (advice)
		return strf("using ordinary memory: %s", advice);
	return xstrdup("using ordinary memory: the kernel cannot allocate zero-copy memory");
}

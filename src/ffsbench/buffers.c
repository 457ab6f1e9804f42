/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/buffers.h"

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
/* The limit of usbfs also includes the kernel's own data of the transfers. This is an estimate
   of that data. */
#define KERNEL_DATA_MIB 1

static const char *const names[] = {
	[MEMORY_AUTO] = "auto",
	[MEMORY_ZERO_COPY] = "zero-copy",
	[MEMORY_ORDINARY] = "ordinary",
};

int memory_choice_parse(const char *s, enum memory_choice *choice, struct error *err)
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

static unsigned char *allocate_buffer(const struct transfer_buffers *b)
{
	/* The buffers are aligned to pages, as zero-copy memory is, so that measurements with both
	   kinds of memory can be compared. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *p;

	if (b->zero_copy)
		p = libusb_dev_mem_alloc(b->device->handle, b->buffer_size);
	else
		p = aligned_alloc(page, (b->buffer_size + page - 1) / page * page);
	if (p)
		memset(p, 0, b->buffer_size);
	return p;
}

static bool allocate_buffers(struct transfer_buffers *b, unsigned int n, bool zero_copy)
{
	b->zero_copy = zero_copy;
	for (b->n_allocated = 0; b->n_allocated < n; b->n_allocated++) {
		b->data[b->n_allocated] = allocate_buffer(b);
		if (!b->data[b->n_allocated])
			return false;
	}
	return true;
}

static void free_allocated(struct transfer_buffers *b)
{
	while (b->n_allocated) {
		b->n_allocated--;
		if (b->zero_copy)
			libusb_dev_mem_free(b->device->handle, b->data[b->n_allocated],
					    b->buffer_size);
		else
			free(b->data[b->n_allocated]);
	}
}

int buffers_allocate(struct transfer_buffers *b, const struct device *d, enum memory_choice choice,
		     unsigned int n, size_t size, struct error *err)
{
	*b = (struct transfer_buffers){ .device = d, .buffer_size = size, .n_requested = n };
	if ((uint64_t)n * size > MEMORY_MAX)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "%u buffers of %zu bytes are more than 1 GiB", n, size);
	b->data = xcalloc(n, sizeof(*b->data));
	if (choice != MEMORY_ORDINARY) {
		if (allocate_buffers(b, n, true))
			return 0;
		free_allocated(b);
	}
	if (choice != MEMORY_ZERO_COPY && allocate_buffers(b, n, false))
		return 0;
	free_allocated(b);
	error_set(err, choice == MEMORY_ZERO_COPY ? EX_UNAVAILABLE : EX_OSERR, ENOMEM, NULL,
		  "cannot allocate %s memory for %u buffers of %zu bytes",
		  names[choice == MEMORY_AUTO ? MEMORY_ORDINARY : choice], n, size);
	return buffers_add_hint(b, err);
}

void buffers_free(struct transfer_buffers *b)
{
	free_allocated(b);
	free(b->data);
	b->data = NULL;
}

/* Returns how much memory of usbfs all programs together may use, in MiB; 0 if there is no limit
   or the limit is unknown. */
static unsigned int read_usbfs_limit_mib(void)
{
	_cleanup_free_ char *text = NULL;

	return file_read_first_line(AT_FDCWD, LIMIT_PATH, &text) < 0
		       ? 0
		       : (unsigned int)strtoul(text, NULL, 10);
}

/* Returns advice if the limit of usbfs is too low for these buffers, else NULL. The caller frees
   the advice. */
static char *usbfs_limit_advice(const struct transfer_buffers *b)
{
	unsigned int limit = read_usbfs_limit_mib();
	unsigned int need =
		(unsigned int)((b->n_requested * (uint64_t)b->buffer_size + MIB - 1) / MIB);

	if (!limit || need + KERNEL_DATA_MIB <= limit)
		return NULL;
	return strf("all USB programs together may use %u MiB, the buffers need more than %u MiB: "
		    "as root, echo %u > " LIMIT_PATH,
		    limit, need, 2 * need + KERNEL_DATA_MIB);
}

int buffers_add_hint(const struct transfer_buffers *b, struct error *err)
{
	_cleanup_free_ char *advice = usbfs_limit_advice(b);

	if (advice)
		return error_add_hint(err, "%s", advice);
	return error_add_hint(err,
			      "decrease --size or --depth%s, or end other programs that use "
			      "USB devices (see " LIMIT_PATH ")",
			      b->zero_copy ? ", use --memory ordinary" : "");
}

char *buffers_warning(const struct transfer_buffers *b, enum memory_choice choice)
{
	_cleanup_free_ char *advice = NULL;

	if (b->zero_copy || choice != MEMORY_AUTO)
		return NULL;
	advice = usbfs_limit_advice(b);
	if (advice)
		return strf("using ordinary memory: %s", advice);
	return xstrdup("using ordinary memory: the kernel cannot allocate zero-copy memory");
}

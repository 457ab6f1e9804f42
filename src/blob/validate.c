/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One write to ep0: which parser it is for, and what it leaves behind (f_fs.c, ffs_ep0_write). */
#include "blob/validate.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "blob/uapi.h"
#include "blob/validate_parts.h"

#define WRITE_MIN 16

#define FLAGS                                                                                      \
	(FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC | FUNCTIONFS_HAS_SS_DESC |                \
	 FUNCTIONFS_HAS_MS_OS_DESC | FUNCTIONFS_VIRTUAL_ADDR | FUNCTIONFS_EVENTFD |                \
	 FUNCTIONFS_ALL_CTRL_RECIP | FUNCTIONFS_CONFIG0_SETUP)
#define X86_64 .max_alloc = 4 << 20, .word = 8

const struct ffs_kernel ffs_kernels[] = {
	{ "6.12-stock", .flags = FLAGS, .dfu = true, .os_version_bcd = true, X86_64 },
	{ "6.12-patched", .flags = FLAGS | FUNCTIONFS_RW_PROXY_EPS, .dfu = true,
	  .os_version_bcd = true, X86_64 },
	{ "6.1-stock", .flags = FLAGS, X86_64 },
	{ "6.1-patched", .flags = FLAGS | FUNCTIONFS_RW_PROXY_EPS, X86_64 },
	{ 0 },
};

const struct ffs_kernel *ffs_kernel_find(const char *name)
{
	for (const struct ffs_kernel *k = ffs_kernels; k->name; k++)
		if (streq(k->name, name))
			return k;
	return NULL;
}

/* What happens to every blob, before anything of it is read. */
static bool copied(struct look *l)
{
	size_t max = l->judge->kernel->max_alloc;

	return !look_refuse_number(l, FFS_WRITE_SHORT, l->size < WRITE_MIN, 0, (uint32_t)l->size,
				   WRITE_MIN) &&
	       !look_refuse_number(l, FFS_WRITE_HUGE, l->size > max, 0, (uint32_t)l->size,
				   (uint32_t)max);
}

static bool parse(struct look *l)
{
	if (!copied(l))
		return false;
	switch (l->in->state) {
	case FFS_WANTS_DESCRIPTORS:
		return look_descriptors(l);
	case FFS_WANTS_STRINGS:
		/* ffs_epfiles_create() and ffs_ready() fail for want of memory and for a bug only
		 */
		return look_strings(l) && !look_refuse(l, FFS_FILES, false, 0) &&
		       !look_refuse(l, FFS_READY, false, 0);
	case FFS_ACTIVE:
		break;
	}
	assert(!"an active instance takes no blobs");
	return false;
}

static bool look_usb(struct look *l, enum ffs_instance_state state)
{
	return state == FFS_WANTS_STRINGS ? look_usb_strings(l)
					  : look_usb_descriptors(l) && look_usb_os_descriptors(l);
}

static struct ffs_verdict judge_write(const struct ffs_judge *judge, struct ffs_instance *in,
				      const void *blob, size_t size, bool by_standard)
{
	struct look l = { .judge = judge, .in = in, .data = blob, .size = size };
	enum ffs_instance_state state = in->state;

	if (!parse(&l))
		return l.v;
	in->state = state + 1;
	if (by_standard)
		look_usb(&l, state);
	return l.v;
}

struct ffs_verdict ffs_verdict_kernel(const struct ffs_judge *judge, struct ffs_instance *in,
				      const void *blob, size_t size)
{
	return judge_write(judge, in, blob, size, false);
}

struct ffs_verdict ffs_verdict_usb(const struct ffs_judge *judge, struct ffs_instance *in,
				   const void *blob, size_t size)
{
	return judge_write(judge, in, blob, size, true);
}

/*
 * ffs_data_reset(). It leaves the map of addresses as it is, which makes no difference: an endpoint
 * that the first speed does not have is refused whatever the map says.
 */
void ffs_instance_close(struct ffs_instance *in)
{
	*in = (struct ffs_instance){ .state = FFS_WANTS_DESCRIPTORS };
}

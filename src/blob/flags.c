/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob/flags.h"

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/uapi.h"

#define EVERY_KERNEL .since_version = FFS_EVERY_LINUX

const struct ffs_flag ffs_flags[] = {
	{ FUNCTIONFS_HAS_FS_DESC, .feature = { EVERY_KERNEL } },
	{ FUNCTIONFS_HAS_HS_DESC, .feature = { EVERY_KERNEL } },
	{ FUNCTIONFS_HAS_SS_DESC, .feature = { EVERY_KERNEL } },
	{ FUNCTIONFS_HAS_MS_OS_DESC, .feature = { EVERY_KERNEL } },
	{ FUNCTIONFS_VIRTUAL_ADDR, .feature = { "virtual_addr", EVERY_KERNEL } },
	/*
	 * With this flag, a blob contains the number of an open eventfd of the process that writes
	 * the blob. A blob file cannot contain the right number
	 */
	{ FUNCTIONFS_EVENTFD, .feature = { EVERY_KERNEL },
	  .why_ffsctl_refuses =
		  "announces an eventfd, which only a program that writes its own descriptors "
		  "can have" },
	{ FUNCTIONFS_ALL_CTRL_RECIP, .feature = { "all_ctrl_recip", EVERY_KERNEL } },
	{ FUNCTIONFS_CONFIG0_SETUP, .feature = { "config0_setup", EVERY_KERNEL } },
	{ FUNCTIONFS_RW_PROXY_EPS,
	  .feature = { "rw_proxy", "one file for both directions of an endpoint pair",
		       FFS_LINUX(7, 3), .in_ffsctl_patches = true },
	  .needs_in_out_pairs = true },
	{ 0 },
};

bool ffs_kernel_has_feature(const struct ffs_kernel_version *kernel,
			    const struct ffs_feature *feature)
{
	return (feature->since_version && feature->since_version <= kernel->linux_version) ||
	       (feature->in_ffsctl_patches && kernel->has_ffsctl_patches);
}

char *ffs_feature_kernels(const struct ffs_feature *feature)
{
	static const char patches[] = "ffsctl's kernel patches";

	if (!feature->since_version)
		return xstrdup(patches);
	return strf("Linux %u.%u%s%s", feature->since_version >> 8, feature->since_version & 0xff,
		    feature->in_ffsctl_patches ? " or " : "",
		    feature->in_ffsctl_patches ? patches : "");
}

uint32_t ffs_flags_of_kernel(const struct ffs_kernel_version *kernel)
{
	uint32_t flags = 0;

	for (const struct ffs_flag *f = ffs_flags; f->flag; f++)
		flags |= ffs_kernel_has_feature(kernel, &f->feature) ? f->flag : 0;
	return flags;
}

uint32_t ffs_all_flags(void)
{
	uint32_t flags = 0;

	for (const struct ffs_flag *f = ffs_flags; f->flag; f++)
		flags |= f->flag;
	return flags;
}

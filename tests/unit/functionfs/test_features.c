/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of the optional features, and the descriptors that a probe writes.
 * tests/lab/probe/test_features.py tests the probe in kernels.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/validate_blob.h"
#include "functionfs/features.h"

static bool every_known_kernel_has(const struct ffs_feature *feature)
{
	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++)
		if (!ffs_kernel_has_feature(&k->version, feature))
			return false;
	return true;
}

Test(features, a_flag_that_some_known_kernel_lacks_is_optional)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		const struct ffs_feature *feature = ffs_feature_by_number(FFS_FLAG_NUMBER(f->flag));

		cr_expect_eq(feature == NULL, every_known_kernel_has(&f->feature), "%#x", f->flag);
		cr_expect(!feature || (feature->name && feature->description), "%#x", f->flag);
	}
}

Test(features, each_other_feature_has_its_row)
{
	static const char *const names[] = { "zlp", "mmap_memory_mb", "dmabuf", "sessions", "dfu" };

	cr_assert_eq(FFS_FEATURE_COUNT - FFS_FLAG_BITS, ARRAY_SIZE(names));
	for (int i = 0; i < FFS_FEATURE_COUNT - FFS_FLAG_BITS; i++)
		cr_expect_str_eq(ffs_feature_by_number(FFS_FLAG_BITS + i)->name, names[i]);
}

Test(features, the_validator_and_the_probe_agree_about_dfu)
{
	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++)
		cr_expect_eq(k->accepts_dfu,
			     ffs_kernel_has_feature(&k->version, ffs_feature_by_number(FFS_DFU)),
			     "%s", k->name);
}

Test(features, a_function_needs_the_flags_that_it_sets)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		int number = FFS_FLAG_NUMBER(f->flag);
		struct ffs ffs = { .flags = f->flag };
		struct position at;

		ffs.flag_at[number] = (struct position){ "demo.conf", 7, 1 };
		for (int other = 0; other < FFS_FEATURE_COUNT; other++)
			cr_expect_eq(ffs_needs_feature(&ffs, other, &at), other == number);
		ffs_needs_feature(&ffs, number, &at);
		cr_expect_eq(at.line, 7);
	}
}

/* --- probing, with a file for ep0 that keeps what is written --- */

static char dir[] = "/tmp/ffsctl-test-features-XXXXXX";

static int open_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	return open(dir, O_DIRECTORY | O_CLOEXEC);
}

static void remove_dir(int fd)
{
	unlinkat(fd, "ep0", 0);
	close(fd);
	rmdir(dir);
}

Test(features, each_optional_flag_is_probed)
{
	struct ffs_features features = { 0 };
	int fd = open_dir(), ep0 = openat(fd, "ep0", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint32_t last = 0;
	uint8_t head[12];

	cr_assert_eq(ffs_probe_flags(fd, &features), 0);
	for (int n = 0; n < FFS_FLAG_BITS; n++) {
		cr_expect_eq(features.has[n], ffs_feature_by_number(n) != NULL, "bit %d", n);
		last = ffs_feature_by_number(n) ? 1U << n : last;
	}
	/* Written alone, with descriptors of one speed */
	cr_assert_eq(read(ep0, head, sizeof(head)), (ssize_t)sizeof(head));
	for (int i = 0; i < 4; i++)
		cr_expect_eq(head[8 + i], (uint8_t)((last | 1) >> 8 * i));
	close(ep0);
	remove_dir(fd);
}

Test(features, a_probe_that_fails_is_no_answer)
{
	struct ffs_features features = { 0 };
	int fd = open_dir();

	cr_expect_eq(ffs_probe_flags(fd, &features), -ENOENT);
	cr_assert_eq(symlinkat("/dev/full", fd, "ep0"), 0);
	cr_expect_eq(ffs_probe_flags(fd, &features), -ENOSPC);
	for (int n = 0; n < FFS_FEATURE_COUNT; n++)
		cr_expect(!features.has[n]);
	remove_dir(fd);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row of ffs_flags, from the model to bytes and back, and what the known kernels say to it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/decode.h"
#include "blob/encode.h"
#include "blob/uapi.h"
#include "blob/validate_blob.h"

#define FLAGS_AT 8

/* Returns the descriptors of an endpoint pair with these flags. The caller frees them. */
static uint8_t *encode(uint32_t flags, size_t *size)
{
	struct endpoint eps[] = {
		{ .address = 0x81, .direction = EP_IN, .type = EP_BULK },
		{ .address = 0x02, .direction = EP_OUT, .type = EP_BULK },
	};
	struct interface intf = { .class = 0xff, .endpoints = eps, .n_endpoints = 2 };
	const struct ffs ffs = { .has_speed = { true, true, true },
				 .flags = flags,
				 .interfaces = &intf,
				 .n_interfaces = 1 };

	for (int i = 0; i < 2; i++)
		for (int s = 0; s < EP_SPEED_COUNT; s++)
			eps[i].speed[s] = (struct endpoint_speed_values){ .is_offered = true,
									  .max_packet = 64 };
	return ffs_blob_descriptors(&ffs, size);
}

static uint32_t flags_in(const uint8_t *blob)
{
	return blob[FLAGS_AT] | (uint32_t)blob[FLAGS_AT + 1] << 8 |
	       (uint32_t)blob[FLAGS_AT + 2] << 16 | (uint32_t)blob[FLAGS_AT + 3] << 24;
}

static void set_flags(uint8_t *blob, uint32_t flags)
{
	for (int i = 0; i < 4; i++)
		blob[FLAGS_AT + i] = (uint8_t)(flags >> 8 * i);
}

/* Decodes a blob into `ffs`, of which only the flags are left. */
static int decode(uint8_t *blob, size_t size, struct ffs *ffs, struct error *err)
{
	int r;

	*ffs = (struct ffs){ .raw_descriptors = { blob, size },
			     .raw_descriptors_at = { "demo.conf", 7, 1 } };
	r = ffs_decode_descriptors(ffs, err);
	for (size_t i = 0; i < ffs->n_interfaces; i++)
		free(ffs->interfaces[i].endpoints);
	free(ffs->interfaces);
	return r;
}

static struct ffs_finding validate(const struct ffs_validation_options *options,
				   const uint8_t *blob, size_t size)
{
	struct ffs_instance in = { 0 };

	return ffs_validate_as_kernel(options, &in, blob, size);
}

Test(flags, each_row_has_one_bit_and_they_ascend)
{
	uint32_t last = 0;

	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		cr_expect_eq(f->flag & (f->flag - 1), 0, "%#x is not one bit", f->flag);
		cr_expect_gt(f->flag, last);
		cr_expect_eq(1U << FFS_FLAG_NUMBER(f->flag), f->flag);
		cr_expect(f->feature.since_version || f->feature.in_ffsctl_patches,
			  "no kernel has %#x", f->flag);
		cr_expect(!f->why_ffsctl_refuses || !f->feature.name,
			  "%#x has a key, but is refused", f->flag);
		last = f->flag;
	}
}

Test(flags, each_flag_with_a_key_is_encoded_accepted_and_decoded)
{
	const struct ffs_validation_options any = ffs_validation_options_least_strict();

	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		_cleanup_free_ uint8_t *blob = NULL;
		_cleanup_error_ struct error err = { 0 };
		const char *name = f->feature.name;
		struct ffs ffs;
		size_t size;

		if (!name)
			continue;
		blob = encode(f->flag, &size);
		cr_expect_eq(flags_in(blob), 7 | f->flag, "%s", name);
		cr_expect_eq(validate(&any, blob, size).rule, FFS_ACCEPTED, "%s", name);
		cr_assert_eq(decode(blob, size, &ffs, &err), 0, "%s: %s", name, err.text);
		cr_expect_eq(ffs.flags, f->flag, "%s", name);
		cr_expect_eq(ffs.flag_at[FFS_FLAG_NUMBER(f->flag)].line, 7, "%s", name);
	}
}

Test(flags, a_flag_without_a_key_is_refused_or_no_setting)
{
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
		_cleanup_free_ uint8_t *blob = NULL;
		_cleanup_free_ char *text = NULL;
		_cleanup_error_ struct error err = { 0 };
		struct ffs ffs;
		size_t size;
		int r;

		if (f->feature.name)
			continue;
		blob = encode(0, &size);
		set_flags(blob, 7 | f->flag);
		r = decode(blob, size, &ffs, &err);
		cr_expect_eq(ffs.flags, 0, "%#x", f->flag);
		if (!f->why_ffsctl_refuses)
			continue;
		text = strf("byte 8: flag %u %s", f->flag, f->why_ffsctl_refuses);
		cr_expect_eq(r, -EINVAL);
		cr_expect_str_eq(err.text, text);
	}
}

Test(flags, a_kernel_refuses_those_that_it_does_not_have)
{
	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++) {
		const struct ffs_validation_options options = { .kernel = k };

		for (const struct ffs_flag *f = ffs_flags; f->flag; f++) {
			bool has = ffs_kernel_has_feature(&k->version, &f->feature);
			_cleanup_free_ uint8_t *blob = NULL;
			struct ffs_finding finding;
			size_t size;

			if (!f->feature.name)
				continue;
			blob = encode(f->flag, &size);
			finding = validate(&options, blob, size);
			cr_expect_eq(finding.rule, has ? FFS_ACCEPTED : FFS_FLAGS, "%s: %s",
				     k->name, f->feature.name);
			cr_expect_eq(finding.found, has ? 0 : f->flag);
		}
	}
}

Test(flags, bits_without_a_row_are_refused_by_every_kernel)
{
	const struct ffs_validation_options any = ffs_validation_options_least_strict();
	size_t size;
	_cleanup_free_ uint8_t *blob = encode(0, &size);

	for (unsigned int n = 0; n < FFS_FLAG_BITS; n++) {
		if (ffs_all_flags() & 1U << n)
			continue;
		set_flags(blob, 7 | 1U << n);
		cr_expect_eq(validate(&any, blob, size).rule, FFS_FLAGS, "bit %u", n);
	}
}

Test(flags, the_newest_kernel_is_the_last_and_accepts_what_the_others_accept)
{
	const struct ffs_kernel_rules *newest = ffs_kernel_rules_newest();

	cr_expect_str_eq(newest->name, "6.18-patched");
	cr_expect_null(newest[1].name);
	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++) {
		_cleanup_free_ char *name = strf(
			"%u.%u-%s", k->version.linux_version >> 8, k->version.linux_version & 0xff,
			k->version.has_ffsctl_patches ? "patched" : "stock");

		cr_expect_str_eq(k->name, name);
		cr_expect_eq(ffs_flags_of_kernel(&k->version) &
				     ~ffs_flags_of_kernel(&newest->version),
			     0, "%s", k->name);
		cr_expect_leq(k->accepts_dfu, newest->accepts_dfu);
		cr_expect_leq(k->accepts_os_version_bcd, newest->accepts_os_version_bcd);
		cr_expect_leq(k->version.linux_version,
			      k == newest ? k->version.linux_version : k[1].version.linux_version);
	}
	cr_expect_eq(ffs_flags_of_kernel(&ffs_kernel_rules_find("6.12-stock")->version), 0xff);
	cr_expect_eq(ffs_flags_of_kernel(&ffs_kernel_rules_find("6.1-patched")->version), 0x1ff);
}

Test(flags, messages_say_which_kernels_have_a_feature)
{
	static const struct {
		struct ffs_feature feature;
		const char *text;
	} cases[] = {
		{ { .since_version = FFS_LINUX(6, 12) }, "Linux 6.12" },
		{ { .since_version = FFS_LINUX(7, 3), .in_ffsctl_patches = true },
		  "Linux 7.3 or ffsctl's kernel patches" },
		{ { .in_ffsctl_patches = true }, "ffsctl's kernel patches" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = ffs_feature_kernels(&cases[i].feature);

		cr_expect_str_eq(text, cases[i].text);
	}
}

Test(flags, a_feature_is_there_from_its_version_on_or_with_the_patches)
{
	const struct ffs_feature mainline = { .since_version = FFS_LINUX(6, 12) };
	const struct ffs_feature ours = { .in_ffsctl_patches = true };
	const struct ffs_kernel_version old = { FFS_LINUX(6, 9), true },
					same = { .linux_version = FFS_LINUX(6, 12) };
	const struct ffs_kernel_version later = { .linux_version = FFS_LINUX(7, 0) };

	cr_expect(!ffs_kernel_has_feature(&old, &mainline));
	cr_expect(ffs_kernel_has_feature(&same, &mainline));
	cr_expect(ffs_kernel_has_feature(&later, &mainline));
	cr_expect(ffs_kernel_has_feature(&old, &ours));
	cr_expect(!ffs_kernel_has_feature(&later, &ours));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob/check_function.h"

#include "blob/encode.h"

static struct ffs_finding simulate_blob_write(struct ffs_instance *in, const struct ffs_blob *blob)
{
	const struct ffs_validation_options options = ffs_validation_options_least_strict();

	return ffs_validate_as_kernel(&options, in, blob->data, blob->size);
}

struct ffs_refusal ffs_check_blobs(const struct ffs *ffs)
{
	_cleanup_ffs_blob_ struct ffs_blob descriptors = { 0 }, strings = { 0 };
	struct ffs_refusal r = { 0 };
	struct ffs_instance in = { 0 };

	ffs_encode_descriptors(ffs, &descriptors);
	r.finding = simulate_blob_write(&in, &descriptors);
	if (r.finding.rule != FFS_ACCEPTED) {
		r.at = ffs_blob_position(&descriptors, r.finding.offset);
		return r;
	}
	ffs_encode_strings(ffs, &strings);
	r.finding = simulate_blob_write(&in, &strings);
	if (r.finding.rule != FFS_ACCEPTED) {
		r.at = ffs_blob_position(&strings, r.finding.offset);
		r.in_strings = true;
	}
	return r;
}

/*
 * Returns true if the function has descriptors of high speed and SuperSpeed, but none of full
 * speed. f_fs.c then reads addresses and sizes from missing full-speed descriptors
 * (__ffs_func_bind_do_descs).
 */
bool ffs_may_crash_kernel_at_bind(const struct ffs *ffs)
{
	return ffs->has_speed[EP_HIGH] && ffs->has_speed[EP_SUPER] && !ffs->has_speed[EP_FULL];
}

struct ffs_finding ffs_check_extra_descriptor(const struct interface *interface,
					      const struct ffs_bytes *descriptor)
{
	struct ffs_bytes extra = *descriptor;
	struct interface bare = { .class = interface->class,
				  .subclass = interface->subclass,
				  .extra_descriptors = &extra,
				  .n_extra_descriptors = 1 };
	const struct ffs ffs = { .has_speed[EP_FULL] = true,
				 .interfaces = &bare,
				 .n_interfaces = 1 };
	_cleanup_ffs_blob_ struct ffs_blob blob = { 0 };
	struct ffs_instance in = { 0 };
	struct ffs_finding finding;

	ffs_encode_descriptors(&ffs, &blob);
	finding = simulate_blob_write(&in, &blob);
	/* The extra descriptor is at the end of the blob; all bytes before it are valid */
	if (finding.rule != FFS_ACCEPTED)
		finding.offset -= blob.size - descriptor->size;
	return finding;
}

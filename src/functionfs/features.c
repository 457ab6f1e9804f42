/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/features.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detached_mount.h"
#include "blob/encode.h"
#include "blob/uapi.h"
#include "functionfs/mount.h"

#define DFU_CLASS                                                                                  \
	0xfe /* the only interfaces of this class with extra descriptors are DFU (subclass 1) */
#define MMAP_OPTION "mmap_memory_mb"

/* --- features that a function uses --- */

static bool is_setting_given(const struct positioned_int *key, struct position *at)
{
	*at = key->at;
	return key->set;
}

static bool needs_zlp(const struct ffs *ffs, struct position *at)
{
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		const struct interface *intf = &ffs->interfaces[i];

		for (size_t e = 0; e < intf->n_endpoints; e++)
			if (is_setting_given(&intf->endpoints[e].zlp, at) &&
			    intf->endpoints[e].zlp.value)
				return true;
	}
	return false;
}

static bool needs_mmap(const struct ffs *ffs, struct position *at)
{
	return is_setting_given(&ffs->mount.mmap_memory_mb, at);
}

static bool needs_dfu(const struct ffs *ffs, struct position *at)
{
	for (size_t i = 0; i < ffs->n_interfaces; i++) {
		const struct interface *intf = &ffs->interfaces[i];

		*at = intf->extra_descriptors_at;
		if (intf->class == DFU_CLASS && intf->n_extra_descriptors > 0)
			return true;
	}
	return false;
}

#define OTHER(name) [FFS_##name - FFS_FLAG_BITS]

/* The features of FunctionFS for which the descriptor blob has no flag: ioctls, a mount option, and
   a descriptor that the kernel accepts. */
static const struct {
	struct ffs_feature feature;
	/*
	 * Returns whether a function uses the feature, as ffs_needs_feature() does. NULL: no key of
	 * the gadget file uses the feature, only workers do.
	 */
	bool (*is_needed)(const struct ffs *ffs, struct position *at);
} other_features[] = {
	OTHER(ZLP) = { { "zlp", "automatic zero-length packets", FFS_LINUX(7, 3),
			 .in_ffsctl_patches = true },
		       needs_zlp },
	OTHER(MMAP) = { { MMAP_OPTION, "zero-copy I/O on mapped memory",
			  .in_ffsctl_patches = true },
			needs_mmap },
	OTHER(DMABUF) = { { "dmabuf", "transfers of DMA buffers", FFS_LINUX(6, 9),
			    .in_ffsctl_patches = true },
			  NULL },
	OTHER(SESSIONS) = { { "sessions", "no stale data after a USB reset",
			      .in_ffsctl_patches = true },
			    NULL },
	OTHER(DFU) = { { "dfu", "the functional descriptor of DFU",
			 .since_version = FFS_LINUX(6, 12) },
		       needs_dfu },
};
_Static_assert(ARRAY_SIZE(other_features) == FFS_FEATURE_COUNT - FFS_FLAG_BITS,
	       "a row for each feature");

const struct ffs_feature *ffs_feature_by_number(int number)
{
	if (number >= FFS_FLAG_BITS)
		return &other_features[number - FFS_FLAG_BITS].feature;
	for (const struct ffs_flag *f = ffs_flags; f->flag; f++)
		if (f->flag == 1U << number)
			return f->feature.description ? &f->feature : NULL;
	return NULL;
}

bool ffs_needs_feature(const struct ffs *ffs, int number, struct position *at)
{
	if (number >= FFS_FLAG_BITS)
		return other_features[number - FFS_FLAG_BITS].is_needed &&
		       other_features[number - FFS_FLAG_BITS].is_needed(ffs, at);
	*at = ffs->flag_at[number];
	return ffs->flags & 1U << number;
}

/* --- probing --- */

/* Mounts the instance for this process alone, with an option; NULL: without one. A kernel that
   cannot (before 5.2) has none of the features. */
static int make_detached_mount(const char *instance, const char *option)
{
	const char *const options[] = { "source", instance, option, option ? "1" : NULL, NULL };

	return mount_detached(FFS_FILE_SYSTEM, options);
}

enum probe_blobs { DESCRIPTORS, DESCRIPTORS_AND_STRINGS };

static int write_blobs(int ep0, const struct ffs *ffs, enum probe_blobs blobs_to_write)
{
	size_t descriptors_size, strings_size;
	_cleanup_free_ uint8_t *descriptors = ffs_blob_descriptors(ffs, &descriptors_size),
			       *strings = ffs_blob_strings(ffs, &strings_size);

	if (write(ep0, descriptors, descriptors_size) < 0 ||
	    (blobs_to_write == DESCRIPTORS_AND_STRINGS && write(ep0, strings, strings_size) < 0))
		return -errno;
	return 0;
}

/*
 * Writes the descriptors of a function with one interface and two endpoints; with
 * DESCRIPTORS_AND_STRINGS, also its strings.
 */
static int write_probe_blobs(int ep0, uint32_t flags, enum probe_blobs blobs_to_write)
{
	struct endpoint eps[] = {
		{ .address = 0x81, .direction = EP_IN, .type = EP_BULK },
		{ .address = 0x02, .direction = EP_OUT, .type = EP_BULK },
	};
	struct interface intf = { .class = 0xff, .endpoints = eps, .n_endpoints = ARRAY_SIZE(eps) };
	const struct ffs ffs = {
		.has_speed[EP_FULL] = true,
		.flags = flags,
		.interfaces = &intf,
		.n_interfaces = 1,
	};

	for (size_t i = 0; i < ARRAY_SIZE(eps); i++)
		eps[i].speed[EP_FULL] =
			(struct endpoint_speed_values){ .is_offered = true, .max_packet = 64 };
	return write_blobs(ep0, &ffs, blobs_to_write);
}

/* Probes a flag by writing descriptors with this flag. Closing ep0 discards them. */
static int probe_flag(int mount_dir_fd, uint32_t flag, bool *has)
{
	_cleanup_close_ int ep0 = openat(mount_dir_fd, "ep0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int r = ep0 < 0 ? -errno : write_probe_blobs(ep0, flag, DESCRIPTORS);

	*has = r == 0;
	/* ENOSYS: the kernel does not know the flag. It checks the flags before all else. */
	return r == -ENOSYS ? 0 : r;
}

int ffs_probe_flags(int mount_dir_fd, struct ffs_features *features)
{
	int r = 0;

	for (const struct ffs_flag *f = ffs_flags; f->flag && r == 0; f++)
		if (f->feature.description)
			r = probe_flag(mount_dir_fd, f->flag,
				       &features->has[FFS_FLAG_NUMBER(f->flag)]);
	return r;
}

/*
 * Returns whether FunctionFS implements an ioctl. `ep` is a non-blocking endpoint file before the
 * bind. If the kernel does not know the ioctl, it first waits until the endpoint is enabled; on a
 * non-blocking file, the ioctl fails with EAGAIN instead. If the kernel knows the ioctl, the call
 * does not wait: ATTACH fails, because its argument is no DMABUF, and SESSION_ACCEPT fails with
 * ESHUTDOWN, because there is no session. DETACH and TRANSFER are not probed, because before the
 * bind they cause an oops in Linux 6.9 to 7.2.
 */
static bool has_ioctl(int ep, unsigned long request, void *argument)
{
	return ioctl(ep, request, argument) >= 0 || (errno != EAGAIN && errno != ENOTTY);
}

static int probe_ioctls(int mount_dir_fd, struct ffs_features *features)
{
	_cleanup_close_ int ep = openat(mount_dir_fd, "ep1", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	__u32 off = 0;
	int no_buffer = -1;

	if (ep < 0)
		return -errno;
	features->has[FFS_ZLP] = has_ioctl(ep, FUNCTIONFS_ENDPOINT_ENABLE_ZLP, &off);
	features->has[FFS_DMABUF] = has_ioctl(ep, FUNCTIONFS_DMABUF_ATTACH, &no_buffer);
	features->has[FFS_SESSIONS] = has_ioctl(ep, FUNCTIONFS_SESSION_ACCEPT, NULL);
	return 0;
}

/*
 * Probes DFU by writing its descriptor: a kernel without DFU returns EINVAL. Closing ep0 discards
 * the descriptors.
 */
static int probe_dfu(int mount_dir_fd, struct ffs_features *features)
{
	_cleanup_close_ int ep0 = openat(mount_dir_fd, "ep0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	uint8_t functional[9] = { sizeof(functional), 0x21 };
	struct ffs_bytes extra = { functional, sizeof(functional) };
	struct interface intf = { .class = DFU_CLASS,
				  .subclass = 1,
				  .extra_descriptors = &extra,
				  .n_extra_descriptors = 1 };
	const struct ffs ffs = { .has_speed[EP_FULL] = true,
				 .interfaces = &intf,
				 .n_interfaces = 1 };
	_cleanup_free_ uint8_t *descriptors = NULL;
	size_t size;

	if (ep0 < 0)
		return -errno;
	descriptors = ffs_blob_descriptors(&ffs, &size);
	features->has[FFS_DFU] = write(ep0, descriptors, size) >= 0;
	return features->has[FFS_DFU] || errno == EINVAL ? 0 : -errno;
}

/*
 * Writes descriptors and strings, which makes the endpoint files, and probes the features that are
 * ioctls of these files.
 */
static int probe_endpoint_features(int mount_dir_fd, struct ffs_features *features)
{
	_cleanup_close_ int ep0 = openat(mount_dir_fd, "ep0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (ep0 < 0)
		return -errno;
	r = write_probe_blobs(ep0, 0, DESCRIPTORS_AND_STRINGS);
	return r == 0 ? probe_ioctls(mount_dir_fd, features) : r;
}

static int fail_scratch_instance(const char *what, const char *instance, int r, struct error *err)
{
	error_errno(err, r == -EPERM || r == -EACCES ? EX_NOPERM : EX_OSERR, -r, NULL,
		    "cannot %s the FunctionFS instance '%s'", what, instance);
	return err->exit == EX_NOPERM ? error_add_root_hint(err) : r;
}

int ffs_open_function_without_endpoints(const char *instance, struct error *err)
{
	_cleanup_close_ int mount_dir_fd = make_detached_mount(instance, NULL), ep0 = -1;
	struct interface intf = { .class = 0xff };
	const struct ffs ffs = {
		.has_speed[EP_FULL] = true,
		.interfaces = &intf,
		.n_interfaces = 1,
	};
	int r = mount_dir_fd;

	if (r >= 0) {
		/* An open file keeps the mount. */
		ep0 = openat(mount_dir_fd, "ep0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		r = ep0 < 0 ? -errno : write_blobs(ep0, &ffs, DESCRIPTORS_AND_STRINGS);
	}
	return r < 0 ? fail_scratch_instance("use", instance, r, err) : steal_fd(&ep0);
}

int ffs_probe(const char *instance, struct ffs_features *features, struct error *err)
{
	_cleanup_close_ int mount_dir_fd = make_detached_mount(instance, MMAP_OPTION);
	int r = 0;

	*features = (struct ffs_features){ 0 };
	features->has[FFS_MMAP] = mount_dir_fd >= 0;
	if (mount_dir_fd == -EINVAL)
		mount_dir_fd = make_detached_mount(instance, NULL);
	if (mount_dir_fd == -ENOSYS) /* a kernel before 5.2 has none of the features */
		return 0;
	r = mount_dir_fd < 0 ? mount_dir_fd : probe_dfu(mount_dir_fd, features);
	if (r == 0)
		r = ffs_probe_flags(mount_dir_fd, features);
	if (r == 0)
		r = probe_endpoint_features(mount_dir_fd, features);
	if (r == 0)
		return 0;
	return fail_scratch_instance("probe", instance, r, err);
}

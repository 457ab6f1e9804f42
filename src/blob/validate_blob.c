/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Validates one write to ep0 as ffs_ep0_write() of f_fs.c does: chooses the parser for the state of
 * the instance, and updates this state.
 */
#include "blob/validate_blob.h"

#include <assert.h>
#include <string.h>

#include "base/kernel_series.h"
#include "base/util.h"
#include "blob/validate_parts.h"

#define WRITE_MIN 16

#define STOCK(major, minor)                                                                        \
	.name = #major "." #minor "-stock", .version = { .linux_version = FFS_LINUX(major, minor) }
#define PATCHED(major, minor)                                                                      \
	.name = #major "." #minor "-patched",                                                      \
	.version = { FFS_LINUX(major, minor), .has_ffsctl_patches = true }
#define X86_64 .max_allocation = 4 << 20, .pointer_size = 8

#define RULES(major, minor)                                                                        \
	.accepts_dfu = FFS_LINUX(major, minor) >= FFS_LINUX(6, 12),                                \
	.accepts_os_version_bcd = FFS_LINUX(major, minor) >= FFS_LINUX(6, 12), X86_64
#define STOCK_AND_PATCHED(constant, major, minor)                                                  \
	{ STOCK(major, minor), RULES(major, minor) },                                              \
		{ PATCHED(major, minor), RULES(major, minor) },

const struct ffs_kernel_rules ffs_known_kernels[] = { KERNEL_SERIES(STOCK_AND_PATCHED){ 0 } };

const struct ffs_kernel_rules *ffs_kernel_rules_find(const char *name)
{
	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++)
		if (streq(k->name, name))
			return k;
	return NULL;
}

const struct ffs_kernel_rules *ffs_kernel_rules_newest(void)
{
	return &ffs_known_kernels[ARRAY_SIZE(ffs_known_kernels) - 2];
}

struct ffs_validation_options ffs_validation_options_least_strict(void)
{
	return (struct ffs_validation_options){ .kernel = ffs_kernel_rules_newest(),
						.also_accepted_flags = ffs_all_flags() };
}

/* Checks the size of the blob, as ffs_ep0_write() does before it reads the blob. */
static bool check_blob_size(struct validation *v)
{
	size_t max = v->options->kernel->max_allocation;

	return !refuse_with_numbers_if(v, FFS_WRITE_SHORT, v->size < WRITE_MIN, 0,
				       (uint32_t)v->size, WRITE_MIN) &&
	       !refuse_with_numbers_if(v, FFS_WRITE_HUGE, v->size > max, 0, (uint32_t)v->size,
				       (uint32_t)max);
}

bool validate_ep0_write(struct validation *v)
{
	if (!check_blob_size(v))
		return false;
	switch (v->instance->state) {
	case FFS_WANTS_DESCRIPTORS:
		return validate_descriptors(v);
	case FFS_WANTS_STRINGS:
		/*
		 * ffs_epfiles_create() fails only if the kernel has no memory left. ffs_ready()
		 * fails only because of a bug in the kernel: an instance can be mounted only while
		 * its configfs function exists, and closing ep0 resets desc_ready.
		 */
		return validate_strings(v);
	case FFS_ACTIVE:
		break;
	}
	assert(!"an active instance accepts no blobs");
	return false;
}

static bool validate_usb(struct validation *v, enum ffs_instance_state state)
{
	if (state == FFS_WANTS_STRINGS)
		return validate_usb_strings(v);
	return validate_usb_descriptors(v) && validate_usb_os_descriptors(v);
}

struct ffs_finding ffs_validate_as_kernel(const struct ffs_validation_options *options,
					  struct ffs_instance *in, const void *blob, size_t size)
{
	struct validation v = { .options = options, .instance = in, .data = blob, .size = size };

	if (validate_ep0_write(&v))
		in->state++;
	return v.finding;
}

struct ffs_finding ffs_validate_usb(const struct ffs_validation_options *options,
				    struct ffs_instance *in, const void *blob, size_t size)
{
	struct validation v = { .options = options, .instance = in, .data = blob, .size = size };
	enum ffs_instance_state state = in->state;

	if (validate_ep0_write(&v)) {
		in->state++;
		validate_usb(&v, state);
	}
	return v.finding;
}

bool ffs_find_unsent_property(const void *blob, size_t size, size_t *offset, uint32_t *type)
{
	const struct ffs_validation_options options = ffs_validation_options_least_strict();
	struct ffs_instance in = { 0 };
	struct validation v = { .options = &options, .instance = &in, .data = blob, .size = size };

	if (!validate_ep0_write(&v) || !validation_find_unsent_property(&v, offset))
		return false;
	*type = get_le32(v.data + *offset + 4);
	return true;
}

/*
 * Does the same as the kernel's ffs_data_reset(), but also clears the endpoint addresses. This
 * makes no difference: the descriptors of the first speed overwrite the addresses, and an endpoint
 * that the first speed does not have is refused anyway.
 */
void ffs_instance_simulate_close(struct ffs_instance *in)
{
	*in = (struct ffs_instance){ .state = FFS_WANTS_DESCRIPTORS };
}

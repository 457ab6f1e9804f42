/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses Microsoft OS descriptors as the kernel does (f_fs.c, ffs_do_os_descs and what it calls).
 * The kernel compares dwLength only with the rest of the blob, so a section ends where its last
 * feature ends.
 */
#include "base/util.h"
#include "blob/validate_parts.h"

#define OS_VERSION 0x0100
#define OS_VERSION_OLD 0x0001 /* the bytes of OS_VERSION swapped, as old kernels expect them */
#define COMPAT_MAX 255
#define PROP_TYPE_MIN 1
#define PROP_TYPE_MAX 7

static bool check_interface_number(struct validation *v, enum ffs_rule rule, size_t at)
{
	return !refuse_with_numbers_if(v, rule, v->data[at] >= v->instance->n_interfaces, at,
				       v->data[at], v->instance->n_interfaces);
}

static bool read_compatible_id(struct validation *v, _unused_ size_t head)
{
	const uint8_t *d = v->data + v->offset;

	if (refuse_with_numbers_if(v, FFS_COMPAT_CUT, bytes_left(v) < COMPAT_SIZE, v->offset,
				   (uint32_t)bytes_left(v), COMPAT_SIZE) ||
	    !check_interface_number(v, FFS_COMPAT_INTERFACE, v->offset))
		return false;
	/* The kernel accepts any value of Reserved1, and sets it to 1 */
	count_rule_outcome(v, FFS_COMPAT_RESERVED1, d[1] != 1);
	for (size_t i = 18; i < COMPAT_SIZE; i++)
		if (refuse_with_numbers_if(v, FFS_COMPAT_RESERVED2, d[i] != 0, v->offset + i, d[i],
					   0))
			return false;
	v->offset += COMPAT_SIZE;
	return true;
}

static bool read_property(struct validation *v, size_t head)
{
	const uint8_t *d = v->data + v->offset;
	uint32_t type, data;
	unsigned int name;
	/* dwSize modulo 256, because the kernel stores it in one byte */
	uint8_t size;

	if (refuse_with_numbers_if(v, FFS_PROP_CUT, bytes_left(v) < PROP_SIZE, v->offset,
				   (uint32_t)bytes_left(v), PROP_SIZE) ||
	    !check_interface_number(v, FFS_PROP_INTERFACE, head))
		return false;
	size = (uint8_t)get_le32(d);
	if (refuse_with_numbers_if(v, FFS_PROP_SIZE, bytes_left(v) < size, v->offset, size,
				   (uint32_t)bytes_left(v)))
		return false;
	type = get_le32(d + 4);
	if (refuse_with_numbers_if(v, FFS_PROP_TYPE_LOW, type < PROP_TYPE_MIN, v->offset + 4, type,
				   PROP_TYPE_MIN) ||
	    refuse_with_numbers_if(v, FFS_PROP_TYPE_HIGH, type > PROP_TYPE_MAX, v->offset + 4, type,
				   PROP_TYPE_MAX))
		return false;
	name = get_le16(d + 8);
	if (refuse_with_numbers_if(v, FFS_PROP_NAME, size < PROP_LENGTHS + name, v->offset + 8,
				   name, size))
		return false;
	data = get_le32(d + PROP_SIZE + name);
	if (refuse_with_numbers_if(v, FFS_PROP_DATA, size != (uint32_t)(PROP_LENGTHS + name + data),
				   v->offset + PROP_SIZE + name, data, size - PROP_LENGTHS - name))
		return false;
	v->offset += size;
	return true;
}

static bool check_os_version(struct validation *v, size_t head)
{
	unsigned int version = get_le16(v->data + head + 5);
	bool bcd = v->options->kernel->accepts_os_version_bcd;

	if (bcd && count_rule_outcome(v, FFS_OS_VERSION_OLD, version == OS_VERSION_OLD))
		return true;
	return !refuse_with_numbers_if(v, FFS_OS_VERSION,
				       version != (bcd ? OS_VERSION : OS_VERSION_OLD), head + 5,
				       version, bcd ? OS_VERSION : OS_VERSION_OLD);
}

/* Reads one section: a head, then compatible IDs only or properties only. */
static bool read_os_section(struct validation *v)
{
	size_t head = v->offset;
	const uint8_t *d = v->data + head;
	unsigned int index, count;
	bool compat;

	if (refuse_with_numbers_if(v, FFS_OS_HEAD_CUT, bytes_left(v) < OS_HEAD_SIZE, head,
				   (uint32_t)bytes_left(v), OS_HEAD_SIZE) ||
	    refuse_with_numbers_if(v, FFS_OS_LENGTH, get_le32(d + 1) > bytes_left(v), head + 1,
				   get_le32(d + 1), (uint32_t)bytes_left(v)) ||
	    !check_os_version(v, head))
		return false;
	index = get_le16(d + 7);
	compat = count_rule_outcome(v, FFS_OS_COMPAT, index == OS_INDEX_COMPAT);
	if (!compat && refuse_with_numbers_if(v, FFS_OS_INDEX, index != OS_INDEX_PROP, head + 7,
					      index, OS_INDEX_PROP))
		return false;
	count = get_le16(d + 9);
	if (compat && (refuse_with_numbers_if(v, FFS_OS_COUNT, count > COMPAT_MAX, head + 9, count,
					      COMPAT_MAX) ||
		       refuse_if(v, FFS_OS_RESERVED, d[10] != 0, head + 10)))
		return false;
	v->offset += OS_HEAD_SIZE;
	while (count_rule_outcome(v, FFS_OS_FEATURE, count-- > 0))
		if (!(compat ? read_compatible_id : read_property)(v, head))
			return false;
	return true;
}

bool validate_os_descriptors(struct validation *v)
{
	for (uint32_t n = 0; count_rule_outcome(v, FFS_OS_NEXT, n < v->n_os_descriptors); n++)
		if (!read_os_section(v))
			return false;
	return true;
}

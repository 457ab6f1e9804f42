/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microsoft's descriptors as the kernel reads them (f_fs.c, ffs_do_os_descs and what it calls).
 * Their dwLength is compared with what is left of the blob and with nothing else: how far a section
 * goes is what its features add up to.
 */
#include "base/util.h"
#include "blob/validate_parts.h"

#define OS_VERSION 0x0100
#define OS_VERSION_OLD 0x0001 /* the same with its bytes swapped: what kernels once asked for */
#define COMPAT_MAX 255
#define PROP_TYPE_MIN 1
#define PROP_TYPE_MAX 7

static bool check_interface(struct look *l, enum ffs_rule rule, size_t at)
{
	return !look_refuse_number(l, rule, l->data[at] >= l->in->interfaces, at, l->data[at],
				   l->in->interfaces);
}

static bool read_compat(struct look *l, _unused_ size_t head)
{
	const uint8_t *d = l->data + l->at;

	if (look_refuse_number(l, FFS_COMPAT_CUT, left(l) < COMPAT_SIZE, l->at, (uint32_t)left(l),
			       COMPAT_SIZE) ||
	    !check_interface(l, FFS_COMPAT_INTERFACE, l->at))
		return false;
	/* The kernel makes it 1 */
	look_branch(l, FFS_COMPAT_RESERVED1, d[1] != 1);
	for (size_t i = 18; i < COMPAT_SIZE; i++)
		if (look_refuse_number(l, FFS_COMPAT_RESERVED2, d[i] != 0, l->at + i, d[i], 0))
			return false;
	l->at += COMPAT_SIZE;
	return true;
}

static bool read_prop(struct look *l, size_t head)
{
	const uint8_t *d = l->data + l->at;
	uint32_t type, data;
	unsigned int name;
	/* The kernel has dwSize in a byte, so that 256 more or less are the same to it */
	uint8_t size;

	if (look_refuse_number(l, FFS_PROP_CUT, left(l) < PROP_SIZE, l->at, (uint32_t)left(l),
			       PROP_SIZE) ||
	    !check_interface(l, FFS_PROP_INTERFACE, head))
		return false;
	size = (uint8_t)get32(d);
	if (look_refuse_number(l, FFS_PROP_SIZE, left(l) < size, l->at, size, (uint32_t)left(l)))
		return false;
	type = get32(d + 4);
	if (look_refuse_number(l, FFS_PROP_TYPE_LOW, type < PROP_TYPE_MIN, l->at + 4, type,
			       PROP_TYPE_MIN) ||
	    look_refuse_number(l, FFS_PROP_TYPE_HIGH, type > PROP_TYPE_MAX, l->at + 4, type,
			       PROP_TYPE_MAX))
		return false;
	name = get16(d + 8);
	if (look_refuse_number(l, FFS_PROP_NAME, size < PROP_LENGTHS + name, l->at + 8, name, size))
		return false;
	data = get32(d + PROP_SIZE + name);
	if (look_refuse_number(l, FFS_PROP_DATA, size != (uint32_t)(PROP_LENGTHS + name + data),
			       l->at + PROP_SIZE + name, data, size - PROP_LENGTHS - name))
		return false;
	l->at += size;
	return true;
}

static bool check_version(struct look *l, size_t head)
{
	unsigned int version = get16(l->data + head + 5);
	bool bcd = l->judge->kernel->os_version_bcd;

	if (bcd && look_branch(l, FFS_OS_VERSION_OLD, version == OS_VERSION_OLD))
		return true;
	return !look_refuse_number(l, FFS_OS_VERSION,
				   version != (bcd ? OS_VERSION : OS_VERSION_OLD), head + 5,
				   version, bcd ? OS_VERSION : OS_VERSION_OLD);
}

/* One section: a head and its features, all of one kind. */
static bool read_section(struct look *l)
{
	size_t head = l->at;
	const uint8_t *d = l->data + head;
	unsigned int index, count;
	bool compat;

	if (look_refuse_number(l, FFS_OS_HEAD_CUT, left(l) < OS_HEAD_SIZE, head, (uint32_t)left(l),
			       OS_HEAD_SIZE) ||
	    look_refuse_number(l, FFS_OS_LENGTH, get32(d + 1) > left(l), head + 1, get32(d + 1),
			       (uint32_t)left(l)) ||
	    !check_version(l, head))
		return false;
	index = get16(d + 7);
	compat = look_branch(l, FFS_OS_COMPAT, index == OS_INDEX_COMPAT);
	if (!compat && look_refuse_number(l, FFS_OS_INDEX, index != OS_INDEX_PROP, head + 7, index,
					  OS_INDEX_PROP))
		return false;
	count = get16(d + 9);
	if (compat &&
	    (look_refuse_number(l, FFS_OS_COUNT, count > COMPAT_MAX, head + 9, count, COMPAT_MAX) ||
	     look_refuse(l, FFS_OS_RESERVED, d[10] != 0, head + 10)))
		return false;
	l->at += OS_HEAD_SIZE;
	while (look_branch(l, FFS_OS_FEATURE, count-- > 0))
		if (!(compat ? read_compat : read_prop)(l, head))
			return false;
	return true;
}

bool look_os_descriptors(struct look *l)
{
	for (uint32_t n = 0; look_branch(l, FFS_OS_NEXT, n < l->os_count); n++)
		if (!read_section(l))
			return false;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors as the kernel reads them (f_fs.c, __ffs_data_got_descs and what it calls). Each
 * condition stands where the kernel has it, in its order: which error comes out depends on it.
 */
#include <linux/usb/ch9.h>
#include <stdlib.h>

#include "base/util.h"
#include "blob/uapi.h"
#include "blob/validate_parts.h"

#define PAST_FLAGS 12 /* of the head with flags */
#define PAST_LENGTH 8 /* of the head without */

/* --- the head --- */

static bool check_eventfd(struct look *l)
{
	enum ffs_fd_kind kind = FFS_FD_EVENTFD;

	if (!look_branch(l, FFS_EVENTFD, l->flags & FUNCTIONFS_EVENTFD))
		return true;
	if (look_refuse(l, FFS_EVENTFD_CUT, left(l) < 4, l->at))
		return false;
	if (l->judge->fd_kind)
		kind = l->judge->fd_kind((int)get32(l->data + l->at));
	if (look_refuse_number(l, FFS_EVENTFD_CLOSED, kind == FFS_FD_CLOSED, l->at,
			       get32(l->data + l->at), 0) ||
	    look_refuse_number(l, FFS_EVENTFD_OTHER, kind == FFS_FD_OTHER, l->at,
			       get32(l->data + l->at), 0))
		return false;
	l->at += 4;
	return true;
}

static bool read_count(struct look *l, enum ffs_rule cut, uint32_t *count)
{
	if (look_refuse(l, cut, left(l) < 4, l->at))
		return false;
	*count = get32(l->data + l->at);
	l->at += 4;
	return true;
}

static bool read_counts(struct look *l)
{
	for (int i = 0; i < FFS_SET_COUNT; i++) {
		if (look_branch(l, FFS_SPEED_ABSENT, !(l->flags & 1U << i)))
			continue;
		if (!read_count(l, FFS_COUNT_CUT, &l->count[i]))
			return false;
	}
	return !look_branch(l, FFS_OS, l->flags & FUNCTIONFS_HAS_MS_OS_DESC) ||
	       read_count(l, FFS_OS_COUNT_CUT, &l->os_count);
}

static bool read_head(struct look *l)
{
	uint32_t magic = get32(l->data), length = get32(l->data + 4);

	if (look_refuse_number(l, FFS_DESCS_LENGTH, length != l->size, 4, length,
			       (uint32_t)l->size))
		return false;
	if (look_branch(l, FFS_DESCS_LEGACY, magic == FUNCTIONFS_DESCRIPTORS_MAGIC)) {
		l->flags = FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC;
		l->at = PAST_LENGTH;
	} else {
		if (look_refuse_number(l, FFS_DESCS_MAGIC, magic != FUNCTIONFS_DESCRIPTORS_MAGIC_V2,
				       0, magic, FUNCTIONFS_DESCRIPTORS_MAGIC_V2))
			return false;
		l->flags = get32(l->data + 8);
		if (look_refuse_number(l, FFS_FLAGS, l->flags & ~l->judge->kernel->flags, 8,
				       l->flags & ~l->judge->kernel->flags, 0))
			return false;
		l->at = PAST_FLAGS;
	}
	return check_eventfd(l) && read_counts(l);
}

/* --- what a descriptor says to the rest of the parser: __ffs_data_do_entity --- */

static bool none_so_far(const struct look *l)
{
	return l->in->endpoints == 0 && l->in->interfaces == 0;
}

static bool note_string(struct look *l, unsigned int string)
{
	if (look_refuse(l, FFS_STRING_ZERO, string == 0, l->at))
		return false;
	if (look_branch(l, FFS_STRING_NEW, string > l->in->strings))
		l->in->strings = (uint16_t)string;
	return true;
}

static bool note_endpoint(struct look *l, uint8_t address)
{
	uint8_t *known;

	l->endpoints++;
	if (look_refuse_number(l, FFS_ENDPOINT_MANY, l->endpoints > FFS_ENDPOINTS_MAX, l->at,
			       l->endpoints, FFS_ENDPOINTS_MAX))
		return false;
	known = &l->in->address[l->endpoints];
	if (look_branch(l, FFS_ENDPOINT_FIRST, none_so_far(l))) {
		*known = address;
		return true;
	}
	return !look_refuse_number(l, FFS_ENDPOINT_ADDRESS, *known != address, l->at + 2, address,
				   *known);
}

/* --- one descriptor: ffs_do_single_desc --- */

static bool has_length(struct look *l, enum ffs_rule rule, unsigned int wanted)
{
	return !look_refuse_number(l, rule, l->data[l->at] != wanted, l->at, l->data[l->at],
				   wanted);
}

static bool read_interface(struct look *l, const uint8_t *d)
{
	if (!has_length(l, FFS_INTERFACE_LENGTH, INTERFACE_SIZE))
		return false;
	if (look_branch(l, FFS_INTERFACE_NEW, d[2] >= l->interfaces))
		l->interfaces = d[2] + 1U;
	if (look_branch(l, FFS_INTERFACE_STRING, d[8] != 0) && !note_string(l, d[8]))
		return false;
	l->class = d[5];
	l->subclass = d[6];
	return true;
}

static bool read_endpoint(struct look *l, const uint8_t *d)
{
	if (!look_branch(l, FFS_ENDPOINT_SEVEN, d[0] == ENDPOINT_SIZE) &&
	    !has_length(l, FFS_ENDPOINT_LENGTH, ENDPOINT_AUDIO_SIZE))
		return false;
	return !look_refuse_number(l, FFS_ENDPOINT_ZERO, (d[2] & USB_ENDPOINT_NUMBER_MASK) == 0,
				   l->at + 2, d[2], 0) &&
	       note_endpoint(l, d[2]);
}

/* The type is the same for all, what it means depends on the interface. */
static bool read_class(struct look *l, const uint8_t *d)
{
	bool hid = look_branch(l, FFS_CLASS_HID, l->class == CLASS_HID);
	bool ccid = !hid && look_branch(l, FFS_CLASS_CCID, l->class == CLASS_CCID);
	bool dfu = !hid && !ccid && l->judge->kernel->dfu &&
		   look_branch(l, FFS_CLASS_APPLICATION, l->class == CLASS_APPLICATION) &&
		   look_branch(l, FFS_CLASS_DFU, l->subclass == SUBCLASS_DFU);

	if (look_refuse_number(l, FFS_CLASS_OTHER, !hid && !ccid && !dfu, l->at + 1, d[1], 0))
		return false;
	if (hid)
		return has_length(l, FFS_HID_LENGTH, HID_SIZE);
	if (ccid)
		return has_length(l, FFS_CCID_LENGTH, CCID_SIZE);
	return has_length(l, FFS_DFU_LENGTH, DFU_SIZE);
}

static bool read_otg(struct look *l, _unused_ const uint8_t *d)
{
	return has_length(l, FFS_OTG_LENGTH, OTG_SIZE);
}

static bool read_association(struct look *l, const uint8_t *d)
{
	return has_length(l, FFS_ASSOCIATION_LENGTH, ASSOCIATION_SIZE) &&
	       (!look_branch(l, FFS_ASSOCIATION_STRING, d[7] != 0) || note_string(l, d[7]));
}

static bool read_companion(struct look *l, _unused_ const uint8_t *d)
{
	return has_length(l, FFS_COMPANION_LENGTH, COMPANION_SIZE);
}

static bool is_reserved(uint8_t type)
{
	return type == USB_DT_DEVICE || type == USB_DT_CONFIG || type == USB_DT_STRING ||
	       type == USB_DT_DEVICE_QUALIFIER;
}

static bool is_unimplemented(uint8_t type)
{
	return type == USB_DT_OTHER_SPEED_CONFIG || type == USB_DT_INTERFACE_POWER ||
	       type == USB_DT_DEBUG || type == USB_DT_SECURITY || type == USB_DT_CS_RADIO_CONTROL;
}

static const struct {
	uint8_t type;
	enum ffs_rule rule;
	bool (*read)(struct look *l, const uint8_t *d);
} types[] = {
	{ USB_DT_INTERFACE, FFS_INTERFACE, read_interface },
	{ USB_DT_ENDPOINT, FFS_ENDPOINT, read_endpoint },
	{ CLASS_DESCRIPTOR, FFS_CLASS, read_class },
	{ USB_DT_OTG, FFS_OTG, read_otg },
	{ USB_DT_INTERFACE_ASSOCIATION, FFS_ASSOCIATION, read_association },
	{ USB_DT_SS_ENDPOINT_COMP, FFS_COMPANION, read_companion },
};

/* The kernel's switch. Its default counts as not taken whenever a case is. */
static bool read_by_type(struct look *l, const uint8_t *d)
{
	if (look_refuse_number(l, FFS_DESC_RESERVED, is_reserved(d[1]), l->at + 1, d[1], 0))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!look_branch(l, types[i].rule, d[1] == types[i].type))
			continue;
		look_branch(l, FFS_DESC_UNKNOWN, false);
		return types[i].read(l, d);
	}
	return !look_refuse_number(l, FFS_DESC_UNIMPLEMENTED, is_unimplemented(d[1]), l->at + 1,
				   d[1], 0) &&
	       !look_refuse_number(l, FFS_DESC_UNKNOWN, true, l->at + 1, d[1], 0);
}

static bool read_descriptor(struct look *l)
{
	const uint8_t *d = l->data + l->at;

	if (look_refuse(l, FFS_DESC_HEAD_CUT, left(l) < 2, l->at) ||
	    look_refuse_number(l, FFS_DESC_CUT, left(l) < d[0], l->at, d[0], (uint32_t)left(l)) ||
	    !read_by_type(l, d))
		return false;
	/* Every type that is taken has one length, or two: this always gets on. */
	l->at += d[0];
	return true;
}

/* --- a set, and all of them --- */

/* ffs_do_descs(). Its FFS_DESCRIPTOR entity is there for the bind. */
static bool read_descriptors(struct look *l, uint32_t count)
{
	l->class = l->subclass = -1;
	for (uint32_t n = 0;; n++) {
		bool end = look_branch(l, FFS_SET_END, n == count);

		if (look_refuse(l, FFS_SET_ENTITY, false, l->at))
			return false;
		if (end)
			return true;
		if (!read_descriptor(l))
			return false;
	}
}

static bool read_set(struct look *l, int set)
{
	struct ffs_instance *in = l->in;

	l->interfaces = l->endpoints = 0;
	l->set[set] = l->at;
	if (!read_descriptors(l, l->count[set]))
		return false;
	if (look_branch(l, FFS_SET_FIRST, none_so_far(l))) {
		in->endpoints = (uint16_t)l->endpoints;
		in->interfaces = (uint16_t)l->interfaces;
		return true;
	}
	return !look_refuse_number(l, FFS_SET_ENDPOINTS, in->endpoints != l->endpoints, l->set[set],
				   l->endpoints, in->endpoints) &&
	       !look_refuse_number(l, FFS_SET_INTERFACES, in->interfaces != l->interfaces,
				   l->set[set], l->interfaces, in->interfaces);
}

static bool read_sets(struct look *l)
{
	for (int i = 0; i < FFS_SET_COUNT; i++)
		if (!look_branch(l, FFS_SET_EMPTY, l->count[i] == 0) && !read_set(l, i))
			return false;
	return true;
}

/* --- files for both directions (kernel/patches; Linux 7.3) --- */

static bool check_pairs(struct look *l)
{
	const struct ffs_instance *in = l->in;

	if (!(l->judge->kernel->flags & FUNCTIONFS_RW_PROXY_EPS) ||
	    !look_branch(l, FFS_PROXY, l->flags & FUNCTIONFS_RW_PROXY_EPS))
		return true;
	if (look_refuse_number(l, FFS_PROXY_ODD, in->endpoints % 2, 8, in->endpoints, 0))
		return false;
	for (unsigned int i = 1; i < in->endpoints; i += 2) {
		uint8_t differ = in->address[i] ^ in->address[i + 1];

		if (look_refuse_number(l, FFS_PROXY_PAIR, !(differ & USB_ENDPOINT_DIR_MASK), 8, i,
				       i + 1))
			return false;
	}
	return true;
}

bool look_descriptors(struct look *l)
{
	size_t start;

	if (!read_head(l))
		return false;
	start = l->at;
	if (!read_sets(l))
		return false;
	l->os = l->at;
	if (look_branch(l, FFS_OS_PRESENT, l->os_count > 0) && !look_os_descriptors(l))
		return false;
	if (look_refuse(l, FFS_NOTHING, l->at == start, l->at) ||
	    look_refuse_number(l, FFS_DESCS_LEFT, left(l) > 0, l->at, (uint32_t)left(l), 0) ||
	    !check_pairs(l))
		return false;
	l->in->flags = l->flags;
	return true;
}

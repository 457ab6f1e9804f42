/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses descriptors as the kernel does (f_fs.c, __ffs_data_got_descs and what it calls). The
 * conditions are in the kernel's order, because the error depends on it.
 */
#include <linux/usb/ch9.h>
#include <stdlib.h>

#include "base/util.h"
#include "blob/uapi.h"
#include "blob/validate_parts.h"

#define HEAD_SIZE 12	   /* bytes of the head with flags */
#define LEGACY_HEAD_SIZE 8 /* bytes of the head in the old format, which has no flags */

/* FFS_SET_FULL etc. must be the bit numbers of the speeds' flags, as in the kernel. */
_Static_assert(FUNCTIONFS_HAS_FS_DESC == 1 << FFS_SET_FULL, "full speed");
_Static_assert(FUNCTIONFS_HAS_HS_DESC == 1 << FFS_SET_HIGH, "high speed");
_Static_assert(FUNCTIONFS_HAS_SS_DESC == 1 << FFS_SET_SUPER, "SuperSpeed");

/* --- the head --- */

static bool check_eventfd(struct validation *v)
{
	enum ffs_fd_kind kind = FFS_FD_EVENTFD;

	if (!count_rule_outcome(v, FFS_EVENTFD, v->flags & FUNCTIONFS_EVENTFD))
		return true;
	if (refuse_if(v, FFS_EVENTFD_CUT, bytes_left(v) < 4, v->offset))
		return false;
	if (v->options->fd_kind)
		kind = v->options->fd_kind((int)get_le32(v->data + v->offset));
	if (refuse_with_numbers_if(v, FFS_EVENTFD_CLOSED, kind == FFS_FD_CLOSED, v->offset,
				   get_le32(v->data + v->offset), 0) ||
	    refuse_with_numbers_if(v, FFS_EVENTFD_OTHER, kind == FFS_FD_OTHER, v->offset,
				   get_le32(v->data + v->offset), 0))
		return false;
	v->offset += 4;
	return true;
}

static bool read_descriptor_count(struct validation *v, enum ffs_rule cut, uint32_t *count)
{
	if (refuse_if(v, cut, bytes_left(v) < 4, v->offset))
		return false;
	*count = get_le32(v->data + v->offset);
	v->offset += 4;
	return true;
}

static bool read_descriptor_counts(struct validation *v)
{
	for (int i = 0; i < FFS_SET_COUNT; i++) {
		if (count_rule_outcome(v, FFS_SPEED_ABSENT, !(v->flags & 1U << i)))
			continue;
		if (!read_descriptor_count(v, FFS_COUNT_CUT, &v->n_descriptors[i]))
			return false;
	}
	return !count_rule_outcome(v, FFS_OS, v->flags & FUNCTIONFS_HAS_MS_OS_DESC) ||
	       read_descriptor_count(v, FFS_OS_COUNT_CUT, &v->n_os_descriptors);
}

static uint32_t known_flags(const struct validation *v)
{
	return ffs_flags_of_kernel(&v->options->kernel->version) | v->options->also_accepted_flags;
}

static bool read_blob_head(struct validation *v)
{
	uint32_t magic = get_le32(v->data), length = get_le32(v->data + 4);
	uint32_t unknown;

	if (refuse_with_numbers_if(v, FFS_DESCS_LENGTH, length != v->size, 4, length,
				   (uint32_t)v->size))
		return false;
	if (count_rule_outcome(v, FFS_DESCS_LEGACY, magic == FUNCTIONFS_DESCRIPTORS_MAGIC)) {
		v->flags = FUNCTIONFS_HAS_FS_DESC | FUNCTIONFS_HAS_HS_DESC;
		v->offset = LEGACY_HEAD_SIZE;
	} else {
		if (refuse_with_numbers_if(v, FFS_DESCS_MAGIC,
					   magic != FUNCTIONFS_DESCRIPTORS_MAGIC_V2, 0, magic,
					   FUNCTIONFS_DESCRIPTORS_MAGIC_V2))
			return false;
		v->flags = get_le32(v->data + 8);
		unknown = v->flags & ~known_flags(v);
		if (refuse_with_numbers_if(v, FFS_FLAGS, unknown, 8, unknown, 0))
			return false;
		v->offset = HEAD_SIZE;
	}
	return check_eventfd(v) && read_descriptor_counts(v);
}

/* --- string numbers and endpoint addresses that the instance stores: __ffs_data_do_entity --- */

static bool is_first_speed(const struct validation *v)
{
	return v->instance->n_endpoints == 0 && v->instance->n_interfaces == 0;
}

static bool add_string_number(struct validation *v, unsigned int string)
{
	if (refuse_if(v, FFS_STRING_ZERO, string == 0, v->offset))
		return false;
	if (count_rule_outcome(v, FFS_STRING_NEW, string > v->instance->highest_string))
		v->instance->highest_string = (uint16_t)string;
	return true;
}

static bool add_or_compare_endpoint_address(struct validation *v, uint8_t address)
{
	uint8_t *known;

	v->n_endpoints++;
	if (refuse_with_numbers_if(v, FFS_ENDPOINT_MANY, v->n_endpoints > FFS_ENDPOINTS_MAX,
				   v->offset, v->n_endpoints, FFS_ENDPOINTS_MAX))
		return false;
	known = &v->instance->endpoint_address[v->n_endpoints];
	if (count_rule_outcome(v, FFS_ENDPOINT_FIRST, is_first_speed(v))) {
		*known = address;
		return true;
	}
	return !refuse_with_numbers_if(v, FFS_ENDPOINT_ADDRESS, *known != address, v->offset + 2,
				       address, *known);
}

/* --- one descriptor: ffs_do_single_desc --- */

static bool require_descriptor_length(struct validation *v, enum ffs_rule rule, unsigned int wanted)
{
	return !refuse_with_numbers_if(v, rule, v->data[v->offset] != wanted, v->offset,
				       v->data[v->offset], wanted);
}

static bool read_interface(struct validation *v, const uint8_t *d)
{
	if (!require_descriptor_length(v, FFS_INTERFACE_LENGTH, INTERFACE_SIZE))
		return false;
	if (count_rule_outcome(v, FFS_INTERFACE_NEW, d[2] >= v->n_interfaces))
		v->n_interfaces = d[2] + 1U;
	if (count_rule_outcome(v, FFS_INTERFACE_STRING, d[8] != 0) && !add_string_number(v, d[8]))
		return false;
	v->class = d[5];
	v->subclass = d[6];
	return true;
}

static bool read_endpoint(struct validation *v, const uint8_t *d)
{
	if (!count_rule_outcome(v, FFS_ENDPOINT_SEVEN, d[0] == ENDPOINT_SIZE) &&
	    !require_descriptor_length(v, FFS_ENDPOINT_LENGTH, ENDPOINT_AUDIO_SIZE))
		return false;
	return !refuse_with_numbers_if(v, FFS_ENDPOINT_ZERO, (d[2] & USB_ENDPOINT_NUMBER_MASK) == 0,
				       v->offset + 2, d[2], 0) &&
	       add_or_compare_endpoint_address(v, d[2]);
}

/*
 * Reads a class descriptor. All classes share one descriptor type, whose meaning depends on the
 * interface's class.
 */
static bool read_class_descriptor(struct validation *v, const uint8_t *d)
{
	bool hid = count_rule_outcome(v, FFS_CLASS_HID, v->class == CLASS_HID);
	bool ccid = !hid && count_rule_outcome(v, FFS_CLASS_CCID, v->class == CLASS_CCID);
	bool dfu = !hid && !ccid && v->options->kernel->accepts_dfu &&
		   count_rule_outcome(v, FFS_CLASS_APPLICATION, v->class == CLASS_APPLICATION) &&
		   count_rule_outcome(v, FFS_CLASS_DFU, v->subclass == SUBCLASS_DFU);

	if (refuse_with_numbers_if(v, FFS_CLASS_OTHER, !hid && !ccid && !dfu, v->offset, d[1], 0))
		return false;
	if (hid)
		return require_descriptor_length(v, FFS_HID_LENGTH, HID_SIZE);
	if (ccid)
		return require_descriptor_length(v, FFS_CCID_LENGTH, CCID_SIZE);
	return require_descriptor_length(v, FFS_DFU_LENGTH, DFU_SIZE);
}

static bool read_otg(struct validation *v, _unused_ const uint8_t *d)
{
	return require_descriptor_length(v, FFS_OTG_LENGTH, OTG_SIZE);
}

static bool read_association(struct validation *v, const uint8_t *d)
{
	return require_descriptor_length(v, FFS_ASSOCIATION_LENGTH, ASSOCIATION_SIZE) &&
	       (!count_rule_outcome(v, FFS_ASSOCIATION_STRING, d[7] != 0) ||
		add_string_number(v, d[7]));
}

static bool read_companion(struct validation *v, _unused_ const uint8_t *d)
{
	return require_descriptor_length(v, FFS_COMPANION_LENGTH, COMPANION_SIZE);
}

static bool is_reserved_type(uint8_t type)
{
	return type == USB_DT_DEVICE || type == USB_DT_CONFIG || type == USB_DT_STRING ||
	       type == USB_DT_DEVICE_QUALIFIER;
}

static bool is_unimplemented_type(uint8_t type)
{
	return type == USB_DT_OTHER_SPEED_CONFIG || type == USB_DT_INTERFACE_POWER ||
	       type == USB_DT_DEBUG || type == USB_DT_SECURITY || type == USB_DT_CS_RADIO_CONTROL;
}

static const struct {
	uint8_t type;
	enum ffs_rule rule;
	bool (*read)(struct validation *v, const uint8_t *d);
} types[] = {
	{ USB_DT_INTERFACE, FFS_INTERFACE, read_interface },
	{ USB_DT_ENDPOINT, FFS_ENDPOINT, read_endpoint },
	{ CLASS_DESCRIPTOR, FFS_CLASS, read_class_descriptor },
	{ USB_DT_OTG, FFS_OTG, read_otg },
	{ USB_DT_INTERFACE_ASSOCIATION, FFS_ASSOCIATION, read_association },
	{ USB_DT_SS_ENDPOINT_COMP, FFS_COMPANION, read_companion },
};

/*
 * Corresponds to the kernel's switch over the descriptor type. FFS_DESC_UNKNOWN is the condition of
 * its default branch. For a type that has its own case, this condition is false, which
 * rule_coverage counts too.
 */
static bool read_descriptor_by_type(struct validation *v, const uint8_t *d)
{
	if (refuse_with_numbers_if(v, FFS_DESC_RESERVED, is_reserved_type(d[1]), v->offset + 1,
				   d[1], 0))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!count_rule_outcome(v, types[i].rule, d[1] == types[i].type))
			continue;
		count_rule_outcome(v, FFS_DESC_UNKNOWN, false);
		return types[i].read(v, d);
	}
	return !refuse_with_numbers_if(v, FFS_DESC_UNIMPLEMENTED, is_unimplemented_type(d[1]),
				       v->offset + 1, d[1], 0) &&
	       !refuse_with_numbers_if(v, FFS_DESC_UNKNOWN, true, v->offset + 1, d[1], 0);
}

static bool read_descriptor(struct validation *v)
{
	const uint8_t *d = v->data + v->offset;

	if (refuse_if(v, FFS_DESC_HEAD_CUT, bytes_left(v) < 2, v->offset) ||
	    refuse_with_numbers_if(v, FFS_DESC_CUT, bytes_left(v) < d[0], v->offset, d[0],
				   (uint32_t)bytes_left(v)) ||
	    !read_descriptor_by_type(v, d))
		return false;
	/* Every accepted descriptor is longer than 0 bytes, so the loop always advances. */
	v->offset += d[0];
	return true;
}

/* --- the descriptors of one speed, then of all speeds: ffs_do_descs --- */

/*
 * Corresponds to ffs_do_descs(). Before each descriptor and at the end, the kernel's function calls
 * its callback `entity` with FFS_DESCRIPTOR, which returns 0.
 */
static bool read_descriptors(struct validation *v, uint32_t count)
{
	v->class = v->subclass = -1;
	for (uint32_t n = 0;; n++) {
		if (count_rule_outcome(v, FFS_SET_END, n == count))
			return true;
		if (!read_descriptor(v))
			return false;
	}
}

static bool read_speed(struct validation *v, int set)
{
	struct ffs_instance *in = v->instance;

	v->n_interfaces = v->n_endpoints = 0;
	v->set_offset[set] = v->offset;
	if (!read_descriptors(v, v->n_descriptors[set]))
		return false;
	if (count_rule_outcome(v, FFS_SET_FIRST, is_first_speed(v))) {
		in->n_endpoints = (uint16_t)v->n_endpoints;
		in->n_interfaces = (uint16_t)v->n_interfaces;
		return true;
	}
	return !refuse_with_numbers_if(v, FFS_SET_ENDPOINTS, in->n_endpoints != v->n_endpoints,
				       v->set_offset[set], v->n_endpoints, in->n_endpoints) &&
	       !refuse_with_numbers_if(v, FFS_SET_INTERFACES, in->n_interfaces != v->n_interfaces,
				       v->set_offset[set], v->n_interfaces, in->n_interfaces);
}

static bool read_all_speeds(struct validation *v)
{
	for (int i = 0; i < FFS_SET_COUNT; i++)
		if (!count_rule_outcome(v, FFS_SET_EMPTY, v->n_descriptors[i] == 0) &&
		    !read_speed(v, i))
			return false;
	return true;
}

/* --- pairs of endpoints with FUNCTIONFS_RW_PROXY_EPS (Linux 7.3; kernel/patches) --- */

static bool check_rw_proxy_pairs(struct validation *v)
{
	const struct ffs_instance *in = v->instance;

	if (!(known_flags(v) & FUNCTIONFS_RW_PROXY_EPS) ||
	    !count_rule_outcome(v, FFS_PROXY, v->flags & FUNCTIONFS_RW_PROXY_EPS))
		return true;
	if (refuse_with_numbers_if(v, FFS_PROXY_ODD, in->n_endpoints % 2, 8, in->n_endpoints, 0))
		return false;
	for (unsigned int i = 1; i < in->n_endpoints; i += 2) {
		uint8_t differ = in->endpoint_address[i] ^ in->endpoint_address[i + 1];

		if (refuse_with_numbers_if(v, FFS_PROXY_PAIR, !(differ & USB_ENDPOINT_DIR_MASK), 8,
					   i, i + 1))
			return false;
	}
	return true;
}

bool validate_descriptors(struct validation *v)
{
	size_t start;

	if (!read_blob_head(v))
		return false;
	start = v->offset;
	if (!read_all_speeds(v))
		return false;
	v->os_descriptors_offset = v->offset;
	if (count_rule_outcome(v, FFS_OS_PRESENT, v->n_os_descriptors > 0) &&
	    !validate_os_descriptors(v))
		return false;
	if (refuse_if(v, FFS_NOTHING, v->offset == start, v->offset) ||
	    refuse_with_numbers_if(v, FFS_DESCS_LEFT, bytes_left(v) > 0, v->offset,
				   (uint32_t)bytes_left(v), 0) ||
	    !check_rw_proxy_pairs(v))
		return false;
	v->instance->flags = v->flags;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A refusal of the validator maps back to the part of the model that it is about. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/cleanup.h"
#include "blob/check_function.h"
#include "blob/decode.h"
#include "blob/encode.h"
#include "blob/uapi.h"
#include "hex.h"

/* Each part of the model has its own line number as its position. */
enum {
	FUNCTION = 1,
	PROXY,
	INTERFACE_0,
	EXTRA,
	EP_1,
	EP_2,
	INTERFACE_1,
	PROPERTY,
	ASSOCIATION,
	TEXT
};

static struct position line(unsigned int n)
{
	return (struct position){ "demo.conf", n, 1 };
}

struct model {
	struct ffs ffs;
	struct interface interfaces[2];
	struct endpoint endpoints[2];
	struct association association;
	struct ffs_bytes extra;
	struct os_property property;
	struct ffs_string_translation text;
	uint8_t hid[9];
};

/* A function with one of everything, which the kernel accepts. */
static void make_model(struct model *m)
{
	*m = (struct model){
		.hid = { 9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0 },
		.text = { 0x409, (char *)"text" },
		.property = { 1, (char *)"Label", { (uint8_t *)"sign", 5 }, line(PROPERTY) },
		.association = { .first_interface = 0,
				 .n_interfaces = 2,
				 .class = 3,
				 .at = line(ASSOCIATION) },
		.endpoints = { { .address = 0x81,
				 .direction = EP_IN,
				 .type = EP_INTERRUPT,
				 .at = line(EP_1) },
			       { .address = 0x02, .type = EP_BULK, .at = line(EP_2) } },
	};
	for (int i = 0; i < 2; i++)
		for (int s = 0; s < EP_SPEED_COUNT; s++)
			m->endpoints[i].speed[s] =
				(struct endpoint_speed_values){ true, 64, 1, 0, 0 };
	m->extra = (struct ffs_bytes){ m->hid, sizeof(m->hid) };
	m->interfaces[0] = (struct interface){ .class = 3,
					       .string = { &m->text, 1, line(TEXT) },
					       .extra_descriptors = &m->extra,
					       .n_extra_descriptors = 1,
					       .extra_descriptors_at = line(EXTRA),
					       .endpoints = m->endpoints,
					       .n_endpoints = 2,
					       .at = line(INTERFACE_0) };
	m->interfaces[1] = (struct interface){ .class = 0xff,
					       .properties = &m->property,
					       .n_properties = 1,
					       .at = line(INTERFACE_1) };
	m->ffs = (struct ffs){ .has_speed = { true, true, true },
			       .flags = FUNCTIONFS_RW_PROXY_EPS,
			       .interfaces = m->interfaces,
			       .n_interfaces = 2,
			       .associations = &m->association,
			       .n_associations = 1,
			       .has_os_descs = true,
			       .at = line(FUNCTION) };
	m->ffs.flag_at[FFS_FLAG_NUMBER(FUNCTIONFS_RW_PROXY_EPS)] = line(PROXY);
}

static void refused(const struct model *m, enum ffs_rule rule, unsigned int at, bool in_strings)
{
	struct ffs_refusal r = ffs_check_blobs(&m->ffs);

	cr_assert_eq(r.finding.rule, rule, "%s", ffs_rule_info(r.finding.rule)->name);
	cr_expect_eq(r.in_strings, in_strings);
	cr_assert_not_null(r.at);
	cr_expect_eq(r.at->line, at, "line %u, not %u", r.at->line, at);
}

Test(check, a_function_with_one_of_everything_is_accepted)
{
	struct model m;
	struct ffs_refusal r;

	make_model(&m);
	r = ffs_check_blobs(&m.ffs);
	cr_assert_eq(r.finding.rule, FFS_ACCEPTED, "%s", ffs_finding_text(&r.finding));
	cr_expect_null(r.at);
}

Test(check, a_refused_endpoint_is_found_in_the_file)
{
	struct model m;

	make_model(&m);
	m.endpoints[1].address = 0;
	refused(&m, FFS_ENDPOINT_ZERO, EP_2, false);
	make_model(&m);
	m.endpoints[0].address = 0x80;
	refused(&m, FFS_ENDPOINT_ZERO, EP_1, false);
}

Test(check, endpoints_that_are_no_pairs_are_found_at_the_key_that_pairs_them)
{
	struct model m;

	make_model(&m);
	m.interfaces[0].n_endpoints = 1;
	refused(&m, FFS_PROXY_ODD, PROXY, false);
}

Test(check, a_refused_class_descriptor_is_found_at_the_list)
{
	struct model m;

	make_model(&m);
	m.interfaces[0].class = 0xff;
	refused(&m, FFS_CLASS_OTHER, EXTRA, false);
}

Test(check, a_refused_property_is_found_at_its_value)
{
	struct model m;
	uint8_t data[256] = { 0 };

	make_model(&m);
	m.property.data = (struct ffs_bytes){ data, FFS_PROPERTY_MAX - 6 };
	cr_expect_eq(ffs_check_blobs(&m.ffs).finding.rule, FFS_ACCEPTED);
	m.property.data.size++;
	refused(&m, FFS_PROP_NAME, PROPERTY, false);
}

Test(check, no_interface_at_all_is_the_function_s_fault)
{
	struct model m;

	make_model(&m);
	m.ffs = (struct ffs){ .has_speed[EP_HIGH] = true, .at = line(FUNCTION) };
	refused(&m, FFS_NOTHING, FUNCTION, false);
}

Test(check, files_are_found_where_they_are_named)
{
	struct model m;
	size_t size;
	_cleanup_free_ uint8_t *descriptors = from_hex(FS_HEAD N(01) NAMED, &size);
	uint8_t strings[] = { 2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	make_model(&m);
	m.ffs.raw_descriptors = (struct ffs_bytes){ descriptors, size };
	m.ffs.raw_descriptors_at = line(98);
	m.ffs.n_interfaces = m.ffs.n_associations = 0;
	refused(&m, FFS_STRINGS_FEW, 98, true);
	m.ffs.raw_strings = (struct ffs_bytes){ strings, sizeof(strings) };
	m.ffs.raw_strings_at = line(99);
	refused(&m, FFS_STRINGS_FEW, 99, true);
	descriptors[16] = 8; /* bLength of the interface */
	refused(&m, FFS_INTERFACE_LENGTH, 98, false);
}

Test(check, every_byte_has_a_position)
{
	struct model m;
	_cleanup_ffs_blob_ struct ffs_blob d = { 0 }, s = { 0 };
	unsigned int seen[TEXT + 1] = { 0 };

	make_model(&m);
	ffs_encode_descriptors(&m.ffs, &d);
	ffs_encode_strings(&m.ffs, &s);
	for (size_t i = 0; i <= d.size; i++)
		seen[ffs_blob_position(&d, i)->line]++;
	for (size_t i = 0; i <= s.size; i++)
		seen[ffs_blob_position(&s, i)->line]++;
	cr_expect_eq(seen[PROXY], 4, "flags");
	cr_expect_eq(seen[EP_1], 3 * 7 + 6);
	cr_expect_eq(seen[EP_2], 3 * 7 + 6);
	cr_expect_eq(seen[EXTRA], 3 * 9);
	cr_expect_eq(seen[ASSOCIATION], 3 * 8);
	cr_expect_eq(seen[INTERFACE_0], 3 * 9 + 24, "with its compatible id");
	cr_expect_eq(seen[INTERFACE_1], 3 * 9 + 24 + 11, "with the head of its properties");
	cr_expect_eq(seen[PROPERTY], 14 + 6 + 5 + 1, "with the end of the blob");
	cr_expect_eq(seen[TEXT], 5 + 1, "with the end of the blob");
}

/* --- one descriptor --- */

static struct ffs_finding check_extra(uint8_t class, uint8_t subclass, const char *hex)
{
	size_t size;
	_cleanup_free_ uint8_t *data = from_hex(hex, &size);
	const struct interface i = { .class = class, .subclass = subclass };

	return ffs_check_extra_descriptor(&i, &(struct ffs_bytes){ data, size });
}

Test(check, one_class_descriptor_is_checked_alone)
{
	struct ffs_finding f = check_extra(3, 0, HID_DESC);

	cr_expect_eq(f.rule, FFS_ACCEPTED);
	f = check_extra(0xff, 0, HID_DESC);
	cr_expect_eq(f.rule, FFS_CLASS_OTHER);
	cr_expect_eq(f.offset, 0, "the whole descriptor: its type alone is right");
	f = check_extra(0xfe, 1, HID_DESC);
	cr_expect_eq(f.rule, FFS_ACCEPTED, "DFU's has the same length");
	f = check_extra(0xfe, 0, HID_DESC);
	cr_expect_eq(f.rule, FFS_CLASS_OTHER);
	f = check_extra(3, 0, "03 21 00");
	cr_expect_eq(f.rule, FFS_HID_LENGTH);
	cr_expect_eq(f.offset, 0);
	f = check_extra(3, 0, "05 24 00 01 01");
	cr_expect_eq(f.rule, FFS_DESC_UNKNOWN);
	cr_expect_eq(f.offset, 1);
}

/* --- from bytes to the model --- */

static void decoding_fails(const char *hex, const char *text)
{
	size_t size;
	_cleanup_free_ uint8_t *data = from_hex(hex, &size);
	_cleanup_free_ char *said = NULL;
	struct ffs ffs = { .raw_descriptors = { data, size } };
	_cleanup_error_ struct error err = { 0 };

	cr_assert_eq(ffs_decode_descriptors(&ffs, &err), -EINVAL);
	said = error_text(&err);
	cr_expect_str_eq(said, text);
	for (size_t i = 0; i < ffs.n_interfaces; i++)
		free(ffs.interfaces[i].endpoints);
	free(ffs.interfaces);
}

Test(check, what_the_kernel_accepts_and_the_model_cannot_hold_is_refused)
{
	decoding_fails(FS_HEAD N(02) VENDOR INTERFACE(2, 0, 0, ff),
		       "byte 25: alternate setting 0 of interface 2 is out of order; count "
		       "interfaces from 0, each followed by its alternate settings");
	decoding_fails(FS_HEAD N(02) BULK(81) VENDOR,
		       "byte 16: an endpoint descriptor before the first interface");
	decoding_fails(FS_HEAD N(02) VENDOR "07 05 81 00 40 00 00",
		       "byte 28: a control endpoint; only endpoint 0 can be one");
	decoding_fails(FS_HEAD N(02) VENDOR BULK(91),
		       "byte 27: reserved bits of endpoint address 0x91 are set");
	decoding_fails(FS_HEAD N(02) VENDOR COMPANION,
		       "byte 25: a companion descriptor that does not follow a SuperSpeed "
		       "endpoint");
	decoding_fails(FS_HEAD N(03) VENDOR BULK(81) COMPANION,
		       "byte 32: a companion descriptor that does not follow a SuperSpeed "
		       "endpoint");
	/* The kernel does not count a speed without interfaces as the first */
	decoding_fails(HEAD("03000000") N(01) N(01) OTG_DESC VENDOR,
		       "byte 23: interface 0 has no descriptor at the first speed");
}

Test(check, what_the_kernel_refuses_is_not_decoded)
{
	decoding_fails(FS_HEAD N(01) "09 04 00 00 00 ff 00 00",
		       "byte 16: bLength is 9, but the blob ends after 8 bytes; write the whole "
		       "descriptor, or correct the bLength of an earlier one");
}

Test(check, an_eventfd_cannot_come_from_a_file)
{
	decoding_fails(HEAD("21000000") "05000000" N(01) VENDOR,
		       "byte 8: flag 32 announces an eventfd, which only a program that writes "
		       "its own descriptors can have");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blobs byte by byte, against the layout of linux/usb/functionfs.h written out by hand. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "blob/encode.h"
#include "blob/uapi.h"

static struct endpoint_speed_values speed(uint16_t size, uint8_t interval)
{
	return (struct endpoint_speed_values){ .is_offered = true,
					       .max_packet = size,
					       .interval = interval };
}

static struct endpoint bulk(uint8_t address)
{
	return (struct endpoint){ .address = address,
				  .direction = address & 0x80 ? EP_IN : EP_OUT,
				  .type = EP_BULK,
				  .speed = { speed(64, 0), speed(512, 0), speed(1024, 0) } };
}

static void equal(const uint8_t *got, size_t size, const uint8_t *want, size_t wanted)
{
	cr_assert_eq(size, wanted, "%zu bytes, not %zu", size, wanted);
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(got[i], want[i], "byte %zu is %#x, not %#x", i, got[i], want[i]);
}

Test(blob, three_speeds_of_a_bulk_pair)
{
	static const uint8_t want[] = {
		3,    0,    0,	  0,  105, 0,	 0,    0,    7,	   0, 0, 0, /* magic, length, FS |
									       HS | SS */
		3,    0,    0,	  0,  3,   0,	 0,    0,    5,	   0, 0, 0, /* how many of each */
		9,    4,    0,	  0,  2,   0xff, 1,    2,    1,	   7, 5, 0x81, 2,    64, 0, 0, 7,
		5,    0x02, 2,	  64, 0,   0,	 9,    4,    0,	   0, 2, 0xff, 1,    2,	 1, 7, 5,
		0x81, 2,    0,	  2,  0,   7,	 5,    0x02, 2,	   0, 2, 0,    9,    4,	 0, 0, 2,
		0xff, 1,    2,	  1,  7,   5,	 0x81, 2,    0,	   4, 0, 6,    0x30, 0,	 0, 0, 0,
		7,    5,    0x02, 2,  0,   4,	 0,    6,    0x30, 3, 0, 0,    0,
	};
	struct endpoint endpoints[] = { bulk(0x81), bulk(0x02) };
	struct ffs_string_translation text = { 0x409, (char *)"x" };
	struct interface interface = { .class = 0xff,
				       .subclass = 1,
				       .protocol = 2,
				       .string = { &text, 1, { 0 } },
				       .endpoints = endpoints,
				       .n_endpoints = 2 };
	struct ffs ffs = { .has_speed = { true, true, true },
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	endpoints[1].speed[EP_SUPER].burst = 3;
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, only_the_speeds_there_are_and_every_flag)
{
	static const uint8_t want[] = {
		3, 0, 0,    0, 32, 0, 0, 0, 2 | 16 | 64 | 128,
		0, 0, 0,    2, 0,  0, 0, /* HS, virtual_addr, ... */
		9, 4, 0,    0, 1,  3, 0, 0, 0,
		7, 5, 0x83, 3, 8,  0, 7,
	};
	struct endpoint endpoint = { .address = 0x83, .direction = EP_IN, .type = EP_INTERRUPT };
	struct interface interface = { .class = 3, .endpoints = &endpoint, .n_endpoints = 1 };
	struct ffs ffs = { .has_speed = { false, true, false },
			   .flags = FUNCTIONFS_VIRTUAL_ADDR | FUNCTIONFS_ALL_CTRL_RECIP |
				    FUNCTIONFS_CONFIG0_SETUP,
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	endpoint.speed[EP_HIGH] = speed(8, 7);
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, files_for_both_directions_are_flag_256)
{
	static const uint8_t want[] = {
		3, 0, 0, 0, 39, 0, 0, 0, 1, 1, 0, 0, 3, 0,  0, 0, /* FS and rw_proxy */
		9, 4, 0, 0, 2,	0, 0, 0, 0, 7, 5, 1, 2, 64, 0, 0, 7, 5, 0x82, 2, 64, 0, 0,
	};
	struct endpoint endpoints[] = {
		{ .address = 1, .direction = EP_OUT, .type = EP_BULK },
		{ .address = 0x82, .direction = EP_IN, .type = EP_BULK },
	};
	struct interface interface = { .endpoints = endpoints, .n_endpoints = 2 };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .flags = FUNCTIONFS_RW_PROXY_EPS,
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	endpoints[0].speed[EP_FULL] = endpoints[1].speed[EP_FULL] = speed(64, 0);
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, an_interrupt_endpoint_says_what_it_moves_in_an_interval)
{
	struct endpoint endpoint = { .address = 0x81, .direction = EP_IN, .type = EP_INTERRUPT };
	struct interface interface = { .endpoints = &endpoint, .n_endpoints = 1 };
	struct ffs ffs = { .has_speed = { false, false, true },
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	endpoint.speed[EP_SUPER] = speed(1024, 4);
	endpoint.speed[EP_SUPER].burst = 2;
	blob = ffs_blob_descriptors(&ffs, &size);
	/* the companion's wBytesPerInterval: 3 packets of 1024 (USB 3.2, 9.6.7) */
	cr_assert_eq(blob[size - 2] | blob[size - 1] << 8, 3072);
	cr_assert_eq(blob[size - 4], 2);
	free(blob);
}

Test(blob, interfaces_count_from_zero_and_strings_from_one)
{
	struct ffs_string_translation a = { 0x409, (char *)"a" }, c = { 0x409, (char *)"c" };
	struct interface interfaces[] = { { .string = { &a, 1, { 0 } } },
					  { .class = 1 },
					  { .string = { &c, 1, { 0 } } } };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .interfaces = interfaces,
			   .n_interfaces = 3 };
	size_t size;
	uint8_t *blob = ffs_blob_descriptors(&ffs, &size);

	for (uint8_t i = 0; i < 3; i++)
		cr_assert_eq(blob[16 + 9 * i + 2], i);
	cr_assert_eq(blob[16 + 8], 1);
	cr_assert_eq(blob[16 + 9 + 8], 0);
	cr_assert_eq(blob[16 + 18 + 8], 2);
	free(blob);
}

Test(blob, every_language_has_every_string)
{
	static const uint8_t want[] = {
		2, 0,	0,   0,	  33,  0, 0,   0, 2,
		0, 0,	0,   2,	  0,   0, 0, /* two strings in two languages */
		9, 4,	'o', 'n', 'e', 0, 'b', 0, 7,
		4, 'e', 'i', 'n', 's', 0, 'b', 0, /* 'b' has no German text: its first one is taken
						   */
	};
	struct ffs_string_translation one[] = { { 0x409, (char *)"one" },
						{ 0x407, (char *)"eins" } };
	struct ffs_string_translation b = { 0x409, (char *)"b" };
	struct interface interfaces[] = { { .string = { one, 2, { 0 } } },
					  { .string = { &b, 1, { 0 } } } };
	struct ffs ffs = { .interfaces = interfaces, .n_interfaces = 2 };
	size_t size;
	uint8_t *blob = ffs_blob_strings(&ffs, &size);

	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, no_strings_is_a_blob_too)
{
	static const uint8_t want[] = { 2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct interface interface = { 0 };
	struct ffs ffs = { .interfaces = &interface, .n_interfaces = 1 };
	size_t size;
	uint8_t *blob = ffs_blob_strings(&ffs, &size);

	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, alternate_settings_follow_their_interface)
{
	static const uint8_t want[] = {
		3,  0, 0, 0, 59, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, /* FS */
		9,  4, 0, 0, 0,	 3, 0, 0, 1, 9, 4, 0, 1, 1, 3, 0, 0, 0, 7, 5, 0x81, 2,
		64, 0, 0, 9, 4,	 0, 2, 0, 3, 0, 0, 0, 9, 4, 1, 0, 0, 5, 0, 0, 0,
	};
	struct endpoint endpoint = bulk(0x81);
	struct ffs_string_translation text = { 0x409, (char *)"x" };
	struct interface interfaces[] = { { .class = 3,
					    .string = { &text, 1, { 0 } },
					    .endpoints = &endpoint,
					    .n_endpoints = 1,
					    .highest_alternate = 2 },
					  { .class = 5 } };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .interfaces = interfaces,
			   .n_interfaces = 2 };
	uint8_t *blob;
	size_t size;

	endpoint.alternate = 1;
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, isochronous_endpoints_say_how_often_they_move_a_packet)
{
	static const uint8_t want[] = {
		3, 0,  0,  0, 78, 0,	0, 0, 7, 0, 0, 0,		  /* FS, HS, SS */
		2, 0,  0,  0, 2,  0,	0, 0, 3, 0, 0, 0,		  /* each */
		9, 4,  0,  0, 1,  255,	0, 0, 0, 7, 5, 1, 1, 0xff, 3,  1, /* 1023 */
		9, 4,  0,  0, 1,  255,	0, 0, 0, 7, 5, 1, 1, 0,	   20, 1, /* 1024, and 2 more */
		9, 4,  0,  0, 1,  255,	0, 0, 0, 7, 5, 1, 1, 0,	   4,  1, /* 1024 */
		6, 48, 15, 2, 0,  0xc0,					  /* 16 * 3 * 1024 */
	};
	struct endpoint endpoint = { .address = 1, .type = EP_ISOCHRONOUS };
	struct interface interface = { .class = 255, .endpoints = &endpoint, .n_endpoints = 1 };
	struct ffs ffs = { .has_speed = { true, true, true },
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	endpoint.speed[EP_FULL] = speed(1023, 1);
	endpoint.speed[EP_HIGH] = endpoint.speed[EP_SUPER] = speed(1024, 1);
	endpoint.speed[EP_HIGH].mult = endpoint.speed[EP_SUPER].mult = 3;
	endpoint.speed[EP_SUPER].burst = 15;
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, associations_stand_before_their_first_interface_with_its_final_number)
{
	static const uint8_t want[] = {
		9, 4, 0, 0, 0, 2, 0, 0, 1, 8, 11, 6, 2, 1, 4, 3, 2, /* the function's interfaces
								       begin at 5 */
		9, 4, 1, 0, 0, 2, 0, 0, 0, 9, 4,  2, 0, 0, 2, 0, 0, 0,
	};
	struct ffs_string_translation a = { 0x409, (char *)"a" }, b = { 0x409, (char *)"b" };
	struct interface interfaces[] = { { .class = 2, .string = { &a, 1, { 0 } } },
					  { .class = 2 },
					  { .class = 2 } };
	struct association association = { .first_interface = 1,
					   .n_interfaces = 2,
					   .class = 1,
					   .subclass = 4,
					   .protocol = 3,
					   .string = { &b, 1, { 0 } } };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .interfaces = interfaces,
			   .n_interfaces = 3,
			   .associations = &association,
			   .n_associations = 1,
			   .first_interface = 5 };
	uint8_t *blob;
	size_t size;

	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob + 16, size - 16, want, sizeof(want));
	cr_assert_eq(blob[12], 4, "descriptors at full speed");
	free(blob);
	/* Each speed has them */
	ffs.has_speed[EP_HIGH] = true;
	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob + 20, 35, want, sizeof(want));
	equal(blob + 55, 35, want, sizeof(want));
	cr_assert_eq(size, 90);
	free(blob);
	blob = ffs_blob_strings(&ffs, &size);
	cr_assert_eq(blob[8], 2, "strings");
	cr_assert_str_eq((char *)blob + 18, "a");
	cr_assert_str_eq((char *)blob + 20, "b");
	free(blob);
}

Test(blob, further_descriptors_follow_that_of_the_interface)
{
	static const uint8_t want[] = {
		3,    0, 0, 0, 53,   0, 0,  0, 1, 0, 0,	   0,	 5, 0, 0, 0, /* FS */
		9,    4, 0, 0, 1,    3, 0,  0, 0, 9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0, 3,
		0x21, 7, 7, 5, 0x81, 2, 64, 0, 0, 9, 4,	   0,	 1, 0, 3, 0,	0,  0,
	};
	uint8_t hid[] = { 9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0 }, other[] = { 3, 0x21, 7 };
	struct ffs_bytes extra[] = { { hid, sizeof(hid) }, { other, sizeof(other) } };
	struct endpoint endpoint = bulk(0x81);
	struct interface interface = { .class = 3,
				       .endpoints = &endpoint,
				       .n_endpoints = 1,
				       .highest_alternate = 1,
				       .extra_descriptors = extra,
				       .n_extra_descriptors = 2 };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .interfaces = &interface,
			   .n_interfaces = 1 };
	uint8_t *blob;
	size_t size;

	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
}

Test(blob, os_descriptors_are_of_every_interface)
{
	static const uint8_t want[] = {
		3,  0,	0,   0,	  156, 0,   0,	 0,   9,   0,	0,   0, /* FS, Microsoft's */
		2,  0,	0,   0,	  2,   0,   0,	 0,			/* two of each */
		9,  4,	0,   0,	  0,   0,   0,	 0,   0,   9,	4,   1,	  0,   0,   0,	 0,
		0,  0,	0,   59,  0,   0,   0,	 0,   1,   4,	0,   2,	  0, /* extended compat ids
									      */
		0,  1,	0,   0,	  0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   0,	 0,
		0,  0,	0,   0,	  0,   0,   0,	 0,   1,   1,	'W', 'I', 'N', 'U', 'S', 'B',
		0,  0,	'5', '1', 0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   0,	 0,
		1,  59, 0,   0,	  0,   0,   1,	 5,   0,   2,	0, /* extended properties */
		27, 0,	0,   0,	  1,   0,   0,	 0,   6,   0,	'L', 'a', 'b', 'e', 'l', 0,
		7,  0,	0,   0,	  'a', ' ', 's', 'i', 'g', 'n', 0,   21,  0,   0,   0,	 3,
		0,  0,	0,   4,	  0,   'R', 'a', 'w', 0,   3,	0,   0,	  0,   9,   0,	 8,
	};
	uint8_t raw[] = { 9, 0, 8 };
	struct os_property properties[] = {
		{ 1, (char *)"Label", { (uint8_t *)"a sign", 7 }, { 0 } },
		{ 3, (char *)"Raw", { raw, 3 }, { 0 } },
	};
	struct interface interfaces[] = { { 0 },
					  { .compatible = "WINUSB",
					    .sub_compatible = "51",
					    .properties = properties,
					    .n_properties = 2 } };
	struct ffs ffs = { .has_speed = { true, false, false },
			   .interfaces = interfaces,
			   .n_interfaces = 2,
			   .has_os_descs = true };
	uint8_t *blob;
	size_t size;

	blob = ffs_blob_descriptors(&ffs, &size);
	equal(blob, size, want, sizeof(want));
	free(blob);
	/* Their version is at 5 in the heads */
	blob = ffs_blob_descriptors_with_swapped_os_version(&ffs, &size);
	cr_assert_eq(size, sizeof(want));
	for (size_t i = 0; i < size; i++) {
		bool swapped = i == 38 + 5 || i == 38 + 6 || i == 97 + 5 || i == 97 + 6;

		cr_assert_eq(blob[i], swapped ? !want[i] : want[i], "byte %zu", i);
	}
	free(blob);
}

Test(blob, what_comes_from_files_is_left_as_it_is)
{
	uint8_t descriptors[] = { 1, 2, 3 }, strings[] = { 4, 5 };
	struct interface interface = { 0 };
	struct ffs ffs = { .interfaces = &interface,
			   .n_interfaces = 1,
			   .raw_descriptors = { descriptors, sizeof(descriptors) },
			   .raw_strings = { strings, sizeof(strings) } };
	size_t size;
	uint8_t *blob = ffs_blob_descriptors(&ffs, &size);

	equal(blob, size, descriptors, sizeof(descriptors));
	free(blob);
	blob = ffs_blob_strings(&ffs, &size);
	equal(blob, size, strings, sizeof(strings));
	free(blob);
}

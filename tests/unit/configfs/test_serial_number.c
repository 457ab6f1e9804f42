/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash, with the vectors of its standards, and what is made from a machine's id. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "configfs/mac_address.h"
#include "configfs/serial_number.h"

static void expect(const uint8_t digest[SHA256_SIZE], const char *want)
{
	char have[2 * SHA256_SIZE + 1];

	for (int i = 0; i < SHA256_SIZE; i++)
		sprintf(have + 2 * i, "%02x", digest[i]);
	cr_expect_str_eq(have, want);
}

Test(sha256, gives_the_digests_of_fips_180)
{
	uint8_t digest[SHA256_SIZE];

	sha256("", 0, digest);
	expect(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256("abc", 3, digest);
	expect(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
	expect(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

Test(sha256, gives_the_codes_of_rfc_4231)
{
	uint8_t digest[SHA256_SIZE], key[25], data[50];

	memset(key, 0x0b, 20);
	hmac_sha256(key, 20, "Hi There", 8, digest);
	expect(digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
	expect(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	for (uint8_t i = 0; i < sizeof(key); i++)
		key[i] = i + 1;
	memset(data, 0xcd, sizeof(data));
	hmac_sha256(key, sizeof(key), data, sizeof(data), digest);
	expect(digest, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

/* Of Python: hmac.new(bytes(range(16)), b"ffsctl serial number", "sha256"). It must never change:
 * hosts know devices by it. */
Test(serial, of_a_machine_stays_the_same)
{
	uint8_t id[MACHINE_ID_SIZE];
	char serial[SERIAL_SIZE];

	for (uint8_t i = 0; i < sizeof(id); i++)
		id[i] = i;
	serial_from_machine_id(id, serial);
	cr_expect_str_eq(serial, "2B43ADD2962308D68B518B4C42DDD658");
}

/*
 * From Python: hmac.new(bytes(range(16)), b"ffsctl address board/ncm.net/host_addr", "sha256").
 * The addresses must never change: hosts and DHCP servers know boards by them.
 */
Test(address, of_a_board_stays_the_same)
{
	const struct mac_address_target target = { "board", "ncm.net", "host_addr" };
	uint8_t key[100];
	char address[MAC_ADDRESS_SIZE];

	for (uint8_t i = 0; i < sizeof(key); i++)
		key[i] = i;
	mac_address_from_key(key, 16, &target, address);
	cr_expect_str_eq(address, "fe:b4:38:68:b6:20");
	mac_address_from_key(key, 64, &target, address);
	cr_expect_str_eq(address, "c6:1b:9f:9e:e5:7e");
	mac_address_from_key(key, sizeof(key), &target, address);
	cr_expect_str_eq(address, "42:df:2f:c9:1e:fa", "HMAC hashes a key of more than 64 bytes");
}

Test(address, differs_for_each_gadget_function_and_end)
{
	static const struct mac_address_target targets[] = {
		{ "a", "ncm.net", "host_addr" },  { "a", "ncm.net", "dev_addr" },
		{ "a", "ncm.other", "dev_addr" }, { "a", "ecm.net", "dev_addr" },
		{ "b", "ncm.net", "dev_addr" },
	};
	char addresses[ARRAY_SIZE(targets)][MAC_ADDRESS_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		unsigned int first;

		mac_address_from_key("board", 5, &targets[i], addresses[i]);
		cr_assert_eq(sscanf(addresses[i], "%2x:", &first), 1);
		cr_expect_eq(first & 3, 2, "%s is not local, or not of one interface",
			     addresses[i]);
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(addresses[i], addresses[k]);
	}
}

static const char *path;

static void put(const void *text, size_t size)
{
	static char name[64];
	FILE *f;

	snprintf(name, sizeof(name), "/tmp/ffsctl-test-serial.%d", getpid());
	path = name;
	f = fopen(name, "we");
	cr_assert_not_null(f);
	fwrite(text, 1, size, f);
	fclose(f);
}

static void cleanup(void)
{
	if (path)
		unlink(path);
}

TestSuite(file, .fini = cleanup);

Test(file, the_first_line_without_its_end)
{
	static const char texts[][16] = { "A-17\nx", "A-17", "A-17\r\n", "A-17\0" };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *serial = NULL;

		put(texts[i], i == 3 ? 5 : strlen(texts[i]));
		cr_assert_eq(serial_number_read(path, &serial, &err), 0, "%s", err.text);
		cr_expect_str_eq(serial, "A-17");
	}
}

static void refused(const char *text, const char *why)
{
	_cleanup_error_ struct error err = { 0 };
	char *serial = NULL;

	put(text, strlen(text));
	cr_assert_lt(serial_number_read(path, &serial, &err), 0, "'%s' was taken", text);
	cr_expect_null(serial);
	cr_expect_eq(err.exit, EX_UNAVAILABLE);
	cr_expect_not_null(strstr(err.text, why), "%s", err.text);
}

Test(file, what_can_be_no_string_is_refused)
{
	char line[200] = "";

	memset(line, 'x', 127);
	refused("", "does not contain a serial number");
	refused("\nx", "does not contain a serial number");
	refused("a\tb", "a control character");
	refused("\xff", "not valid UTF-8");
	refused(line, "has 127 bytes, more than the 126 that Linux sends");
}

Test(file, what_is_not_there_or_would_block_is_an_error)
{
	_cleanup_error_ struct error err = { 0 }, other = { 0 };
	char *serial = NULL;

	cr_expect_eq(serial_number_read("/nonexistent/serial", &serial, &err), -ENOENT);
	cr_expect_str_eq(err.text,
			 "cannot read the serial number from /nonexistent/serial: No such "
			 "file or directory");
	put("", 0);
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_lt(serial_number_read(path, &serial, &other), 0);
	cr_expect_not_null(strstr(other.text, "not a regular file"), "%s", other.text);
}

Test(file, an_empty_line_makes_no_address)
{
	const struct mac_address_target target = { "a", "ncm.net", "dev_addr" };
	_cleanup_error_ struct error err = { 0 };
	char address[MAC_ADDRESS_SIZE];

	put("\nx", 2);
	cr_expect_lt(mac_address_read(path, &target, address, &err), 0);
	cr_expect_eq(err.exit, EX_UNAVAILABLE);
	cr_expect_not_null(strstr(err.text, "cannot make 'dev_addr' from "), "%s", err.text);
}

Test(file, an_address_depends_only_on_the_first_line)
{
	static const char *const texts[] = { "A-17\nx", "A-17\r\n", "A-17" };
	const struct mac_address_target target = { "a", "ncm.net", "dev_addr" };
	struct error err = { 0 };
	char wanted[MAC_ADDRESS_SIZE], address[MAC_ADDRESS_SIZE];

	mac_address_from_key("A-17", 4, &target, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(texts[i], strlen(texts[i]));
		cr_assert_eq(mac_address_read(path, &target, address, &err), 0, "%s", err.text);
		cr_expect_str_eq(address, wanted);
	}
}

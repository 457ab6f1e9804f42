// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/serial_number.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/text.h"
#include "gadgetfile/gadget.h"

void serial_from_machine_id(const uint8_t id[MACHINE_ID_SIZE], char serial[SERIAL_SIZE])
{
	static const char hashed_text[] = "ffsctl serial number";
	uint8_t digest[SHA256_SIZE];

	hmac_sha256(id, MACHINE_ID_SIZE, hashed_text, strlen(hashed_text), digest);
	for (int i = 0; i < MACHINE_ID_SIZE; i++)
		sprintf(serial + 2 * i, "%02X", digest[i]);
}

/* Replaces the digits of the machine id by the serial number that is made from it. */
static int hash_machine_id(char **serial, struct error *err)
{
	uint8_t id[MACHINE_ID_SIZE];
	int r = board_id_parse_machine_id(*serial, id, err);

	if (r < 0)
		return r;
	free(*serial);
	*serial = xcalloc(SERIAL_SIZE, 1);
	serial_from_machine_id(id, *serial);
	return 0;
}

static int check_serial(const char *path, const char *text, struct error *err)
{
	if (!*text)
		return error_set(err, EX_UNAVAILABLE, EINVAL, path,
				 "%s does not contain a serial number", path);
	if (strlen(text) > USB_MAX_STRING_BYTES)
		return error_set(
			err, EX_UNAVAILABLE, EINVAL, path,
			"the first line of %s has %zu bytes, more than the %d that Linux sends to "
			"the host",
			path, strlen(text), USB_MAX_STRING_BYTES);
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return error_set(err, EX_UNAVAILABLE, EINVAL, path,
					 "a control character in the serial number in %s", path);
	if (!text_is_utf8(text))
		return error_set(err, EX_UNAVAILABLE, EINVAL, path,
				 "the serial number in %s is not valid UTF-8", path);
	return 0;
}

int serial_number_read(const char *from, char **serial, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = board_id_read(from, "the serial number", &text, err);

	if (r == 0 && streq(from, "machine-id"))
		r = hash_machine_id(&text, err);
	if (r == 0)
		r = check_serial(board_id_path(from), text, err);
	if (r == 0)
		*serial = steal_ptr(text);
	return r;
}

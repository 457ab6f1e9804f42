// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/serial_number.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/text.h"
#include "gadgetfile/gadget.h"

#define MACHINE_ID "/etc/machine-id"
#define DEVICE_TREE_DIR "/proc/device-tree"
#define DEVICE_TREE DEVICE_TREE_DIR "/serial-number"
#define MAX_FILE 4096

void serial_from_machine_id(const uint8_t id[MACHINE_ID_SIZE], char serial[SERIAL_SIZE])
{
	static const char hashed_text[] = "ffsctl serial number";
	uint8_t digest[SHA256_SIZE];

	hmac_sha256(id, MACHINE_ID_SIZE, hashed_text, strlen(hashed_text), digest);
	for (int i = 0; i < MACHINE_ID_SIZE; i++)
		sprintf(serial + 2 * i, "%02X", digest[i]);
}

/*
 * Converts 32 hexadecimal digits to 16 bytes. Returns false if the text is not a machine id, for
 * example "uninitialized" at the first boot.
 */
static bool parse_machine_id(const char *text, uint8_t id[MACHINE_ID_SIZE])
{
	if (strlen(text) != 2 * MACHINE_ID_SIZE ||
	    strspn(text, "0123456789abcdef") != 2 * MACHINE_ID_SIZE ||
	    strspn(text, "0") == 2 * MACHINE_ID_SIZE)
		return false;
	for (int i = 0; i < MACHINE_ID_SIZE; i++)
		sscanf(text + 2 * i, "%2hhx", &id[i]);
	return true;
}

static int hash_machine_id(char **serial, struct error *err)
{
	uint8_t id[MACHINE_ID_SIZE];

	if (!parse_machine_id(*serial, id)) {
		error_set(err, EX_UNAVAILABLE, EINVAL, MACHINE_ID,
			  "%s does not contain a machine id", MACHINE_ID);
		return error_add_hint(err, "'systemd-machine-id-setup' makes one");
	}
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
	bool machine = streq(from, "machine-id");
	const char *path = machine ? MACHINE_ID : streq(from, "device-tree") ? DEVICE_TREE : from;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	/* Opening a FIFO would block. */
	if (r == 0 && !S_ISREG(st.st_mode))
		return error_set(err, EX_UNAVAILABLE, EINVAL, path,
				 "cannot read the serial number from %s: not a regular file", path);
	if (r == 0)
		r = file_read(AT_FDCWD, path, MAX_FILE, &text, NULL);

	if (r < 0) {
		error_errno(err, EX_UNAVAILABLE, -r, path, "cannot read the serial number from %s",
			    path);
		if (r == -ENOENT && streq(from, "device-tree"))
			error_add_detail(err,
					 path_exists(DEVICE_TREE_DIR)
						 ? "this machine's device tree has no serial number"
						 : "this machine has no device tree");
		return r;
	}
	/*
	 * Keeps only the first line. A string of the device tree ends with a NUL, not with a
	 * newline.
	 */
	text[strcspn(text, "\r\n")] = '\0';
	if (machine)
		r = hash_machine_id(&text, err);
	if (r == 0)
		r = check_serial(path, text, err);
	if (r == 0)
		*serial = steal_ptr(text);
	return r;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/mac_address.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/sha256.h"

#define HMAC_MAX_KEY 64 /* hmac_sha256 has no longer keys */

void mac_address_from_key(const void *key, size_t size, const struct mac_address_target *target,
			  char address[MAC_ADDRESS_SIZE])
{
	_cleanup_free_ char *hashed_text = strf("ffsctl address %s/%s/%s", target->gadget,
						target->function_in_configfs, target->attribute);
	uint8_t digest[SHA256_SIZE], short_key[SHA256_SIZE];

	/* HMAC replaces a longer key by its hash (FIPS 198-1, table 1). */
	if (size > HMAC_MAX_KEY) {
		sha256(key, size, short_key);
		key = short_key;
		size = sizeof(short_key);
	}
	hmac_sha256(key, size, hashed_text, strlen(hashed_text), digest);
	digest[0] = (uint8_t)((digest[0] & ~0x01) | 0x02);
	snprintf(address, MAC_ADDRESS_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", digest[0], digest[1],
		 digest[2], digest[3], digest[4], digest[5]);
}

int mac_address_read(const char *from, const struct mac_address_target *target,
		     char address[MAC_ADDRESS_SIZE], struct error *err)
{
	_cleanup_free_ char *purpose = strf("the source of '%s'", target->attribute), *line = NULL;
	uint8_t id[MACHINE_ID_SIZE];
	int r = board_id_read(from, purpose, &line, err);

	if (r < 0)
		return r;
	if (streq(from, "machine-id")) {
		r = board_id_parse_machine_id(line, id, err);
		if (r == 0)
			mac_address_from_key(id, sizeof(id), target, address);
		return r;
	}
	if (!*line)
		return error_set(err, EX_UNAVAILABLE, EINVAL, board_id_path(from),
				 "cannot make '%s' from %s: its first line is empty",
				 target->attribute, board_id_path(from));
	mac_address_from_key(line, strlen(line), target, address);
	return 0;
}

int mac_address_from_attribute_source(const struct gadget *gadget, const struct function *function,
				      const struct configfs_attribute *attribute,
				      char address[MAC_ADDRESS_SIZE], struct error *err)
{
	_cleanup_free_ char *name = strf("%s.%s", function->type, function->instance);
	const struct mac_address_target target = { gadget->name, name, attribute->path };

	return mac_address_read(attribute->value, &target, address, err);
}

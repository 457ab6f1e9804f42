/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exports the groups { from = ... } of serial numbers and Ethernet addresses, which the record
 * contains, but configfs does not: with the value instead, all boards that use the exported file
 * would have the same one.
 */
#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/mac_address.h"
#include "configfs/serial_number.h"
#include "export/common.h"

/*
 * Returns the member `from` of the recorded group of a value, as it is in struct gadget, with an
 * absolute path instead of "file:PATH"; NULL: `group` is no such group. The caller frees it.
 */
static char *recorded_source_of_value(const struct export *e, const json_t *group)
{
	const char *from = json_text(group, "from", NULL), *dir = e->record->gadget_file_dir;

	if (!from || !str_has_prefix(from, "file:"))
		return xstrdup_or_null(from);
	from += strlen("file:");
	if (*from == '/')
		return xstrdup(from);
	return dir ? strf("%s/%s", streq(dir, "/") ? "" : dir, from) : NULL;
}

/* Returns a group { from = ... } for the result of recorded_source_of_value. */
static json_t *make_from_group(const char *from)
{
	_cleanup_free_ char *text = *from == '/' ? strf("file:%s", from) : xstrdup(from);

	return json_pack("{s:s}", "from", text);
}

json_t *export_address_source(const struct export *e, const char *directory, const char *key,
			      const char *address)
{
	const json_t *function = export_recorded_function(e, directory, NULL);
	const struct mac_address_target target = { e->gadget_name, directory, key };
	_cleanup_free_ char *from = NULL;
	_cleanup_error_ struct error err = { 0 };
	char made[MAC_ADDRESS_SIZE];

	if (!function || !address)
		return NULL;
	from = recorded_source_of_value(e,
					json_object_get(json_object_get(function, "attrs"), key));
	if (!from || mac_address_read(from, &target, made, &err) < 0 || !streq(made, address))
		return NULL;
	return make_from_group(from);
}

/* Returns the recorded strings of a language; NULL: there are none. */
static const json_t *recorded_strings(const struct export *e, size_t index)
{
	return json_array_get(json_object_get(e->record->document, "strings"), index);
}

/* Returns whether the source gives the serial number `serial`. */
static bool source_gives_serial(const struct export *e, const char *from, const char *serial)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *made = NULL;

	if (streq(from, "name"))
		return streq(e->gadget_name, serial);
	return serial_number_read(from, &made, &err) == 0 && streq(made, serial);
}

json_t *export_serial_source(const struct export *e, const char *serial)
{
	const json_t *strings;

	for (size_t i = 0; e->record && serial && (strings = recorded_strings(e, i)); i++) {
		_cleanup_free_ char *from =
			recorded_source_of_value(e, json_object_get(strings, "serialnumber"));

		if (from && source_gives_serial(e, from, serial))
			return make_from_group(from);
	}
	return NULL;
}

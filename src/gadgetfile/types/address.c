// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the Ethernet addresses and the interface names of network functions. */
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

static const struct key address_rows[] = {
	{ "from", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY,
	  .pattern = "^(machine-id|device-tree|file:.+)$",
	  .doc = "What distinguishes this board from others; it is read when the gadget comes up. "
		 "\"machine-id\": /etc/machine-id. \"device-tree\": "
		 "/proc/device-tree/serial-number. \"file:PATH\": the first line of a file. The "
		 "address is made from a hash of the source, the gadget's name, the function's "
		 "type and instance, and the key. It stays the same after each start, and no two "
		 "boards, functions or ends have the same one. It is locally administered.",
	  .set = set_address_source, FIELD(struct address_settings, source) },
	{ 0 },
};
const struct key_group address_keys = { "dev_addr, host_addr of network functions", "an address",
					address_rows, NULL,
					"An Ethernet address that differs for each board." };

/*
 * Reads an Ethernet address: six pairs of hexadecimal digits, optionally separated by ':' or '.'.
 */
static bool parse_mac(const char *text, unsigned int bytes[6])
{
	for (int i = 0; i < 6; i++, text += 2) {
		if (i > 0 && (*text == ':' || *text == '.'))
			text++;
		if (strspn(text, "0123456789abcdefABCDEF") < 2 ||
		    sscanf(text, "%2x", &bytes[i]) != 1)
			return false;
	}
	return !*text;
}

/*
 * Sets an Ethernet address, in the form in which the kernel shows it. Must be strict, because the
 * kernel accepts any text and takes each character that is not a hexadecimal digit for 0xff.
 */
static void set_fixed_address(struct load *l, const struct key *k, struct node *value, void *field)
{
	_cleanup_free_ char *shown = diag_quote(value->text);
	unsigned int b[6];

	if (!parse_mac(value->text, b))
		load_error(l, value,
			   "'%s' must be an Ethernet address like \"02:00:00:00:00:01\", not %s",
			   k->name, shown);
	else if (!(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		load_error(l, value,
			   "'%s' must not be all 0, which is not an address of a network interface",
			   k->name);
	else if (b[0] & 1)
		load_error(
			l, value,
			"'%s' must not be a multicast address: bit 0 of its first byte must be 0",
			k->name);
	else
		load_set_attr_text(
			k, value, field,
			strf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]));
}

/* Sets the source of an address, which is made when the gadget comes up. */
static void set_address_from_source(struct load *l, const struct key *k, struct node *value,
				    void *field)
{
	struct address_settings d = { 0 };

	load_group(l, k->group, value, &d);
	if (!d.source.value)
		return;
	load_set_attr_text(k, value, field, d.source.value);
	load_find_attr(field, k->name)->entry_kind = ATTRIBUTE_ADDRESS_SOURCE;
}

void set_attr_address(struct load *l, const struct key *k, struct node *value, void *field)
{
	if (value->type == NODE_GROUP)
		set_address_from_source(l, k, value, field);
	else
		set_fixed_address(l, k, value, field);
}

/* --- names ------------------------------------------------------------------------------------ */

#define MAX_IFNAME 15	       /* IFNAMSIZ without the NUL */
#define KERNEL_PATTERN "usb%d" /* the kernel's default of ifname (u_ether.c) */

/* Returns the pattern from which the kernel makes a name: "lan%d" for "lan0" and for "lan". */
static char *pattern_of_name(const char *name)
{
	size_t n = strlen(name);

	while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	return strf("%.*s%%d", (int)n, name);
}

static bool is_valid_ifname_pattern(const char *pattern)
{
	const char *percent = strchr(pattern, '%');

	return percent[1] == 'd' && !strchr(percent + 1, '%') && strlen(pattern) <= MAX_IFNAME &&
	       !strpbrk(pattern, "/: \t\n");
}

/*
 * Sets the pattern of a network interface's name. The kernel accepts no name without a pattern, but
 * schemes have the name of the interface that existed when they were exported.
 */
void set_attr_ifname(struct load *l, const struct key *k, struct node *value, void *field)
{
	bool has_pattern = strchr(value->text, '%');
	_cleanup_free_ char *shown = diag_quote(value->text),
			    *pattern = has_pattern ? xstrdup(value->text)
						   : pattern_of_name(value->text);

	/* Before the gadget is bound, configfs shows "(unnamed net_device)". */
	if (!has_pattern && (value->text[0] == '(' || streq(pattern, KERNEL_PATTERN))) {
		ignore_readonly_attr(l, k, value, field);
		return;
	}
	if (!is_valid_ifname_pattern(pattern) || (!has_pattern && *pattern == '%')) {
		load_error(l, value,
			   "'%s' must be a pattern like \"lab%%d\", not %s: at most %d characters "
			   "including %%d, and no '/', ':' or blank",
			   k->name, shown, MAX_IFNAME);
		return;
	}
	if (!has_pattern)
		diag_note(l->diags, &value->at,
			  "the kernel takes only a pattern: '%s' is \"%s\", whose first name is "
			  "%.*s0",
			  k->name, pattern, (int)(strlen(pattern) - 2), pattern);
	load_set_attr_text(k, value, field, steal_ptr(pattern));
}

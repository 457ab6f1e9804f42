// SPDX-License-Identifier: GPL-2.0-or-later
/* The list `extra` of an interface: descriptors as bytes, as far as FunctionFS takes them. */
#include <stdio.h>

#include "gadgetfile/load.h"

#define CLASS_DESCRIPTOR 0x21

/* ffs_do_single_desc of f_fs.c; what is in no row it refuses without a word. */
static const struct {
	uint8_t class;
	int subclass; /* -1: any */
	size_t size;
	const char *what;
} known[] = {
	{ 0x03, -1, 9, "a HID descriptor (with one report descriptor)" },
	{ 0x0b, -1, 54, "a smart card reader's descriptor" },
	{ 0xfe, 1, 9, "a DFU functional descriptor" },
};

bool load_knows_extra(const struct interface *interface, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].class == interface->class && known[i].size == size &&
		    (known[i].subclass < 0 || known[i].subclass == interface->subclass))
			return true;
	return false;
}

static void check_descriptor(struct load *l, const struct interface *interface,
			     const struct ffs_bytes *bytes, struct node *list)
{
	if (bytes->size < 2) {
		load_error(l, list, "a descriptor has at least two bytes: its length and its type");
		return;
	}
	if (bytes->data[0] != bytes->size) {
		load_error(l, list->first,
			   "a descriptor begins with its length, which is %zu here, not %s",
			   bytes->size, list->first->text);
		return;
	}
	if (bytes->data[1] != CLASS_DESCRIPTOR) {
		load_error(l, list->first->next,
			   "FunctionFS takes no descriptors of type 0x%02x, only 0x21 (f_fs.c)",
			   bytes->data[1]);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].class != interface->class ||
		    (known[i].subclass >= 0 && known[i].subclass != interface->subclass))
			continue;
		if (known[i].size != bytes->size)
			load_error(l, list, "%s has %zu bytes for FunctionFS (f_fs.c), not %zu",
				   known[i].what, known[i].size, bytes->size);
		return;
	}
	load_error(l, list,
		   "FunctionFS takes descriptors of type 0x21 only in interfaces of class 'hid', "
		   "'smart-card' and 'dfu' (f_fs.c)");
}

void load_extra(struct load *l, struct interface *interface, struct node *list)
{
	interface->extra_at = load_origin(l, &list->name_at);
	node_foreach(item, list) {
		struct ffs_bytes *bytes;

		if (item->bad)
			continue;
		bytes = array_add(interface->extra, interface->n_extra);
		if (load_bytes(l, item, bytes))
			check_descriptor(l, interface, bytes, item);
	}
}

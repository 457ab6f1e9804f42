// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the list `extra` of an interface: class descriptors, each as a list of its bytes. */
#include <stdio.h>

#include "base/cleanup.h"
#include "blob/check_function.h"
#include "gadgetfile/load.h"

#define CLASS_DESCRIPTOR 0x21

static struct node *nth_item(const struct node *list, size_t n)
{
	struct node *item = list->first_child;

	while (n-- > 0 && item->next)
		item = item->next;
	return item;
}

static void check_extra_descriptor(struct load *l, const struct interface *interface,
				   const struct ffs_bytes *bytes, struct node *list)
{
	_cleanup_free_ char *reason = NULL, *todo = NULL;
	struct ffs_finding finding;

	if (bytes->size < 2) {
		load_error(l, list,
			   "a descriptor must have at least two bytes: its length and its type");
		return;
	}
	if (bytes->data[0] != bytes->size) {
		load_error(l, list->first_child,
			   "a descriptor must begin with its length, which is %zu here, not %s",
			   bytes->size, list->first_child->text);
		return;
	}
	finding = ffs_check_extra_descriptor(interface, bytes);
	if (finding.rule != FFS_ACCEPTED) {
		reason = ffs_finding_what_is_wrong(&finding);
		todo = ffs_finding_hint(&finding);
		load_error(l, finding.offset > 0 ? nth_item(list, finding.offset) : list, "%s",
			   reason);
		diags_hint(l->diags, "%s", todo);
	} else if (bytes->data[1] != CLASS_DESCRIPTOR) {
		/* The encoder would not count the interfaces and endpoints in 'extra' */
		load_error(l, nth_item(list, 1),
			   "'extra' is for class descriptors (type 0x21), but descriptors of type "
			   "0x%02x are made from other keys",
			   bytes->data[1]);
	}
}

void load_extra_descriptors(struct load *l, struct interface *interface, struct node *list)
{
	interface->extra_descriptors_at = position_of_range(l, &list->name_at);
	node_foreach(item, list) {
		struct ffs_bytes *bytes;

		if (item->has_error)
			continue;
		bytes = array_add(interface->extra_descriptors, interface->n_extra_descriptors);
		if (load_bytes(l, item, bytes))
			check_extra_descriptor(l, interface, bytes, item);
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the LUNs of a mass_storage function. */
#include "base/cleanup.h"
#include "gadgetfile/keys/attrs.h"

static const struct key lun_rows[] = {
	BOOL("removable", .flags = KEY_SCHEME, .default_text = "true",
	     .doc = "Whether the medium can be changed."),
	BOOL("cdrom", .flags = KEY_SCHEME, .default_text = "false",
	     .doc = "Whether the drive is a CD drive, which is read-only."),
	BOOL("ro", .flags = KEY_SCHEME, .default_text = "false",
	     .doc = "Whether the drive is read-only. A file that cannot be written always makes a "
		    "read-only drive."),
	BOOL("nofua", .flags = KEY_SCHEME, .default_text = "false",
	     .doc = "Whether to ignore a host's request to wait until data is on the disk (FUA)."),
	STRING("inquiry_string", .flags = KEY_SCHEME, .max = 28, .default_text = "the kernel's",
	       .doc = "Name of the drive for the host: vendor (8 characters), product (16), "
		      "release "
		      "(4)."),
	{ "file", NODE_STRING, .flags = KEY_SCHEME, .default_text = "no medium",
	  .doc = "File or block device with the medium, relative to the gadget file.",
	  .set = set_attr_path },
	{ 0 },
};
const struct key_group lun_keys = { "luns of mass_storage", "a LUN", lun_rows, NULL,
				    "One drive; the first is lun.0." };

#define MAX_LUNS 16 /* FSG_MAX_LUNS of f_mass_storage.h */

static void load_lun(struct load *l, struct function *f, const char *dir, struct node *node,
		     size_t n)
{
	_cleanup_free_ char *prefix = strf("%s/", dir);
	struct attribute_values d;
	struct attribute_value *file, *ro;

	/* The kernel itself makes lun.0 */
	if (n > 0)
		load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_DIRECTORY, xstrdup(dir),
				   NULL, 0, node);
	load_attr_group(l, &lun_keys, node, &d);
	file = load_find_attr(&d, "file");
	ro = load_find_attr(&d, "ro");
	if (file->node && file->size == 0)
		load_set_attr_value(file, NULL, 0); /* no medium: the attribute is not written,
						       because configfs rejects an empty write */
	if (ro->value && *ro->value == '0' && load_find_attr(&d, "cdrom")->value &&
	    *load_find_attr(&d, "cdrom")->value == '1')
		diag_warning(l->diags, node_range_to_mark(ro->node),
			     "a writable CD drive: hosts treat 'cdrom' as read-only");
	load_add_attributes(l, &f->configfs_attributes, prefix, &d);
}

void check_and_convert_mass_storage(struct load *l, struct function *f, struct attribute_values *d)
{
	const struct node *luns = load_find_attr(d, "luns")->node;
	size_t n = 0;

	if (!luns)
		return;
	node_foreach(item, luns) {
		_cleanup_free_ char *dir = attr_element_directory(d, "luns", n);

		if (n == MAX_LUNS) {
			diag_error(l->diags, node_range_to_mark(item),
				   "the kernel has at most %d LUNs", MAX_LUNS);
			return;
		}
		if (!item->has_error)
			load_lun(l, f, dir, item, n);
		n++;
	}
}

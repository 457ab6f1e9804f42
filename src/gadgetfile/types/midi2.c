// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the endpoints and function blocks of a midi2 function. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/keys/attrs.h"

static const struct key midi2_block_rows[] = {
	INT("direction", .min = 1, .max = 3, .default_text = "3",
	    .doc = "1: to the host (an input of the host); 2: from the host (an output of the "
		   "host); 3: both."),
	INT("first_group", .min = 0, .max = 15, .default_text = "0",
	    .doc = "First UMP group of the block."),
	INT("num_groups", .min = 1, .max = 16, .default_text = "1",
	    .doc = "Number of UMP groups of the block."),
	INT("midi1_first_group", .min = 0, .max = 15, .default_text = "0",
	    .doc = "First group that MIDI 1.0 hosts see."),
	INT("midi1_num_groups", .min = 0, .max = 16,
	    .default_text = "1 in the first block of all, else 0",
	    .doc = "Number of groups that MIDI 1.0 hosts see. At least one block must have such "
		   "groups."),
	INT("ui_hint", .min = 0, .max = 3, .default_text = "3",
	    .doc = "0: unknown, 1: receiver, 2: sender, 3: both."),
	INT("midi_ci_version", .min = 0, .max = 1, .default_text = "0",
	    .doc = "MIDI-CI message version."),
	INT("sysex8_streams", BYTE, .default_text = "0",
	    .doc = "Maximum number of System Exclusive 8 streams at the same time."),
	INT("is_midi1", .min = 0, .max = 2, .default_text = "0",
	    .doc = "0: MIDI 2.0, 1: MIDI 1.0, 2: MIDI 1.0 at 31.25 kb/s."),
	BOOL("active", .default_text = "true", .doc = "Whether the block is in use."),
	STRING("name", .max = 126, .default_text = "the kernel's", .doc = "Name of the block."),
	{ 0 },
};
const struct key_group midi2_block_keys = { "endpoints.blocks of midi2", "a function block",
					    midi2_block_rows, NULL,
					    "One function block of a MIDI 2.0 endpoint." };

static const struct key midi2_endpoint_rows[] = {
	INT("protocol", .min = 1, .max = 2, .default_text = "2", .doc = "Initial MIDI protocol."),
	INT("protocol_caps", .min = 1, .max = 3, .default_text = "3",
	    .doc = "Protocols that the endpoint supports. Bit 0: MIDI 1.0, bit 1: MIDI 2.0. The "
		   "bit of the protocol in \"protocol\" must be set."),
	INT("manufacturer", .min = 0, .max = 16777215, .default_text = "0",
	    .doc = "Manufacturer id."),
	INT("family", WORD16, .default_text = "0", .doc = "Family of the device."),
	INT("model", WORD16, .default_text = "0", .doc = "Model of the device."),
	INT("sw_revision", WORD32, .default_text = "0", .doc = "Revision of the software."),
	STRING("ep_name", .max = 126, .default_text = "the kernel's",
	       .doc = "Name of the endpoint."),
	STRING("product_id", .max = 126, .default_text = "the kernel's",
	       .doc = "Unique id of the product."),
	{ "blocks", TYPE_LIST, NODE_GROUP, KEY_NOT_EMPTY, .group = &midi2_block_keys,
	  .configfs_directory_prefix = "block.", .default_text = "one",
	  .doc = "Function blocks of the endpoint, at most 32.", .set = set_attr_node },
	{ 0 },
};
const struct key_group midi2_endpoint_keys = { "endpoints of midi2", "a MIDI 2.0 endpoint",
					       midi2_endpoint_rows, NULL,
					       "One MIDI 2.0 (UMP) endpoint." };

#define MAX_ENDPOINTS 4 /* MAX_UMP_EPS of f_midi2.c */
#define MAX_BLOCKS 32	/* SNDRV_UMP_MAX_BLOCKS */

/*
 * Loads a function block. Returns whether the block has groups for MIDI 1.0; by default, only the
 * first block of the first endpoint has them.
 */
static bool load_function_block(struct load *l, struct function *f, const char *endpoint,
				const char *name, struct node *node, size_t n)
{
	_cleanup_free_ char *dir = strf("%s/%s", endpoint, name), *prefix = strf("%s/", dir);
	struct attribute_values d;
	long long first, count, midi1_first, midi1_count;

	load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_DIRECTORY, xstrdup(dir), NULL, 0,
			   node);
	load_attr_group(l, &midi2_block_keys, node, &d);
	first = load_attr_integer(&d, "first_group", 0);
	count = load_attr_integer(&d, "num_groups", 1);
	midi1_first = load_attr_integer(&d, "midi1_first_group", 0);
	midi1_count = load_attr_integer(&d, "midi1_num_groups", n == 0 && streq(endpoint, "ep.0"));
	if (first + count > 16)
		diag_error(l->diags, node_range_to_mark(node),
			   "a block's groups must be from 0 to 15, but this block has %lld groups "
			   "from %lld on",
			   count, first);
	else if (midi1_count > 0 &&
		 (midi1_first < first || midi1_first + midi1_count > first + count))
		diag_error(l->diags, node_range_to_mark(node),
			   "the groups for MIDI 1.0 (%lld groups from %lld on) must be in the "
			   "block",
			   midi1_count, midi1_first);
	load_add_attributes(l, &f->configfs_attributes, prefix, &d);
	return midi1_count > 0 || load_member_or_node_itself(node, "midi1_num_groups")->has_error;
}

/* Loads a MIDI 2.0 endpoint. Returns whether one of its function blocks has groups for MIDI 1.0. */
static bool load_midi2_endpoint(struct load *l, struct function *f, const char *dir,
				struct node *node, size_t n)
{
	_cleanup_free_ char *prefix = strf("%s/", dir), *first_block = NULL;
	struct attribute_values d;
	const struct node *blocks;
	size_t n_blocks = 0;
	bool midi1 = false;

	load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_DIRECTORY, xstrdup(dir), NULL, 0,
			   node);
	load_attr_group(l, &midi2_endpoint_keys, node, &d);
	if (!(load_attr_integer(&d, "protocol", 2) & load_attr_integer(&d, "protocol_caps", 3)))
		diag_error(l->diags, node_range_to_mark(node),
			   "'protocol' must be one of 'protocol_caps'");
	blocks = load_find_attr(&d, "blocks")->node;
	first_block = attr_element_directory(&d, "blocks", 0);
	load_add_attributes(l, &f->configfs_attributes, prefix, &d);
	if (!blocks) /* the kernel itself makes a block only in ep.0, not in ep.1, ep.2, ... */
		load_add_attribute(l, &f->configfs_attributes, ATTRIBUTE_DIRECTORY,
				   strf("%s/%s", dir, first_block), NULL, 0, node);
	for (struct node *item = blocks ? blocks->first_child : NULL; item; item = item->next) {
		_cleanup_free_ char *name = NULL;

		if (n_blocks == MAX_BLOCKS) {
			diag_error(l->diags, node_range_to_mark(item),
				   "an endpoint has at most %d blocks", MAX_BLOCKS);
			return true;
		}
		name = attr_element_directory(&d, "blocks", n_blocks);
		midi1 |= item->has_error || load_function_block(l, f, dir, name, item, n_blocks);
		n_blocks++;
	}
	return midi1 || (!blocks && (n == 0 || node_member(node, "blocks")));
}

#define MAX_CABLES 16 /* of f_midi2.c */

/* Returns the number of groups of a block that hosts with MIDI 1.0 see as cables. */
static long long count_midi1_groups(const struct function *f, const char *block)
{
	_cleanup_free_ char *path = strf("%s/midi1_num_groups", block);
	const struct configfs_attribute *a =
		configfs_attributes_find(&f->configfs_attributes, path);

	if (a && a->value)
		return atoll(a->value);
	return streq(block, "ep.0/block.0");
}

/*
 * Warns about groups for MIDI 1.0 that hosts do not see: the kernel leaves out those after the 16th
 * of a direction (fill_midi1_cable_mapping, f_midi2.c:2785 and :2800).
 */
static void check_cables(struct load *l, const struct function *f, const struct node *endpoints)
{
	long long to_host = 0, from_host = 0;

	for (size_t n = 0; n < MAX_ENDPOINTS; n++) {
		for (size_t k = 0; k < MAX_BLOCKS; k++) {
			_cleanup_free_ char *block = strf("ep.%zu/block.%zu", n, k),
					    *path = strf("%s/direction", block);
			const struct configfs_attribute *a =
				configfs_attributes_find(&f->configfs_attributes, path);
			int direction = a && a->value ? atoi(a->value) : 3;
			long long groups = count_midi1_groups(f, block);

			to_host += direction & 1 ? groups : 0;
			from_host += direction & 2 ? groups : 0;
		}
	}
	if (to_host <= MAX_CABLES && from_host <= MAX_CABLES)
		return;
	diag_warning(l->diags, node_range_to_mark(endpoints),
		     "hosts with MIDI 1.0 see only %d of the %lld groups %s the host", MAX_CABLES,
		     to_host > MAX_CABLES ? to_host : from_host,
		     to_host > MAX_CABLES ? "to" : "from");
	diags_hint(l->diags, "set 'midi1_num_groups' so that they are at most %d together",
		   MAX_CABLES);
}

void check_and_convert_midi2(struct load *l, struct function *f, struct attribute_values *d)
{
	const struct node *endpoints = load_find_attr(d, "endpoints")->node;
	bool midi1 = false;
	size_t n = 0;

	if (!endpoints)
		return;
	node_foreach(item, endpoints) {
		_cleanup_free_ char *dir = attr_element_directory(d, "endpoints", n);

		if (n == MAX_ENDPOINTS) {
			diag_error(l->diags, node_range_to_mark(item),
				   "the kernel has at most %d MIDI 2.0 endpoints", MAX_ENDPOINTS);
			return;
		}
		midi1 |= item->has_error || load_midi2_endpoint(l, f, dir, item, n);
		n++;
	}
	if (!midi1 && !l->has_syntax_error)
		diag_error(l->diags, node_range_to_mark(endpoints),
			   "no block has 'midi1_num_groups' above 0: the kernel needs a block with "
			   "groups for MIDI 1.0");
	check_cables(l, f, endpoints);
}

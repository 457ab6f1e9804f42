/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates of MIDI functions (f_midi.c, f_midi2.c). Jacks are in pairs: an input jack, and the
 * output jack to which it sends its data.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "predict/template.h"

#define MAX_CABLES 16 /* per endpoint */

/*
 * The ids that an endpoint lists: those of its embedded jacks (MIDI 1.0) or of its function blocks
 * (MIDI 2.0).
 */
struct jack_ids {
	long long ids[MAX_CABLES];
	size_t n_ids;
};

/*
 * Adds the class-specific endpoint descriptor that lists the ids, with their number first, for
 * example "L 25 01 02 01 03".
 */
static void add_jack_ids_descriptor(struct template_state *m, const char *subtype,
				    const struct jack_ids *jacks)
{
	char *row = strf("L 25 %s %02zx", subtype, jacks->n_ids);

	for (size_t i = 0; i < jacks->n_ids; i++) {
		char *longer = strf("%s %02llx", row, (unsigned long long)jacks->ids[i]);

		free(row);
		row = longer;
	}
	template_add_descriptor(m, row);
	free(row);
}

/*
 * CLAIMED: packet sizes of an endpoint for which the bind calls usb_ep_autoconfig(). NOT_CLAIMED:
 * those of an endpoint for which it does not; such an endpoint keeps its full-speed size from an
 * earlier bind (f_midi2_bind), so its full-speed size cannot be predicted.
 */
#define CLAIMED "{40 00|00 02|00 04}"
#define NOT_CLAIMED "{?? ??|00 02|00 04}"

static void add_midi1_endpoint(struct template_state *m, const char *address, bool claimed,
			       const struct jack_ids *jacks)
{
	_cleanup_free_ char *row = strf("09 05 %s%s 02 %s 00 00 00", address, claimed ? "" : "-",
					claimed ? CLAIMED : NOT_CLAIMED);

	template_add_descriptor(m, row);
	template_add_descriptor(m, "S: 06 30 00 00 00 00");
	add_jack_ids_descriptor(m, "01", jacks);
}

enum data_direction { FROM_HOST, TO_HOST };

/*
 * Adds an input and an output jack: one is embedded, the other external. Adds the id of the
 * embedded jack to `jacks`, which the endpoint lists. The ids are *next_id and the number after it.
 */
static void add_jack_pair(struct template_state *m, enum data_direction direction,
			  long long *next_id, const char *name, struct jack_ids *jacks)
{
	long long in = (*next_id)++, out = (*next_id)++;
	const char *in_type = direction == FROM_HOST ? "01" : "02",
		   *out_type = direction == FROM_HOST ? "02" : "01",
		   *string = name ? "%jack" : "00";
	_cleanup_free_ char *in_row = strf("06 24 02 %s %02llx %s", in_type, in, string),
			    *out_row = strf("09 24 03 %s %02llx 01 %02llx 01 %s", out_type, out, in,
					    string);

	template_set_text(m, "jack", name ? name : "");
	template_add_descriptor(m, in_row);
	template_add_descriptor(m, out_row);
	if (jacks->n_ids < MAX_CABLES)
		jacks->ids[jacks->n_ids++] = direction == FROM_HOST ? in : out;
}

static void add_midi_descriptors(struct template_state *m)
{
	struct jack_ids from = { 0 }, to = { 0 };
	long long id = 1;

	template_add_descriptor(m, "09 04 #0 00 00 01 01 00 %interface_string");
	template_add_descriptor(m, "09 24 01 00 01 09 00 01 #1");
	template_add_descriptor(m, "09 04 #1 00 02 01 03 00 00");
	template_add_descriptor(m, "07 24 01 00 01 T");
	for (long long i = 0; i < template_number(m, "in_ports") && i < MAX_CABLES; i++)
		add_jack_pair(m, TO_HOST, &id, NULL, &to);
	for (long long i = 0; i < template_number(m, "out_ports") && i < MAX_CABLES; i++)
		add_jack_pair(m, FROM_HOST, &id, NULL, &from);
	add_midi1_endpoint(m, "&o", true, &from);
	add_midi1_endpoint(m, "&i", true, &to);
}

/* --- MIDI 2.0 --------------------------------------------------------------------------------- */

#define MAX_ENDPOINTS 4
#define MAX_BLOCKS 32
#define DEFAULT_BLOCK "MIDI 2.0 Gadget I/O"

enum { INPUT = 1, OUTPUT = 2 };

/* The name of the function block of each MIDI cable, for each direction. */
struct cable_names {
	const char *names_to_host[MAX_CABLES], *names_from_host[MAX_CABLES];
	size_t n_to_host, n_from_host;
};

static bool has_directory(const struct function *f, const char *path)
{
	for (size_t i = 0; f && i < f->configfs_attributes.n; i++)
		if (f->configfs_attributes.list[i].entry_kind == ATTRIBUTE_DIRECTORY &&
		    streq(f->configfs_attributes.list[i].path, path))
			return true;
	return false;
}

static long long attribute_number(const struct function *f, const char *dir, const char *name,
				  long long fallback)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name);

	return template_attribute_number(f, path, fallback);
}

static const char *attribute_text(const struct function *f, const char *dir, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name);
	const struct configfs_attribute *e = template_attribute(f, path);

	return e ? e->value : NULL;
}

/*
 * Adds the cables of a function block, in one or both directions, like fill_midi1_cable_mapping()
 * of f_midi2.c.
 */
static void add_cables_of_block(struct cable_names *c, const struct function *f, const char *block,
				bool first)
{
	long long direction = attribute_number(f, block, "direction", 3),
		  n = attribute_number(f, block, "midi1_num_groups", first);
	const char *name = attribute_text(f, block, "name");

	for (long long i = 0; i < n; i++) {
		if (direction != OUTPUT && c->n_to_host < MAX_CABLES)
			c->names_to_host[c->n_to_host++] = name ? name : DEFAULT_BLOCK;
		if (direction != INPUT && c->n_from_host < MAX_CABLES)
			c->names_from_host[c->n_from_host++] = name ? name : DEFAULT_BLOCK;
	}
}

/* The MIDI 2.0 endpoints (UMP endpoints) of a midi2 function, and its MIDI 1.0 cables. */
struct ump_endpoints {
	struct jack_ids blocks[MAX_ENDPOINTS]; /* ids of the function blocks of each endpoint */
	size_t n_endpoints;
	struct cable_names cables;
};

/* Reads the function blocks of all endpoints. The kernel itself creates ep.0 and ep.0/block.0. */
static void read_ump_endpoints(struct ump_endpoints *u, const struct function *f)
{
	long long id = 1;

	for (; u->n_endpoints < MAX_ENDPOINTS; u->n_endpoints++) {
		_cleanup_free_ char *ep = strf("ep.%zu", u->n_endpoints);

		if (u->n_endpoints > 0 && !has_directory(f, ep))
			break;
		for (size_t b = 0; b < MAX_BLOCKS; b++) {
			_cleanup_free_ char *block = strf("%s/block.%zu", ep, b);
			struct jack_ids *ids = &u->blocks[u->n_endpoints];

			if ((u->n_endpoints > 0 || b > 0) && !has_directory(f, block))
				break;
			add_cables_of_block(&u->cables, f, block, u->n_endpoints == 0 && b == 0);
			if (ids->n_ids < MAX_CABLES)
				ids->ids[ids->n_ids++] = id++;
		}
	}
}

/*
 * Adds the alternate setting for MIDI 1.0 with its jacks and endpoints. The kernel names the jacks
 * of one direction after the function blocks of the other direction (append_midi1_in_jack).
 */
static void add_midi1_alternate_setting(struct template_state *m, const struct cable_names *c)
{
	long long first = attribute_number(m->function, "ep.0/block.0", "direction", 3), id = 1;
	struct jack_ids from = { 0 }, to = { 0 };

	template_set_number(m, "n_midi1", c->n_to_host && c->n_from_host ? 2 : 1);
	template_add_descriptor(m, "09 04 #1 00 $n_midi1 01 03 00 %iface");
	template_add_descriptor(m, "07 24 01 00 01 U");
	for (size_t i = 0; i < c->n_from_host; i++)
		add_jack_pair(m, FROM_HOST, &id, i < c->n_to_host ? c->names_to_host[i] : NULL,
			      &from);
	for (size_t i = 0; i < c->n_to_host; i++)
		add_jack_pair(m, TO_HOST, &id, i < c->n_from_host ? c->names_from_host[i] : NULL,
			      &to);
	if (c->n_from_host)
		add_midi1_endpoint(m, "&o", first != INPUT, &from);
	if (c->n_to_host)
		add_midi1_endpoint(m, "&i", first != OUTPUT, &to);
}

static void add_midi2_descriptors(struct template_state *m)
{
	const struct function *f = m->function;
	const struct configfs_attribute *iface = template_attribute(f, "iface_name"),
					*name = template_attribute(f, "ep.0/ep_name");
	struct ump_endpoints u = { 0 };

	read_ump_endpoints(&u, f);
	template_set_text(m, "iface",
			  iface && *iface->value ? iface->value
			  : name		 ? name->value
						 : "MIDI 2.0 Gadget");
	template_add_descriptor(m, "09 04 #0 00 00 01 01 00 00");
	template_add_descriptor(m, "09 24 01 00 01 09 00 01 #1");
	add_midi1_alternate_setting(m, &u.cables);
	template_set_number(m, "n_midi2", (long long)u.n_endpoints * 2);
	template_add_descriptor(m, "09 04 #1 01 $n_midi2 01 03 00 %iface");
	template_add_descriptor(m, "07 24 01 00 02 07 00");
	for (size_t i = 0; i < u.n_endpoints; i++) {
		template_add_descriptor(m, "07 05 &o 02 {40 00|00 02|00 04} 00");
		template_add_descriptor(m, "S: 06 30 00 00 00 00");
		add_jack_ids_descriptor(m, "02", &u.blocks[i]);
		template_add_descriptor(m, "07 05 &i 03 {08 00|00 02|00 04} 01");
		template_add_descriptor(m, "S: 06 30 00 00 00 00");
		add_jack_ids_descriptor(m, "02", &u.blocks[i]);
	}
}

const struct function_template midi_templates[] = {
	{
		.type = "midi",
		.defaults = "in_ports=1 out_ports=1 interface_string='MIDI function'",
		.prepare = add_midi_descriptors,
	},
	{ .type = "midi2", .prepare = add_midi2_descriptors },
	{ 0 },
};

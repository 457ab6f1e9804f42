// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks whether the settings of a plugin's worker fit: the declaration of the plugin, if it is
 * available; the packet sizes of the function; and the memory that programs can map from the
 * FunctionFS mount.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/plugin_option.h"
#include "gadgetfile/load.h"
#include "process/sandbox_permission_names.h"

#define MIB (1024 * 1024)
#define DEFAULT_MMAP_MEMORY_MB 16 /* MiB; the default in ffsctl's kernel patches */

struct plugin_check {
	struct load *load;
	const struct function *function;
	struct worker_settings *settings;
	const struct ffsctl_plugin *plugin; /* declaration of the plugin; NULL: not available */
	struct node *io_size_setting; /* the setting io.size; NULL: the file does not set it, or it
					 is invalid */
};

/* --- options --- */

static const struct ffsctl_option *find_plugin_option(const struct ffsctl_option *table,
						      const char *name)
{
	for (; table && table->name; table++)
		if (streq(table->name, name))
			return table;
	return NULL;
}

static void error_unknown_option(const struct plugin_check *c, const struct node *option)
{
	const struct ffsctl_option *o = c->plugin->options;
	const char *meant = NULL;
	size_t best = SIZE_MAX;
	bool any = o && o->name;

	for (; o && o->name; o++)
		load_improve_suggestion(option->name, o->name, &best, &meant);
	if (any)
		diag_error(c->load->diags, &option->name_at, "plugin '%s' has no option '%s'",
			   c->settings->worker.plugin, option->name);
	else
		diag_error(c->load->diags, &option->name_at, "plugin '%s' has no options",
			   c->settings->worker.plugin);
	load_add_suggestion_hint(c->load, meant);
}

static void check_plugin_option(const struct plugin_check *c, struct node *option)
{
	struct option_value v = { .declaration =
					  find_plugin_option(c->plugin->options, option->name) };
	_cleanup_error_ struct error err = { 0 };
	json_t *given;

	if (!v.declaration) {
		error_unknown_option(c, option);
		return;
	}
	if (option->type == NODE_STRING && !text_is_utf8(option->text)) {
		load_error(c->load, option, "'%s' is not valid UTF-8", option->name);
		return;
	}
	given = node_to_json(option);
	if (option_from_json(&v, given, &err) < 0) {
		_cleanup_free_ char *text = text_replace_unprintable(err.text, strlen(err.text));

		load_error(c->load, option, "%s", text);
		if (err.hint)
			diags_hint(c->load->diags, "%s", err.hint);
	}
	json_decref(given);
	free(v.text);
}

static void check_plugin_options(const struct plugin_check *c)
{
	struct node *options = c->settings->options;
	const struct text_range *at =
		options ? node_range_to_mark(options) : &c->settings->plugin->at;

	if (options)
		node_foreach(option, options)
			if (!option->has_error && option->type != NODE_BAD)
				check_plugin_option(c, option);
	for (const struct ffsctl_option *o = c->plugin->options; o && o->name; o++)
		if (o->required && !c->load->has_syntax_error &&
		    !(options && node_member(options, o->name)))
			diag_error(c->load->diags, at, "plugin '%s' needs the option '%s'",
				   c->settings->worker.plugin, o->name);
}

/* --- packet and buffer sizes --- */

static unsigned int largest_packet(const struct ffs *ffs)
{
	unsigned int largest = 0;

	for (size_t i = 0; ffs && i < ffs->n_interfaces; i++)
		for (size_t e = 0; e < ffs->interfaces[i].n_endpoints; e++)
			for (int s = 0; s < EP_SPEED_COUNT; s++)
				if (ffs->interfaces[i].endpoints[e].speed[s].max_packet > largest)
					largest =
						ffs->interfaces[i].endpoints[e].speed[s].max_packet;
	return largest;
}

static size_t count_endpoints(const struct ffs *ffs, bool (*which)(const struct endpoint *ep))
{
	size_t n = 0;

	for (size_t i = 0; ffs && i < ffs->n_interfaces; i++)
		for (size_t e = 0; e < ffs->interfaces[i].n_endpoints; e++)
			n += which(&ffs->interfaces[i].endpoints[e]);
	return n;
}

static bool every_endpoint_matches(const struct endpoint *ep _unused_)
{
	return true;
}

static bool is_out_endpoint(const struct endpoint *ep)
{
	return ep->direction == EP_OUT;
}

/*
 * Checks that a packet of the function fits into the plugin's buffers: if a packet is larger than
 * the buffer, the UDC ends the transfer with an error.
 */
static void check_packet_size(const struct plugin_check *c)
{
	unsigned int largest = largest_packet(c->function->ffs);

	if (c->io_size_setting && c->settings->worker.endpoint_transfer_size < largest) {
		load_error(c->load, c->io_size_setting,
			   "'size' must be at least a packet of this function, %u bytes", largest);
	} else if (c->plugin && !c->settings->worker.endpoint_transfer_size &&
		   c->plugin->transfer_size < largest) {
		load_error(c->load, c->settings->plugin,
			   "plugin '%s' has buffers of %u bytes, but packets of this function have "
			   "%u",
			   c->settings->worker.plugin, c->plugin->transfer_size, largest);
		diags_hint(c->load->diags, "set 'io.size'");
	} else if (c->plugin && c->io_size_setting &&
		   c->settings->worker.endpoint_transfer_size < c->plugin->out_transfer_length) {
		load_error(c->load, c->io_size_setting,
			   "'size' must be at least %u, the length of OUT transfers of plugin '%s'",
			   c->plugin->out_transfer_length, c->settings->worker.plugin);
	}
}

static bool chosen_engine_needs(const struct plugin_check *c, enum stream_needed_feature needs)
{
	return worker_engine_needs[c->settings->worker.engine] & needs;
}

/*
 * Warns if the engine copies OUT transfers on some kernels, although the user has chosen an engine
 * that avoids copies.
 */
static void warn_that_out_transfers_are_copied(const struct plugin_check *c)
{
	const struct node *engine = c->settings->engine.node;

	if (!c->plugin || c->plugin->out_transfer_length || !engine ||
	    !chosen_engine_needs(c, STREAM_NEEDS_DMABUF) ||
	    count_endpoints(c->function->ffs, is_out_endpoint) == 0)
		return;
	diag_warning(c->load->diags, &engine->at,
		     "kernels without ffsctl's patches copy OUT transfers: plugin '%s' does not "
		     "declare their length (out_transfer_length), which engine \"%s\" needs there",
		     c->settings->worker.plugin, engine->text);
}

/*
 * Warns if the buffers do not all fit into the memory that programs can map from the mount. The
 * engine copies the data of buffers that do not fit.
 */
static void check_buffers_fit_mmap_memory(const struct plugin_check *c)
{
	const struct node *engine = c->settings->engine.node;
	const struct worker *w = &c->settings->worker;
	size_t size = w->endpoint_transfer_size ? w->endpoint_transfer_size
		      : c->plugin		? c->plugin->transfer_size
						: 0;
	size_t depth = w->endpoint_queue_depth ? w->endpoint_queue_depth
		       : c->plugin	       ? c->plugin->transfers_per_endpoint
					       : 0;
	size_t n = count_endpoints(c->function->ffs, every_endpoint_matches);
	const struct positioned_int *limit =
		c->function->ffs ? &c->function->ffs->mount.mmap_memory_mb : NULL;
	uint64_t has, needs = (uint64_t)size * depth * n;

	if (!engine || !chosen_engine_needs(c, STREAM_NEEDS_MMAP) || !limit)
		return;
	has = limit->set ? (uint64_t)limit->value : DEFAULT_MMAP_MEMORY_MB;
	if (needs <= has * MIB)
		return;
	diag_warning(
		c->load->diags, &engine->at,
		"%zu endpoints with %zu transfers of %zu bytes need %.15g MiB of mapped memory, "
		"but the mount has %u MiB: the transfers that do not fit are copied",
		n, depth, size, (double)needs / MIB, (unsigned int)has);
	diags_hint(c->load->diags, "raise 'mount.mmap_memory_mb', or lower 'depth' or 'size'");
}

/*
 * Warns about elements of 'allow' that have no effect: 'allow' can restrict the needs that a plugin
 * declares, but not extend them.
 */
static void check_allow_setting(const struct plugin_check *c, const struct node *allow)
{
	if (allow && !allow->has_error)
		node_foreach(item, allow)
			for (unsigned int i = 0; !item->has_error && sandbox_permission_names[i];
			     i++)
				if (streq(item->text, sandbox_permission_names[i]) &&
				    !(c->plugin->needs & 1U << i))
					diag_warning(c->load->diags, &item->at,
						     "\"%s\" has no effect: plugin '%s' does not "
						     "declare that it needs this permission",
						     item->text, c->settings->worker.plugin);
}

void load_check_plugin_settings(struct load *l, const struct function *f, struct worker_settings *d,
				struct node *node)
{
	struct plugin_check c = { .load = l, .function = f, .settings = d };
	struct node *io = node_member(node, "io");

	/* An error about an invalid name was already added */
	if (l->plugins && d->worker.plugin && d->plugin && !d->plugin->has_error)
		c.plugin = l->plugins->find(l->plugins->data, d->worker.plugin);
	c.io_size_setting = io && io->type == NODE_GROUP ? node_member(io, "size") : NULL;
	if (c.io_size_setting && c.io_size_setting->has_error)
		c.io_size_setting = NULL;
	if (c.plugin) {
		check_plugin_options(&c);
		check_allow_setting(&c, node_member(node, "allow"));
	}
	check_packet_size(&c);
	warn_that_out_transfers_are_copied(&c);
	check_buffers_fit_mmap_memory(&c);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads the `ffs` group: mount, speeds, interfaces. endpoint.c loads the endpoints. */
#include <stdio.h>

#include "base/cleanup.h"
#include "blob/check_function.h"
#include "blob/uapi.h"
#include "gadgetfile/load.h"

#define INTERFACES_NUMBERED 256 /* bInterfaceNumber is one byte (USB 3.2, table 9-24) */

static void load_ffs_mount(struct load *l, struct function *f, struct node *node)
{
	struct ffs_mount *m = &f->ffs->mount;

	m->at = node ? position_of_range(l, &node->name_at) : f->ffs->at;
	if (node)
		load_group(l, &mount_keys, node, m);
	if (m->path)
		return;
	m->path = strf("/dev/ffs/%s/%s", l->gadget->name, f->label);
	m->path_is_default = true;
}

static void load_ffs_flags(const struct load *l, const struct ffs_settings *d)
{
	for (unsigned int n = 0; n < FFS_FLAG_BITS; n++) {
		if (!d->flags[n] || !d->flags[n]->integer)
			continue;
		d->ffs->flags |= 1U << n;
		d->ffs->flag_at[n] = position_of_range(l, &d->flags[n]->at);
	}
}

static void load_ffs_speeds(struct load *l, struct ffs *ffs, struct node *list)
{
	const struct key *k = key_find(&ffs_keys, "speeds");
	bool unknown = false;

	if (!list) {
		for (int i = 0; i < EP_SPEED_COUNT; i++)
			ffs->has_speed[i] = true;
		return;
	}
	node_foreach(item, list) {
		bool *speed;

		if (item->has_error) {
			unknown = true;
			continue;
		}
		speed = &ffs->has_speed[key_find_word(k->words, item->text)->value];
		if (*speed)
			load_error(l, item, "\"%s\" is listed twice", item->text);
		*speed = true;
	}
	/* An invalid word may mean any speed, so all are assumed. */
	for (int i = 0; i < EP_SPEED_COUNT; i++)
		ffs->has_speed[i] |= unknown;
}

static void check_speed_combination(struct load *l, const struct ffs_settings *d,
				    const struct node *node)
{
	const struct node *at = d->speeds ? d->speeds : d->blob ? d->blob : node;
	const bool *has = d->ffs->has_speed;

	if (has[EP_FULL] && !has[EP_HIGH] && has[EP_SUPER]) {
		/* function_descriptors() of composite.c */
		diag_warning(l->diags, node_range_to_mark(at),
			     "at high speed the kernel sends the descriptors of full speed, whose "
			     "bulk packets hosts may refuse there (USB 2.0, 5.8.3)");
		diags_hint(l->diags, "add \"high\"");
	}
	if (!ffs_may_crash_kernel_at_bind(d->ffs))
		return;
	diag_error(l->diags, node_range_to_mark(at),
		   "descriptors of high speed and SuperSpeed without those of full speed crash "
		   "the kernel");
	diags_hint(l->diags, "add \"full\"");
}

/* Loads the class of the alternate setting that was added last; the default is the interface's. */
static void load_alternate_class(struct load *l, struct interface *i,
				 const struct class_settings *d)
{
	uint8_t class = i->class, subclass = i->subclass, protocol = i->protocol;

	load_class(l, d, &class, &subclass, &protocol);
	i->alternate_class[i->highest_alternate - 1].class = class;
	i->alternate_class[i->highest_alternate - 1].subclass = subclass;
	i->alternate_class[i->highest_alternate - 1].protocol = protocol;
}

static void load_alternates(struct load *l, struct ffs_settings *settings, struct interface *i,
			    struct node *list)
{
	const struct key_group *group = key_find(&interface_keys, "alternates")->group;

	node_foreach(item, list) {
		struct alternate_settings d = { 0 };

		if (i->highest_alternate == FFS_ALTERNATES_MAX) {
			load_error(l, item,
				   "FunctionFS accepts at most %d alternate settings after the "
				   "first (f_fs.c)",
				   FFS_ALTERNATES_MAX);
			return;
		}
		i->highest_alternate++;
		if (item->has_error)
			continue;
		load_group(l, group, item, &d);
		load_alternate_class(l, i, &d.class);
		if (d.endpoints)
			load_interface_endpoints(l, settings, i, d.endpoints);
	}
}

static void load_interface(struct load *l, struct ffs_settings *settings, struct node *node)
{
	struct ffs *ffs = settings->ffs;
	struct interface *i = array_add(ffs->interfaces, ffs->n_interfaces);
	struct interface_settings d = { 0 };

	i->at = position_of_range(l, &node->at);
	load_group(l, &interface_keys, node, &d);
	i->class = 0xff;
	load_class(l, &d.class, &i->class, &i->subclass, &i->protocol);
	if (d.string)
		load_ffs_string(l, &i->string, d.string);
	if (d.extra_descriptors && !d.extra_descriptors->has_error)
		load_extra_descriptors(l, i, d.extra_descriptors);
	if (d.endpoints)
		load_interface_endpoints(l, settings, i, d.endpoints);
	if (d.alternates)
		load_alternates(l, settings, i, d.alternates);
}

/* What no descriptor can number is not loaded: with a long file it would take most of the memory.
 */
static void load_interfaces(struct load *l, struct ffs_settings *d)
{
	size_t n = 0;

	node_foreach(item, d->interfaces) {
		if (n++ < INTERFACES_NUMBERED && !item->has_error)
			load_interface(l, d, item);
	}
	if (n > INTERFACES_NUMBERED)
		load_error(l, d->interfaces,
			   "the function has %zu interfaces, but interface numbers are below %d", n,
			   INTERFACES_NUMBERED);
	load_finish_endpoints(l, d);
}

static void load_device_symlink(struct load *l, struct ffs *ffs, struct node *value,
				bool all_settings_valid)
{
	size_t n = 0;

	ffs->endpoint_file_symlink.value = load_absolute_path(l, value);
	ffs->endpoint_file_symlink.at = position_of_range(l, &value->at);
	for (size_t i = 0; i < ffs->n_interfaces; i++)
		n += ffs->interfaces[i].n_endpoints;
	if (!all_settings_valid)
		return;
	if (ffs->flags & FUNCTIONFS_RW_PROXY_EPS && n != 2) {
		load_error(l, value,
			   "'device' links to the file of an endpoint pair, so the function must "
			   "have exactly one pair, not %zu",
			   n / 2);
	} else if (!(ffs->flags & FUNCTIONFS_RW_PROXY_EPS) && n != 1) {
		load_error(l, value,
			   "'device' links to the file of an endpoint, so the function must have "
			   "exactly one endpoint, not %zu",
			   n);
		if (n == 2)
			diags_hint(l->diags, "set 'rw_proxy' to get one file for an IN and an "
					     "OUT endpoint");
	}
}

static const struct node *worker_setting(const struct node *function, const char *key)
{
	const struct node *worker = node_member(function, "worker");

	return worker && worker->type == NODE_GROUP ? node_member(worker, key) : NULL;
}

/* Returns whether the function's worker is a daemon, which writes the descriptors itself. */
static bool has_daemon(const struct node *function)
{
	const struct node *opens = worker_setting(function, "opens");

	return opens && opens->type == NODE_STRING && streq(opens->text, "ep0");
}

static void check_keys_beside_daemon(struct load *l, const struct node *node)
{
	node_foreach(item, node)
		if (!item->has_error && !streq(item->name, "mount") && !streq(item->name, "speeds"))
			diag_error(l->diags, &item->name_at,
				   "'%s' cannot be set: a worker that opens ep0 writes its own "
				   "descriptors",
				   item->name);
}

void load_ffs(struct load *l, struct function *f, struct node *node)
{
	struct ffs *ffs = f->ffs = xcalloc(1, sizeof(*ffs));
	struct ffs_settings d = { .ffs = ffs,
				  .has_plugin_worker = worker_setting(node->parent, "plugin") };
	size_t errors = l->diags->n_errors;

	ffs->at = position_of_range(l, &node->name_at);
	if (f->type && !streq(f->type, "ffs"))
		diag_error(l->diags, &node->name_at,
			   "an 'ffs' group needs a function of type 'ffs', not '%s'", f->type);
	load_group(l, &ffs_keys, node, &d);
	load_ffs_flags(l, &d);
	load_ffs_mount(l, f, d.mount);
	load_ffs_speeds(l, ffs, d.speeds);
	if (d.interfaces)
		load_interfaces(l, &d);
	if (has_daemon(node->parent))
		check_keys_beside_daemon(l, node);
	else if (d.blob)
		load_blob(l, &d, node);
	else if (!node_member(node, "interfaces") && !node_member(node, "blob") &&
		 !l->has_syntax_error)
		diag_error(l->diags, node_range_to_mark(node),
			   "'ffs' needs 'interfaces' or 'blob'");
	check_speed_combination(l, &d, node);
	if (d.associations && d.interfaces)
		load_associations(l, ffs, d.associations);
	if (d.interfaces)
		load_winusb(l, f, &d);
	if (d.endpoint_file_symlink)
		load_device_symlink(l, ffs, d.endpoint_file_symlink,
				    l->diags->n_errors == errors && !l->has_syntax_error);
	free(d.endpoints);
}

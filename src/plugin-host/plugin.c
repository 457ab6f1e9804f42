/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads a plugin and validates its table. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"

/* Size of the first version of the table, in bytes: its last member is `framing`. */
#define MIN_TABLE_SIZE (offsetof(struct ffsctl_plugin, framing) + sizeof(enum ffsctl_framing))

static int check_option(const char *path, const struct ffsctl_plugin *p,
			const struct ffsctl_option *o, struct error *err)
{
	struct option_value v = { .declaration = o };
	const struct ffsctl_option *other;
	int r = 0;

	if (!option_type_name(o->type))
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, path,
				 "option '%s' of plugin %s has the unknown type %d", o->name, path,
				 (int)o->type);
	for (other = p->options; other < o; other++)
		if (streq(other->name, o->name))
			return error_set(err, WORKER_EXIT_NEVER, EINVAL, path,
					 "plugin %s has two options '%s'", path, o->name);
	if (o->default_value && option_from_text(&v, o->default_value) < 0)
		r = error_set(
			err, WORKER_EXIT_NEVER, EINVAL, path,
			"the default of option '%s' of plugin %s does not have the option's type",
			o->name, path);
	free(v.text);
	return r;
}

static int check_plugin_table(const char *path, const struct ffsctl_plugin *p, struct error *err)
{
	const struct ffsctl_option *o;

	if (!p->name || !*p->name)
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, path, "plugin %s has no name",
				 path);
	if (!p->summary)
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, path, "plugin %s has no summary",
				 path);
	if (p->framing != FFSCTL_FRAMING_STREAM && p->framing != FFSCTL_FRAMING_MESSAGES)
		return error_set(err, WORKER_EXIT_NEVER, EINVAL, path,
				 "plugin %s declares neither stream nor message mode", path);
	for (o = p->options; o && o->name; o++)
		if (check_option(path, p, o, err) < 0)
			return -EINVAL;
	return 0;
}

int plugin_load(const char *path, const char *file, struct ffsctl_plugin *plugin, struct error *err)
{
	const struct ffsctl_plugin *table;
	void *so;

	/* No dlclose(), because the plugin runs until the process ends. */
	so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!so)
		return error_set(err, WORKER_EXIT_NEVER, ENOEXEC, path, "cannot load plugin %s: %s",
				 path, dlerror());
	table = dlsym(so, FFSCTL_PLUGIN_SYMBOL);
	if (!table)
		return error_set(
			err, WORKER_EXIT_NEVER, ENOEXEC, path,
			"%s is not a plugin of ffsctl: it has no symbol " FFSCTL_PLUGIN_SYMBOL,
			path);
	if (table->version != FFSCTL_PLUGIN_VERSION) {
		error_set(err, WORKER_EXIT_NEVER, EPROTO, path,
			  "plugin %s was built for version %u of the plugin interface, this "
			  "ffsctl-worker has version %d",
			  path, table->version, FFSCTL_PLUGIN_VERSION);
		return error_add_hint(err, "build the plugin again");
	}
	if (table->size < MIN_TABLE_SIZE)
		return error_set(err, WORKER_EXIT_NEVER, EPROTO, path,
				 "the table of plugin %s is too short: %u bytes", path,
				 table->size);
	*plugin = (struct ffsctl_plugin){ 0 };
	memcpy(plugin, table, table->size < sizeof(*plugin) ? table->size : sizeof(*plugin));
	return check_plugin_table(path, plugin, err);
}

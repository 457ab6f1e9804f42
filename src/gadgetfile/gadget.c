// SPDX-License-Identifier: GPL-2.0-or-later
/* Frees and queries struct gadget. */
#include "gadgetfile/gadget.h"

#include <stdlib.h>
#include <string.h>

#include "base/usb_words.h"

#define WORD(SPEED, unused, word, ...) [GADGET_SPEED_##SPEED] = word,
const char *const gadget_speed_words[] = { [GADGET_SPEED_NONE] = "none", USB_SPEEDS(WORD) };
#undef WORD

#define HOST_WORD(NAME, word, name) [GADGET_HOST_##NAME] = word,
const char *const gadget_host_words[GADGET_HOST_COUNT] = { GADGET_HOSTS(HOST_WORD) };
#undef HOST_WORD

const char *const gadget_attribute_words[GADGET_ATTR_COUNT] = {
	[GADGET_BCD_USB] = "bcdUSB",
	[GADGET_DEVICE_CLASS] = "bDeviceClass",
	[GADGET_DEVICE_SUB_CLASS] = "bDeviceSubClass",
	[GADGET_DEVICE_PROTOCOL] = "bDeviceProtocol",
	[GADGET_MAX_PACKET_SIZE0] = "bMaxPacketSize0",
	[GADGET_ID_VENDOR] = "idVendor",
	[GADGET_ID_PRODUCT] = "idProduct",
	[GADGET_BCD_DEVICE] = "bcdDevice",
};

static void free_ffs_string(struct ffs_string *s)
{
	for (size_t n = 0; n < s->n_texts; n++)
		free(s->texts[n].text);
	free(s->texts);
}

static void free_interface(struct interface *i)
{
	for (size_t n = 0; n < i->n_endpoints; n++)
		free(i->endpoints[n].name);
	for (size_t n = 0; n < i->n_extra_descriptors; n++)
		free(i->extra_descriptors[n].data);
	free(i->extra_descriptors);
	for (size_t n = 0; n < i->n_properties; n++) {
		free(i->properties[n].name);
		free(i->properties[n].data.data);
	}
	free(i->properties);
	free_ffs_string(&i->string);
	free(i->endpoints);
}

static void free_ffs(struct ffs *ffs)
{
	if (!ffs)
		return;
	free(ffs->mount.path);
	free(ffs->mount.uid.value);
	free(ffs->mount.gid.value);
	free(ffs->endpoint_file_symlink.value);
	for (size_t n = 0; n < ffs->n_interfaces; n++)
		free_interface(&ffs->interfaces[n]);
	free(ffs->interfaces);
	for (size_t n = 0; n < ffs->n_associations; n++)
		free_ffs_string(&ffs->associations[n].string);
	free(ffs->associations);
	free(ffs->raw_descriptors.data);
	free(ffs->raw_strings.data);
	free(ffs);
}

static void free_worker(struct worker *w)
{
	if (!w)
		return;
	free(w->plugin);
	free(w->options_json);
	for (char **arg = w->argv; arg && *arg; arg++)
		free(*arg);
	free(w->argv);
	free(w->user.value);
	for (size_t n = 0; n < w->n_groups; n++)
		free(w->groups[n].value);
	free(w->groups);
	for (size_t n = 0; n < w->n_env; n++) {
		free(w->env[n].name);
		free(w->env[n].value);
	}
	free(w->env);
	free(w->working_directory);
	free(w);
}

static void free_configfs_attributes(struct configfs_attributes *attributes)
{
	for (size_t n = 0; n < attributes->n; n++) {
		free(attributes->list[n].path);
		free(attributes->list[n].value);
	}
	free(attributes->list);
}

const struct configfs_attribute *
configfs_attributes_find(const struct configfs_attributes *attributes, const char *path)
{
	for (size_t n = 0; n < attributes->n; n++)
		if (streq(attributes->list[n].path, path))
			return &attributes->list[n];
	return NULL;
}

const struct configfs_attribute *
configfs_attributes_find_beside(const struct configfs_attributes *attributes,
				const struct configfs_attribute *a, const char *name)
{
	_cleanup_free_ char *path =
		strf("%.*s%s", (int)(strrchr(a->path, '/') + 1 - a->path), a->path, name);

	return configfs_attributes_find(attributes, path);
}

const struct function *gadget_last_linked_function(const struct gadget *g, const char *type,
						   const struct config **config)
{
	for (size_t i = g->n_configs; i-- > 0;)
		for (size_t k = g->configs[i].n_functions; k-- > 0;) {
			const struct function *f =
				&g->functions[g->configs[i].functions[k].function_index];

			if (streq_null(f->type, type)) {
				if (config)
					*config = &g->configs[i];
				return f;
			}
		}
	return NULL;
}

static void free_function(struct function *f)
{
	free(f->label);
	free(f->type);
	free(f->instance);
	free_configfs_attributes(&f->configfs_attributes);
	free_ffs(f->ffs);
	free_worker(f->worker);
}

static void free_config(struct config *c)
{
	free(c->name);
	free_configfs_attributes(&c->configfs_attributes);
	for (size_t n = 0; n < c->n_strings; n++)
		free(c->strings[n].configuration);
	free(c->strings);
	for (size_t n = 0; n < c->n_functions; n++)
		free(c->functions[n].name);
	free(c->functions);
}

void gadget_strings_free(struct gadget_strings *s)
{
	free(s->manufacturer.value);
	free(s->product.value);
	free(s->serialnumber.value);
	free(s->serialnumber_source.value);
}

void gadget_free(struct gadget *g)
{
	if (!g)
		return;
	free(g->name);
	free(g->file);
	free(g->file_dir);
	for (char **file = g->source_files; file && *file; file++)
		free(*file);
	free(g->source_files);
	free(g->drop_ins);
	free(g->udc.name.value);
	free(g->udc.driver.value);
	for (size_t n = 0; n < g->n_switch_to; n++)
		free(g->switch_to[n].value);
	free(g->switch_to);
	for (size_t n = 0; n < g->n_strings; n++)
		gadget_strings_free(&g->strings[n]);
	free(g->strings);
	for (size_t n = 0; n < g->n_functions; n++)
		free_function(&g->functions[n]);
	free(g->functions);
	free_configfs_attributes(&g->configfs_attributes);
	for (size_t n = 0; n < g->n_configs; n++)
		free_config(&g->configs[n]);
	free(g->configs);
	free(g);
}

static void add_endpoint_count(struct endpoint_count *sum, const struct endpoint_count *n)
{
	sum->in += n->in;
	sum->out += n->out;
	sum->has_isochronous = sum->has_isochronous || n->has_isochronous;
	sum->is_minimum = sum->is_minimum || n->is_minimum;
}

struct endpoint_count gadget_endpoint_count(const struct gadget *g)
{
	struct endpoint_count most = { 0 };
	bool has_isochronous = false, is_minimum = false;

	for (size_t c = 0; c < g->n_configs; c++) {
		struct endpoint_count sum = { 0 };

		for (size_t i = 0; i < g->configs[c].n_functions; i++)
			add_endpoint_count(
				&sum,
				&g->functions[g->configs[c].functions[i].function_index].endpoints);
		if (c == 0 || sum.in + sum.out > most.in + most.out)
			most = sum;
		has_isochronous = has_isochronous || sum.has_isochronous;
		is_minimum = is_minimum || sum.is_minimum;
	}
	most.has_isochronous = has_isochronous;
	most.is_minimum = is_minimum;
	return most;
}

const struct ffs *function_descriptors(const struct function *f)
{
	return f->worker && f->worker->opens_ep0 ? NULL : f->ffs;
}

bool worker_holds_ep0(const struct worker *w)
{
	return w->opens_ep0 || w->listen_fds == LISTEN_FDS_SYSTEMD;
}

bool function_keeper_holds_ep0(const struct function *f)
{
	return f->ffs && !(f->worker && worker_holds_ep0(f->worker));
}

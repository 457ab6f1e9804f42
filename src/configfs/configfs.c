/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/configfs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/usb_words.h"
#include "configfs/attribute_steps.h"
#include "configfs/items.h"
#include "configfs/steps.h"

const struct step_op *const configfs_ops[] = {
	&configfs_op_gadget,
	&configfs_op_mkdir,
	&configfs_op_write,
	&configfs_op_bind,
	&attribute_op_directory,
	&attribute_op_text,
	&attribute_op_bytes,
	&attribute_op_file,
	&attribute_op_address,
	&attribute_op_symlink,
	&configfs_op_attribute,
	&configfs_op_string,
	&configfs_op_serial,
	&configfs_op_function,
	&configfs_op_config,
	&configfs_op_config_attribute,
	&configfs_op_config_string,
	&configfs_op_link,
	NULL,
};

void configfs_close_backend(struct configfs *c)
{
	backend_close(&c->backend);
}

void configfs_free(struct configfs *c)
{
	configfs_close_backend(c);
	configfs_free_values_changed_by_kernel(c);
	free(steal_ptr(c->deactivated_udc));
	free(steal_ptr(c->udc_note_prefix));
}

char *configfs_gadget_path(const struct paths *paths, const char *name)
{
	return strf("%s/usb_gadget/%s", paths->configfs_mount_point, name);
}

char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance)
{
	return strf("%s/usb_gadget/%s/functions/%s.%s", paths->configfs_mount_point, gadget, type,
		    instance);
}

/*
 * Adds a step that writes a value and keeps the previous value: if a reload fails, its revert
 * restores that value.
 */
static void add_restorable_step(struct plan *plan, const struct step_op *op, char *path,
				char *value, const struct position *at, void *self)
{
	plan_add(plan, op, path, value, at, self)->save_previous_value = true;
}

static void add_device_attributes(struct plan *plan, struct configfs *c, const char *dir)
{
	for (int i = 0; i < GADGET_ATTR_COUNT; i++) {
		const struct positioned_int *attr = &c->gadget->device_attrs[i];

		if (attr->set)
			add_restorable_step(plan, &configfs_op_attribute,
					    strf("%s/%s", dir, gadget_attribute_words[i]),
					    strf("0x%" PRIx64, (uint64_t)attr->value), &attr->at,
					    &c->backend);
	}
}

static void add_max_speed(struct plan *plan, const struct gadget *g, const char *dir)
{
#define WORD(SPEED, unused, word, kernels, ...) [GADGET_SPEED_##SPEED] = kernels,
	static const char *const words[] = { USB_SPEEDS(WORD) };
#undef WORD

	if (g->max_speed != GADGET_SPEED_NONE)
		add_restorable_step(plan, &configfs_op_write, strf("%s/max_speed", dir),
				    xstrdup(words[g->max_speed]), &g->max_speed_at, NULL);
}

/* Adds a string of a language, or nothing if the language has no such string (`text` is NULL). */
static void add_string(struct plan *plan, struct configfs *c, const struct step_op *op,
		       const char *dir, const char *name, const char *text,
		       const struct position *at)
{
	if (text)
		add_restorable_step(plan, op, strf("%s/%s", dir, name), xstrdup(text), at,
				    &c->backend);
}

static void add_device_string(struct plan *plan, struct configfs *c, const char *dir,
			      const char *name, const struct positioned_str *s)
{
	add_string(plan, c, &configfs_op_string, dir, name, s->value, &s->at);
}

static void add_strings(struct plan *plan, struct configfs *c, const char *gadget_dir)
{
	for (size_t i = 0; i < c->gadget->n_strings; i++) {
		const struct gadget_strings *s = &c->gadget->strings[i];
		_cleanup_free_ char *dir = strf("%s/strings/0x%x", gadget_dir, s->lang);

		plan_add(plan, &configfs_op_mkdir, xstrdup(dir), NULL, &s->at, NULL);
		add_device_string(plan, c, dir, "manufacturer", &s->manufacturer);
		add_device_string(plan, c, dir, "product", &s->product);
		add_device_string(plan, c, dir, "serialnumber", &s->serialnumber);
		if (s->serialnumber_source.value)
			plan_add(plan, &configfs_op_serial, strf("%s/serialnumber", dir),
				 xstrdup(s->serialnumber_source.value), &s->serialnumber_source.at,
				 &c->backend);
	}
}

static bool is_left_out(const struct configfs *c, const struct config_function *cf)
{
	return c->is_left_out && c->is_left_out[cf->function_index];
}

/*
 * Returns whether all functions of the configuration are left out. The kernel binds no gadget that
 * has a configuration without a function.
 */
static bool has_only_left_out_functions(const struct configfs *c, const struct config *config)
{
	for (size_t i = 0; i < config->n_functions; i++)
		if (!is_left_out(c, &config->functions[i]))
			return false;
	return config->n_functions > 0;
}

static void add_config(struct plan *plan, struct configfs *c, const struct config *config,
		       const char *gadget_dir)
{
	_cleanup_free_ char *dir = strf("%s/configs/%s.%u", gadget_dir, config->name, config->id);

	if (has_only_left_out_functions(c, config))
		return;
	plan_add(plan, &configfs_op_config, xstrdup(dir), NULL, &config->at, &c->backend);
	if (config->bm_attributes.set)
		add_restorable_step(plan, &configfs_op_config_attribute,
				    strf("%s/bmAttributes", dir),
				    strf("0x%" PRIx64, (uint64_t)config->bm_attributes.value),
				    &config->bm_attributes.at, &c->backend);
	if (config->max_power.set)
		add_restorable_step(plan, &configfs_op_config_attribute, strf("%s/MaxPower", dir),
				    strf("%" PRId64, config->max_power.value),
				    &config->max_power.at, &c->backend);
	for (size_t i = 0; i < config->n_strings; i++) {
		const struct config_strings *s = &config->strings[i];
		_cleanup_free_ char *language = strf("%s/strings/0x%x", dir, s->lang);

		plan_add(plan, &configfs_op_mkdir, xstrdup(language), NULL, &s->at, NULL);
		add_string(plan, c, &configfs_op_config_string, language, "configuration",
			   s->configuration, &s->at);
	}
	configfs_add_attributes(plan, c, &config->configfs_attributes, dir);
	for (size_t i = 0; i < config->n_functions; i++) {
		const struct config_function *cf = &config->functions[i];
		const struct function *f = &c->gadget->functions[cf->function_index];

		if (is_left_out(c, cf))
			continue;
		plan_add(plan, &configfs_op_link, strf("%s/%s", dir, cf->name),
			 strf("%s.%s", f->type, f->instance), &cf->at, &c->backend);
	}
}

void configfs_add_gadget_without_bind(struct plan *plan, struct configfs *c)
{
	const struct gadget *g = c->gadget;
	_cleanup_free_ char *dir = configfs_gadget_path(c->paths, g->name);

	plan_add(plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, c);
	add_device_attributes(plan, c, dir);
	add_max_speed(plan, g, dir);
	add_strings(plan, c, dir);
	for (size_t i = 0; i < g->n_functions; i++) {
		const struct function *f = &g->functions[i];
		_cleanup_free_ char *function =
			configfs_function_path(c->paths, g->name, f->type, f->instance);

		plan_add(plan, &configfs_op_function, xstrdup(function), NULL, &f->at, &c->backend);
		configfs_add_attributes(plan, c, &f->configfs_attributes, function);
	}
	for (size_t i = 0; i < g->n_configs; i++)
		add_config(plan, c, &g->configs[i], dir);
	configfs_add_attributes(plan, c, &g->configfs_attributes, dir);
}

void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc)
{
	_cleanup_free_ char *dir = configfs_gadget_path(c->paths, c->gadget->name);

	plan_add(plan, &configfs_op_bind, strf("%s/UDC", dir), xstrdup(udc), &c->gadget->udc.at, c);
}

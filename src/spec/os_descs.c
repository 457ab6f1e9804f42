// SPDX-License-Identifier: GPL-2.0-or-later
/* What hosts ask for beside the standard's descriptors: Microsoft's, and WebUSB's. */
#include <strings.h>

#include "base/cleanup.h"
#include "spec/attrs.h"

/* An URL descriptor has 255 bytes, three of them its head; the scheme is a number in it. */
#define MAX_URL 252

static void add_id(struct load *l, struct function *f, const char *interface, const char *name,
		   struct node *value)
{
	if (!value || value->bad)
		return;
	if (strlen(value->text) > 8) {
		load_error(l, value, "'%s' has at most 8 characters, not %zu", value->name,
			   strlen(value->text));
		return;
	}
	load_add_entry(l, &f->entries, ENTRY_WRITE,
		       strf("os_desc/interface.%s/%s", interface, name), xstrdup(value->text),
		       strlen(value->text), value);
}

void load_function_os_descs(struct load *l, struct function *f, struct node *list)
{
	const struct key *row = key_find(&function_keys, "os_descs");

	node_foreach(item, list) {
		struct os_desc_draft d = { 0 };

		if (item->bad)
			continue;
		load_group(l, row->group, item, &d);
		if (d.interface.value) {
			add_id(l, f, d.interface.value, "compatible_id", d.compatible);
			add_id(l, f, d.interface.value, "sub_compatible_id", d.sub_compatible);
		}
		free(d.interface.value);
	}
}

void load_gadget_os_descs(struct load *l, struct node *node)
{
	const struct config *config = l->g->n_configs > 0 ? &l->g->configs[0] : NULL;
	struct node *id;
	struct attrs_draft d;

	load_attr_rows(l, &os_descs_keys, node, &d);
	load_default_attr(&d, "b_vendor_code", "1", node);
	load_default_attr(&d, "qw_sign", "MSFT100", node);
	load_default_attr(&d, "use", "1", node);
	id = load_attr(&d, "config_id")->node;
	for (size_t i = 0; id && i < l->g->n_configs; i++) {
		config = &l->g->configs[i];
		if (config->id == id->integer)
			break;
		config = NULL;
	}
	load_attr_entries(l, &l->g->entries, "os_desc/", &d);
	if (id && !config && !l->partial)
		load_error(l, id, "there is no configuration with the id %s", id->text);
	if (config && config->name)
		load_add_entry(l, &l->g->entries, ENTRY_LINK,
			       strf("os_desc/%s.%u", config->name, config->id),
			       strf("configs/%s.%u", config->name, config->id), 0, id ? id : node);
}

void set_attr_url(struct load *l, const struct key *k, struct node *value, void *field)
{
	static const char *const schemes[] = { "https://", "http://" };
	size_t n = strlen(value->text);

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strncasecmp(value->text, schemes[i], strlen(schemes[i])) == 0) {
			n -= strlen(schemes[i]);
			break;
		}
	}
	if (n > MAX_URL)
		load_error(l, value, "'%s' has at most %d bytes behind https://, not %zu", k->name,
			   MAX_URL, n);
	else
		set_attr_string(l, k, value, field);
}

void load_gadget_webusb(struct load *l, struct node *node)
{
	struct attrs_draft d;

	load_attr_rows(l, &webusb_keys, node, &d);
	load_default_attr(&d, "use", "1", node);
	load_attr_entries(l, &l->g->entries, "webusb/", &d);
}

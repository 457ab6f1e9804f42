// SPDX-License-Identifier: GPL-2.0-or-later
/* Defines gadgetfile_load, and loads the top-level settings. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"
#include "gadgetfile/types/language_id.h"
#include "gadgetfile/write.h"

/* idVendor and idProduct of the Linux Foundation, for development only. */
#define TEST_VENDOR 0x1d6b
#define TEST_PRODUCT 0x0104

bool gadgetfile_is_gadget_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t first = strspn(name, letters);
	size_t n = strlen(name);

	if (first == 0 || n > GADGET_MAX_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr(letters, name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

char *gadgetfile_default_name(const char *path)
{
	const char *base = path_last_component(path);
	size_t n = strlen(base);

	if (streq(path, GADGETFILE_STDIN))
		return xstrdup("stdin");
	if (str_has_suffix(base, ".conf"))
		n -= strlen(".conf");
	else if (str_has_suffix(base, ".scheme"))
		n -= strlen(".scheme");
	return xstrndup(base, n);
}

#define NAME_RULE                                                                                  \
	"a gadget's name must begin with a letter or digit, consist of letters, digits, '.', '_' " \
	"and '-', and have at most 64 characters"

static void load_gadget_name(struct load *l, struct node *node, const char *override)
{
	const struct gadgetfile_source *main_file = l->scan->sources[0];
	const struct text_range whole = { .source = main_file };
	_cleanup_free_ char *base = NULL, *shown = NULL;

	if (override) {
		base = xstrdup(override);
	} else if (node && !node->has_error) {
		base = xstrdup(node->text);
	} else {
		base = gadgetfile_default_name(main_file->path);
	}
	if (!gadgetfile_is_gadget_name(base) && !(node && node->has_error && !override)) {
		shown = diag_quote(base);
		if (node && !override)
			load_error(l, node, "%s cannot be a name: " NAME_RULE, shown);
		else
			diag_error(l->diags, &whole, "%s cannot be a name: " NAME_RULE, shown);
		if (!node && !override)
			diags_hint(l->diags, "set 'name', which is the file's name by default");
	}
	l->gadget->name = steal_ptr(base);
}

static void load_udc(struct load *l, struct node *node)
{
	struct gadget_udc *udc = &l->gadget->udc;

	if (!node || node->has_error)
		return;
	udc->at = position_of_range(l, &node->at);
	if (node->type == NODE_STRING) {
		set_name_refusing_slash(l, key_find(&udc_keys, "name"), node, &udc->name);
		return;
	}
	load_group(l, &udc_keys, node, udc);
}

static void check_bcd(struct load *l, struct node *attrs, const char *name)
{
	struct node *value = attrs ? node_member(attrs, name) : NULL;

	if (value && !value->has_error && value->type == NODE_INT)
		load_check_bcd(l, value, name);
}

/*
 * Sets the attribute to its default if the file does not set it; returns whether the default was
 * set.
 */
static bool set_default_usb_id(struct load *l, struct node *attrs, enum gadget_attr attr,
			       int64_t value)
{
	if (attrs && node_member(attrs, gadget_attribute_words[attr]))
		return false;
	l->gadget->device_attrs[attr] = (struct positioned_int){ .set = true, .value = value };
	return true;
}

static void set_default_usb_ids(struct load *l, struct node *attrs)
{
	const struct text_range whole = { .source = l->scan->sources[0] };
	const struct text_range *at = attrs ? node_range_to_mark(attrs) : &whole;
	bool vendor = set_default_usb_id(l, attrs, GADGET_ID_VENDOR, TEST_VENDOR);
	bool product = set_default_usb_id(l, attrs, GADGET_ID_PRODUCT, TEST_PRODUCT);

	if (l->has_syntax_error || (attrs && attrs->has_error))
		return;
	if (vendor && product)
		diag_warning(
			l->diags, at,
			"no ids are set in 'attrs': %04x:%04x is used, which is for tests only",
			TEST_VENDOR, TEST_PRODUCT);
	else if (vendor || product)
		diag_warning(
			l->diags, at, "no '%s' is set: 0x%04x is used, which is for tests only",
			vendor ? "idVendor" : "idProduct", vendor ? TEST_VENDOR : TEST_PRODUCT);
}

/*
 * Adds notes about values that no host sees, because the kernel sends its own (composite.c:1829).
 * Hosts see 64 bytes of most UDCs, and 9 at SuperSpeed.
 */
static void note_replaced_values(struct load *l, const struct node *attrs)
{
	static const int64_t releases[] = { 0x0200, 0x0201, 0x0210, 0x0320 };
	const struct node *size = node_member(attrs, "bMaxPacketSize0"),
			  *usb = node_member(attrs, "bcdUSB");
	bool is_sent = !usb || usb->has_error;

	for (size_t i = 0; !is_sent && i < ARRAY_SIZE(releases); i++)
		is_sent = usb->integer == releases[i];
	if (!is_sent)
		diag_note(l->diags, &usb->at,
			  "the kernel sends another 'bcdUSB': 0x0200, 0x0201, 0x0210 or 0x0320, by "
			  "UDC, speed and WebUSB");
	if (size && !size->has_error && size->integer != 64 && size->integer != 9)
		diag_note(l->diags, &size->at, "the kernel sends the UDC's 'bMaxPacketSize0'");
}

static void load_device_attrs(struct load *l, struct node *node)
{
	struct node *size;

	if (node && !node->has_error) {
		load_group(l, &attrs_keys, node, l->gadget->device_attrs);
		check_bcd(l, node, "bcdUSB");
		check_bcd(l, node, "bcdDevice");
		size = node_member(node, "bMaxPacketSize0");
		if (size && !size->has_error && size->integer != 8 && size->integer != 9 &&
		    size->integer != 16 && size->integer != 32 && size->integer != 64)
			diag_warning(
				l->diags, &size->at,
				"'bMaxPacketSize0' must be 8, 16, 32 or 64, or 9 at SuperSpeed "
				"(USB 3.2, 9.6.1), not %s: the kernel replaces it by the UDC's "
				"value",
				size->text);
		note_replaced_values(l, node);
	}
	set_default_usb_ids(l, node);
}

static void load_device_strings(struct load *l, struct node *list)
{
	struct gadget *g = l->gadget;
	struct gadget_strings *s;
	const struct node *surplus = NULL;

	if (!list) {
		s = array_add(g->strings, g->n_strings);
		s->lang = LANG_EN_US;
		s->product.value = xstrdup(g->name);
		return;
	}
	if (list->has_error)
		return;
	node_foreach(item, list) {
		struct node *lang;

		if (item->has_error)
			continue;
		if (g->n_strings == MAX_LANGUAGES)
			surplus = item;
		s = array_add(g->strings, g->n_strings);
		s->lang = LANG_EN_US;
		s->at = position_of_range(l, &item->at);
		load_group(l, &strings_keys, item, s);
		lang = node_member(item, "lang");
		if (lang && lang->has_error) {
			gadget_strings_free(s);
			g->n_strings--;
		}
		for (size_t i = 0;
		     i + 1 < g->n_strings && !(lang && lang->has_error) && !l->has_syntax_error;
		     i++) {
			if (g->strings[i].lang != s->lang)
				continue;
			diag_error(l->diags, lang ? &lang->at : &item->at,
				   "a second group of strings for language 0x%04x", s->lang);
			break;
		}
	}
	if (surplus)
		load_error_too_many_languages(l, surplus);
}

static void load_switch_to(struct load *l, struct node *list)
{
	struct gadget *g = l->gadget;

	if (!list || list->has_error)
		return;
	node_foreach(item, list) {
		_cleanup_free_ char *shown = NULL;
		struct positioned_str *name;
		bool again = false;

		if (item->has_error)
			continue;
		for (size_t i = 0; i < g->n_switch_to; i++)
			again = again || streq(g->switch_to[i].value, item->text);
		shown = diag_quote(item->text);
		if (!gadgetfile_is_gadget_name(item->text))
			load_error(l, item, "%s cannot be a name: " NAME_RULE, shown);
		else if (streq(item->text, g->name))
			load_error(l, item, "a gadget cannot switch to itself");
		else if (again)
			load_error(l, item, "%s is listed twice", shown);
		name = array_add(g->switch_to, g->n_switch_to);
		name->value = xstrdup(item->text);
		name->at = position_of_range(l, &item->at);
	}
}

static void load_gadget(struct load *l, const char *name_override)
{
	struct gadget_settings d = { 0 };
	struct gadget *g = l->gadget;
	struct node *speed;

	load_group(l, &gadget_keys, l->scan->root, &d);
	load_gadget_name(l, d.name ? d.name : node_member(l->scan->root, "name"), name_override);
	load_udc(l, d.udc);
	load_switch_to(l, d.switch_to);
	load_device_attrs(l, node_member(l->scan->root, "attrs"));
	load_device_strings(l, d.strings);
	g->autostart = d.autostart;
	g->max_speed = d.max_speed;
	speed = node_member(l->scan->root, "max_speed");
	if (speed)
		g->max_speed_at = position_of_range(l, &speed->at);
	g->hosts = d.hosts;
	load_functions(l, d.functions, d.configs);
	load_configs(l, d.configs);
	load_finish_associations(l);
	load_check_ethernet_addresses(l);
	if (d.os_descs || !node_member(l->scan->root, "os_descs"))
		load_gadget_os_descs(l, d.os_descs);
	if (d.webusb)
		load_gadget_webusb(l, d.webusb);
	if (d.tree)
		load_gadget_configfs_tree(l, d.tree);
	load_check_blobs(l);
	load_check_kernel_limits(l);
	if (l->diags->n_errors == 0)
		load_add_warnings(l);
}

static struct gadget *new_gadget(const struct scan *s)
{
	struct gadget *g = xcalloc(1, sizeof(*g));
	const char *path = s->sources[0]->path, *slash = strrchr(path, '/');

	g->file_dir = realpath(s->sources[0]->dir, NULL);
	if (!g->file_dir)
		g->file_dir = xstrdup(s->sources[0]->dir);
	g->file =
		strf("%s/%s", streq(g->file_dir, "/") ? "" : g->file_dir, slash ? slash + 1 : path);
	g->source_files = xcalloc(s->n_sources + 1, sizeof(char *));
	g->drop_ins = xcalloc(s->n_sources + 1, sizeof(char *));
	for (size_t i = 0, n = 0; i < s->n_sources; i++) {
		g->source_files[i] = xstrdup(s->sources[i]->path);
		if (s->sources[i]->is_drop_in)
			g->drop_ins[n++] = g->source_files[i];
	}
	return g;
}

int load_gadget_from_scanned_text(struct scan *s, const struct gadgetfile_options *options,
				  struct gadget **out, json_t **json, struct diags *diags)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	struct load l = { .diags = diags,
			  .top_level_keys = &gadget_keys,
			  .hint_at_attribute = load_hint_at_attribute,
			  .scan = s,
			  .plugins = options ? options->plugins : NULL,
			  .has_syntax_error = diags->n_errors > 0 };

	*out = NULL;
	if (json)
		*json = NULL;
	if (s->root) {
		g = l.gadget = new_gadget(s);
		load_gadget(&l, options ? options->overriding_gadget_name : NULL);
		/* Not earlier: setters of bytes have replaced their strings, which may have them.
		 */
		l.has_syntax_error |= !node_check_nul_bytes(s, s->root);
		free(l.function_nodes);
		free(l.function_has_error);
	}
	/* Loading has rewritten values in the tree to the forms that the document has. */
	if (json && s->root && !l.has_syntax_error)
		*json = node_to_json(s->root);
	diags_sort(diags);
	if (diags->n_errors > 0)
		return -EINVAL;
	*out = steal_ptr(g);
	return 0;
}

int gadgetfile_load(const char *path, const struct gadgetfile_options *options, struct gadget **out,
		    json_t **json, struct diags *diags, struct error *err)
{
	_cleanup_scan_ struct scan s = { 0 };
	int r;

	*out = NULL;
	if (json)
		*json = NULL;
	r = scan_file(&s, path, options, diags, err);
	if (r < 0)
		return r;
	return load_gadget_from_scanned_text(&s, options, out, json, diags);
}

static char *first_error_text(const struct diags *diags)
{
	for (size_t i = 0; i < diags->n; i++)
		if (diags->list[i].severity == DIAG_ERROR)
			return diag_to_one_line(&diags->list[i]);
	return xstrdup("?");
}

int gadgetfile_load_document(const json_t *document, const char *path, const char *name,
			     struct gadget **out, struct error *err)
{
	const struct gadgetfile_options options = { .overriding_gadget_name = name };
	_cleanup_scan_ struct scan s = { 0 };
	_cleanup_free_ char *text =
		json_is_object(document) ? gadgetfile_write(document) : xstrdup("");
	struct diags diags = { 0 };
	int r;

	*out = NULL;
	scan_text_of_document(&s, path, text, &diags);
	r = load_gadget_from_scanned_text(&s, &options, out, NULL, &diags);
	if (r < 0) {
		_cleanup_free_ char *why = first_error_text(&diags);

		error_set(err, EX_DATAERR, EINVAL, path,
			  "cannot load the stored document of %s: %s", path, why);
	} else {
		gadgetfile_resolve_mount_symlinks(*out);
	}
	diags_free(&diags);
	return r;
}

int gadgetfile_load_texts(const struct gadgetfile_text *texts, size_t n, struct gadget **out,
			  json_t **json, struct diags *diags)
{
	_cleanup_scan_ struct scan s = { 0 };

	*out = NULL;
	if (json)
		*json = NULL;
	scan_text(&s, texts[0].path, texts[0].text, texts[0].size, diags);
	for (size_t i = 1; i < n; i++)
		scan_text_as_drop_in(&s, texts[i].path, texts[i].text, texts[i].size);
	return load_gadget_from_scanned_text(&s, NULL, out, json, diags);
}

int gadgetfile_load_text(const char *path, const char *text, size_t size, struct gadget **out,
			 json_t **json, struct diags *diags)
{
	return gadgetfile_load_texts(&(struct gadgetfile_text){ path, text, size }, 1, out, json,
				     diags);
}

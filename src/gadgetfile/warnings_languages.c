// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Warns about languages in which a host does not get each string. The kernel gives the host one
 * list of languages, those of the device, of the configurations and of the functions together. For
 * a string without a text in one of them it sends an empty text, if the language is in the same
 * list of strings (copy_gadget_strings, composite.c:1465 of Linux 6.12, :1433 of 6.1), else it
 * stalls the request (get_string, composite.c:1367 of Linux 6.12, :1335 of 6.1).
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/types/attrs.h"

#define EMPTY_TEXT "a host that asks in this language reads an empty text"
#define STALLED "a host that asks in this language gets an error"

/* The texts of a language: of the device, or of a configuration. */
struct language_texts {
	uint16_t lang;
	const struct node *node; /* group in the gadget file */
	bool has_text[3];
};

static const char *const device_texts[] = { "manufacturer", "product", "serialnumber" };
static const char *const config_texts[] = { "configuration" };

static bool has_text(const struct node *group, const char *name)
{
	const struct node *value = node_member(group, name);

	return value && (value->type != NODE_STRING || *value->text);
}

/* Returns the names of texts that other languages have and this one has not; NULL: none. */
static char *missing_texts(const struct language_texts *languages, size_t n, size_t which,
			   const char *const *names, size_t n_names)
{
	char *all = NULL;

	for (size_t k = 0; k < n_names; k++) {
		_cleanup_free_ char *quoted = strf("'%s'", names[k]);
		bool others_have = false;

		for (size_t i = 0; i < n; i++)
			others_have |= languages[i].has_text[k];
		if (others_have && !languages[which].has_text[k])
			text_append_to_list(&all, " and no ", quoted);
	}
	return all;
}

static void warn_about_missing_texts(struct load *l, const struct language_texts *languages,
				     size_t n, const char *const *names, size_t n_names)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *missing = missing_texts(languages, n, i, names, n_names);
		const struct node *lang = node_member(languages[i].node, "lang");

		if (!missing)
			continue;
		diag_warning(l->diags, lang ? &lang->at : &languages[i].node->at,
			     "language 0x%04x has no %s: " EMPTY_TEXT, languages[i].lang, missing);
		diags_hint(l->diags, "add what is missing, or remove the language");
	}
}

/*
 * Reads the groups of `strings`, whose languages the loader has in the same order. Returns their
 * number.
 */
static size_t read_languages(const struct node *list, const char *const *names, size_t n_names,
			     struct language_texts *languages)
{
	size_t n = 0;

	node_foreach(item, list) {
		if (n == MAX_LANGUAGES)
			break;
		languages[n].node = item;
		for (size_t k = 0; k < n_names; k++)
			languages[n].has_text[k] = has_text(item, names[k]);
		n++;
	}
	return n;
}

static bool device_has_language(const struct gadget *g, uint16_t lang)
{
	for (size_t i = 0; i < g->n_strings; i++)
		if (g->strings[i].lang == lang)
			return true;
	return false;
}

static bool config_has_text(const struct config *c)
{
	for (size_t i = 0; i < c->n_strings; i++)
		if (c->strings[i].configuration)
			return true;
	return false;
}

static bool config_has_language(const struct config *c, uint16_t lang)
{
	for (size_t i = 0; i < c->n_strings; i++)
		if (c->strings[i].lang == lang)
			return true;
	return false;
}

/* Warns about languages that only the device has, or only a configuration. */
static void warn_about_languages_of_config(struct load *l, const struct config *c,
					   const struct node *strings)
{
	const struct gadget *g = l->gadget;

	if (!config_has_text(c))
		return;
	for (size_t i = 0; i < g->n_strings; i++)
		if (!config_has_language(c, g->strings[i].lang))
			diag_warning(l->diags, node_range_to_mark(strings),
				     "configuration %u has no text in language 0x%04x, which the "
				     "device has: " STALLED,
				     c->id, g->strings[i].lang);
	for (size_t i = 0; i < c->n_strings; i++)
		if (!device_has_language(g, c->strings[i].lang))
			diag_warning(l->diags, node_range_to_mark(strings),
				     "the device has no strings in language 0x%04x, which "
				     "configuration %u has: " STALLED,
				     c->strings[i].lang, c->id);
}

static void warn_about_config(struct load *l, const struct config *c, const struct node *node)
{
	const struct node *strings = node_member(node, "strings");
	struct language_texts languages[MAX_LANGUAGES] = { 0 };
	size_t n;

	if (!strings)
		return;
	n = read_languages(strings, config_texts, ARRAY_SIZE(config_texts), languages);
	for (size_t i = 0; i < n; i++)
		languages[i].lang = c->strings[i].lang;
	warn_about_missing_texts(l, languages, n, config_texts, ARRAY_SIZE(config_texts));
	warn_about_languages_of_config(l, c, strings);
}

static bool string_has_language(const struct ffs_string *string, uint16_t lang)
{
	for (size_t i = 0; i < string->n_texts; i++)
		if (string->texts[i].lang == lang)
			return true;
	return false;
}

/* Returns the string of an interface, or of an association after them. */
static const struct ffs_string *ffs_string_at(const struct ffs *ffs, size_t i)
{
	return i < ffs->n_interfaces ? &ffs->interfaces[i].string
				     : &ffs->associations[i - ffs->n_interfaces].string;
}

/* Returns whether one of the function's first `n` strings has a text in the language. */
static bool function_has_language(const struct ffs *ffs, size_t n, uint16_t lang)
{
	for (size_t i = 0; i < n; i++)
		if (string_has_language(ffs_string_at(ffs, i), lang))
			return true;
	return false;
}

/* Warns about a language of the string with index `i`, unless an earlier string has it as well. */
static void warn_about_languages_of_string(struct load *l, const struct function *f, size_t i,
					   const struct text_range *at)
{
	const struct ffs_string *string = ffs_string_at(f->ffs, i);

	for (size_t t = 0; t < string->n_texts; t++)
		if (!device_has_language(l->gadget, string->texts[t].lang) &&
		    !function_has_language(f->ffs, i, string->texts[t].lang))
			diag_warning(l->diags, at,
				     "the device has no strings in language 0x%04x, which function "
				     "'%s' has: " STALLED,
				     string->texts[t].lang, f->label);
}

/*
 * Warns about languages that only the device has, or only a function. In a language that one of its
 * strings has, the others get the text of their first language (blob/encode.c).
 */
static void warn_about_languages_of_function(struct load *l, size_t function)
{
	const struct gadget *g = l->gadget;
	const struct function *f = &g->functions[function];
	const struct text_range *at = node_range_to_mark(l->function_nodes[function]);
	size_t n = f->ffs ? f->ffs->n_interfaces + f->ffs->n_associations : 0, n_texts = 0;

	for (size_t i = 0; i < n; i++) {
		n_texts += ffs_string_at(f->ffs, i)->n_texts;
		warn_about_languages_of_string(l, f, i, at);
	}
	for (size_t k = 0; k < g->n_strings && n_texts > 0; k++)
		if (!function_has_language(f->ffs, n, g->strings[k].lang))
			diag_warning(l->diags, at,
				     "function '%s' has no text in language 0x%04x, which the "
				     "device has: " STALLED,
				     f->label, g->strings[k].lang);
}

void load_add_language_warnings(struct load *l)
{
	const struct gadget *g = l->gadget;
	const struct node *strings = node_member(l->scan->root, "strings"),
			  *configs = node_member(l->scan->root, "configs");
	struct language_texts languages[MAX_LANGUAGES] = { 0 };
	size_t n = 0;

	if (strings)
		n = read_languages(strings, device_texts, ARRAY_SIZE(device_texts), languages);
	for (size_t i = 0; i < n; i++)
		languages[i].lang = g->strings[i].lang;
	warn_about_missing_texts(l, languages, n, device_texts, ARRAY_SIZE(device_texts));
	for (size_t i = 0; i < g->n_functions; i++)
		warn_about_languages_of_function(l, i);
	n = 0;
	if (configs)
		node_foreach(item, configs)
			warn_about_config(l, &g->configs[n++], item);
}

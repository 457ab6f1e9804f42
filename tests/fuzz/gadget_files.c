// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes the settings of a generated gadget file. */
#include "gadget_files.h"

#include <stdlib.h>

#include "base/util.h"
#include "blobs.h"

#define MAX_SETTINGS 400 /* after so many, only required settings are added */

unsigned int choose(struct choices *c, unsigned int n)
{
	unsigned int value = 0;

	for (unsigned int limit = 1; limit < n && c->size > 0; limit <<= 8) {
		value = value << 8 | *c->data++;
		c->size--;
	}
	return value % n;
}

void gadget_file_bytes(uint64_t seed, uint64_t number, uint8_t data[GADGET_FILE_BYTES])
{
	struct dice dice = { seed };

	dice = (struct dice){ dice_next(&dice) ^ number * UINT64_C(0xd1342543de82ef95) };
	for (size_t i = 0; i < GADGET_FILE_BYTES; i++)
		data[i] = (uint8_t)(dice_next(&dice) >> 32);
}

static struct setting *add_setting(struct generator *g, struct setting *to, const struct key *key,
				   const char *name)
{
	struct setting *setting = xcalloc(1, sizeof(*setting));

	*setting = (struct setting){ .key = key, .name = name, .text = to->text };
	*array_add(to->inner, to->n_inner) = setting;
	g->n_settings++;
	return setting;
}

static void make_group(struct generator *g, const struct key_group *group, struct setting *setting);

/* --- lists --- */

static size_t list_length(struct generator *g, const struct key *key, enum extreme *extreme)
{
	static const uint8_t lengths[] = { 1, 2, 1, 3, 1, 2, 5, 17 };
	size_t n = lengths[choose(g->choices, ARRAY_SIZE(lengths))];
	bool is_empty = !(key->flags & (KEY_NOT_EMPTY | KEY_NAMED)) && choose(g->choices, 6) == 0;

	if (is_empty)
		n = 0;
	else if (g->n_settings >= MAX_SETTINGS || n < list_min_length(key))
		n = list_min_length(key);
	*extreme = n == 0   ? EXTREME_EMPTY
		   : n == 1 ? EXTREME_SMALLEST
		   : n > 3  ? EXTREME_LARGEST
			    : EXTREME_NONE;
	return n;
}

static void make_list(struct generator *g, const struct key_group *group, const struct key *key,
		      struct setting *list)
{
	const size_t n = list_length(g, key, &list->extreme);
	const unsigned int scalars = key->item_types & ~(unsigned int)(NODE_GROUP | TYPE_LIST);
	const unsigned int n_texts = g->n_texts;

	g->n_texts = 1; /* a drop-in replaces a list as a whole */
	list->kind = SETTING_LIST;
	for (size_t i = 0; i < n; i++) {
		struct setting *item = add_setting(g, list, key, NULL);

		g->list_index = i;
		if ((key->item_types & NODE_GROUP) && (!scalars || choose(g->choices, 2)))
			make_group(g, key->group, item);
		else if (scalars)
			make_value(g, group, key, scalars, item);
		else /* a list of lists: the descriptors of `extra` */
			make_value(g, group, key, NODE_LIST, item);
	}
	g->n_texts = n_texts;
}

/* --- groups --- */

static bool has_required_key(const struct key_group *group)
{
	for (const struct key *k = group->keys; k && k->name; k++)
		if (k->flags & KEY_REQUIRED)
			return true;
	return false;
}

static const struct key_group *group_of_value(const struct generator *g, const struct key *key)
{
	if (!(key->flags & KEY_BY_TYPE))
		return key->group;
	return g->type ? g->type->attr_keys : NULL;
}

static bool has_setting(struct generator *g, const struct key_group *group, const struct key *key)
{
	int percent = setting_percent(g, group, key);

	if (g->is_scheme && !(key->flags & KEY_SCHEME))
		return false;
	if (key->flags & KEY_BY_TYPE) {
		if (!group_of_value(g, key))
			return false;
		if (has_required_key(group_of_value(g, key)))
			return true;
	}
	if (percent < 0 && (key->flags & KEY_REQUIRED))
		return true;
	if (percent < 0)
		percent = g->n_settings < MAX_SETTINGS ? (int)g->percent : 0;
	/* Without bytes, only what must be there */
	return 99 - choose(g->choices, 100) < (unsigned int)percent;
}

/* The formats of a camera, as a group whose names are their types. */
static void make_named_groups(struct generator *g, const struct key *key, struct setting *setting)
{
	static const char *const names[] = { "mjpeg", "yuyv", "uncompressed" };
	const unsigned int n = 1 + choose(g->choices, ARRAY_SIZE(names));

	setting->kind = SETTING_GROUP;
	for (unsigned int i = 0; i < n; i++)
		make_group(g, key->group, add_setting(g, setting, key, names[i]));
}

/* Sets the value of a setting: chooses one of the types that its row allows. */
static void make_setting(struct generator *g, const struct key_group *group, const struct key *key,
			 struct setting *setting)
{
	const struct key_group *inner = group_of_value(g, key);
	unsigned int kinds[3], n = 0;
	const unsigned int scalars = key->types & ~(unsigned int)(NODE_GROUP | TYPE_LIST);

	if (scalars)
		kinds[n++] = scalars;
	if (key->types & TYPE_LIST)
		kinds[n++] = NODE_LIST;
	/* With types that are given, all functions are in `functions`. */
	if ((key->types & NODE_GROUP) && (inner || !key->group) &&
	    !(g->types && scalars && inner == &function_keys))
		kinds[n++] = NODE_GROUP;
	g->list_index = 0;
	switch (kinds[choose(g->choices, n)]) {
	case NODE_LIST:
		make_list(g, group, key, setting);
		break;
	case NODE_GROUP:
		if (key->flags & KEY_NAMED)
			make_named_groups(g, key, setting);
		else
			make_group(g, inner, setting);
		break;
	default:
		make_value(g, group, key, scalars, setting);
		break;
	}
}

const char *const gadget_file_labels[GADGET_FILE_MAX_FUNCTIONS] = { "f0", "f1", "f2", "a-b",
								    "*c", "_",	"f6", "F7" };

static unsigned int count_types(const struct function_type *const *types)
{
	unsigned int n = 0;

	while (types[n])
		n++;
	return n;
}

/* The settings of a group whose names the user chooses. */
static void make_named_settings(struct generator *g, const struct key_group *group,
				struct setting *setting)
{
	const bool is_functions = group->user_named_key->group == &function_keys;
	const unsigned int n =
		is_functions && g->types ? count_types(g->types) : 1 + choose(g->choices, 4);

	for (unsigned int i = 0; i < n; i++) {
		struct setting *inner =
			add_setting(g, setting, group->user_named_key, gadget_file_labels[i]);

		make_setting(g, group, group->user_named_key, inner);
	}
	if (is_functions)
		g->n_functions = n;
}

/* Chooses the type of the function whose settings follow. */
static void make_function_type(struct generator *g)
{
	size_t n = 0;

	if (g->types && g->types[g->n_types_used]) {
		g->type = g->types[g->n_types_used++];
		return;
	}
	while (function_table[n].name)
		n++;
	/* More functions are of type ffs, which has more keys than all others together. */
	g->type = choose(g->choices, 3) < 1 ? &function_table[0]
					    : &function_table[choose(g->choices, (unsigned int)n)];
}

static void make_group(struct generator *g, const struct key_group *group, struct setting *setting)
{
	const struct function_type *type_outside = g->type;

	setting->kind = SETTING_GROUP;
	if (!group) /* any names are allowed: the options of a plugin */
		return;
	if (group == &function_keys)
		make_function_type(g);
	if (group->user_named_key)
		make_named_settings(g, group, setting);
	for (const struct key *k = group->keys; k && k->name; k++) {
		struct setting *inner;

		if (!has_setting(g, group, k))
			continue;
		inner = add_setting(g, setting, k, k->name);
		inner->text = setting->text ?: choose(g->choices, g->n_texts);
		make_setting(g, group, k, inner);
	}
	setting->extreme = setting->n_inner == 0 ? EXTREME_EMPTY : EXTREME_NONE;
	g->type = type_outside;
}

static void free_setting(struct setting *setting)
{
	for (size_t i = 0; setting && i < setting->n_inner; i++)
		free_setting(setting->inner[i]);
	if (!setting)
		return;
	free(setting->inner);
	free(setting->value);
	free(setting);
}

void gadget_file_free(struct gadget_file *file)
{
	free_setting(file->root);
	for (size_t i = 0; i < GADGET_FILE_TEXTS; i++)
		free(file->text[i]);
	*file = (struct gadget_file){ 0 };
}

void gadget_file_make_settings(struct gadget_file *file, struct choices *choices,
			       const struct function_type *const *types)
{
	static const uint8_t percents[] = { 3, 0, 10, 25, 50, 90, 10, 25 };
	static const uint8_t percents_for_hosts[] = { 25, 0, 10, 50, 90, 50, 75, 25 };
	static const uint8_t texts[] = { 1, 1, 1, 2, 3, 1, 2, 1 };
	struct generator g = { .choices = choices, .types = types, .n_texts = 1 };

	if (types) {
		g.percent = percents_for_hosts[choose(choices, ARRAY_SIZE(percents_for_hosts))];
	} else {
		g.is_scheme = choose(choices, 8) == 7;
		g.percent = percents[choose(choices, ARRAY_SIZE(percents))];
		g.n_texts = g.is_scheme ? 1 : texts[choose(choices, ARRAY_SIZE(texts))];
	}
	file->is_scheme = g.is_scheme;
	file->n_texts = g.n_texts;
	file->root = xcalloc(1, sizeof(*file->root));
	file->root->kind = SETTING_GROUP;
	make_group(&g, &gadget_keys, file->root);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the settings that interfaces and associations both have: a class, and a string in several
 * languages.
 */
#include <stdio.h>

#include "gadgetfile/load.h"
#include "gadgetfile/types/language_id.h"

static void add_string_text(struct load *l, struct ffs_string *s, struct node *item)
{
	struct ffs_string_translation *t = array_add(s->texts, s->n_texts);
	const struct node *lang = node_member(item, "lang");

	t->lang = LANG_EN_US;
	load_group(l, &text_keys, item, t);
	if (!t->text) /* an error; the checks that follow read it all the same */
		t->text = xstrdup("");
	for (size_t i = 0; i + 1 < s->n_texts; i++) {
		if (s->texts[i].lang != t->lang || (lang && lang->has_error))
			continue;
		diag_error(l->diags, lang ? &lang->at : &item->at,
			   "a second text for language 0x%04x", t->lang);
		return;
	}
}

void load_class(struct load *l, const struct class_settings *d, uint8_t *class, uint8_t *subclass,
		uint8_t *protocol)
{
	if (d->class) {
		unsigned int value = d->class->type == NODE_STRING
					     ? key_find_word(class_words, d->class->text)->value
					     : (unsigned int)d->class->integer;

		if ((value & 0xff) == 0) {
			load_error(l, d->class,
				   "an interface cannot have class 0 (USB 2.0, table 9-12)");
			diags_hint(l->diags, "'vendor' is 0xff");
		}
		*class = (uint8_t)value;
		*subclass = (uint8_t)(value >> 8);
		*protocol = 0;
	}
	if (d->subclass.set)
		*subclass = (uint8_t)d->subclass.value;
	if (d->protocol.set)
		*protocol = (uint8_t)d->protocol.value;
}

void load_ffs_string(struct load *l, struct ffs_string *s, struct node *value)
{
	struct ffs_string_translation *t;

	s->at = position_of_range(l, &value->at);
	if (value->type == NODE_STRING) {
		if (!load_check_usb_string(l, value))
			return;
		t = array_add(s->texts, s->n_texts);
		t->lang = LANG_EN_US;
		t->text = xstrdup(value->text);
		return;
	}
	node_foreach(item, value)
		if (!item->has_error)
			add_string_text(l, s, item);
}

void load_error_too_many_languages(struct load *l, const struct node *surplus)
{
	diag_error(l->diags, &surplus->at, "the kernel supports at most %d languages",
		   MAX_LANGUAGES);
}

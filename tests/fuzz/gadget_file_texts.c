// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes the texts of a generated gadget file, and leaves out what the loader refuses. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "gadget_files.h"
#include "gadgetfile/gadgetfile.h"

#define MAX_LINES 8192

/* A text while it is written, and the setting that begins in each line. */
struct text {
	char *data;
	size_t size, capacity;
	struct setting *line[MAX_LINES];
	size_t n_lines;
	unsigned int index;
};

static void put(struct text *t, const char *s)
{
	const size_t n = strlen(s);

	if (t->size + n + 1 > t->capacity) {
		t->capacity = 2 * (t->size + n + 1);
		t->data = xreallocarray(t->data, t->capacity, 1);
	}
	memcpy(t->data + t->size, s, n + 1);
	t->size += n;
}

static void end_line(struct text *t, struct setting *setting, const char *end)
{
	put(t, end);
	put(t, "\n");
	if (t->n_lines < MAX_LINES)
		t->line[t->n_lines++] = setting;
}

/* Returns whether the text has the setting, or something in it. */
static bool text_has(const struct text *t, const struct setting *setting)
{
	if (setting->removed)
		return false;
	if (setting->text == t->index)
		return true;
	for (size_t i = 0; setting->kind == SETTING_GROUP && i < setting->n_inner; i++)
		if (text_has(t, setting->inner[i]))
			return true;
	return false;
}

static void write_setting(struct text *t, struct setting *setting, const char *end);

static void write_inner(struct text *t, struct setting *setting)
{
	size_t last = setting->n_inner;

	while (last > 0 && setting->inner[last - 1]->removed)
		last--;
	for (size_t i = 0; i < last; i++)
		if (text_has(t, setting->inner[i]))
			write_setting(t, setting->inner[i],
				      setting->kind == SETTING_GROUP ? ";"
				      : i + 1 < last		     ? ","
								     : "");
}

static void write_setting(struct text *t, struct setting *setting, const char *end)
{
	if (setting->name) {
		put(t, setting->name);
		put(t, setting->kind == SETTING_GROUP ? " : " : " = ");
	}
	if (setting->kind == SETTING_VALUE) {
		put(t, setting->value);
		end_line(t, setting, end);
		return;
	}
	end_line(t, setting, setting->kind == SETTING_GROUP ? "{" : "(");
	write_inner(t, setting);
	put(t, setting->kind == SETTING_GROUP ? "}" : ")");
	end_line(t, setting, end);
}

/* Not allocated: the space for the lines is large, and one file after the other is written. */
static struct text written[GADGET_FILE_TEXTS];

static void write_texts(struct gadget_file *file)
{
	for (unsigned int i = 0; i < file->n_texts; i++) {
		written[i].index = i;
		written[i].size = written[i].n_lines = 0;
		put(&written[i], "");
		write_inner(&written[i], file->root);
		free(file->text[i]);
		file->text[i] = xstrdup(written[i].data);
	}
}

static char *text_path(const char *path, size_t i)
{
	return i == 0 ? xstrdup(path) : strf("%s.d/%zu.conf", path, i);
}

int gadget_file_load(const struct gadget_file *file, const char *path, struct gadget **gadget,
		     json_t **document, struct diags *diags)
{
	struct gadgetfile_text texts[GADGET_FILE_TEXTS];
	char *paths[GADGET_FILE_TEXTS];
	int r;

	for (size_t i = 0; i < file->n_texts; i++) {
		paths[i] = text_path(path, i);
		texts[i] =
			(struct gadgetfile_text){ paths[i], file->text[i], strlen(file->text[i]) };
	}
	r = gadgetfile_load_texts(texts, file->n_texts, gadget, document, diags);
	for (size_t i = 0; i < file->n_texts; i++)
		free(paths[i]);
	return r;
}

static bool remove_setting(const struct text *t, unsigned int line)
{
	struct setting *setting = line > 0 && line <= t->n_lines ? t->line[line - 1] : NULL;

	if (!setting || setting->removed)
		return false;
	setting->removed = true;
	return true;
}

/* Removes the settings with errors. Returns false if no setting has one. */
static bool remove_refused(const struct gadget_file *file, const char *path,
			   const struct diags *diags)
{
	bool removed = false;

	for (size_t i = 0; i < diags->n; i++) {
		const struct diag *diag = &diags->list[i];

		for (size_t n = 0; n < file->n_texts && diag->severity == DIAG_ERROR; n++) {
			_cleanup_free_ char *name = text_path(path, n);

			if (diag->file && streq(diag->file, name))
				removed |= remove_setting(&written[n], diag->line);
		}
	}
	return removed;
}

/* Writes the texts without the settings that the loader refuses. Returns false if nothing is left.
 */
static bool remove_all_refused(struct gadget_file *file, const char *path)
{
	bool accepted = false, changed = true;

	while (!accepted && changed) {
		struct diags diags = { 0 };
		struct gadget *gadget;

		write_texts(file);
		accepted = gadget_file_load(file, path, &gadget, NULL, &diags) == 0;
		changed = remove_refused(file, path, &diags);
		gadget_free(gadget);
		diags_free(&diags);
	}
	return accepted;
}

bool gadget_file_make(struct gadget_file *file, struct choices *choices, const char *path)
{
	*file = (struct gadget_file){ 0 };
	gadget_file_make_settings(file, choices, NULL);
	return remove_all_refused(file, path);
}

bool gadget_file_make_for_hosts(struct gadget_file *file, struct choices *choices, const char *path,
				const struct function_type *const *types)
{
	*file = (struct gadget_file){ 0 };
	gadget_file_make_settings(file, choices, types);
	return remove_all_refused(file, path);
}

/* Removes about a tenth of the settings. */
static void remove_some(struct setting *setting, struct choices *choices)
{
	for (size_t i = 0; i < setting->n_inner; i++) {
		struct setting *inner = setting->inner[i];

		/* Not the first element: that of `exec` is the program. */
		if ((setting->kind == SETTING_GROUP || i > 0) && choose(choices, 10) == 9)
			inner->removed = true;
		remove_some(inner, choices);
	}
}

bool gadget_file_remove_some(struct gadget_file *file, struct choices *choices, const char *path)
{
	remove_some(file->root, choices);
	return remove_all_refused(file, path);
}

/* --- broken files ----------------------------------------------------------------------------- */

/* Returns the setting that is number `*n` of those in this one; NULL: there are fewer, and `*n` is
 * less by their number. */
static struct setting *find_setting(const struct setting *setting, unsigned int *n)
{
	for (size_t i = 0; i < setting->n_inner; i++) {
		struct setting *found, *inner = setting->inner[i];

		if (inner->removed)
			continue;
		if ((*n)-- == 0)
			return inner;
		found = find_setting(inner, n);
		if (found)
			return found;
	}
	return NULL;
}

static void break_setting(struct setting *setting, struct choices *choices)
{
	static const char *const wrong[] = {
		"\"\"", "0",	     "-1",    "1.5",   "true",	  "[ ]",     "( )",
		"{ }",	"\"\\x01\"", "\"a\"", "[ 1 ]", "( { } )", "( ( ) )", "9223372036854775807L"
	};
	const unsigned int way = choose(choices, ARRAY_SIZE(wrong) + 4);

	if (way >= ARRAY_SIZE(wrong)) {
		setting->removed = true;
		return;
	}
	setting->kind = SETTING_VALUE;
	free(setting->value);
	setting->value = xstrdup(wrong[way]);
}

void gadget_file_break(struct gadget_file *file, struct choices *choices)
{
	unsigned int n_settings = UINT_MAX;

	find_setting(file->root, &n_settings);
	n_settings = UINT_MAX - n_settings;
	for (unsigned int i = 1 + choose(choices, 3); i > 0 && n_settings > 0; i--) {
		unsigned int n = choose(choices, n_settings);
		struct setting *setting = find_setting(file->root, &n);

		if (setting)
			break_setting(setting, choices);
	}
	write_texts(file);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/option_text.h"

#include <stdlib.h>

#include "base/util.h"

static void free_option(struct option_text *o)
{
	free(o->name);
	free(o->description);
	*o = (struct option_text){ 0 };
}

/* Reads the option of one line: "  --udc NAME          the UDC to bind to". */
static bool read_option(const char *line, struct option_text *o)
{
	const char *name = line + strspn(line, " "), *end, *what;

	if (str_has_prefix(name, "-v, ") || str_has_prefix(name, "-q, "))
		name += strlen("-v, ");
	if (*line != ' ' || *name != '-')
		return false;
	end = name + strcspn(name, " =[\n");
	o->name = xstrndup(name, (size_t)(end - name));
	o->joined = *end == '=';
	o->needs_value = *end == ' ' && end[1] != ' ';
	what = end + strcspn(end, "\n");
	for (const char *p = end; p < what; p++)
		if (p[0] == ' ' && p[1] == ' ')
			end = p;
	end += strspn(end, " ");
	o->description = xstrndup(end, strcspn(end, "\n"));
	return true;
}

bool option_text_each(const char *text, bool (*fn)(const struct option_text *o, void *data),
		      void *data)
{
	bool found = false;

	while (text && *text && !found) {
		struct option_text o = { 0 };

		if (read_option(text, &o))
			found = fn(&o, data);
		free_option(&o);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return found;
}

struct option_search {
	const char *word;
	enum option_text_kind kind;
};

static bool match_option(const struct option_text *o, void *data)
{
	struct option_search *search = data;

	if (!streq(o->name, search->word))
		return false;
	search->kind = o->needs_value || o->joined ? OPTION_TEXT_VALUE : OPTION_TEXT_FLAG;
	return true;
}

enum option_text_kind option_text_find(const char *text, const char *word)
{
	struct option_search search = { word, OPTION_TEXT_UNKNOWN };

	option_text_each(text, match_option, &search);
	return search.kind;
}

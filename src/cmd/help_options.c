/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/help_options.h"

#include <stdlib.h>

#include "base/util.h"

static void free_option(struct help_option *o)
{
	free(o->option_name);
	free(o->description);
	*o = (struct help_option){ 0 };
}

/*
 * Parses a line such as "  --udc NAME          the UDC to bind to". Returns false if it describes
 * no option.
 */
static bool parse_option_line(const char *line, struct help_option *o)
{
	const char *name = line + strspn(line, " "), *end, *what;

	if (str_has_prefix(name, "-v, ") || str_has_prefix(name, "-q, "))
		name += strlen("-v, ");
	if (*line != ' ' || *name != '-')
		return false;
	end = name + strcspn(name, " =[\n");
	o->option_name = xstrndup(name, (size_t)(end - name));
	o->value_follows_equals = *end == '=';
	o->next_word_is_value = *end == ' ' && end[1] != ' ';
	what = end + strcspn(end, "\n");
	for (const char *p = end; p < what; p++)
		if (p[0] == ' ' && p[1] == ' ')
			end = p;
	end += strspn(end, " ");
	o->description = xstrndup(end, strcspn(end, "\n"));
	return true;
}

bool help_option_each(const char *text, bool (*fn)(const struct help_option *o, void *data),
		      void *data)
{
	bool found = false;

	while (text && *text && !found) {
		struct help_option o = { 0 };

		if (parse_option_line(text, &o))
			found = fn(&o, data);
		free_option(&o);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return found;
}

struct option_search {
	const char *option_name;
	enum help_option_match match;
};

static bool match_option_name(const struct help_option *o, void *data)
{
	struct option_search *search = data;

	if (!streq(o->option_name, search->option_name))
		return false;
	search->match = o->next_word_is_value || o->value_follows_equals ? OPTION_NEEDS_VALUE
									 : OPTION_NEEDS_NO_VALUE;
	return true;
}

enum help_option_match help_find_option(const char *text, const char *option_name)
{
	struct option_search search = { option_name, OPTION_NOT_FOUND };

	help_option_each(text, match_option_name, &search);
	return search.match;
}

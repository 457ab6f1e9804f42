// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recognizes text in other languages of configuration files. The text is one that libconfig
 * rejects, so what is typical of a language is sufficient evidence.
 */
#include <ctype.h>
#include <string.h>

#include "gadgetfile/syntax/lex.h"

/* A line of the text, without leading and trailing blanks. */
struct line {
	const char *text;
	size_t length;
};

/*
 * Sets *line to the next line that is neither empty nor a comment, and moves *text behind it.
 * Returns false at the end of the text.
 */
static bool next_line(const char **text, struct line *line)
{
	while (**text) {
		const char *start = *text + strspn(*text, " \t\r");
		size_t n = strcspn(start, "\n");

		*text = start + n + (start[n] == '\n');
		while (n > 0 && isspace((unsigned char)start[n - 1]))
			n--;
		if (n > 0 && *start != '#' && *start != ';') {
			*line = (struct line){ start, n };
			return true;
		}
	}
	return false;
}

static bool ends_with(const struct line *line, const char *characters)
{
	return strchr(characters, line->text[line->length - 1]);
}

/* Returns the start of a JSON document: '{' before a key in quotes; NULL: there is none. */
static const char *find_json(const char *text)
{
	const char *start = text + strspn(text, " \t\r\n"), *key = start;

	if (*start == '[')
		key = start + 1 + strspn(start + 1, " \t\r\n");
	if (*key != '{')
		return NULL;
	key += 1 + strspn(key + 1, " \t\r\n");
	return *key == '"' ? start : NULL;
}

/* Returns whether the line is a section, as [NAME] or [[NAME.NAME]]. */
static bool is_section(const struct line *line)
{
	size_t open = strspn(line->text, "["), n = open;

	if (open == 0 || open > 2 || !isalpha((unsigned char)line->text[open]))
		return false;
	while (n < line->length &&
	       (isalnum((unsigned char)line->text[n]) || strchr("._-\"@ ", line->text[n])))
		n++;
	return line->length == n + open && strspn(line->text + n, "]") == open;
}

/*
 * Returns the first section of a TOML or INI file; NULL: there is none. A line in brackets that
 * continues the line before it is an array of libconfig.
 */
static const char *find_section(const char *text)
{
	struct line line, last = { ";", 1 };

	while (next_line(&text, &line)) {
		if (is_section(&line) && !ends_with(&last, "=:,(["))
			return line.text;
		last = line;
	}
	return NULL;
}

/* Returns whether a setting `NAME = VALUE` has a value that TOML needs in quotes. */
static bool has_bare_value(const char *text)
{
	struct line line;

	while (next_line(&text, &line)) {
		const char *equals = memchr(line.text, '=', line.length), *value;

		if (!equals)
			continue;
		value = equals + 1 + strspn(equals + 1, " \t");
		if ((isalpha((unsigned char)*value) || *value == '/') &&
		    strncmp(value, "true", 4) != 0 && strncmp(value, "false", 5) != 0)
			return true;
	}
	return false;
}

/* Returns the length of `NAME:` at the start of a line, in YAML's sense; 0: there is none. */
static size_t yaml_key_length(const struct line *line)
{
	size_t n = 0;

	while (n < line->length &&
	       (isalnum((unsigned char)line->text[n]) || strchr("._-\"'", line->text[n])))
		n++;
	if (n == 0 || n == line->length || line->text[n] != ':')
		return 0;
	n++;
	return n == line->length || line->text[n] == ' ' ? n : 0;
}

/*
 * Returns the start of a YAML document; NULL: there is none. Each line of a YAML document is
 * `NAME:`, `NAME: VALUE` or `- VALUE`, and at least one is not `NAME: VALUE`.
 */
static const char *find_yaml(const char *text)
{
	const char *start = NULL;
	bool has_structure = false;
	struct line line;

	while (next_line(&text, &line)) {
		size_t key = yaml_key_length(&line);
		bool is_item = line.text[0] == '-' && (line.length == 1 || line.text[1] == ' ');

		if (!start)
			start = line.text;
		if (strncmp(line.text, "---", 3) == 0 && (line.length == 3 || line.text[3] == ' '))
			return line.text;
		if ((key == 0 && !is_item) || ends_with(&line, ";"))
			return NULL;
		has_structure |= is_item || key == line.length;
	}
	return has_structure ? start : NULL;
}

const char *other_language_find(const char *text, const char **start)
{
	*start = find_json(text);
	if (*start)
		return "JSON";
	*start = find_section(text);
	if (*start)
		return has_bare_value(text) ? "INI" : "TOML";
	*start = find_yaml(text);
	return *start ? "YAML" : NULL;
}

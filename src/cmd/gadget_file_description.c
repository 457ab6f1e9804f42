/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/gadget_file_description.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PARAGRAPH_MAX 1000 /* bytes */

/* Returns the text of a comment line, without the marker; NULL: the line is no comment. */
static const char *comment_text(const char *line)
{
	const char *text = line + strspn(line, " \t");

	if (str_has_prefix(text, "//"))
		text += strlen("//");
	else if (*text == '#')
		text += strspn(text, "#");
	else
		return NULL;
	return text + strspn(text, " \t");
}

/* Returns the first paragraph of the comments at the start of a file. The caller frees it. */
static char *first_comment_paragraph(FILE *f)
{
	_cleanup_free_ char *line = NULL;
	char *paragraph = xstrdup("");
	size_t size = 0;

	while (strlen(paragraph) < PARAGRAPH_MAX && getline(&line, &size, f) >= 0) {
		const char *text;

		line[strcspn(line, "\r\n")] = '\0';
		text = comment_text(line);
		if (!text && (*paragraph || line[strspn(line, " \t")]))
			break;
		if (!text || !*text || strstr(text, "SPDX-") || strstr(text, "Copyright")) {
			if (*paragraph)
				break;
		} else {
			_cleanup_free_ char *old = paragraph;

			paragraph = strf("%s%s%s", old, *old ? " " : "", text);
		}
	}
	return paragraph;
}

/* Returns the end of the first sentence, or of the part before a colon or semicolon. */
static const char *sentence_end(const char *text)
{
	for (const char *p = text; *p; p++)
		if (strchr(".:;", *p) && (p[1] == ' ' || p[1] == '\0'))
			return p;
	return text + strlen(text);
}

/* Returns the text after a command in backquotes, such as "`ffsctl up x`: ". */
static const char *skip_command_in_backquotes(const char *text)
{
	const char *end = *text == '`' ? strstr(text, "`: ") : NULL;

	return end ? end + strlen("`: ") : text;
}

static char *first_sentence(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *paragraph = f ? first_comment_paragraph(f) : xstrdup("");
	const char *start = skip_command_in_backquotes(paragraph), *end = sentence_end(start);

	while (end > start && end[-1] == ' ')
		end--;
	return end > start ? text_replace_unprintable(start, (size_t)(end - start)) : NULL;
}

char *describe_gadget_file(const char *path, const struct gadget *g)
{
	char *sentence = first_sentence(path);
	const char *product = g && g->n_strings > 0 ? g->strings[0].product.value : NULL;

	if (sentence || !product || streq(product, g->name))
		return sentence;
	return text_replace_unprintable(product, strlen(product));
}

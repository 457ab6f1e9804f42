/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/finding.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

struct finding *findings_add(struct findings *findings, const char *id,
			     enum finding_severity severity, const char *what, ...)
{
	struct finding *finding = array_add(findings->list, findings->n);
	va_list ap;

	finding->id = id;
	finding->severity = severity;
	va_start(ap, what);
	finding->what = text_vformat(what, ap);
	va_end(ap);
	return finding;
}

void finding_why(struct finding *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding->why = text_vformat(fmt, ap);
	va_end(ap);
}

void finding_remedy(struct finding *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding->remedy = text_vformat(fmt, ap);
	va_end(ap);
}

/* Returns the word as a shell must get it; the caller frees it. */
static char *quote_for_shell(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,=-";
	char *quoted, *to;

	if (*word && word[strspn(word, plain)] == '\0')
		return xstrdup(word);
	/* A quote becomes four characters, between a quote at each end. */
	quoted = to = xcalloc(strlen(word) * 4 + 3, 1);
	*to++ = '\'';
	for (; *word; word++) {
		if (*word == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *word;
	}
	*to = '\'';
	return quoted;
}

void finding_command(struct finding *finding, const char *command, const char *name)
{
	_cleanup_free_ char *quoted = name ? quote_for_shell(name) : NULL;

	*array_add(finding->commands, finding->n_commands) =
		quoted ? strf("%s %s", command, quoted) : xstrdup(command);
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct finding *finding = &findings->list[i];

		free(finding->what);
		free(finding->why);
		free(finding->remedy);
		for (size_t c = 0; c < finding->n_commands; c++)
			free(finding->commands[c]);
		free(finding->commands);
	}
	free(findings->list);
	*findings = (struct findings){ 0 };
}

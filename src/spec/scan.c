// SPDX-License-Identifier: GPL-2.0-or-later
/* The scanner from outside: a file or a text in, a tree and diagnostics out. */
#include <stdlib.h>

#include "spec/lex.h"

static void scan_main(struct scan *s)
{
	if (!spec_source_check(s, s->sources[0]))
		return;
	s->bytes = s->sources[0]->size;
	lex_source(s, s->sources[0], NULL);
	if (s->hopeless)
		return;
	scan_parse(s);
	if (s->diags->n_errors == 0)
		scan_judge(s);
}

int scan_file(struct scan *s, const char *path, struct diags *diags, struct error *err)
{
	int r;

	*s = (struct scan){ .diags = diags };
	r = spec_source_open(s, path, err);
	if (r < 0)
		return r;
	scan_main(s);
	return 0;
}

void scan_text(struct scan *s, const char *path, const char *text, size_t size, struct diags *diags)
{
	*s = (struct scan){ .diags = diags };
	spec_source_add(s, path, text, size);
	scan_main(s);
}

void scan_free(struct scan *s)
{
	for (size_t i = 0; i < s->n_sources; i++) {
		free(s->sources[i]->path);
		free(s->sources[i]->dir);
		free(s->sources[i]->text);
		free(s->sources[i]);
	}
	free(s->sources);
	free(s->tokens);
	free(s->expanded);
	free(s->segments);
	arena_free(s->arena);
	*s = (struct scan){ 0 };
}

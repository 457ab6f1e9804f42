// SPDX-License-Identifier: GPL-2.0-or-later
/* The scanner's interface: reads a file or text and makes a tree and diagnostics. */
#include <stdlib.h>

#include "gadgetfile/syntax/lex.h"

/* Bytes of the syntax tree for each token, as measured with the examples and with long files. */
#define TREE_BYTES_PER_TOKEN 40

/* Scans one file; its settings become s->root. */
static void scan_source(struct scan *s, const struct gadgetfile_source *source)
{
	const size_t errors = s->diags->n_errors;

	s->root = NULL;
	s->unparsable = false;
	s->n_tokens = s->n_segments = s->expanded_size = 0;
	s->expanded_line = 0;
	if (!gadgetfile_source_check(s, source))
		return;
	s->bytes += source->size;
	if (s->bytes > GADGETFILE_MAX_SIZE) {
		const struct text_range whole = { .source = source };

		scan_stricter_error(s, &whole,
				    "the gadget file is larger than 1 MiB with this file");
		return;
	}
	lex_source(s, source, NULL);
	if (s->unparsable)
		return;
	arena_reserve(&s->arena, TREE_BYTES_PER_TOKEN * s->n_tokens);
	scan_parse(s);
	/* Beyond DIAG_MAX_ERRORS, errors are not counted. */
	if (s->diags->n_errors == errors && errors <= DIAG_MAX_ERRORS && !s->no_positions)
		scan_ask_libconfig(s);
}

/* Scans a drop-in (NULL: none) and applies it to s->root. */
static void scan_drop_in(struct scan *s, struct gadgetfile_source *source)
{
	struct node *root = s->root, *over;

	if (!source)
		return;
	source->is_drop_in = true;
	scan_source(s, source);
	over = s->root;
	s->root = root;
	if (over)
		drop_in_merge(s, over);
}

static void scan_drop_ins(struct scan *s, const char *const *dirs)
{
	char **paths = drop_in_paths(s, dirs);

	for (char **path = paths; *path; path++)
		scan_drop_in(s, gadgetfile_source_open_drop_in(s, *path));
	strings_free(paths);
}

int scan_file(struct scan *s, const char *path, const struct gadgetfile_options *options,
	      struct diags *diags, struct error *err)
{
	int r;

	*s = (struct scan){ .diags = diags,
			    .trust = options ? options->trust : GADGETFILE_TRUST_ALL };
	r = gadgetfile_source_open(s, path, err);
	if (r < 0)
		return r;
	scan_source(s, s->sources[0]);
	scan_drop_ins(s, options ? options->drop_in_dirs : NULL);
	return 0;
}

void scan_text(struct scan *s, const char *path, const char *text, size_t size, struct diags *diags)
{
	*s = (struct scan){ .diags = diags };
	scan_source(s, gadgetfile_source_add(s, path, text, size));
}

void scan_document(struct scan *s, const char *path, const char *text, struct diags *diags)
{
	*s = (struct scan){ .diags = diags, .no_positions = true };
	scan_source(s, gadgetfile_source_add(s, path, text, strlen(text)));
}

void scan_text_as_drop_in(struct scan *s, const char *path, const char *text, size_t size)
{
	scan_drop_in(s, gadgetfile_source_add(s, path, text, size));
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

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interface of the scanner, which reads a file or a text and makes a syntax tree and
 * diagnostics.
 */
#include <stdlib.h>

#include "gadgetfile/syntax/lex.h"

/* Bytes of the syntax tree for each token, as measured with the examples and with long files. */
#define TREE_BYTES_PER_TOKEN 40

/*
 * If the text is in another language, replaces the messages from index `n` on, which are about each
 * line of it, by one that names the language. Must be called only for text with errors.
 */
static void report_other_language(struct scan *s, const struct gadgetfile_source *source, size_t n)
{
	struct cursor c = { .source = source, .line = 1, .column = 1 };
	const char *start, *language = other_language_find(source->text, &start);
	struct text_range at;

	if (!language)
		return;
	diags_truncate(s->diags, n);
	cursor_advance(&c, (size_t)(start - source->text));
	at = cursor_range(s, &c, strcspn(start, " \t\r\n"));
	diag_error(s->diags, &at, "this is %s, but gadget files are in the language of libconfig",
		   language);
	diags_hint(s->diags, "settings are 'name = value;', groups '{ }' and lists '( )': see "
			     "ffsctl-gadget(5)");
	s->root = NULL;
}

/* Scans the gadget file or a drop-in. Its settings become s->root. */
static void scan_source_with_includes(struct scan *s, const struct gadgetfile_source *source)
{
	const size_t errors = s->diags->n_errors, messages = s->diags->n;

	s->root = NULL;
	s->unparsable = false;
	s->n_tokens = s->n_text_segments = s->text_with_includes_size = 0;
	s->n_lines_with_includes = 0;
	if (!gadgetfile_source_can_be_scanned(s, source))
		return;
	s->total_source_bytes += source->size;
	if (s->total_source_bytes > GADGETFILE_MAX_SIZE) {
		const struct text_range whole = { .source = source };

		scan_error_in_valid_libconfig(s, &whole, DIAG_TOO_LARGE);
		return;
	}
	lex_source(s, source, NULL);
	if (!s->unparsable) {
		arena_reserve(&s->arena, TREE_BYTES_PER_TOKEN * s->n_tokens);
		scan_parse(s);
	}
	if (s->diags->n_errors > errors) {
		report_other_language(s, source, messages);
		return;
	}
	/* n_errors does not count errors beyond DIAG_MAX_ERRORS. */
	if (s->diags->n_errors == errors && errors <= DIAG_MAX_ERRORS && !s->is_from_document)
		scan_compare_with_libconfig(s);
}

/* Scans a drop-in (NULL: none) and applies it to s->root. */
static void scan_drop_in(struct scan *s, struct gadgetfile_source *source)
{
	struct node *root = s->root, *drop_in_root;

	if (!source)
		return;
	source->is_drop_in = true;
	scan_source_with_includes(s, source);
	drop_in_root = s->root;
	s->root = root;
	if (drop_in_root)
		drop_in_merge(s, drop_in_root);
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
	scan_source_with_includes(s, s->sources[0]);
	scan_drop_ins(s, options ? options->drop_in_dirs : NULL);
	return 0;
}

void scan_text(struct scan *s, const char *path, const char *text, size_t size, struct diags *diags)
{
	*s = (struct scan){ .diags = diags };
	scan_source_with_includes(s, gadgetfile_source_add(s, path, text, size));
}

void scan_text_of_document(struct scan *s, const char *path, const char *text, struct diags *diags)
{
	*s = (struct scan){ .diags = diags, .is_from_document = true };
	scan_source_with_includes(s, gadgetfile_source_add(s, path, text, strlen(text)));
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
	free(s->text_with_includes);
	free(s->text_segments);
	arena_free(s->arena);
	*s = (struct scan){ 0 };
}

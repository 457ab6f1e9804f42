/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the scanner: from text to tokens (lex.c, source.c), from tokens to the tree (parse.c). */
#pragma once

#include "gadgetfile/syntax/diag.h"

enum token_type {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_INT,
	TOKEN_INT64, /* with L: another type in libconfig's arrays */
	TOKEN_FLOAT,
	TOKEN_BOOL,
	TOKEN_EQUALS,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_GROUP_OPEN,
	TOKEN_GROUP_CLOSE,
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE,
	TOKEN_ARRAY_OPEN,
	TOKEN_ARRAY_CLOSE,
};

struct token {
	enum token_type type;
	unsigned int length; /* of text; a string's with its quotes */
	const char *text;
	struct text_range at;
};

/* What of the expanded text stands where: the line `expanded` is the line `line` of `source`. */
struct segment {
	unsigned int expanded;
	const struct gadgetfile_source *source;
	unsigned int line;
};

/* Where the lexer is in one source. */
struct cursor {
	const struct gadgetfile_source *source;
	size_t at;
	unsigned int line, column;
	size_t line_start;
	unsigned int depth; /* of inclusion: 0 is the main file */
	const struct cursor *includer;
};

void *arena_alloc(struct arena **arena, size_t size);
/* About so much more will be asked for. */
void arena_expect(struct arena **arena, size_t size);
void arena_free(struct arena *arena);

/* The place from the cursor on, `length` bytes of it, as far as they are on this line. */
struct text_range cursor_range(struct scan *s, const struct cursor *c, size_t length);
void cursor_advance(struct cursor *c, size_t length);

/* An error of ours about something that libconfig itself would take. */
void scan_stricter(struct scan *s, const struct text_range *at, const char *fmt, ...)
	_printf_(3, 4);

/* Appends the tokens of `source` to s->tokens. */
void lex_source(struct scan *s, const struct gadgetfile_source *source,
		const struct cursor *includer);

/* The main file; -errno with `err` filled if it cannot be read. */
int gadgetfile_source_open(struct scan *s, const char *path, struct error *err);
struct gadgetfile_source *gadgetfile_source_add(struct scan *s, const char *path, const char *text,
						size_t size);
/* NULL: there is none to be read, with an error unless it is meant so (a link to /dev/null). */
struct gadgetfile_source *gadgetfile_source_open_drop_in(struct scan *s, const char *path);
/* Lays a drop-in's settings over s->root. */
void drop_in_merge(struct scan *s, struct node *over);
/* The paths of the main file's drop-ins, in their order; strings_free. */
char **drop_in_paths(struct scan *s, const char *const *dirs);
/* False, with an error in the diags, for what no gadget file may hold. */
bool gadgetfile_source_check(struct scan *s, const struct gadgetfile_source *source);

/* Whether the cursor, at a line's start, stands before `@include "`; the length up to the quote. */
size_t include_directive(const struct cursor *c);
/* Takes the directive. Returns the file that it includes; NULL: there is nothing to read. */
const struct gadgetfile_source *include_take(struct scan *s, struct cursor *c, size_t directive,
					     size_t *copied);
/* Appends text[from, to) of the source to the expanded text. */
void expanded_append(struct scan *s, const struct gadgetfile_source *source, size_t from, size_t to,
		     unsigned int first_line);
/* Which place the line of the expanded text is. */
struct text_range expanded_range(const struct scan *s, unsigned int line);

/* Errors about names that a group has twice. */
void scan_check_names(struct scan *s, struct node *group);
/* Makes s->root of s->tokens. */
void scan_parse(struct scan *s);

/* Asks libconfig about the expanded text. Only for a text that holds no error of ours. */
void scan_ask_libconfig(struct scan *s);

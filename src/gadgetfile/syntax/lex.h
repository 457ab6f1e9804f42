/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internals of the scanner: text to tokens (lex.c, source.c), tokens to the tree (parse.c). */
#pragma once

#include "gadgetfile/syntax/diag.h"

enum token_type {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_INT,
	TOKEN_INT64, /* an integer with the suffix L: a separate type in libconfig's arrays */
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
	unsigned int length; /* bytes of `text`; a string includes its quotes */
	const char *text;
	struct text_range at;
};

/*
 * A range of lines of the expanded text: it begins with line `expanded_line`, and contains the
 * lines of `source` from line `line` on.
 */
struct segment {
	unsigned int expanded_line;
	const struct gadgetfile_source *source;
	unsigned int line;
};

/* The lexer's position in one source. */
struct cursor {
	const struct gadgetfile_source *source;
	size_t offset; /* in the text of `source` */
	unsigned int line, column;
	size_t line_start;
	unsigned int depth; /* depth of inclusion; 0: the main file */
	const struct cursor *includer;
};

void *arena_alloc(struct arena **arena, size_t size);
/* Allocates a block for about `size` bytes of later allocations. */
void arena_reserve(struct arena **arena, size_t size);
void arena_free(struct arena *arena);

/* Returns the range of the next `length` bytes, up to the end of the line. */
struct text_range cursor_range(struct scan *s, const struct cursor *c, size_t length);
void cursor_advance(struct cursor *c, size_t length);

/* Adds an error about text that libconfig would accept, and sets s->has_stricter_error. */
void scan_stricter_error(struct scan *s, const struct text_range *at, const char *fmt, ...)
	_printf_(3, 4);

/* Appends the tokens of `source` to s->tokens. */
void lex_source(struct scan *s, const struct gadgetfile_source *source,
		const struct cursor *includer);

/* Reads the main file. Returns 0, or a negative errno with `err` set. */
int gadgetfile_source_open(struct scan *s, const char *path, struct error *err);
struct gadgetfile_source *gadgetfile_source_add(struct scan *s, const char *path, const char *text,
						size_t size);
/*
 * Reads a drop-in. NULL: a link to /dev/null masks the drop-in, or it cannot be read (an error was
 * added).
 */
struct gadgetfile_source *gadgetfile_source_open_drop_in(struct scan *s, const char *path);
/* Applies the settings of a drop-in to s->root. */
void drop_in_merge(struct scan *s, struct node *over);
/* Returns the paths of the main file's drop-ins in order; the caller frees them (strings_free). */
char **drop_in_paths(struct scan *s, const char *const *dirs);
/* Returns whether the text is valid for a gadget file; adds an error if not. */
bool gadgetfile_source_check(struct scan *s, const struct gadgetfile_source *source);

/* Returns the length of `@include "` if the line at the cursor begins with that; else 0. */
size_t include_directive(const struct cursor *c);
/*
 * Reads the file that the @include directive at the cursor names, and moves the cursor behind the
 * directive. *copied: offset in the source up to which the expanded text has its text. NULL: an
 * error was added.
 */
const struct gadgetfile_source *include_take(struct scan *s, struct cursor *c, size_t directive,
					     size_t *copied);
/*
 * Appends the bytes `from` to `to` - 1 of the source to the expanded text. `last_line`: the line
 * that contains the offset `to`.
 */
void expanded_append(struct scan *s, const struct gadgetfile_source *source, size_t from, size_t to,
		     unsigned int last_line);
/* Returns the range in the source from which a line of the expanded text was copied. */
struct text_range expanded_range(const struct scan *s, unsigned int line);

/* Adds errors about duplicate names in a group. */
void scan_check_names(struct scan *s, struct node *group);
/* Makes s->root from s->tokens. */
void scan_parse(struct scan *s);

/*
 * Lets libconfig read the expanded text, and adds an error if its result differs from s->root. Only
 * for a text without errors.
 */
void scan_ask_libconfig(struct scan *s);

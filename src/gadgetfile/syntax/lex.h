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

/* A range of lines of scan.text_with_includes that were copied from one file. */
struct text_segment {
	unsigned int first_line; /* first line of the range in scan.text_with_includes */
	const struct gadgetfile_source *source;
	unsigned int source_line; /* number of the line of `source` from which the line
				     `first_line` was copied */
};

/* The lexer's position in one source. */
struct cursor {
	const struct gadgetfile_source *source;
	size_t offset; /* bytes from the start of the text of `source` */
	unsigned int line, column;
	size_t line_start_offset;   /* offset of the current line */
	unsigned int include_depth; /* 0: `source` is not an included file */
	const struct cursor
		*includer; /* position of the @include that includes `source`; NULL: none */
};

void *arena_alloc(struct arena **arena, size_t size);
/* Allocates a block for about `size` bytes of later allocations. */
void arena_reserve(struct arena **arena, size_t size);
void arena_free(struct arena *arena);

/* Returns the range of the next `length` bytes, up to the end of the line. */
struct text_range cursor_range(struct scan *s, const struct cursor *c, size_t length);
void cursor_advance(struct cursor *c, size_t length);

/*
 * Adds an error about a rule that only ffsctl has, in text that libconfig would accept. Sets
 * s->has_error_in_valid_libconfig.
 */
void scan_error_in_valid_libconfig(struct scan *s, const struct text_range *at, const char *fmt,
				   ...) _printf_(3, 4);

/* Appends the tokens of `source` to s->tokens. */
void lex_source(struct scan *s, const struct gadgetfile_source *source,
		const struct cursor *includer);

/*
 * Reads the gadget file, but not the files that it includes. Returns 0, or a negative errno with
 * `err` set.
 */
int gadgetfile_source_open(struct scan *s, const char *path, struct error *err);
struct gadgetfile_source *gadgetfile_source_add(struct scan *s, const char *path, const char *text,
						size_t size);
/*
 * Reads a drop-in. NULL: the drop-in is a link to /dev/null, which disables it, or it cannot be
 * read (an error was added).
 */
struct gadgetfile_source *gadgetfile_source_open_drop_in(struct scan *s, const char *path);
/* Applies the settings of a drop-in, whose root is `drop_in_root`, to s->root. */
void drop_in_merge(struct scan *s, struct node *drop_in_root);
/*
 * Returns the paths of the gadget file's drop-ins, in the order in which they apply; the caller
 * frees them (strings_free). `dirs`: see gadgetfile_options.drop_in_dirs.
 */
char **drop_in_paths(struct scan *s, const char *const *dirs);
/*
 * Checks the text before it is scanned: its size, NUL bytes and byte order mark, but not whether it
 * is valid UTF-8. Adds an error if the text cannot be scanned.
 */
bool gadgetfile_source_can_be_scanned(struct scan *s, const struct gadgetfile_source *source);

/*
 * If the line at the cursor is an @include directive, returns the number of bytes before the quote
 * that begins its file name; else 0.
 */
size_t include_length_before_quote(const struct cursor *c);
/*
 * Reads the file that the @include directive at the cursor names, and moves the cursor to the end
 * of the directive. `directive`: the result of include_length_before_quote. `*copied`: the offset
 * in the source up to which its text was copied to s->text_with_includes; the function copies the
 * text up to the directive, and updates the offset. NULL: an error was added.
 */
const struct gadgetfile_source *include_process(struct scan *s, struct cursor *c, size_t directive,
						size_t *copied);
/*
 * Appends the bytes with the offsets `from` to `to` - 1 of the source to s->text_with_includes.
 * `last_line`: the line of the source that contains the offset `to`.
 */
void text_with_includes_append(struct scan *s, const struct gadgetfile_source *source, size_t from,
			       size_t to, unsigned int last_line);
/*
 * Returns the range of the line of a source from which line `line` of s->text_with_includes was
 * copied.
 */
struct text_range source_range_of_line(const struct scan *s, unsigned int line);

/*
 * Returns the name of the language of a text that libconfig rejects, "YAML", and sets *start to
 * where the text shows that it is in that language. NULL: the text is in no other language that is
 * known.
 */
const char *other_language_find(const char *text, const char **start);
/* Adds errors if settings of a group have the same name, or if the group has too many settings. */
void scan_check_setting_names(struct scan *s, struct node *group);
/*
 * Adds the hint how to write a name that stands in quotes, as in JSON. It may be the name of a
 * function's directory in configfs, TYPE.INSTANCE. Does nothing if the token is no such name.
 */
void scan_hint_at_quoted_name(struct scan *s, const struct token *string);
/* Makes s->root from s->tokens. */
void scan_parse(struct scan *s);

/*
 * Lets libconfig parse s->text_with_includes, and adds an error if the result differs from s->root.
 * The text must not have errors.
 */
void scan_compare_with_libconfig(struct scan *s);

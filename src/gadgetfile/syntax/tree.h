/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of a gadget file. It represents libconfig's language; what the settings mean is
 * defined in keys/. Each node has the positions and the text of its name and value. libconfig's own
 * parser is not used, because it has no columns, stops at the first error, and wraps integers.
 */
#pragma once

#include "gadgetfile/gadgetfile.h"

#define GADGETFILE_MAX_SIZE (1024 * 1024) /* bytes, including included files and drop-ins */
#define GADGETFILE_MAX_TOKENS (256 * 1024)
#define GADGETFILE_MAX_NESTING 64
#define GADGETFILE_MAX_INCLUDE_DEPTH 10 /* limit of libconfig */
#define GADGETFILE_MAX_INCLUDES 256
/*
 * Maximum number of settings in a group. libconfig compares each new name with all others of its
 * group; this limits the time.
 */
#define GADGETFILE_MAX_GROUP 512

/* A file that was read: the gadget file, an included file or a drop-in. */
struct gadgetfile_source {
	char *path; /* path as shown in messages */
	char *dir;  /* directory of the file, to resolve relative paths in it; not empty */
	char *text; /* NUL-terminated */
	size_t size;
	bool is_drop_in;
};

/*
 * The range of a token or value in its source file. Lines and columns are 1-based, columns count
 * characters. Each token has a range, so the fields are packed; GADGETFILE_MAX_SIZE limits their
 * values.
 */
struct text_range {
	const struct gadgetfile_source *source;
	uint64_t line : 21;	  /* 0: the whole file */
	uint64_t line_start : 21; /* offset of the line in the source's text */
	uint64_t column : 21;
	uint64_t end_column : 21; /* exclusive, on the same line */
	uint64_t order : 32; /* sort key: increases with the position in the text; an included file
				is sorted where it is included */
};
_Static_assert(GADGETFILE_MAX_SIZE < (1 << 21) - 1, "offsets, lines and columns fit");

/* The values are bits, so that a key can list the types that it accepts. */
enum node_type {
	NODE_BOOL = 1 << 0,
	NODE_INT = 1 << 1,
	NODE_FLOAT = 1 << 2,
	NODE_STRING = 1 << 3,
	NODE_GROUP = 1 << 4,
	NODE_LIST = 1 << 5,
	NODE_ARRAY = 1 << 6,
	NODE_BAD = 1 << 7, /* the setting has no value, because of a syntax error */
};

struct node {
	enum node_type type;
	bool bad;	  /* an error about the node was added; later checks skip the node */
	const char *name; /* NULL: an element of a list or array, or the root */
	struct text_range name_at, at;
	const char *text; /* a number as it is written in the file; a string with its escapes
			     replaced */
	int64_t integer;  /* NODE_INT; NODE_BOOL: 0 or 1 */
	double real;	  /* NODE_FLOAT and NODE_INT */
	struct node *parent, *first, *last, *next;
	size_t n; /* number of children */
};

#define node_foreach(child, parent_)                                                               \
	for (struct node *child = (parent_)->first; child; child = child->next)

/* Returns the setting with this name in a group; NULL: none. */
struct node *node_member(const struct node *group, const char *name);
/*
 * Returns the range to mark in a message about a whole setting: its name. An element of a list has
 * no name: returns the range of its value.
 */
const struct text_range *node_range(const struct node *node);
/* Returns the node as JSON, with U+FFFD for each byte that is not UTF-8. The caller owns it. */
json_t *node_to_json(const struct node *node);

/* Whether libconfig reads all files of a gadget as our parser does. */
enum libconfig_result { LIBCONFIG_NOT_ASKED, LIBCONFIG_AGREES, LIBCONFIG_DISAGREES };

struct token;
struct segment;
/* The state while a gadget file is read, and the result. */
struct scan {
	struct gadgetfile_source **sources; /* [0] is the main file */
	size_t n_sources;
	struct token *tokens; /* ends with TOKEN_END */
	size_t n_tokens, token_capacity;
	struct node *root; /* NULL: the text could not be parsed */
	char *expanded;	   /* the text with each @include line replaced by the included file, for
			      scan_ask_libconfig */
	size_t expanded_size, expanded_capacity;
	unsigned int expanded_line;
	struct segment
		*segments; /* for each range of lines of `expanded`, the lines of the source */
	size_t n_segments;
	size_t n_included; /* number of included files */
	size_t bytes;	   /* sum of the sizes of all sources */
	struct arena *arena;
	struct diags *diags;
	enum libconfig_result libconfig_result;
	enum gadgetfile_trust trust;
	unsigned int order;	 /* sort key of the last range (text_range.order) */
	bool has_stricter_error; /* at least one error is about a rule that only ffsctl has:
				    libconfig would accept the text */
	bool unparsable; /* the text has an unterminated string or comment, or exceeds a limit; it
			    is not parsed */
	bool include_noted; /* the note about relative includes was added */
	bool no_positions; /* the text was made from a document, so its positions are not those of a
			      file */
};

/*
 * Reads the gadget file `path` with its included files, and applies its drop-ins. `options` NULL:
 * the drop-ins of the file's directory. Returns 0 and sets s->root; if `diags` has errors, s->root
 * may be incomplete or NULL. Returns a negative errno with `err` set if the file cannot be read.
 * The caller calls scan_free in all cases.
 */
int scan_file(struct scan *s, const char *path, const struct gadgetfile_options *options,
	      struct diags *diags, struct error *err);
/* Like scan_file, for a text in memory without drop-ins; `path` need not exist. */
void scan_text(struct scan *s, const char *path, const char *text, size_t size,
	       struct diags *diags);
/*
 * Like scan_text, for a text that was made from a document. libconfig is not asked, because no
 * other program reads this text.
 */
void scan_document(struct scan *s, const char *path, const char *text, struct diags *diags);
/* Applies another text to s->root as a drop-in. */
void scan_text_as_drop_in(struct scan *s, const char *path, const char *text, size_t size);
void scan_free(struct scan *s);
#define _cleanup_scan_ _cleanup_(scan_free)

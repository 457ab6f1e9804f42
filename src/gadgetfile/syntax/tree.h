/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of a gadget file. It represents libconfig's language; the keys are in keys/. Each
 * node has the positions and the text of its name and value. libconfig's own parser is not used,
 * because it has no columns, stops at the first error, and wraps integers.
 */
#pragma once

#include "gadgetfile/gadgetfile.h"

#define GADGETFILE_MAX_SIZE (1024 * 1024) /* bytes, including included files and drop-ins */
#define GADGETFILE_MAX_TOKENS (256 * 1024)
#define GADGETFILE_MAX_NESTING 64
#define GADGETFILE_MAX_INCLUDE_DEPTH 10 /* limit of libconfig */
#define GADGETFILE_MAX_INCLUDES 256
/* libconfig compares each new name with all others of its group; this limits the time. */
#define GADGETFILE_MAX_GROUP 512

/* A source file: gadget file, included file or drop-in. */
struct gadgetfile_source {
	char *path; /* path as shown in messages */
	char *dir;  /* its directory, for relative paths; not empty */
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
	uint64_t order : 32;	  /* increases along the text, including included files */
};
_Static_assert(GADGETFILE_MAX_SIZE < (1 << 21) - 1, "offsets, lines and columns fit");

/* Bits, so that a key can list the types it accepts. */
enum node_type {
	NODE_BOOL = 1 << 0,
	NODE_INT = 1 << 1,
	NODE_FLOAT = 1 << 2,
	NODE_STRING = 1 << 3,
	NODE_GROUP = 1 << 4,
	NODE_LIST = 1 << 5,
	NODE_ARRAY = 1 << 6,
	NODE_BAD = 1 << 7, /* no value, because of a syntax error */
};

struct node {
	enum node_type type;
	bool bad;	  /* an error about it was added; later checks skip it */
	const char *name; /* NULL: an element of a list or array, or the root */
	struct text_range name_at, at;
	const char *text; /* of a number: as written; of a string: unescaped */
	int64_t integer;  /* NODE_INT; NODE_BOOL: 0 or 1 */
	double real;	  /* NODE_FLOAT and NODE_INT */
	struct node *parent, *first, *last, *next;
	size_t n; /* children */
};

#define node_foreach(child, parent_)                                                               \
	for (struct node *child = (parent_)->first; child; child = child->next)

/* Returns the setting with this name in a group; NULL: none. */
struct node *node_member(const struct node *group, const char *name);
/* Returns the range to mark for a whole setting: its name; for an element, the element. */
const struct text_range *node_range(const struct node *node);
/* Returns the node as JSON, with U+FFFD for each byte that is not UTF-8. The caller owns it. */
json_t *node_to_json(const struct node *node);

/* How libconfig reads the same files; all of them. */
enum witness { WITNESS_NOT_ASKED, WITNESS_AGREES, WITNESS_DISAGREES };

struct token;
struct segment;
struct scan {
	struct gadgetfile_source **sources; /* [0] is the main file */
	size_t n_sources;
	struct token *tokens; /* ends with TOKEN_END */
	size_t n_tokens, token_capacity;
	struct node *root; /* NULL: the text could not be parsed */
	char *expanded;	   /* text with files included, for scan_ask_libconfig */
	size_t expanded_size, expanded_capacity;
	unsigned int expanded_line;
	struct segment *segments; /* map lines of `expanded` to lines of sources */
	size_t n_segments;
	size_t n_included, bytes;
	struct arena *arena;
	struct diags *diags;
	enum witness witness;
	enum gadgetfile_trust trust;
	unsigned int order;
	bool has_stricter_error; /* an error is about a rule that only ffsctl has: libconfig would
			  accept the text */
	bool unparsable;	 /* unterminated string or comment, or a limit: do not parse */
	bool include_noted;	 /* the note about relative includes was added */
	bool no_positions;	 /* the text was made from a document: no positions in the file */
};

/*
 * Reads `path` with included files and applies its drop-ins; options NULL: those of its directory.
 * Returns 0 with s->root, or with errors in `diags` and maybe an incomplete s->root; -errno with
 * `err` set if the file cannot be read. The caller calls scan_free in all cases.
 */
int scan_file(struct scan *s, const char *path, const struct gadgetfile_options *options,
	      struct diags *diags, struct error *err);
/* Like scan_file, for a text in memory without drop-ins; `path` need not exist. */
void scan_text(struct scan *s, const char *path, const char *text, size_t size,
	       struct diags *diags);
/*
 * Scans the text of a document like scan_text, but without libconfig: no other program reads it.
 */
void scan_document(struct scan *s, const char *path, const char *text, struct diags *diags);
/* Applies another text to s->root as a drop-in. */
void scan_text_as_drop_in(struct scan *s, const char *path, const char *text, size_t size);
void scan_free(struct scan *s);
#define _cleanup_scan_ _cleanup_(scan_free)

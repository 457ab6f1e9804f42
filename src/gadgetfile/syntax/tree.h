/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a gadget file as a tree of settings. The tree knows libconfig's language, not the
 * keys of a gadget: those are in keys.h. Every node knows where its name and its value stand and
 * what was written there, which libconfig itself does not keep: it has no columns, stops at the
 * first error, and wraps integers.
 */
#pragma once

#include "gadgetfile/gadgetfile.h"

#define GADGETFILE_MAX_SIZE (1024 * 1024) /* bytes, with everything that is included */
#define GADGETFILE_MAX_TOKENS (256 * 1024)
#define GADGETFILE_MAX_NESTING 64
#define GADGETFILE_MAX_INCLUDE_DEPTH 10 /* libconfig's own */
#define GADGETFILE_MAX_INCLUDES 256
/* libconfig compares each new name with all others of its group: this bounds the time it takes. */
#define GADGETFILE_MAX_GROUP 512

/* One file that was read. */
struct gadgetfile_source {
	char *path; /* as the user would write it, for messages */
	char *dir;  /* its directory, for what is relative to it; "." at least */
	char *text; /* with a NUL after its end */
	size_t size;
	bool is_drop_in;
};

/*
 * Where something stands. Lines and columns are 1-based, columns count characters. There is one for
 * every word of a file, so that it is kept small: no source is larger than GADGETFILE_MAX_SIZE.
 */
struct text_range {
	const struct gadgetfile_source *source;
	uint64_t line : 21;	  /* 0: the file as a whole */
	uint64_t line_start : 21; /* the offset of the line in the source's text */
	uint64_t column : 21;
	uint64_t end_column : 21; /* exclusive, on the same line */
	uint64_t order : 32;	  /* grows along the text, through includes */
};
_Static_assert(GADGETFILE_MAX_SIZE < (1 << 21) - 1, "a place holds every offset, line and column");

/* Bits, so that a key can say which ones it takes. */
enum node_type {
	NODE_BOOL = 1 << 0,
	NODE_INT = 1 << 1,
	NODE_FLOAT = 1 << 2,
	NODE_STRING = 1 << 3,
	NODE_GROUP = 1 << 4,
	NODE_LIST = 1 << 5,
	NODE_ARRAY = 1 << 6,
	NODE_BAD = 1 << 7, /* a syntax error stood where the value should be */
};

struct node {
	enum node_type type;
	bool bad;	  /* an error about it has been reported: nothing more to say */
	const char *name; /* NULL: an element of a list or array, or the root */
	struct text_range name_at, at;
	const char *text; /* of a number: as written; of a string: what it means */
	int64_t integer;  /* NODE_INT; NODE_BOOL: 0 or 1 */
	double real;	  /* NODE_FLOAT, and NODE_INT as well */
	struct node *parent, *first, *last, *next;
	size_t n; /* children */
};

#define node_foreach(child, parent_)                                                               \
	for (struct node *child = (parent_)->first; child; child = child->next)

/* The setting of that name in a group; NULL: there is none. */
struct node *node_member(const struct node *group, const char *name);
/* Where to point at for a setting as a whole: its name, or an element itself. */
const struct text_range *node_range(const struct node *node);
/* The node as JSON; a string that is not UTF-8 has U+FFFD for each wrong byte. */
json_t *node_to_json(const struct node *node);

struct token;
struct segment;
struct scan {
	struct gadgetfile_source **sources; /* [0] is the main file */
	size_t n_sources;
	struct token *tokens; /* ends with TOKEN_END */
	size_t n_tokens, token_capacity;
	struct node *root; /* NULL: the text could not be parsed at all */
	char *expanded;	   /* the text without its @include lines, for scan_ask_libconfig */
	size_t expanded_size, expanded_capacity;
	unsigned int expanded_line;
	struct segment *segments; /* which expanded line stands where */
	size_t n_segments;
	size_t n_included, bytes;
	struct arena *arena;
	struct diags *diags;
	enum gadgetfile_trust trust;
	unsigned int order;
	bool stricter;	/* some error is ours: libconfig itself would take the text */
	bool overruled; /* libconfig refused what was right here: a mistake in the scanner */
	bool hopeless;	/* a string or comment without end: no use in parsing */
	bool include_noted;
	bool formless; /* the text is not the file's own: nothing in it has a place there */
};

/*
 * Reads `path` and what it includes, and lays its drop-ins over it (options NULL: of its own
 * directory). Returns 0 with s->root, or with errors in `diags` (then root
 * may be there as well, as far as it could be understood); -errno with `err` filled if the file
 * itself cannot be read. The caller calls scan_free in each case.
 */
int scan_file(struct scan *s, const char *path, const struct gadgetfile_options *options,
	      struct diags *diags, struct error *err);
/* The same for a text that is already there; `path` need not exist, and there are no drop-ins. */
void scan_text(struct scan *s, const char *path, const char *text, size_t size,
	       struct diags *diags);
/* Lays another text over it, as a drop-in. */
void scan_text_over(struct scan *s, const char *path, const char *text, size_t size);
void scan_free(struct scan *s);
#define _cleanup_scan_ _cleanup_(scan_free)

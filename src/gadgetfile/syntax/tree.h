/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of a gadget file. It represents the language of libconfig; keys/ defines what the
 * settings mean. Each node has the positions and the text of its name and value. libconfig's own
 * parser is not used, because it reports no columns, stops at the first error, and wraps integers
 * above INT32_MAX.
 */
#pragma once

#include "gadgetfile/gadgetfile.h"

#define GADGETFILE_MAX_TOKENS (256 * 1024)
#define GADGETFILE_MAX_NESTING 64
#define GADGETFILE_MAX_INCLUDE_DEPTH 10 /* libconfig has the same limit */
#define GADGETFILE_MAX_INCLUDES 256
/*
 * Maximum number of settings in a group. It limits the time that libconfig needs, because libconfig
 * compares each new name with all other names in its group.
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
 * characters. The fields are packed to save memory, because each token has a range;
 * GADGETFILE_MAX_SIZE limits their values.
 */
struct text_range {
	const struct gadgetfile_source *source;
	uint64_t line : 21;		 /* 0: the whole file */
	uint64_t line_start_offset : 21; /* offset of the line in the source's text */
	uint64_t column : 21;
	uint64_t end_column : 21;    /* exclusive, on the same line */
	uint64_t order_in_text : 32; /* see diag.order_in_text */
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
	bool has_error;	  /* an error about the node was added, so later checks skip the node */
	const char *name; /* name of the setting; NULL: the node is an element of a list or array,
			     or the root */
	struct text_range name_at, at; /* of the name and of the value */
	const char *text; /* NODE_INT and NODE_FLOAT: the number as it is written in the file;
			     NODE_STRING: the string with its escapes replaced */
	size_t text_size; /* bytes of the text of a NODE_STRING; more than its strlen if it contains
			     NUL bytes */
	int64_t integer;  /* value of a NODE_INT; 0 or 1 for a NODE_BOOL */
	double real;	  /* value of a NODE_FLOAT or NODE_INT */
	struct node *parent, *first_child, *last_child;
	struct node *next; /* next child of the same parent */
	size_t n_children;
};

struct scan;

#define node_foreach(child, parent_)                                                               \
	for (struct node *child = (parent_)->first_child; child; child = child->next)

/* Returns the setting with this name in a group; NULL: none. */
struct node *node_member(const struct node *group, const char *name);
/*
 * Returns the text to mark in a message about a whole setting: the setting's name. An element of a
 * list has no name: for it, returns the range of the value.
 */
const struct text_range *node_range_to_mark(const struct node *node);
/* Turns a value into a list whose only element is that value. */
void node_wrap_in_list(struct scan *s, struct node *node);
/* Turns a value into a string; copies `text`. */
void node_set_text(struct scan *s, struct node *node, const char *text);
/* Turns a value into a list of integers. */
void node_set_byte_list(struct scan *s, struct node *node, const uint8_t *bytes, size_t n);
/*
 * Adds an error for each string below the node that contains NUL bytes. Returns whether there is no
 * such string.
 */
bool node_check_nul_bytes(struct scan *s, const struct node *node);
/* Returns the node as JSON, with U+FFFD for each byte that is not UTF-8. The caller owns it. */
json_t *node_to_json(const struct node *node);

/* Result of scan_compare_with_libconfig for all files of a gadget together. */
enum libconfig_comparison { LIBCONFIG_NOT_COMPARED, LIBCONFIG_AGREES, LIBCONFIG_DISAGREES };

struct token;
struct text_segment;
/* The state while a gadget file is read, and the result. */
struct scan {
	struct gadgetfile_source **sources; /* all files that were read; [0] is the gadget file */
	size_t n_sources;
	struct token *tokens; /* ends with TOKEN_END */
	size_t n_tokens, token_capacity;
	struct node *root; /* NULL: the text could not be parsed */
	/*
	 * Text of the file or drop-in that is scanned, with each @include line replaced by the
	 * included file, for scan_compare_with_libconfig.
	 */
	char *text_with_includes;
	size_t text_with_includes_size, text_with_includes_capacity;
	unsigned int n_lines_with_includes;
	/* Files and lines from which the lines of `text_with_includes` were copied. */
	struct text_segment *text_segments;
	size_t n_text_segments;
	size_t n_included_files;
	size_t total_source_bytes; /* sum of the sizes of all sources, in bytes */
	struct arena *arena;
	struct diags *diags;
	enum libconfig_comparison comparison_with_libconfig;
	enum gadgetfile_trust trust;
	unsigned int last_order_in_text;   /* text_range.order_in_text of the range made last */
	bool has_error_in_valid_libconfig; /* at least one error was added by
					      scan_error_in_valid_libconfig */
	bool unparsable; /* the text is not parsed, because it has an unterminated string or
			    comment, or exceeds a limit */
	/* The note DIAG_RELATIVE about an included file was added. */
	bool relative_include_note_added;
	bool is_from_document; /* the text was made from a document, so its positions are not
				  positions in a file */
};

/*
 * Reads the gadget file `path` with its included files, and applies its drop-ins. If `options` is
 * NULL, only drop-ins in the directory of the file are used. Returns 0 and sets s->root; if `diags`
 * has errors, s->root may be incomplete or NULL. Returns a negative errno with `err` set if the
 * file cannot be read. The caller calls scan_free in all cases.
 */
int scan_file(struct scan *s, const char *path, const struct gadgetfile_options *options,
	      struct diags *diags, struct error *err);
/*
 * Like scan_file, but scans a text in memory and reads no drop-ins. Messages contain `path`, and
 * relative paths in the text are relative to its directory; the file need not exist.
 */
void scan_text(struct scan *s, const char *path, const char *text, size_t size,
	       struct diags *diags);
/*
 * Like scan_text, for a text that was made from a document. Does not call
 * scan_compare_with_libconfig, because no other program reads this text.
 */
void scan_text_of_document(struct scan *s, const char *path, const char *text, struct diags *diags);
/* Applies another text to s->root as a drop-in. */
void scan_text_as_drop_in(struct scan *s, const char *path, const char *text, size_t size);
void scan_free(struct scan *s);
#define _cleanup_scan_ _cleanup_(scan_free)

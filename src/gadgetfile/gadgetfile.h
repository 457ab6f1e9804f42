/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads gadget files: returns a struct gadget, or diagnostics. The loader changes nothing on the
 * system. It opens only the gadget file, its drop-ins, the files that these include, and the files
 * of the group `blob`.
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A message about one position. A note belongs to the error or warning before it. */
struct diag {
	enum diag_severity severity;
	char *text;		   /* one line without a final period */
	char *hint;		   /* what the user can do about the problem; NULL: no hint */
	const char *file;	   /* path as the user wrote it; struct diags owns it */
	unsigned int line, column; /* 1-based; a column counts characters; line 0: the whole file */
	unsigned int end_column;   /* end of the marked range on the same line, exclusive */
	const char *quoted_line; /* the line of the file without its newline; struct diags owns it;
				  NULL: the message is shown without the line */
	unsigned int order_in_text; /* increases with the position in the text; text of an included
				  file is sorted as if it were in place of the @include line */
};

struct diags {
	struct diag *list;
	size_t n;
	size_t n_errors, n_warnings;
	size_t last_added_plus_1; /* 1 + index of the message added last; 0: none was added since
			      the last diags_sort, or that message was dropped because of
			      DIAG_MAX_ERRORS */
	char **file_paths;	  /* strings to which diag.file points */
	size_t n_file_paths;
	char **quoted_lines; /* strings to which diag.quoted_line points */
	size_t n_quoted_lines;
};

void diags_free(struct diags *d);

/*
 * Adds a message after loading, when text_range is no longer available. Inserts it by its position
 * among the other messages, and reads the file again to show the line.
 */
void diags_add_at_position(struct diags *d, enum diag_severity severity, const struct position *at,
			   const char *fmt, ...) _printf_(4, 5);

/*
 * Sets the hint of the message added last: what the user can do about the problem. Does nothing if
 * that message has a hint already.
 */
void diags_hint(struct diags *d, const char *fmt, ...) _printf_(2, 3);
/* Returns the message as one line, "TEXT" or "TEXT; HINT". The caller frees it. */
char *diag_to_one_line(const struct diag *diag);

/*
 * DIAG_FORMAT_HUMAN: each message with its line of the file, and the hint on a separate line.
 * DIAG_FORMAT_GCC: one line for each message.
 */
enum diag_format { DIAG_FORMAT_HUMAN, DIAG_FORMAT_GCC };
enum diag_color { DIAG_PLAIN, DIAG_COLOR };
void diags_print(FILE *to, const struct diags *d, enum diag_format format, enum diag_color color);
/*
 * Returns the diagnostics as the JSON array "problems" (`ffsctl check --json`); the caller owns it.
 */
json_t *diags_to_json(const struct diags *d);

struct ffsctl_plugin;

/* How the loader gets the declarations of plugins, by which it validates the options of workers. */
struct gadgetfile_plugin_lookup {
	/*
	 * Returns the declaration of a plugin, given by name or absolute path: a struct
	 * ffsctl_plugin without callbacks, with transfer_size and depth set, which is valid while
	 * gadgetfile_load runs. NULL: the plugin is unknown, and its options are not validated.
	 */
	const struct ffsctl_plugin *(*find)(void *data, const char *plugin);
	void *data;
};

/* Which gadget files ffsctl reads if it runs as root; as another user it reads any file. */
enum gadgetfile_trust {
	GADGETFILE_TRUST_ALL,	     /* any file; for commands that only show its contents */
	GADGETFILE_TRUST_UNWRITABLE, /* files that only root and the owner of the file can write */
	GADGETFILE_TRUST_ROOT, /* files that only root can write, in directories that only root can
				  write */
};

struct gadgetfile_options {
	/*
	 * Argument of the option --name, which overrides the key `name` and its default; NULL: the
	 * option is not given.
	 */
	const char *overriding_gadget_name;
	/*
	 * Directories that may contain FILE.d, a directory with drop-ins for the gadget file FILE.
	 * Of two drop-ins with the same name, the one in the earlier directory is used. The array
	 * ends with NULL. NULL: only the directory of the gadget file.
	 */
	const char *const *drop_in_dirs;
	const struct gadgetfile_plugin_lookup *plugins; /* NULL: no declarations are available */
	enum gadgetfile_trust trust;
};

#define GADGETFILE_MAX_SIZE (1024 * 1024) /* bytes, including included files and drop-ins */

/* The path that means stdin, which must be a file. Relative paths in it begin at the working
   directory. */
#define GADGETFILE_STDIN "-"
#define GADGETFILE_STDIN_PATH "/dev/stdin"

/*
 * Reads a gadget file and its drop-ins (drop_in.c). Returns 0 and sets *out, which the caller
 * frees; `diags` may then have warnings and notes. Returns -EINVAL with *out == NULL if the file
 * has errors; `diags` then has at least one error. Returns another negative errno with `err` set if
 * the file cannot be read (exit code 66: no such file, 77: no permission, 74: I/O error). Messages
 * contain `path` as given. `json`, unless NULL, gets the document (schemas/gadget.schema.json) if
 * the syntax is valid; the caller owns it.
 */
int gadgetfile_load(const char *path, const struct gadgetfile_options *options, struct gadget **out,
		    json_t **json, struct diags *diags, struct error *err);

/* Suffixes of gadget files, in search order; ends with NULL. */
extern const char *const gadgetfile_suffixes[];
/*
 * Returns the path of the gadget file with this name in the first directory that has one; NULL: no
 * directory has one. The caller frees it. `dirs` ends with NULL, here and below.
 */
char *gadgetfile_find(const char *const *dirs, const char *name);
/*
 * Like gadgetfile_find, for a name that the file of gadget `g` contains: searches the directory of
 * that file before `dirs`, unless `dirs` contains it.
 */
char *gadgetfile_find_beside(const struct gadget *g, const char *const *dirs, const char *name);
/*
 * Sets `err` (EX_NOINPUT) for a `name` that gadgetfile_find_beside did not find; returns a negative
 * errno.
 */
int gadgetfile_error_file_not_found(const struct gadget *g, const char *name, struct error *err);
/* Returns whether `dir` is one of `dirs`, compared by inode. */
bool gadgetfile_is_dir_among(const char *const *dirs, const char *dir);
/* Resolves symbolic links in the mount points of a gadget, so that they match /proc/mounts. */
void gadgetfile_resolve_mount_symlinks(struct gadget *gadget);

/*
 * Like gadgetfile_load, and also calls gadgetfile_resolve_mount_symlinks. `name` is
 * gadgetfile_options.overriding_gadget_name. If the file is in one of the gadget directories
 * `dirs`, uses the drop-ins in all of them, and GADGETFILE_TRUST_ROOT instead of
 * GADGETFILE_TRUST_UNWRITABLE.
 */
int gadgetfile_load_with_dirs(const char *path, const char *name, const char *const *dirs,
			      const struct gadgetfile_plugin_lookup *plugins,
			      enum gadgetfile_trust trust, struct gadget **out, json_t **json,
			      struct diags *diags, struct error *err);

/* Returns whether `name` has only letters, digits and, after the first character, '.', '_', '-'. */
bool gadgetfile_is_gadget_name(const char *name);
/*
 * Returns the default of the key `name`: the name of the gadget file without its suffix. The caller
 * frees it.
 */
char *gadgetfile_default_name(const char *path);

/* Returns the default of the key `instance` of a function. The caller frees it. */
char *gadgetfile_default_instance(const char *type, const char *gadget, const char *label);
/*
 * Returns the label of a function that is defined inside a configuration: TYPE_INSTANCE, like
 * libusbgx's labels, with '_' for characters that a label cannot contain. The caller frees it.
 */
char *gadgetfile_inline_label(const char *type, const char *instance);

/*
 * Makes a gadget from a document. `name` is gadgetfile_options.overriding_gadget_name. `path` is
 * the absolute path of the gadget file, which need not exist. Every position in the gadget is line
 * 1, column 1. Sets `err` (EX_DATAERR) if the document is not valid for this version of ffsctl.
 */
int gadgetfile_load_document(const json_t *document, const char *path, const char *name,
			     struct gadget **out, struct error *err);

struct gadgetfile_text {
	const char *path; /* name of the text in messages */
	const char *text;
	size_t size; /* bytes */
};

/* Loads a gadget from texts in memory: the first is the gadget file, the others are drop-ins. */
int gadgetfile_load_texts(const struct gadgetfile_text *texts, size_t n, struct gadget **out,
			  json_t **json, struct diags *diags);
/* Loads a gadget from a text in memory. `path`: name of the text in messages. */
int gadgetfile_load_text(const char *path, const char *text, size_t size, struct gadget **out,
			 json_t **json, struct diags *diags);

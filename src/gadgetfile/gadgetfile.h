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
	const char *source; /* text of the line without newline; struct diags owns it; NULL: not
			       shown */
	unsigned int order; /* sort key: increases with the position in the text; an included file
			       is sorted where it is included */
};

struct diags {
	struct diag *list;
	size_t n;
	size_t n_errors, n_warnings;
	size_t last_added; /* 1 + index of the message added last; 0: that message was dropped */
	char **files;	   /* diag.file points to these */
	size_t n_files;
	char **lines; /* diag.source points to these */
	size_t n_lines;
};

void diags_free(struct diags *d);

/*
 * Adds a message about a loaded gadget, sorted by position among the other messages. Reads the file
 * again to show the line.
 */
void diags_add(struct diags *d, enum diag_severity severity, const struct position *at,
	       const char *fmt, ...) _printf_(4, 5);

/*
 * Sets the hint of the message added last, unless it has a hint: what the user can do about the
 * problem.
 */
void diags_hint(struct diags *d, const char *fmt, ...) _printf_(2, 3);
/* Returns the message as one line, "TEXT" or "TEXT; HINT". The caller frees it. */
char *diag_line(const struct diag *diag);

/*
 * DIAG_FORMAT_HUMAN: each message with its line of the file, and the hint on a separate line.
 * DIAG_FORMAT_GCC: one line for each message.
 */
enum diag_format { DIAG_FORMAT_HUMAN, DIAG_FORMAT_GCC };
enum diag_color { DIAG_PLAIN, DIAG_COLOR };
void diags_print(FILE *to, const struct diags *d, enum diag_format format, enum diag_color color);
/* Returns the diagnostics as the JSON array "problems" (`ffsctl check --json`); the caller owns it.
 */
json_t *diags_to_json(const struct diags *d);

struct ffsctl_plugin;

/* How the loader gets the declarations of plugins. It validates worker options against them. */
struct gadgetfile_plugins {
	/*
	 * Returns the declaration of a plugin, given by name or absolute path: a struct
	 * ffsctl_plugin without callbacks, with transfer_size and depth set, which is valid while
	 * gadgetfile_load runs. NULL: the plugin is unknown, and its options are not validated.
	 */
	const struct ffsctl_plugin *(*find)(void *data, const char *plugin);
	void *data;
};

/* Which files may be read by root; other users may read any file. */
enum gadgetfile_trust {
	GADGETFILE_TRUST_ALL,	     /* any file; only for commands that display it */
	GADGETFILE_TRUST_UNWRITABLE, /* files that only root and the owner of the file can write */
	GADGETFILE_TRUST_ROOT, /* files that only root can write, in directories that only root can
				  write */
};

struct gadgetfile_options {
	const char *name; /* option --name, which overrides the key `name` and its default; NULL: no
			     option */
	/*
	 * Directories to search for FILE.d with drop-ins; of two drop-ins with the same name, the
	 * one in the earlier directory is used. The array ends with NULL. NULL: only the directory
	 * of the gadget file.
	 */
	const char *const *drop_in_dirs;
	const struct gadgetfile_plugins *plugins; /* NULL: no declarations are available */
	enum gadgetfile_trust trust;
};

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
 * Like gadgetfile_find, for a name in the file of gadget `g`: first searches the directory of that
 * file, unless `dirs` contains it.
 */
char *gadgetfile_find_beside(const struct gadget *g, const char *const *dirs, const char *name);
/* Sets `err` (EX_NOINPUT) after gadgetfile_find_beside found no file; returns a negative errno. */
int gadgetfile_error_not_found(const struct gadget *g, const char *name, struct error *err);
/* Returns whether `dir` is one of `dirs`, compared by inode. */
bool gadgetfile_is_dir_among(const char *const *dirs, const char *dir);
/* Resolves symbolic links in the mount points of a gadget, so that they match /proc/mounts. */
void gadgetfile_resolve_mounts(struct gadget *gadget);

/*
 * Like gadgetfile_load, and also resolves mount points. If the file is in one of `dirs`, uses the
 * drop-ins in all of `dirs`, and GADGETFILE_TRUST_ROOT instead of GADGETFILE_TRUST_UNWRITABLE.
 */
int gadgetfile_load_found(const char *path, const char *name, const char *const *dirs,
			  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
			  struct gadget **out, json_t **json, struct diags *diags,
			  struct error *err);

/* Returns whether `name` has only letters, digits and, after the first character, '.', '_', '-'. */
bool gadgetfile_is_gadget_name(const char *name);
/*
 * Returns the default of key `name`: the name of the file without its suffix. The caller frees it.
 */
char *gadgetfile_default_name(const char *path);

/* Returns the default of key `instance`. The caller frees it. */
char *gadgetfile_default_instance(const char *type, const char *gadget, const char *label);

/*
 * Makes a gadget from a document. `path` is the absolute path of the gadget file, which need not
 * exist. Every position in the gadget is line 1, column 1. Sets `err` (EX_DATAERR) if the document
 * is not valid for this version of ffsctl.
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
/* Loads a gadget from a text in memory; messages call it `path`. */
int gadgetfile_load_text(const char *path, const char *text, size_t size, struct gadget **out,
			 json_t **json, struct diags *diags);

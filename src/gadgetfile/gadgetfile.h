/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads gadget files: returns a struct gadget, or diagnostics. Changes nothing on the system, and
 * opens only the gadget file, its drop-ins, and the files that these include.
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A message about one position. A note belongs to the error or warning before it. */
struct diag {
	enum diag_severity severity;
	char *text;		   /* one line, no final period */
	char *hint;		   /* what to do about it; NULL: none */
	const char *file;	   /* as the user wrote it; belongs to the diags */
	unsigned int line, column; /* 1-based; columns count characters; 0: the whole file */
	unsigned int end_column;   /* end of the marked range on the same line, exclusive */
	const char
		*source; /* text of the line, without newline; belongs to the diags; NULL: none */
	unsigned int order; /* increases along the text, including included files */
};

struct diags {
	struct diag *list;
	size_t n;
	size_t n_errors, n_warnings;
	size_t last;  /* 1 + index of the message that was added last; 0: it was dropped */
	char **files; /* diag.file points to these */
	size_t n_files;
	char **lines; /* diag.source points to these */
	size_t n_lines;
};

void diags_free(struct diags *d);

/*
 * Adds a message about a loaded gadget, sorted by position among the others. Reads the line to show
 * from the file again.
 */
void diags_add(struct diags *d, enum diag_severity severity, const struct position *at,
	       const char *fmt, ...) _printf_(4, 5);

/* Adds the hint of the last message, unless it has one: what to do about it. */
void diags_hint(struct diags *d, const char *fmt, ...) _printf_(2, 3);
/* Returns the message as one line, "TEXT" or "TEXT; HINT". The caller frees it. */
char *diag_line(const struct diag *diag);

/* For people with the line of the file, and the hint in a line of its own; or one line for each. */
enum diag_format { DIAG_FORMAT_HUMAN, DIAG_FORMAT_GCC };
enum diag_color { DIAG_PLAIN, DIAG_COLOR };
void diags_print(FILE *to, const struct diags *d, enum diag_format format, enum diag_color color);
/* Returns the diagnostics as the JSON array "problems" (`ffsctl check --json`); the caller owns it.
 */
json_t *diags_to_json(const struct diags *d);

struct ffsctl_plugin;

/*
 * Access to plugin declarations, against which worker options are validated.
 */
struct gadgetfile_plugins {
	/*
	 * Returns the declaration of a plugin, given by name or absolute path: struct ffsctl_plugin
	 * without callbacks, with size and depth set, valid while gadgetfile_load runs. NULL:
	 * unknown, the options are not validated.
	 */
	const struct ffsctl_plugin *(*find)(void *data, const char *plugin);
	void *data;
};

/* Which files may be read by root; other users may read any file. */
enum gadgetfile_trust {
	GADGETFILE_TRUST_ALL,	     /* any file: only to display it */
	GADGETFILE_TRUST_UNWRITABLE, /* files that only root and their owner can write */
	GADGETFILE_TRUST_ROOT,	     /* files that only root can write, in directories of root */
};

struct gadgetfile_options {
	const char *name; /* --name, overrides the name in the file and the default; NULL: none */
	/*
	 * Directories to search for FILE.d with drop-ins; of two with the same name the one in the
	 * first directory counts. Ends with NULL. NULL: the directory of the file.
	 */
	const char *const *drop_in_dirs;
	const struct gadgetfile_plugins *plugins; /* NULL: declarations are not available */
	enum gadgetfile_trust trust;
};

/*
 * Reads a gadget file and its drop-ins (drop_in.c). Returns 0 and *out, which the caller frees, and
 * adds any warnings and notes to `diags`; -EINVAL with *out == NULL and at least one error in
 * `diags`; or -errno with `err` set if the file cannot be read (exit 66 no such file, 77 no
 * permission, 74 I/O). Messages use `path` as given. `json`, unless NULL, gets the document
 * (schemas/gadget.schema.json) if the syntax is valid; the caller owns it.
 */
int gadgetfile_load(const char *path, const struct gadgetfile_options *options, struct gadget **out,
		    json_t **json, struct diags *diags, struct error *err);

/* Suffixes of gadget files, in search order; ends with NULL. */
extern const char *const gadgetfile_suffixes[];
/*
 * Returns the path of the gadget file with this name in the first directory that has one; NULL:
 * none. The caller frees it. `dirs` ends with NULL, here and below.
 */
char *gadgetfile_find(const char *const *dirs, const char *name);
/*
 * Like gadgetfile_find, for a name in the file of gadget `g`: searches the directory of that file
 * first, if it is not one of `dirs`.
 */
char *gadgetfile_find_beside(const struct gadget *g, const char *const *dirs, const char *name);
/* Fails with EX_NOINPUT: gadgetfile_find_beside has found none. */
int gadgetfile_none_beside(const struct gadget *g, const char *name, struct error *err);
/* Returns whether `dir` is one of `dirs`, compared by inode. */
bool gadgetfile_is_among(const char *const *dirs, const char *dir);
/* Resolves symbolic links in the mount points of a gadget, so that they match /proc/mounts. */
void gadgetfile_resolve_mounts(struct gadget *gadget);

/*
 * Like gadgetfile_load, and resolves mount points. If the file is in one of `dirs`, uses drop-ins
 * of all these, and GADGETFILE_TRUST_ROOT instead of GADGETFILE_TRUST_UNWRITABLE.
 */
int gadgetfile_load_found(const char *path, const char *name, const char *const *dirs,
			  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
			  struct gadget **out, json_t **json, struct diags *diags,
			  struct error *err);

/* Returns whether `name` has only letters, digits and, after the first character, '.', '_', '-'. */
bool gadgetfile_is_gadget_name(const char *name);
/* Returns the default of key `name`: the file's name without suffix. The caller frees it. */
char *gadgetfile_default_name(const char *path);

/* Returns the default of key `instance`. The caller frees it. */
char *gadgetfile_default_instance(const char *type, const char *gadget, const char *label);

/*
 * Makes a gadget from a document; the gadget file at `path`, an absolute path, need not exist.
 * Positions have no line. EX_DATAERR: the document is not valid for this version of ffsctl.
 */
int gadgetfile_load_document(const json_t *document, const char *path, const char *name,
			     struct gadget **out, struct error *err);

struct gadgetfile_text {
	const char *path; /* name in messages */
	const char *text;
	size_t size; /* bytes */
};

/* Loads a gadget from texts in memory: the first is the gadget file, the others are drop-ins. */
int gadgetfile_load_texts(const struct gadgetfile_text *texts, size_t n, struct gadget **out,
			  json_t **json, struct diags *diags);
/* Loads a gadget from a text in memory; messages call it `path`. */
int gadgetfile_load_text(const char *path, const char *text, size_t size, struct gadget **out,
			 json_t **json, struct diags *diags);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gadget file in, struct gadget or diagnostics out. Nothing here changes the machine; the only
 * files opened are the gadget file and what it includes.
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* One message about one place. A note belongs to the error or warning before it. */
struct diag {
	enum diag_severity severity;
	char *text;		   /* one line, no final period */
	const char *file;	   /* as the user wrote it; belongs to the diags */
	unsigned int line, column; /* 1-based; columns count characters; 0: the file as a whole */
	unsigned int end_column;   /* of the marked range, exclusive, on the same line */
	const char *source;	   /* the line, without its newline, as file; NULL: none */
	unsigned int order;	   /* grows along the text, through included files */
};

struct diags {
	struct diag *v;
	size_t n;
	size_t n_errors, n_warnings;
	char **files; /* what diag.file points at */
	size_t n_files;
	char **lines; /* what diag.source points at */
	size_t n_lines;
};

void diags_free(struct diags *d);

/*
 * Adds what was found out about a gadget after it was loaded, in its place among the others. Reads
 * the file again for the line that is shown.
 */
void diags_add(struct diags *d, enum diag_severity severity, const struct position *at,
	       const char *fmt, ...) _printf_(4, 5);

enum diag_format { DIAG_FORMAT_HUMAN, DIAG_FORMAT_GCC };
enum diag_color { DIAG_PLAIN, DIAG_COLOR };
void diags_print(FILE *to, const struct diags *d, enum diag_format format, enum diag_color color);
/* The diagnostics as the JSON array "problems" of cli.md; the caller owns it. */
json_t *diags_to_json(const struct diags *d);

struct ffsctl_plugin;

/*
 * Where a worker's options are checked against what its plugin declares. find() returns that
 * without its callbacks, as ffsctl/plugin.h has it, with size and depth filled in; it stays as long
 * as gadgetfile_load runs. NULL: nobody knows, and nothing is said.
 */
struct gadgetfile_plugins {
	/* `plugin`: a name, or an absolute path. */
	const struct ffsctl_plugin *(*find)(void *data, const char *plugin);
	void *data;
};

/* Whose files are read: what root acts on nobody else may have written. Of others' it is theirs. */
enum gadgetfile_trust {
	GADGETFILE_TRUST_ALL,	     /* to look at them */
	GADGETFILE_TRUST_UNWRITABLE, /* as root: those that only root and their owner may write */
	GADGETFILE_TRUST_ROOT,	     /* as root: root's own, in a directory of root's */
};

struct gadgetfile_options {
	const char *name; /* --name: takes the place of the file's and of the default; NULL: none */
	/*
	 * Where the directories with drop-ins are looked for, FILE.d; of two with one name that of
	 * the first counts. NULL at the end. NULL: the file's own directory.
	 */
	const char *const *drop_in_dirs;
	const struct gadgetfile_plugins *plugins; /* NULL: none is known */
	enum gadgetfile_trust trust;
};

/*
 * Reads a gadget file and its drop-ins (drop_in.c). Returns 0 and *out (the caller frees it), and
 * possibly warnings and notes in `diags`; -EINVAL with at least one error in `diags` and *out ==
 * NULL; or -errno with `err` filled when the file itself cannot be read (exit 66 no such file, 77
 * no permission, 74 I/O). `path` is used in messages as it is given. `json`, unless NULL, receives
 * the file's JSON form
 * (`check --json`, "files"; schemas/gadget.schema.json) whenever the syntax was right; the caller
 * owns it.
 */
int gadgetfile_load(const char *path, const struct gadgetfile_options *options, struct gadget **out,
		    json_t **json, struct diags *diags, struct error *err);

/* Of gadget files, in the order in which they are tried; ends with NULL. */
extern const char *const gadgetfile_suffixes[];
/* The gadget file of that name in the first of the directories that has one; NULL: none has. The
 * caller frees it. `dirs` ends with NULL, here and below. */
char *gadgetfile_find(const char *const *dirs, const char *name);
/* The same for a file that a gadget names: if its own is in none of these directories, what is
 * beside it comes first. */
char *gadgetfile_find_beside(const struct gadget *g, const char *const *dirs, const char *name);
/* Whether it is one of them, whatever it is called. */
bool gadgetfile_is_among(const char *const *dirs, const char *dir);
/* Makes the mount points of a gadget those that the kernel will list: without symbolic links. */
void gadgetfile_resolve_mounts(struct gadget *gadget);

/*
 * gadgetfile_load, with drop-ins also from the other directories if the file is in one of them;
 * then GADGETFILE_TRUST_UNWRITABLE becomes GADGETFILE_TRUST_ROOT.
 */
int gadgetfile_load_found(const char *path, const char *name, const char *const *dirs,
			  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
			  struct gadget **out, json_t **json, struct diags *diags,
			  struct error *err);

/* Letters, digits and, after the first, '.', '_' and '-': as the key `name` has it. */
bool gadgetfile_is_gadget_name(const char *name);
/* The key's default: the file's name without .conf or .scheme. The caller frees it. */
char *gadgetfile_default_name(const char *path);

/* The key `instance`'s default. The caller frees it. */
char *gadgetfile_default_instance(const char *type, const char *gadget, const char *label);

/*
 * A gadget from the JSON form of its file, which need not be there any more: places are at the
 * file's beginning. `path` is absolute, as in struct gadget. EX_DATAERR: this version of ffsctl
 * does not take it.
 */
int gadgetfile_load_document(const json_t *form, const char *path, const char *name,
			     struct gadget **out, struct error *err);

struct gadgetfile_text {
	const char *path; /* only what messages call it */
	const char *text;
	size_t size;
};

/* The same for texts that are in memory; all but the first are drop-ins. */
int gadgetfile_load_texts(const struct gadgetfile_text *texts, size_t n, struct gadget **out,
			  json_t **json, struct diags *diags);
/* The same for a text that is in memory; `path` is only what messages call it. */
int gadgetfile_load_text(const char *path, const char *text, size_t size, struct gadget **out,
			 json_t **json, struct diags *diags);

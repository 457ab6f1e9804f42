/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands. Each is one file that ends in one constant struct, listed in src/ffsctl.c. A command
 * parses its own options (getopt_long, argv[0] is its name) and returns the exit code of cli.md.
 * All printing for people is done here.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/paths.h"
#include "client/client.h"
#include "gadgetfile/gadgetfile.h"

struct command;
struct globals {
	struct paths paths;
	/* Where names are looked up; the first is --dir, NULL without it; ends with NULL. */
	const char *dirs[5];
	enum diag_color color;
	/* All commands, and the lines of --help about the options before them; for completion. */
	const struct command *const *commands;
	const char *options;
};

/* What an argument may be, for completion. */
enum cmd_words {
	CMD_WORDS_NONE,
	CMD_WORDS_FILES,       /* gadget files that have a name, or any file */
	CMD_WORDS_GADGETS,     /* ours */
	CMD_WORDS_ALL_GADGETS, /* and those of others */
	CMD_WORDS_FUNCTIONS,   /* of the gadget before it */
	CMD_WORDS_UDCS,
	CMD_WORDS_SCHEMAS,
	CMD_WORDS_PLUGINS,
	CMD_WORDS_SHELLS,
};

struct command {
	const char *name;
	const char *alias;	 /* another name; NULL: none */
	const char *args;	 /* of the usage line */
	const char *summary;	 /* half a line */
	const char *options;	 /* lines for --help, which completion reads as well; NULL: none */
	enum cmd_words words[2]; /* the first and the second argument */
	bool repeats;		 /* all others are as the first */
	int (*run)(const struct globals *globals, int argc, char **argv);
};

extern const struct command cmd_bind, cmd_check, cmd_completion, cmd_descriptors, cmd_down,
	cmd_export, cmd_features, cmd_list, cmd_log, cmd_plugins, cmd_reexec, cmd_reload,
	cmd_restart, cmd_run, cmd_schema, cmd_status, cmd_udc, cmd_unbind, cmd_up, cmd_wait;

/* Of no use to people. */
extern const struct command cmd_resume;

/* All of them, in the order of --help; ends with NULL. */
extern const struct command *const cmd_all[];
/* Lines for --help, as a command's. */
extern const char cmd_global_options[];

/* --- usage: all return EX_USAGE, but cmd_help --- */

/* "ffsctl COMMAND: TEXT" and a pointer to --help. */
int cmd_usage(const struct command *command, const char *fmt, ...) _printf_(2, 3);
/* After getopt_long has said '?' or ':'. With opterr = 0 it leaves the words to us. */
int cmd_bad_option(const struct command *command, char *const *argv);
/* --help: on stdout; returns 0. */
int cmd_help(const struct command *command);
/*
 * The options of a command that has no other than --help, and --json where `json` is not NULL.
 * False: there is nothing more to do, and that is the exit code.
 */
bool cmd_simple_options(const struct command *command, int argc, char **argv, bool *json,
			int *exit);
/* A number of seconds, 0 or more; false: it is none. */
bool cmd_parse_seconds(const char *text, double *seconds);
/* The number of a descriptor other than those of stdio; false: it is none. */
bool cmd_parse_descriptor(const char *text, int *fd);

/* --- gadget files --- */

/* Whether an argument is a path: it has a '/', or ends in .conf or .scheme. */
bool cmd_is_path(const char *argument);
/* Where names are looked up: ends with NULL. */
const char *const *cmd_dirs(const struct globals *globals);
/* "A, B or C": where names are looked up, in words. The caller frees it. */
char *cmd_directories(const struct globals *globals);

struct cmd_file {
	char *name; /* by which it is found: its own without the suffix */
	char *path;
};

struct cmd_files {
	struct cmd_file *v;
	size_t n;
};

/*
 * Every gadget file that can be named, sorted; those that another one of that name hides are left
 * out. What was found is in `files` also when it fails.
 */
int cmd_list_files(const struct globals *globals, struct cmd_files *files, struct error *err);
void cmd_files_free(struct cmd_files *files);
#define _cleanup_files_ _cleanup_(cmd_files_free)

struct cmd_names {
	char **v;
	size_t n;
};

/* The plugins that are installed, by the names that gadget files have for them, sorted. */
int cmd_list_plugins(struct cmd_names *names, struct error *err);
void cmd_names_free(struct cmd_names *names);
#define _cleanup_names_ _cleanup_(cmd_names_free)

/*
 * The path for an argument: a path itself (with '/', or ending in .conf or .scheme), or a name
 * that is looked up in the directories of cli.md. The caller frees it. EX_NOINPUT.
 */
int cmd_find_file(const struct globals *globals, const char *argument, char **path,
		  struct error *err);

/*
 * Loads a gadget file and prints its diagnostics on stderr (with `json`, which then goes into the
 * document, they are kept instead). 0, or an exit code, in which case err or diags hold the reason.
 */
int cmd_load(const struct globals *globals, const char *argument, const char *name,
	     enum gadgetfile_trust trust, struct gadget **gadget, json_t **form,
	     struct diags *diags, struct error *err);
/* gadgetfile_load_found. `plugins` NULL: what workers' plugins declare does not matter. */
int cmd_load_path(const struct globals *globals, const char *path, const char *name,
		  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
		  struct gadget **gadget, json_t **form, struct diags *diags, struct error *err);

/*
 * A worker that ended before it was ready (76) may have been given what its plugin does not take:
 * then the file is at fault, its errors are told as by `check`, and err's exit is 65. Plugins are
 * not asked before, as that takes time. The errors are added to `diags`; NULL: they are printed.
 */
void cmd_explain_worker(const struct globals *globals, const char *file, const char *name,
			struct diags *diags, struct error *err);

/*
 * The name of the gadget that an argument means: itself, or, of a path, that of the gadget that
 * came from this file, if one did, else the name that the file gives. EX_NOINPUT: there is no such
 * file; EX_DATAERR: it has errors. The caller frees it.
 */
int cmd_gadget_name(const struct globals *globals, const char *argument, char **name,
		    struct error *err);
/* The same of gadgets of others as well, whose name may be one that no gadget file could have. */
int cmd_any_gadget_name(const struct globals *globals, const char *argument, char **name,
			struct error *err);
/* The name of the gadget that came from the file at that path, which need not exist any more; NULL:
 * none did. EX_USAGE: it may be one or the other. The caller frees it. */
int cmd_recorded_name(const struct globals *globals, const char *path, char **name,
		      struct error *err);

/* --- output --- */

/* Prints them, and the newline that the last one may lack. */
void cmd_print_lines(FILE *to, const char *lines);

/* Prints an error in its one form and returns its exit code. */
int cmd_print_error(const struct error *err);
/* The same about a gadget, as the journal is told; NULL: none. */
int cmd_print_error_about(const char *gadget, const struct error *err);
/* CLIENT_TAKEN_OVER in words. */
void cmd_say_taken_over(const char *gadget);
/*
 * For a command on several gadgets, which goes on after a failure: the first error is kept in
 * `first`, any further one is printed. The caller clears both.
 */
void cmd_keep_error(struct error *first, struct error *err);

/*
 * The one JSON document of a command: {"ffsctl", "gadgets", "errors"}, on stdout also on failure.
 * `gadgets` (taken over) NULL: none; `err` may be NULL or empty; `diags` may be NULL. Returns
 * `exit`.
 */
int cmd_print_json(json_t *gadgets, const struct error *err, const struct diags *diags, int exit);
/* {"ffsctl": {"schema": 1, "version"}}; the caller owns it. */
json_t *cmd_json_document(void);
/* "errors" of a document: of one, or (NULL, or an empty one) of none. */
json_t *cmd_errors(const struct error *err);
/* Writes it to stdout and drops it. Returns `exit`, or EX_IOERR when stdout does not take it. */
int cmd_print_document(json_t *document, int exit);

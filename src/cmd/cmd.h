/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands, which commands.h lists. Each is a file that ends with a constant struct, or a row
 * of that list. A command parses its options (getopt_long, argv[0] is its name) and returns the
 * exit status (ffsctl(8), "EXIT STATUS"). All output for users is printed in this directory.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/paths.h"
#include "client/client.h"
#include "cmd/commands.h"
#include "gadgetfile/gadgetfile.h"

struct command;

/* An option whose value is one of some words; for completion. */
struct cmd_choices {
	const char *option;
	const char *const *words; /* NULL: not a word */
	size_t n;
};

struct globals {
	struct paths paths;
	/* Directories with gadget files; the first is --dir or NULL; ends with NULL. */
	const char *dirs[5];
	enum diag_color color;
	const struct command *command; /* the one that runs */
	/* All commands, and the global options: text of --help and choices; for completion. */
	const struct command *const *commands;
	const char *options;
	const struct cmd_choices *choices;
};

/* The kind of an argument, for completion. */
enum cmd_words {
	CMD_WORDS_NONE,
	CMD_WORDS_FILES,       /* names of gadget files, or any file */
	CMD_WORDS_GADGETS,     /* gadgets of ffsctl */
	CMD_WORDS_ALL_GADGETS, /* all gadgets in configfs */
	CMD_WORDS_FUNCTIONS,   /* functions of the gadget before it */
	CMD_WORDS_UDCS,
	CMD_WORDS_SCHEMAS,
	CMD_WORDS_PLUGINS,
	CMD_WORDS_SHELLS,
};

/* What a command sends to the supervisor, and how it prints the reply. */
struct cmd_request_row {
	enum control_command command;
	size_t argument;      /* offset of the text in struct control_request that the second
				 argument sets; 0: there is none */
	const char *option;   /* an option that sets it, too; NULL: none */
	const char *expected; /* what the error for wrong arguments says was expected; NULL: "one
				 gadget" */
	bool takes_over;      /* a gadget whose supervisor died is taken over first */
	/* Printed after the gadget's name; `unchanged`, unless it is NULL, if nothing changed */
	const char *done, *unchanged;
	/* Prints the reply in another way; `value`: the second argument, or NULL */
	void (*print)(const char *gadget, const char *value, const struct control_answer *answer);
};

struct command {
	const char *name;
	const char *alias;		   /* second name; NULL: none */
	const char *args;		   /* arguments in the usage line */
	const char *summary;		   /* description in the list of commands */
	const char *options;		   /* text of --help, also used by completion; NULL: none */
	enum cmd_words words[2];	   /* kinds of the first and the second argument */
	bool repeats;			   /* all arguments are of the first kind */
	const struct cmd_choices *choices; /* ends with an option NULL; NULL: none */
	struct cmd_request_row request;	   /* if `run` is cmd_request */
	int (*run)(const struct globals *globals, int argc, char **argv);
};

/* Internal: cmd_resume, executed by `reexec`; and those of the list. */
#define DECLARE_COMMAND(name) , cmd_##name
#define DECLARE_NOTHING(...)
extern const struct command cmd_resume COMMANDS(DECLARE_COMMAND, DECLARE_NOTHING);
#undef DECLARE_COMMAND
#undef DECLARE_NOTHING

/* All commands except cmd_resume, in the order of --help; ends with NULL. */
extern const struct command *const cmd_all[];
/* The --help text of the global options, and those with a choice of words. */
extern const char cmd_global_options[];
extern const struct cmd_choices cmd_global_choices[];

/* --- Usage; all functions except cmd_help return EX_USAGE. --- */

/* Prints "ffsctl COMMAND: TEXT" with a pointer to --help. */
int cmd_usage(const struct command *command, const char *fmt, ...) _printf_(2, 3);
/* Prints the error for an option that getopt_long has refused, or that the command lacks. */
int cmd_bad_option(const struct command *command, char *const *argv);
/* Returns the text of that error for options with this --help text. The caller frees it. */
char *cmd_bad_option_text(const char *options, char *const *argv);
/* Prints the help of a command on stdout; returns 0. */
int cmd_help(const struct command *command);
/*
 * Parses the options of a command that has only --help, and --json unless `json` is NULL. Returns
 * false if the command must exit with *exit.
 */
bool cmd_simple_options(const struct command *command, int argc, char **argv, bool *json,
			int *exit);
/* Gets the value of an option, a number of seconds, 0 or more. Returns 0 or EX_USAGE. */
int cmd_seconds_option(const struct command *command, const char *option, double *seconds);
/* Gets the number of a descriptor from 3 on; false: not one. */
bool cmd_parse_descriptor(const char *text, int *fd);

/* --- gadget files --- */

/* Returns whether an argument is a path: it contains '/', or ends in .conf or .scheme. */
bool cmd_is_path(const char *argument);
/* Returns the directories with gadget files; ends with NULL. */
const char *const *cmd_dirs(const struct globals *globals);
/* Returns these directories as text: "A, B or C". The caller frees it. */
char *cmd_directories(const struct globals *globals);

struct cmd_file {
	char *name; /* file name without suffix */
	char *path;
};

struct cmd_files {
	struct cmd_file *list;
	size_t n;
};

/*
 * Lists the gadget files in the directories, sorted by name; of two with one name only the first.
 * Also on failure, `files` has those found so far.
 */
int cmd_list_files(const struct globals *globals, struct cmd_files *files, struct error *err);
void cmd_files_free(struct cmd_files *files);
#define _cleanup_files_ _cleanup_(cmd_files_free)

struct cmd_names {
	char **list;
	size_t n;
};

/* Lists the names of the installed plugins, sorted. */
int cmd_list_plugins(struct cmd_names *names, struct error *err);
void cmd_names_free(struct cmd_names *names);
#define _cleanup_names_ _cleanup_(cmd_names_free)

/*
 * Gets the path of the gadget file for an argument: a path (cmd_is_path), or a name in the
 * directories. The caller frees it. EX_NOINPUT.
 */
int cmd_find_file(const struct globals *globals, const char *argument, char **path,
		  struct error *err);

/*
 * Loads the gadget file of an argument (cmd_find_file). Returns 0, or an exit status with the
 * reason in `err` or `diags`. The caller prints `diags`.
 */
int cmd_load(const struct globals *globals, const char *argument, const char *name,
	     enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
	     struct diags *diags, struct error *err);
/* Calls gadgetfile_load_found. `plugins` NULL: worker options are not validated. */
int cmd_load_path(const struct globals *globals, const char *path, const char *name,
		  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
		  struct gadget **gadget, json_t **document, struct diags *diags,
		  struct error *err);

/*
 * Called after `up` or `reload` failed: if a worker ended before it was ready (76), validates the
 * workers' options against their plugins, which takes too long to do before. If that finds errors,
 * adds them to `diags` (NULL: prints them) and sets err->exit to 65.
 */
void cmd_explain_worker(const struct globals *globals, const char *file, const char *name,
			struct diags *diags, struct error *err);

/*
 * Gets the gadget's name for an argument, a name or a path. For a path: the name of the gadget that
 * is up from this file, else the name in the file. The caller frees it. EX_NOINPUT: no such file;
 * EX_DATAERR: the file has errors.
 */
int cmd_gadget_name(const struct globals *globals, const char *argument, char **name,
		    struct error *err);
/* Like cmd_gadget_name, also for names of foreign gadgets that no gadget file can have. */
int cmd_any_gadget_name(const struct globals *globals, const char *argument, char **name,
			struct error *err);
/*
 * Gets the name of the gadget that is up from the file at a path, which need not exist any more;
 * NULL: none. The caller frees it. EX_USAGE: several gadgets are up from it.
 */
int cmd_recorded_name(const struct globals *globals, const char *path, char **name,
		      struct error *err);

/* --- output --- */

/* Prints lines; adds a newline if the last one lacks it. */
void cmd_print_lines(FILE *to, const char *lines);

/* Prints an error and returns its exit status. */
int cmd_print_error(const struct error *err);
/* Sets the error of a document whose "problems" have the errors of a gadget file. */
void cmd_file_has_errors(const char *file, struct error *err);
/* Like cmd_print_error, with the gadget as a field of the journal; NULL: none. */
int cmd_print_error_about(const char *gadget, const struct error *err);
/* Prints the message for CLIENT_TAKEN_OVER. */
void cmd_print_taken_over(const char *gadget);
/*
 * For a command on several gadgets that continues after a failure: moves the first error to
 * `first`, and prints later ones. The caller clears both.
 */
void cmd_keep_error(struct error *first, struct error *err);

/*
 * Prints the JSON document of a command, {"ffsctl", "gadgets", "errors"}, on stdout. Takes
 * ownership of `gadgets`; NULL: none. `err` may be NULL or empty, `diags` NULL. Returns the exit
 * status.
 */
int cmd_print_json(json_t *gadgets, const struct error *err, const struct diags *diags, int exit);
/* Returns {"ffsctl": {"schema": 1, "version"}}; the caller owns it. */
json_t *cmd_json_output(void);
/* Returns the "errors" of a document; `err` may be NULL or empty. The caller owns it. */
json_t *cmd_errors(const struct error *err);
/* Writes a document to stdout and frees it. Returns `exit`; EX_IOERR: cannot write it. */
int cmd_print_document(json_t *document, int exit);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands, which commands.h lists. Each command is a file that ends with a constant struct, or
 * only a row of that list. A command parses its options with getopt_long (argv[0] is the command's
 * name) and returns the exit status (ffsctl(8), "EXIT STATUS"). All output for users is printed in
 * this directory.
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

/* An option that takes only certain words as its value; for completion. */
struct cmd_choices {
	const char *option;
	const char *const *words; /* the words; an element may be NULL and is ignored */
	size_t n;
};

struct globals {
	struct paths paths;
	/* Directories with gadget files. The first is --dir or NULL; a NULL ends the list. */
	const char *dirs[5];
	enum diag_color color;
	const struct command *command; /* the command that runs */
	/* For completion. */
	const struct command *const *commands; /* all commands; ends with NULL */
	const char *options;		       /* the --help text of the global options */
	const struct cmd_choices *choices;     /* global options that take only certain words */
};

/* The kind of an argument, for completion. */
enum cmd_words {
	CMD_WORDS_NONE,
	CMD_WORDS_FILES,       /* names of gadget files, or paths of any file */
	CMD_WORDS_GADGETS,     /* gadgets that ffsctl made */
	CMD_WORDS_ALL_GADGETS, /* all gadgets in configfs */
	CMD_WORDS_FUNCTIONS,   /* functions of the gadget that the argument before names */
	CMD_WORDS_UDCS,
	CMD_WORDS_SCHEMAS,
	CMD_WORDS_PLUGINS,
	CMD_WORDS_SHELLS,
};

/* The request that a command sends to the supervisor, and how the command prints the answer. */
struct cmd_request_row {
	enum control_command command;
	size_t argument;      /* offset of the member of struct socket_request that the second
				 argument sets; 0: there is no second argument */
	const char *option;   /* an option that sets the member `argument`, too; NULL: none */
	const char *expected; /* the expected arguments, for the error; NULL: "one gadget" */
	bool takes_over;      /* if the supervisor has died, the gadget is taken over first */
	/* Text after the gadget's name. `unchanged` if nothing changed; NULL: also then `done`. */
	const char *done, *unchanged;
	/* Prints the answer instead of these texts. `value` is the second argument, or NULL. */
	void (*print)(const char *gadget, const char *value, const struct socket_answer *answer);
};

struct command {
	const char *name;
	const char *alias;		   /* second name; NULL: none */
	const char *args;		   /* arguments in the usage line */
	const char *summary;		   /* description in the list of commands */
	const char *options;		   /* text of --help, also used by completion; NULL: none */
	enum cmd_words words[2];	   /* kinds of the first and the second argument */
	bool repeats;			   /* all arguments are of the first kind */
	const struct cmd_choices *choices; /* the last one has an option NULL; NULL: none */
	struct cmd_request_row request;	   /* only used if `run` is cmd_request */
	int (*run)(const struct globals *globals, int argc, char **argv);
};

/* The internal command cmd_resume, which `reexec` executes, and the commands of the list. */
#define DECLARE_COMMAND(name) , cmd_##name
#define DECLARE_NOTHING(...)
extern const struct command cmd_resume COMMANDS(DECLARE_COMMAND, DECLARE_NOTHING);
#undef DECLARE_COMMAND
#undef DECLARE_NOTHING

/* All commands except cmd_resume, in the order of --help; ends with NULL. */
extern const struct command *const cmd_all[];
/* The --help text of the global options, and those that take only certain words. */
extern const char cmd_global_options[];
extern const struct cmd_choices cmd_global_choices[];

/* --- Usage; all functions except cmd_help return EX_USAGE. --- */

/* Prints "ffsctl COMMAND: TEXT" with a pointer to --help. */
int cmd_usage(const struct command *command, const char *fmt, ...) _printf_(2, 3);
/*
 * Prints the error for an option that getopt_long has refused, or that the command does not have.
 */
int cmd_bad_option(const struct command *command, char *const *argv);
/*
 * Returns the text of that error. `options` is the --help text that lists the options. The caller
 * frees the text.
 */
char *cmd_bad_option_text(const char *options, char *const *argv);
/* Prints the help of a command on stdout; returns 0. */
int cmd_help(const struct command *command);
/*
 * Parses the options of a command that has only --help and --json; `json` NULL: only --help.
 * Returns false if the command must end with the exit status *exit.
 */
bool cmd_parse_help_and_json(const struct command *command, int argc, char **argv, bool *json,
			     int *exit);
/* Parses the value of an option as seconds, which must not be negative. Returns 0 or EX_USAGE. */
int cmd_seconds_option(const struct command *command, const char *option, double *seconds);
/* Parses the number of a descriptor. Returns false if it is not a number or is less than 3. */
bool cmd_parse_descriptor(const char *text, int *fd);

/* --- gadget files --- */

/* Returns whether an argument is a path: it contains '/', or ends in .conf or .scheme. */
bool cmd_is_path(const char *argument);
/* Returns the directories with gadget files; ends with NULL. */
const char *const *cmd_dirs(const struct globals *globals);
/* Returns the directories with gadget files as text: "A, B or C". The caller frees the text. */
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
 * Lists the gadget files in the directories, sorted by name. Of files with the same name only the
 * first is listed. On failure, `files` has the files that were found before.
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
 * Finds the gadget file for an argument, which is a path (cmd_is_path) or the name of a file in the
 * directories. Fails with EX_NOINPUT. The caller frees *path.
 */
int cmd_find_file(const struct globals *globals, const char *argument, char **path,
		  struct error *err);

/*
 * Finds the gadget file for an argument as cmd_find_file does, and loads it. Returns 0, or an exit
 * status with the reason in `err` or `diags`. The caller prints `diags`.
 */
int cmd_load(const struct globals *globals, const char *argument, const char *name,
	     enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
	     struct diags *diags, struct error *err);
/* Calls gadgetfile_load_with_dirs. `plugins` NULL: worker options are not validated. */
int cmd_load_path(const struct globals *globals, const char *path, const char *name,
		  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
		  struct gadget **gadget, json_t **document, struct diags *diags,
		  struct error *err);

/*
 * Called after `up` or `reload` has failed. If a worker ended before it was ready (EX_PROTOCOL),
 * validates the workers' options against the declarations of their plugins; this takes too long to
 * do it always. If that finds errors, adds them to `diags` (NULL: prints them) and sets err->exit
 * to EX_DATAERR.
 */
void cmd_explain_worker(const struct globals *globals, const char *file, const char *name,
			struct diags *diags, struct error *err);

/*
 * Stores in *name the gadget's name for an argument, which is that name or a path. For a path, it
 * is the name of the gadget that is up from this file, or, if there is none, the name in the file.
 * Fails with EX_NOINPUT if the file does not exist, and with EX_DATAERR if it has errors. The
 * caller frees *name.
 */
int cmd_gadget_name(const struct globals *globals, const char *argument, char **name,
		    struct error *err);
/* Does the same as cmd_gadget_name. Also accepts names that no gadget file can contain. */
int cmd_any_gadget_name(const struct globals *globals, const char *argument, char **name,
			struct error *err);
/*
 * Stores in *name the name of the gadget that is up from the file at `path`; NULL: no gadget is.
 * The file need not exist any more. Fails with EX_USAGE if several gadgets are up from it. The
 * caller frees *name.
 */
int cmd_find_gadget_by_file(const struct globals *globals, const char *path, char **name,
			    struct error *err);

/* --- output --- */

/* Prints lines; adds a newline if the last line has none. */
void cmd_print_lines(FILE *to, const char *lines);

/* Prints an error and returns its exit status. */
int cmd_print_error(const struct error *err);
/* Sets an error that refers to the errors of a gadget file in the "problems" of the document. */
void cmd_file_has_errors(const char *file, struct error *err);
/*
 * Prints an error and returns its exit status. The message has a field with the gadget's name in
 * the journal; `gadget` NULL: no such field.
 */
int cmd_print_error_about(const char *gadget, const struct error *err);
/* Prints the message for CLIENT_TAKEN_OVER. */
void cmd_print_taken_over(const char *gadget);
/*
 * Handles an error of a command that continues with the next gadget: moves the first error to
 * `first`, and prints later errors. The caller clears both.
 */
void cmd_keep_error(struct error *first, struct error *err);

/*
 * Prints the JSON document of a command, {"ffsctl", "gadgets", "errors"}, on stdout. Takes
 * ownership of `gadgets`. `gadgets`, `err` and `diags` may be NULL. Returns `exit`, or EX_IOERR if
 * the document cannot be written.
 */
int cmd_print_json(json_t *gadgets, const struct error *err, const struct diags *diags, int exit);
/* Returns a new document {"ffsctl": {"schema": 1, "version"}}; the caller owns it. */
json_t *cmd_json_output(void);
/* Returns the array "errors" of a document; `err` may be NULL or empty. The caller owns it. */
json_t *cmd_errors(const struct error *err);
/* Writes a document to stdout and frees it. Returns `exit`, or EX_IOERR if that fails. */
int cmd_print_document(json_t *document, int exit);

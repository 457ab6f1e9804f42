/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands have in common. commands.h lists the commands. Each command is a file that
 * defines a `const struct command`, or only a row in commands.h. The function of a command calls
 * cmd_parse_options (argv[0] is the command's name) and returns the exit status (ffsctl(8), "EXIT
 * STATUS"). Only the code in src/cmd prints output for users.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/option_table.h"
#include "base/paths.h"
#include "client/client.h"
#include "cmd/commands.h"
#include "gadgetfile/gadgetfile.h"

struct command;

/* What each command gets from the main program. */
struct globals {
	struct paths paths;
	/* Directories of gadget files. The first is the one of --dir, or NULL; the last is NULL. */
	const char *gadget_dirs[5];
	enum diag_color color;
	int color_when; /* --color; the words are in ffsctl.c */
	bool prints_version;
	const struct command *current_command;	   /* the command that is executed */
	const struct command *const *all_commands; /* all commands; ends with NULL */
	const struct option_row *options;	   /* the global options */
};

/*
 * What an argument of a command, or the value of an option (`tag` of its row), names; used by the
 * shell completion. If it names nothing, the shell completes file names.
 */
enum cmd_argument_kind {
	CMD_ARGUMENT_NONE,
	CMD_ARGUMENT_FILES,	  /* name of a gadget file, or path of a file */
	CMD_ARGUMENT_GADGETS,	  /* name of a gadget that ffsctl made */
	CMD_ARGUMENT_ALL_GADGETS, /* name of any gadget in configfs */
	CMD_ARGUMENT_FUNCTIONS,	  /* label of a function of the gadget in the first argument */
	CMD_ARGUMENT_UDCS,
	CMD_ARGUMENT_SCHEMAS,
	CMD_ARGUMENT_PLUGINS,
	CMD_ARGUMENT_SHELLS,
	CMD_ARGUMENT_COMMANDS,
	CMD_ARGUMENT_STATUS_FIELDS,
	CMD_ARGUMENT_USER_GROUPS,
};

/* The request that a command sends to the supervisor, and how the command prints the answer. */
struct supervisor_request {
	enum control_command control_command;
	/*
	 * Offset of the member of struct socket_request that gets the second argument; 0: the
	 * command has no second argument.
	 */
	size_t argument_member_offset;
	const char *expected_arguments; /* words for the usage error; NULL: "one gadget" */
	/* If the supervisor has died, the command first takes the gadget over. */
	bool takes_over_if_supervisor_died;
	/*
	 * Output after the gadget's name. `unchanged_text` is for a command that changed nothing;
	 * if it is NULL, `done_text` is printed then, too.
	 */
	const char *done_text, *unchanged_text;
	/*
	 * If not NULL, this function prints the answer, and the texts above are not used.
	 * `second_argument` may be NULL.
	 */
	void (*print_answer)(const char *gadget, const char *second_argument,
			     const struct socket_answer *answer);
};

/* A command of ffsctl. */
struct command {
	const char *name;
	const char *usage_arguments;		  /* arguments in the usage line */
	const char *summary;			  /* description in the list of commands */
	const struct option_row *options;	  /* NULL: only --help */
	const char *notes;			  /* end of the text of --help; NULL: none */
	enum cmd_argument_kind argument_kinds[2]; /* kinds of the first and the second argument */
	bool all_arguments_are_of_first_kind; /* all arguments are of the kind argument_kinds[0] */
	struct supervisor_request supervisor_request; /* used by cmd_send_request */
	int (*run)(const struct globals *globals, int argc, char **argv);
};

/* The commands in commands.h, and the internal command cmd_continue_after_reexec (reexec.c). */
#define DECLARE_COMMAND(name) , cmd_##name
#define DECLARE_NOTHING(...)
extern const struct command cmd_continue_after_reexec COMMANDS(DECLARE_COMMAND, DECLARE_NOTHING);
#undef DECLARE_COMMAND
#undef DECLARE_NOTHING

/* --- usage --- */

/* Prints a usage error, with a hint to --help. Returns EX_USAGE. */
int cmd_print_usage_error(const struct command *command, const char *fmt, ...) _printf_(2, 3);
/* Prints the error for a word that is not a command, with a suggestion. Returns EX_USAGE. */
int cmd_print_unknown_command_error(const struct globals *globals, const char *word);
/* Returns the command of this name; NULL: there is none. */
const struct command *cmd_find_command(const struct globals *globals, const char *name);
/*
 * Parses the options of the current command into the struct `values` of its table; NULL: the
 * command has no options. argv[optind] is the first argument then. Returns false if the command
 * must end with the exit status *exit: it has printed the help or an error.
 */
bool cmd_parse_options(const struct globals *globals, int argc, char **argv, void *values,
		       int *exit);
/*
 * Parses the options before the command into *globals. Returns an enum option_result, or after an
 * error, which it has printed, a negative exit status.
 */
int cmd_parse_global_options(struct globals *globals, int argc, char **argv);
#define CMD_JSON_HELP "one JSON document on stdout"
/* The options of a command whose only option is --json; the values are a bool. */
extern const struct option_row cmd_json_options[];
#define CMD_JSON_OPTION(member_offset)                                                             \
	{                                                                                          \
		"--json", NULL, CMD_JSON_HELP, OPTION_FLAG, .offset = member_offset                \
	}
/* Column of the descriptions in --help. */
#define CMD_DESCRIPTION_COLUMN 22
/* Prints the help of ffsctl on stdout; returns 0. */
int cmd_print_general_help(const struct globals *globals);
/* Prints the version of ffsctl on stdout; returns 0. */
int cmd_print_version(void);
/* Prints the help of a command on stdout; returns 0. */
int cmd_print_help(const struct command *command);
/* Parses the number of a file descriptor. Returns false if it is not a number above 2. */
bool cmd_parse_fd(const char *text, int *fd);

/* --- gadget files --- */

/* Returns whether an argument is a path: it contains '/', or ends in .conf or .scheme. */
bool cmd_argument_is_path(const char *argument);
/* Returns the directories of gadget files; NULL ends the list. */
const char *const *cmd_gadget_dirs(const struct globals *globals);
/* Returns the directories of gadget files as text: "A, B or C". The caller frees the text. */
char *cmd_gadget_dirs_text(const struct globals *globals);

/* A gadget file in one of the directories of gadget files. */
struct cmd_listed_gadget_file {
	char *name_without_suffix; /* file name without directory and suffix */
	char *path;
};

struct cmd_listed_gadget_files {
	struct cmd_listed_gadget_file *files;
	size_t n_files;
};

/*
 * Lists the gadget files in the directories of gadget files, sorted by name. If several files have
 * the same name, lists only the first. On failure, *files has the files found so far.
 */
int cmd_list_gadget_files(const struct globals *globals, struct cmd_listed_gadget_files *files,
			  struct error *err);
/* Lists all gadget files of a directory, sorted by name. */
int cmd_list_files_of_directory(const char *dir, struct cmd_listed_gadget_files *files,
				struct error *err);
void cmd_listed_gadget_files_free(struct cmd_listed_gadget_files *files);
#define _cleanup_listed_gadget_files_ _cleanup_(cmd_listed_gadget_files_free)

/* Names of plugins. */
struct cmd_installed_plugin_names {
	char **names;
	size_t n_names;
};

/* Lists the names of the installed plugins, sorted. */
int cmd_list_installed_plugins(struct cmd_installed_plugin_names *names, struct error *err);
void cmd_installed_plugin_names_free(struct cmd_installed_plugin_names *names);
#define _cleanup_installed_plugin_names_ _cleanup_(cmd_installed_plugin_names_free)

/*
 * Finds the gadget file for an argument, which is a path (cmd_argument_is_path) or the name of a
 * file in the directories of gadget files. Fails with EX_NOINPUT if there is no such file. The
 * caller frees *path.
 */
int cmd_find_gadget_file(const struct globals *globals, const char *argument, char **path,
			 struct error *err);

/*
 * Finds the gadget file for an argument as cmd_find_gadget_file does, and loads it. `name` not
 * NULL: the gadget gets this name instead of the name in the file. Returns 0, or an exit status
 * with the errors in `err` or `diags`. The caller prints `diags`.
 */
int cmd_load_gadget_file(const struct globals *globals, const char *argument, const char *name,
			 enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
			 struct diags *diags, struct error *err);
/*
 * Loads the gadget file at `path` (gadgetfile_load_with_dirs). `plugins` NULL: does not validate
 * the options of workers.
 */
int cmd_load_gadget_file_at(const struct globals *globals, const char *path, const char *name,
			    const struct gadgetfile_plugin_lookup *plugins,
			    enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
			    struct diags *diags, struct error *err);

/*
 * Called after `up` or `reload` has failed. If the reason is that a worker ended before it was
 * ready (EX_PROTOCOL), validates the workers' options against the declarations of their plugins.
 * `up` does not do so before, because reading the declarations takes long. If options have errors,
 * adds the errors to `diags` (NULL: prints them) and sets err->exit to EX_DATAERR.
 */
void cmd_check_failed_worker_options(const struct globals *globals, const char *file,
				     const char *name, struct diags *diags, struct error *err);

/*
 * Stores in *name the name of the gadget that an argument means. The argument is the name itself or
 * the path of a gadget file. For a path, *name is the name of the gadget that is up from this file,
 * or, if there is none, the name in the file. Fails with EX_NOINPUT if the file does not exist, and
 * with EX_DATAERR if it has errors. The caller frees *name.
 */
int cmd_find_gadget_name(const struct globals *globals, const char *argument, char **name,
			 struct error *err);
/* Like cmd_find_gadget_name, but also accepts names that no gadget file can contain. */
int cmd_find_own_or_foreign_gadget_name(const struct globals *globals, const char *argument,
					char **name, struct error *err);
/*
 * Stores in *name the name of the gadget that is up from the gadget file `path`, which may have
 * been deleted since; NULL: there is no such gadget. Fails with EX_USAGE if there are several. The
 * caller frees *name.
 */
int cmd_find_gadget_by_file(const struct globals *globals, const char *path, char **name,
			    struct error *err);

/* --- output --- */

/* Prints a text of several lines. Adds a newline if the last line has none. */
void cmd_print_lines(FILE *to, const char *lines);

/* Prints an error and returns its exit status. */
int cmd_print_error(const struct error *err);
/*
 * Sets the error for a gadget file with errors. Its hint refers to "problems" in the --json
 * output, which contains these errors.
 */
void cmd_error_file_has_errors(const char *file, struct error *err);
/*
 * Prints an error about a gadget and returns the exit status of the error. In the journal of
 * systemd, the message has a field with the gadget's name; `gadget` NULL: it has no such field.
 */
int cmd_print_gadget_error(const char *gadget, const struct error *err);
/* Prints that the gadget was taken over (CLIENT_TAKEN_OVER). */
void cmd_print_takeover(const char *gadget);
/*
 * Handles an error in a command for several gadgets, which continues with the next gadget. Moves
 * the first error to *first, and prints each later error. The caller clears both structs.
 */
void cmd_keep_or_print_error(struct error *first, struct error *err);

/*
 * Prints the --json output of a command, {"ffsctl", "gadgets", "errors", "problems"}, on stdout.
 * Takes ownership of `gadgets`. `gadgets`, `err` and `diags` may be NULL. Returns `exit`, or
 * EX_IOERR if the output cannot be written.
 */
int cmd_print_gadgets_json(json_t *gadgets, const struct error *err, const struct diags *diags,
			   int exit);
/* Returns a new JSON object {"ffsctl": {"schema": 1, "version"}}; the caller owns it. */
json_t *cmd_new_json_output(void);
/* Returns the array "errors" of the output, which the caller owns. `err` may be NULL or empty. */
json_t *cmd_error_to_json_array(const struct error *err);
/* Writes the output to stdout and frees it. Returns `exit`, or EX_IOERR if writing fails. */
int cmd_print_json_output(json_t *output, int exit);

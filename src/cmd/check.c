// SPDX-License-Identifier: GPL-2.0-or-later
/* `check`: prints all errors and warnings of gadget files. Needs neither root nor a UDC. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/check_system.h"
#include "cmd/cmd.h"
#include "cmd/hosts.h"
#include "predict/endpoint_needs.h"
#include "rundir/control.h"

enum output_format { OUTPUT_WORDS, OUTPUT_JSON };

struct check_command {
	const struct globals *globals;
	enum output_format output_format;
	enum diag_format diag_format;
	bool all_files; /* --all */
	/* Severity of messages about users, programs and so on that do not exist. */
	enum diag_severity missing_requirement_severity;
	/*
	 * Arrays of the --json output: "files", "problems" (of all files), and "errors" (of reading
	 * files).
	 */
	json_t *files, *diagnostics, *read_errors;
	struct plugin_cache plugin_cache; /* declarations of the plugins of all files */
	/*
	 * The exit status of the first file that cannot be read; else EX_DATAERR if a file has
	 * errors; else EX_UNAVAILABLE if this system lacks something (--here).
	 */
	int exit_status;
};

/* Adds a gadget file and its errors and warnings to the --json output. */
static void add_file_to_json_output(struct check_command *c, const char *path,
				    const struct gadget *g, json_t *form, const struct diags *diags)
{
	json_t *problems = diags_to_json(diags), *drop_ins = json_array();
	json_t *file =
		json_pack("{s:s+, s:b, s:o?}", "file", path, "", "valid", g != NULL, "form", form);

	for (const char **drop_in = g ? g->drop_ins : NULL; drop_in && *drop_in; drop_in++)
		json_array_append_new(drop_ins, json_string(*drop_in));
	json_object_set_new(file, "drop_ins", drop_ins);
	if (g) {
		json_object_set_new(file, "name", json_string(g->name));
		json_object_set_new(file, "endpoints",
				    endpoint_needs_to_json(g, kernel_series_running()));
	}
	json_array_append_new(c->files, file);
	json_array_extend(c->diagnostics, problems);
	json_decref(problems);
}

/* Prints how many endpoints each configuration needs, for -v. */
static void print_endpoint_counts(const char *path, const struct gadget *g)
{
	for (size_t i = 0; i < g->n_configs; i++) {
		_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };
		_cleanup_free_ char *text = NULL;

		endpoint_needs_find(g, kernel_series_running(), &g->configs[i], &needs);
		text = endpoint_needs_text(&needs);
		fprintf(stderr, "%s: configuration %u needs %s\n", path, g->configs[i].id, text);
	}
}

static void print_file_report(const struct check_command *c, const char *path,
			      const struct gadget *g, const struct diags *diags)
{
	diags_print(stderr, diags, c->diag_format, c->globals->color);
	if (!g || log_get_level() < LOG_NORMAL)
		return;
	for (const char **drop_in = g->drop_ins; *drop_in; drop_in++)
		fprintf(stderr, "%s: with %s\n", path, *drop_in);
	if (log_get_level() >= LOG_VERBOSE) {
		print_endpoint_counts(path, g);
		cmd_print_hosts(stderr, path, g, kernel_series_running());
	}
	/* With --here: an error of the file itself would have left no gadget. */
	if (diags->n_errors > 0)
		fprintf(stderr, "%s: no errors in the file, but this system cannot run it\n", path);
	else if (diags->n_warnings > 0)
		fprintf(stderr, "%s: no errors, %zu warning%s\n", path, diags->n_warnings,
			diags->n_warnings == 1 ? "" : "s");
	else
		fprintf(stderr, "%s: no errors\n", path);
}

static void report_read_error(struct check_command *c, const struct error *err)
{
	if (c->exit_status == 0 || c->exit_status == EX_DATAERR || c->exit_status == EX_UNAVAILABLE)
		c->exit_status = err->exit;
	if (c->output_format == OUTPUT_JSON)
		json_array_append_new(c->read_errors, error_to_json(err));
	else
		cmd_print_error(err);
}

static void check_file_at(struct check_command *c, const char *path)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct gadgetfile_plugin_lookup plugins = plugin_cache_for_gadgetfile(&c->plugin_cache);
	struct diags diags = { 0 };
	json_t *form = NULL;
	int r = cmd_load_gadget_file_at(c->globals, path, NULL, &plugins, GADGETFILE_TRUST_ALL, &g,
					c->output_format == OUTPUT_JSON ? &form : NULL, &diags,
					&err);

	if (g) {
		check_this_system(&c->globals->paths, g, cmd_gadget_dirs(c->globals),
				  c->missing_requirement_severity, &c->plugin_cache, &diags);
		cmd_check_hosts(g, &diags);
	}
	if (r < 0 && err.exit != 0) {
		report_read_error(c, &err);
	} else {
		if (r < 0 && (c->exit_status == 0 || c->exit_status == EX_UNAVAILABLE))
			c->exit_status = EX_DATAERR;
		else if (diags.n_errors > 0 && c->exit_status == 0)
			c->exit_status = EX_UNAVAILABLE;
		if (c->output_format == OUTPUT_JSON)
			add_file_to_json_output(c, path, g, json_incref(form), &diags);
		else
			print_file_report(c, path, g, &diags);
	}
	json_decref(form);
	diags_free(&diags);
}

/*
 * Replaces stdin with a copy of its contents, because messages show lines of the file, which is
 * read again for them.
 */
static int copy_stdin(struct error *err)
{
	_cleanup_close_ int copy = memfd_create("stdin", MFD_CLOEXEC);
	char buffer[65536];
	size_t size = 0;
	ssize_t n = 0;
	int r = copy < 0 ? -errno : 0;

	/* The loader refuses a larger file. */
	while (r == 0 && size <= GADGETFILE_MAX_SIZE) {
		n = read(STDIN_FILENO, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		r = fd_write_all(copy, buffer, (size_t)n);
		size += (size_t)n;
	}
	if (r == 0 && (n < 0 || dup2(copy, STDIN_FILENO) < 0))
		r = -errno;
	return r == 0 ? 0 : error_errno(err, EX_IOERR, -r, NULL, "cannot read stdin");
}

static void check_stdin(struct check_command *c)
{
	_cleanup_error_ struct error err = { 0 };

	if (copy_stdin(&err) < 0)
		report_read_error(c, &err);
	else
		check_file_at(c, GADGETFILE_STDIN);
}

static void check_files(struct check_command *c, const struct cmd_listed_gadget_files *files)
{
	for (size_t i = 0; i < files->n_files; i++)
		check_file_at(c, files->files[i].path);
}

static void check_all_files(struct check_command *c)
{
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };

	if (cmd_list_gadget_files(c->globals, &files, &err) < 0)
		report_read_error(c, &err);
	if (files.n_files == 0 && !err.exit) {
		_cleanup_free_ char *words = cmd_gadget_dirs_text(c->globals);

		log_info("no gadget file in %s", words);
	}
	check_files(c, &files);
}

static void check_directory(struct check_command *c, const char *argument)
{
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	size_t n = strlen(argument);
	_cleanup_free_ char *dir = NULL;

	while (n > 1 && argument[n - 1] == '/')
		n--;
	dir = xstrndup(argument, n);
	if (cmd_list_files_of_directory(dir, &files, &err) == 0 && files.n_files == 0) {
		error_set(&err, EX_NOINPUT, ENOENT, dir, "no gadget file in %s", dir);
		error_add_hint(&err, "the name of a gadget file ends in '.conf' or '.scheme'");
	}
	if (err.exit)
		report_read_error(c, &err);
	check_files(c, &files);
}

static void check_argument(struct check_command *c, const char *argument)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int r;

	if (streq(argument, "-")) {
		check_stdin(c);
		return;
	}
	r = cmd_find_gadget_file(c->globals, argument, &path, &err);
	/* A name is that of a gadget file, or else of a directory. */
	if ((r < 0 || cmd_argument_is_path(argument)) && stat(argument, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		check_directory(c, argument);
	else if (r < 0)
		report_read_error(c, &err);
	else
		check_file_at(c, path);
}

static const char *const format_words[] = { [DIAG_FORMAT_GCC] = "gcc" };

static const struct option_row options[] = {
	{ "--all", NULL, "all gadget files in the directories of gadget files", OPTION_FLAG,
	  .offset = offsetof(struct check_command, all_files) },
	{ "--here", NULL,
	  "fail if this system lacks a user, program, plugin, file, UDC or kernel feature",
	  OPTION_CONSTANT, .offset = offsetof(struct check_command, missing_requirement_severity),
	  .constant = DIAG_ERROR },
	{ "--json", NULL, CMD_JSON_HELP, OPTION_CONSTANT,
	  .offset = offsetof(struct check_command, output_format), .constant = OUTPUT_JSON },
	{ "--format", "=gcc", "one line per message, as compilers print them", OPTION_WORD,
	  .offset = offsetof(struct check_command, diag_format), .words = format_words,
	  .n_words = ARRAY_SIZE(format_words) },
	{ 0 },
};

static int run_check_command(const struct globals *globals, int argc, char **argv)
{
	struct check_command c = { .globals = globals,
				   .missing_requirement_severity = DIAG_WARNING };
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &c, &exit))
		return exit;
	if (c.all_files && optind < argc)
		return cmd_print_usage_error(&cmd_check, "expected gadget files or --all");
	if (!c.all_files && optind == argc)
		return cmd_print_usage_error(&cmd_check, "expected a gadget file");
	if (c.output_format == OUTPUT_JSON && c.diag_format == DIAG_FORMAT_GCC)
		return cmd_print_usage_error(&cmd_check, "--json and --format exclude each other");
	c.files = json_array();
	c.diagnostics = json_array();
	c.read_errors = json_array();
	if (c.all_files)
		check_all_files(&c);
	for (int i = optind; i < argc; i++)
		check_argument(&c, argv[i]);
	if (c.output_format == OUTPUT_JSON) {
		json_t *output = cmd_new_json_output();

		json_object_set(output, "files", c.files);
		json_object_set(output, "problems", c.diagnostics);
		json_object_set(output, "errors", c.read_errors);
		c.exit_status = cmd_print_json_output(output, c.exit_status);
	}
	plugin_cache_free(&c.plugin_cache);
	json_decref(c.files);
	json_decref(c.diagnostics);
	json_decref(c.read_errors);
	return c.exit_status;
}

const struct command cmd_check = {
	.name = "check",
	.usage_arguments = "FILE... | --all [--here] [--json | --format=gcc]",
	.summary = "print all errors and warnings of a gadget file",
	.options = options,
	.notes = "FILE is a name, a path, a directory with gadget files, or '-' for stdin.\n",
	.argument_kinds = { CMD_ARGUMENT_FILES },
	.all_arguments_are_of_first_kind = true,
	.run = run_check_command,
};

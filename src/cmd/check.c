// SPDX-License-Identifier: GPL-2.0-or-later
/* `check`: prints all errors and warnings of gadget files. Needs neither root nor a UDC. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/check_here.h"
#include "cmd/cmd.h"
#include "rundir/control.h"

enum output { OUTPUT_WORDS, OUTPUT_JSON };

struct check_run_state {
	const struct globals *globals;
	enum output output;
	enum diag_format format;
	enum diag_severity here; /* severity of messages about what this system lacks */
	json_t *files, *problems, *errors;
	struct plugin_tables plugins; /* declarations of the plugins of all files */
	/*
	 * Exit status: that of the first file that cannot be read, else that of files with errors.
	 */
	int exit;
};

/* Adds a file to the document of --json. */
static void report_json(struct check_run_state *c, const char *path, const struct gadget *g,
			json_t *form, const struct diags *diags)
{
	json_t *problems = diags_to_json(diags), *drop_ins = json_array();
	json_t *file =
		json_pack("{s:s+, s:b, s:o?}", "file", path, "", "valid", g != NULL, "form", form);

	for (const char **drop_in = g ? g->drop_ins : NULL; drop_in && *drop_in; drop_in++)
		json_array_append_new(drop_ins, json_string(*drop_in));
	json_object_set_new(file, "drop_ins", drop_ins);
	if (g)
		json_object_set_new(file, "name", json_string(g->name));
	json_array_append_new(c->files, file);
	json_array_extend(c->problems, problems);
	json_decref(problems);
}

static void report_words(const struct check_run_state *c, const char *path, const struct gadget *g,
			 const struct diags *diags)
{
	diags_print(stderr, diags, c->format, c->globals->color);
	if (diags->n_errors > 0 || log_get_level() < LOG_NORMAL)
		return;
	for (const char **drop_in = g->drop_ins; *drop_in; drop_in++)
		fprintf(stderr, "%s: with %s\n", path, *drop_in);
	if (diags->n_warnings > 0)
		fprintf(stderr, "%s: no errors, %zu warning%s\n", path, diags->n_warnings,
			diags->n_warnings == 1 ? "" : "s");
	else
		fprintf(stderr, "%s: no errors\n", path);
}

static void report_unreadable(struct check_run_state *c, const struct error *err)
{
	if (c->exit == 0 || c->exit == EX_DATAERR || c->exit == EX_UNAVAILABLE)
		c->exit = err->exit;
	if (c->output == OUTPUT_JSON)
		json_array_append_new(c->errors, error_to_json(err));
	else
		cmd_print_error(err);
}

static void check_file(struct check_run_state *c, const char *argument)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct gadgetfile_plugins plugins = plugin_tables_for_gadgetfile(&c->plugins);
	_cleanup_free_ char *path = NULL;
	struct diags diags = { 0 };
	json_t *form = NULL;
	int r = cmd_find_file(c->globals, argument, &path, &err);

	if (r == 0)
		r = cmd_load_path(c->globals, path, NULL, &plugins, GADGETFILE_TRUST_ALL, &g,
				  c->output == OUTPUT_JSON ? &form : NULL, &diags, &err);
	if (g)
		check_here(&c->globals->paths, g, cmd_dirs(c->globals), c->here, &c->plugins,
			   &diags);
	if (r < 0 && err.exit != 0) {
		report_unreadable(c, &err);
	} else {
		if (r < 0 && (c->exit == 0 || c->exit == EX_UNAVAILABLE))
			c->exit = EX_DATAERR;
		else if (diags.n_errors > 0 && c->exit == 0)
			c->exit = EX_UNAVAILABLE;
		if (c->output == OUTPUT_JSON)
			report_json(c, path, g, json_incref(form), &diags);
		else
			report_words(c, path, g, &diags);
	}
	json_decref(form);
	diags_free(&diags);
}

static int check_run(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "format", required_argument, NULL, 'f' },
		{ "here", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct check_run_state c = { .globals = globals, .here = DIAG_WARNING };
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			c.output = OUTPUT_JSON;
			break;
		case 'f':
			if (!streq(optarg, "gcc"))
				return cmd_usage(&cmd_check, "--format must be gcc");
			c.format = DIAG_FORMAT_GCC;
			break;
		case 'H':
			c.here = DIAG_ERROR;
			break;
		case 'h':
			return cmd_help(&cmd_check);
		default:
			return cmd_bad_option(&cmd_check, argv);
		}
	}
	if (optind == argc)
		return cmd_usage(&cmd_check, "expected a gadget file");
	c.files = json_array();
	c.problems = json_array();
	c.errors = json_array();
	for (int i = optind; i < argc; i++)
		check_file(&c, argv[i]);
	if (c.output == OUTPUT_JSON) {
		json_t *doc = cmd_json_output();

		json_object_set(doc, "files", c.files);
		json_object_set(doc, "problems", c.problems);
		json_object_set(doc, "errors", c.errors);
		c.exit = cmd_print_document(doc, c.exit);
	}
	plugin_tables_free(&c.plugins);
	json_decref(c.files);
	json_decref(c.problems);
	json_decref(c.errors);
	return c.exit;
}

static const struct cmd_choices choices[] = {
	{ "--format", (const char *const[]){ "gcc" }, 1 },
	{ 0 },
};

const struct command cmd_check = {
	.name = "check",
	.args = "FILE... [--here] [--json | --format=gcc]",
	.summary = "print all errors and warnings of a gadget file",
	.options = "  --here              require users, programs, plugins, a UDC and kernel "
		   "features\n"
		   "  --json              one JSON document on stdout\n"
		   "  --format=gcc        one line per message, as compilers print them\n",
	.choices = choices,
	.words = { CMD_WORDS_FILES },
	.repeats = true,
	.run = check_run,
};

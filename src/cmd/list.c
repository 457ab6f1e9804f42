/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `list`: prints the gadget files in the directories of gadget files, and their gadgets' states. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/gadget_file_description.h"
#include "cmd/table.h"

/* Returns the word for the state of a gadget; "down" if `gadgets` does not contain the gadget. */
static const char *state_word_of_gadget(const struct gadget_statuses *gadgets, const char *name)
{
	enum gadget_state_in_status state = STATUS_DOWN;

	for (size_t i = 0; i < gadgets->n; i++)
		if (streq(gadgets->list[i].name, name))
			state = gadgets->list[i].state;
	return gadget_state_in_status_words[state];
}

/* Returns the path of a gadget file, the gadget's name if it differs, and the drop-ins. */
static char *make_location(const struct cmd_listed_gadget_file *file, const struct gadget *g)
{
	char *location = xstrdup(file->path);

	if (g && !streq(g->name, file->name_without_suffix)) {
		_cleanup_free_ char *old = location;

		location = strf("%s, gadget %s", old, g->name);
	}
	for (const char **drop_in = g ? g->drop_ins : NULL; drop_in && *drop_in; drop_in++) {
		_cleanup_free_ char *old = location;

		location = strf("%s, %s", old, *drop_in);
	}
	return location;
}

static json_t *file_to_json(const struct cmd_listed_gadget_file *file, const struct gadget *g,
			    const char *state, const char *description)
{
	json_t *drop_ins = json_array();

	for (const char **drop_in = g ? g->drop_ins : NULL; drop_in && *drop_in; drop_in++)
		json_array_append_new(drop_ins, json_string_or_null(*drop_in));
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "name",
			 json_string_or_null(file->name_without_suffix), "file",
			 json_string_or_null(file->path), "state", state, "gadget",
			 json_string_or_null(g ? g->name : NULL), "drop_ins", drop_ins,
			 "description", json_string_or_null(description));
}

/* Adds a gadget file to the table, or to the JSON array `files` unless it is NULL. */
static void add_gadget_file(const struct globals *globals,
			    const struct cmd_listed_gadget_file *file,
			    const struct gadget_statuses *gadgets, struct table *table,
			    json_t *files)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *description = NULL;
	struct diags diags = { 0 };
	const char *state;

	cmd_load_gadget_file_at(globals, file->path, NULL, NULL, GADGETFILE_TRUST_ALL, &g, NULL,
				&diags, &err);
	diags_free(&diags);
	state = g ? state_word_of_gadget(gadgets, g->name) : err.exit ? "unread" : "errors";
	description = describe_gadget_file(file->path, g);
	if (files) {
		json_array_append_new(files, file_to_json(file, g, state, description));
	} else {
		struct table_row *row = table_add_row(table);

		row->cells[0] = xstrdup(file->name_without_suffix);
		row->cells[1] = xstrdup(state);
		row->cells[2] = make_location(file, g);
		row->note = steal_ptr(description);
	}
}

static int print_json(json_t *files, const struct error *err)
{
	json_t *output = cmd_new_json_output();

	json_object_set_new(output, "files", files);
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	return cmd_print_json_output(output, err->exit);
}

static int print_text(const struct globals *globals, const struct table *table,
		      const struct error *err)
{
	table_print(stdout, table);
	if (err->exit)
		return cmd_print_error(err);
	if (table->n_rows == 0) {
		_cleanup_free_ char *words = cmd_gadget_dirs_text(globals);

		log_info("no gadget file in %s", words);
	}
	return 0;
}

static int run_list_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	_cleanup_table_ struct table table = { .n_columns = 3 };
	struct gadget_statuses gadgets = { 0 };
	json_t *array = NULL;
	bool json = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &json, &exit))
		return exit;
	if (optind != argc)
		return cmd_print_usage_error(&cmd_list, "expected no arguments");
	if (json)
		array = json_array();
	if (inspect_gadgets(&globals->paths, NULL, &gadgets, &err) == 0)
		cmd_list_gadget_files(globals, &files, &err);
	for (size_t i = 0; i < files.n_files; i++)
		add_gadget_file(globals, &files.files[i], &gadgets, &table, array);
	statuses_free(&gadgets);
	return json ? print_json(array, &err) : print_text(globals, &table, &err);
}

const struct command cmd_list = {
	.name = "list",
	.usage_arguments = "[--json]",
	.summary = "list the gadget files in the directories, and the states of their gadgets",
	.options = cmd_json_options,
	.notes = "Prints name, state, path and the paths of drop-ins. The description below them\n"
		 "is the first sentence of the file's comment, or the product string. The state\n"
		 "is one that 'ffsctl status' prints, or 'errors' (see 'ffsctl check'), or\n"
		 "'unread' (the file cannot be opened).\n",
	.run = run_list_command,
};

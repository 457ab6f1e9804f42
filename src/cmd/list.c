/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `list`: prints the gadget files in the directories of gadget files, and their gadgets' states. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"

/* Returns the word for the state of a gadget; "down" if `gadgets` does not contain the gadget. */
static const char *find_state_word(const struct gadget_statuses *gadgets, const char *name)
{
	enum gadget_state_in_status state = STATUS_DOWN;

	for (size_t i = 0; i < gadgets->n; i++)
		if (streq(gadgets->v[i].name, name))
			state = gadgets->v[i].state;
	return gadget_state_in_status_words[state];
}

static void print_gadget_file_line(const struct globals *globals,
				   const struct cmd_gadget_file *file,
				   const struct gadget_statuses *gadgets)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };

	if (cmd_load_gadget_file_at(globals, file->path, NULL, NULL, GADGETFILE_TRUST_ALL, &g, NULL,
				    &diags, &err) == 0) {
		printf("%-16s %-9s %s%s%s", file->base_name, find_state_word(gadgets, g->name),
		       file->path, streq(g->name, file->base_name) ? "" : ", gadget ",
		       streq(g->name, file->base_name) ? "" : g->name);
		for (const char **drop_in = g->drop_ins; *drop_in; drop_in++)
			printf(", %s", *drop_in);
		putchar('\n');
	} else {
		printf("%-16s %-9s %s\n", file->base_name, err.exit ? "unread" : "errors",
		       file->path);
	}
	diags_free(&diags);
}

static int run_list_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_gadget_files_ struct cmd_gadget_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	struct gadget_statuses gadgets = { 0 };
	int exit;

	if (!cmd_parse_help_and_json(&cmd_list, argc, argv, NULL, &exit))
		return exit;
	if (optind != argc)
		return cmd_error_usage(&cmd_list, "expected no arguments");
	if (inspect_gadgets(&globals->paths, NULL, &gadgets, &err) == 0)
		cmd_list_gadget_files(globals, &files, &err);
	for (size_t i = 0; i < files.n_files; i++)
		print_gadget_file_line(globals, &files.files[i], &gadgets);
	statuses_free(&gadgets);
	if (err.exit)
		return cmd_print_error(&err);
	if (files.n_files == 0) {
		_cleanup_free_ char *words = cmd_gadget_dirs_text(globals);

		log_info("no gadget file in %s", words);
	}
	return 0;
}

const struct command cmd_list = {
	.name = "list",
	.usage_arguments = "",
	.summary = "list the gadget files in the directories, and the states of their gadgets",
	.options_help =
		"Prints name, state, path and the paths of drop-ins. The state is one that\n"
		"'ffsctl status' prints, or 'errors' (see 'ffsctl check'), or 'unread' (the file\n"
		"cannot be opened).\n",
	.run = run_list_command,
};

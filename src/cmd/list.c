/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `list`: prints the gadget files in the directories, and the states of their gadgets. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"

/* Returns the state of a gadget; "down" if `gadgets` does not contain it. */
static const char *state_word(const struct gadget_statuses *gadgets, const char *name)
{
	enum gadget_condition state = STATUS_DOWN;

	for (size_t i = 0; i < gadgets->n; i++)
		if (streq(gadgets->v[i].name, name))
			state = gadgets->v[i].state;
	return gadget_condition_words[state];
}

static void print(const struct globals *globals, const struct cmd_file *file,
		  const struct gadget_statuses *gadgets)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct diags diags = { 0 };

	if (cmd_load_path(globals, file->path, NULL, NULL, GADGETFILE_TRUST_ALL, &g, NULL, &diags,
			  &err) == 0) {
		printf("%-16s %-9s %s%s%s", file->name, state_word(gadgets, g->name), file->path,
		       streq(g->name, file->name) ? "" : ", gadget ",
		       streq(g->name, file->name) ? "" : g->name);
		for (const char **drop_in = g->drop_ins; *drop_in; drop_in++)
			printf(", %s", *drop_in);
		putchar('\n');
	} else {
		printf("%-16s %-9s %s\n", file->name, err.exit ? "unread" : "errors", file->path);
	}
	diags_free(&diags);
}

static int run(const struct globals *globals, int argc, char **argv)
{
	_cleanup_files_ struct cmd_files files = { 0 };
	_cleanup_error_ struct error err = { 0 };
	struct gadget_statuses gadgets = { 0 };
	int exit;

	if (!cmd_parse_help_and_json(&cmd_list, argc, argv, NULL, &exit))
		return exit;
	if (optind != argc)
		return cmd_usage(&cmd_list, "expected no arguments");
	if (inspect_gadgets(&globals->paths, NULL, &gadgets, &err) == 0)
		cmd_list_files(globals, &files, &err);
	for (size_t i = 0; i < files.n; i++)
		print(globals, &files.list[i], &gadgets);
	statuses_free(&gadgets);
	if (err.exit)
		return cmd_print_error(&err);
	if (files.n == 0) {
		_cleanup_free_ char *words = cmd_directories(globals);

		log_info("no gadget file in %s", words);
	}
	return 0;
}

const struct command cmd_list = {
	.name = "list",
	.args = "",
	.summary = "list the gadget files in the directories, and the states of their gadgets",
	.options =
		"Prints name, state, path and the paths of drop-ins. States are those of status,\n"
		"'errors' (see 'ffsctl check') and 'unread' (the file cannot be opened).\n",
	.run = run,
};

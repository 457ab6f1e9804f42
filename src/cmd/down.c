/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "probe/features.h"
#include "rundir/rundir.h"

static const char *const words[] = {
	[CLIENT_DONE] = "down",
	[CLIENT_UNCHANGED] = "is not up",
	[CLIENT_CLEARED] = "down (its supervisor had died; cleared what it left)",
	[CLIENT_FORCED] = "down (by force: ffsctl had no record of it)",
};

static void take_down(const struct globals *globals, const char *name, enum client_down_scope scope,
		      json_t *gadgets, struct error *first)
{
	_cleanup_error_ struct error err = { 0 };
	enum client_result result;

	if (client_down(&globals->paths, name, scope, &result, &err) == 0) {
		log_info("%s: %s", name, words[result]);
		json_array_append_new(gadgets, json_pack("{s:s, s:n, s:s}", "name", name, "file",
							 "state", "down"));
	} else {
		cmd_keep_error(first, &err);
	}
}

/* Removes the temporary gadgets that `features` commands have left because they were killed. */
static void clear_scratch(const struct globals *globals, struct error *first)
{
	_cleanup_error_ struct error err = { 0 };

	if (features_remove_scratch_gadgets(&globals->paths, &err) < 0)
		cmd_keep_error(first, &err);
}

struct down_all_names {
	char **names;
	size_t n;
};

static int add_name(void *data, const char *name)
{
	struct down_all_names *all = data;

	*array_add(all->names, all->n) = xstrdup(name);
	return 0;
}

static void take_all_down(const struct globals *globals, json_t *gadgets, struct error *err)
{
	struct down_all_names all = { 0 };

	rundir_each_gadget(&globals->paths, add_name, &all);
	if (all.n == 0)
		log_info("no gadget of ffsctl is up");
	for (size_t i = 0; i < all.n; i++) {
		take_down(globals, all.names[i], CLIENT_DOWN_OURS, gadgets, err);
		free(all.names[i]);
	}
	free(all.names);
}

static void take_one_down(const struct globals *globals, const char *argument,
			  enum client_down_scope scope, json_t *gadgets, struct error *first)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	int r = scope == CLIENT_DOWN_ANY ? cmd_any_gadget_name(globals, argument, &name, &err)
					 : cmd_gadget_name(globals, argument, &name, &err);

	if (r == 0)
		take_down(globals, name, scope, gadgets, first);
	else
		cmd_keep_error(first, &err);
}

static int run(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_error_ struct error err = { 0 };
	enum client_down_scope scope = CLIENT_DOWN_OURS;
	bool all = false, json = false;
	json_t *gadgets;
	int option, exit;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_help(&cmd_down);
		if (option == '?')
			return cmd_bad_option(&cmd_down, argv);
		if (option == 'f')
			scope = CLIENT_DOWN_ANY;
		all = all || option == 'a';
		json = json || option == 'j';
	}
	if (all != (optind == argc))
		return cmd_usage(&cmd_down, "expected gadgets or --all");
	if (all && scope == CLIENT_DOWN_ANY)
		return cmd_usage(&cmd_down, "--force and --all exclude each other");
	gadgets = json_array();
	if (all)
		take_all_down(globals, gadgets, &err);
	for (int i = optind; i < argc; i++)
		take_one_down(globals, argv[i], scope, gadgets, &err);
	clear_scratch(globals, &err);
	exit = err.exit;
	if (json)
		return cmd_print_json(gadgets, &err, NULL, exit);
	json_decref(gadgets);
	return exit ? cmd_print_error(&err) : 0;
}

const struct command cmd_down = {
	.name = "down",
	.args = "GADGET... | --all",
	.summary = "take gadgets down: unbind, stop, unmount, remove",
	.options = "  --all               all gadgets of ffsctl\n"
		   "  --force             also a gadget that ffsctl has no record of\n"
		   "  --json              one JSON document on stdout\n",
	.words = { CMD_WORDS_GADGETS },
	.repeats = true,
	.run = run,
};

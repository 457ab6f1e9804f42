/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "probe/activate_udc.h"
#include "probe/scratch_gadget.h"
#include "rundir/rundir.h"

static const char *const result_words[] = {
	[CLIENT_DONE] = "down",
	[CLIENT_UNCHANGED] = "is not up",
	[CLIENT_CLEARED] = "down (its supervisor had died; cleared what it left)",
	[CLIENT_FORCED] = "down (by force: ffsctl had no record of it)",
};

static void take_gadget_down(const struct globals *globals, const char *name,
			     enum client_down_scope scope, json_t *gadgets,
			     struct error *first_error)
{
	_cleanup_error_ struct error err = { 0 };
	enum client_result result;

	if (client_down(&globals->paths, name, scope, &result, &err) == 0) {
		log_info("%s: %s", name, result_words[result]);
		json_array_append_new(gadgets, json_pack("{s:s, s:n, s:s}", "name", name, "file",
							 "state", "down"));
	} else {
		cmd_keep_or_print_error(first_error, &err);
	}
}

/* Removes the temporary gadgets of `features` commands that were killed. */
static void remove_feature_probe_gadgets(const struct globals *globals, struct error *first_error)
{
	_cleanup_error_ struct error err = { 0 };

	if (scratch_gadgets_remove_leftovers(&globals->paths, &err) < 0)
		cmd_keep_or_print_error(first_error, &err);
}

/* The run directory of a gadget that is taken down has no notes of them any more. */
static void activate_udcs(const struct globals *globals, struct error *first_error)
{
	_cleanup_error_ struct error err = { 0 };

	if (activate_udcs_of_killed_supervisors(&globals->paths, &err) < 0)
		cmd_keep_or_print_error(first_error, &err);
}

/* Names of the gadgets that have a run directory. */
struct run_dir_names {
	char **names;
	size_t n_names;
};

static int add_run_dir_name(void *data, const char *name)
{
	struct run_dir_names *all = data;

	*array_add(all->names, all->n_names) = xstrdup(name);
	return 0;
}

static void take_all_gadgets_down(const struct globals *globals, json_t *gadgets, struct error *err)
{
	struct run_dir_names all = { 0 };

	rundir_each_gadget(&globals->paths, add_run_dir_name, &all);
	if (all.n_names == 0)
		log_info("no gadget of ffsctl is up");
	for (size_t i = 0; i < all.n_names; i++) {
		take_gadget_down(globals, all.names[i], CLIENT_DOWN_RECORDED, gadgets, err);
		free(all.names[i]);
	}
	free(all.names);
}

static void take_down_by_argument(const struct globals *globals, const char *argument,
				  enum client_down_scope scope, json_t *gadgets,
				  struct error *first_error)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	int r = scope == CLIENT_DOWN_ANY
			? cmd_find_own_or_foreign_gadget_name(globals, argument, &name, &err)
			: cmd_find_gadget_name(globals, argument, &name, &err);

	if (r == 0)
		take_gadget_down(globals, name, scope, gadgets, first_error);
	else
		cmd_keep_or_print_error(first_error, &err);
}

struct down_options {
	bool all, json;
	enum client_down_scope scope;
};

static const struct option_row options[] = {
	{ "--all", NULL, "all gadgets of ffsctl", OPTION_FLAG,
	  .offset = offsetof(struct down_options, all) },
	{ "--force", NULL, "also take down gadgets without a record", OPTION_CONSTANT,
	  .offset = offsetof(struct down_options, scope), .constant = CLIENT_DOWN_ANY },
	CMD_JSON_OPTION(offsetof(struct down_options, json)),
	{ 0 },
};

static int run_down_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	struct down_options q = { .scope = CLIENT_DOWN_RECORDED };
	json_t *gadgets;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (q.all != (optind == argc))
		return cmd_print_usage_error(&cmd_down, "expected gadgets or --all");
	if (q.all && q.scope == CLIENT_DOWN_ANY)
		return cmd_print_usage_error(&cmd_down, "--force and --all exclude each other");
	gadgets = json_array();
	activate_udcs(globals, &err);
	if (q.all)
		take_all_gadgets_down(globals, gadgets, &err);
	for (int i = optind; i < argc; i++)
		take_down_by_argument(globals, argv[i], q.scope, gadgets, &err);
	remove_feature_probe_gadgets(globals, &err);
	exit = err.exit;
	if (q.json)
		return cmd_print_gadgets_json(gadgets, &err, NULL, exit);
	json_decref(gadgets);
	return exit ? cmd_print_error(&err) : 0;
}

const struct command cmd_down = {
	.name = "down",
	.usage_arguments = "GADGET... | --all",
	.summary = "take gadgets down: unbind, stop, unmount, remove",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.all_arguments_are_of_first_kind = true,
	.run = run_down_command,
};

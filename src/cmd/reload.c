/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `reload`: applies the changes of a gadget file to its gadget. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/table.h"

#define DEFAULT_TIMEOUT 30

struct reload_command {
	const struct globals *globals;
	bool dry_run, prints_json;
	bool keeps_name;	       /* --name: ignores the name in the file */
	bool forces_eject;	       /* --force-eject */
	double reload_timeout_seconds; /* seconds */
	const char *name_option;       /* --name; NULL: not given */
	char *gadget_name, *file_path;
	struct diags diags;
	struct error err;
};

static int print_output_and_free_command(struct reload_command *q, json_t *gadgets, int exit)
{
	if (q->prints_json && exit == EX_DATAERR && !q->err.exit)
		cmd_error_file_has_errors(q->file_path, &q->err);
	if (q->prints_json)
		exit = cmd_print_gadgets_json(gadgets, &q->err, &q->diags, exit);
	else if (q->err.exit)
		exit = cmd_print_error(&q->err);
	error_clear(&q->err);
	diags_free(&q->diags);
	free(q->gadget_name);
	free(q->file_path);
	return exit;
}

/*
 * Finds the gadget file of the gadget with the name `argument`. If no such gadget is up, finds the
 * gadget file with the name `argument`: a service manager only knows the name of the file, and the
 * gadget may have another name.
 */
static int find_file_by_gadget_name(struct reload_command *q, const char *argument)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (cmd_find_gadget_name(q->globals, argument, &q->gadget_name, &q->err) < 0 ||
	    client_find_file_of_gadget(&q->globals->paths, q->gadget_name, &q->file_path,
				       &q->err) == 0 ||
	    q->err.exit != EX_UNAVAILABLE ||
	    cmd_find_gadget_file(q->globals, argument, &q->file_path, &ignored) < 0)
		return q->err.exit;
	error_clear(&q->err);
	free(steal_ptr(q->gadget_name));
	return 0;
}

/*
 * Finds the gadget and its file. `argument` is the gadget's name or the path of a gadget file. For
 * a path, the gadget's name is `name` (--name), else the name of the gadget that is up from the
 * file, else the name in the file. Loads the file, to print its errors before the supervisor reads
 * it.
 */
static int find_gadget_and_file(struct reload_command *q, const char *argument, const char *name)
{
	_cleanup_gadget_ struct gadget *gadget = NULL;
	int exit;

	if (!cmd_argument_is_path(argument)) {
		if (find_file_by_gadget_name(q, argument))
			return q->err.exit;
	} else {
		q->file_path = xstrdup(argument);
		if (!name &&
		    cmd_find_gadget_by_file(q->globals, argument, &q->gadget_name, &q->err) < 0)
			return q->err.exit;
	}
	q->keeps_name = name;
	exit = cmd_load_gadget_file(q->globals, q->file_path, name ? name : q->gadget_name,
				    GADGETFILE_TRUST_UNWRITABLE, &gadget, NULL, &q->diags, &q->err);
	if (!q->prints_json && (exit || log_get_level() > LOG_QUIET))
		diags_print(stderr, &q->diags, DIAG_FORMAT_HUMAN, q->globals->color);
	if (exit)
		return exit;
	free(q->file_path);
	q->file_path = xstrdup(gadget->file);
	if (!q->gadget_name)
		q->gadget_name = xstrdup(gadget->name);
	return 0;
}

/*
 * Prints the --json output with the gadget's status and with the members of the object `more`.
 * Takes ownership of `more`.
 */
static int print_status_as_json(struct reload_command *q, json_t *more)
{
	struct gadget_statuses gadgets;
	json_t *json, *gadget;
	size_t i;

	inspect_gadgets(&q->globals->paths, q->gadget_name, &gadgets, &q->err);
	json = statuses_to_json(&gadgets);
	json_array_foreach(json, i, gadget)
		json_object_update(gadget, more);
	statuses_free(&gadgets);
	json_decref(more);
	return print_output_and_free_command(q, json, q->err.exit);
}

static void print_changes(const json_t *changes)
{
	_cleanup_table_ struct table table = { .n_columns = 2 };
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change) {
		const char *value = json_text(change, "value", NULL);
		struct table_row *row = table_add_row(&table);

		row->cells[0] = strf("%3zu %s", i + 1, json_text(change, "do", "?"));
		row->cells[1] = strf("%s%s%s", json_text(change, "path", "?"), value ? " = " : "",
				     value ? value : "");
	}
	table_print(stdout, &table);
}

static int print_reload_plan(struct reload_command *q)
{
	struct client_reload_preview preview = { 0 };

	if (client_reload_plan(&q->globals->paths, q->gadget_name, q->file_path, q->keeps_name,
			       cmd_gadget_dirs(q->globals), &preview, &q->err) < 0)
		return print_output_and_free_command(q, NULL, q->err.exit);
	if (q->prints_json)
		return print_status_as_json(q, json_pack("{s:o, s:b}", "plan", preview.changes,
							 "rebind", preview.rebinds));
	print_changes(preview.changes);
	if (json_array_size(preview.changes) == 0 && preview.same_settings)
		log_info("%s: no changes", q->gadget_name);
	else if (json_array_size(preview.changes) == 0)
		log_info("%s: only settings of the supervisor would change", q->gadget_name);
	else if (preview.rebinds)
		log_info("%s: needs a rebind: the host would see a disconnect", q->gadget_name);
	else if (!preview.is_bound)
		log_info("%s: needs no rebind: the gadget is not bound", q->gadget_name);
	else
		log_info("%s: needs no rebind: the gadget would stay bound", q->gadget_name);
	json_decref(preview.changes);
	return print_output_and_free_command(q, NULL, 0);
}

static int reload_gadget(struct reload_command *q)
{
	struct client_reload_result done;

	if (client_reload(&q->globals->paths, q->gadget_name, q->file_path, q->keeps_name,
			  q->forces_eject, q->reload_timeout_seconds, &done, &q->err) < 0) {
		free(done.awaited_udc);
		cmd_check_failed_worker_options(q->globals, q->file_path,
						q->keeps_name ? q->gadget_name : NULL,
						q->prints_json ? &q->diags : NULL, &q->err);
		return print_output_and_free_command(q, NULL, q->err.exit);
	}
	if (done.result == CLIENT_UNCHANGED)
		log_info("%s: unchanged", q->gadget_name);
	else if (done.awaited_udc)
		log_info("%s: reloaded; the gadget is bound again when its UDC %s is back",
			 q->gadget_name, done.awaited_udc);
	else if (done.bind_is_due)
		log_info("%s: reloaded; the gadget is bound again when its workers are ready",
			 q->gadget_name);
	else if (done.rebound)
		log_info("%s: reloaded with a rebind", q->gadget_name);
	else
		log_info("%s: reloaded without a rebind", q->gadget_name);
	free(done.awaited_udc);
	return q->prints_json ? print_status_as_json(q, json_pack("{s:b}", "rebound", done.rebound))
			      : print_output_and_free_command(q, NULL, 0);
}

static const struct option_row options[] = {
	{ "--name", " N", "name of the gadget, if GADGET is the path of a file", OPTION_TEXT,
	  .offset = offsetof(struct reload_command, name_option), .tag = CMD_ARGUMENT_GADGETS },
	{ "--dry-run", NULL, "print the changes and apply none", OPTION_FLAG,
	  .offset = offsetof(struct reload_command, dry_run) },
	CMD_JSON_OPTION(offsetof(struct reload_command, prints_json)),
	{ "--timeout", " S", "seconds for the reload, and for its undo (30)", OPTION_SECONDS,
	  .offset = offsetof(struct reload_command, reload_timeout_seconds) },
	{ "--force-eject", NULL,
	  "eject media that the host has locked, and lose data that the host has not written yet",
	  OPTION_FLAG, .offset = offsetof(struct reload_command, forces_eject) },
	{ 0 },
};

static int run_reload_command(const struct globals *globals, int argc, char **argv)
{
	struct reload_command q = { .globals = globals, .reload_timeout_seconds = DEFAULT_TIMEOUT };
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (argc - optind != 1)
		return cmd_print_usage_error(&cmd_reload, "expected one gadget");
	if (q.name_option && !cmd_argument_is_path(argv[optind]))
		return cmd_print_usage_error(&cmd_reload, "--name needs the path of a file");
	exit = find_gadget_and_file(&q, argv[optind], q.name_option);
	if (exit)
		return print_output_and_free_command(&q, NULL, exit);
	return q.dry_run ? print_reload_plan(&q) : reload_gadget(&q);
}

const struct command cmd_reload = {
	.name = "reload",
	.usage_arguments = "[OPTIONS] GADGET",
	.summary = "apply the changes of a gadget file to its gadget",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.run = run_reload_command,
};

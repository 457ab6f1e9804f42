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

#define DEFAULT_TIMEOUT 30

enum { OPT_DRY_RUN = 256, OPT_JSON, OPT_TIMEOUT, OPT_NAME };

struct reload_command {
	const struct globals *globals;
	bool dry_run, json, renamed;
	double timeout;
	char *name, *file;
	struct diags diags;
	struct error err;
};

static int finish(struct reload_command *q, json_t *gadgets, int exit)
{
	if (q->json && exit == EX_DATAERR && !q->err.exit)
		cmd_file_has_errors(q->file, &q->err);
	if (q->json)
		exit = cmd_print_json(gadgets, &q->err, &q->diags, exit);
	else if (q->err.exit)
		exit = cmd_print_error(&q->err);
	error_clear(&q->err);
	diags_free(&q->diags);
	free(q->name);
	free(q->file);
	return exit;
}

/*
 * Finds the file of the gadget with that name. If no such gadget is up, regards the argument as the
 * name of a gadget file: a service manager uses the name of the file, but the gadget may have
 * another name.
 */
static int find_by_name(struct reload_command *q, const char *argument)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (cmd_gadget_name(q->globals, argument, &q->name, &q->err) < 0 ||
	    client_gadget_file(&q->globals->paths, q->name, &q->file, &q->err) == 0 ||
	    q->err.exit != EX_UNAVAILABLE ||
	    cmd_find_file(q->globals, argument, &q->file, &ignored) < 0)
		return q->err.exit;
	error_clear(&q->err);
	free(steal_ptr(q->name));
	return 0;
}

/*
 * Finds file and gadget. If the argument is a path, the gadget is the one of --name, else the one
 * that is up from the file, else the one that the file names. Loads the file, so that errors in it
 * are printed before the supervisor reads it.
 */
static int find(struct reload_command *q, const char *argument, const char *name)
{
	_cleanup_gadget_ struct gadget *gadget = NULL;
	int exit;

	if (!cmd_is_path(argument)) {
		if (find_by_name(q, argument))
			return q->err.exit;
	} else {
		q->file = xstrdup(argument);
		if (!name && cmd_find_gadget_by_file(q->globals, argument, &q->name, &q->err) < 0)
			return q->err.exit;
	}
	q->renamed = name;
	exit = cmd_load(q->globals, q->file, name ? name : q->name, GADGETFILE_TRUST_UNWRITABLE,
			&gadget, NULL, &q->diags, &q->err);
	if (!q->json && (exit || log_get_level() > LOG_QUIET))
		diags_print(stderr, &q->diags, DIAG_FORMAT_HUMAN, q->globals->color);
	if (exit)
		return exit;
	free(q->file);
	q->file = xstrdup(gadget->file);
	if (!q->name)
		q->name = xstrdup(gadget->name);
	return 0;
}

/*
 * Prints the document with the gadget's status and, unless it is NULL, the array `changes`. Takes
 * ownership of `changes`.
 */
static int print_with_status(struct reload_command *q, json_t *changes, bool rebinds)
{
	struct gadget_statuses gadgets;
	json_t *json, *gadget;
	size_t i;

	inspect_gadgets(&q->globals->paths, q->name, &gadgets, &q->err);
	json = statuses_to_json(&gadgets);
	if (changes)
		json_array_foreach(json, i, gadget) {
			json_object_set(gadget, "plan", changes);
			json_object_set_new(gadget, "rebind", json_boolean(rebinds));
		}
	statuses_free(&gadgets);
	json_decref(changes);
	return finish(q, json, q->err.exit);
}

static void print_changes(const json_t *changes)
{
	const json_t *change;
	size_t i;

	json_array_foreach(changes, i, change) {
		const char *value = json_text(change, "value", NULL);

		printf("%3zu %-22s %s%s%s\n", i + 1, json_text(change, "do", "?"),
		       json_text(change, "path", "?"), value ? " = " : "", value ? value : "");
	}
}

static int dry_run(struct reload_command *q)
{
	json_t *changes = NULL;
	bool rebinds;

	if (client_reload_plan(&q->globals->paths, q->name, q->file, q->renamed,
			       cmd_dirs(q->globals), &changes, &rebinds, &q->err) < 0)
		return finish(q, NULL, q->err.exit);
	if (q->json)
		return print_with_status(q, changes, rebinds);
	print_changes(changes);
	if (json_array_size(changes) == 0)
		log_info("%s: no changes", q->name);
	else if (rebinds)
		log_info("%s: needs a rebind: the host would see a disconnect", q->name);
	else
		log_info("%s: needs no rebind: the gadget would stay bound", q->name);
	json_decref(changes);
	return finish(q, NULL, 0);
}

static int reload(struct reload_command *q)
{
	struct client_reload done;

	if (client_reload(&q->globals->paths, q->name, q->file, q->renamed, q->timeout, &done,
			  &q->err) < 0) {
		free(done.awaits);
		cmd_explain_worker(q->globals, q->file, q->renamed ? q->name : NULL,
				   q->json ? &q->diags : NULL, &q->err);
		return finish(q, NULL, q->err.exit);
	}
	if (done.result == CLIENT_UNCHANGED)
		log_info("%s: unchanged", q->name);
	else if (done.awaits)
		log_info("%s: reloaded; it is bound again when its UDC %s is back", q->name,
			 done.awaits);
	else if (done.rebound)
		log_info("%s: reloaded with a rebind", q->name);
	else
		log_info("%s: reloaded without a rebind", q->name);
	free(done.awaits);
	return q->json ? print_with_status(q, NULL, false) : finish(q, NULL, 0);
}

static int run(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct reload_command q = { .globals = globals, .timeout = DEFAULT_TIMEOUT };
	const char *name = NULL;
	int option, exit;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			return cmd_help(&cmd_reload);
		case OPT_DRY_RUN:
			q.dry_run = true;
			break;
		case OPT_JSON:
			q.json = true;
			break;
		case OPT_NAME:
			name = optarg;
			break;
		case OPT_TIMEOUT:
			if (cmd_seconds_option(&cmd_reload, "--timeout", &q.timeout))
				return EX_USAGE;
			break;
		default:
			return cmd_bad_option(&cmd_reload, argv);
		}
	}
	if (argc - optind != 1)
		return cmd_usage(&cmd_reload, "expected one gadget");
	if (name && !cmd_is_path(argv[optind]))
		return cmd_usage(&cmd_reload, "--name needs the path of a file");
	exit = find(&q, argv[optind], name);
	if (exit)
		return finish(&q, NULL, exit);
	return q.dry_run ? dry_run(&q) : reload(&q);
}

const struct command cmd_reload = {
	.name = "reload",
	.args = "[OPTIONS] GADGET",
	.summary = "apply the changes of a gadget file to its gadget",
	.options = "  --name N            the gadget to reload from the file at a path\n"
		   "  --dry-run           print the changes and apply none\n"
		   "  --json              one JSON document on stdout\n"
		   "  --timeout S         seconds for the reload, and for its undo (30)\n",
	.words = { CMD_WORDS_GADGETS },
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `export`: prints a gadget file for a gadget in configfs. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "configfs/configfs.h"
#include "export/export.h"
#include "gadgetfile/write.h"
#include "rundir/record.h"

/*
 * Reads the gadget's record and its directory in configfs. Reads the record first: `down` removes
 * it last, so a gadget that is found in configfs afterwards is the gadget of this record.
 */
static int read_record_and_configfs(const struct globals *globals, const char *name,
				    struct configfs_tree *live, struct record *record,
				    struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(&globals->paths, name);
	int r = record_read(&globals->paths, name, record, err);

	if (r == -ENOENT)
		error_clear(err);
	else if (err->exit == EX_NOPERM)
		return error_add_root_hint(err);
	else if (r < 0)
		return r;
	r = configfs_tree_read(globals->paths.configfs_mount_point, dir, live, err);
	if (r == -ENOENT) {
		error_clear(err);
		error_set(err, EX_NOINPUT, ENOENT, dir, "cannot find gadget '%s' in %s/usb_gadget",
			  name, globals->paths.configfs_mount_point);
		return error_add_hint(err, "'ffsctl status' lists the gadgets");
	}
	return r;
}

/*
 * Checks that `up` would accept the exported gadget file. If not, adds its errors to `diags`.
 * Stores the file's document without comments in *form, which the caller owns.
 */
static int check_exported_text(const char *name, const char *text, json_t **form,
			       struct diags *diags)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_free_ char *path = strf("%s.conf", name);
	int r = gadgetfile_load_text(path, text, strlen(text), &g, form, diags);

	return r < 0 ? EX_DATAERR : 0;
}

/*
 * Prints the --json output. `e` and `form` are NULL if the gadget cannot be exported. Takes
 * ownership of `form`.
 */
static int print_json(const struct export *e, json_t *form, const struct diags *diags,
		      const struct error *err, int exit)
{
	json_t *output = cmd_new_json_output(), *omissions = json_array();

	for (size_t i = 0; e && i < e->n_omissions; i++)
		json_array_append_new(omissions, json_string(e->omissions[i]));
	json_object_set_new(output, "gadget", json_string_or_null(e ? e->gadget_name : NULL));
	json_object_set_new(output, "form", form ? form : json_null());
	json_object_set_new(output, "omissions", omissions);
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	json_object_set_new(output, "problems", diags_to_json(diags));
	return cmd_print_json_output(output, exit);
}

static int print_text(const struct globals *globals, const struct export *e, const char *text,
		      const struct diags *diags, int exit)
{
	if (exit)
		diags_print(stderr, diags, DIAG_FORMAT_HUMAN, globals->color);
	for (size_t i = 0; i < e->n_omissions; i++)
		log_error("%s: not in the file: %s", e->gadget_name, e->omissions[i]);
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		return EX_IOERR;
	return exit;
}

static int print_gadget_file(const struct globals *globals, struct export *e, bool json)
{
	json_t *document = export_document(e);
	_cleanup_free_ char *text = gadgetfile_write(document);
	json_t *form = NULL;
	struct diags diags = { 0 };
	int exit = check_exported_text(e->gadget_name, text, &form, &diags);

	json_decref(document);
	if (json) {
		exit = print_json(e, form, &diags, NULL, exit);
	} else {
		exit = print_text(globals, e, text, &diags, exit);
		json_decref(form);
	}
	diags_free(&diags);
	return exit;
}

static int export_named_gadget(const struct globals *globals, const char *argument, bool json)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	_cleanup_configfs_tree_ struct configfs_tree tree = { 0 };
	_cleanup_udcs_ struct udcs udcs = { 0 };
	struct record record = { 0 };
	int exit;

	if (cmd_find_own_or_foreign_gadget_name(globals, argument, &name, &err) < 0 ||
	    read_record_and_configfs(globals, name, &tree, &record, &err) < 0 ||
	    udcs_list(&globals->paths, &udcs, &err) < 0) {
		exit = json ? print_json(NULL, NULL, &(struct diags){ 0 }, &err, err.exit)
			    : cmd_print_error(&err);
	} else {
		struct export e = { .gadget_name = name,
				    .gadget_dir = &tree,
				    .record = record.name ? &record : NULL,
				    .udcs = &udcs };

		exit = print_gadget_file(globals, &e, json);
		export_free(&e);
	}
	record_free(&record);
	return exit;
}

static int run_export_command(const struct globals *globals, int argc, char **argv)
{
	bool json = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &json, &exit))
		return exit;
	if (optind + 1 != argc)
		return cmd_print_usage_error(&cmd_export, "expected one gadget");
	return export_named_gadget(globals, argv[optind], json);
}

const struct command cmd_export = {
	.name = "export",
	.usage_arguments = "GADGET [--json]",
	.summary = "print a gadget file for any gadget in configfs",
	.options = cmd_json_options,
	.argument_kinds = { CMD_ARGUMENT_ALL_GADGETS },
	.run = run_export_command,
};

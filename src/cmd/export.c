/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `export`: prints a gadget file for a gadget in configfs. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
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
		return error_needs_root(err);
	else if (r < 0)
		return r;
	r = configfs_tree_read(globals->paths.configfs, dir, live, err);
	if (r == -ENOENT) {
		error_clear(err);
		error_set(err, EX_NOINPUT, ENOENT, dir, "cannot find gadget '%s' in %s/usb_gadget",
			  name, globals->paths.configfs);
		return error_add_hint(err, "'ffsctl status' lists the gadgets");
	}
	return r;
}

/* Checks that `up` would accept the exported gadget file, and prints the file's errors. */
static int check_exported_text(const struct globals *globals, const char *name, const char *text)
{
	_cleanup_gadget_ struct gadget *g = NULL;
	_cleanup_free_ char *path = strf("%s.conf", name);
	struct diags diags = { 0 };
	int r = gadgetfile_load_text(path, text, strlen(text), &g, NULL, &diags);

	if (r < 0)
		diags_print(stderr, &diags, DIAG_FORMAT_HUMAN, globals->color);
	diags_free(&diags);
	return r < 0 ? EX_DATAERR : 0;
}

static int print_gadget_file(const struct globals *globals, struct export *e)
{
	json_t *document = export_document(e);
	_cleanup_free_ char *text = gadgetfile_write(document);
	int exit = check_exported_text(globals, e->gadget_name, text);

	json_decref(document);
	for (size_t i = 0; i < e->n_omissions; i++)
		log_error("%s: not in the file: %s", e->gadget_name, e->omissions[i]);
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		return EX_IOERR;
	return exit;
}

static int export_named_gadget(const struct globals *globals, const char *argument)
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
		exit = cmd_print_error(&err);
	} else {
		struct export e = { .gadget_name = name,
				    .gadget_dir = &tree,
				    .record = record.name ? &record : NULL,
				    .udcs = &udcs };

		exit = print_gadget_file(globals, &e);
		export_free(&e);
	}
	record_free(&record);
	return exit;
}

static int run_export_command(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return opt == 'h' ? cmd_print_help(&cmd_export)
				  : cmd_error_bad_option(&cmd_export, argv);
	if (optind + 1 != argc)
		return cmd_error_usage(&cmd_export, "expected one gadget");
	return export_named_gadget(globals, argv[optind]);
}

const struct command cmd_export = {
	.name = "export",
	.usage_arguments = "GADGET",
	.summary = "print a gadget file for any gadget in configfs",
	.argument_kinds = { CMD_ARGUMENT_ALL_GADGETS },
	.run = run_export_command,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `schema`: prints a JSON Schema of this version. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/embedded_files.h"

#define SUFFIX ".schema.json"

static const char *find_schema_text(const char *name)
{
	for (const struct embedded_file *e = embedded_schema_files; e->file_name; e++) {
		size_t n = strlen(e->file_name) - strlen(SUFFIX);

		/* The user may leave out the suffix of the file. */
		if (streq(name, e->file_name) ||
		    (strlen(name) == n && strncmp(name, e->file_name, n) == 0))
			return e->text;
	}
	return NULL;
}

static int error_unknown_schema(const char *name)
{
	_cleanup_free_ char *names = xstrdup("");

	for (const struct embedded_file *e = embedded_schema_files; e->file_name; e++) {
		_cleanup_free_ char *old = names;

		names = strf("%s%s%.*s", old, *old ? ", " : "",
			     (int)(strlen(e->file_name) - strlen(SUFFIX)), e->file_name);
	}
	return cmd_print_usage_error(&cmd_schema, "unknown schema '%s': it must be one of %s", name,
				     names);
}

static int run_schema_command(const struct globals *globals, int argc, char **argv)
{
	int exit;
	const char *name, *text;

	if (!cmd_parse_options(globals, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_print_usage_error(&cmd_schema, "expected at most one name");
	name = optind < argc ? argv[optind] : "gadget";
	text = find_schema_text(name);
	if (!text)
		return error_unknown_schema(name);
	fputs(text, stdout);
	return 0;
}

const struct command cmd_schema = {
	.name = "schema",
	.usage_arguments = "[NAME]",
	.summary = "print the JSON Schema of gadget files, or of --json output",
	.notes = "names: gadget (the default: a gadget file as a JSON document); check,\n"
		 "descriptors, doctor, export, features, list, output, plugins and udc (output of\n"
		 "--json); ffsbench, plugin, worker-config\n",
	.argument_kinds = { CMD_ARGUMENT_SCHEMAS },
	.run = run_schema_command,
};

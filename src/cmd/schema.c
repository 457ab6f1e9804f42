/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `schema`: prints a JSON Schema of this version. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/embed.h"

#define SUFFIX ".schema.json"

static const char *find_schema(const char *name)
{
	for (const struct embedded *e = embedded_schemas; e->name; e++) {
		size_t n = strlen(e->name) - strlen(SUFFIX);

		/* Accepts the name with and without the suffix. */
		if (streq(name, e->name) || (strlen(name) == n && strncmp(name, e->name, n) == 0))
			return e->text;
	}
	return NULL;
}

static int unknown_schema(const char *name)
{
	_cleanup_free_ char *names = xstrdup("");

	for (const struct embedded *e = embedded_schemas; e->name; e++) {
		_cleanup_free_ char *old = names;

		names = strf("%s%s%.*s", old, *old ? ", " : "",
			     (int)(strlen(e->name) - strlen(SUFFIX)), e->name);
	}
	return cmd_usage(&cmd_schema, "unknown schema '%s': it must be one of %s", name, names);
}

static int run(const struct globals *globals _unused_, int argc, char **argv)
{
	int exit;
	const char *name, *text;

	if (!cmd_parse_help_and_json(&cmd_schema, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_usage(&cmd_schema, "expected at most one name");
	name = optind < argc ? argv[optind] : "gadget";
	text = find_schema(name);
	if (!text)
		return unknown_schema(name);
	fputs(text, stdout);
	return 0;
}

const struct command cmd_schema = {
	.name = "schema",
	.args = "[NAME]",
	.summary = "print the JSON Schema of gadget files, or of the output of --json",
	.options = "names: gadget (the default: a gadget file as a JSON document); check, "
		   "features,\n"
		   "output, plugins and udc (output of --json); ffsbench, plugin, worker-config\n",
	.words = { CMD_WORDS_SCHEMAS },
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `plugins`: lists the installed plugins, or prints the declaration of one. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plugin_tables.h"
#include "probe/plugin_file.h"
#include "process/needs.h"
#include "rundir/control.h"

#define SUFFIX ".so"

struct plugins_command {
	struct plugin_tables tables;
	json_t *plugins, *errors; /* arrays of the --json document; NULL: text is printed */
	int exit;
};

/* --- names --- */

static int is_plugin(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_has_suffix(entry->d_name, SUFFIX);
}

int cmd_list_plugins(struct cmd_names *names, struct error *err)
{
	_cleanup_free_ char *dir = plugin_dir();
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_plugin, alphasort);

	*names = (struct cmd_names){ 0 };
	if (n < 0 && errno != ENOENT)
		return error_errno(err, errno == EACCES ? EX_NOPERM : EX_OSERR, errno, dir,
				   "cannot list %s", dir);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		*array_add(names->list, names->n) = xstrndup(name, strlen(name) - strlen(SUFFIX));
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void cmd_names_free(struct cmd_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct cmd_names){ 0 };
}

/* --- text --- */

/* Prints a text from a plugin without control characters, which could control the terminal. */
static void print_text(const char *before, const char *text, const char *after)
{
	_cleanup_free_ char *shown = text_printable(text, strlen(text));

	printf("%s%s%s", before, shown, after);
}

static void print_line(const struct plugin_table *t)
{
	_cleanup_free_ char *path = plugin_file(t->plugin);

	printf("%-14s ", t->plugin);
	print_text("", t->description.table.summary, "");
	printf(" (%s)\n", path);
}

static void print_range(const struct ffsctl_option *o)
{
	const char *const *c;

	if (o->min || o->max)
		printf(", %" PRId64 " to %" PRId64, o->min, o->max);
	for (c = o->choices; c && *c; c++)
		print_text(c == o->choices ? ": " : ", ", *c, "");
}

static void print_option(const struct ffsctl_option *o)
{
	_cleanup_free_ char *name = text_printable(o->name, strlen(o->name));

	printf("  %-14s %s", name, option_type_name(o->type));
	print_range(o);
	if (o->required)
		printf("; required");
	else if (o->default_value)
		print_text("; default ", o->default_value, "");
	putchar('\n');
	if (*o->doc)
		print_text("                 ", o->doc, "\n");
}

static void print_needs(uint32_t needs)
{
	const char *between = "";

	printf("needs            ");
	for (unsigned int i = 0; needs_words[i]; i++) {
		if (!(needs & 1U << i))
			continue;
		printf("%s%s", between, needs_words[i]);
		between = ", ";
	}
	printf("%s\n", needs ? "" : "only its endpoints");
}

static void print_all(const struct plugin_table *t)
{
	const struct ffsctl_plugin *p = &t->description.table;
	_cleanup_free_ char *path = plugin_file(t->plugin);

	print_text("", p->name, ": ");
	print_text("", p->summary, "\n");
	printf("path             %s\n", path);
	printf("mode             %s\n", p->mode == FFSCTL_MODE_MESSAGE ? "message" : "stream");
	printf("io.size          %u bytes by default\n", p->transfer_size);
	printf("io.depth         %u transfers per endpoint by default\n", p->depth);
	if (p->out_length)
		printf("OUT transfers    %u bytes each\n", p->out_length);
	print_needs(p->needs);
	puts(p->options->name ? "options" : "options          none");
	for (const struct ffsctl_option *o = p->options; o->name; o++)
		print_option(o);
}

/* --- the command --- */

static void show_plugin(struct plugins_command *q, const char *plugin, bool all)
{
	const struct plugin_table *t = plugin_tables_get(&q->tables, plugin);
	_cleanup_free_ char *path = plugin_file(plugin);

	if (t->err.exit && !q->exit)
		q->exit = t->err.exit;
	if (q->plugins && t->err.exit)
		json_array_append_new(q->errors, error_to_json(&t->err));
	else if (q->plugins)
		json_array_append_new(q->plugins, json_pack("{s:o, s:o, s:O}", "plugin",
							    json_string_or_null(plugin), "path",
							    json_string_or_null(path), "declares",
							    t->description.document));
	else if (t->err.exit)
		cmd_print_error(&t->err);
	else if (all)
		print_all(t);
	else
		print_line(t);
}

static void show_installed(struct plugins_command *q)
{
	_cleanup_names_ struct cmd_names names = { 0 };
	_cleanup_error_ struct error err = { 0 };

	if (cmd_list_plugins(&names, &err) < 0) {
		q->exit = err.exit;
		if (q->errors)
			json_array_append_new(q->errors, error_to_json(&err));
		else
			cmd_print_error(&err);
	} else if (names.n == 0 && !q->plugins) {
		_cleanup_free_ char *dir = plugin_dir();

		log_info("no plugin in %s", dir);
	}
	for (size_t i = 0; i < names.n; i++)
		show_plugin(q, names.list[i], false);
}

static int run(const struct globals *globals _unused_, int argc, char **argv)
{
	struct plugins_command q = { .exit = 0 };
	bool json = false;
	int exit;

	if (!cmd_parse_help_and_json(&cmd_plugins, argc, argv, &json, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_usage(&cmd_plugins, "expected at most one plugin");
	if (json) {
		q.plugins = json_array();
		q.errors = json_array();
	}
	if (optind < argc)
		show_plugin(&q, argv[optind], true);
	else
		show_installed(&q);
	if (json) {
		json_t *document = cmd_json_output();

		json_object_set_new(document, "plugins", q.plugins);
		json_object_set_new(document, "errors", q.errors);
		q.exit = cmd_print_document(document, q.exit);
	}
	plugin_tables_free(&q.tables);
	return q.exit;
}

const struct command cmd_plugins = {
	.name = "plugins",
	.args = "[PLUGIN] [--json]",
	.summary = "list the installed plugins, or print the declaration of one",
	.options = "  --json              one JSON document on stdout\n"
		   "\n"
		   "PLUGIN is a name, as in the key worker.plugin, or a path. An unprivileged "
		   "process\n"
		   "loads the plugin and reads its declaration.\n",
	.words = { CMD_WORDS_PLUGINS },
	.run = run,
};

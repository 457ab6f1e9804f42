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
#include "base/plugin_option.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plugin_cache.h"
#include "cmd/table.h"
#include "probe/plugin_path.h"
#include "process/sandbox_permission_names.h"
#include "rundir/control.h"

#define SUFFIX ".so"

struct plugins_command {
	struct plugin_cache cache;
	struct table summaries;	  /* one row for each plugin, without --json */
	json_t *plugins, *errors; /* arrays of the --json output; NULL: without --json */
	int exit_status;
};

/* --- names --- */

static int is_plugin_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_has_suffix(entry->d_name, SUFFIX);
}

int cmd_list_installed_plugins(struct cmd_installed_plugin_names *names, struct error *err)
{
	_cleanup_free_ char *dir = plugin_dir();
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_plugin_file, alphasort);

	*names = (struct cmd_installed_plugin_names){ 0 };
	if (n < 0 && errno != ENOENT)
		return error_errno(err, errno == EACCES ? EX_NOPERM : EX_OSERR, errno, dir,
				   "cannot list %s", dir);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		*array_add(names->names, names->n_names) =
			xstrndup(name, strlen(name) - strlen(SUFFIX));
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void cmd_installed_plugin_names_free(struct cmd_installed_plugin_names *names)
{
	for (size_t i = 0; i < names->n_names; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct cmd_installed_plugin_names){ 0 };
}

/* --- text --- */

/* Prints a text of a plugin. Removes control characters, which could control the terminal. */
static void print_printable(const char *before, const char *text, const char *after)
{
	_cleanup_free_ char *shown = text_replace_unprintable(text, strlen(text));

	printf("%s%s%s", before, shown, after);
}

static void add_summary_row(struct table *table, const struct cached_plugin *t)
{
	const char *summary = t->declaration.plugin.summary;
	_cleanup_free_ char *path = plugin_path_expand(t->name_or_path);
	_cleanup_free_ char *shown = text_replace_unprintable(summary, strlen(summary));
	struct table_row *row = table_add_row(table);

	row->cells[0] = xstrdup(t->name_or_path);
	row->cells[1] = strf("%s (%s)", shown, path);
}

static void print_option_range(const struct ffsctl_option *o)
{
	const char *const *c;

	if (o->min || o->max)
		printf(", %" PRId64 " to %" PRId64, o->min, o->max);
	for (c = o->choices; c && *c; c++)
		print_printable(c == o->choices ? ": " : ", ", *c, "");
}

static void print_plugin_option(const struct ffsctl_option *o)
{
	_cleanup_free_ char *name = text_replace_unprintable(o->name, strlen(o->name));

	printf("  %-14s %s", name, option_type_name(o->type));
	print_option_range(o);
	if (o->required)
		printf("; required");
	else if (o->default_value)
		print_printable("; default ", o->default_value, "");
	putchar('\n');
	if (*o->doc)
		print_printable("                 ", o->doc, "\n");
}

static void print_plugin_needs(uint32_t needs)
{
	const char *between = "";

	printf("needs            ");
	for (unsigned int i = 0; sandbox_permission_names[i]; i++) {
		if (!(needs & 1U << i))
			continue;
		printf("%s%s", between, sandbox_permission_names[i]);
		between = ", ";
	}
	printf("%s\n", needs ? "" : "only its endpoints");
}

static void print_declaration(const struct cached_plugin *t)
{
	const struct ffsctl_plugin *p = &t->declaration.plugin;
	_cleanup_free_ char *path = plugin_path_expand(t->name_or_path);

	print_printable("", p->name, ": ");
	print_printable("", p->summary, "\n");
	printf("path             %s\n", path);
	printf("mode             %s\n",
	       p->framing == FFSCTL_FRAMING_MESSAGES ? "message" : "stream");
	printf("io.size          %u bytes by default\n", p->transfer_size);
	printf("io.depth         %u transfer%s per endpoint by default\n",
	       p->transfers_per_endpoint, p->transfers_per_endpoint == 1 ? "" : "s");
	if (p->out_transfer_length)
		printf("OUT transfers    %u bytes each\n", p->out_transfer_length);
	print_plugin_needs(p->needs);
	puts(p->options->name ? "options" : "options          none");
	for (const struct ffsctl_option *o = p->options; o->name; o++)
		print_plugin_option(o);
}

/* --- the command --- */

static void show_plugin(struct plugins_command *q, const char *plugin, bool in_full)
{
	const struct cached_plugin *t = plugin_cache_get(&q->cache, plugin);
	_cleanup_free_ char *path = plugin_path_expand(plugin);

	if (t->load_error.exit && !q->exit_status)
		q->exit_status = t->load_error.exit;
	if (q->plugins && t->load_error.exit)
		json_array_append_new(q->errors, error_to_json(&t->load_error));
	else if (q->plugins)
		json_array_append_new(q->plugins, json_pack("{s:o, s:o, s:O}", "plugin",
							    json_string_or_null(plugin), "path",
							    json_string_or_null(path), "declares",
							    t->declaration.declaration_json));
	else if (t->load_error.exit)
		cmd_print_error(&t->load_error);
	else if (in_full)
		print_declaration(t);
	else
		add_summary_row(&q->summaries, t);
}

static void show_installed_plugins(struct plugins_command *q)
{
	_cleanup_installed_plugin_names_ struct cmd_installed_plugin_names names = { 0 };
	_cleanup_error_ struct error err = { 0 };

	if (cmd_list_installed_plugins(&names, &err) < 0) {
		q->exit_status = err.exit;
		if (q->errors)
			json_array_append_new(q->errors, error_to_json(&err));
		else
			cmd_print_error(&err);
	} else if (names.n_names == 0 && !q->plugins) {
		_cleanup_free_ char *dir = plugin_dir();

		log_info("no plugin in %s", dir);
	}
	for (size_t i = 0; i < names.n_names; i++)
		show_plugin(q, names.names[i], false);
}

static int run_plugins_command(const struct globals *globals, int argc, char **argv)
{
	struct plugins_command q = { .summaries.n_columns = 2 };
	bool json = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &json, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_print_usage_error(&cmd_plugins, "expected at most one plugin");
	if (json) {
		q.plugins = json_array();
		q.errors = json_array();
	}
	if (optind < argc)
		show_plugin(&q, argv[optind], true);
	else
		show_installed_plugins(&q);
	if (json) {
		json_t *output = cmd_new_json_output();

		json_object_set_new(output, "plugins", q.plugins);
		json_object_set_new(output, "errors", q.errors);
		q.exit_status = cmd_print_json_output(output, q.exit_status);
	}
	table_print(stdout, &q.summaries);
	table_free(&q.summaries);
	plugin_cache_free(&q.cache);
	return q.exit_status;
}

const struct command cmd_plugins = {
	.name = "plugins",
	.usage_arguments = "[PLUGIN] [--json]",
	.summary = "list the installed plugins, or print the declaration of one",
	.options = cmd_json_options,
	.notes = "PLUGIN is a name, as in the key worker.plugin, or a path. An unprivileged\n"
		 "process loads the plugin and reads its declaration.\n",
	.argument_kinds = { CMD_ARGUMENT_PLUGINS },
	.run = run_plugins_command,
};

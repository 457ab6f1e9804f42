/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `up` and `run`: bring a gadget up in the background or in the foreground. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "client/inspect.h"
#include "cmd/table.h"
#include "cmd/up_all.h"
#include "process/spawn.h"

#define DEFAULT_TIMEOUT 30
#define DEFAULT_WAIT 30

struct up_command {
	const struct globals *globals;
	const struct command *command;
	struct client_options client_options;
	const char *file_argument, *name_option;
	double host_wait_seconds; /* maximum time to wait for a host, in seconds; < 0: does not wait
				   */
	bool dry_run, prints_json;
	bool all_files; /* --all */

	struct gadget *gadget;
	json_t *document;
	struct diags diags;
	struct error err;
};

/* Stores --notify-fd. Sets FD_CLOEXEC on the file descriptor, so that no worker inherits it. */
static int set_notify_fd(void *values, const char *value, struct error *err)
{
	struct up_command *q = values;

	if (cmd_parse_fd(value, &q->client_options.notify_fd) &&
	    fcntl(q->client_options.notify_fd, F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 "--notify-fd takes an open file descriptor above 2, not '%s'", value);
}

/* Stores --group: the group whose members may send requests to the supervisor. */
static int set_allowed_group(void *values, const char *value, struct error *err)
{
	struct up_command *q = values;

	return spawn_find_group(value, &q->client_options.gid_allowed_to_control,
				&(struct position){ 0 }, err);
}

/* clang-format off */
#define OPTIONS_OF_BOTH \
	{ "--name", " N", "name of the gadget, instead of the name in the file", OPTION_TEXT, \
	  .offset = offsetof(struct up_command, name_option) }, \
	{ "--dry-run", NULL, "print the plan and change nothing", OPTION_FLAG, \
	  .offset = offsetof(struct up_command, dry_run) }, \
	CMD_JSON_OPTION(offsetof(struct up_command, prints_json)), \
	{ "--udc", " NAME", "the UDC to bind to", OPTION_TEXT, \
	  .offset = offsetof(struct up_command, client_options.udc_name), .tag = CMD_ARGUMENT_UDCS }, \
	{ "--timeout", " S", "fail if the gadget is not up after S seconds (30)", OPTION_SECONDS, \
	  .offset = offsetof(struct up_command, client_options.up_timeout_seconds) }, \
	{ "--no-bind", NULL, "create everything, but do not bind to a UDC", OPTION_FLAG, \
	  .offset = offsetof(struct up_command, client_options.no_bind) }, \
	{ "--hold", " S", "seconds that workers continue after the supervisor died (10)", \
	  OPTION_SECONDS, \
	  .offset = offsetof(struct up_command, client_options.keeper_takeover_wait_seconds) }, \
	{ "--group", " GROUP", "also allow members of GROUP to control the gadget", OPTION_SET, \
	  .set = set_allowed_group, .tag = CMD_ARGUMENT_USER_GROUPS }
#define WAIT_UDC_OPTION(help) \
	{ "--wait-udc", "[=S]", help, OPTION_SECONDS, \
	  .offset = offsetof(struct up_command, client_options.udc_wait_seconds), \
	  .seconds_without_value = DEFAULT_WAIT }
/* clang-format on */

static const struct option_row up_options[] = {
	OPTIONS_OF_BOTH,
	{ "--all", NULL, "all gadget files in the directories with autostart = true", OPTION_FLAG,
	  .offset = offsetof(struct up_command, all_files) },
	WAIT_UDC_OPTION("wait at most S seconds for a UDC to appear (30)"),
	{ "--wait-host", "[=S]", "wait at most S seconds for a host to configure the gadget (30)",
	  OPTION_SECONDS, .offset = offsetof(struct up_command, host_wait_seconds),
	  .seconds_without_value = DEFAULT_WAIT },
	{ 0 },
};

static const struct option_row run_options[] = {
	OPTIONS_OF_BOTH,
	{ "--notify-fd", " N", "write a newline to file descriptor N when the gadget is up",
	  OPTION_SET, .set = set_notify_fd },
	WAIT_UDC_OPTION("wait at most S seconds for a UDC (default: no limit)"),
	{ 0 },
};

/* Makes the directories of gadget files absolute: the supervisor's working directory is /. */
static void set_absolute_gadget_dirs(struct up_command *q)
{
	static const char
		*absolute[ARRAY_SIZE(q->globals->gadget_dirs)]; /* used until this process ends */
	const char *const *dirs = cmd_gadget_dirs(q->globals);
	_cleanup_free_ char *here = *dirs[0] == '/' ? NULL : getcwd(NULL, 0);

	for (size_t i = 0; dirs[i]; i++)
		absolute[i] = dirs[i];
	if (here)
		absolute[0] = strf("%s/%s", here, dirs[0]);
	q->client_options.gadget_dirs = absolute;
}

/* Returns the option with an optional value whose name, maybe abbreviated, is `word`, or NULL. */
static const struct option_row *find_option_with_optional_value(const struct option_row *options,
								const char *word)
{
	for (const struct option_row *row = options; row->name; row++)
		if (row->value && !option_needs_value(row) && str_has_prefix(word, "--") &&
		    str_has_prefix(row->name, word))
			return row;
	return NULL;
}

/*
 * Prints the error for too few or too many arguments. If a number is behind an option whose value
 * must follow '=', as in '--wait-udc 5', the error says so. `words`: argv as the user wrote it.
 */
static int print_wrong_number_of_arguments(const struct up_command *q, char *const *words)
{
	_cleanup_error_ struct error err = { 0 };

	for (; words[0] && words[1] && !streq(words[0], "--"); words++) {
		const struct option_row *row =
			find_option_with_optional_value(q->command->options, words[0]);

		if (!row || !*words[1] || strspn(words[1], "0123456789.") != strlen(words[1]))
			continue;
		error_set(&err, EX_USAGE, EINVAL, NULL, "%s: the value of '%s' must follow '='",
			  q->command->name, row->name);
		error_add_hint(&err, "write '%s=%s'", row->name, words[1]);
		return cmd_print_error(&err);
	}
	return cmd_print_usage_error(q->command, q->all_files ? "expected one gadget or --all"
							      : "expected one gadget file or name");
}

static int check_options_with_all(const struct up_command *q)
{
	if (q->name_option)
		return cmd_print_usage_error(q->command, "--name and --all exclude each other");
	if (q->client_options.udc_name)
		return cmd_print_usage_error(q->command, "--udc and --all exclude each other");
	return 0;
}

/* Returns false if the command must end with the exit status *exit. */
static bool parse_command_line(struct up_command *q, int argc, char **argv, int *exit)
{
	/* argv before cmd_parse_options moves the arguments behind the options */
	_cleanup_free_ char **words = xcalloc((size_t)argc + 1, sizeof(*argv));

	memcpy(words, argv, (size_t)argc * sizeof(*argv));
	if (!cmd_parse_options(q->globals, argc, argv, q, exit))
		return false;
	if (argc - optind != (q->all_files ? 0 : 1))
		*exit = print_wrong_number_of_arguments(q, words);
	else if (q->client_options.no_bind && q->host_wait_seconds >= 0)
		*exit = cmd_print_usage_error(q->command,
					      "--no-bind and --wait-host exclude each other");
	else
		*exit = q->all_files ? check_options_with_all(q) : 0;
	q->file_argument = argv[optind];
	return *exit == 0;
}

/*
 * Returns whose gadget files the command accepts: those of root, or those of any user. `run`
 * accepts only files of root, because services run it. --dry-run accepts any file.
 */
static enum gadgetfile_trust choose_file_trust(const struct up_command *q)
{
	if (q->dry_run)
		return GADGETFILE_TRUST_ALL;
	return q->command == &cmd_run ? GADGETFILE_TRUST_ROOT : GADGETFILE_TRUST_UNWRITABLE;
}

static int load_gadget_file(struct up_command *q)
{
	int exit = cmd_load_gadget_file(q->globals, q->file_argument, q->name_option,
					choose_file_trust(q), &q->gadget, &q->document, &q->diags,
					&q->err);

	if (!q->prints_json && (exit || log_get_level() > LOG_QUIET))
		diags_print(stderr, &q->diags, DIAG_FORMAT_HUMAN, q->globals->color);
	if (exit == 0 && q->gadget->udc.wait_seconds > q->client_options.udc_wait_seconds)
		q->client_options.udc_wait_seconds = q->gadget->udc.wait_seconds;
	return exit;
}

/*
 * Checks the options of the workers, one of which has failed. Uses the absolute path of the gadget
 * file, because a supervisor changes its working directory.
 */
static void check_failed_worker_options(struct up_command *q)
{
	cmd_check_failed_worker_options(q->globals, q->gadget->file, q->name_option,
					q->prints_json ? &q->diags : NULL, &q->err);
}

static void up_command_free(struct up_command *q)
{
	error_clear(&q->err);
	diags_free(&q->diags);
	json_decref(q->document);
	gadget_free(q->gadget);
}

static int print_output_and_free_command(struct up_command *q, json_t *gadgets, int exit)
{
	/*
	 * In the --json output, "problems" contains the errors of the gadget file. Adds to "errors"
	 * one error that says so.
	 */
	if (q->prints_json && exit == EX_DATAERR && !q->err.exit)
		cmd_error_file_has_errors(q->file_argument, &q->err);
	if (q->prints_json)
		exit = cmd_print_gadgets_json(gadgets, &q->err, &q->diags, exit);
	else if (q->err.exit)
		exit = cmd_print_gadget_error(q->gadget ? q->gadget->name : NULL, &q->err);
	up_command_free(q);
	return exit;
}

static void print_plan_steps(const struct plan *plan)
{
	_cleanup_table_ struct table table = { .n_columns = 2 };

	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];
		const char *undo = step->op->undo_name;
		struct table_row *row = table_add_row(&table);

		row->cells[0] = strf("%3zu %s", i + 1, step->op->name);
		row->cells[1] = strf("%s%s%s%s%s%s", step->path, step->value ? " = " : "",
				     step->value ? step->value : "", undo ? "  [undo: " : "",
				     undo ? undo : "", undo ? "]" : "");
	}
	table_print(stdout, &table);
}

static int print_up_plan(struct up_command *q)
{
	_cleanup_error_ struct error missing_udc = { 0 };
	_cleanup_plan_ struct plan plan = { 0 };
	json_t *gadgets = NULL;

	if (client_make_plan(q->gadget, &q->client_options, &plan, &missing_udc, &q->err) < 0)
		return print_output_and_free_command(q, NULL, q->err.exit);
	if (missing_udc.exit)
		log_info("%s: 'up' would fail now: %s", q->gadget->name, missing_udc.text);
	if (q->prints_json)
		gadgets = json_pack("[{s:s, s:s, s:s, s:o}]", "name", q->gadget->name, "file",
				    q->gadget->file, "state", "down", "plan", plan_to_json(&plan));
	else
		print_plan_steps(&plan);
	return print_output_and_free_command(q, gadgets, 0);
}

/*
 * Runs in the child of client_fork_supervisor: brings the gadget up and supervises it until it goes
 * down. Returns the exit status of the child. If the child has sent no report, this is also the
 * exit status of the command.
 */
static int supervise_in_child(struct up_command *q, int report_fd)
{
	_cleanup_free_ char *output = NULL;
	bool reported;
	int exit = load_gadget_file(q);

	if (exit)
		return print_output_and_free_command(q, NULL, exit);
	client_bring_up_and_supervise(q->gadget, q->document, &q->client_options, report_fd,
				      &reported, &output, &q->err);
	if (reported) {
		exit = q->err.exit;
		up_command_free(q);
		return exit;
	}
	/* Prints the last output of the workers, without control characters, as `log` does. */
	if (output) {
		_cleanup_free_ char *shown = text_replace_unprintable_lines(output, strlen(output));

		cmd_print_lines(stderr, shown);
	}
	check_failed_worker_options(q);
	return print_output_and_free_command(q, NULL, q->err.exit);
}

/* Prints which optional functions the gadget is up without. */
static void print_left_out_functions(const struct up_command *q, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_status status;

	status_file_read(q->client_options.paths, name, &status, &ignored);
	for (size_t i = 0; i < status.n_functions; i++)
		if (status.functions[i].left_out)
			log_about(name, status.functions[i].label, LOG_WARNING,
				  "%s: %s: left out of the gadget (optional): %s", name,
				  status.functions[i].label, status.functions[i].left_out);
	status_free(&status);
}

static void await_host(struct up_command *q, const char *name)
{
	bool by_udc;

	if (client_wait_configured(q->client_options.paths, name, q->host_wait_seconds, &by_udc,
				   &q->err) == 0)
		log_about(name, NULL, LOG_INFO, "%s: %s", name,
			  by_udc ? "configured, as the UDC reports" : "configured by the host");
}

static int print_up_result(struct up_command *q, const struct client_up_report *report)
{
	const char *already = report->result == CLIENT_UNCHANGED ? " already" : "";
	struct gadget_statuses gadgets = { 0 };
	json_t *json;

	if (report->result == CLIENT_TAKEN_OVER)
		cmd_print_takeover(report->gadget_name);
	if (report->awaits_udc)
		log_about(report->gadget_name, NULL, LOG_INFO,
			  "%s: up%s; the gadget is bound when its UDC %s is back",
			  report->gadget_name, already, report->udc_name);
	else if (report->is_bound)
		log_about(report->gadget_name, NULL, LOG_INFO, "%s: up%s on %s",
			  report->gadget_name, already, report->udc_name);
	else if (*report->udc_name)
		log_about(report->gadget_name, NULL, LOG_INFO,
			  "%s: up%s, not bound to its UDC %s; 'ffsctl status %s' shows why",
			  report->gadget_name, already, report->udc_name, report->gadget_name);
	else
		log_about(report->gadget_name, NULL, LOG_INFO, "%s: up%s, not bound",
			  report->gadget_name, already);
	print_left_out_functions(q, report->gadget_name);
	if (*report->udc_name && q->host_wait_seconds >= 0)
		await_host(q, report->gadget_name);
	/*
	 * The --json output contains the warnings about the gadget file. Only the child has loaded
	 * the file, so it is loaded here, too.
	 */
	if (q->prints_json && load_gadget_file(q) == 0 && !q->err.exit)
		inspect_gadgets(&q->globals->paths, report->gadget_name, &gadgets, &q->err);
	json = q->prints_json ? statuses_to_json(&gadgets) : NULL;
	statuses_free(&gadgets);
	return print_output_and_free_command(q, json, q->err.exit);
}

/* Brings one gadget up, and frees the members of *q. */
static int bring_up_gadget(struct up_command *q)
{
	struct client_up_report report;
	int report_fd, exit;

	if (q->dry_run) {
		exit = load_gadget_file(q);
		return exit ? print_output_and_free_command(q, NULL, exit) : print_up_plan(q);
	}
	exit = client_fork_supervisor(&report_fd, &report, &q->err);
	if (report_fd >= 0)
		return supervise_in_child(q, report_fd);
	if (exit && q->err.exit)
		return print_output_and_free_command(q, NULL, exit);
	return exit ? exit : print_up_result(q, &report);
}

static int bring_up_file(void *data, const char *path)
{
	struct up_command *q = data;

	q->file_argument = path;
	return bring_up_gadget(q);
}

static int run_up_command(const struct globals *globals, int argc, char **argv)
{
	struct up_command q = { .globals = globals,
				.command = &cmd_up,
				.host_wait_seconds = -1,
				.client_options = {
					.paths = &globals->paths,
					.notify_fd = -1,
					.up_timeout_seconds = DEFAULT_TIMEOUT,
					.keeper_takeover_wait_seconds =
						CLIENT_SECONDS_WITHOUT_SUPERVISOR_DEFAULT } };
	struct up_all_options all = { .globals = globals,
				      .bring_up_file = bring_up_file,
				      .bring_up_data = &q };
	int exit;

	if (!parse_command_line(&q, argc, argv, &exit))
		return exit;
	set_absolute_gadget_dirs(&q);
	all.prints_json = q.prints_json;
	return q.all_files ? bring_up_autostart_gadgets(&all) : bring_up_gadget(&q);
}

static int run_run_command(const struct globals *globals, int argc, char **argv)
{
	struct up_command q = { .globals = globals,
				.command = &cmd_run,
				.host_wait_seconds = -1,
				.client_options = {
					.paths = &globals->paths,
					.notify_fd = -1,
					.up_timeout_seconds = DEFAULT_TIMEOUT,
					.udc_wait_seconds = HUGE_VAL,
					.keeper_takeover_wait_seconds =
						CLIENT_SECONDS_WITHOUT_SUPERVISOR_DEFAULT } };
	int exit;

	if (!parse_command_line(&q, argc, argv, &exit))
		return exit;
	set_absolute_gadget_dirs(&q);
	exit = load_gadget_file(&q);
	if (exit)
		return print_output_and_free_command(&q, NULL, exit);
	if (q.dry_run)
		return print_up_plan(&q);
	client_run_in_foreground(q.gadget, q.document, &q.client_options, &q.err);
	check_failed_worker_options(&q);
	return print_output_and_free_command(&q, NULL, q.err.exit);
}

const struct command cmd_up = {
	.name = "up",
	.usage_arguments = "[OPTIONS] GADGET | --all",
	.summary = "bring a gadget up and leave a supervisor in the background",
	.options = up_options,
	.argument_kinds = { CMD_ARGUMENT_FILES },
	.run = run_up_command,
};

const struct command cmd_run = {
	.name = "run",
	.usage_arguments = "[OPTIONS] GADGET",
	.summary = "bring a gadget up and supervise it in the foreground, until SIGTERM",
	.options = run_options,
	.argument_kinds = { CMD_ARGUMENT_FILES },
	.run = run_run_command,
};

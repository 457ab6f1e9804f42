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
#include "cmd/up.h"
#include "process/spawn.h"

#define DEFAULT_TIMEOUT 30
#define DEFAULT_WAIT 30

struct up_command {
	const struct globals *globals;
	const struct command *command;
	struct client_options options;
	const char *argument, *name;
	double wait_host; /* seconds to wait until a host configured it; < 0: does not wait */
	bool dry_run, json, all;

	struct gadget *gadget;
	json_t *document;
	struct diags diags;
	struct error err;
};

enum {
	OPT_NAME = 256,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_UDC,
	OPT_TIMEOUT,
	OPT_WAIT_UDC,
	OPT_WAIT_HOST,
	OPT_NO_BIND,
	OPT_HOLD,
	OPT_GROUP,
	OPT_NOTIFY_FD,
	OPT_ALL,
};

static const struct option long_options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "udc", required_argument, NULL, OPT_UDC },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "wait-udc", optional_argument, NULL, OPT_WAIT_UDC },
	{ "wait-host", optional_argument, NULL, OPT_WAIT_HOST },
	{ "no-bind", no_argument, NULL, OPT_NO_BIND },
	{ "hold", required_argument, NULL, OPT_HOLD },
	{ "group", required_argument, NULL, OPT_GROUP },
	{ "notify-fd", required_argument, NULL, OPT_NOTIFY_FD },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

#define OPTIONS_OF_BOTH                                                                            \
	"  --name N            the gadget's name, overrides the file's\n"                          \
	"  --dry-run           print the plan and change nothing\n"                                \
	"  --json              one JSON document on stdout\n"                                      \
	"  --udc NAME          the UDC to bind to\n"                                               \
	"  --timeout S         seconds to come up in (30)\n"                                       \
	"  --no-bind           create everything, but do not bind to a UDC\n"                      \
	"  --hold S            seconds that workers outlive a dead supervisor (10)\n"              \
	"  --group GROUP       members of the group may control the gadget as well\n"

static const char up_options[] = OPTIONS_OF_BOTH
	"  --all               all gadget files in the directories with autostart = true\n"
	"  --wait-udc[=S]      wait for a UDC to appear (30)\n"
	"  --wait-host[=S]     return only when a host has configured the gadget (30)\n";

static const char run_options[] = OPTIONS_OF_BOTH
	"  --notify-fd N       write a newline to this descriptor when the gadget is up\n"
	"  --wait-udc[=S]      wait at most so long for a UDC (default: no limit)\n";

static int seconds_option(const struct up_command *q, const char *what, double fallback,
			  double *seconds)
{
	*seconds = fallback;
	return optarg ? cmd_seconds_option(q->command, what, seconds) : 0;
}

/* Makes the descriptor close-on-exec, because no worker must inherit it. */
static int notify_fd_option(struct up_command *q)
{
	if (cmd_parse_descriptor(optarg, &q->options.notify_fd) &&
	    fcntl(q->options.notify_fd, F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	return cmd_usage(q->command, "--notify-fd takes an open descriptor from 3 on, not '%s'",
			 optarg);
}

static int group_option(struct up_command *q)
{
	_cleanup_error_ struct error err = { 0 };

	if (spawn_find_group(optarg, &q->options.group, &(struct position){ 0 }, &err) == 0)
		return 0;
	return cmd_usage(q->command, "%s", err.text);
}

static int parse_option(struct up_command *q, int option, char **argv)
{
	switch (option) {
	case OPT_NAME:
		q->name = optarg;
		return 0;
	case OPT_DRY_RUN:
		q->dry_run = true;
		return 0;
	case OPT_JSON:
		q->json = true;
		return 0;
	case OPT_UDC:
		q->options.udc = optarg;
		return 0;
	case OPT_TIMEOUT:
		return seconds_option(q, "--timeout", DEFAULT_TIMEOUT, &q->options.timeout);
	case OPT_WAIT_UDC:
		return seconds_option(q, "--wait-udc", DEFAULT_WAIT, &q->options.wait_udc);
	case OPT_WAIT_HOST:
		return seconds_option(q, "--wait-host", DEFAULT_WAIT, &q->wait_host);
	case OPT_NO_BIND:
		q->options.no_bind = true;
		return 0;
	case OPT_HOLD:
		return seconds_option(q, "--hold", CLIENT_HOLD_DEFAULT, &q->options.hold);
	case OPT_GROUP:
		return group_option(q);
	case OPT_NOTIFY_FD:
		return q->command == &cmd_run ? notify_fd_option(q)
					      : cmd_bad_option(q->command, argv);
	case OPT_ALL:
		q->all = true;
		return q->command == &cmd_up ? 0 : cmd_bad_option(q->command, argv);
	default:
		return cmd_bad_option(q->command, argv);
	}
}

/* Makes the directories absolute, for the supervisor, whose working directory is /. */
static void set_dirs(struct up_command *q)
{
	static const char *absolute[ARRAY_SIZE(q->globals->dirs)]; /* used until the process ends */
	const char *const *dirs = cmd_dirs(q->globals);
	_cleanup_free_ char *here = *dirs[0] == '/' ? NULL : getcwd(NULL, 0);

	for (size_t i = 0; dirs[i]; i++)
		absolute[i] = dirs[i];
	if (here)
		absolute[0] = strf("%s/%s", here, dirs[0]);
	q->options.dirs = absolute;
}

static int check_all(const struct up_command *q, int arguments)
{
	if (arguments > 0)
		return cmd_usage(q->command, "expected one gadget or --all");
	if (q->name)
		return cmd_usage(q->command, "--name and --all exclude each other");
	if (q->options.udc)
		return cmd_usage(q->command, "--udc and --all exclude each other");
	return 0;
}

static int parse(struct up_command *q, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		int exit = option == 'h' ? -1 : parse_option(q, option, argv);

		if (exit)
			return exit;
	}
	if (!q->all && argc - optind != 1)
		return cmd_usage(q->command, "expected one gadget file or name");
	if (q->options.no_bind && q->wait_host >= 0)
		return cmd_usage(q->command, "--no-bind and --wait-host exclude each other");
	if (q->all)
		return check_all(q, argc - optind);
	q->argument = argv[optind];
	return 0;
}

/*
 * Returns which gadget files are trusted. `run` only trusts files of root, because a service may
 * use it; --dry-run reads any file.
 */
static enum gadgetfile_trust choose_trust(const struct up_command *q)
{
	if (q->dry_run)
		return GADGETFILE_TRUST_ALL;
	return q->command == &cmd_run ? GADGETFILE_TRUST_ROOT : GADGETFILE_TRUST_UNWRITABLE;
}

static int load(struct up_command *q)
{
	int exit = cmd_load(q->globals, q->argument, q->name, choose_trust(q), &q->gadget,
			    &q->document, &q->diags, &q->err);

	if (!q->json && log_get_level() > LOG_QUIET)
		diags_print(stderr, &q->diags, DIAG_FORMAT_HUMAN, q->globals->color);
	else if (!q->json && exit)
		diags_print(stderr, &q->diags, DIAG_FORMAT_HUMAN, q->globals->color);
	if (exit == 0 && q->gadget->udc.wait_seconds > q->options.wait_udc)
		q->options.wait_udc = q->gadget->udc.wait_seconds;
	return exit;
}

/*
 * Explains why a worker failed. Uses the file's absolute path, because as a supervisor this process
 * has changed its working directory.
 */
static void explain_worker_failure(struct up_command *q)
{
	cmd_explain_worker(q->globals, q->gadget->file, q->name, q->json ? &q->diags : NULL,
			   &q->err);
}

static void free_command(struct up_command *q)
{
	error_clear(&q->err);
	diags_free(&q->diags);
	json_decref(q->document);
	gadget_free(q->gadget);
}

static int finish(struct up_command *q, json_t *gadgets, int exit)
{
	/* Errors of the file are in "problems" of the document; "errors" refers to them. */
	if (q->json && exit == EX_DATAERR && !q->err.exit)
		cmd_file_has_errors(q->argument, &q->err);
	if (q->json)
		exit = cmd_print_json(gadgets, &q->err, &q->diags, exit);
	else if (q->err.exit)
		exit = cmd_print_error_about(q->gadget ? q->gadget->name : NULL, &q->err);
	free_command(q);
	return exit;
}

static void print_plan(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		printf("%3zu %-22s %s", i + 1, step->op->name, step->path);
		if (step->value)
			printf(" = %s", step->value);
		if (step->op->undo_name)
			printf("  [undo: %s]", step->op->undo_name);
		putchar('\n');
	}
}

static int dry_run(struct up_command *q)
{
	_cleanup_plan_ struct plan plan = { 0 };
	json_t *gadgets = NULL;

	if (client_plan(q->gadget, &q->options, &plan, &q->err) < 0)
		return finish(q, NULL, q->err.exit);
	if (q->json)
		gadgets = json_pack("[{s:s, s:s, s:s, s:o}]", "name", q->gadget->name, "file",
				    q->gadget->file, "state", "down", "plan", plan_to_json(&plan));
	else
		print_plan(&plan);
	return finish(q, gadgets, 0);
}

/*
 * Runs in the child: supervises the gadget until it goes down. If it ends before the report, the
 * command uses its exit status.
 */
static int run_child(struct up_command *q, int report_fd)
{
	_cleanup_free_ char *output = NULL;
	bool reported;
	int exit = load(q);

	if (exit)
		return finish(q, NULL, exit);
	client_up(q->gadget, q->document, &q->options, report_fd, &reported, &output, &q->err);
	if (reported) {
		exit = q->err.exit;
		free_command(q);
		return exit;
	}
	/* Prints the workers' output; removes control characters, as the command `log` does. */
	if (output) {
		_cleanup_free_ char *shown = text_printable_lines(output, strlen(output));

		cmd_print_lines(stderr, shown);
	}
	explain_worker_failure(q);
	return finish(q, NULL, q->err.exit);
}

static int print_up(struct up_command *q, const struct client_report *report)
{
	const char *already = report->result == CLIENT_UNCHANGED ? " already" : "";
	struct gadget_statuses gadgets = { 0 };
	json_t *json;

	if (report->result == CLIENT_TAKEN_OVER)
		cmd_print_taken_over(report->name);
	if (*report->udc)
		log_about(report->name, NULL, LOG_INFO, "%s: up%s on %s", report->name, already,
			  report->udc);
	else
		log_about(report->name, NULL, LOG_INFO, "%s: up%s, not bound", report->name,
			  already);
	if (*report->udc && q->wait_host >= 0 &&
	    client_wait_host(q->options.paths, report->name, q->wait_host, &q->err) == 0)
		log_about(report->name, NULL, LOG_INFO, "%s: configured by the host", report->name);
	/* Loads the file for the warnings in the document, because only the child has loaded it. */
	if (q->json && load(q) == 0 && !q->err.exit)
		inspect_gadgets(&q->globals->paths, report->name, &gadgets, &q->err);
	json = q->json ? statuses_to_json(&gadgets) : NULL;
	statuses_free(&gadgets);
	return finish(q, json, q->err.exit);
}

/* Brings one gadget up, and frees what the command owns. */
static int up_one(struct up_command *q)
{
	struct client_report report;
	int report_fd, exit;

	if (q->dry_run) {
		exit = load(q);
		return exit ? finish(q, NULL, exit) : dry_run(q);
	}
	exit = client_detach(&report_fd, &report, &q->err);
	if (report_fd >= 0)
		return run_child(q, report_fd);
	if (exit && q->err.exit)
		return finish(q, NULL, exit);
	return exit ? exit : print_up(q, &report);
}

static int up_one_of_all(void *data, const char *path)
{
	struct up_command *q = data;

	q->argument = path;
	return up_one(q);
}

static int run_up(const struct globals *globals, int argc, char **argv)
{
	struct up_command q = { .globals = globals,
				.command = &cmd_up,
				.wait_host = -1,
				.options = { .paths = &globals->paths,
					     .notify_fd = -1,
					     .timeout = DEFAULT_TIMEOUT,
					     .hold = CLIENT_HOLD_DEFAULT } };
	struct up_all all = { .globals = globals, .bring_up_one = up_one_of_all, .data = &q };
	int exit = parse(&q, argc, argv);

	if (exit)
		return exit < 0 ? cmd_help(&cmd_up) : exit;
	set_dirs(&q);
	all.json = q.json;
	return q.all ? up_all(&all) : up_one(&q);
}

static int run_run(const struct globals *globals, int argc, char **argv)
{
	struct up_command q = { .globals = globals,
				.command = &cmd_run,
				.wait_host = -1,
				.options = { .paths = &globals->paths,
					     .notify_fd = -1,
					     .timeout = DEFAULT_TIMEOUT,
					     .wait_udc = HUGE_VAL,
					     .hold = CLIENT_HOLD_DEFAULT } };
	int exit = parse(&q, argc, argv);

	if (exit)
		return exit < 0 ? cmd_help(&cmd_run) : exit;
	if (q.wait_host >= 0)
		return finish(&q, NULL, cmd_usage(&cmd_run, "unknown option '--wait-host'"));
	set_dirs(&q);
	exit = load(&q);
	if (exit)
		return finish(&q, NULL, exit);
	if (q.dry_run)
		return dry_run(&q);
	client_run(q.gadget, q.document, &q.options, &q.err);
	explain_worker_failure(&q);
	return finish(&q, NULL, q.err.exit);
}

const struct command cmd_up = {
	.name = "up",
	.args = "[OPTIONS] GADGET | --all",
	.summary = "bring a gadget up and leave a supervisor in the background",
	.options = up_options,
	.words = { CMD_WORDS_FILES },
	.run = run_up,
};

const struct command cmd_run = {
	.name = "run",
	.args = "[OPTIONS] GADGET",
	.summary = "bring a gadget up and supervise it in the foreground, until SIGTERM",
	.options = run_options,
	.words = { CMD_WORDS_FILES },
	.run = run_run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `selftest`: makes gadgets, tests a UDC with them in steps, and writes a report that the user may
 * send. A gadget that is bound to the UDC is unbound for the time of the test, if the user agrees,
 * and bound again at the end, also after a failure or a signal. After SIGKILL, the next selftest
 * reads the record (selftest_record.h) and binds it again.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/selftest_record.h"
#include "cmd/selftest_report.h"
#include "configfs/kernel_log.h"
#include "configfs/udc.h"
#include "rundir/rundir.h"

#define DEFAULT_HOST_WAIT 10
#define DEFAULT_FFSBENCH_WAIT 10

struct selftest_command {
	const struct globals *globals;
	struct selftest test;
	const char *udc_option; /* --udc; NULL: not given */
	const char *output;	/* --output; NULL: not given */
	const char **only;	/* --only: names of rounds; none: all */
	size_t n_only;
	bool unbinds;	    /* --unbind: the user agrees */
	bool only_restores; /* --restore */
};

/* --- the gadget that is bound to the UDC ----------------------------------------------------- */

/* Binds the gadget of the record again. */
static int bind_again(const struct paths *paths, struct selftest_record *record, struct error *err)
{
	const struct socket_request request = { .command = COMMAND_BIND, .udc = record->udc };

	if (client_send_request(paths, record->unbound_gadget, &request, NULL, err) == 0) {
		log_info("%s: bound to %s again", record->unbound_gadget, record->udc);
		return 0;
	}
	error_wrap(err, "cannot bind '%s' again", record->unbound_gadget);
	return error_add_hint(err, "'ffsctl bind %s' binds it", record->unbound_gadget);
}

/* Puts right what a selftest has left that was killed. */
static int restore_after_kill(const struct selftest_command *q, struct selftest_record *record,
			      struct error *err)
{
	const struct paths *paths = &q->globals->paths;
	enum client_result result = CLIENT_UNCHANGED;
	int r;

	if (!record->unbound_gadget && !rundir_exists(paths, SELFTEST_GADGET))
		return 0;
	log_info("an earlier selftest was killed: putting right what it has left");
	r = client_down(paths, SELFTEST_GADGET, CLIENT_DOWN_RECORDED, &result, err);
	if (r == 0 && record->unbound_gadget)
		r = bind_again(paths, record, err);
	free(steal_ptr(record->unbound_gadget));
	return r;
}

static bool gadget_is_ours(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_statuses gadgets = { 0 };
	bool is_ours = inspect_gadgets(paths, name, &gadgets, &ignored) == 0 && gadgets.n == 1 &&
		       gadgets.list[0].state != STATUS_FOREIGN && gadgets.list[0].supervisor > 0;

	statuses_free(&gadgets);
	return is_ours;
}

/* Asks at a terminal whether the gadget may be unbound. */
static bool user_agrees(const char *gadget, const char *udc)
{
	char answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr,
		"The gadget '%s' is bound to %s: its host sees a disconnect, and the gadget is "
		"bound\nagain at the end. Unbind it for the test? [y/N] ",
		gadget, udc);
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/* Fails if something is bound to the UDC and must stay bound. */
static int check_udc_may_be_tested(const struct selftest_command *q, const struct udc *udc,
				   struct error *err)
{
	const char *hint = "unbind it with the program that made it";

	if (!udc->holder)
		return 0;
	if (udc->bound_gadget && gadget_is_ours(&q->globals->paths, udc->bound_gadget)) {
		if (q->unbinds || user_agrees(udc->bound_gadget, udc->name))
			return 0;
		hint = "--unbind unbinds it for the time of the test";
	}
	error_set(err, EX_CANTCREAT, EBUSY, NULL, "cannot test %s: %s is bound to it", udc->name,
		  udc->holder);
	return error_add_hint(err, "%s", hint);
}

/* Unbinds the gadget that is bound to the UDC, if there is one, after it is in the record. */
static int free_udc(const struct selftest_command *q, const struct udc *udc,
		    struct selftest_record *record, struct error *err)
{
	if (!udc->holder)
		return 0;
	if (selftest_record_write(record, udc->bound_gadget, udc->name, err) < 0)
		return -err->errno_value;
	return client_send_request(&q->globals->paths, udc->bound_gadget,
				   &(struct socket_request){ .command = COMMAND_UNBIND }, NULL,
				   err);
}

/* --- the UDC ---------------------------------------------------------------------------------- */

/*
 * Returns the UDC of --udc, or the only one; virtual UDCs are ignored if there is any other. A UDC
 * that is bound to a gadget can be chosen, too.
 */
static const struct udc *choose_udc(const struct selftest_command *q, const struct udcs *udcs,
				    struct error *err)
{
	const struct udc *chosen = NULL;

	for (size_t i = 0; i < udcs->n; i++) {
		const struct udc *udc = &udcs->list[i];

		if (q->udc_option ? !streq(udc->name, q->udc_option) : udcs_ignore(udcs, udc))
			continue;
		if (chosen) {
			error_set(err, EX_UNAVAILABLE, ENOTUNIQ, NULL, "there are several UDCs");
			error_add_hint(err, "choose one with --udc: 'ffsctl udc' lists them");
			return NULL;
		}
		chosen = udc;
	}
	if (!chosen && q->udc_option)
		error_udc_missing(&q->globals->paths, q->udc_option, err);
	else if (!chosen)
		error_set(err, EX_UNAVAILABLE, ENODEV, NULL, "there is no UDC");
	if (!chosen && !q->udc_option)
		error_add_hint(err, "'ffsctl doctor' prints what is missing");
	return chosen;
}

/* --- the test --------------------------------------------------------------------------------- */

static bool round_is_wanted(const struct selftest_command *q, const struct selftest_round *round)
{
	for (size_t i = 0; i < q->n_only; i++)
		if (streq(q->only[i], round->name))
			return true;
	return q->n_only == 0;
}

static bool round_name_exists(const char *name)
{
	struct selftest_round round;

	for (size_t i = 0; selftest_round_by_index(i, &round); i++)
		if (streq(round.name, name))
			return true;
	return false;
}

/* Returns the index of the last round that is wanted and in which ffsbench has tests. */
static size_t last_round_with_host(const struct selftest_command *q)
{
	struct selftest_round round;
	size_t last = 0;

	for (size_t i = 0; selftest_round_by_index(i, &round); i++)
		if (round.kind == SELFTEST_ENGINE && round_is_wanted(q, &round))
			last = i;
	return last;
}

static int run_rounds(struct selftest_command *q, int signal_fd, struct error *err)
{
	const size_t last = last_round_with_host(q);
	struct selftest_round round;
	int r = 0;

	log_info("testing %s; 'ffsbench selftest --wait 60' on the host adds its tests",
		 q->test.udc);
	for (size_t i = 0; r == 0 && !q->test.was_interrupted && selftest_round_by_index(i, &round);
	     i++)
		if (round_is_wanted(q, &round))
			r = selftest_run_round(&q->test, &round, i == last, signal_fd, err);
	return r;
}

/*
 * Blocks SIGINT and SIGTERM, which a signalfd then reports, so that a signal cannot end the command
 * before it has bound the gadget again.
 */
static int block_signals(struct error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot block signals");
	return fd;
}

static int print_result(const struct selftest_command *q, const char *path)
{
	const size_t failed = selftest_count(&q->test, SELFTEST_FAILED);

	log_info("%zu passed, %zu failed, %zu not possible",
		 selftest_count(&q->test, SELFTEST_PASSED), failed,
		 selftest_count(&q->test, SELFTEST_NOT_POSSIBLE));
	printf("%s\n", path);
	if (q->test.was_interrupted)
		return EX_TEMPFAIL;
	return failed > 0 ? EX_PROTOCOL : 0;
}

/* Tests the UDC, and puts everything back that was changed for it. */
static int test_udc(struct selftest_command *q, const struct udc *udc,
		    struct selftest_record *record, struct error *err)
{
	_cleanup_free_ char *default_path = NULL;
	_cleanup_close_ int kernel_log = kernel_log_open(), signals = -1;
	_cleanup_error_ struct error restore_error = { 0 }, report_error = { 0 };
	const char *path;
	int r;

	q->test.udc = xstrdup(udc->name);
	q->test.driver = xstrdup_or_null(udc->driver);
	default_path = selftest_default_report_path(&q->test);
	path = q->output ? q->output : default_path;
	if (selftest_check_report_path(path, err) < 0 || check_udc_may_be_tested(q, udc, err) < 0)
		return err->exit;
	signals = block_signals(err);
	r = signals < 0 ? signals : free_udc(q, udc, record, err);
	if (r == 0)
		r = run_rounds(q, signals, err);
	if (record->unbound_gadget)
		bind_again(&q->globals->paths, record, &restore_error);
	if (q->test.n_results > 0)
		selftest_write_report(&q->test, kernel_log, path, &report_error);
	if (restore_error.exit)
		cmd_keep_or_print_error(err, &restore_error);
	if (report_error.exit)
		cmd_keep_or_print_error(err, &report_error);
	return err->exit ? err->exit : print_result(q, path);
}

static int run_locked(struct selftest_command *q, struct error *err)
{
	_cleanup_selftest_record_ struct selftest_record record = SELFTEST_RECORD_NONE;
	_cleanup_udcs_ struct udcs udcs = { 0 };
	const struct udc *udc;
	int exit = 0;

	if (geteuid() != 0) {
		error_set(err, EX_NOPERM, EPERM, NULL, "cannot make gadgets: permission denied");
		error_add_root_hint(err);
		return err->exit;
	}
	if (selftest_record_open(&record, &q->globals->paths, err) < 0)
		return err->exit;
	if (restore_after_kill(q, &record, err) == 0 && !q->only_restores &&
	    udcs_list(&q->globals->paths, &udcs, err) == 0) {
		udc = choose_udc(q, &udcs, err);
		if (udc)
			exit = test_udc(q, udc, &record, err);
	}
	selftest_record_remove(&record, &q->globals->paths);
	return err->exit ? err->exit : exit;
}

static int add_only_round(void *values, const char *value, struct error *err)
{
	struct selftest_command *q = values;

	if (!round_name_exists(value))
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "--only takes basics, an engine or a type of function, not '%s'",
				 value);
	*array_add(q->only, q->n_only) = value;
	return 0;
}

static const struct option_row options[] = {
	{ "--udc", " NAME", "the UDC to test", OPTION_TEXT,
	  .offset = offsetof(struct selftest_command, udc_option), .tag = CMD_ARGUMENT_UDCS },
	{ "--unbind", NULL, "unbind the gadget that is bound to it, for the test only", OPTION_FLAG,
	  .offset = offsetof(struct selftest_command, unbinds) },
	{ "--ask", NULL, "ask to unplug the cable, and to plug it in again", OPTION_FLAG,
	  .offset = offsetof(struct selftest_command, test.asks_for_cable) },
	{ "--only", " ROUND", "only basics, an engine or a type of function; repeatable",
	  OPTION_SET, .set = add_only_round },
	{ "--output", " FILE", "the file of the report (ffsctl-selftest-DRIVER-DATE.txt)",
	  OPTION_TEXT, .offset = offsetof(struct selftest_command, output) },
	{ "--wait-host", " S", "seconds until a host must configure a gadget (10)", OPTION_SECONDS,
	  .offset = offsetof(struct selftest_command, test.host_wait_seconds) },
	{ "--wait-ffsbench", " S", "seconds until 'ffsbench selftest' on the host must begin (10)",
	  OPTION_SECONDS, .offset = offsetof(struct selftest_command, test.ffsbench_wait_seconds) },
	{ "--restore", NULL, "only put right what a killed selftest has left", OPTION_FLAG,
	  .offset = offsetof(struct selftest_command, only_restores) },
	{ 0 },
};

static int run_selftest_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	struct selftest_command q = { .globals = globals,
				      .test = { .paths = &globals->paths,
						.host_wait_seconds = DEFAULT_HOST_WAIT,
						.ffsbench_wait_seconds = DEFAULT_FFSBENCH_WAIT } };
	int exit;

	if (cmd_parse_options(globals, argc, argv, &q, &exit))
		exit = optind == argc
			       ? run_locked(&q, &err)
			       : cmd_print_usage_error(&cmd_selftest, "expected no arguments");
	free(q.only);
	free(q.test.udc);
	free(q.test.driver);
	free(q.test.results);
	return err.exit ? cmd_print_error(&err) : exit;
}

const struct command cmd_selftest = {
	.name = "selftest",
	.usage_arguments = "[OPTIONS]",
	.summary = "test a UDC with its driver, step by step, and write a report",
	.options = options,
	.notes = "Needs root, and changes nothing for good. The report has no serial numbers, MAC\n"
		 "addresses or host names.\n",
	.run = run_selftest_command,
};

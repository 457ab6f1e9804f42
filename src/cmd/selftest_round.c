/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a round of `selftest`, in the child process that the command has started for it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "client/client.h"
#include "client/inspect.h"
#include "cmd/selftest.h"
#include "cmd/selftest_host.h"
#include "configfs/udc.h"
#include "gadgetfile/gadgetfile.h"
#include "gadgetfile/keys/function_types.h"
#include "probe/system.h"

#define UP_SECONDS 30
#define CABLE_SECONDS 60

/* The error of a supervisor that could not bring the gadget up, in memory that it shares. */
struct up_error {
	int exit;
	char text[300];
};

struct round_run {
	const struct selftest *selftest;
	const struct selftest_round *round;
	int result_fd;
	double step_began_at;
	struct up_error *up_error;
	bool host_is_missing;
};

static void begin_step(struct round_run *r)
{
	r->step_began_at = now_monotonic();
}

static void send_timed_result(const struct round_run *r, const char *step,
			      enum selftest_outcome outcome, double seconds, const char *text)
{
	/* Messages begin with the name of the gadget, which says nothing here. */
	const char *rest = str_after(text, SELFTEST_GADGET ": ");
	struct selftest_result result;

	selftest_result_set(&result, step, outcome, seconds, rest ? rest : text);
	result.host_is_missing = r->host_is_missing;
	/* If the command has ended, SIGTERM ends this process, too. */
	send(r->result_fd, &result, sizeof(result), MSG_NOSIGNAL);
}

static void send_result(struct round_run *r, const char *step, enum selftest_outcome outcome,
			const char *text)
{
	send_timed_result(r, step, outcome, now_monotonic() - r->step_began_at, text);
	begin_step(r);
}

/* Sends a result of ffsbench, whose duration is not known. */
static void send_result_of_host(const struct round_run *r, const char *step,
				enum selftest_outcome outcome, const char *text)
{
	send_timed_result(r, step, outcome, SELFTEST_NO_SECONDS, text);
}

/* --- bringing the gadget of the round up --- */

#define IDENTITY                                                                                   \
	"name = \"" SELFTEST_GADGET "\";\n"                                                        \
	"attrs = { idVendor = 0x1d6b; idProduct = 0x0104; bcdDevice = 0x0100; };\n"                \
	"strings = ( { manufacturer = \"ffsctl\"; product = \"ffsctl selftest\"; } );\n"

/*
 * Returns the gadget file of the round. The class codes are those of src/ffsbench/selftest.h. With
 * `winusb`, Windows configures the gadget, too.
 */
static char *gadget_file_text(const struct selftest_round *round, bool is_last_with_host)
{
	if (round->kind == SELFTEST_FUNCTION)
		return strf(IDENTITY "functions : { selftest : { type = \"%s\";%s }; };\n",
			    round->name,
			    streq(round->name, "hid") ? " attrs : { report_desc = \"keyboard\"; };"
						      : "");
	return strf(
		IDENTITY
		"functions : { selftest : {\n"
		"  ffs : { winusb = true; interfaces = ( { class = \"vendor\"; subclass = 0x46;\n"
		"    protocol = 0x53; string = \"selftest\";\n"
		"    endpoints = ( \"bulk-in\", \"bulk-out\" ); } ); };\n"
		"  worker : { plugin = \"selftest\"; io : { engine = \"%s\"; };\n"
		"    restart_delay = 0;\n"
		"    options : { round = \"%s\"; tests = %s; last = %s; }; };\n"
		"}; };\n",
		round->kind == SELFTEST_ENGINE ? round->name : "copy", round->name,
		round->kind == SELFTEST_ENGINE ? "true" : "false",
		is_last_with_host ? "true" : "false");
}

static int load_gadget(const struct round_run *r, bool is_last_with_host, struct gadget **gadget,
		       json_t **document, struct error *err)
{
	_cleanup_free_ char *text = gadget_file_text(r->round, is_last_with_host);
	struct diags diags = { 0 };

	if (gadgetfile_load_text("/dev/null", text, strlen(text), gadget, document, &diags) < 0)
		error_set(err, EX_SOFTWARE, EINVAL, NULL, "the gadget file has an error: %s",
			  diags.n > 0 ? diags.list[0].text : "unknown");
	diags_free(&diags);
	return -err->errno_value;
}

/* Runs in the process that becomes the supervisor. */
static void __attribute__((noreturn))
supervise(struct round_run *r, bool is_last_with_host, int report_fd)
{
	const struct client_options options = { .paths = r->selftest->paths,
						.udc_name = r->selftest->udc,
						.up_timeout_seconds = UP_SECONDS,
						.notify_fd = -1 };
	struct error err = { 0 };
	struct gadget *gadget = NULL;
	json_t *document = NULL;
	char *output = NULL;
	bool reported = false;

	log_set_level(LOG_QUIET);
	if (load_gadget(r, is_last_with_host, &gadget, &document, &err) == 0)
		client_bring_up_and_supervise(gadget, document, &options, report_fd, &reported,
					      &output, &err);
	if (!reported) {
		r->up_error->exit = err.exit;
		snprintf(r->up_error->text, sizeof(r->up_error->text), "%s",
			 err.text ? err.text : "unknown");
	}
	_exit(err.exit);
}

/* Brings the gadget up and binds it to the UDC. On failure sends the result of the step. */
static bool bring_up(struct round_run *r, const char *step, bool is_last_with_host)
{
	_cleanup_error_ struct error err = { 0 };
	struct client_up_report report;
	int report_fd, exit;

	r->up_error = mmap(NULL, sizeof(*r->up_error), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->up_error == MAP_FAILED) {
		send_result(r, step, SELFTEST_FAILED, "there is no memory");
		return false;
	}
	exit = client_fork_supervisor(&report_fd, &report, &err);
	if (report_fd >= 0)
		supervise(r, is_last_with_host, report_fd);
	/* From now on a signal ends this process; the command takes the gadget down. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (client_got_termination_signal())
		raise(SIGTERM);
	if (exit == 0)
		return true;
	send_result(r, step,
		    r->up_error->exit == EX_UNAVAILABLE ? SELFTEST_NOT_POSSIBLE : SELFTEST_FAILED,
		    err.exit		 ? err.text
		    : *r->up_error->text ? r->up_error->text
					 : "the gadget did not come up");
	return false;
}

/* Waits until a host has configured the gadget, and returns the speed; NULL: no host has. */
static char *await_host(const struct round_run *r, double seconds, struct error *err)
{
	_cleanup_free_ char *speed = NULL;
	bool ignored;

	if (client_wait_configured(r->selftest->paths, SELFTEST_GADGET, seconds, &ignored, err) < 0)
		return NULL;
	speed = udc_read_attribute(r->selftest->udc, "current_speed");
	return speed ? steal_ptr(speed) : xstrdup("an unknown speed");
}

/* --- the round "basics" --- */

/* The host reads descriptors in these states, so it must be there. */
static bool host_is_there(const struct round_run *r)
{
	_cleanup_free_ char *state = udc_read_attribute(r->selftest->udc, "state");

	return state && (streq(state, "default") || streq(state, "addressed"));
}

static bool step_enumeration(struct round_run *r)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *speed = NULL, *text = NULL;

	if (!bring_up(r, "enumeration", false))
		return false;
	speed = await_host(r, r->selftest->host_wait_seconds, &err);
	if (speed) {
		text = strf("configured by a host at %s", speed);
		send_result(r, "enumeration", SELFTEST_PASSED, text);
		return true;
	}
	r->host_is_missing = !host_is_there(r);
	if (r->host_is_missing)
		send_result(r, "enumeration", SELFTEST_NOT_POSSIBLE, "no host is connected");
	else
		send_result(r, "enumeration", SELFTEST_FAILED, err.text);
	return false;
}

static size_t count_words(const char *text, const char *words)
{
	size_t n = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		n++;
	}
	return n;
}

/*
 * Returns how often the host has let the gadget go, from the gadget's log (supervisor/host_log.c).
 * The line that the host has configured it may come after the answer to a request that waits for
 * this, so it is not counted.
 */
static size_t count_disconnects(const struct round_run *r)
{
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_free_ char *log = NULL;
	size_t size;

	if (client_read_log(r->selftest->paths, SELFTEST_GADGET, &log, &size, &ignored) < 0)
		return 0;
	return count_words(log, "disconnected or unconfigured by the host");
}

static int send_supervisor_request(const struct round_run *r, enum control_command command,
				   struct error *err)
{
	const struct socket_request request = { .command = command, .udc = r->selftest->udc };

	return client_send_request(r->selftest->paths, SELFTEST_GADGET, &request, NULL, err);
}

static void step_restart(struct round_run *r)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *speed = NULL;
	const size_t before = count_disconnects(r);

	if (client_send_request(r->selftest->paths, SELFTEST_GADGET,
				&(struct socket_request){ .command = COMMAND_RESTART }, NULL,
				&err) < 0) {
		send_result(r, "restart", SELFTEST_FAILED, err.text);
		return;
	}
	speed = await_host(r, r->selftest->host_wait_seconds, &err);
	if (speed && count_disconnects(r) == before)
		send_result(r, "restart", SELFTEST_PASSED,
			    "the worker was restarted, and the host saw no disconnect");
	else
		send_result(r, "restart", SELFTEST_FAILED,
			    "the host saw a disconnect when the worker was restarted");
}

static void step_rebind(struct round_run *r)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *speed = NULL, *text = NULL;

	if (send_supervisor_request(r, COMMAND_UNBIND, &err) == 0 &&
	    send_supervisor_request(r, COMMAND_BIND, &err) == 0)
		speed = await_host(r, r->selftest->host_wait_seconds, &err);
	if (speed)
		text = strf("unbound, bound, and configured again at %s", speed);
	send_result(r, "rebind", speed ? SELFTEST_PASSED : SELFTEST_FAILED,
		    speed ? text : err.text);
}

static void step_cable(struct round_run *r)
{
	_cleanup_error_ struct error err = { 0 };
	const struct paths *paths = r->selftest->paths;
	bool ignored;

	if (!r->selftest->asks_for_cable) {
		send_result(r, "cable", SELFTEST_NOT_POSSIBLE,
			    "nobody was asked to unplug the cable (--ask)");
		return;
	}
	log_info("unplug the USB cable now (within %d s)", CABLE_SECONDS);
	if (client_wait_condition(paths, SELFTEST_GADGET, CONDITION_DISCONNECTED, CABLE_SECONDS,
				  &ignored, &err) == 0) {
		log_info("plug the USB cable in again (within %d s)", CABLE_SECONDS);
		client_wait_condition(paths, SELFTEST_GADGET, CONDITION_CONFIGURED, CABLE_SECONDS,
				      &ignored, &err);
	}
	send_result(r, "cable", err.exit ? SELFTEST_FAILED : SELFTEST_PASSED,
		    err.exit ? err.text : "the disconnect was seen, and the host came back");
}

static void do_basics(struct round_run *r)
{
	if (!step_enumeration(r))
		return;
	step_restart(r);
	step_rebind(r);
	step_cable(r);
}

/* --- the rounds of engines --- */

/* Returns why the worker does not use the engine, from the log of the gadget. */
static char *other_engine_text(const struct round_run *r, const char *engine)
{
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_free_ char *log = NULL, *why = NULL;
	const char *line;
	size_t size;

	if (client_read_log(r->selftest->paths, SELFTEST_GADGET, &log, &size, &ignored) < 0)
		return strf("the worker uses the engine %s", engine);
	line = strstr(log, "selftest: cannot use ");
	if (!line)
		return strf("the worker uses the engine %s", engine);
	line = str_after(line, "selftest: ");
	why = xstrndup(line, strcspn(line, "\n"));
	return strf("%s (engine %s)", why, engine);
}

static void do_engine(struct round_run *r, bool is_last_with_host)
{
	const char *engine = r->round->name;
	_cleanup_free_ char *speed = NULL, *text = NULL;
	_cleanup_error_ struct error err = { 0 };
	struct selftest_host_tests tests = { 0 };

	if (r->selftest->host_is_missing) {
		send_result(r, engine, SELFTEST_NOT_POSSIBLE, "no host is connected");
		return;
	}
	if (!bring_up(r, engine, is_last_with_host))
		return;
	speed = await_host(r, r->selftest->host_wait_seconds, &err);
	if (!speed) {
		send_result(r, engine, SELFTEST_FAILED, err.text);
		return;
	}
	selftest_host_tests_await(r->selftest, &tests, &err);
	/* The engine is known for certain only after the host has enabled the endpoints. */
	if (tests.engine && !streq(tests.engine, engine)) {
		text = other_engine_text(r, tests.engine);
		send_result(r, engine, SELFTEST_NOT_POSSIBLE, text);
	} else {
		text = tests.n_errors == 0
			       ? xstrdup("a worker with this engine is configured")
			       : strf("configured; transfers that ended with an error: %d, "
				      "the last with %d (%s)",
				      tests.n_errors, tests.last_error,
				      errno_words(tests.last_error));
		send_result(r, engine, SELFTEST_PASSED, text);
		for (size_t i = 0; i < SELFTEST_HOST_TESTS; i++) {
			_cleanup_free_ char *step =
				strf("%s %s", engine, selftest_host_test_names[i]);

			send_result_of_host(r, step, tests.results[i].outcome,
					    err.exit ? err.text : tests.results[i].text);
		}
	}
	selftest_host_tests_free(&tests);
}

/* --- the rounds of kernel functions --- */

/* Returns why the function cannot be tested; NULL: it can. The caller frees the text. */
static char *function_obstacle(const struct round_run *r, const struct function_type *type)
{
	struct system system __attribute__((cleanup(system_free)));
	_cleanup_free_ char *module =
		type->module ? xstrdup(type->module) : strf("usb_f_%s", type->name);

	system_init(&system, "", r->selftest->paths);
	if (system_module_state(&system, module) == MODULE_ABSENT)
		return strf("this kernel has no %s", module);
	if (type->deactivates_gadget)
		return xstrdup("no host sees it until a program opens its device");
	if (streq(type->name, "tcm") || streq(type->name, "uac1_legacy"))
		return xstrdup("it needs a device of the board");
	if (type->endpoints.has_isochronous &&
	    udc_has_isochronous(udc_traits_or_unknown(r->selftest->driver)) == UDC_NO)
		return xstrdup("the UDC has no isochronous endpoints");
	return NULL;
}

static void do_function(struct round_run *r)
{
	const char *step = r->round->name;
	_cleanup_free_ char *speed = NULL,
			    *obstacle = function_obstacle(r, function_type_find(r->round->name)),
			    *text = NULL;
	_cleanup_error_ struct error err = { 0 };

	if (obstacle) {
		send_result(r, step, SELFTEST_NOT_POSSIBLE, obstacle);
		return;
	}
	if (!bring_up(r, step, false))
		return;
	if (r->selftest->host_is_missing) {
		send_result(r, step, SELFTEST_PASSED, "bound; no host is connected");
		return;
	}
	speed = await_host(r, r->selftest->host_wait_seconds, &err);
	if (speed)
		text = strf("configured by the host at %s", speed);
	send_result(r, step, speed ? SELFTEST_PASSED : SELFTEST_FAILED, speed ? text : err.text);
}

void selftest_do_round(const struct selftest *t, const struct selftest_round *round,
		       bool is_last_with_host, int result_fd)
{
	struct round_run r = { .selftest = t, .round = round, .result_fd = result_fd };

	begin_step(&r);
	switch (round->kind) {
	case SELFTEST_BASICS:
		do_basics(&r);
		break;
	case SELFTEST_ENGINE:
		do_engine(&r, is_last_with_host);
		break;
	case SELFTEST_FUNCTION:
		do_function(&r);
		break;
	}
}

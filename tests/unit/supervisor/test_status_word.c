/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The word that `status` shows, from the states of a gadget, its bus and its workers. Each
 * component is a struct of its own, so no supervisor is made.
 */
#include <criterion/criterion.h>

#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

static struct live_function function;
static struct live_worker worker = { .function = &function };
static struct live_function function = { .worker = &worker, .descriptors_watch = FD_WATCH_NONE };
static struct live_function *functions[] = { &function };
static struct live_gadget live;
static struct binding binding;

static void begin(void)
{
	live = (struct live_gadget){ .state = GADGET_UP,
				     .functions = { .list = functions, .n = 1 } };
	binding = (struct binding){ .live = &live, .state = BINDING_ON };
	worker.state = WORKER_READY;
	worker.started_with_device = false;
}

static void expect(const char *word)
{
	cr_expect_str_eq(gadget_state_in_status_words[gadget_state_for_status(&live, &binding)],
			 word);
}

static void expect_with_worker(enum worker_state state, const char *word)
{
	worker.state = state;
	expect(word);
}

static void expect_with_binding(enum binding_state state, const char *word)
{
	binding.state = state;
	expect(word);
}

TestSuite(status_word, .init = begin);

Test(status_word, a_bound_gadget_with_ready_workers_is_ready)
{
	expect("ready");
	expect_with_worker(WORKER_DONE, "ready");
}

Test(status_word, a_worker_that_is_not_ready_degrades_it)
{
	expect_with_worker(WORKER_WAITING, "degraded");
	binding.must_stay_unbound = true;
	expect("degraded");
}

Test(status_word, a_worker_that_starts_with_its_device_does_not)
{
	expect_with_worker(WORKER_STARTING, "degraded");
	worker.started_with_device = true;
	expect_with_worker(WORKER_STARTING, "ready");
	expect_with_worker(WORKER_WAITING, "degraded");
}

Test(status_word, unbound_is_what_a_command_did)
{
	binding.must_stay_unbound = true;
	expect_with_binding(BINDING_OFF, "unbound");
}

Test(status_word, a_due_rebind_degrades_it_and_a_failed_worker_fails_it)
{
	expect_with_binding(BINDING_REBIND_DUE, "degraded");
	expect_with_binding(BINDING_FAILED, "failed");
	expect_with_worker(WORKER_WAITING, "failed");
}

Test(status_word, a_reload_shows_only_while_it_keeps_the_gadget_from_its_udc)
{
	char udc[] = "udc.0";

	cr_expect(gadget_handle_event(&live, GADGET_EV_RELOAD));
	expect("ready");
	binding.udc_before_reload = udc;
	expect("starting");
	cr_expect(gadget_handle_event(&live, GADGET_EV_REVERT));
	expect("starting");
	cr_expect(gadget_handle_event(&live, GADGET_EV_REVERT_FAILED));
	expect("degraded");
}

Test(status_word, before_and_after_up_the_table_decides)
{
	live.state = GADGET_WAITING;
	expect_with_binding(BINDING_FAILED, "starting");
	cr_expect(gadget_handle_event(&live, GADGET_EV_BEGIN));
	expect("starting");
	cr_expect(gadget_handle_event(&live, GADGET_EV_DOWN));
	expect("degraded");
	cr_expect_not(gadget_handle_event(&live, GADGET_EV_RELOAD), "an event without effect");
	cr_expect_eq(live.state, GADGET_STOPPING);
	live.state = GADGET_FAILED;
	expect("failed");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a live function to its keeper. function.c receives the messages of the keeper. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/control_message.h"
#include "base/proc.h"
#include "configfs/udc.h"
#include "configfs/udc_driver_table.h"
#include "function/function.h"

/* When a worker has ended, its keeper forwards the remaining messages of the worker. If a control
   request delays the keeper for longer than this, the control request is interrupted. */
#define DRAIN_INTERRUPT_MS 10
/* Time after which the supervisor no longer waits for these messages. */
#define DRAIN_SECONDS 1

int function_pass_worker_to_keeper(struct live_function *function, pid_t pid, int control,
				   int pidfd, int output, struct error *err)
{
	if (keeper_send_worker(&function->keeper, pid, control, pidfd, output))
		return 0;
	return error_set(err, EX_OSERR, EPIPE, NULL, "the keeper of '%s' does not accept a worker",
			 function->model->label);
}

void function_send_to_worker(struct live_function *function, uint16_t type, uint32_t id)
{
	if (function->keeper_socket_watch.fd >= 0)
		control_message_send(function->keeper_socket_watch.fd, type, id, NULL, 0);
}

void function_set_keeper_udc(struct live_function *function, const char *udc)
{
	_cleanup_free_ char *path = NULL, *driver = NULL;

	if (!udc || function->keeper_socket_watch.fd < 0)
		return;
	driver = udc_driver(udc);
	keeper_set_max_transfer(&function->keeper,
				udc_traits_or_unknown(driver)->max_transfer / 1024);
	path = strf(UDC_CLASS_DIR "/%s/current_speed", udc);
	keeper_set_speed_file(&function->keeper, path);
}

void function_set_keeper_takeover_wait(struct live_function *function, double seconds)
{
	if (function->keeper_accepts_takeover &&
	    seconds != function->takeover_wait_sent_to_keeper &&
	    function->keeper_socket_watch.fd >= 0 &&
	    keeper_set_takeover_wait(&function->keeper, seconds))
		function->takeover_wait_sent_to_keeper = seconds;
}

void function_set_keeper_control_timeout(struct live_function *function)
{
	const struct worker *worker = function->model->worker;

	if (worker && function->keeper_socket_watch.fd >= 0)
		keeper_set_control_timeout(&function->keeper, worker->control_timeout);
}

void function_request_last_worker_messages(struct live_function *function)
{
	function->awaits_last_worker_messages =
		function->keeper_socket_watch.fd >= 0 &&
		control_message_send(function->keeper_socket_watch.fd, KEEPER_MSG_NO_WORKER, 0,
				     NULL, 0);
	function->last_worker_messages_awaited_since = now_monotonic();
}

/*
 * The keeper may be delayed because it waits for the host in a control request. This control
 * request may be interrupted, because the worker that had to handle it has ended.
 */
bool function_awaits_last_worker_messages(struct live_function *function)
{
	double waited = now_monotonic() - function->last_worker_messages_awaited_since;

	if (function->keeper_socket_watch.fd < 0 || waited >= DRAIN_SECONDS)
		function->awaits_last_worker_messages = false;
	if (function->awaits_last_worker_messages && waited >= DRAIN_INTERRUPT_MS / 1e3)
		keeper_interrupt_control_request(&function->keeper);
	return function->awaits_last_worker_messages;
}

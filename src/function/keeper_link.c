/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a live function to its keeper. function.c receives the messages of the keeper. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/proc.h"
#include "configfs/udc.h"
#include "function/function.h"

/* Times after which a slow keeper is interrupted, and after which the supervisor gives up. */
#define DRAIN_INTERRUPT_MS 10
#define DRAIN_SECONDS 1

int function_give_worker(struct live_function *i, pid_t pid, int control, int pidfd, int output,
			 struct error *err)
{
	if (keeper_send_worker(&i->keeper, pid, control, pidfd, output))
		return 0;
	return error_set(err, EX_OSERR, EPIPE, NULL, "the keeper of '%s' does not accept a worker",
			 i->model->label);
}

void function_send_to_worker(struct live_function *i, uint16_t type, uint32_t id)
{
	if (i->keeper_socket.fd >= 0)
		message_send(i->keeper_socket.fd, type, id, NULL, 0);
}

void function_set_udc(struct live_function *i, const char *udc)
{
	_cleanup_free_ char *path = udc ? strf(UDC_CLASS_DIR "/%s/current_speed", udc) : NULL;

	if (path && i->keeper_socket.fd >= 0)
		keeper_set_speed_file(&i->keeper, path);
}

void function_set_linger(struct live_function *i, double seconds)
{
	if (i->keeper_listens && seconds != i->linger_sent && i->keeper_socket.fd >= 0 &&
	    keeper_set_linger(&i->keeper, seconds))
		i->linger_sent = seconds;
}

void function_drop_worker(struct live_function *i)
{
	i->draining = i->keeper_socket.fd >= 0 &&
		      message_send(i->keeper_socket.fd, KEEPER_MSG_NO_WORKER, 0, NULL, 0);
	i->draining_since = now_monotonic();
}

/*
 * Checks whether the keeper has forwarded all messages of the dead worker. A host may delay the
 * keeper in a request for the dead worker. Such a request may be interrupted.
 */
bool function_is_draining(struct live_function *i)
{
	double waited = now_monotonic() - i->draining_since;

	if (i->keeper_socket.fd < 0 || waited >= DRAIN_SECONDS)
		i->draining = false;
	if (i->draining && waited >= DRAIN_INTERRUPT_MS / 1e3)
		keeper_interrupt(&i->keeper);
	return i->draining;
}

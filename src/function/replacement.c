/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One worker in place of another, while a reload is under way. */
#include "function/function.h"

/* The twin's worker, which is the one that the step wants, for the function's own (or none). */
void function_exchange_workers(struct live_function *i)
{
	struct live_worker *worker = i->worker;

	i->worker = i->twin->worker;
	i->twin->worker = worker;
	if (i->worker)
		i->worker->function = i;
	if (i->twin->worker)
		i->twin->worker->function = i->twin;
}

void function_succeed(struct live_function *i)
{
	function_exchange_workers(i);
}

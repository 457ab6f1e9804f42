/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One worker in place of another, while a reload is under way. */
#include "function/function.h"

/* The replacement's worker, which is the one that the step wants, for the function's own (or none).
 */
void function_exchange_workers(struct live_function *i)
{
	struct live_worker *worker = i->worker;

	i->worker = i->replacement->worker;
	i->replacement->worker = worker;
	if (i->worker)
		i->worker->function = i;
	if (i->replacement->worker)
		i->replacement->worker->function = i->replacement;
}

void function_succeed(struct live_function *i)
{
	function_exchange_workers(i);
}

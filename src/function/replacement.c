/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces one worker by another during a reload. */
#include "function/function.h"

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

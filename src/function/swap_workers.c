/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces one worker by another during a reload. */
#include "function/function.h"

void function_swap_workers_with_replacement(struct live_function *function)
{
	struct live_worker *worker = function->worker;

	function->worker = function->replacement->worker;
	function->replacement->worker = worker;
	if (function->worker)
		function->worker->function = function;
	if (function->replacement->worker)
		function->replacement->worker->function = function->replacement;
}

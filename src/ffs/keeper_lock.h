/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper, which a host talks to, gives up before it begins. */
#pragma once

/*
 * Of what root may do only the worker's end, whose user is another, is left; of system calls those
 * that a keeper makes. Not to have these locks, on a kernel without them, is no reason not to
 * serve.
 */
void keeper_lock_up(void);

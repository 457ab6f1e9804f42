/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper, which a host talks to, gives up before it begins. */
#pragma once

/*
 * Nothing of what root may do is left, and of system calls those that a keeper makes: on
 * descriptors that it has, or is given. It opens no file, and sends a signal to nobody but itself.
 * Not to have these locks, on a kernel without them, is no reason not to serve.
 */
void keeper_lock_up(void);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper's sandbox. It protects the system from the host, whose requests the keeper handles. */
#pragma once

/*
 * Drops all capabilities and allows only the system calls that a keeper needs. After this call, the
 * keeper cannot open files, and can send signals only to itself. Ignores errors, so that the keeper
 * also runs on a kernel without seccomp.
 */
void keeper_enter_sandbox(void);

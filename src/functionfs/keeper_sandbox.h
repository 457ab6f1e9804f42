/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper's sandbox: the keeper handles requests of the host, which is not trusted. */
#pragma once

/*
 * Drops all capabilities and allows only the system calls that a keeper makes, on descriptors that
 * it has or receives: it can open no file, and signal only itself. Errors are ignored, so that the
 * keeper also runs on a kernel without seccomp.
 */
void keeper_enter_sandbox(void);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are on this machine; tests move it with --configfs and --run-dir. */
#pragma once

struct world {
	const char *configfs; /* /sys/kernel/config */
	const char *run_dir;  /* /run/ffsctl */
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where ffsctl works; --configfs and --run-dir change it, for tests. */
#pragma once

struct paths {
	const char *configfs; /* /sys/kernel/config */
	const char *run_dir;  /* /run/ffsctl */
};

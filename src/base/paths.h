/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories that ffsctl uses; --configfs and --run-dir change them, for tests. */
#pragma once

struct paths {
	const char *configfs; /* default: /sys/kernel/config */
	const char *run_dir;  /* default: /run/ffsctl */
};

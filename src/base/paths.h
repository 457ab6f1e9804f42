/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories that ffsctl uses. Tests change them with the options --configfs and --run-dir. */
#pragma once

struct paths {
	const char *configfs_mount_point; /* default: /sys/kernel/config */
	const char *run_dir;		  /* the run directory; default: /run/ffsctl */
};

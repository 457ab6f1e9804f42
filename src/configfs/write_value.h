/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes values of attributes in configfs. */
#pragma once

#include <stddef.h>

/*
 * Writes an attribute with one write(2), because configfs regards each write as a complete value.
 * Returns 0 or -errno.
 */
int configfs_write_value(const char *path, const char *value, size_t n);

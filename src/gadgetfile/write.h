/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a document as the text of a gadget file. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Returns the text of a gadget file from which the loader makes the same document. Members whose
 * name begins with '#' become comments. Strings must not contain NUL, and integers must fit into 32
 * bits, because libconfig requires this. The caller frees it.
 */
char *gadgetfile_write(const json_t *document);

/* Returns whether libconfig accepts `name` as the name of a setting. */
bool gadgetfile_is_setting_name(const char *name);
/* Returns a member name for the `n`th comment of an object. The caller frees it. */
char *gadgetfile_comment_member_name(size_t n);

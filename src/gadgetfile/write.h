/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back: from the JSON form of a gadget file to its text. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The text of a gadget file whose form is `form`, an object: what node_to_json makes of the text is
 * that form again. Members whose name begins with '#' are comments, with text of any kind; strings
 * hold no NUL, and integers fit into 32 bits (libconfig has nothing for others). The caller frees
 * it.
 */
char *gadgetfile_write(const json_t *form);

/* Whether libconfig takes it for the name of a setting. */
bool gadgetfile_is_setting_name(const char *name);
/* The name of a member that becomes the `n`th comment of its object. The caller frees it. */
char *gadgetfile_comment_key(size_t n);

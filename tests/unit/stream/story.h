/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the owner of a stream is told, as words in their order. */
#pragma once

#include <string.h>

static char story[4096];

static void tell(const char *word)
{
	strcat(story, story[0] ? " " : "");
	strcat(story, word);
}

/* Callbacks of struct stream_callbacks. */
static void on_up(void *user)
{
	(void)user;
	tell("up");
}

static void on_down(void *user)
{
	(void)user;
	tell("down");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records the callbacks that the owner of a stream gets, as words in their order. */
#pragma once

#include <string.h>

static char recorded[4096];

static void record(const char *word)
{
	strcat(recorded, recorded[0] ? " " : "");
	strcat(recorded, word);
}

/* Callbacks of struct stream_callbacks. */
static void on_up(void *user)
{
	(void)user;
	record("up");
}

static void on_down(void *user)
{
	(void)user;
	record("down");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the enemy in the sandbox share (rogue.c, rogue_refused.c). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <ffsctl/plugin.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define CONFIG 3 /* descriptors, as ffsctl-worker(7) has them */
#define CONTROL 4
#define FIRST_ENDPOINT 5
#define ROOM 65536

struct rogue {
	struct ffsctl_host *host;
	const char *planted; /* the test's directory, in which root has a secret */
	char wrong[1024];    /* about this move; empty: nothing */
	char room[ROOM];     /* for what calls read and write; random at first */
};
extern struct rogue rogue;

uint64_t rogue_any(void);
unsigned int rogue_below(unsigned int n);
/* A process of somebody else's. */
long rogue_someone(void);

/* Moves that the sandbox, or the user, must refuse. */
void rogue_open_what_is_roots(void);
void rogue_write_to_anything(void);
void rogue_reach_others(void);
void rogue_reach_processes(void);
void rogue_become_more(void);
void rogue_write_to_the_configuration(void);

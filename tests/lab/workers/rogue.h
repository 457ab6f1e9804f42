/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the attacker in the sandbox (rogue.c, rogue_refused.c). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <ffsctl/plugin.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))
#define CONFIG 3 /* the descriptors of a worker (ffsctl-worker(7)) */
#define CONTROL 4
#define FIRST_ENDPOINT 5
#define ROOM 65536

struct rogue {
	struct ffsctl_host *host;
	const char *planted; /* directory of the test, which has a secret file of root */
	char wrong[1024];    /* error text of the current move; empty: no error */
	char room[ROOM];     /* memory that calls read and write; random bytes at the start */
};
extern struct rogue rogue;

uint64_t rogue_any(void);
unsigned int rogue_below(unsigned int n);
/* Returns the pid of a process of others. */
long rogue_someone(void);

/* Moves that must fail because of the sandbox or of the user id. */
void rogue_open_what_is_roots(void);
void rogue_write_to_anything(void);
void rogue_reach_others(void);
void rogue_reach_processes(void);
void rogue_become_more(void);
void rogue_write_to_the_configuration(void);

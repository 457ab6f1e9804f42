/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the plugin bridge share.
 *
 * The function's endpoints are on one side, peers on the other: clients of a listening socket, or
 * the one server, FIFO pair, tty or command. Every event only notes what it has changed; then
 * bridge_settle() moves what can be moved and watches for what has to be waited for.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4(), pipe2() */
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ffsctl/plugin.h>

enum framing {
	FRAMING_NONE,	/* bytes */
	FRAMING_LENGTH, /* messages in pieces, each behind its length */
	FRAMING_PACKET, /* messages are the packets of a SOCK_SEQPACKET socket */
};

/* Before each piece of a message: its length, little-endian; bit 31: another piece follows. */
#define HEADER_SIZE 4
#define HEADER_MORE 0x80000000u

struct bridge;
struct peer;

/* What comes from a peer, for the host. */
struct source {
	struct ffsctl_watch watch; /* its fd: -1: at its end, or never there */
	bool readable;		   /* as far as is known */
	bool hung_up;		   /* nothing more will come than what there is */
	/* FRAMING_LENGTH: */
	struct ffsctl_transfer *t; /* what is being read of a message; may be NULL */
	uint8_t header[HEADER_SIZE];
	size_t have;   /* bytes of the header */
	bool in_piece; /* the header is whole: `left` bytes of its piece are still to come */
	uint32_t left;
	bool more;    /* another piece follows */
	bool begun;   /* a message is, and not at its end */
	bool discard; /* the rest of this message is thrown away */
};

/* What goes to a peer. */
struct sink {
	struct ffsctl_watch watch; /* its fd: -1: it takes nothing more, or never did */
	bool blocked;		   /* full: wait for EPOLLOUT */
	bool done;		   /* has all of what is at the head of the queue */
	bool skip;		   /* gets nothing before the next message */
	size_t sent;		   /* bytes of the head, with its header */
};

struct peer {
	struct peer *next;
	struct source source;
	struct sink sink;
};

/* What can be at the other side: a row of the table in bridge.c. */
struct end {
	/* -errno after a line of log: the worker ends for good. */
	int (*start)(struct bridge *b);
	/* Leads to bridge_opened() or bridge_failed(). NULL: peers come by themselves. */
	void (*open)(struct bridge *b);
	/* All peers are gone. Whether it has ended, which it tells itself. NULL: with them. */
	bool (*over)(struct bridge *b);
	/* The worker is to end. False: not yet, it calls exit() itself. May be NULL. */
	bool (*stop)(struct bridge *b);
	/* What has been sent for the last time may still wait for an answer: the end of what comes
	   from a peer is not the end of the peer. */
	bool half_close;
	const char *options[2]; /* each names one; NULL: there is no second */
};

extern const struct end end_listen, end_connect, end_tty, end_fifo, end_command;

#define ADDRESSES_MAX 8

struct address {
	const char *text; /* as in the gadget file */
	int family, type; /* AF_UNIX, or AF_UNSPEC for TCP */
	bool is_name;	  /* to be looked up */
	char host[256], port[6];
	struct {
		_Alignas(8) uint8_t bytes[128]; /* struct sockaddr_storage */
		uint32_t length;
	} at[ADDRESSES_MAX];
	unsigned int n, next; /* of `at`; which one is tried next */
	int error;	      /* of getaddrinfo(3) */
};

struct counters {
	uint64_t to_host, from_host, dropped; /* bytes */
	unsigned int peers;
};

struct bridge {
	struct ffsctl_host *host;
	const struct end *end;
	enum framing framing;
	unsigned int clients; /* at most */
	bool discard;	      /* what comes from the host while nobody is there */
	uint32_t in, out;     /* endpoints */
	bool has_in, has_out; /* whether the function has them */
	bool up;

	struct peer *peers;
	unsigned int n_peers, n_sinks;

	/* To the host. */
	struct peer *owner; /* a part of its message is sent: nobody else's may come between */
	struct peer *turn;  /* who was read from last */
	bool cut;	    /* that peer went: the message has to be ended */
	struct ffsctl_transfer **gather;

	/* From the host: what has come and is not written. A ring of host->depth. */
	struct ffsctl_transfer **queue;
	unsigned int head, n_queue;
	size_t left_at;	  /* bytes of the head that the last peer has taken: FRAMING_NONE */
	bool mid_message; /* the head goes on with a message that was begun */
	bool dropping;	  /* the rest of a message that was too long */

	/* Opening again what was lost. */
	struct ffsctl_timer retry;
	uint32_t delay, first_delay, max_delay; /* ms */
	uint64_t opened_at;			/* ms */
	int last_error;				/* that was told */
	const char *what;			/* is open */

	/* Of the ends. */
	struct address address;
	struct ffsctl_watch listener; /* fd -1: none */
	struct ffsctl_watch pending;  /* a connection being made, or a name being looked up */
	int pid;		      /* of the command, or of who looks the name up; 0: none */
	struct ffsctl_watch process;  /* of the command */
	char **argv;
	uint64_t socket_inode, socket_device; /* of the path that is listened on; inode 0: none */
	bool stopping;

	struct counters now, told;
	struct ffsctl_timer stats;
};

/* --- bridge.c --- */
/* Says why this gadget file cannot work; -EINVAL. */
int bridge_refuse(struct bridge *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- peer.c --- */
void bridge_set_timers(struct bridge *b);
void bridge_settle(struct bridge *b);
/* New peer. A descriptor that is -1 is a direction that it has not. Both are the bridge's now. */
void bridge_add(struct bridge *b, int source, int sink);
void bridge_end_source(struct bridge *b, struct peer *p);
void bridge_end_sink(struct bridge *b, struct peer *p);
/* -1: does not watch at all, not for errors either. */
void bridge_watch(struct bridge *b, struct ffsctl_watch *w, int events);
void bridge_close(struct bridge *b, struct ffsctl_watch *w);
/* The end is open: its peer has been added. */
void bridge_opened(struct bridge *b, const char *what);
/* It cannot be opened, and is tried again later; said once for each `error`. */
void bridge_failed(struct bridge *b, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- in.c: from peers to the host --- */
void in_pump(struct bridge *b);
void in_done(struct bridge *b, struct ffsctl_transfer *t);
void in_link_is_new(struct bridge *b);
void in_source_ended(struct bridge *b, struct peer *p);

/* --- out.c: from the host to peers --- */
void out_pump(struct bridge *b);
void out_done(struct bridge *b, struct ffsctl_transfer *t);
void out_link_is_new(struct bridge *b);
void out_sink_added(struct bridge *b, struct peer *p);
void out_sink_ended(struct bridge *b, struct peer *p);

/* --- address.c: b->address --- */
/* -EINVAL after a line of log. */
int address_parse(struct bridge *b, const char *text);
/* Waits for the name server. -errno after a line of log. */
int address_look_up(struct bridge *b);
/* Lets a child wait for it: b->pending becomes readable then. -errno. */
int address_start_look_up(struct bridge *b);
/* What it has found: 0 or an error of getaddrinfo(3). */
int address_take(struct bridge *b);

/* --- socket.c --- */
/* Whether a client that comes can be served. */
bool listener_has_room(const struct bridge *b);

/* --- command.c --- */
/* fork() for a child that dies with us and has our signals as they were. */
int bridge_fork(void);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of the plugin bridge.
 *
 * The bridge moves data between the function's endpoints and its peers: the clients of a listening
 * socket, or one server, FIFO pair, tty or command. Event handlers only change the state; then
 * bridge_update() moves all data that can be moved and sets the watches.
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
	FRAMING_NONE,	/* bytes without messages */
	FRAMING_LENGTH, /* messages in pieces, each after its length */
	FRAMING_PACKET, /* a message is a packet of a SOCK_SEQPACKET socket */
};

/* Header of each piece of a message: its length in bytes, little-endian; bit 31: not the last
 * piece. */
#define HEADER_SIZE 4
#define HEADER_MORE 0x80000000u

struct bridge;
struct peer;

/* Data from a peer to the host. */
struct source {
	struct ffsctl_watch watch; /* fd -1: closed, or the peer has no such direction */
	bool readable;		   /* there may be data to read */
	bool hung_up;		   /* no data follows after that */
	/* FRAMING_LENGTH: */
	struct ffsctl_transfer *transfer; /* the part of a message that is being read; or NULL */
	uint8_t header[HEADER_SIZE];
	size_t header_read;   /* bytes of the header that were read */
	bool in_piece;	      /* the header is complete */
	uint32_t piece_left;  /* bytes of the piece that were not read yet */
	bool more_pieces;     /* another piece follows */
	bool message_begun;   /* a message was begun and has not ended */
	bool discard_message; /* drop the rest of this message */
};

/* Data from the host to a peer. */
struct sink {
	struct ffsctl_watch watch; /* fd -1: closed, or the peer has no such direction */
	bool blocked;		   /* full: wait for EPOLLOUT */
	bool head_written;	   /* all of the first transfer in the queue was written */
	bool skip_to_message;	   /* gets no data before the next message */
	size_t head_sent; /* bytes of the first transfer and its header that were written */
};

struct peer {
	struct peer *next;
	struct source source;
	struct sink sink;
};

/* A type of peer: a row of the table in bridge.c. */
struct peer_type {
	/* Prepares everything; -errno after a log line: the worker ends and is not restarted. */
	int (*start)(struct bridge *b);
	/* Opens the peer and calls bridge_opened() or bridge_failed(), at once or later. NULL:
	   clients connect. */
	void (*open)(struct bridge *b);
	/* Returns whether the peer may be opened again after its descriptors were closed. NULL:
	 * always. */
	bool (*ended)(struct bridge *b);
	/* Stops the peer at stop(). False: it calls exit() later. May be NULL. */
	bool (*stop)(struct bridge *b);
	/* A peer that has closed its sending side may still read. */
	bool half_close;
	const char *options[2]; /* the options that select it; the second may be NULL */
};

extern const struct peer_type peer_type_listen, peer_type_connect, peer_type_tty, peer_type_fifo,
	peer_type_command;

#define ADDRESSES_MAX 8

struct address {
	const char *text; /* as in the gadget file */
	int family, type; /* AF_UNIX, or AF_UNSPEC for TCP; SOCK_STREAM or SOCK_SEQPACKET */
	bool is_name;	  /* `host` must be looked up */
	char host[256], port[6];
	struct {
		_Alignas(8) uint8_t bytes[128]; /* struct sockaddr_storage */
		uint32_t length;
	} addresses[ADDRESSES_MAX];
	unsigned int n_addresses, next; /* elements of `addresses`; index of the next one to try */
	int error;			/* of getaddrinfo(3) */
};

struct counters {
	uint64_t to_host, from_host, dropped; /* bytes */
	unsigned int peers;
};

struct bridge {
	struct ffsctl_host *host;
	const struct peer_type *type;
	enum framing framing;
	unsigned int clients; /* the largest number of peers */
	bool discard;	      /* drop the host's data while there is no peer */
	uint32_t in, out;     /* indices of the endpoints */
	bool has_in, has_out; /* the function has them */
	bool link_up;	      /* the link is up */

	struct peer *peers;
	unsigned int n_peers, n_sinks;

	/* To the host. */
	struct peer *message_sender; /* the peer whose message was sent in part; others wait for its
					end */
	struct peer *last_read;	     /* the peer that was read last */
	bool message_truncated;	     /* `message_sender` was closed: its message must be ended */
	struct ffsctl_transfer **packet_transfers; /* the transfers of one packet */

	/* From the host: received and not yet written. A ring of host->depth. */
	struct ffsctl_transfer **queue;
	unsigned int head, n_queue;
	size_t head_offset; /* FRAMING_NONE: bytes of the queue's first transfer that the last peer
			   was sent */
	bool head_continues_message; /* the queue's first transfer continues a message */
	bool drop_message;	     /* drop the rest of a message that was too long */

	/* Opening a peer again. */
	struct ffsctl_timer retry;
	uint32_t delay, first_delay, max_delay; /* ms */
	uint64_t opened_at;			/* ms */
	int last_error;				/* the last one logged; 0: none */
	const char *name;			/* name of the peer in messages */

	/* State of the peer types. */
	struct address address;
	struct ffsctl_watch listener;	   /* fd -1: none */
	struct ffsctl_watch connect_watch; /* connect() or name lookup in progress */
	int pid;			   /* of the command, or of the name lookup; 0: none */
	struct ffsctl_watch process_watch; /* pidfd of the command */
	char **argv;
	uint64_t socket_inode, socket_device; /* of the socket's path; inode 0: none */
	bool stopping;

	struct counters current, reported;
	struct ffsctl_timer stats;
};

/* --- bridge.c --- */
/* Logs why the options cannot work; returns -EINVAL. */
int bridge_refuse(struct bridge *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- peer.c --- */
void bridge_set_timers(struct bridge *b);
void bridge_update(struct bridge *b);
/* Adds a peer and takes over its descriptors. -1: the peer does not have this direction. */
void bridge_add(struct bridge *b, int source, int sink);
void bridge_end_source(struct bridge *b, struct peer *p);
void bridge_end_sink(struct bridge *b, struct peer *p);
/* Watches for `events`, which may be 0; -1: does not watch, not even for errors. */
void bridge_watch(struct bridge *b, struct ffsctl_watch *w, int events);
void bridge_close(struct bridge *b, struct ffsctl_watch *w);
/* Reports that the peer is open and has been added. `name` is used in messages. */
void bridge_opened(struct bridge *b, const char *name);
/* Reports that the peer cannot be opened; tries again later. Logs each `error` once. */
void bridge_failed(struct bridge *b, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- in.c: from peers to the host --- */
void in_pump(struct bridge *b);
void in_done(struct bridge *b, struct ffsctl_transfer *t);
void in_session_started(struct bridge *b);
void in_source_ended(struct bridge *b, struct peer *p);

/* --- out.c: from the host to peers --- */
void out_pump(struct bridge *b);
void out_done(struct bridge *b, struct ffsctl_transfer *t);
void out_session_started(struct bridge *b);
void out_sink_added(struct bridge *b, struct peer *p);
void out_sink_ended(struct bridge *b, struct peer *p);

/* --- address.c: b->address --- */
/* Returns 0, or -EINVAL after a log line. */
int address_parse(struct bridge *b, const char *text);
/* Looks the name up; waits for the name server. Returns 0, or -errno after a log line. */
int address_look_up(struct bridge *b);
/* Looks the name up in a child process; b->pending is readable afterwards. Returns 0 or -errno. */
int address_start_look_up(struct bridge *b);
/* Stores the result of the lookup. Returns 0 or an error of getaddrinfo(3). */
int address_take(struct bridge *b);

/* --- socket.c --- */
/* Returns whether another client can be accepted. */
bool listener_has_room(const struct bridge *b);

/* --- command.c --- */
/* Forks a child that is killed when this process ends, with default signal handling. */
int bridge_fork(void);

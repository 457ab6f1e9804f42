/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of the plugin bridge.
 *
 * The bridge moves data between the function's endpoints and its peers. Peers are the clients of a
 * listening socket; the other types have one peer: a server, a pair of FIFOs, a tty or a command.
 * Event handlers only change the state. After them bridge_update() moves all data that can be moved
 * and sets the watches.
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
	FRAMING_LENGTH, /* messages in pieces; the length precedes each piece */
	FRAMING_PACKET, /* a message is a packet of a SOCK_SEQPACKET socket */
};

/* The header of each piece of a message is the length of the piece in bytes, little-endian. Bit 31
 * is set if another piece follows. */
#define HEADER_SIZE 4
#define HEADER_MORE 0x80000000u

struct bridge;
struct peer;

/* Data from a peer to the host. */
struct source {
	struct ffsctl_watch watch; /* fd -1: closed, or the peer has no such direction */
	bool readable;		   /* there may be data to read */
	bool hung_up;		   /* the peer sends no more data */
	/* Only for FRAMING_LENGTH: */
	struct ffsctl_transfer *transfer; /* gets the data that is being read; NULL: none */
	uint8_t header[HEADER_SIZE];
	size_t header_read;  /* bytes of the header that were read */
	bool in_piece;	     /* the header is complete */
	uint32_t piece_left; /* bytes of the piece that are not read yet */
	bool more_pieces;    /* another piece of the message follows */
	bool message_begun;  /* the first piece of a message was begun, its last piece has not ended
			      */
	bool discard_message; /* drop the rest of this message */
};

/* Data from the host to a peer. */
struct sink {
	struct ffsctl_watch watch; /* fd -1: closed, or the peer has no such direction */
	bool blocked;		   /* the descriptor accepts no data until EPOLLOUT */
	bool head_written;	   /* all data of the queue's first transfer was written */
	bool skip_to_message;	   /* the peer gets no data until the next message begins */
	size_t head_sent; /* bytes of the queue's first transfer and of its header that were written
			   */
};

struct peer {
	struct peer *next;
	struct source source;
	struct sink sink;
};

/* A type of peer: a row of the table in bridge.c. */
struct peer_type {
	/* Prepares the peer. After an error it logs the reason and returns a negative errno; the
	   worker ends and is not restarted. */
	int (*start)(struct bridge *b);
	/* Opens the peer and calls bridge_opened() or bridge_failed(), at once or later. NULL if
	   the peers are clients that connect. */
	void (*open)(struct bridge *b);
	/* Returns whether the peer may be opened again after its descriptors were closed. NULL if
	 * it always may. */
	bool (*ended)(struct bridge *b);
	/* Stops the peer when the worker must stop. Returns false if the peer will call exit()
	   later. May be NULL. */
	bool (*stop)(struct bridge *b);
	/* Whether a peer that has closed its sending side may still read. */
	bool half_close;
	const char *
		options[2]; /* names of the options that select this type; the second may be NULL */
};

extern const struct peer_type peer_type_listen, peer_type_connect, peer_type_tty, peer_type_fifo,
	peer_type_command;

#define ADDRESSES_MAX 8

struct address {
	const char *text; /* the address as in the gadget file, for messages */
	int family;	  /* AF_UNIX, or AF_UNSPEC for TCP */
	int type;	  /* SOCK_STREAM or SOCK_SEQPACKET */
	bool is_name;	  /* `host` must be looked up */
	char host[256], port[6];
	struct {
		_Alignas(8) uint8_t bytes[128]; /* a struct sockaddr_storage */
		uint32_t length;
	} addresses[ADDRESSES_MAX];
	unsigned int n_addresses, next; /* number of addresses; index of the next one to try */
	int error;			/* result of getaddrinfo(3) */
};

struct counters {
	uint64_t to_host, from_host, dropped; /* bytes so far */
	unsigned int peers;
};

struct bridge {
	struct ffsctl_host *host;
	const struct peer_type *type;
	enum framing framing;
	unsigned int max_clients;	    /* the largest number of peers */
	bool discard;			    /* drop the host's data while there is no peer */
	uint32_t in_endpoint, out_endpoint; /* indices of the endpoints */
	bool has_in, has_out;		    /* the function has an IN endpoint, an OUT endpoint */
	bool link_up;			    /* the host has enabled the function */

	struct peer *peers;
	unsigned int n_peers, n_sinks;

	/* Data to the host: */
	struct peer *message_sender; /* the peer whose message is incomplete; other peers wait until
					the message ends */
	struct peer *last_read;	     /* the peer that was read last */
	bool message_truncated;	     /* `message_sender` was closed before the end of its message */
	struct ffsctl_transfer **packet_transfers; /* array: the transfers of one packet */

	/* Data from the host: the queue of received transfers that are not written yet, a ring of
	   host->depth elements. */
	struct ffsctl_transfer **queue;
	unsigned int head, n_queue;
	size_t head_offset; /* FRAMING_NONE: bytes of the queue's first transfer that the last peer
			   got */
	bool head_continues_message; /* the queue's first transfer is not the first of its message
				      */
	bool drop_message;	     /* drop the rest of a message that was too long */

	/* Opening a peer again: */
	struct ffsctl_timer retry;
	uint32_t delay, first_delay, max_delay; /* ms */
	uint64_t opened_at;			/* ms */
	int last_error;				/* the last error that was logged; 0: none */
	const char *name;			/* name of the peer in messages */

	/* State of the peer types: */
	struct address address;
	struct ffsctl_watch listener;	   /* fd -1: none */
	struct ffsctl_watch connect_watch; /* reports the end of connect() or of the name lookup */
	int pid; /* process id of the command or of the name lookup; 0: no such process */
	struct ffsctl_watch process_watch; /* pidfd of the command */
	char **argv;
	uint64_t socket_inode, socket_device; /* identify the socket file; inode 0: no file */
	bool stopping;

	struct counters current, reported;
	struct ffsctl_timer stats;
};

/* --- bridge.c --- */
/* Logs why the options are invalid; returns -EINVAL. */
int bridge_refuse(struct bridge *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- peer.c --- */
void bridge_set_timers(struct bridge *b);
void bridge_update(struct bridge *b);
/* Adds a peer, which owns the descriptors `source` and `sink` from now on. -1: the peer does not
   have this direction. */
void bridge_add(struct bridge *b, int source, int sink);
void bridge_end_source(struct bridge *b, struct peer *p);
void bridge_end_sink(struct bridge *b, struct peer *p);
/* Watches for `events` and for errors. `events` -1: stops watching, also for errors. */
void bridge_watch(struct bridge *b, struct ffsctl_watch *w, int events);
void bridge_close(struct bridge *b, struct ffsctl_watch *w);
/* Reports that the peer is open and was added. `name`: name of the peer in messages. */
void bridge_opened(struct bridge *b, const char *name);
/* Reports that the peer cannot be opened, and tries again later. Logs the text
   unless the last error was the same. */
void bridge_failed(struct bridge *b, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- in.c: from peers to the host --- */
void in_move_data(struct bridge *b);
void in_done(struct bridge *b, struct ffsctl_transfer *t);
void in_session_started(struct bridge *b);
void in_source_ended(struct bridge *b, struct peer *p);

/* --- out.c: from the host to peers --- */
void out_move_data(struct bridge *b);
void out_done(struct bridge *b, struct ffsctl_transfer *t);
void out_session_started(struct bridge *b);
void out_sink_added(struct bridge *b, struct peer *p);
void out_sink_ended(struct bridge *b, struct peer *p);

/* --- address.c: b->address --- */
/* Parses the text. After an error it logs the reason and returns -EINVAL. */
int address_parse(struct bridge *b, const char *text);
/* Looks the host name up and waits for the name server. After an error it logs the reason and
   returns a negative errno. */
int address_look_up(struct bridge *b);
/* Starts a child process that looks the host name up. b->connect_watch becomes readable when it has
   ended. Returns 0 or a negative errno. */
int address_start_look_up(struct bridge *b);
/* Stores the result of the child process. Returns 0 or an error of getaddrinfo(3). */
int address_read_result(struct bridge *b);

/* --- socket.c --- */
/* Returns whether another client can be accepted. */
bool listener_has_room(const struct bridge *b);

/* --- command.c --- */
/* Forks a child with default signal handling, which is killed when this process ends. */
int bridge_fork(void);

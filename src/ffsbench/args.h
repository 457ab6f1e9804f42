/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the arguments of command line options. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Parses a size such as "4096", "64K", "16M" or "1G" (powers of 1024), and stores it in bytes. */
int args_parse_size(const char *s, uint64_t *n, struct error *err);
/* Writes a size into `text` in the form "64K", "1M" or "100", and returns `text`. */
const char *format_size(uint64_t n, char *text, size_t text_size);
/* Parses a time in seconds, such as "2" or "0.5", and stores it in milliseconds. */
int args_parse_seconds(const char *s, unsigned int *ms, struct error *err);
/* Parses an integer from 0 to `max` and stores it in *n. */
int args_parse_integer(const char *s, unsigned int max, unsigned int *n, struct error *err);

/* The values of --size or --depth. Each size is measured with each depth. */
#define LIST_MAX 64
struct value_list {
	uint64_t values[LIST_MAX];
	size_t n_values;
};

/* Parses a list such as "1K,4K", or a range such as "1K-4M". A range stands for its first value,
   twice this value, four times this value and so on, up to the last value. Each value must be from
   1 to `max`. `what`: what the values are, for the error message, such as "sizes". */
int args_parse_list(const char *s, uint64_t max, const char *what, struct value_list *l,
		    struct error *err);

/* The lengths of the messages of a run, in bytes. The functions below set them in one of three
   ways. */
struct message_lengths {
	/* After args_parse_lengths(): each range stands for one message of each length from
	   `first` to `last`. After message_lengths_divide_equally(): n_ranges is 0; ranges[0].first
	   is the length of all messages, but if ranges[0].last is not 0, this is the length of the
	   last message. */
	struct {
		uint64_t first, last;
	} * ranges;
	size_t n_ranges;
	/* message_lengths_set_random(): its arguments `max` and `seed`. random_max 0: the lengths
	   are not random. */
	uint64_t random_max, random_seed;
	uint64_t n_messages;
	uint64_t total_bytes; /* sum of all lengths */
};

/* Parses a list of lengths and ranges of lengths. Example: "1-4096,1M,16M" stands for 4098
   messages. */
int args_parse_lengths(const char *s, struct message_lengths *l, struct error *err);
/* Sets the lengths of messages that have `size` bytes each and `total` bytes together. The last
   message may be shorter. */
void message_lengths_divide_equally(struct message_lengths *l, uint64_t total, uint64_t size);
/* Sets the lengths of `count` messages to pseudo-random numbers from 1 to `max`. One length in
   four is a multiple of 1024. */
void message_lengths_set_random(struct message_lengths *l, uint64_t count, uint64_t max,
				uint64_t seed);
/* Returns the length of the message with the index `message`, in bytes. */
uint64_t message_length(const struct message_lengths *l, uint64_t message);
void message_lengths_free(struct message_lengths *l);

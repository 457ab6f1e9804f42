/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control requests and their answers in words, for people. */
#pragma once

#include <linux/usb/ch9.h>

#include "trace/known.h"

/* The string descriptor that announces Microsoft OS descriptors. */
#define MICROSOFT_STRING 0xee

/* Returns a request as "GET_DESCRIPTOR device, 64 bytes". The caller frees it. */
char *request_words(const struct usb_ctrlrequest *r, const struct known *k);

/*
 * Returns what the answer to a request says, as "\"serial number\"" of a string or "1d6b:0104" of a
 * device; NULL: nothing worth a word. `data` are the first `n` bytes of the answer. The caller
 * frees it.
 */
char *answer_words(const struct usb_ctrlrequest *r, const uint8_t *data, size_t n);

/* Returns what it means for the host that this request is stalled, as is usual; NULL: it is not. */
const char *usual_stall_words(const struct usb_ctrlrequest *r, const struct known *k);

/* Returns what helps if this request is stalled; NULL: nothing is known to help. */
const char *stall_hint(const struct usb_ctrlrequest *r, const struct known *k);

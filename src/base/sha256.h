/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (FIPS 198-1) of data in memory. The run time of the
 * functions may depend on the data.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

void sha256(const void *data, size_t size, uint8_t digest[SHA256_SIZE]);
/* Computes the HMAC; `key` has at most 64 bytes. */
void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		 uint8_t digest[SHA256_SIZE]);

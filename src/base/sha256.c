// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ffsctl has its own implementation, because none of its libraries has SHA-256, and many kernels of
 * small boards are built without AF_ALG.
 */
#include "base/sha256.h"

#include <string.h>

#define BLOCK_SIZE 64

struct sha256_state {
	uint32_t hash[8];
	uint8_t block[BLOCK_SIZE]; /* the last n_bytes % BLOCK_SIZE bytes */
	uint64_t n_bytes;	   /* number of bytes so far */
};

/* the constants of FIPS 180-4, 4.2.2 */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* the initial hash value of FIPS 180-4, 5.3.3 */
static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static uint32_t rotate_right(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* Adds the complete block to the hash (FIPS 180-4, 6.2.2). */
static void hash_add_block(struct sha256_state *s)
{
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = (uint32_t)s->block[4 * t] << 24 | (uint32_t)s->block[4 * t + 1] << 16 |
		       (uint32_t)s->block[4 * t + 2] << 8 | s->block[4 * t + 3];
	for (int t = 16; t < 64; t++)
		w[t] = w[t - 16] + w[t - 7] +
		       (rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3) +
		       (rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10);
	memcpy(v, s->hash, sizeof(v));
	for (int t = 0; t < 64; t++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] +
			      (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
			      ((e & v[5]) ^ (~e & v[6])) + k[t] + w[t];
		uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
			      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		s->hash[i] += v[i];
}

static void hash_add(struct sha256_state *s, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		s->block[s->n_bytes++ % BLOCK_SIZE] = bytes[i];
		if (s->n_bytes % BLOCK_SIZE == 0)
			hash_add_block(s);
	}
}

static void hash_finish(struct sha256_state *s, uint8_t digest[SHA256_SIZE])
{
	uint64_t bits = 8 * s->n_bytes;
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	hash_add(s, "\x80", 1);
	while (s->n_bytes % BLOCK_SIZE != BLOCK_SIZE - sizeof(length))
		hash_add(s, "", 1);
	hash_add(s, length, sizeof(length));
	for (int i = 0; i < SHA256_SIZE; i++)
		digest[i] = (uint8_t)(s->hash[i / 4] >> (24 - 8 * (i % 4)));
}

static void hash_start(struct sha256_state *s)
{
	memcpy(s->hash, initial, sizeof(s->hash));
	s->n_bytes = 0;
}

void sha256(const void *data, size_t size, uint8_t digest[SHA256_SIZE])
{
	struct sha256_state s;

	hash_start(&s);
	hash_add(&s, data, size);
	hash_finish(&s, digest);
}

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		 uint8_t digest[SHA256_SIZE])
{
	uint8_t pad[BLOCK_SIZE] = { 0 };
	struct sha256_state s;

	memcpy(pad, key, key_size);
	for (int i = 0; i < BLOCK_SIZE; i++)
		pad[i] ^= 0x36;
	hash_start(&s);
	hash_add(&s, pad, sizeof(pad));
	hash_add(&s, data, size);
	hash_finish(&s, digest);
	for (int i = 0; i < BLOCK_SIZE; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_start(&s);
	hash_add(&s, pad, sizeof(pad));
	hash_add(&s, digest, SHA256_SIZE);
	hash_finish(&s, digest);
}

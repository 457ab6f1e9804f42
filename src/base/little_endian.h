/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in bytes of USB, which are little-endian and not aligned. */
#pragma once

#include <stdint.h>

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

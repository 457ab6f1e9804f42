/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob/ffs.h"
#include "base/usb_words.h"

#define WORD(TYPE, word) [EP_##TYPE] = word,
const char *const ep_type_words[] = { USB_TRANSFER_TYPES(WORD) };
#undef WORD

#define WORD(SPEED, unused, word, ...) [EP_##SPEED] = word,
const char *const ep_speed_words[EP_SPEED_COUNT] = { USB_DESCRIPTOR_SPEEDS(WORD) };
#undef WORD

#define NAME(SPEED, unused, word, kernels, name) [EP_##SPEED] = name,
const char *const ep_speed_names[EP_SPEED_COUNT] = { USB_DESCRIPTOR_SPEEDS(NAME) };
#undef NAME

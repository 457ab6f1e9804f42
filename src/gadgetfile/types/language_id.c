// SPDX-License-Identifier: GPL-2.0-or-later
/* USB language ids (USB-IF, Language Identifiers 1.0) and their common names. */
#include "gadgetfile/types/language_id.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

/* clang-format off */
static const struct {
	uint16_t id;
	const char *name;
} langs[] = {
	{ 0x0436, "af-za" }, { 0x3801, "ar-ae" }, { 0x3c01, "ar-bh" }, { 0x1401, "ar-dz" },
	{ 0x0c01, "ar-eg" }, { 0x0801, "ar-iq" }, { 0x2c01, "ar-jo" }, { 0x3401, "ar-kw" },
	{ 0x3001, "ar-lb" }, { 0x1001, "ar-ly" }, { 0x1801, "ar-ma" }, { 0x2001, "ar-om" },
	{ 0x4001, "ar-qa" }, { 0x0401, "ar-sa" }, { 0x2801, "ar-sy" }, { 0x1c01, "ar-tn" },
	{ 0x2401, "ar-ye" }, { 0x044d, "as-in" }, { 0x082c, "az-cyrl-az" },
	{ 0x042c, "az-latn-az" }, { 0x0423, "be-by" }, { 0x0402, "bg-bg" }, { 0x0445, "bn-in" },
	{ 0x0403, "ca-es" }, { 0x0405, "cs-cz" }, { 0x0452, "cy-gb" }, { 0x0406, "da-dk" },
	{ 0x0c07, "de-at" }, { 0x0807, "de-ch" }, { 0x0407, "de-de" }, { 0x1407, "de-li" },
	{ 0x1007, "de-lu" }, { 0x0408, "el-gr" }, { 0x2409, "en-029" }, { 0x0c09, "en-au" },
	{ 0x2809, "en-bz" }, { 0x1009, "en-ca" }, { 0x0809, "en-gb" }, { 0x1809, "en-ie" },
	{ 0x4009, "en-in" }, { 0x2009, "en-jm" }, { 0x1409, "en-nz" }, { 0x3409, "en-ph" },
	{ 0x2c09, "en-tt" }, { 0x0409, "en-us" }, { 0x1c09, "en-za" }, { 0x3009, "en-zw" },
	{ 0x2c0a, "es-ar" }, { 0x400a, "es-bo" }, { 0x340a, "es-cl" }, { 0x240a, "es-co" },
	{ 0x140a, "es-cr" }, { 0x1c0a, "es-do" }, { 0x300a, "es-ec" }, { 0x040a, "es-es" },
	{ 0x100a, "es-gt" }, { 0x480a, "es-hn" }, { 0x080a, "es-mx" }, { 0x4c0a, "es-ni" },
	{ 0x180a, "es-pa" }, { 0x280a, "es-pe" }, { 0x500a, "es-pr" }, { 0x3c0a, "es-py" },
	{ 0x440a, "es-sv" }, { 0x380a, "es-uy" }, { 0x200a, "es-ve" }, { 0x0425, "et-ee" },
	{ 0x042d, "eu-es" }, { 0x0429, "fa-ir" }, { 0x040b, "fi-fi" }, { 0x0438, "fo-fo" },
	{ 0x080c, "fr-be" }, { 0x0c0c, "fr-ca" }, { 0x100c, "fr-ch" }, { 0x040c, "fr-fr" },
	{ 0x140c, "fr-lu" }, { 0x180c, "fr-mc" }, { 0x083c, "ga-ie" }, { 0x0447, "gu-in" },
	{ 0x040d, "he-il" }, { 0x0439, "hi-in" }, { 0x041a, "hr-hr" }, { 0x040e, "hu-hu" },
	{ 0x042b, "hy-am" }, { 0x0421, "id-id" }, { 0x040f, "is-is" }, { 0x0810, "it-ch" },
	{ 0x0410, "it-it" }, { 0x0411, "ja-jp" }, { 0x0437, "ka-ge" }, { 0x043f, "kk-kz" },
	{ 0x044b, "kn-in" }, { 0x0412, "ko-kr" }, { 0x0457, "kok-in" }, { 0x0860, "ks-in" },
	{ 0x0427, "lt-lt" }, { 0x0426, "lv-lv" }, { 0x042f, "mk-mk" }, { 0x044c, "ml-in" },
	{ 0x0458, "mni-in" }, { 0x044e, "mr-in" }, { 0x083e, "ms-bn" }, { 0x043e, "ms-my" },
	{ 0x0455, "my-mm" }, { 0x0414, "nb-no" }, { 0x0861, "ne-in" }, { 0x0813, "nl-be" },
	{ 0x0413, "nl-nl" }, { 0x0814, "nn-no" }, { 0x0448, "or-in" }, { 0x0446, "pa-in" },
	{ 0x0415, "pl-pl" }, { 0x0416, "pt-br" }, { 0x0816, "pt-pt" }, { 0x0418, "ro-ro" },
	{ 0x0419, "ru-ru" }, { 0x044f, "sa-in" }, { 0x0459, "sd-in" }, { 0x041b, "sk-sk" },
	{ 0x0424, "sl-si" }, { 0x041c, "sq-al" }, { 0x0c1a, "sr-cyrl-cs" },
	{ 0x081a, "sr-latn-cs" }, { 0x081d, "sv-fi" }, { 0x041d, "sv-se" }, { 0x0441, "sw-ke" },
	{ 0x0449, "ta-in" }, { 0x044a, "te-in" }, { 0x041e, "th-th" }, { 0x041f, "tr-tr" },
	{ 0x0444, "tt-ru" }, { 0x0422, "uk-ua" }, { 0x0820, "ur-in" }, { 0x0420, "ur-pk" },
	{ 0x0843, "uz-cyrl-uz" }, { 0x0443, "uz-latn-uz" }, { 0x042a, "vi-vn" },
	{ 0x0804, "zh-cn" }, { 0x0c04, "zh-hk" }, { 0x1404, "zh-mo" }, { 0x1004, "zh-sg" },
	{ 0x0404, "zh-tw" },
};
/* clang-format on */

bool lang_is_valid(uint16_t lang)
{
	unsigned int primary = lang & 0x3ff, sub = lang >> 10;

	return sub != 0 && primary != 0 && (primary <= 0x61 || primary == 0xff);
}

uint16_t lang_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(langs); i++)
		if (strcasecmp(langs[i].name, name) == 0)
			return langs[i].id;
	return 0;
}

const char *lang_nearest(const char *name)
{
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(langs); i++)
		text_find_most_similar(name, langs[i].name, &nearest);
	/* For two letters such as "de", suggests de-de and not de-at. */
	for (size_t i = 0; !nearest && strlen(name) == 2 && i < ARRAY_SIZE(langs); i++) {
		const char *n = langs[i].name;

		if (strncasecmp(n, name, 2) == 0 &&
		    (strncasecmp(n + 3, name, 2) == 0 || langs[i].id == LANG_EN_US))
			nearest = n;
	}
	return nearest;
}

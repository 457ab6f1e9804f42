/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates of audio functions: f_uac1.c, f_uac2.c, f_uac1_legacy.c. Attributes that begin with
 * `p_` are for data to the host (IN), those that begin with `c_` for data from the host (OUT). The
 * kernel's strings use the host's view: "Playback" is data from the host, "Capture" data to the
 * host.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "predict/template.h"

#define MAX_RATES 10

struct sampling_rates {
	long long values[MAX_RATES];
	size_t n;
	long long highest;
};

/* Reads the sample rates from the variable `name`, a list like "44100,48000". */
static void read_rates(struct template_state *m, const char *name, struct sampling_rates *rates)
{
	const char *p = template_text(m, name);

	*rates = (struct sampling_rates){ 0 };
	while (*p && rates->n < MAX_RATES) {
		char *end;
		long long rate = strtoll(p, &end, 0);

		if (end == p || rate == 0)
			break;
		rates->values[rates->n++] = rate;
		if (rate > rates->highest)
			rates->highest = rate;
		p = end + (*end == ',');
	}
}

static long long count_channels(long long mask)
{
	return __builtin_popcountll((unsigned long long)mask);
}

static bool any_variable_is_set(struct template_state *m, const char *a, const char *b)
{
	return template_number(m, a) || template_number(m, b);
}

/*
 * Assigns successive ids to the units and terminals that exist. Each element of `ids` contains the
 * names of two variables. The first variable gets the id. The second variable is not 0 if the unit
 * or terminal exists.
 */
static void assign_unit_and_terminal_ids(struct template_state *m, const char *const (*ids)[2],
					 size_t n)
{
	long long id = 1;

	for (size_t i = 0; i < n; i++)
		if (template_number(m, ids[i][1]))
			template_set_number(m, ids[i][0], id++);
}

/*
 * Adds a feature unit. The row `start` ends with the controls of the master channel. The controls
 * of the other channels are 0: `size` bytes for each.
 */
static void add_feature_unit(struct template_state *m, const char *start, long long n_channels,
			     int size, const char *end)
{
	char *row = strf("L 24 06 %s", start);

	for (long long i = 0; i < n_channels * size; i++) {
		char *longer = strf("%s 00", row);

		free(row);
		row = longer;
	}
	{
		_cleanup_free_ char *whole = strf("%s %s", row, end);

		template_add_descriptor(m, whole);
	}
	free(row);
}

/* --- audio class 1 ---------------------------------------------------------------------------- */

static const char *const uac1_begin[] = {
	"?int: 09 04 #0 00 01 01 01 00 %function_name",
	"!int: 09 04 #0 00 00 01 01 00 %function_name",
	"?both: 0a 24 01 00 01 T 02 #1 #2",
	"!both: 09 24 01 00 01 T 01 #1",
	"?out: 0c 24 02 $out_it 01 01 00 $c_channels $c_chmask.2 %c_it_ch_name %c_it_name",
	"?out: 09 24 03 $out_ot 01 03 00 $out_source %c_ot_name",
	NULL,
};
static const char *const uac1_in[] = {
	"?in: 0c 24 02 $in_it 01 02 00 $p_channels $p_chmask.2 %p_it_ch_name %p_it_name",
	"?in: 09 24 03 $in_ot 01 01 00 $in_source %p_ot_name",
	NULL,
};
static const char *const uac1_streaming_out[] = {
	"?int: 07 05 &i 03 02 00 04",
	"?out: 09 04 #1 00 00 01 02 00 'Playback Inactive'",
	"?out: 09 04 #1 01 01 01 02 00 'Playback Active'",
	"?out: 07 24 01 $out_it 01 01 00",
	"?out: L 24 02 01 $c_channels $c_ssize $c_bits $c_rates @",
	"?out: 09 05 &o 09 c8 00 04 00 00",
	"?out: 07 25 01 01 01 01 00",
	NULL,
};
static const char *const uac1_streaming_in[] = {
	"?in: 09 04 #in_interface 00 00 01 02 00 'Capture Inactive'",
	"?in: 09 04 #in_interface 01 01 01 02 00 'Capture Active'",
	"?in: 07 24 01 $in_ot 01 01 00",
	"?in: L 24 02 01 $p_channels $p_ssize $p_bits $p_rates @",
	"?in: 09 05 &i 05 c8 00 04 00 00",
	"?in: 07 25 01 01 00 00 00",
	NULL,
};

/*
 * Sets the variables that the templates of uac1 and uac2 both use, and reads the sample rates: `p`
 * to the host, `c` from the host.
 */
static void set_common_variables(struct template_state *m, struct sampling_rates *p,
				 struct sampling_rates *c)
{
	bool in = template_number(m, "p_chmask"), out = template_number(m, "c_chmask");

	read_rates(m, "p_srate", p);
	read_rates(m, "c_srate", c);
	template_set_number(m, "in", in);
	template_set_number(m, "out", out);
	template_set_number(m, "both", in && out);
	template_set_number(m, "p_channels", count_channels(template_number(m, "p_chmask")));
	template_set_number(m, "c_channels", count_channels(template_number(m, "c_chmask")));
	template_set_number(m, "p_bits", template_number(m, "p_ssize") * 8);
	template_set_number(m, "c_bits", template_number(m, "c_ssize") * 8);
	template_set_number(m, "p_rates", (long long)p->n);
	template_set_number(m, "c_rates", (long long)c->n);
	template_set_number(m, "in_interface", out ? 2 : 1);
}

/*
 * Sets the source id of each output terminal: the id of the feature unit if it exists, else that of
 * the input terminal.
 */
static void set_source_ids(struct template_state *m)
{
	template_set_number(
		m, "in_source",
		template_number(m, template_number(m, "in_has_fu") ? "in_fu" : "in_it"));
	template_set_number(
		m, "out_source",
		template_number(m, template_number(m, "out_has_fu") ? "out_fu" : "out_it"));
}

static void add_uac1_descriptors(struct template_state *m)
{
	static const char *const ids[][2] = {
		{ "out_it", "out" }, { "in_it", "in" },		 { "out_ot", "out" },
		{ "in_ot", "in" },   { "out_fu", "out_has_fu" }, { "in_fu", "in_has_fu" },
	};
	struct sampling_rates p, c;

	set_common_variables(m, &p, &c);
	/* The kernel makes a feature unit even for a direction with 0 channels. */
	template_set_number(m, "out_has_fu",
			    any_variable_is_set(m, "c_mute_present", "c_volume_present"));
	template_set_number(m, "in_has_fu",
			    any_variable_is_set(m, "p_mute_present", "p_volume_present"));
	template_set_number(m, "int", any_variable_is_set(m, "out_has_fu", "in_has_fu"));
	template_set_number(m, "out_controls",
			    template_number(m, "c_mute_present") |
				    template_number(m, "c_volume_present") << 1);
	template_set_number(m, "in_controls",
			    template_number(m, "p_mute_present") |
				    template_number(m, "p_volume_present") << 1);
	assign_unit_and_terminal_ids(m, ids, ARRAY_SIZE(ids));
	set_source_ids(m);
	template_add_descriptors(m, uac1_begin);
	if (template_number(m, "out") && template_number(m, "out_has_fu"))
		add_feature_unit(m, "$out_fu $out_it 02 $out_controls.2",
				 template_number(m, "c_channels"), 2, "%c_fu_vol_name");
	template_add_descriptors(m, uac1_in);
	if (template_number(m, "in") && template_number(m, "in_has_fu"))
		add_feature_unit(m, "$in_fu $in_it 02 $in_controls.2",
				 template_number(m, "p_channels"), 2, "%p_fu_vol_name");
	template_set_numbers_to_append(m, c.values, c.n);
	template_add_descriptors(m, uac1_streaming_out);
	template_set_numbers_to_append(m, p.values, p.n);
	template_add_descriptors(m, uac1_streaming_in);
}

/* --- audio class 2 ---------------------------------------------------------------------------- */

static const char *const uac2_begin[] = {
	"08 0b #0 $n_interfaces 01 00 20 %function_name",
	"?int: 09 04 #0 00 01 01 01 20 %if_ctrl_name",
	"!int: 09 04 #0 00 00 01 01 20 %if_ctrl_name",
	"09 24 01 00 02 08 T 00",
	"?in: 08 24 0a $in_clock 01 03 00 %clksrc_in_name",
	"?out: 08 24 0a $out_clock 01 03 00 %clksrc_out_name",
	"?out: ?new: 11 24 02 $out_it 01 01 00 $out_clock $c_channels $c_chmask.4 %c_it_ch_name 03 "
	"00 "
	"%c_it_name",
	"?out: !new: 11 24 02 $out_it 01 01 00 $out_clock $c_channels $c_chmask.4 00 03 00 "
	"%c_it_name",
	NULL,
};
static const char *const uac2_in[] = {
	"?in: ?new: 11 24 02 $in_it $c_terminal_type.2 00 $in_clock $p_channels $p_chmask.4 "
	"%p_it_ch_name 03 00 %p_it_name",
	"?in: !new: 11 24 02 $in_it 01 02 00 $in_clock $p_channels $p_chmask.4 00 03 00 %p_it_name",
	NULL,
};
static const char *const uac2_terminals[] = {
	"?in: 0c 24 03 $in_ot 01 01 00 $in_source $in_clock 03 00 %p_ot_name",
	"?out: ?new: 0c 24 03 $out_ot $p_terminal_type.2 00 $out_source $out_clock 03 00 "
	"%c_ot_name",
	"?out: !new: 0c 24 03 $out_ot 01 03 00 $out_source $out_clock 03 00 %c_ot_name",
	"?int: 07 05 &i 03 06 00 {01|04|04}",
	"S: ?int: 06 30 00 00 06 00",
	"?out: 09 04 #1 00 00 01 02 20 'Playback Inactive'",
	"?out: 09 04 #1 01 $out_endpoints 01 02 20 'Playback Active'",
	"?out: 10 24 01 $out_it 00 01 01 00 00 00 $c_channels $c_chmask.4 00",
	"?out: 06 24 02 01 $c_ssize $c_bits",
	"?out: 07 05 &o $out_sync $out_packet.2 $out_interval",
	"S: ?out: 06 30 00 00 $out_packet.2",
	"?out: 08 25 01 00 00 00 00 00",
	"?feedback: 07 05 &i 11 {03|04|04} 00 {01|04|04}",
	"S: ?feedback: 06 30 00 00 04 00",
	"?in: 09 04 #in_interface 00 00 01 02 20 'Capture Inactive'",
	"?in: 09 04 #in_interface 01 01 01 02 20 'Capture Active'",
	"?in: 10 24 01 $in_ot 00 01 01 00 00 00 $p_channels $p_chmask.4 00",
	"?in: 06 24 02 01 $p_ssize $p_bits",
	"?in: 07 05 &i 05 $in_packet.2 $in_interval",
	"S: ?in: 06 30 00 00 $in_packet.2",
	"?in: 08 25 01 00 00 00 00 00",
	NULL,
};

/* Returns the bytes of an isochronous interval, like get_max_bw_for_bint() of f_uac2.c. */
static long long bytes_per_interval(struct template_state *m, const struct sampling_rates *rates,
				    bool async, long long frame_bytes, long long factor,
				    int interval)
{
	long long rate = rates->highest, per_second = factor / (1 << (interval - 1));

	if (async)
		rate = rate * (1000 + template_number(m, "fb_max")) / 1000;
	return frame_bytes * ((rate + per_second - 1) / per_second + !async);
}

/*
 * Sets the variables for the interval and the packet size of one direction (`side` is "in" or
 * "out"), like set_ep_max_packet_size_bint() of f_uac2.c. `wanted` is the bInterval in the gadget
 * file; 0: the kernel chooses it.
 */
static void set_packet_size(struct template_state *m, const char *side,
			    const struct sampling_rates *rates, bool async, long long frame_bytes,
			    long long wanted)
{
	bool full = m->prediction->speed == EP_FULL;
	long long limit = full ? 1023 : 1024, factor = full ? 1000 : 8000, size = 0;
	_cleanup_free_ char *packet = strf("%s_packet", side),
			    *interval = strf("%s_interval", side);
	int b = full ? 1 : wanted ? (int)wanted : 4;

	for (;; b--) {
		size = bytes_per_interval(m, rates, async, frame_bytes, factor, b);
		if (full || wanted || size <= limit || b == 1)
			break;
	}
	/* If no interval is short enough, the kernel's loop ends with bInterval 0. */
	if (!full && !wanted && size > limit)
		b = 0;
	template_set_number(m, packet, size > limit ? limit : size);
	template_set_number(m, interval, b);
}

static void add_uac2_descriptors(struct template_state *m)
{
	static const char *const ids[][2] = {
		{ "out_it", "out" },	{ "in_it", "in" },	    { "out_ot", "out" },
		{ "in_ot", "in" },	{ "out_fu", "out_has_fu" }, { "in_fu", "in_has_fu" },
		{ "out_clock", "out" }, { "in_clock", "in" },
	};
	bool async = !streq(template_text(m, "c_sync"), "adaptive"), in, out;
	struct sampling_rates p, c;

	set_common_variables(m, &p, &c);
	in = template_number(m, "in");
	out = template_number(m, "out");
	template_set_number(m, "out_has_fu",
			    out && any_variable_is_set(m, "c_mute_present", "c_volume_present"));
	template_set_number(m, "in_has_fu",
			    in && any_variable_is_set(m, "p_mute_present", "p_volume_present"));
	template_set_number(m, "int", any_variable_is_set(m, "out_has_fu", "in_has_fu"));
	template_set_number(m, "out_controls",
			    template_number(m, "c_mute_present") * 3 |
				    template_number(m, "c_volume_present") * 12);
	template_set_number(m, "in_controls",
			    template_number(m, "p_mute_present") * 3 |
				    template_number(m, "p_volume_present") * 12);
	template_set_number(m, "n_interfaces", 1 + in + out);
	template_set_number(m, "feedback", out && async);
	template_set_number(m, "out_endpoints", 1 + async);
	template_set_number(m, "out_sync", async ? 0x05 : 0x09);
	assign_unit_and_terminal_ids(m, ids, ARRAY_SIZE(ids));
	set_source_ids(m);
	set_packet_size(m, "out", &c, async,
			template_number(m, "c_channels") * template_number(m, "c_ssize"),
			template_number(m, "c_hs_bint"));
	set_packet_size(m, "in", &p, true,
			template_number(m, "p_channels") * template_number(m, "p_ssize"),
			template_number(m, "p_hs_bint"));
	template_add_descriptors(m, uac2_begin);
	if (template_number(m, "out_has_fu"))
		add_feature_unit(m, "$out_fu $out_it $out_controls.4",
				 template_number(m, "c_channels"), 4, "%c_fu_vol_name");
	template_add_descriptors(m, uac2_in);
	if (template_number(m, "in_has_fu"))
		add_feature_unit(m, "$in_fu $in_it $in_controls.4",
				 template_number(m, "p_channels"), 4, "%p_fu_vol_name");
	template_add_descriptors(m, uac2_terminals);
}

#define COMMON                                                                                     \
	"p_chmask=3 c_chmask=3 p_ssize=2 c_ssize=2 p_mute_present=1 p_volume_present=1 "           \
	"c_mute_present=1 c_volume_present=1 p_srate='48000' "
#define UAC1_NAMES                                                                                 \
	"function_name='AC Interface' c_it_name='Playback Input terminal' "                        \
	"c_it_ch_name='Playback Channels' c_ot_name='Playback Output terminal' "                   \
	"c_fu_vol_name='Playback Volume' p_it_name='Capture Input terminal' "                      \
	"p_it_ch_name='Capture Channels' p_ot_name='Capture Output terminal' "                     \
	"p_fu_vol_name='Capture Volume'"
#define UAC2_NAMES                                                                                 \
	"function_name='Source/Sink' if_ctrl_name='Topology Control' "                             \
	"clksrc_in_name='Input Clock' clksrc_out_name='Output Clock' c_it_name='USBH Out' "        \
	"c_it_ch_name='Playback Channels' c_ot_name='USBD In' c_fu_vol_name='Playback Volume' "    \
	"p_it_name='USBD Out' p_it_ch_name='Capture Channels' p_ot_name='USBH In' "                \
	"p_fu_vol_name='Capture Volume'"
const struct function_template audio_templates[] = {
	{
		.type = "uac1",
		.defaults = COMMON "c_srate='48000' " UAC1_NAMES,
		.prepare = add_uac1_descriptors,
	},
	{
		/*
		 * The kernel takes the number of channels and the rate from the sound card at the
		 * bind. The prediction does not read the sound card, so it shows "??" for these
		 * bytes.
		 */
		.type = "uac1_legacy",
		.rows = {
			"09 04 #0 00 00 01 01 00 'AC Interface'",
			"09 24 01 00 01 27 00 01 01",
			"0c 24 02 01 01 01 00 ?? 03 00 'Channels' 'Input terminal'",
			"09 24 03 03 01 03 02 02 'Output terminal'",
			"09 24 06 02 01 02 03 00 'Volume control & mute'",
			"09 04 #1 00 00 01 02 00 'AS Interface'",
			"09 04 #1 01 01 01 02 00 'AS Interface'",
			"07 24 01 01 01 01 00",
			"0b 24 02 01 ?? 02 10 01 ?? ?? ??",
			"09 05 &o 09 c8 00 04 00 00",
			"07 25 01 01 01 01 00",
		},
	},
	{
		.type = "uac2",
		.defaults = COMMON "c_srate='64000' c_sync='async' p_hs_bint=0 c_hs_bint=0 "
				   "fb_max=5 p_terminal_type=0x301 c_terminal_type=0x201 " UAC2_NAMES,
		.prepare = add_uac2_descriptors,
	},
	{ 0 },
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor templates of kernel functions, from drivers/usb/gadget/function of Linux 6.1, 6.12 and
 * 6.18: serial, network, storage, HID, printer and test functions. The templates of other functions
 * are in audio.c, midi.c and video.c.
 */
#include <ctype.h>

#include "predict/template.h"

/* Row of an interrupt IN endpoint with an interval of 32 ms. */
#define NOTIFY(size) "07 05 &i 03 " size " 00 {20|09|09}"
#define CDC_HEADER "05 24 00 10 01"
#define CDC_UNION "05 24 06 #0 #1"
/*
 * Row of the Ethernet networking descriptor (USB CDC 1.2, ECM 1.2, 5.4), which contains the host's
 * MAC address as a string.
 */
#define ETHERNET(segment) "0d 24 0f %mac 00 00 00 00 " segment " 00 00 00"

/* Returns the address of host_addr that this system makes from a source; NULL: unknown. */
static const char *address_from_source(const struct template_state *m, const struct function *f)
{
	const struct prediction_input *p = m->prediction;

	return p->host_addresses ? p->host_addresses[f - p->gadget->functions] : NULL;
}

/*
 * Sets the variable "mac" to the digits of the attribute host_addr of function `f`, without colons.
 * If the gadget file does not set host_addr, the kernel chooses a random address.
 */
static void set_address_of(struct template_state *m, const struct function *f)
{
	const struct configfs_attribute *e = template_attribute(f, "host_addr");
	bool has_source = e && e->entry_kind == ATTRIBUTE_ADDRESS_SOURCE;
	const char *address = has_source ? address_from_source(m, f) : e ? e->value : NULL;
	char mac[13] = "";
	size_t n = 0;

	if (!e)
		return;
	for (const char *p = address; p && *p && n + 1 < sizeof(mac); p++)
		if (*p != ':')
			mac[n++] = (char)toupper((unsigned char)*p);
	template_set_text_of_system(m, "mac", address ? mac : NULL, has_source ? e->value : NULL);
}

static void set_ethernet_variables(struct template_state *m)
{
	set_address_of(m, m->function);
}

/*
 * Sets the address that the host gets of all functions of type geth: that of the one that was put
 * into a configuration last. They share a table of strings, which geth_alloc() changes (f_subset.c
 * of Linux 6.12, line 493); ecm and ncm change theirs at the bind.
 */
static void set_subset_variables(struct template_state *m)
{
	set_address_of(m,
		       gadget_last_linked_function(m->prediction->gadget, m->function->type, NULL)
			       ?: m->function);
}

/*
 * Rows of an endpoint with its companion and its pipe usage descriptor (UASP 1.0). `streams` N: 2^N
 * streams.
 */
#define PIPE(address, id, burst, streams)                                                          \
	"07 05 " address " 02 {40 00|00 02|00 04} 00", "S: 06 30 " burst " " streams " 00 00",     \
		"04 24 " id " 00"

static void set_tcm_variables(struct template_state *m)
{
	bool is_6_18 = m->prediction->kernel_version >= KERNEL_6_18;

	template_set_number(m, "burst", is_6_18 ? 15 : 0);
	template_set_number(m, "streams", is_6_18 ? 5 : 4);
}

static void set_hid_variables(struct template_state *m)
{
	template_set_number(m, "report_desc_size",
			    (long long)template_attribute_size(m->function, "report_desc"));
}

static const char *const loopback_full[] = {
	"09 04 #0 00 02 ff 00 00 'loop input to output'",
	ROW_BULK_OUT,
	ROW_BULK_IN,
	NULL,
};
static const char *const loopback_high[] = {
	"09 04 #0 00 02 ff 00 00 'loop input to output'",
	ROW_BULK_IN,
	ROW_BULK_OUT,
	NULL,
};

static void add_loopback_descriptors(struct template_state *m)
{
	template_add_descriptors(m,
				 m->prediction->speed == EP_FULL ? loopback_full : loopback_high);
}

#define ISOCHRONOUS(address)                                                                       \
	"~: 07 05 " address " 01 {$full.2|$high.2|$isoc_maxpacket.2} $isoc_interval",              \
		"S: ~: 06 30 $isoc_maxburst $isoc_mult $bytes.2"
#define MAYBE_BULK(address)                                                                        \
	"~: 07 05 " address " 02 {40 00|00 02|00 04} 00", "S: ~: 06 30 $bulk_maxburst 00 00 00"
static const char *const source_sink_full[] = {
	"09 04 #0 00 02 ff 00 00 00",
	ROW_BULK("&o", "$bulk_maxburst"),
	ROW_BULK("&i", "$bulk_maxburst"),
	"~: 09 04 #0 01 04 ff 00 00 00",
	MAYBE_BULK("&o"),
	MAYBE_BULK("&i"),
	ISOCHRONOUS("&o"),
	ISOCHRONOUS("&i"),
	NULL,
};
static const char *const source_sink_high[] = {
	"09 04 #0 00 02 ff 00 00 00",
	ROW_BULK("&i", "$bulk_maxburst"),
	ROW_BULK("&o", "$bulk_maxburst"),
	"~: 09 04 #0 01 04 ff 00 00 00",
	MAYBE_BULK("&i"),
	MAYBE_BULK("&o"),
	ISOCHRONOUS("&i"),
	ISOCHRONOUS("&o"),
	NULL,
};

static void add_source_sink_descriptors(struct template_state *m)
{
	long long packet = template_number(m, "isoc_maxpacket"),
		  mult = template_number(m, "isoc_mult");

	if (template_number(m, "isoc_interval") < 1)
		template_set_number(m, "isoc_interval", 1);
	template_set_number(m, "full", packet > 1023 ? 1023 : packet);
	template_set_number(m, "high", packet | mult << 11);
	template_set_number(m, "bytes",
			    packet * (mult + 1) * (template_number(m, "isoc_maxburst") + 1));
	template_add_descriptors(m, m->prediction->speed == EP_FULL ? source_sink_full
								    : source_sink_high);
}

const struct function_template function_templates[] = {
	{
		.type = "acm",
		.defaults = "protocol=1",
		.rows = {
			"08 0b #0 02 02 02 $protocol 'CDC Serial'",
			"09 04 #0 00 01 02 02 $protocol 'CDC Abstract Control Model (ACM)'",
			CDC_HEADER,
			"05 24 01 00 #1",
			"04 24 02 02",
			CDC_UNION,
			NOTIFY("0a"),
			"S: 06 30 00 00 00 00",
			"09 04 #1 00 02 0a 00 00 'CDC ACM Data'",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "gser",
		.rows = {
			"09 04 #0 00 02 ff 00 00 00",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "obex",
		.rows = {
			"09 04 #0 00 00 02 0b 00 'CDC Object Exchange (OBEX)'",
			"05 24 00 20 01",
			"05 24 15 00 01",
			CDC_UNION,
			"09 04 #1 00 00 0a 00 00 'CDC OBEX Data'",
			"09 04 #1 01 02 0a 00 00 'CDC OBEX Data'",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "ecm",
		.prepare = set_ethernet_variables,
		.rows = {
			"08 0b #0 02 02 06 00 'CDC ECM'",
			"09 04 #0 00 01 02 06 00 'CDC Ethernet Control Model (ECM)'",
			CDC_HEADER,
			CDC_UNION,
			ETHERNET("ea 05"),
			NOTIFY("10"),
			"S: 06 30 00 00 10 00",
			"09 04 #1 00 00 0a 00 00 00",
			"09 04 #1 01 02 0a 00 00 'CDC Ethernet Data'",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "eem",
		.rows = {
			"09 04 #0 00 02 02 0c 07 'CDC Ethernet Emulation Model (EEM)'",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "ncm",
		.defaults = "max_segment_size=1514",
		.prepare = set_ethernet_variables,
		.rows = {
			"08 0b #0 02 02 0d 00 'CDC NCM'",
			"09 04 #0 00 01 02 0d 00 'CDC Network Control Model (NCM)'",
			CDC_HEADER,
			CDC_UNION,
			ETHERNET("$max_segment_size.2"),
			"06 24 1a 00 01 11",
			NOTIFY("10"),
			"S: 06 30 00 00 10 00",
			"09 04 #1 00 00 0a 00 01 'CDC Network Data'",
			"09 04 #1 01 02 0a 00 01 'CDC Network Data'",
			ROW_BULK("&i", "0f"),
			ROW_BULK("&o", "0f"),
		},
	},
	{
		.type = "rndis",
		.defaults = "class=x02 subclass=x06 protocol=x00",
		.rows = {
			"08 0b #0 02 $class $subclass $protocol 'RNDIS'",
			"09 04 #0 00 01 02 02 ff 'RNDIS Communications Control'",
			CDC_HEADER,
			/* bDataInterface is a constant of f_rndis.c, whatever the interface is */
			"05 24 01 00 01",
			"04 24 02 00",
			CDC_UNION,
			NOTIFY("08"),
			"S: 06 30 00 00 08 00",
			"09 04 #1 00 02 0a 00 00 'RNDIS Ethernet Data'",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "geth",
		.prepare = set_subset_variables,
		.rows = {
			"09 04 #0 00 02 02 0a 00 'CDC Ethernet Subset/SAFE'",
			CDC_HEADER,
			"15 24 12 00 01 5d 34 cf 66 11 18 11 d6 a2 1a 00 01 02 ca 9a 7f",
			"06 24 13 00 00 00",
			ETHERNET("ea 05"),
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "phonet",
		.rows = {
			"09 04 #0 00 00 02 fe 00 00",
			CDC_HEADER,
			"05 24 ab 05 15",
			CDC_UNION,
			"09 04 #1 00 00 0a 00 00 00",
			"09 04 #1 01 02 0a 00 00 00",
			ROW_BULK_OUT,
			ROW_BULK_IN,
		},
	},
	{
		.type = "mass_storage",
		.rows = {
			"09 04 #0 00 02 08 06 50 'Mass Storage'",
			ROW_BULK("&i", "0f"),
			"07 05 &o 02 {40 00|00 02|00 04} {00|01|00}",
			"S: 06 30 0f 00 00 00",
		},
	},
	{
		.type = "tcm",
		.prepare = set_tcm_variables,
		.rows = {
			"09 04 #0 00 02 08 06 50 'Bulk Only Transport'",
			ROW_BULK("&id", "$burst"),
			ROW_BULK("&od", "$burst"),
			"09 04 #0 01 04 08 06 62 'USB Attached SCSI'",
			PIPE("&id", "03", "$burst", "$streams"),
			PIPE("&od", "04", "$burst", "$streams"),
			PIPE("&i", "02", "00", "$streams"),
			PIPE("&o", "01", "00", "00"),
		},
	},
	{
		.type = "hid",
		.defaults = "subclass=0 protocol=0 report_length=0 no_out_endpoint=0 interval=0",
		.prepare = set_hid_variables,
		.rows = {
			"!no_out_endpoint: 09 04 #0 00 02 03 $subclass $protocol 'HID Interface'",
			"?no_out_endpoint: 09 04 #0 00 01 03 $subclass $protocol 'HID Interface'",
			"09 21 01 01 00 01 22 $report_desc_size.2",
			"!interval: 07 05 &i 03 $report_length.2 {0a|04|04}",
			"?interval: 07 05 &i 03 $report_length.2 $interval",
			"S: 06 30 00 00 $report_length.2",
			"!no_out_endpoint: !interval: 07 05 &o 03 $report_length.2 {0a|04|04}",
			"!no_out_endpoint: ?interval: 07 05 &o 03 $report_length.2 $interval",
			"S: !no_out_endpoint: 06 30 00 00 $report_length.2",
		},
	},
	{
		.type = "printer",
		.rows = {
			"09 04 #0 00 02 07 01 02 00",
			ROW_BULK_IN,
			ROW_BULK_OUT,
		},
	},
	{
		.type = "Loopback",
		.prepare = add_loopback_descriptors,
	},
	{
		.type = "SourceSink",
		.defaults = "isoc_interval=4 isoc_maxpacket=1024 isoc_mult=0 isoc_maxburst=0 "
			    "bulk_maxburst=0",
		.prepare = add_source_sink_descriptors,
	},
	{ 0 },
};

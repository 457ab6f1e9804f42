// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host half of the lab's models of USB device controllers: for each port a USB 2.0 host
 * controller with one root port, and the cable to the model (model.h).
 *
 * Transactions take place in a timer. A transfer that the device answers with NAK is tried again
 * when the model says that something has changed (udc_port_poke()), and not in each microframe: the
 * device cannot see the difference, and the bus of an idle lab takes no time. Isochronous endpoints
 * have their transaction in each interval, whatever the device does.
 *
 * Attributes of the platform device udc_host.N, for tests (N of 0: none):
 *
 *   cable      1, or 0 while it is pulled out
 *   suspended  1 while the host suspends the port (the kernels of the lab have no power management)
 *   lost       each N-th isochronous transaction is lost on the cable
 *   repeated   each N-th SETUP packet is sent twice, because its ACK was lost (USB 2.0, 8.6.4)
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "host.h"

static bool full_speed;
module_param(full_speed, bool, 0444);
MODULE_PARM_DESC(full_speed, "the host does not know high speed");

/* From a change to the transaction that sees it. */
#define TURNAROUND_NS 1000
/* USB 2.0, 7.1.7.5 (at a root port), 7.1.7.6 and 7.1.7.7. */
#define RESET_MS 50
#define SUSPEND_MS 3
#define RESUME_MS 20

u32 udc_port_microframe(struct udc_port *port)
{
	return div_u64(ktime_to_ns(ktime_sub(ktime_get(), to_host(port)->epoch)), MICROFRAME_NS);
}
EXPORT_SYMBOL_GPL(udc_port_microframe);

ktime_t udc_port_microframe_time(struct udc_port *port, u32 microframe)
{
	return ktime_add_ns(to_host(port)->epoch, (u64)microframe * MICROFRAME_NS);
}
EXPORT_SYMBOL_GPL(udc_port_microframe_time);

void udc_port_poke(struct udc_port *port)
{
	struct host *h = to_host(port);

	if (h->running)
		hrtimer_start(&h->frame_timer, ns_to_ktime(TURNAROUND_NS), HRTIMER_MODE_REL_HARD);
}
EXPORT_SYMBOL_GPL(udc_port_poke);

static void tell_hub(struct host *h)
{
	if (h->running)
		mod_timer(&h->hcd->rh_timer, jiffies);
}

static void port_event_after(struct host *h, enum port_event event, unsigned int ms)
{
	h->event = event;
	hrtimer_start(&h->event_timer, ms_to_ktime(ms), HRTIMER_MODE_REL_HARD);
}

/* Cable, power of the port or pull-up resistor have changed. */
static void update_connection(struct host *h)
{
	bool vbus = h->cable && (h->status & USB_PORT_STAT_POWER);
	bool connected = vbus && h->pulled_up;

	if (vbus != h->vbus) {
		h->vbus = vbus;
		h->port.ops->vbus(&h->port, vbus);
	}
	if (connected == !!(h->status & USB_PORT_STAT_CONNECTION))
		return;
	h->event = NO_EVENT;
	h->status &= ~(USB_PORT_STAT_CONNECTION | USB_PORT_STAT_ENABLE | USB_PORT_STAT_SUSPEND |
		       USB_PORT_STAT_RESET | USB_PORT_STAT_HIGH_SPEED);
	if (connected)
		h->status |= USB_PORT_STAT_CONNECTION;
	h->status |= USB_PORT_STAT_C_CONNECTION << 16;
	/* A device with a pull-up resistor sees an idle bus, whether a host is there or not */
	if (h->pulled_up)
		port_event_after(h, SUSPENDED, SUSPEND_MS);
	tell_hub(h);
	udc_port_poke(&h->port);
}

void udc_port_pull_up(struct udc_port *port, bool on)
{
	struct host *h = to_host(port);

	h->pulled_up = on;
	update_connection(h);
}
EXPORT_SYMBOL_GPL(udc_port_pull_up);

static void begin_resume(struct host *h)
{
	if (!(h->status & USB_PORT_STAT_SUSPEND) || h->event == RESUME_ENDS)
		return;
	h->port.ops->resume(&h->port);
	port_event_after(h, RESUME_ENDS, RESUME_MS);
}

void udc_port_wake(struct udc_port *port)
{
	begin_resume(to_host(port));
}
EXPORT_SYMBOL_GPL(udc_port_wake);

static enum hrtimer_restart on_port_event(struct hrtimer *timer)
{
	struct host *h = container_of(timer, struct host, event_timer);
	unsigned long flags;

	spin_lock_irqsave(&h->port.lock, flags);
	switch (h->event) {
	case NO_EVENT:
		break;
	case RESET_ENDS:
		h->status &= ~USB_PORT_STAT_RESET;
		h->status |= USB_PORT_STAT_ENABLE | USB_PORT_STAT_C_RESET << 16;
		if (h->port.ops->enumerate(&h->port, full_speed ? USB_SPEED_FULL
								: USB_SPEED_HIGH) == USB_SPEED_HIGH)
			h->status |= USB_PORT_STAT_HIGH_SPEED;
		tell_hub(h);
		break;
	case SUSPENDED:
		h->port.ops->suspend(&h->port);
		break;
	case RESUME_ENDS:
		h->status &= ~USB_PORT_STAT_SUSPEND;
		h->status |= USB_PORT_STAT_C_SUSPEND << 16;
		tell_hub(h);
		udc_port_poke(&h->port);
		break;
	}
	h->event = NO_EVENT;
	spin_unlock_irqrestore(&h->port.lock, flags);
	return HRTIMER_NORESTART;
}

static int host_start(struct usb_hcd *hcd)
{
	hcd->state = HC_STATE_RUNNING;
	hcd->power_budget = 500;
	hcd->uses_new_polling = 1;
	hcd_host(hcd)->running = true;
	return 0;
}

static void host_stop(struct usb_hcd *hcd)
{
	struct host *h = hcd_host(hcd);
	unsigned long flags;

	spin_lock_irqsave(&h->port.lock, flags);
	h->running = false;
	h->event = NO_EVENT;
	spin_unlock_irqrestore(&h->port.lock, flags);
	hrtimer_cancel(&h->frame_timer);
	hrtimer_cancel(&h->event_timer);
}

static int host_frame_number(struct usb_hcd *hcd)
{
	return udc_port_microframe(&hcd_host(hcd)->port) / MICROFRAMES_PER_FRAME;
}

static int host_hub_status(struct usb_hcd *hcd, char *buf)
{
	*buf = hcd_host(hcd)->status >> 16 ? BIT(1) : 0;
	return *buf ? 1 : 0;
}

static void describe_hub(struct usb_hub_descriptor *d)
{
	memset(d, 0, sizeof(*d));
	d->bDescLength = 9;
	d->bDescriptorType = USB_DT_HUB;
	d->bNbrPorts = 1;
	d->wHubCharacteristics = cpu_to_le16(HUB_CHAR_INDV_PORT_LPSM | HUB_CHAR_COMMON_OCPM);
	memset(d->u.hs.DeviceRemovable, 0xff, sizeof(d->u.hs.DeviceRemovable));
}

static int set_port_feature(struct host *h, u16 feature)
{
	switch (feature) {
	case USB_PORT_FEAT_POWER:
		h->status |= USB_PORT_STAT_POWER;
		update_connection(h);
		return 0;
	case USB_PORT_FEAT_RESET:
		if (!(h->status & USB_PORT_STAT_CONNECTION))
			return 0;
		h->status &=
			~(USB_PORT_STAT_ENABLE | USB_PORT_STAT_SUSPEND | USB_PORT_STAT_HIGH_SPEED);
		h->status |= USB_PORT_STAT_RESET;
		h->port.ops->reset(&h->port);
		port_event_after(h, RESET_ENDS, RESET_MS);
		return 0;
	case USB_PORT_FEAT_SUSPEND:
		if (!(h->status & USB_PORT_STAT_ENABLE))
			return -EPIPE;
		h->status |= USB_PORT_STAT_SUSPEND;
		port_event_after(h, SUSPENDED, SUSPEND_MS);
		return 0;
	case USB_PORT_FEAT_TEST:
		return -EPIPE;
	}
	return 0;
}

static int clear_port_feature(struct host *h, u16 feature)
{
	switch (feature) {
	case USB_PORT_FEAT_POWER:
		h->status &= ~USB_PORT_STAT_POWER;
		update_connection(h);
		return 0;
	case USB_PORT_FEAT_SUSPEND:
		begin_resume(h);
		return 0;
	case USB_PORT_FEAT_ENABLE:
		h->status &= ~USB_PORT_STAT_ENABLE;
		udc_port_poke(&h->port);
		return 0;
	default:
		/* A bit of the status, mostly of a change (USB 2.0, table 11-17) */
		if (feature < 32)
			h->status &= ~BIT(feature);
		return 0;
	}
}

static int host_hub_control(struct usb_hcd *hcd, u16 request, u16 value, u16 index, char *buf,
			    u16 length)
{
	struct host *h = hcd_host(hcd);
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&h->port.lock, flags);
	switch (request) {
	case GetHubDescriptor:
		describe_hub((void *)buf);
		break;
	case GetHubStatus:
		*(__le32 *)buf = 0;
		break;
	case GetPortStatus:
		*(__le32 *)buf = cpu_to_le32(h->status);
		break;
	case SetPortFeature:
		rc = set_port_feature(h, value);
		break;
	case ClearPortFeature:
		rc = clear_port_feature(h, value);
		break;
	case SetHubFeature:
	case ClearHubFeature:
		break;
	default:
		rc = -EPIPE;
	}
	spin_unlock_irqrestore(&h->port.lock, flags);
	return rc;
}

static const struct hc_driver host_hc = {
	.description = "udc_host",
	.product_desc = "Host controller of the lab",
	.hcd_priv_size = sizeof(struct host *),
	.flags = HCD_USB2 | HCD_BH,
	.start = host_start,
	.stop = host_stop,
	.urb_enqueue = host_enqueue,
	.urb_dequeue = host_dequeue,
	.endpoint_disable = host_endpoint_disable,
	.get_frame_number = host_frame_number,
	.hub_status_data = host_hub_status,
	.hub_control = host_hub_control,
};

static struct host *dev_host(struct device *dev)
{
	return hcd_host(dev_get_drvdata(dev));
}

static ssize_t cable_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", dev_host(dev)->cable);
}

static int set_cable(struct host *h, bool on)
{
	h->cable = on;
	update_connection(h);
	return 0;
}

static int set_suspended(struct host *h, bool on)
{
	return on ? set_port_feature(h, USB_PORT_FEAT_SUSPEND)
		  : clear_port_feature(h, USB_PORT_FEAT_SUSPEND);
}

/* Sets an attribute that is on or off. */
static ssize_t store_bool(struct device *dev, const char *buf, size_t count,
			  int (*set)(struct host *h, bool on))
{
	struct host *h = dev_host(dev);
	unsigned long flags;
	bool on;
	int rc = kstrtobool(buf, &on);

	if (rc)
		return rc;
	spin_lock_irqsave(&h->port.lock, flags);
	rc = set(h, on);
	spin_unlock_irqrestore(&h->port.lock, flags);
	return rc ?: count;
}

static ssize_t cable_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	return store_bool(dev, buf, count, set_cable);
}
static DEVICE_ATTR_RW(cable);

static ssize_t suspended_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", !!(dev_host(dev)->status & USB_PORT_STAT_SUSPEND));
}

static ssize_t suspended_store(struct device *dev, struct device_attribute *attr, const char *buf,
			       size_t count)
{
	return store_bool(dev, buf, count, set_suspended);
}
static DEVICE_ATTR_RW(suspended);

static ssize_t store_each(struct device *dev, const char *buf, size_t count, struct each *each)
{
	struct host *h = dev_host(dev);
	unsigned long flags;
	unsigned int n;
	int rc = kstrtouint(buf, 0, &n);

	if (rc)
		return rc;
	spin_lock_irqsave(&h->port.lock, flags);
	*each = (struct each){ .n = n, .left = n };
	spin_unlock_irqrestore(&h->port.lock, flags);
	return count;
}

#define EACH_ATTR(name)                                                                            \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)   \
	{                                                                                          \
		return sysfs_emit(buf, "%u\n", dev_host(dev)->name.n);                             \
	}                                                                                          \
	static ssize_t name##_store(struct device *dev, struct device_attribute *attr,             \
				    const char *buf, size_t count)                                 \
	{                                                                                          \
		return store_each(dev, buf, count, &dev_host(dev)->name);                          \
	}                                                                                          \
	static DEVICE_ATTR_RW(name)

EACH_ATTR(lost);
EACH_ATTR(repeated);

static struct attribute *host_attrs[] = { &dev_attr_cable.attr, &dev_attr_suspended.attr,
					  &dev_attr_lost.attr, &dev_attr_repeated.attr, NULL };
ATTRIBUTE_GROUPS(host);

/* The USB core needs a driver at the device of a host controller. */
static int host_probe(struct platform_device *dev)
{
	return 0;
}

static struct platform_driver host_driver = {
	.driver = { .name = "udc_host", .dev_groups = host_groups },
	.probe = host_probe,
};

struct udc_port *udc_port_add(int index, const struct udc_model_ops *ops, void *model)
{
	struct host *h = kzalloc(sizeof(*h), GFP_KERNEL);
	int rc = -ENOMEM;

	if (!h)
		return ERR_PTR(rc);
	spin_lock_init(&h->port.lock);
	h->port.ops = ops;
	h->port.model = model;
	h->port.index = index;
	h->cable = true;
	h->epoch = ktime_get();
	INIT_LIST_HEAD(&h->pipes);
	udc_init_timer(&h->frame_timer, host_on_frame);
	udc_init_timer(&h->event_timer, on_port_event);
	h->dev = platform_device_alloc("udc_host", index);
	if (!h->dev)
		goto no_device;
	rc = platform_device_add(h->dev);
	if (rc)
		goto no_device;
	rc = -ENOMEM;
	h->hcd = usb_create_hcd(&host_hc, &h->dev->dev, dev_name(&h->dev->dev));
	if (!h->hcd)
		goto no_hcd;
	*(struct host **)h->hcd->hcd_priv = h;
	/* Devices at full speed need a transaction translator, which this root hub claims to be */
	h->hcd->has_tt = 1;
	h->hcd->self.sg_tablesize = ~0;
	h->hcd->self.no_sg_constraint = 1;
	return &h->port;
no_hcd:
	platform_device_del(h->dev);
no_device:
	platform_device_put(h->dev);
	kfree(h);
	return ERR_PTR(rc);
}
EXPORT_SYMBOL_GPL(udc_port_add);

int udc_port_start(struct udc_port *port)
{
	return usb_add_hcd(to_host(port)->hcd, 0, 0);
}
EXPORT_SYMBOL_GPL(udc_port_start);

static int __init host_init(void)
{
	return platform_driver_register(&host_driver);
}
module_init(host_init);

/* No exit: a model stays too, because the kernel cannot remove emulated registers. */
MODULE_DESCRIPTION("Host controller and cable of the lab's models of device controllers");
MODULE_LICENSE("GPL");

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between the host half (host.c: a USB host controller and its cable) and the models
 * of device controllers.
 *
 * A model registers a port; the host controller at its other end appears with it. All that happens
 * at the cable happens with the port's lock held, which is also the lock of the model's registers.
 * The driver of the controller only holds it inside its accesses to registers.
 */
#ifndef LAB_UDC_MODEL_H
#define LAB_UDC_MODEL_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/usb/ch9.h>
#include <linux/version.h>

#define MICROFRAME_NS 125000
#define MICROFRAMES_PER_FRAME 8

struct property_entry;
struct udc_port;

/* Timers of both halves run in hard interrupt context, as interrupts of hardware do. */
static inline void udc_init_timer(struct hrtimer *timer,
				  enum hrtimer_restart (*function)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer->function = function;
#endif
}

/* One packet, or for IN the place for one. */
struct udc_packet {
	u8 address; /* of the device */
	u8 endpoint;
	bool data1; /* its PID is DATA1; of an IN packet of a bulk or interrupt endpoint set by the
		       model */
	void *data;
	unsigned int length; /* of an OUT packet; the size of `data` for an IN packet */
};

/*
 * What a model does when something happens at the cable. The lock of the port is held.
 *
 * setup, out and in are transactions. They return the number of bytes in the packet, -EAGAIN (the
 * device answers NAK), -EPIPE (STALL) or -EPROTO (it does not answer). A packet for IN may be
 * longer than its place, which is only filled: that is babble.
 */
struct udc_model_ops {
	void (*vbus)(struct udc_port *port, bool on);
	void (*reset)(struct udc_port *port); /* the host begins to drive SE0 */
	/*
	 * The reset ends. Returns the speed that both ends have agreed on, at most that of the
	 * host.
	 */
	enum usb_device_speed (*enumerate)(struct udc_port *port, enum usb_device_speed host);
	void (*suspend)(struct udc_port *port); /* 3 ms without traffic are over */
	void (*resume)(struct udc_port *port); /* host, or device after udc_port_wake(), drives K */
	/*
	 * A microframe begins, of 125 us at each speed. Those in which nothing can happen are left
	 * out.
	 */
	void (*frame)(struct udc_port *port, u32 microframe);
	int (*setup)(struct udc_port *port, u8 address, const struct usb_ctrlrequest *request);
	int (*out)(struct udc_port *port, struct udc_packet *packet);
	int (*in)(struct udc_port *port, struct udc_packet *packet);
};

struct udc_port {
	spinlock_t lock;
	const struct udc_model_ops *ops;
	void *model;
	int index;
};

/*
 * Returns a new port with a cable that is plugged in, or an ERR_PTR(). Host controller and port
 * stay until the lab ends: emulated registers, too, cannot be removed (lib/logic_iomem.c).
 */
struct udc_port *udc_port_add(int index, const struct udc_model_ops *ops, void *model);
/* Starts the host controller. From now on the operations of the model are called. */
int udc_port_start(struct udc_port *port);

#define UDC_MAX_CONTROLLERS 2
/* Size of the region of a controller's registers, in bytes. */
#define UDC_REGION 0x40000UL

/* The interrupt of a controller, a level. */
struct udc_irq {
	int number;
	bool level;
	struct hrtimer timer;
};

/*
 * Accesses of the driver to registers, of 32 bits. `offset` is from the start of the controller, in
 * bytes. The lock of the port is held.
 */
struct udc_register_ops {
	u32 (*read)(void *model, unsigned int offset);
	void (*write)(void *model, unsigned int offset, u32 value);
};

/* What the kernel finds of a controller. */
struct udc_controller {
	const char *name;   /* of the device, which becomes NAME.INDEX */
	const char *driver; /* the platform driver that the device is for */
	const struct udc_register_ops *registers;
	const struct property_entry *properties; /* of the device tree, or NULL */
	/* Of drivers that have one device for the controller and another one for the board, or NULL
	 */
	const char *parent;	   /* name of the board's device, which DMA is for */
	const void *platform_data; /* of the controller's device, which gets a copy */
	size_t platform_data_size;
};

/*
 * Adds registers, interrupt and platform device of a controller whose registers have their reset
 * values, and starts the host controller. What an error leaves stays: the lab does not start
 * without its modules.
 */
int udc_controller_add(const struct udc_controller *c, struct udc_port *port, struct udc_irq *irq);

/* The following need the port's lock. */

/* Switches the device's pull-up resistor, which shows the host that a device is there. */
void udc_port_pull_up(struct udc_port *port, bool on);
/*
 * The device has something new for the host: transfers that it has answered with NAK are tried
 * again.
 */
void udc_port_poke(struct udc_port *port);
/* The device drives K for remote wake-up. */
void udc_port_wake(struct udc_port *port);
/* Sets the level of a controller's interrupt. */
void udc_irq_set(struct udc_irq *irq, bool level);
/* Returns the number of the microframe. */
u32 udc_port_microframe(struct udc_port *port);
/* Returns when a microframe begins. */
ktime_t udc_port_microframe_time(struct udc_port *port, u32 microframe);

#endif

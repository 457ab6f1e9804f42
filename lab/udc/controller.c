// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel finds of a controller: its registers, its interrupt and its platform device. It
 * is the same for all models.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/logic_iomem.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>

#include "model.h"

/* Where a Raspberry Pi has its controller. The lab has nothing else there. */
#define BASE 0x20980000UL
/* The last of User-Mode Linux: it gives out its interrupts from the first one on. */
#define LAST_IRQ (NR_IRQS - 1)
/* An interrupt that its handlers do not end is raised so often. */
#define STORM 64

static unsigned int irq_delay = 1000;
module_param(irq_delay, uint, 0644);
MODULE_PARM_DESC(irq_delay, "nanoseconds from an event to the driver's interrupt handler");

static struct registers {
	const struct udc_register_ops *ops;
	struct udc_port *port;
} controllers[UDC_MAX_CONTROLLERS];

/* The handlers run from a timer: the driver is inside an access to a register when it is raised. */
static enum hrtimer_restart raise_interrupt(struct hrtimer *timer)
{
	struct udc_irq *irq = container_of(timer, struct udc_irq, timer);

	for (int i = 0; READ_ONCE(irq->level); i++) {
		if (irqd_irq_disabled(irq_get_irq_data(irq->number)))
			return HRTIMER_NORESTART;
		if (i == STORM) {
			pr_err("udc_host: the driver does not end interrupt %d\n", irq->number);
			return HRTIMER_NORESTART;
		}
		generic_handle_irq(irq->number);
	}
	return HRTIMER_NORESTART;
}

void udc_irq_set(struct udc_irq *irq, bool level)
{
	if (level && !irq->level)
		hrtimer_start(&irq->timer, ns_to_ktime(irq_delay), HRTIMER_MODE_REL_HARD);
	irq->level = level;
}
EXPORT_SYMBOL_GPL(udc_irq_set);

/* A level that the driver has not seen while it had the interrupt disabled is raised now. */
static void on_enable(struct irq_data *data)
{
	struct udc_irq *irq = irq_data_get_irq_chip_data(data);

	if (READ_ONCE(irq->level))
		hrtimer_start(&irq->timer, ns_to_ktime(irq_delay), HRTIMER_MODE_REL_HARD);
}

static struct irq_chip chip = { .name = "udc_host", .irq_enable = on_enable };

static unsigned long do_read(void *priv, unsigned int offset, int size)
{
	const struct registers *r = priv;
	unsigned long flags;
	u32 value;

	spin_lock_irqsave(&r->port->lock, flags);
	value = r->ops->read(r->port->model, offset);
	spin_unlock_irqrestore(&r->port->lock, flags);
	return value;
}

static void do_write(void *priv, unsigned int offset, int size, unsigned long value)
{
	const struct registers *r = priv;
	unsigned long flags;

	spin_lock_irqsave(&r->port->lock, flags);
	r->ops->write(r->port->model, offset, value);
	spin_unlock_irqrestore(&r->port->lock, flags);
}

static const struct logic_iomem_ops iomem_ops = { .read = do_read, .write = do_write };

/* `offset` is from the start of the region. */
static long map_registers(unsigned long offset, size_t size, const struct logic_iomem_ops **ops,
			  void **priv)
{
	*ops = &iomem_ops;
	*priv = &controllers[offset / UDC_REGION];
	return offset % UDC_REGION;
}

static const struct logic_iomem_region_ops region_ops = { .map = map_registers };
static struct resource region = { .name = "udc_host",
				  .flags = IORESOURCE_MEM,
				  .start = BASE,
				  .end = BASE + UDC_MAX_CONTROLLERS * UDC_REGION - 1 };

static int add_registers(struct udc_port *port, const struct udc_register_ops *ops)
{
	controllers[port->index] = (struct registers){ ops, port };
	return port->index == 0 ? logic_iomem_add_region(&region, &region_ops) : 0;
}

static struct platform_device *alloc_device(const char *name, int index)
{
	struct platform_device *dev = platform_device_alloc(name, index);

	if (!dev)
		return NULL;
	dev->platform_dma_mask = DMA_BIT_MASK(32);
	dev->dev.dma_mask = &dev->platform_dma_mask;
	dev->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	return dev;
}

static int add_parent(const struct udc_controller *c, struct platform_device *dev)
{
	struct platform_device *parent = alloc_device(c->parent, dev->id);

	if (!parent)
		return -ENOMEM;
	dev->dev.parent = &parent->dev;
	return platform_device_add(parent);
}

static int add_device(const struct udc_controller *c, const struct udc_port *port, int irq)
{
	struct resource resources[] = { DEFINE_RES_MEM(BASE + port->index * UDC_REGION, UDC_REGION),
					DEFINE_RES_IRQ(irq) };
	struct platform_device *dev = alloc_device(c->name, port->index);
	int rc;

	if (!dev)
		return -ENOMEM;
	rc = platform_device_add_resources(dev, resources, ARRAY_SIZE(resources));
	if (!rc && c->parent)
		rc = add_parent(c, dev);
	if (!rc && c->platform_data)
		rc = platform_device_add_data(dev, c->platform_data, c->platform_data_size);
	if (!rc && c->properties)
		rc = device_create_managed_software_node(&dev->dev, c->properties, NULL);
	if (!rc)
		rc = platform_device_add(dev);
	/*
	 * The driver, which is loaded later, is found by this name; tests find the UDC by the
	 * device's name
	 */
	if (!rc)
		dev->name = c->driver;
	return rc;
}

int udc_controller_add(const struct udc_controller *c, struct udc_port *port, struct udc_irq *irq)
{
	int rc;

	irq->number = LAST_IRQ - port->index;
	udc_init_timer(&irq->timer, raise_interrupt);
	irq_set_chip_and_handler_name(irq->number, &chip, handle_simple_irq, c->driver);
	irq_set_chip_data(irq->number, irq);
	rc = add_registers(port, c->registers);
	if (!rc)
		rc = udc_port_start(port);
	if (!rc)
		rc = add_device(c, port, irq->number);
	return rc;
}
EXPORT_SYMBOL_GPL(udc_controller_add);

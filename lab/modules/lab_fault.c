// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plants faults, to prove that the lab detects them. A word written to
 * /sys/module/lab_fault/parameters/plant selects the fault.
 *
 * The lab itself never loads this module.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void take_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline void write_behind_the_end(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	if (!p)
		return;
	/* hides the size from the compiler, which would report an error */
	OPTIMIZER_HIDE_VAR(p);
	p[100] = 1;
	kfree(p);
}

static noinline void leak(void)
{
	int i;

	/* several: a stale copy of one pointer on the stack would hide a single one */
	for (i = 0; i < 16; i++)
		if (!kmalloc(200, GFP_KERNEL))
			return;
}

static void hang(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
}

static int plant_set(const char *val, const struct kernel_param *kp)
{
	if (sysfs_streq(val, "warn"))
		WARN(1, "planted\n");
	else if (sysfs_streq(val, "oops"))
		*(volatile int *)8 = 1;
	else if (sysfs_streq(val, "bug"))
		BUG();
	else if (sysfs_streq(val, "lockdep"))
		take_in_both_orders();
	else if (sysfs_streq(val, "kasan"))
		write_behind_the_end();
	else if (sysfs_streq(val, "leak"))
		leak();
	else if (sysfs_streq(val, "hang"))
		hang();
	else if (sysfs_streq(val, "panic"))
		panic("planted");
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops plant_ops = { .set = plant_set };
module_param_cb(plant, &plant_ops, NULL, 0200);

static int __init lab_fault_init(void)
{
	return 0;
}

static void __exit lab_fault_exit(void)
{
}

module_init(lab_fault_init);
module_exit(lab_fault_exit);
MODULE_DESCRIPTION("Plants kernel faults for the self tests of the ffsctl lab");
MODULE_LICENSE("GPL");

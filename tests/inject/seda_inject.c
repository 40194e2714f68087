// SPDX-License-Identifier: GPL-2.0
/*
 * For who wants seda.ko to fail, and to know where it did.
 *
 * It puts what that calls on the kernel's list of functions that may fail on
 * request (debugfs, fail_function), which has none of them.
 *
 * And it lets the n-th allocation of a step fail: how many there are before it
 * is not the same each time.  With the name of a function in the parameter "at",
 * its call, after "before" others, by a task that asks for failures sets the
 * task's fail-nth to "nth".
 *
 * And the parameter "sites" has, after a 1 was written to it, where in seda.ko
 * what failed since was called, as FUNCTION+RETURN-ADDRESS, a line for each.
 */
#include <linux/debugfs.h>
#include <linux/error-injection.h>
#include <linux/fsnotify_backend.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

ALLOW_ERROR_INJECTION(kmem_cache_create, NULL);
ALLOW_ERROR_INJECTION(alloc_workqueue, NULL);
ALLOW_ERROR_INJECTION(fsnotify_alloc_group, ERRNO);
ALLOW_ERROR_INJECTION(for_each_kernel_tracepoint, ERRNO);
ALLOW_ERROR_INJECTION(tracepoint_probe_register, ERRNO);
ALLOW_ERROR_INJECTION(debugfs_create_dir, ERRNO);
ALLOW_ERROR_INJECTION(misc_register, ERRNO);

static int before;
module_param(before, int, 0600);

static int nth;
module_param(nth, int, 0600);

static char at[64];
static struct kprobe probe;

static int begin(struct kprobe *kp, struct pt_regs *regs)
{
	if (current->make_it_fail && !before--)
		current->fail_nth = nth;
	return 0;
}

static void forget(void)
{
	if (probe.symbol_name)
		unregister_kprobe(&probe);
	memset(&probe, 0, sizeof(probe));
}

static int at_set(const char *text, const struct kernel_param *kp)
{
	const char *name;
	int ret;

	forget();
	strscpy(at, text, sizeof(at));
	name = strim(at);
	if (!*name)
		return 0;
	probe.symbol_name = name;
	probe.pre_handler = begin;
	ret = register_kprobe(&probe);
	if (ret)
		probe.symbol_name = NULL;
	return ret;
}

static const struct kernel_param_ops at_ops = {
	.set = at_set,
};

module_param_cb(at, &at_ops, NULL, 0200);

/* --- where --------------------------------------------------------------------- */

#define SITES		100
#define SITE_LEN	40	/* all of them fit into a page */
#define DEPTH		32

static DEFINE_RAW_SPINLOCK(sites_lock);
static char sites[SITES][SITE_LEN];	/* sites_lock */
static unsigned int nr_sites;		/* sites_lock; set to 0 without a probe */

struct stack {
	unsigned long entry[DEPTH];
	unsigned int nr;
};

static int fail_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct stack *stack = (struct stack *)ri->data;

	if (!current->fail_nth && !current->make_it_fail)
		return 1;
	stack->nr = stack_trace_save(stack->entry, DEPTH, 0);
	return 0;
}

static void site_add(const char *site)
{
	unsigned long flags;
	unsigned int i = 0;

	raw_spin_lock_irqsave(&sites_lock, flags);
	while (i < nr_sites && strcmp(sites[i], site))
		i++;
	if (i == nr_sites && !WARN_ON_ONCE(i == SITES)) {
		WARN_ON_ONCE(strscpy(sites[i], site, SITE_LEN) < 0);
		nr_sites++;
	}
	raw_spin_unlock_irqrestore(&sites_lock, flags);
}

static int fail_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct stack *stack = (struct stack *)ri->data;
	char text[KSYM_SYMBOL_LEN];
	unsigned int i;

	/* a bool: no more than these bits of it are defined */
	if (!(u8)regs_return_value(regs))
		return 0;
	for (i = 0; i < stack->nr; i++) {
		sprint_symbol(text, stack->entry[i]);
		if (!strstr(text, " [seda]"))
			continue;
		*strchrnul(text, '/') = '\0';
		site_add(text);
		break;
	}
	return 0;
}

static struct kretprobe failing = {
	.entry_handler = fail_begins,
	.handler = fail_ends,
	.data_size = sizeof(struct stack),
	.kp.symbol_name = "should_fail_ex",
};

static bool watched;

static void sites_end(void)
{
	if (watched)
		unregister_kretprobe(&failing);
	watched = false;
	WARN_ON_ONCE(failing.nmissed);
	/* it cannot be registered again as it is */
	failing.kp.addr = NULL;
	failing.kp.flags = 0;
}

static int sites_set(const char *text, const struct kernel_param *kp)
{
	bool on;
	int ret = kstrtobool(text, &on);

	if (ret)
		return ret;
	sites_end();
	if (!on)
		return 0;
	nr_sites = 0;
	ret = register_kretprobe(&failing);
	watched = !ret;
	return ret;
}

static int sites_get(char *page, const struct kernel_param *kp)
{
	unsigned long flags;
	unsigned int i;
	int len = 0;

	raw_spin_lock_irqsave(&sites_lock, flags);
	for (i = 0; i < nr_sites; i++)
		len += scnprintf(page + len, PAGE_SIZE - len, "%s\n", sites[i]);
	raw_spin_unlock_irqrestore(&sites_lock, flags);
	return len;
}

static const struct kernel_param_ops sites_ops = {
	.set = sites_set,
	.get = sites_get,
};

module_param_cb(sites, &sites_ops, NULL, 0600);

static int __init seda_inject_init(void)
{
	return 0;
}

static void __exit seda_inject_exit(void)
{
	forget();
	sites_end();
}

module_init(seda_inject_init);
module_exit(seda_inject_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets seda.ko fail, and tells where");

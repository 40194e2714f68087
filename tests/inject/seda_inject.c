// SPDX-License-Identifier: GPL-2.0
/*
 * For who wants the steps of loading seda.ko to fail.
 *
 * It puts what that calls on the kernel's list of functions that may fail on
 * request (debugfs, fail_function), which has none of them.
 *
 * And it lets the n-th allocation of a step fail: how many there are before it
 * is not the same each time.  With the name of a function in the parameter "at",
 * its call, after "before" others, by a task that asks for failures sets the
 * task's fail-nth to "nth".
 */
#include <linux/debugfs.h>
#include <linux/error-injection.h>
#include <linux/fsnotify_backend.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
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

static int __init seda_inject_init(void)
{
	return 0;
}

static void __exit seda_inject_exit(void)
{
	forget();
}

module_init(seda_inject_init);
module_exit(seda_inject_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets the steps of loading seda.ko fail");

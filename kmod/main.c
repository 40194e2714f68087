// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading.  Owns the caches, the workqueue and the device.
 *
 * rmmod is refused (the module's count) while a descriptor or a mapping of
 * the device exists.  What may still be on its way then, and what waits for
 * it, stands in seda_exit().
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "seda.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct kmem_cache *seda_tcp_cache;
struct kmem_cache *seda_send_cache;
struct workqueue_struct *seda_wq;
bool seda_strict;

static char *hooks = "default";
module_param(hooks, charp, 0444);
MODULE_PARM_DESC(hooks, "default, or strict: no accept or connect that skips a security hook");

static struct miscdevice seda_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "seda",
	.fops = &seda_fops,
	.mode = 0600,
};

static int __init seda_caches_create(void)
{
	seda_tcp_cache = KMEM_CACHE(seda_tcp, SLAB_ACCOUNT);
	seda_send_cache = KMEM_CACHE(seda_send, SLAB_ACCOUNT);
	return seda_tcp_cache && seda_send_cache ? 0 : -ENOMEM;
}

static void seda_caches_destroy(void)
{
	kmem_cache_destroy(seda_send_cache);
	kmem_cache_destroy(seda_tcp_cache);
}

static int __init seda_init(void)
{
	int ret;

	if (!strcmp(hooks, "strict"))
		seda_strict = true;
	else if (strcmp(hooks, "default"))
		return -EINVAL;

	ret = seda_caches_create();
	if (ret)
		goto err_caches;
	ret = -ENOMEM;
	seda_wq = alloc_workqueue("seda", WQ_UNBOUND, 0);
	if (!seda_wq)
		goto err_caches;
	ret = seda_group_init();
	if (ret)
		goto err_wq;
	ret = seda_exit_watch();
	if (ret)
		goto err_group;
	seda_stats_init();
	ret = misc_register(&seda_misc);
	if (ret)
		goto err_watch;
	return 0;

err_watch:
	seda_stats_exit();
	seda_exit_unwatch();
err_group:
	seda_group_exit();
err_wq:
	destroy_workqueue(seda_wq);
err_caches:
	seda_caches_destroy();
	return ret;
}

static void __exit seda_exit(void)
{
	misc_deregister(&seda_misc);
	seda_stats_exit();
	/* no thread's exit calls us any more */
	seda_exit_unwatch();
	/* every app is gone, and with it every mark; wait for SRCU's end */
	seda_group_exit();
	/* tasks that were preempted on their way out of seda_app_put() */
	if (READ_ONCE(seda_ended_later))
		synchronize_rcu_tasks();
	/* apps flushed their workers' items; this is for the queue itself */
	destroy_workqueue(seda_wq);
	/* sources, stages, pools and workers are freed by RCU callbacks */
	rcu_barrier();
	seda_caches_destroy();
}

module_init(seda_init);
module_exit(seda_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Kernel event queues for staged, event-driven services");
MODULE_AUTHOR("The seda authors");
MODULE_VERSION("0.1.0");

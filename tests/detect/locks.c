// SPDX-License-Identifier: GPL-2.0
/* Bugs with locks and contexts. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "bugs.h"

static DEFINE_MUTEX(mutex_a);
static DEFINE_MUTEX(mutex_b);
static DEFINE_SPINLOCK(spin);
static DEFINE_RAW_SPINLOCK(raw);

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	/* nobody has it: it would not really sleep */
	mutex_lock(&mutex_a);
	mutex_unlock(&mutex_a);
	spin_unlock(&spin);
}

/* Never both orders at once: a deadlock that does not happen. */
static void abba(void)
{
	mutex_lock(&mutex_a);
	mutex_lock(&mutex_b);
	mutex_unlock(&mutex_b);
	mutex_unlock(&mutex_a);
	mutex_lock(&mutex_b);
	mutex_lock(&mutex_a);
	mutex_unlock(&mutex_a);
	mutex_unlock(&mutex_b);
}

static void lock_kept(void)
{
	mutex_lock(&mutex_a);
}

static void rcu_unbalanced(void)
{
	rcu_read_lock();
}

static void *rcu_pointer = &rcu_pointer;

static void rcu_unprotected(void)
{
	READ_ONCE(*(char *)rcu_dereference(*(void __rcu **)&rcu_pointer));
}

/* On PREEMPT_RT the inner one sleeps. */
static void spin_in_raw(void)
{
	raw_spin_lock(&raw);
	spin_lock(&spin);
	spin_unlock(&spin);
	raw_spin_unlock(&raw);
}

static void irq_takes(struct irq_work *work)
{
	raw_spin_lock(&raw);
	raw_spin_unlock(&raw);
}

/* Taken in an interrupt, and with interrupts on. */
static void irq_unsafe(void)
{
	static struct irq_work work = IRQ_WORK_INIT_HARD(irq_takes);

	irq_work_queue(&work);
	irq_work_sync(&work);
	raw_spin_lock(&raw);
	raw_spin_unlock(&raw);
}

static void timer_nothing(struct timer_list *timer)
{
}

static void free_active_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, timer_nothing, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

static void work_nothing(struct work_struct *work)
{
}

static void free_active_work(void)
{
	struct delayed_work *work = kmalloc(sizeof(*work), GFP_KERNEL);

	if (!work)
		return;
	INIT_DELAYED_WORK(work, work_nothing);
	queue_delayed_work(system_wq, work, 3600 * HZ);
	kfree(work);
}

static DECLARE_COMPLETION(hung_end);
static struct task_struct *hung;

static int hung_thread(void *unused)
{
	wait_for_completion(&hung_end);
	return 0;
}

static void hung_task(void)
{
	hung = kthread_run(hung_thread, NULL, "seda_bug_hung");
	if (IS_ERR(hung))
		hung = NULL;
	else
		get_task_struct(hung);
}

static void busy(unsigned int seconds)
{
	ktime_t end = ktime_add_ms(ktime_get(), seconds * 1000);

	preempt_disable();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
}

/* plant has the watchdog bark after two seconds. */
static void soft_lockup(void)
{
	busy(6);
}

static void rcu_nothing(struct rcu_head *rcu)
{
}

/* plant has RCU tell of those that take three seconds, or eight if it proves. */
static void rcu_stall(void)
{
	static struct rcu_head rcu;

	call_rcu(&rcu, rcu_nothing);
	busy(IS_ENABLED(CONFIG_PROVE_RCU) ? 14 : 8);
	rcu_barrier();
}

/* Ends what was left running. */
void seda_lock_bugs_end(void)
{
	if (!hung)
		return;
	complete(&hung_end);
	kthread_stop(hung);
	put_task_struct(hung);
}

const struct seda_bug seda_lock_bugs[] = {
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "abba", abba },
	{ "lock_kept", lock_kept },
	{ "rcu_unbalanced", rcu_unbalanced },
	{ "rcu_unprotected", rcu_unprotected },
	{ "spin_in_raw", spin_in_raw },
	{ "irq_unsafe", irq_unsafe },
	{ "free_active_timer", free_active_timer },
	{ "free_active_work", free_active_work },
	{ "hung_task", hung_task },
	{ "soft_lockup", soft_lockup },
	{ "rcu_stall", rcu_stall },
	{ }
};

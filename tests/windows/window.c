// SPDX-License-Identifier: GPL-2.0
/*
 * The delays, in a module of their own: what they count stays when seda.ko goes.
 * /sys/kernel/debug/seda-windows has a line for each place,
 *
 *   place NAME PASSED DELAYED OVERTAKEN
 *
 * how often somebody came by, was delayed there, and found then that others had come
 * by places meanwhile; and one for each of tests/windows/races,
 *
 *   race RACE TEST WINDOW OTHER HITS
 *
 * in how many delays at WINDOW somebody passed OTHER on the same object.  Who runs a
 * test writes "TEST TIMES" there, so that the delays of its races are long, and the
 * longer the more often it ran before.
 */
#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "window.h"

struct seda_place {
	const char *name;
	const void *inside;		/* whose delay this is now */
	bool other;			/* of a race */
	bool wanted;			/* of one that is to be hit still */
	atomic_t eager;			/* so many more long delays come at once */
	atomic_t passed, delayed, overtaken;
};

struct seda_race {
	const char *name, *test;
	unsigned int window, other;	/* places */
	bool on;			/* its test runs */
	atomic_t hits;
};

#include "places.h"

#define SEDA_WINDOW_ONE_IN	16
#define SEDA_WINDOW_US		64
/* The first that come by are all delayed, so that rare ones are, too; */
#define SEDA_WINDOW_FIRST	64
/*
 * and while the test of a race runs, until that was hit so often, so many who come by
 * either of its places have long ones: the two wait for each other.  Of a host that is
 * slow or busy we know nothing, so they are twice as long each time.
 */
#define SEDA_WINDOW_ENOUGH	4
#define SEDA_WINDOW_EAGER	128
#define SEDA_WINDOW_LONG_US	2048
#define SEDA_WINDOW_DOUBLED	5U
/* This part of it until who hit it has done its step, or so. */
#define SEDA_WINDOW_AFTER	16

static atomic_t seda_steps;
static struct dentry *seda_window_file;
static int seda_window_online, seda_window_prepare;
static unsigned int seda_window_long = SEDA_WINDOW_LONG_US;
static struct tracepoint *seda_window_exits;

static bool notrace seda_race_wanted(const struct seda_race *race)
{
	return READ_ONCE(race->on) && atomic_read(&race->hits) < SEDA_WINDOW_ENOUGH;
}

/* Which places are of races that are to be hit still. */
static void notrace seda_window_want(void)
{
	struct seda_race *race;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seda_places); i++)
		WRITE_ONCE(seda_places[i].wanted, false);
	for (race = seda_races; race < seda_races + ARRAY_SIZE(seda_races); race++) {
		if (!seda_race_wanted(race))
			continue;
		WRITE_ONCE(seda_places[race->window].wanted, true);
		WRITE_ONCE(seda_places[race->other].wanted, true);
	}
}

/* Would who is here hit somebody who is delayed? */
static bool notrace seda_window_would_hit(const struct seda_place *place,
					  const void *object)
{
	const struct seda_race *race;

	if (!place->other || !object)
		return false;
	for (race = seda_races; race < seda_races + ARRAY_SIZE(seda_races); race++)
		if (&seda_places[race->other] == place && seda_race_wanted(race) &&
		    READ_ONCE(seda_places[race->window].inside) == object)
			return true;
	return false;
}

/* The delay that is hit ends, and so is hit once. */
static void notrace seda_window_hit(unsigned int other, const void *object)
{
	struct seda_race *race;
	struct seda_place *window;

	for (race = seda_races; race < seda_races + ARRAY_SIZE(seda_races); race++) {
		window = &seda_places[race->window];
		if (race->other == other && READ_ONCE(window->inside) == object &&
		    cmpxchg(&window->inside, object, NULL) == object &&
		    atomic_inc_return(&race->hits) == SEDA_WINDOW_ENOUGH)
			seda_window_want();
	}
}

/* A signal has no place: its window sees that it came. */
static bool notrace seda_window_signal(void)
{
	return in_task() && task_sigpending(current);
}

static void notrace seda_window_delay(struct seda_place *place,
				      const void *object, unsigned int us)
{
	int steps = atomic_read(&seda_steps);
	bool signal = seda_window_signal();

	/* of two who are delayed here the later one counts */
	WRITE_ONCE(place->inside, object);
	for (; us && READ_ONCE(place->inside) == object; us--) {
		if (seda_window_would_hit(place, object)) {
			us = 0;
			break;
		}
		udelay(1);
		if (object && !signal && seda_window_signal()) {
			atomic_inc(&seda_places[SEDA_PLACE_SIGNAL].passed);
			seda_window_hit(SEDA_PLACE_SIGNAL, object);
			break;
		}
	}
	if (us && object && !READ_ONCE(place->inside))
		udelay(READ_ONCE(seda_window_long) / SEDA_WINDOW_AFTER);
	if (object)
		cmpxchg(&place->inside, object, NULL);
	atomic_inc(&place->delayed);
	if (atomic_read(&seda_steps) != steps)
		atomic_inc(&place->overtaken);
}

/* Any context, hard interrupts too; by chance that depends on nothing but the clock. */
void notrace seda_window(unsigned int nr, const void *object)
{
	struct seda_place *place = &seda_places[nr];
	u32 chance = hash_64(local_clock(), 32);
	bool first = atomic_inc_return(&place->passed) <= SEDA_WINDOW_FIRST;

	atomic_inc(&seda_steps);
	if (READ_ONCE(place->wanted) && atomic_dec_if_positive(&place->eager) >= 0)
		seda_window_delay(place, object,
				  chance % READ_ONCE(seda_window_long));
	else if (first || chance % SEDA_WINDOW_ONE_IN == 0)
		seda_window_delay(place, object,
				  chance / SEDA_WINDOW_ONE_IN % SEDA_WINDOW_US);
	/* the step itself comes now */
	if (place->other && object)
		seda_window_hit(nr, object);
}
EXPORT_SYMBOL_GPL(seda_window);

/*
 * A CPU comes or goes: it is not all there, and timers of a dead one still are.  That
 * takes milliseconds, and so do we.
 */
static int seda_window_cpu(unsigned int cpu)
{
	int i;

	for (i = 0; i < 16; i++)
		seda_window(SEDA_PLACE_CPU, SEDA_ANY);
	return 0;
}

static int seda_window_show(struct seq_file *m, void *unused)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seda_places); i++)
		seq_printf(m, "place %s %d %d %d\n", seda_places[i].name,
			   atomic_read(&seda_places[i].passed),
			   atomic_read(&seda_places[i].delayed),
			   atomic_read(&seda_places[i].overtaken));
	for (i = 0; i < ARRAY_SIZE(seda_races); i++)
		seq_printf(m, "race %s %s %s %s %d\n",
			   seda_races[i].name, seda_races[i].test,
			   seda_places[seda_races[i].window].name,
			   seda_places[seda_races[i].other].name,
			   atomic_read(&seda_races[i].hits));
	return 0;
}

static int seda_window_open(struct inode *inode, struct file *file)
{
	return single_open(file, seda_window_show, NULL);
}

static ssize_t seda_window_write(struct file *file, const char __user *from,
				 size_t size, loff_t *pos)
{
	char line[80] = "", name[64] = "";
	unsigned int times = 0;
	ssize_t ret;
	size_t i;

	ret = simple_write_to_buffer(line, sizeof(line) - 1, pos, from, size);
	if (ret < 0)
		return ret;
	if (sscanf(line, "%63s %u", name, &times) != 2)
		return -EINVAL;
	WRITE_ONCE(seda_window_long,
		   SEDA_WINDOW_LONG_US << min(times, SEDA_WINDOW_DOUBLED));
	for (i = 0; i < ARRAY_SIZE(seda_places); i++)
		atomic_set(&seda_places[i].eager, SEDA_WINDOW_EAGER);
	for (i = 0; i < ARRAY_SIZE(seda_races); i++)
		WRITE_ONCE(seda_races[i].on,
			   !strcmp(seda_races[i].test, name));
	seda_window_want();
	return ret;
}

static const struct file_operations seda_window_fops = {
	.owner = THIS_MODULE,
	.open = seda_window_open,
	.read = seq_read,
	.write = seda_window_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void seda_window_exit_seen(void *data, struct task_struct *task)
{
}

static void seda_window_find(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_process_exit"))
		seda_window_exits = tp;
}

/*
 * With two probes on it the tracepoint has the code that calls any number.  So a
 * seda.ko that comes or goes changes none, under threads that run through it: QEMU
 * loses such changes (tests/README.md).
 */
static int seda_window_hook(void)
{
	int ret;

	for_each_kernel_tracepoint(seda_window_find, NULL);
	if (!seda_window_exits)
		return -EOPNOTSUPP;
	ret = tracepoint_probe_register(seda_window_exits, seda_window_exit_seen, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(seda_window_exits, seda_window_exit_seen,
					SEDA_ANY);
	if (ret)
		tracepoint_probe_unregister(seda_window_exits, seda_window_exit_seen,
					    NULL);
	return ret;
}

static void seda_window_unhook(void)
{
	tracepoint_probe_unregister(seda_window_exits, seda_window_exit_seen, NULL);
	tracepoint_probe_unregister(seda_window_exits, seda_window_exit_seen, SEDA_ANY);
	tracepoint_synchronize_unregister();
}

static int __init seda_window_init(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(seda_races); i++)
		seda_places[seda_races[i].other].other = true;
	ret = seda_window_hook();
	if (ret)
		return ret;
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "seda:online",
					seda_window_cpu, seda_window_cpu);
	if (ret < 0)
		goto unhook;
	seda_window_online = ret;
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "seda:prepare",
					seda_window_cpu, seda_window_cpu);
	if (ret < 0)
		goto remove;
	seda_window_prepare = ret;
	seda_window_file = debugfs_create_file("seda-windows", 0600, NULL, NULL,
					       &seda_window_fops);
	return 0;

remove:
	cpuhp_remove_state_nocalls(seda_window_online);
unhook:
	seda_window_unhook();
	return ret;
}

static void __exit seda_window_exit(void)
{
	debugfs_remove(seda_window_file);
	cpuhp_remove_state_nocalls(seda_window_prepare);
	cpuhp_remove_state_nocalls(seda_window_online);
	seda_window_unhook();
}

module_init(seda_window_init);
module_exit(seda_window_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Delays in the windows of seda.ko, and what came of them");

// SPDX-License-Identifier: GPL-2.0
/*
 * Races: two threads, each on a CPU of its own, take their steps again and again.
 * What else the two do is as it should be.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kcsan-checks.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "bugs.h"

static struct task_struct *racers[2];

static int race_thread(void *data)
{
	void (*step)(void) = data;

	while (!kthread_should_stop()) {
		step();
		cond_resched();
	}
	return 0;
}

/* Ends the last one, too. */
void seda_race_bugs_end(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		if (racers[i])
			kthread_stop(racers[i]);
		racers[i] = NULL;
	}
}

static void race(void (*one)(void), void (*other)(void))
{
	struct task_struct *task;
	int i;

	seda_race_bugs_end();
	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		task = kthread_create(race_thread, i ? other : one,
				      "seda_bug_race");
		if (IS_ERR(task))
			return;
		racers[i] = task;
		kthread_bind(task, i % num_online_cpus());
		wake_up_process(task);
	}
}

static unsigned long sink;

static unsigned int raced;

static noinline void race_count(void)
{
	raced++;
}

static void count_race(void)
{
	race(race_count, race_count);
}

/* The other bit of a word: who is not atomic may undo what is. */
static unsigned long bits;

static noinline void race_bit_plain(void)
{
	__change_bit(0, &bits);
}

static noinline void race_bit_atomic(void)
{
	change_bit(1, &bits);
}

static void bit_race(void)
{
	race(race_bit_plain, race_bit_atomic);
}

/* Copied as one while somebody looks at a part. */
static struct race_struct {
	unsigned long part[8];
} whole, next;

static noinline void race_struct_copy(void)
{
	struct race_struct *from = &next;

	OPTIMIZER_HIDE_VAR(from);
	whole = *from;
}

static noinline void race_struct_look(void)
{
	WRITE_ONCE(sink, whole.part[5]);
}

static void struct_race(void)
{
	race(race_struct_copy, race_struct_look);
}

/* No race of plain accesses: but only one was to write. */
static unsigned long owned;

static noinline void race_own(void)
{
	ASSERT_EXCLUSIVE_WRITER(owned);
	WRITE_ONCE(owned, 1);
}

static noinline void race_steal(void)
{
	WRITE_ONCE(owned, 2);
}

static void second_writer(void)
{
	race(race_own, race_steal);
}

const struct seda_bug seda_race_bugs[] = {
	{ "data_race", count_race },
	{ "bit_race", bit_race },
	{ "struct_race", struct_race },
	{ "second_writer", second_writer },
	{ }
};

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

/* How often a step looks at what it has: the longer, the sooner it meets the other. */
#define LOOKS	100

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

/*
 * One fills, the other empties, in turns.  That it is full is told without a
 * release, so that whoever sees it may find what was there before.
 */
static unsigned long parcel;
static int full;

static noinline void race_fill(void)
{
	int i;

	/* pairs with the other's release */
	if (smp_load_acquire(&full))
		return;
	parcel = READ_ONCE(sink) + 1;
	WRITE_ONCE(full, 1);
	for (i = 0; i < LOOKS; i++)
		READ_ONCE(full);
}

static noinline void race_empty(void)
{
	int i;

	/* pairs with what is missing there */
	if (!smp_load_acquire(&full))
		return;
	for (i = 0; i < LOOKS; i++) {
		WRITE_ONCE(sink, parcel);
		barrier();
	}
	/* it has looked, before the next is written */
	smp_store_release(&full, 0);
}

static void missing_barrier(void)
{
	race(race_fill, race_empty);
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
	{ "missing_barrier", missing_barrier },
	{ "second_writer", second_writer },
	{ }
};

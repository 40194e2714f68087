/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests/windows/build puts before the steps of kmod that have a label: now
 * and then some time passes, so that others come in between.
 */
#ifndef SEDA_WINDOW_H
#define SEDA_WINDOW_H

#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/sched/clock.h>

#define SEDA_WINDOW_ONE_IN	16
#define SEDA_WINDOW_US		64

/* Any context, NMIs too; by chance that depends on nothing but the clock. */
static __maybe_unused notrace void seda_window(void)
{
	u32 chance = hash_64(local_clock(), 32);

	if (chance % SEDA_WINDOW_ONE_IN == 0)
		udelay(chance / SEDA_WINDOW_ONE_IN % SEDA_WINDOW_US);
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * A worker's place is free for the next when its thread was waited for, although
 * pthread_join() returns before the kernel has done with it.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define ROUNDS	500

static struct rig rig;

static void *joins(void *arg)
{
	struct worker w;

	return worker_join(&rig.app, &w) ? NULL : &rig;
}

TEST(after_the_last_of_all_places)
{
	struct seda_setup_args setup = { .workers = 2 };
	pthread_t thread;
	void *ok;
	int i;

	ASSERT_EQ(0, rig_open(&rig, &setup, NULL));
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, joins, NULL));
		ASSERT_EQ(0, pthread_join(thread, &ok));
		ASSERT_EQ(&rig, ok);
	}
	rig_close(&rig);
}

TEST_HARNESS_MAIN

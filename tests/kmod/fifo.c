// SPDX-License-Identifier: GPL-2.0
/* The sources of a stage come in the order in which they became ready. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define CONNS	5

static struct rig rig;
static uint64_t id[CONNS];
static int own[CONNS], peer[CONNS];

/* Source i has something, and is behind all that are pending. */
static bool becomes_ready(int i)
{
	const struct seda_stage_counters *c = app_counters(&rig.app, rig.stage);
	uint64_t before = c->pending;

	if (write(peer[i], "x", 1) != 1)
		return false;
	while (c->pending != before + 1)
		sleep_ms(1);
	return true;
}

TEST(first_come_first_served)
{
	static const int order[] = { 2, 0, 3, 1 };
	int i;

	ASSERT_EQ(0, rig_open(&rig, NULL, NULL));
	for (i = 0; i < CONNS; i++)
		ASSERT_EQ(0, rig_pair(&rig, 0, &id[i], &own[i], &peer[i]));
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(becomes_ready(order[i]));
	for (i = 0; i < 4; i++) {
		ASSERT_NE(NULL, rig_next(&rig));
		EXPECT_EQ(id[order[i]], rig.ev.source);
		/* who comes later is behind those that were left */
		if (!i)
			ASSERT_TRUE(becomes_ready(4));
	}
	ASSERT_NE(NULL, rig_next(&rig));
	EXPECT_EQ(id[4], rig.ev.source);
	rig_close(&rig);
}

TEST_HARNESS_MAIN

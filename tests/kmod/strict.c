// SPDX-License-Identifier: GPL-2.0
/*
 * hooks=strict refuses what skips a security hook, and nothing else.
 *
 * vm: --param hooks=strict
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(listen_and_connect_are_refused)
{
	struct seda_addr to;
	uint16_t port = 0;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	EXPECT_EQ(-EPERM, app_listen(&r.app, tcp_listen(&port), r.stage,
				     r.stage, NULL));
	to = addr_v4(port);
	EXPECT_EQ(-EPERM, app_connect(&r.app, r.stage, &to, 0, 0, &id));
	rig_close(&r);
}

TEST(info_tells)
{
	struct seda_info_args a = { .size = sizeof(a) };
	struct app app;

	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_INFO, &a));
	EXPECT_EQ(0, a.features & SEDA_FEATURE_FDLESS);
	app_close(&app);
}

TEST(adopted_descriptors_work)
{
	int own, peer;
	uint64_t id;
	struct rig r;
	char back[8];

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	ASSERT_EQ(5, write(peer, "hello", 5));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(5, r.ev.len);
	EXPECT_EQ(2, rig_send(&r, id, "ok", 2, 0));
	EXPECT_EQ(2, read(peer, back, 8));
	rig_close(&r);
}

TEST_HARNESS_MAIN

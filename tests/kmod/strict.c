// SPDX-License-Identifier: GPL-2.0
/*
 * hooks=strict refuses what skips a security hook, and nothing else.
 *
 * vm: --param hooks=strict --turns
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"
#include "tests/lib/trace.h"

#define PROBES	"/sys/kernel/tracing/kprobe_events"

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

static int probe(const char *line)
{
	int fd = open(PROBES, O_WRONLY | O_APPEND), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, line, strlen(line)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* The hook that recvmsg(2) runs. */
TEST(data_is_received_through_the_hook)
{
	int own, peer;
	char mine[32];
	uint64_t id;
	struct rig r;

	if (trace_open("seda_strict") ||
	    probe("p:seda/hook security_socket_recvmsg"))
		SKIP(return, "no kprobes");
	snprintf(mine, sizeof(mine), "common_pid == %d", getpid());
	ASSERT_EQ(0, trace_enable("seda/hook", mine));
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(0, trace_entries(10));
	ASSERT_EQ(5, write(peer, "hello", 5));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(5, r.ev.len);
	EXPECT_EQ(1, trace_entries(10));
	rig_close(&r);
	trace_close();
	EXPECT_EQ(0, probe("-:seda/hook"));
}

TEST_HARNESS_MAIN

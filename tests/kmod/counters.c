// SPDX-License-Identifier: GPL-2.0
/* The shared counters tell what happened; fdinfo and debugfs tell of whom. */
#include <kselftest_harness.h>

#include <dirent.h>

#include "tests/lib/seda_rig.h"

static char text[65536];

TEST(of_a_stage)
{
	const struct seda_stage_counters *c;
	struct seda_event *ev;
	uint64_t id[3];
	int own, peer[3], i;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	c = app_counters(&r.app, r.stage);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, rig_pair(&r, 0, &id[i], &own, &peer[i]));
	EXPECT_EQ(3, c->sources);
	EXPECT_EQ(0, c->pending);
	EXPECT_EQ(0, c->oldest_ns);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(10, write(peer[i], "0123456789", 10));
	while (c->pending != 3)
		sleep_ms(1);
	sleep_ms(50);
	EXPECT_LE(30 * MS, now_ns() - c->oldest_ns);
	EXPECT_GE(10 * SEC, now_ns() - c->oldest_ns);
	ASSERT_EQ(2, worker_enter_max(&r.w, 1, 2, SEDA_FOREVER));
	EXPECT_EQ(1, c->pending);
	EXPECT_EQ(2, c->outstanding);
	EXPECT_EQ(2, c->delivered);
	EXPECT_EQ(2, c->linked);
	EXPECT_EQ(1, c->harvests);
	EXPECT_EQ(20, c->received);
	EXPECT_LE(20 * MS, now_ns() - c->oldest_ns);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	ASSERT_EQ(0, rig_submit(&r));
	EXPECT_EQ(0, c->pending);
	EXPECT_EQ(0, c->outstanding);
	EXPECT_EQ(0, c->oldest_ns);
	EXPECT_EQ(3, c->delivered);
	EXPECT_EQ(2, c->harvests);
	EXPECT_EQ(30, c->received);
	rig_close(&r);
}

TEST(of_an_app)
{
	struct rig r;
	uint64_t id;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	EXPECT_EQ(1, r.app.counters->workers);
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	EXPECT_EQ(1, r.app.counters->sources);
	EXPECT_EQ(0, worker_leave(&r.w));
	EXPECT_EQ(0, r.app.counters->workers);
	rig_close(&r);
}

TEST(fdinfo_shows_the_peers_of_connections_without_a_descriptor)
{
	static char data[8 << 20];
	char want[64];
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct rig r;
	uint64_t id;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, getsockname(peer, (struct sockaddr *)&sin, &len));
	app_fdinfo(&r.app, text, sizeof(text));
	snprintf(want, sizeof(want), "peer=127.0.0.1:%d", ntohs(sin.sin_port));
	EXPECT_NE(NULL, strstr(text, want));
	snprintf(want, sizeof(want), "%llx kind=tcp", (unsigned long long)id);
	EXPECT_NE(NULL, strstr(text, want));
	ASSERT_EQ(-EINPROGRESS, rig_send(&r, id, data, sizeof(data), 1));
	app_fdinfo(&r.app, text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, "sends=1 queued="));
	rig_close(&r);
}

TEST(fdinfo_shows_addresses_of_ipv6)
{
	uint16_t port = 0;
	int l = tcp_listen6(&port);
	struct rig r;
	char want[64];

	ASSERT_LE(0, l);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_listen(&r.app, l, r.stage, r.stage, NULL));
	app_fdinfo(&r.app, text, sizeof(text));
	snprintf(want, sizeof(want), "local=[::1]:%d", port);
	EXPECT_NE(NULL, strstr(text, want));
	close(l);
	rig_close(&r);
}

TEST(debugfs_shows_them_too)
{
	char path[512], prefix[32];
	struct dirent *d;
	bool found = false;
	struct rig r;
	uint64_t id;
	int peer, fd;
	DIR *dir;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	dir = opendir("/sys/kernel/debug/seda");
	ASSERT_NE(NULL, dir);
	snprintf(prefix, sizeof(prefix), "%d-", getpid());
	while (!found && (d = readdir(dir)))
		found = !strncmp(d->d_name, prefix, strlen(prefix));
	ASSERT_TRUE(found);
	snprintf(path, sizeof(path), "/sys/kernel/debug/seda/%s/sources",
		 d->d_name);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	text[read_all(fd, text, sizeof(text) - 1)] = 0;
	EXPECT_NE(NULL, strstr(text, "peer=127.0.0.1:"));
	/* one that is open does not keep the app, and reads nothing then */
	rig_close(&r);
	EXPECT_GE(0, pread(fd, text, 100, 0));
	EXPECT_EQ(-1, access(path, F_OK));
}

TEST_HARNESS_MAIN

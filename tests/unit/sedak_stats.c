// SPDX-License-Identifier: GPL-2.0
/* libsedak: snapshots count what happened. */
#include "sedak_test.h"

static void act(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, ev->data, ev->len, 0);
	else if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
	else if (ev->type == SEDAK_EV_ITEM)
		sleep_ms(2);
}

TEST(counted)
{
	struct sedak_stage_stats ss = { .size = sizeof(ss) };
	struct sedak_pool_stats ps = { .size = sizeof(ps) };
	struct sedak_rt_stats rs = { .size = sizeof(rs) };
	uint64_t hist = 0;
	struct box *box;
	uint16_t port;
	char buf[100] = "";
	int fd, i;

	box = server(1, &port, act);
	fd = dial(port);
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(give(fd, buf, 100));
		ASSERT_TRUE(take(fd, buf, 100));
	}
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, sedak_stage_post(box->stage, NULL));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ITEM, 20));
	ASSERT_EQ(0, sedak_rt_get_stats(box->rt, &rs));
	EXPECT_EQ(1, rs.conns);
	close(fd);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	ASSERT_EQ(0, sedak_rt_drain(box->rt, 20 * SEC));
	ASSERT_EQ(0, sedak_rt_get_stats(box->rt, &rs));
	EXPECT_STREQ(sedak_rt_backend(box->rt), rs.backend);
	EXPECT_EQ(1, rs.nr_stages);
	EXPECT_EQ(1, rs.nr_pools);
	EXPECT_EQ(0, rs.conns);
	EXPECT_EQ(1, rs.accepted);
	EXPECT_EQ(1, rs.closed);
	EXPECT_EQ(0, rs.aborted);
	EXPECT_EQ(1000, rs.bytes_in);
	EXPECT_EQ(1000, rs.bytes_out);
	EXPECT_LT(0, rs.bufs);
	EXPECT_EQ(0, rs.bufs_held);
	ASSERT_EQ(0, sedak_stage_get_stats(box->stage, &ss));
	EXPECT_STREQ("stage0", ss.name);
	EXPECT_STREQ("main", ss.pool);
	EXPECT_EQ(20, ss.enqueued);
	EXPECT_EQ(20, ss.delay_nr);
	EXPECT_LT(0, ss.delay_max_ns);
	EXPECT_LE(40 * MS, ss.service_ns);
	EXPECT_EQ(box->n, ss.delivered);
	for (i = 0; i < SEDAK_HIST_BUCKETS; i++)
		hist += ss.service_hist[i];
	EXPECT_EQ(ss.batches, hist);
	EXPECT_EQ(!strcmp(rs.backend, "seda"), ss.kernel_delivered >= 12);
	ASSERT_EQ(0, sedak_pool_get_stats(sedak_rt_pool(box->rt, 0), &ps));
	EXPECT_EQ(1, ps.workers);
	EXPECT_LE(12, ps.events);
	EXPECT_LE(10, ps.ops);
	EXPECT_EQ(NULL, sedak_rt_pool(box->rt, 1));
	EXPECT_EQ(NULL, sedak_rt_stage(box->rt, 1));
	server_end(box);
}

/* A program built against an older header gets what that had */
TEST(sizes)
{
	struct { struct sedak_rt_stats st; uint64_t more; } big;
	struct sedak_rt_stats small;
	struct sedak_rt *rt = rt_new(1);

	memset(&small, 0x55, sizeof(small));
	small.size = offsetof(struct sedak_rt_stats, conns);
	EXPECT_EQ(0, sedak_rt_get_stats(rt, &small));
	EXPECT_EQ(1, small.nr_pools);
	EXPECT_EQ(0x5555555555555555ull, small.conns);
	small.size = 1;
	EXPECT_EQ(-EINVAL, sedak_rt_get_stats(rt, &small));
	memset(&big, 0x55, sizeof(big));
	big.st.size = sizeof(big);
	EXPECT_EQ(0, sedak_rt_get_stats(rt, &big.st));
	EXPECT_EQ(0, big.more);
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN

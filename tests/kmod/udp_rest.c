// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that did not fit into a batch come in the next ones, though no
 * further datagram calls back.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define DATAGRAMS	20

FIXTURE(udp) {
	struct rig r;
	uint64_t id;
	int own;
};

FIXTURE_SETUP(udp)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int peer = socket(AF_INET, SOCK_DGRAM, 0), i;

	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	self->own = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(0, bind(self->own, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(0, getsockname(self->own, (struct sockaddr *)&sin, &len));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	for (i = 0; i < DATAGRAMS; i++)
		ASSERT_EQ(4, sendto(peer, &i, 4, 0, (struct sockaddr *)&sin,
				    sizeof(sin)));
	close(peer);
}

FIXTURE_TEARDOWN(udp)
{
	rig_close(&self->r);
}

TEST_F(udp, to_the_same_worker)
{
	int got = 0, i, n;

	while (got < DATAGRAMS) {
		n = worker_enter_max(&self->r.w, 1, 7, SEDA_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			EXPECT_EQ(got++, *(int *)rig_data(&self->r,
						&self->r.w.events[i]));
	}
	EXPECT_TRUE(rig_quiet(&self->r));
}

/* The rest goes to another worker while the first keeps its full batch. */
static void *takes_rest(void *arg)
{
	struct app *app = arg;
	struct worker w;
	long got = 0;
	int n;

	if (worker_join(app, &w))
		return NULL;
	while (got < DATAGRAMS - 7) {
		n = worker_enter_max(&w, 1, 7, SEDA_FOREVER);
		if (n <= 0)
			break;
		got += n;
	}
	return (void *)got;
}

TEST_F(udp, to_another_worker)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	pthread_t thread;
	void *got;

	pool.pool = self->r.app.pool;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(7, worker_enter_max(&self->r.w, 7, 7, SEDA_FOREVER));
	pthread_create(&thread, NULL, takes_rest, &self->r.app);
	pthread_join(thread, &got);
	EXPECT_EQ(DATAGRAMS - 7, (long)got);
}

TEST_HARNESS_MAIN

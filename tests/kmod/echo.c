// SPDX-License-Identifier: GPL-2.0
/* A listener's connections echo through one worker. */
#include <kselftest_harness.h>

#include "tests/lib/seda_app.h"

#define CLIENTS	8
#define ROUNDS	100

static int serve(struct worker *w)
{
	int n = worker_enter(w, 1, 20000000ULL), i;

	for (i = 0; i < n; i++)
		if (w->events[i].events & SEDA_EV_IN)
			worker_echo(w, &w->events[i]);
	return n;
}

TEST(connections_of_a_listener_echo)
{
	uint64_t accept_stage, data_stage;
	uint16_t port = 0;
	struct app app;
	struct worker w;
	char msg[64], back[64];
	int fd[CLIENTS], l, i, round, n;

	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, NULL, &accept_stage));
	ASSERT_EQ(0, app_stage(&app, NULL, &data_stage));
	ASSERT_EQ(0, worker_join(&app, &w));
	l = tcp_listen(&port);
	ASSERT_LE(0, l);
	ASSERT_EQ(0, app_listen(&app, l, accept_stage, data_stage, NULL));
	for (i = 0; i < CLIENTS; i++) {
		fd[i] = tcp_connect(port);
		ASSERT_LE(0, fd[i]);
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < CLIENTS; i++) {
			snprintf(msg, sizeof(msg), "round %d client %d", round,
				 i);
			ASSERT_EQ(sizeof(msg), write(fd[i], msg, sizeof(msg)));
		}
		for (i = 0; i < CLIENTS; i++) {
			snprintf(msg, sizeof(msg), "round %d client %d", round,
				 i);
			n = recv(fd[i], back, sizeof(back), MSG_DONTWAIT);
			while (n < 0) {
				ASSERT_LE(0, serve(&w));
				n = recv(fd[i], back, sizeof(back),
					 MSG_DONTWAIT);
			}
			ASSERT_EQ(sizeof(msg), n);
			ASSERT_EQ(0, strcmp(msg, back));
		}
	}
	ASSERT_EQ(CLIENTS, app_counters(&app, accept_stage)->delivered);
	ASSERT_EQ(CLIENTS * ROUNDS, app_counters(&app, data_stage)->delivered);
	ASSERT_EQ(0, worker_leave(&w));
	app_close(&app);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * Sources that are linked while others of their stage are harvested, all too few
 * for a batch: each comes when the delay is over, and none waits for ever.
 */
#include "tests/stress/stress.h"

#define WORKERS	2
#define CLIENTS	3
#define CONNS	16	/* more than a batch, most of them silent */

static struct app app;

static void *echoes(void *arg)
{
	struct worker w;
	int i, n;

	need(!worker_join(&app, &w));
	for (;;) {
		n = enter_some(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < n; i++)
			worker_echo(&w, &w.events[i]);
	}
	return NULL;
}

static long rounds;

static void *asks(void *arg)
{
	int fd = (intptr_t)arg;
	char byte;
	long i;

	for (i = 0; i < rounds; i++) {
		byte = i;
		need(write(fd, &byte, 1) == 1);
		need(read(fd, &byte, 1) == 1 && byte == (char)i);
	}
	return NULL;
}

int main(void)
{
	struct seda_stage_args policy = {
		.min_batch = CLIENTS + 1, .max_delay_ns = 20000,
	};
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t client[CLIENTS];
	int fd[CONNS][2], i;
	uint64_t stage;

	begin(1);
	rounds = count_here(5000);
	need(!app_open(&app, NULL) && !app_stage(&app, &policy, &stage));
	pool.pool = app.pool;
	need(!app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < CONNS; i++) {
		need(!tcp_pair(fd[i]));
		need(!app_adopt(&app, fd[i][0], stage, 0, 0, NULL));
	}
	for (i = 0; i < WORKERS; i++)
		thread(echoes, NULL);
	for (i = 0; i < CLIENTS; i++)
		client[i] = thread(asks, (void *)(intptr_t)fd[i][1]);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(client[i], NULL);
	claim(true, "%ld times for each of %d clients\n", rounds, CLIENTS);
	return end();
}

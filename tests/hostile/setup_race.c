// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * Who looks at a descriptor while it is set up sees nothing of the app, or all.
 */
#include <stdatomic.h>

#include <kselftest_harness.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_rig.h"

#define BUFS	5
/* The device's number: none that opening anything else gives. */
#define FD	100

static struct app app = { .fd = FD };
static volatile bool stop;
static volatile long errors, quiets, reads;
static atomic_long halves;

static void *polls_it(void *arg)
{
	struct pollfd p = { .fd = FD, .events = POLLIN };

	while (!stop) {
		poll(&p, 1, 0);
		errors += p.revents == POLLERR;
		quiets += !p.revents;
		if (p.revents & ~(POLLERR | POLLNVAL))
			halves++;
	}
	return NULL;
}

static void *reads_it(void *arg)
{
	static char text[65536];
	const char *bufs;

	while (!stop) {
		app_fdinfo(&app, text, sizeof(text));
		bufs = strstr(text, "bufs:");
		reads += !!bufs;
		if (bufs && strncmp(bufs, "bufs:\t5 size=4096 free=5 ", 25))
			halves++;
	}
	return NULL;
}

TEST(nothing_or_all)
{
	struct seda_setup_args sizes = {
		.size = sizeof(sizes), .workers = 1, .events = 1, .ops = 1,
		.bufs = BUFS, .buf_size = 4096, .sources = 1,
	}, a;
	long i, rounds = count_here(1000);
	pthread_t thread[2];
	int fd;

	pthread_create(&thread[0], NULL, polls_it, NULL);
	pthread_create(&thread[1], NULL, reads_it, NULL);
	/* until both were seen by both */
	for (i = 0; i < rounds || !errors || !quiets || !reads; i++) {
		a = sizes;
		fd = open("/dev/seda", O_RDWR);
		ASSERT_EQ(FD, dup2(fd, FD));
		close(fd);
		ASSERT_EQ(0, app_call(&app, SEDA_IOC_SETUP, &a));
		close(FD);
	}
	stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, atomic_load(&halves));
}

TEST_HARNESS_MAIN

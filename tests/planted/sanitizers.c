// SPDX-License-Identifier: GPL-2.0
/*
 * Planted bugs, one for each kind of report, in children as kselftest's are:
 * every test here has to fail, or the sanitizers do not look.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "kselftest_harness.h"
#include "lib/internal.h"

#ifdef __SANITIZE_ADDRESS__
/* What the compiler does not know, so that it leaves the bugs alone */
static volatile int zero;
static void *volatile lost;

TEST(leak)
{
	lost = malloc(100);
	lost = NULL;
}

TEST(use_after_free)
{
	char *volatile p = malloc(100);

	free(p);
	zero = p[zero];
}

TEST(overrun)
{
	char *volatile p = malloc(100);

	p[100 + zero] = 0;
	free(p);
}

TEST(use_after_return_to_the_library)
{
	struct chunk *volatile ch = chunk_get(NULL, 100);

	chunk_put(NULL, ch);
	zero = ch->mem[zero];
}

TEST(overflow)
{
	volatile int most = INT_MAX;

	zero = most + 1;
}
#else
static int shared;

static void *count(void *arg)
{
	shared++;
	return arg;
}

TEST(race)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, count, NULL));
	count(NULL);
	pthread_join(thread, NULL);
}
#endif

TEST_HARNESS_MAIN

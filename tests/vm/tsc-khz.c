// SPDX-License-Identifier: GPL-2.0
/*
 * The frequency of this machine's TSC in kHz.  A guest that is emulated has the same
 * one, but cannot find it out where the host is busy: it takes the time it was not run
 * for time that passed, or the other way round, and its clock then goes several times
 * too fast.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES	100
#define WAIT_NS	20000000

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* The TSC, and when that was: of several tries the one that took least. */
static int64_t tsc_at(int64_t *ns)
{
	int64_t least = INT64_MAX, tsc = 0, read, begin, took;
	int i;

	for (i = 0; i < TRIES; i++) {
		begin = now_ns();
		read = (int64_t)__rdtsc();
		took = now_ns() - begin;
		if (took < least) {
			least = took;
			tsc = read;
			*ns = begin + took / 2;
		}
	}
	return tsc;
}

int main(void)
{
	int64_t begin, end, ticks;

	ticks = -tsc_at(&begin);
	/* at it: a CPU that sleeps may stop its TSC */
	while (now_ns() - begin < WAIT_NS)
		;
	ticks += tsc_at(&end);
	printf("%.0f\n", (double)ticks * 1e6 / (double)(end - begin));
	return 0;
}

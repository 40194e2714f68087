// SPDX-License-Identifier: GPL-2.0-or-later
/* Per-thread counters; relaxed, for nothing is ever decided by them. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "stats.h"

/* Threads beyond this many share slots, which costs time, not counts. */
#define SLOTS	64

/* As large as several cache lines, and as the array aligned to them. */
struct slot {
	atomic_ullong count[COUNT_N];
	atomic_ullong latency_ns;
	atomic_ullong latency[LATENCY_BUCKETS];
	char pad[64 - (COUNT_N + 1 + LATENCY_BUCKETS) * 8 % 64];
};

_Alignas(64) static struct slot slots[SLOTS];

static struct slot *my_slot(void)
{
	_Thread_local static struct slot *mine;
	static atomic_uint next;

	if (!mine)
		mine = &slots[atomic_fetch_add(&next, 1) % SLOTS];
	return mine;
}

static void add(atomic_ullong *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void stats_add(enum counter counter, uint64_t n)
{
	add(&my_slot()->count[counter], n);
}

void stats_request(int status, uint64_t bytes, uint64_t ns)
{
	struct slot *slot = my_slot();
	int bucket = ns ? 63 - __builtin_clzll(ns) : 0;

	if (bucket >= LATENCY_BUCKETS)
		bucket = LATENCY_BUCKETS - 1;
	add(&slot->count[COUNT_REQUESTS], 1);
	add(&slot->count[COUNT_1XX + status / 100 - 1], 1);
	add(&slot->count[COUNT_BODY_BYTES], bytes);
	add(&slot->latency_ns, ns);
	add(&slot->latency[bucket], 1);
}

void stats_read(struct stats_sum *sum)
{
	int i, j;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < SLOTS; i++) {
		for (j = 0; j < COUNT_N; j++)
			sum->count[j] += get(&slots[i].count[j]);
		for (j = 0; j < LATENCY_BUCKETS; j++)
			sum->latency[j] += get(&slots[i].latency[j]);
		sum->latency_ns += get(&slots[i].latency_ns);
	}
}

uint64_t stats_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

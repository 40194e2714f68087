// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 900
 *
 * Messages over 64 connections and 4 workers come once each and in order, on
 * four CPUs.  SEDA_MESSAGES=10000000 SEDA_WINDOW=1 for as many events.
 */
#include "tests/stress/numbered.h"

int main(void)
{
	struct numbered n = {
		.conns = 64, .workers = 4, .window = count_of("SEDA_WINDOW", 16),
		.messages = count_of("SEDA_MESSAGES", count_here(200000)),
	};

	begin(1);
	say_preemption();
	numbered(&n, "none is lost, doubled or out of order");
	return end();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 900
 *
 * Messages over 64 connections and 4 workers come once each and in order, on
 * four CPUs.  SEDA_MESSAGES=5000000 for the whole measure.
 */
#include "tests/stress/numbered.h"

int main(void)
{
	struct numbered n = {
		.conns = 64, .workers = 4, .window = 16,
		.messages = count_of("SEDA_MESSAGES", count_here(200000)),
	};

	begin(1);
	numbered(&n, "none is lost, doubled or out of order");
	return end();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 900
 *
 * Connections over a bad network give by /dev/seda what they give by recv().
 * SEDA_NETEM_MB=1024 SEDA_NETEM_CONNS=100000 for the whole measure.
 */
#include "tests/stress/netem.h"

int main(void)
{
	const struct network n = {
		.lo = "mtu 1500", .mss = 1448, .shorter = 1,
		.conns = count_of("SEDA_NETEM_CONNS", count_here(2000)),
		.bulk_bytes = count_of("SEDA_NETEM_MB", count_here(64)) << 20,
	};

	return netem(&n);
}

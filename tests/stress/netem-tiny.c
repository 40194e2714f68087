// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --timeout 900
 *
 * Connections over a bad network with the smallest segments that there are give
 * by /dev/seda what they give by recv().  The kernel's least are 48 bytes with the
 * time stamp's 12, in packets of 88, each of which comes by itself.
 */
#include "tests/stress/netem.h"

int main(void)
{
	const struct network n = {
		.lo = "mtu 88 gso_max_segs 1", .mss = 36, .shorter = 16,
		.conns = count_of("SEDA_NETEM_CONNS", 128),
		.bulk_bytes = 128 << 10,
	};

	return netem(&n);
}

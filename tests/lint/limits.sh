#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The defaults and ranges of libsedak(7)'s table are those of the code.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

# What the table has to say, with the numbers of the code.
cat >"$tap_dir/limits.c" <<'END'
#include <limits.h>
#include <stdio.h>
#include "internal.h"

#define POWER(n)	__builtin_ctzll(n)
#define KIB(n)		(int)((n) >> 10)
#define MIB(n)		(int)((n) >> 20)
#define NAME(type)	(int)sizeof(((struct type *)0)->name) - 1
#define YEARS		(int)(INT64_MAX / NSEC_PER_SEC / 31556952)

int main(void)
{
	printf("workers of a pool|allowed CPUs|1-%d\n", MAX_WORKERS);
	printf("pools|1|1-%d\n", MAX_POOLS);
	printf("stages|none|0-%d\n", MAX_STAGES);
	printf("max_events of a pool|%d, or %d with several workers|%d-%d (less is %d)\n",
	       MAX_EVENTS, MAX_EVENTS / 4, MIN_EVENTS, MAX_EVENTS, MIN_EVENTS);
	printf("nr_bufs, per worker of the default pool|%d|%d-%d (less is %d)\n",
	       DEF_NR_BUFS, MIN_NR_BUFS, MAX_NR_BUFS, MIN_NR_BUFS);
	printf("buf_size|%d|%d-%d MiB; seda: a power of two (rounded up)\n",
	       DEF_BUF_SIZE, MIN_BUF_SIZE, MIB(MAX_BUF_SIZE));
	printf("buffers held|-|half of all\n");
	printf("max_conns|none; seda: 65536 sources of all kinds|1-%d\n", MAX_CONNS);
	printf("descriptors or memory for a connection|-|the system's\n");
	printf("backlog of a listener|%d|up to somaxconn\n", DEF_BACKLOG);
	printf("priority|0|%d (first) to %d\n", MIN_PRIORITY, MAX_PRIORITY);
	printf("min_batch with max_delay_ns|1|1 to max_batch\n");
	printf("max_batch|%d|1-%d\n", DEF_MAX_BATCH, MAX_BATCH);
	printf("capacity of a stage|%d|1-2^%d\n", DEF_CAPACITY, POWER(MAX_CAPACITY));
	printf("low mark of a write queue|%d KiB|up to high\n", KIB(DEF_WQ_LOW));
	printf("high mark|%d KiB|low to max\n", KIB(DEF_WQ_HIGH));
	printf("limit of a write queue|%d MiB|from high\n", MIB(DEF_WQ_MAX));
	printf("bytes of one send|-|0-%d GiB\n", MIB(MAX_SEND) >> 10);
	printf("pieces of a sendv|-|0-%d\n", IOV_MAX);
	printf("operations of files under way, per stage|%d|the stage's capacity\n",
	       DEF_CAPACITY);
	printf("bytes of a file's read, write|-|0 to buf_size\n");
	printf("bytes of a sendfile|-|0-%d GiB\n", MIB(MAX_SEND) >> 10);
	printf("operations that epoll has begun, per pool|-|%d, or %d without io_uring\n",
	       IO_RING, IO_THREADS);
	printf("datagram sent|-|0-%d\n", MAX_DATAGRAM);
	printf("timer|-|1 ns-%d years\n", YEARS);
	printf("timeout of a connection|none|rounded up to %d ms\n",
	       (int)(TIMEOUT_SLACK_NS / 1000000));
	printf("timeout of a connect|the system's|1 ns-%d years\n", YEARS);
	printf("name of a pool, a stage|pooln, stagen|%d, %d bytes\n",
	       NAME(sedak_pool), NAME(sedak_stage));
	printf("more_workers: those of all other pools than the default one|%d, or 2 a CPU if that is more|1-%d, with the default pool's\n",
	       DEF_MORE_WORKERS, MAX_WORKERS);
	return 0;
}
END

# The same of the table: a cell is what T{ and T} enclose.
rows() {
	sed 's/\\-/-/g; s/\\f[A-Z]//g' lib/man/libsedak.7 | awk '
		/^T\{$/ { cells = 1; cell = row = "" }
		!cells || /^T\{$|^\.(ad|nh)/ { next }
		/^T\}/ {
			row = row (cells > 1 ? "|" : "") substr(cell, 2)
			cell = ""
			if (++cells == 4)
				print row
			if (!/\|/)
				cells = 0
			next
		}
		{ cell = cell " " $0 }' | grep -v '^what|'
}

built() {
	gcc -D_GNU_SOURCE -Iinclude -Ilib -o "$tap_dir/limits" "$tap_dir/limits.c"
}
check "the program that prints the limits is built" built
is "the table has the limits of the code" "$(rows)" "$("$tap_dir/limits")"
finish

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the scenarios of a source's end have in common: stores are not late.
 */
#define MB()		skip

bool data;			/* in the socket, or what else makes it ready */

#ifndef READY
#define READY		data
#endif
#ifndef UNSTALL
#define UNSTALL		skip
#endif

#define LOCALS \
	byte n, old; \
	bool linked, was, hold, taken, mine, found, got

#include "source.pml"

/* Frees when nobody reads any more who may have found it. */
active proctype Rcu() {
	atomic { gone && !readers -> freed = true; }
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection that finds no buffer waits for one, while others give theirs back
 * and it is closed.
 */
#define BUFS		0
#define CLOSE		skip
#define UNSTALL		seda_buf_unstall()
#define PUMP \
	n = 0; \
	if \
	:: data -> \
		seda_buf_get(); \
		if \
		:: bufs -> d_step { USE; data = false; n = 1; } \
		:: else -> seda_buf_stall(); \
		fi \
	:: else \
	fi

#include "ends.pml"
#include "buf.pml"

active [2] proctype Worker() {
	LOCALS;
	byte bufs, room;
	bool took;

	do
	:: seda_stage_pop();
		seda_source_pump();
		if
		:: n -> seda_slot_release(); n = 0;
		:: else
		fi;
		seda_buf_flush();
	od
}

/* Workers with events of other sources, whose buffers they give back. */
active [2] proctype Holder() {
	bool linked, took;
	byte bufs = 1, room;

	seda_buf_flush();
}

active proctype Other() {
	LOCALS;

	seda_source_get();
	if
	:: found ->
		if
		:: true -> seda_source_close(false);
		:: skip;
		fi;
		seda_source_put();
	:: else
	fi
}

active proctype Creator() {
	LOCALS;

	data = true;
	seda_source_start();
}

active proctype Quiet() {
	timeout;
	assert(!on_list && !pending && !stalled && nr_free == 2 && !pumps);
	if
	:: killed -> assert(ends == 1 && freed);
	:: else -> assert(state == IDLE && ref == 1 && !data && !asked);
	fi
}

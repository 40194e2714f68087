/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A source on a descriptor of the application: it ends when that is closed,
 * whatever the socket, the mark and a CLOSE do at the same time.
 */
#define HAS_FILE	1
#define CLOSE		seda_sock_detach()
/* The socket is only used while there is a reference to its file. */
#define PUMP \
	seda_sock_hold(); \
	if \
	:: got -> d_step { USE; assert(!sk_gone); n = data; data = false; } \
		seda_sock_drop(); \
	:: else -> n = 0; \
	fi

#include "ends.pml"
#include "sock.pml"

byte called;

active [2] proctype Worker() {
	LOCALS;

	do
	:: seda_stage_pop();
		seda_source_pump();
		if
		:: n -> seda_slot_release(); n = 0;
		:: else
		fi
	od
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

/* Calls back at any time, or does not. */
active proctype Network() {
	bool linked;

	do
	:: called < 2 ->
		d_step { called++; data = true; }
		atomic { !queue_locked -> queue_locked = true; }
		if
		:: waiting ->
			assert(inode_refs > 0);
			seda_sock_wake();
		:: else
		fi;
		queue_locked = false;
	:: break;
	od
}

/* close(2), what the last fput() does, and who gets the memory of the file. */
active proctype Closer() {
	bool linked;

	file_refs--;
	file_refs == 0;
	if
	:: mark -> seda_mark_event();
	:: else
	fi;
	sk_gone = true;
	inode_refs--;
	file_refs = 1;
}

active proctype Creator() {
	LOCALS;

	seda_source_start();
}

active proctype Quiet() {
	timeout;
	assert(killed && ends == 1 && freed && !waiting && !mark && !pumps);
	assert(!on_list && !pending && !readers && file_refs == 1 && !inode_refs);
}

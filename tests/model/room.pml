/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A send that waits for room, while the kernel makes some: it is called back, or sees
 * it itself.  Each store is seen late by the other, until its writer's full barrier.
 */
#define MASK	1	/* of the callback: EPOLLOUT */
#define NOSPACE	2
#define ROOM	4

byte mem;
byte late[2];	/* what is still to be seen */
bool kicked;

#define SEES(bit)	((mem | late[_pid]) & (bit))
#define ST(bit)	late[_pid] = late[_pid] | (bit)
#define MB()	d_step { mem = mem | late[_pid]; late[_pid] = 0; }

inline seda_tcp_want_room() {
	ST(MASK);	/* [room-mask] */
	ST(NOSPACE);	/* [room-nospace] */
	MB();	/* [room-barrier] */
	if
	:: SEES(ROOM) -> kicked = true;	/* [room-look] */
	:: else
	fi
}

active proctype Sender() {
	seda_tcp_want_room();
}

/* tcp_check_space(), and the callback */
active proctype Acked() {
	ST(ROOM);
	MB();
	if
	:: SEES(NOSPACE) ->
		if
		:: SEES(MASK) -> kicked = true;
		:: else
		fi
	:: else
	fi
}

active proctype Memory() {
	do
	:: atomic { late[0] & MASK -> mem = mem | MASK; late[0] = late[0] & ~MASK; }
	:: atomic { late[0] & NOSPACE -> mem = mem | NOSPACE; late[0] = late[0] & ~NOSPACE; }
	:: atomic { late[1] -> mem = mem | late[1]; late[1] = 0; }
	od
}

active proctype Quiet() {
	timeout;
	assert(kicked);
}

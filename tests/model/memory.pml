/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory whose stores come late.  What a process wrote under a lock, and the
 * lock's release, are seen by others at some time after it left (at once: the
 * order within does not matter to who does not take the lock), what it added to
 * a place without a lock at some time after that.  Only a full barrier of the
 * process itself comes after both.  Loads are not reordered with each other.
 *
 * With STRONG nothing is late.  There is one lock, and its sections are atomic: they read nothing that others
 * change but through late[].
 */
byte mem[NLOC] = FIRST;
byte held[NHELD];		/* as holder left them, when there is one */
byte holder;			/* 1 + _pid */
byte late[NPROC];		/* 1 + the place that it added 1 to */

#define LD(l)	(((l) < NHELD && holder == 1 + _pid -> held[l] : mem[l]) + \
		 (late[_pid] == 1 + (l)))

/* Between these only ST() and its like. */
#define LOCK	holder == 0 -> COPY(held, mem); holder = 1 + _pid
#define ST(l, v)	held[l] = v
#if STRONG
#define UNLOCK	TAKE_HELD
#else
#define UNLOCK	skip
#endif

#define ADD(l)	atomic { late[_pid] == 0 -> late[_pid] = 1 + (l); }

#define TAKE_HELD	COPY(mem, held); COPY(held, none); holder = 0
#define TAKE_LATE(p)	mem[late[p] - 1] = mem[late[p] - 1] + 1; late[p] = 0

inline MB() {
	d_step {
		if
		:: holder == 1 + _pid -> TAKE_HELD;
		:: else
		fi;
		if
		:: late[_pid] -> TAKE_LATE(_pid);
		:: else
		fi
	}
}

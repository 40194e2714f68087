/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmod/worker.c: two workers end by WORKER_LEAVE, by their threads' exit, or with
 * the app: each once, and nothing of the app is used when it is gone.
 */
#define WORKERS		2

bool hashed[WORKERS] = true;
bool in_table[WORKERS] = true;
bool queued[WORKERS];		/* w->gone, until it has run */
bool hash_locked;		/* seda_exit_lock */
byte readers;
bool finished[WORKERS];
bool given[WORKERS];		/* to call_rcu() */
bool freed[WORKERS];
byte running = WORKERS;
byte calls;			/* in progress: these hold the file */
bool released, app_gone;

#define USE_APP		assert(!app_gone)
#define USE(w)		assert(!freed[w])

inline seda_worker_unhash(w) {
	atomic {
		!hash_locked;
		USE(w);
		was = hashed[w];	/* [unhash-was] */
		hashed[w] = false;	/* [unhash-del] */
	}
}

inline seda_worker_finish(w) {
	atomic {
		USE(w);
		USE_APP;
		assert(!finished[w]);
		finished[w] = true;	/* [finish-slots] */
	}
	atomic { USE_APP; in_table[w] = false; }	/* [finish-table] */
	atomic { USE_APP; USE(w); running--; }	/* [finish-running] */
	USE_APP;	/* [finish-rouse] */
	given[w] = true;	/* [finish-free] */
}

inline seda_worker_gone(w) {
	seda_worker_finish(w);	/* [gone-finish] */
}

inline seda_worker_self() {
	readers++;	/* [self-rcu] */
	me = in_table[_pid];	/* [self-find] */
	readers--;	/* [self-rcu-end] */
}

inline seda_worker_leave() {
	seda_worker_self();	/* [leave-self] */
	if
	:: me ->
		seda_worker_unhash(_pid);	/* [leave-unhash] */
		if
		:: was -> seda_worker_finish(_pid);	/* [leave-finish] */
		:: else
		fi
	:: else
	fi
}

inline seda_thread_exits() {
	if
	:: !hashed[_pid];	/* [exits-empty] */
	:: else ->
		atomic { !hash_locked -> hash_locked = true; }	/* [exits-lock] */
		if
		:: hashed[_pid] ->	/* [exits-find] */
			atomic { USE(_pid); hashed[_pid] = false; }	/* [exits-unhash] */
			atomic { USE(_pid); queued[_pid] = true; }	/* [exits-queue] */
		:: else
		fi;
		hash_locked = false;	/* [exits-unlock] */
	fi
}

inline seda_workers_end() {
	for (i : 0 .. WORKERS - 1) {
		readers++;	/* [end-rcu] */
		me = in_table[i];	/* [end-load] */
		if
		:: me ->
			seda_worker_unhash(i);	/* [end-unhash] */
			me = was;
		:: else
		fi;
		readers--;	/* [end-rcu-end] */
		if
		:: me -> seda_worker_finish(i);	/* [end-finish] */
		:: else
		fi
	}
	!queued[0] && !queued[1];	/* [end-flush] */
}

active [WORKERS] proctype Thread() {
	bool me, was;

	if
	:: atomic { !released -> calls++; }
		seda_worker_leave();
		calls--;
	:: skip;
	fi;
	seda_thread_exits();
}

active [WORKERS] proctype Item() {
	do
	:: queued[_pid - WORKERS] ->
		seda_worker_gone(_pid - WORKERS);
		queued[_pid - WORKERS] = false;
	od
}

active [WORKERS] proctype Rcu() {
	d_step { given[_pid - 2 * WORKERS] && !readers -> freed[_pid - 2 * WORKERS] = true; }
}

/* The last close of the descriptor. */
active proctype Release() {
	bool me, was;
	byte i;

	atomic { !calls -> released = true; }
	seda_workers_end();
	app_gone = true;
}

active proctype Quiet() {
	timeout;
	assert(freed[0] && freed[1] && app_gone && !running);
	assert(!queued[0] && !queued[1] && !hash_locked);
}

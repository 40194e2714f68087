/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmod/sock.c and seda_get_file(): what calls a source on a socket back.
 *
 * The wait queue lies in the socket's inode, which the file and the mark keep.
 */
bool waiting = true;		/* s->wait is on the wait queue */
bool queue_locked, mark_locked;
bool head = true;
bool mark = HAS_FILE;		/* s->mark */
bool mark_sock = HAS_FILE;	/* mark->sock */
bool file = HAS_FILE;		/* s->file */
byte file_refs = HAS_FILE;	/* of the descriptor, and temporary ones */
byte inode_refs = 1 + HAS_FILE;
bool sk_gone;			/* the file's release has closed the socket */

inline seda_sock_wake() {
	seda_source_kick();	/* [sock-kick] */
}

inline seda_mark_event() {
	atomic { !mark_locked -> mark_locked = true; }	/* [mark-lock] */
	if
	:: mark_sock ->	/* [mark-sock] */
		USE;
		file = false;	/* [mark-file] */
		closing = true;	/* [mark-closing] */
		seda_source_kick();	/* [mark-kick] */
	:: else
	fi;
	mark_locked = false;	/* [mark-unlock] */
}

inline seda_sock_detach() {
	if
	:: head ->
		atomic {
			!queue_locked;
			assert(inode_refs > 0);
			waiting = false;	/* [detach-wait] */
		}
		head = false;	/* [detach-head] */
	:: else
	fi;
	if
	:: mark ->
		atomic { !mark_locked -> mark_locked = true; }	/* [detach-lock] */
		mark_sock = false;	/* [detach-sock] */
		file = false;	/* [detach-file] */
		mark_locked = false;	/* [detach-unlock] */
		inode_refs--;	/* [detach-mark] */
		mark = false;	/* [detach-once] */
	:: else
	fi
}

/* got: a reference to the file. */
inline seda_get_file() {
	readers++;	/* [file-rcu] */
	got = file;	/* [file-read] */
	atomic {
		got = got && file_refs;
		file_refs = file_refs + got;	/* [file-ref] */
	}
	readers--;	/* [file-rcu-end] */
	if
	:: got && !file ->	/* [file-same] */
		file_refs--;	/* [file-put] */
		got = false;
	:: else
	fi
}

inline seda_sock_hold() {
	seda_get_file();	/* [hold-file] */
}

inline seda_sock_drop() {
	file_refs--;	/* [drop-file] */
	got = false;
}

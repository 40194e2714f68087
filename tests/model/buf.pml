/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmod/buf.c: buffers, and the list of the sources that wait for one, where
 * there is one source.
 */
bool stalled;			/* on bufs->stalled */
byte nr_free = BUFS;

inline seda_buf_get() {
	atomic {
		bufs = nr_free > 0;
		nr_free = nr_free - bufs;	/* [buf-get] */
	}
}

inline seda_buf_resume() {
	room = nr_free > 0;	/* [resume-room] */
	do
	:: room && stalled ->	/* [resume-more] */
		atomic {
			took = stalled;
			if
			:: took ->
				USE;
				assert(!gone);
				ref++;	/* [resume-ref] */
				stalled = false;	/* [resume-unlist] */
			:: else
			fi
		}
		if
		:: !took -> break;	/* [resume-none] */
		:: else
		fi;
		seda_source_kick();	/* [resume-kick] */
		room = 0;
		seda_source_put();	/* [resume-put] */
	:: else -> break;
	od;
	room = 0;
	took = 0;
}

inline seda_buf_flush() {
	atomic { nr_free = nr_free + bufs; bufs = 0; }	/* [flush-free] */
	seda_buf_resume();	/* [flush-resume] */
}

inline seda_buf_stall() {
	atomic {
		USE;
		stalled = true;	/* [stall-list] */
		room = nr_free > 0;	/* [stall-again] */
	}
	if
	:: room -> seda_buf_resume();	/* [stall-resume] */
	:: else
	fi
}

inline seda_buf_unstall() {
	stalled = false;	/* [unstall-list] */
}

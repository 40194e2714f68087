/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/seda: kernel event queues for staged, event-driven services.
 *
 * This header is the contract between the module and user space.
 *
 * OBJECTS
 *
 *   app     one open of /dev/seda; owns all below; ends with the last close
 *           of the descriptor and the last unmap
 *   pool    workers that share a concurrency target and a set of stages
 *   stage   an event queue with a policy; belongs to one pool
 *   source  something that makes events for one stage: a connection, a
 *           listener, a UDP socket, a timer, a watched file, a file to be read
 *   worker  a thread that has joined a pool; only it may call ENTER with the
 *           worker's id
 *
 *   Ids are 64 bits: an index (low half) and a generation (high half, never
 *   0).  An id whose object is gone is -ESTALE, never another object.  0 is
 *   never an id.
 *
 * A CALL'S GRAMMAR
 *
 *   Every ioctl but WORKER_LEAVE takes a pointer to a struct whose first
 *   field is its size as the caller knows it.  A larger struct is accepted
 *   when its unknown tail is zero (-E2BIG otherwise), a smaller one is
 *   extended with zeros; one smaller than the first published size, or larger
 *   than a page, is -EINVAL.  Unknown flags and non-zero padding are -EINVAL.
 *   The struct is read once and the fields marked "out" are written back.
 *
 *     open("/dev/seda", O_RDWR | O_CLOEXEC)
 *     SETUP                 once; fixes the sizes, allocates the memory
 *     mmap x 2              SEDA_MMAP_COUNTERS and SEDA_MMAP_ARENA
 *     POOL_CREATE, STAGE_CREATE, LISTEN, ADOPT, CONNECT, WATCH, TIMER, FILE ...
 *     WORKER_JOIN           in each worker thread
 *     ENTER ...             in each worker thread
 *
 *   All calls but INFO and SETUP are -EBADFD before SETUP, and -EPERM from a
 *   process whose address space is not that of the SETUP (a forked child,
 *   the receiver of a passed descriptor, a program after exec).
 *
 * ENTER
 *
 *   Does in this order:
 *     1. runs the first nr_ops of the worker's op array; each op's res is
 *        written in place;
 *     2. gives back what the worker's last batch held: its sources are freed
 *        for other workers, its buffers returned, its credits returned;
 *     3. harvests up to max_events events into the worker's event array;
 *     4. while there are fewer than min_events, waits up to timeout_ns.
 *   Returns the number of events in the event array (slots 0..n-1), 0 when
 *   the time is up.
 *
 * OWNERSHIP
 *
 *   A source is IDLE, LINKED (waiting in its stage's queue) or OWNED (its
 *   event is in a worker's array).  An owned source gives events to nobody
 *   else: it is never handled by two workers at once, its bytes come in
 *   order, and seq of its events counts 0, 1, 2 ...  It is owned until its
 *   worker's next ENTER, or, with SEDA_CTL_HOLD in the slot's ctl.flags
 *   before that ENTER, until a RELEASE op.
 *   Listeners, UDP sockets, files and posts are not owned: their events (many in a
 *   batch) can be in several workers' arrays, also when CLOSED comes.  An
 *   accepted connection is owned by the worker that got the ACCEPT event, so
 *   that its user_data can be set (SET_DATA) before its first data event.
 *
 *   A receive buffer belongs to the application from its event until the
 *   worker's next ENTER, or, where SEDA_CTL_KEEP was written, until a RETURN
 *   op; a SEND that names it (SEDA_SEND_BUF) keeps it as long as it needs.
 *   When no buffer is free, connections stall, and resume as buffers come
 *   back; nothing is lost.  A source made with SEDA_SOURCE_NOBUF takes none:
 *   its IN events carry the amount, and RECV reads into memory it names.
 *
 *   Every source ends with exactly one CLOSED event, the last of it (only
 *   CLOSE with SEDA_CLOSE_QUIET, allowed to its owner, replaces that event
 *   by the op's result).  The application may free what user_data points to
 *   then.
 *
 * CAPACITY
 *
 *   Every event harvested and not given back holds a credit of its stage; a
 *   stage with no credit left is not harvested: listeners stop accepting,
 *   data stays in sockets.  A post holds a place from POST until it is
 *   harvested, and POST fails with -EAGAIN where there is none; an op of a file
 *   that has to wait holds one, of as many as the capacity, until its DONE is
 *   harvested (-EBUSY).  So nothing can overflow.
 *
 * MEMORY SHARED WITH THE KERNEL
 *
 *   mmap(SEDA_MMAP_COUNTERS), read only:
 *
 *     +----------------------------+ 0
 *     | struct seda_app_counters   |
 *     +----------------------------+ 128
 *     | struct seda_stage_counters | x SEDA_MAX_STAGES, by stage index
 *     +----------------------------+
 *
 *   mmap(SEDA_MMAP_ARENA), read and write, shared:
 *
 *     +----------------------------+ workers_off
 *     | worker 0: events[events]   | struct seda_event, written by the kernel
 *     |           ctl[events]      | + ctl_off: struct seda_ctl, see there
 *     |           ops[ops]         | + ops_off: struct seda_op, by the worker
 *     +----------------------------+ + worker_stride
 *     | worker 1: ...              |
 *     +----------------------------+ bufs_off
 *     | bufs buffers of buf_size   | data written by the kernel
 *     +----------------------------+ arena_size
 *
 *   What is scribbled there hurts its own application alone.
 *
 * POLLING THE DESCRIPTOR
 *
 *   EPOLLIN | EPOLLRDNORM: a stage has something to harvest.  EPOLLERR: SETUP
 *   has not been done; with EPOLLHUP: the process that did it has ended or runs
 *   another program (who sleeps is woken if it had mapped any of the memory).
 *   A ring of io_uring can poll it, too.
 *
 * ERRORS COMMON TO ALL CALLS
 *
 *   -EINVAL   a bad size, flag, padding or value (0 where "out" tells an id)
 *   -E2BIG    non-zero bytes in a part of the struct this kernel lacks
 *   -EFAULT   a bad pointer (if only the answer fails, too, nothing was made)
 *   -EBADFD   SETUP has not been done
 *   -EPERM    another address space than the SETUP's
 *   -ESTALE   an id whose object is gone (or never was)
 *   -ENOMEM   no memory, or a memory limit
 *   -ENOTTY   not a call of this device
 */
#ifndef _UAPI_LINUX_SEDA_H
#define _UAPI_LINUX_SEDA_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include <linux/seda_op.h>

#define SEDA_ABI_VERSION	1

/* Ceilings. */
#define SEDA_MAX_POOLS		16
#define SEDA_MAX_STAGES		64
#define SEDA_MAX_WORKERS	1024
#define SEDA_MAX_EVENTS		1024	/* per worker */
#define SEDA_MAX_OPS		4096	/* per worker */
#define SEDA_MAX_SOURCES	(1 << 20)
#define SEDA_MAX_BUFS		(1 << 20)
#define SEDA_MIN_BUF_SIZE	64
#define SEDA_MAX_BUF_SIZE	(1 << 20)
#define SEDA_MAX_ARENA		(1ULL << 31)	/* bytes */
#define SEDA_MAX_CAPACITY	(1 << 20)
#define SEDA_MAX_POSTS		(1 << 16)	/* per stage */
#define SEDA_MAX_VEC		64	/* segments of one SEND, READ, WRITE */
#define SEDA_MAX_SENDS		1024	/* unfinished SENDs of one connection */
#define SEDA_MAX_SEND_LEN	(1U << 30)	/* bytes of one SEND */
#define SEDA_MAX_IO_LEN		(1U << 20)	/* bytes of one READ or WRITE */
#define SEDA_NAME_LEN		16	/* with the terminating NUL */

#define SEDA_FOREVER		(~0ULL)	/* a timeout that never comes */
#define SEDA_NO_BUF		(~0U)	/* no receive buffer */

/* Offsets for mmap. */
#define SEDA_MMAP_COUNTERS	0x000000000ULL
#define SEDA_MMAP_ARENA		0x100000000ULL

/* What an event says; bits of seda_event.events, which may be combined. */
#define SEDA_EV_IN		(1U << 0)  /* len bytes in buf (or amount) */
#define SEDA_EV_EOF		(1U << 1)  /* the peer will send no more */
#define SEDA_EV_ERR		(1U << 2)  /* res is a negative errno */
#define SEDA_EV_SENT		(1U << 3)  /* sends up to "done" finished */
#define SEDA_EV_ACCEPT		(1U << 4)  /* child, peer */
#define SEDA_EV_CONNECT		(1U << 5)  /* res: 0, or why it failed */
#define SEDA_EV_TIMER		(1U << 6)  /* amount: expiries since last */
#define SEDA_EV_POST		(1U << 7)  /* amount: the posted value */
#define SEDA_EV_READY		(1U << 8)  /* mask (in len) of a watched file */
#define SEDA_EV_CLOSED		(1U << 9)  /* the last event of the source */
#define SEDA_EV_TRUNC		(1U << 10) /* a datagram larger than buf */
#define SEDA_EV_MORE		(1U << 11) /* amount more bytes wait */
#define SEDA_EV_CANCELED	(1U << 12) /* all other sends were dropped */
#define SEDA_EV_DONE		(1U << 13) /* op "done" of a file ended: res */

/*
 * One event, 64 bytes, written by the kernel before ENTER returns.
 *
 * source     its source; for a POST, 0
 * user_data  of the source; for a POST, of the post
 * stage      index (low half of the id) of the stage it was queued in
 * seq        number of this event among its source's events, from 0
 * res        0 or a negative errno; of DONE, as the op's
 * buf, len   the receive buffer and the bytes in it (SEDA_NO_BUF: none); for
 *            READY, len is the poll mask
 * child      of an ACCEPT: the id of the new connection
 * amount     IN | MORE: bytes that wait beyond len (IN on a NOBUF source: all
 *            that wait; kTLS, sockmap: not 0; 1 more as a FIN comes).  READY:
 *            bytes readable, room to write, connections waiting; 0 if unknown
 * done       of SENT: user_data of the last op that is finished; the sends of
 *            a connection finish in order, so all before it are, too.  Of DONE:
 *            user_data of the op; other ops of the file may be on their way
 * peer       of an ACCEPT or of a datagram: who sent it
 */
struct seda_event {
	__u64 source;
	__u64 user_data;
	__u32 events;
	__u32 stage;
	__u32 seq;
	__s32 res;
	union {
		struct {
			__u32 buf;
			__u32 len;
		};
		__u64 child;
	};
	union {
		struct {
			__u64 amount;
			__u64 done;
			__u64 reserved;
		};
		struct seda_addr peer;
	};
};

/*
 * One per event slot.  The kernel sets both words to 0 when it fills the
 * slot; user space writes them before the worker's next ENTER reads them.
 *
 * flags  SEDA_CTL_HOLD: keep the source owned until a RELEASE op (no effect
 *        on events that own no source); SEDA_CTL_KEEP: keep the buffer until
 *        a RETURN op
 * claim  used by workers that joined with SEDA_WORKER_CLAIM: whoever handles
 *        the event first sets it, by compare-and-swap from 0, to its own
 *        worker index plus 1.  At the worker's next ENTER the kernel closes
 *        it by an exchange: a slot claimed by another worker is then treated
 *        as HOLD | KEEP, to be given back by that one with RELEASE and
 *        RETURN (-EBUSY and -EINVAL until that ENTER: try again after it).  A
 *        claim that fails means that somebody else has the event.
 */
struct seda_ctl {
	__u32 flags;
	__u32 claim;
};

#define SEDA_CTL_HOLD		(1U << 0)
#define SEDA_CTL_KEEP		(1U << 1)
#define SEDA_CLAIM_CLOSED	(~0U)

/*
 * Counters of the app and of one stage.  Written by the kernel only; each is
 * read whole, several together are not a snapshot.  Times are CLOCK_MONOTONIC
 * with the resolution of a tick.
 */
struct seda_app_counters {
	__u32 bufs_free;
	__u32 bufs_kept;	/* kept by SEDA_CTL_KEEP */
	__u32 stalled;		/* sources that wait for a buffer */
	__u32 sources;
	__u32 workers;
	__u32 pad;
	__u64 reserved[13];
};

struct seda_stage_counters {
	__u64 pending;		/* sources that wait to be harvested */
	__u64 outstanding;	/* events harvested and not given back */
	__u64 oldest_ns;	/* since when the oldest waits, 0: none */
	__u64 linked;		/* sources taken off the queue, in all */
	__u64 delivered;	/* events, in all */
	__u64 harvests;		/* batches, in all */
	__u64 stalls;		/* times a source waited for a buffer */
	__u64 rejected;		/* posts refused for want of room */
	__u64 received;		/* bytes */
	__u64 sources;		/* attached now */
	__u64 posts;		/* posts that wait */
	__u64 ios;		/* ops of files that wait, or whose DONE does */
	__u64 misses;		/* these, in all */
	__u64 hits;		/* READs of the stage's files that did not wait */
	__u64 busy;		/* ops of files refused for want of room */
	__u64 reserved[1];
};

/*
 * INFO: what this kernel supports.  Needs no SETUP, and is open to any
 * process that has the descriptor.
 */
struct seda_info_args {
	__u32 size;
	__u32 abi_version;	/* out: SEDA_ABI_VERSION */
	__u64 features;		/* out: SEDA_FEATURE_* */
	__u64 ops;		/* out: bit n set: op n is known */
	__u64 ioctls;		/* out: bit n set: call n is known */
	__u32 max_arena_pages;	/* out: this user's limit, in pages of 4 KiB */
	__u32 max_sources;	/* out: this user's limit */
};

#define SEDA_FEATURE_FDLESS	(1ULL << 0) /* accept, connect without an fd */
#define SEDA_FEATURE_CLAIM	(1ULL << 1)

/*
 * SETUP: sizes of the app; 0 takes the default in parentheses.  Memory is
 * allocated at once and counted against RLIMIT_MEMLOCK and the memory cgroup.
 * -EBUSY when done before.
 */
struct seda_setup_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 workers;		/* at most at a time (64) */
	__u32 events;		/* per worker (64) */
	__u32 ops;		/* per worker (256) */
	__u32 bufs;		/* receive buffers (1024) */
	__u32 buf_size;		/* bytes, a power of two (4096) */
	__u32 sources;		/* at most at a time (65536) */
	__u64 counters_size;	/* out: bytes to map at SEDA_MMAP_COUNTERS */
	__u64 arena_size;	/* out: bytes to map at SEDA_MMAP_ARENA */
	__u64 workers_off;	/* out: offsets in the arena */
	__u64 bufs_off;		/* out */
	__u32 worker_stride;	/* out: bytes */
	__u32 ctl_off;		/* out: from the start of the worker's part */
	__u32 ops_off;		/* out */
	__u32 pad;
};

/*
 * POOL_CREATE, POOL_SET: concurrency is how many workers may work at a time (0:
 * as many as there are CPUs online).  A worker works from an ENTER in which it
 * may take events to the next in which it waits for some.  Above concurrency it
 * waits first; if its time is up then, or a signal comes, it gets no more events,
 * and only counts if it has some.  An ENTER that does not wait takes events all
 * the same.  With 0, a CPU that comes online is seen at the next event or ENTER.
 * -ENOSPC past SEDA_MAX_POOLS.  POOL_DESTROY (struct seda_id_args): -EBUSY with
 * stages or workers.
 */
struct seda_pool_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 pool;		/* out of CREATE, in of SET */
	__u32 concurrency;
	__u32 pad;
};

/*
 * STAGE_CREATE, STAGE_SET: a stage's policy.
 *
 * priority      0..255, higher first; equals in turn
 * min_batch     0, 1: none.  Else the stage is not harvested before this many
 *               sources are ready (or all that could become ready are: all, if
 *               one is a listener or UDP), or max_delay_ns is over, as it must be
 * max_delay_ns  0: none.  When the oldest source has waited so long the stage
 *               outranks all priorities
 * capacity      credits (0: SEDA_MAX_CAPACITY)
 * posts         places for posts, fixed at CREATE (0: no posts)
 * pool, posts and name are ignored by SET.
 *
 * -ENOSPC past SEDA_MAX_STAGES; SET's -ENOMEM: another priority needs memory.
 * STAGE_DESTROY (struct seda_id_args) needs none: -EBUSY while
 * it has sources, listeners that name it, posts that wait or events not given
 * back, and while another thread uses it at that moment: try again.
 */
struct seda_stage_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 stage;		/* out of CREATE, in of SET */
	__u64 pool;
	__u32 priority;
	__u32 min_batch;
	__u64 max_delay_ns;
	__u32 capacity;
	__u32 posts;
	char name[SEDA_NAME_LEN];
};

/*
 * WORKER_JOIN: makes the calling thread a worker of the pool.  A thread is one
 * worker at most in an app (-EALREADY).  -ENOSPC past the workers of SETUP.
 * A thread that exits leaves by itself.  WORKER_LEAVE (no argument): gives
 * back all its batch holds; -ESRCH when the caller is no worker.
 */
struct seda_join_args {
	__u32 size;
	__u32 flags;		/* SEDA_WORKER_CLAIM or 0 */
	__u64 pool;
	__u64 worker;		/* out; the low half indexes the arena */
};

#define SEDA_WORKER_CLAIM	(1U << 0)

/* The argument of the calls that need no more than an id. */
struct seda_id_args {
	__u32 size;
	__u32 flags;		/* CLOSE: as the op, without QUIET; else 0 */
	__u64 id;
};

/* flags of LISTEN (for its children), ADOPT and CONNECT */
#define SEDA_SOURCE_NOBUF	(1U << 0)

/*
 * LISTEN: fd is a listening TCP socket (-EINVAL otherwise, -ENOTSOCK).
 * Connections are accepted when the stage is harvested, without a descriptor,
 * as sources of child_stage with child_data for user_data.  The source does
 * not keep the descriptor open: when the application closes it, listening
 * ends and CLOSED follows.  -EPERM under hooks=strict; -EEXIST when the socket
 * is already a source of any app; -ENFILE past a limit on sources; -EOPNOTSUPP
 * for one that another socket's descriptor fell back to (SMC).
 * An ERR event tells why no connection can be accepted (-ENFILE: a limit on
 * sources, -ENOMEM ...); the listener is then disarmed, ARM goes on.
 */
struct seda_listen_args {
	__u32 size;
	__u32 flags;		/* SEDA_SOURCE_NOBUF */
	__s32 fd;
	__u32 pad;
	__u64 stage;
	__u64 child_stage;
	__u64 user_data;
	__u64 child_data;
	__u64 source;		/* out */
};

/*
 * ADOPT: fd is a connected or connecting TCP socket, or a UDP socket.  Its
 * file is not kept open by it: when the application closes the last
 * descriptor, the connection is closed as ever, and CLOSED follows.
 * Errors as of LISTEN; -ENOTCONN for a TCP socket that is neither;
 * -EOPNOTSUPP for one that another socket's descriptor fell back to (SMC).
 */
struct seda_adopt_args {
	__u32 size;
	__u32 flags;		/* SEDA_SOURCE_NOBUF */
	__s32 fd;
	__u32 pad;
	__u64 stage;
	__u64 user_data;
	__u64 source;		/* out */
};

/*
 * CONNECT: a TCP connection without a descriptor, TCP_NODELAY set.  A CONNECT
 * event tells how it went: res 0, or -ETIMEDOUT after timeout_ns (0: the system's
 * own time), -ECONNREFUSED ...; after a failure CLOSED follows by itself.  local
 * may be AF_UNSPEC.  -EPERM under hooks=strict; errors of socket(2) and bind(2),
 * and those of connect(2) that come at once.
 */
struct seda_connect_args {
	__u32 size;
	__u32 flags;		/* SEDA_SOURCE_NOBUF */
	__u64 stage;
	__u64 user_data;
	__u64 timeout_ns;
	struct seda_addr peer;
	struct seda_addr local;
	__u64 source;		/* out */
};

/*
 * WATCH: readiness of any pollable file (-EPERM when it cannot be polled).
 * mask: poll bits; POLLERR and POLLHUP always count.  Level-triggered, or
 * SEDA_WATCH_EDGE, or SEDA_WATCH_ONESHOT (one event, then ARM).  -EOPNOTSUPP:
 * it waits on more than two queues, or a socket on another's.  A socket is
 * not kept open by it (CLOSED follows the application's close); other files
 * are, until CLOSE.  epoll, io_uring and seda descriptors are -ELOOP; for
 * io_uring, watch an eventfd registered with its ring.
 */
struct seda_watch_args {
	__u32 size;
	__u32 flags;		/* SEDA_WATCH_* */
	__s32 fd;
	__u32 mask;
	__u64 stage;
	__u64 user_data;
	__u64 source;		/* out */
};

#define SEDA_WATCH_EDGE		(1U << 0)
#define SEDA_WATCH_ONESHOT	(1U << 1)

/*
 * TIMER: first_ns from now (with SEDA_TIMER_ABS: on CLOCK_MONOTONIC), then
 * every period_ns (0: once; else at least SEDA_MIN_PERIOD_NS).  first_ns 0:
 * disarmed.  Expiries that nobody fetched are added up in the event's amount.
 */
struct seda_timer_args {
	__u32 size;
	__u32 flags;		/* SEDA_TIMER_ABS */
	__u64 stage;
	__u64 user_data;
	__u64 first_ns;
	__u64 period_ns;
	__u64 source;		/* out */
};

#define SEDA_TIMER_ABS		(1U << 0)
#define SEDA_MIN_PERIOD_NS	10000ULL

/*
 * POST: an event of the application's own, from any of its threads.  -EAGAIN
 * when all places of the stage are taken.
 */
struct seda_post_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 stage;
	__u64 user_data;
	__u64 value;
};

/*
 * TO_FD: turns a connection without a descriptor into one; returns it.  The
 * source ends, without a CLOSED event.  flags: 0 or SEDA_FD_CLOEXEC.  Only for
 * a source that the caller's last batch owns or that is held, and with no
 * unfinished sends (-EBUSY).  -EINVAL when it has a descriptor, -EOPNOTSUPP for
 * other kinds, -EALREADY after CLOSE.  -EMFILE, -ENFILE, -ENOMEM: no descriptor
 * was to be had; the connection is closed then.
 */
struct seda_to_fd_args {
	__u32 size;
	__u32 flags;
	__u64 source;
};

#define SEDA_FD_CLOEXEC		(1U << 0)

/*
 * FILE: fd is a regular file or a block device (-EINVAL otherwise, and for procfs, sysfs,
 * hugetlbfs and their like; -EBADF), which is kept open until CLOSE, and as long as its
 * ops need it.  CLOSED is told in stage; ops that have to wait do so in miss_stage (0: the
 * same), which their DONE events come by, under its policy.  CLOSE ends ops that have not
 * begun (-ECANCELED), and is -EINPROGRESS when there are others: CLOSED comes after the
 * last DONE.  -ENFILE past a limit on sources.
 */
struct seda_file_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__s32 fd;
	__u32 pad;
	__u64 stage;
	__u64 miss_stage;
	__u64 user_data;
	__u64 source;		/* out */
};

enum seda_source_kind {
	SEDA_KIND_TCP = 1,
	SEDA_KIND_LISTEN,
	SEDA_KIND_UDP,
	SEDA_KIND_FILE,
	SEDA_KIND_TIMER,
	SEDA_KIND_DISK,
};

/* SOURCE_INFO: what is known of a source. */
struct seda_source_info_args {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 source;
	__u32 kind;		/* out: enum seda_source_kind */
	__u32 stage;		/* out: index */
	__u32 seq;		/* out: events so far */
	__u32 sends;		/* out: unfinished */
	__u64 queued;		/* out: bytes of unfinished sends */
	__u64 user_data;	/* out */
	struct seda_addr local;	/* out */
	struct seda_addr peer;	/* out */
};

/*
 * ENTER: see the top.  nr_ops <= ops of SETUP; max_events <= events of SETUP
 * (0: all); min_events <= max_events (0: never wait).  timeout_ns: 0 never
 * waits, SEDA_FOREVER.  sigmask: 0, or the address of a signal mask of
 * sigset_size (8) bytes in force during the wait, as epoll_pwait2 has it.
 *
 * Returns the number of events, or
 *   -EINTR    no event had been harvested (the ops have been run), and a
 *             signal came, or the kernel has work for this thread outside: a
 *             descriptor was closed while the call used it, say
 *   -EFAULT   in the same case: sigmask is a bad pointer, and it had to wait
 *   -ESRCH    the caller is not that worker
 */
struct seda_enter_args {
	__u32 size;
	__u32 flags;		/* SEDA_ENTER_SUBMIT or 0 */
	__u64 worker;
	__u32 nr_ops;
	__u32 min_events;
	__u32 max_events;
	__u32 sigset_size;
	__u64 timeout_ns;
	__u64 sigmask;
};

/* Only runs the ops, returns 0, and leaves the batch; all but worker and nr_ops: 0 */
#define SEDA_ENTER_SUBMIT	(1U << 0)

/*
 * The calls.  The size of the argument is not part of the number, because
 * structs grow.
 */
#define SEDA_IOC_TYPE	0xDA
#define SEDA_IOC_NR(nr)	_IOC(_IOC_READ | _IOC_WRITE, SEDA_IOC_TYPE, (nr), 0)

#define SEDA_IOC_INFO		SEDA_IOC_NR(0)	/* struct seda_info_args */
#define SEDA_IOC_SETUP		SEDA_IOC_NR(1)	/* struct seda_setup_args */
#define SEDA_IOC_POOL_CREATE	SEDA_IOC_NR(2)	/* struct seda_pool_args */
#define SEDA_IOC_POOL_SET	SEDA_IOC_NR(3)	/* struct seda_pool_args */
#define SEDA_IOC_POOL_DESTROY	SEDA_IOC_NR(4)	/* struct seda_id_args */
#define SEDA_IOC_STAGE_CREATE	SEDA_IOC_NR(5)	/* struct seda_stage_args */
#define SEDA_IOC_STAGE_SET	SEDA_IOC_NR(6)	/* struct seda_stage_args */
#define SEDA_IOC_STAGE_DESTROY	SEDA_IOC_NR(7)	/* struct seda_id_args */
#define SEDA_IOC_WORKER_JOIN	SEDA_IOC_NR(8)	/* struct seda_join_args */
#define SEDA_IOC_WORKER_LEAVE	SEDA_IOC_NR(9)	/* no argument */
#define SEDA_IOC_LISTEN		SEDA_IOC_NR(10)	/* struct seda_listen_args */
#define SEDA_IOC_ADOPT		SEDA_IOC_NR(11)	/* struct seda_adopt_args */
#define SEDA_IOC_CONNECT	SEDA_IOC_NR(12)	/* struct seda_connect_args */
#define SEDA_IOC_WATCH		SEDA_IOC_NR(13)	/* struct seda_watch_args */
#define SEDA_IOC_TIMER		SEDA_IOC_NR(14)	/* struct seda_timer_args */
#define SEDA_IOC_POST		SEDA_IOC_NR(15)	/* struct seda_post_args */
#define SEDA_IOC_CLOSE		SEDA_IOC_NR(16)	/* struct seda_id_args */
#define SEDA_IOC_TO_FD		SEDA_IOC_NR(17)	/* struct seda_to_fd_args */
#define SEDA_IOC_SOURCE_INFO	SEDA_IOC_NR(18)	/* struct seda_source_info_args */
#define SEDA_IOC_ENTER		SEDA_IOC_NR(19)	/* struct seda_enter_args */
#define SEDA_IOC_FILE		SEDA_IOC_NR(20)	/* struct seda_file_args */

#endif /* _UAPI_LINUX_SEDA_H */

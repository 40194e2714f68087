/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a worker submits to /dev/seda with ENTER; see <linux/seda.h>.
 */
#ifndef _UAPI_LINUX_SEDA_OP_H
#define _UAPI_LINUX_SEDA_OP_H

#include <linux/types.h>

/*
 * An Internet address.  port and addr are in network order; an IPv4 address
 * is the first four bytes of addr, the rest is zero.
 */
struct seda_addr {
	__u16 family;		/* AF_INET, AF_INET6, or AF_UNSPEC: none */
	__u16 port;
	__u32 scope_id;
	__u8 addr[16];
};

/* Operations; seda_op.op. */
enum seda_op_code {
	SEDA_OP_NOP,
	SEDA_OP_SEND,
	SEDA_OP_RECV,
	SEDA_OP_SHUTDOWN,
	SEDA_OP_CLOSE,
	SEDA_OP_CANCEL,
	SEDA_OP_ARM,
	SEDA_OP_DISARM,
	SEDA_OP_RELEASE,
	SEDA_OP_RETURN,
	SEDA_OP_SET_DATA,
	SEDA_OP_POST,
	SEDA_OP_TAKE,
	SEDA_OP_READ,
	SEDA_OP_WRITE,
	SEDA_OP_SYNC,
	SEDA_OP_ADVISE,
	SEDA_OP_RESIDENT,
	SEDA_OP_SENDFILE,
	SEDA_OP_LAST		/* private */
};

/*
 * One op, 64 bytes, written by the worker.  The kernel copies it once, runs
 * it and writes res.  Fields an op does not use must be 0 (a SEND's buf, too,
 * without SEDA_SEND_BUF), otherwise -EINVAL.  An unknown op is -EOPNOTSUPP.
 *
 * NOP       res 0.
 * SEND      to a connection: len bytes at addr, or, with SEDA_SEND_VEC, len
 *           segments of struct seda_vec at addr.  res: the bytes sent when it
 *           finished at once; -EINPROGRESS when it did not: it goes on as
 *           room appears, the memory (the vector's own, too) is the kernel's
 *           until a SENT event whose done is this op's user_data, or one
 *           after it.  Sends are done in submission order; unfinished ones rest
 *           while the source is owned or held.  With SEDA_SEND_BUF the memory
 *           lies in receive buffer buf, kept from reuse until it is finished.
 *           On a UDP socket: one datagram to "to" (AF_UNSPEC: the connected
 *           peer), never -EINPROGRESS; -EAGAIN when there is no room.
 *           -EPIPE after SHUTDOWN or when the peer is gone, -ENOTCONN while
 *           connecting, -EAGAIN with SEDA_MAX_SENDS unfinished,
 *           -EMSGSIZE past SEDA_MAX_VEC segments or SEDA_MAX_SEND_LEN bytes,
 *           -EFAULT for bad memory; others are those of sendmsg(2).  After an
 *           error a part may have been sent.
 * RECV      from a connection that the application owns: up to len bytes to
 *           addr.  res: bytes, 0 at end of stream, -EAGAIN when there are
 *           none, -EBUSY when the source is not owned.
 * SHUTDOWN  sends the FIN after earlier sends (-EINPROGRESS); errors as of SEND.
 * CLOSE     ends any kind of source.  A connection without a descriptor is
 *           closed after its unfinished sends; a descriptor that was adopted
 *           stays open and is only let go.  CLOSED follows.  Flags:
 *           SEDA_CLOSE_ABORT drops unfinished sends and resets the
 *           connection; SEDA_CLOSE_QUIET, for a source that this worker's
 *           last batch owns, or that is held, ends it at once with res 0 and
 *           no CLOSED event (-EBUSY when neither; with unfinished sends and
 *           no ABORT -EINPROGRESS, and CLOSED follows).  -EALREADY when
 *           closing; ABORT may follow a CLOSE that is -EINPROGRESS.
 * CANCEL    drops the unfinished sends of a connection (CANCELED follows, or, if
 *           a CLOSE waited, CLOSED; one that was sent in part is dropped, too, so
 *           that the stream is broken, and SENDs are -EPIPE: close it), or a connect
 *           (CONNECT with -ECANCELED follows, or what it ended with before).
 *           res: how many; -EALREADY for a connect that was canceled or failed.
 *           Of a file: its ops that have not begun, or, with SEDA_CANCEL_ONE,
 *           those of this user_data; each has a DONE event with -ECANCELED.
 * ARM       a connection, a UDP socket: resume receiving.  A listener: resume
 *           accepting.  A watched file: addr is the new mask, 0: the old one.
 *           A timer: first_ns from now, period_ns.
 * DISARM    a connection, a UDP socket: stop receiving (back-pressure to the
 *           peer).  A listener: stop accepting.  A watched file, a timer: no
 *           more events until ARM.
 * RELEASE   gives up the ownership of a held source.  -EBUSY if not held.
 * RETURN    gives back a kept buffer buf.  -EINVAL if not the application's.
 * SET_DATA  sets the user_data of source.
 * POST      as SEDA_IOC_POST: source is the stage id, addr the value.
 *
 * TAKE      a free buffer becomes the application's, as if it had been kept: res is
 *           its index; -ENOBUFS: there is none.
 *
 * OPS ON FILES (SEDA_IOC_FILE) begin at byte "offset" of the file.  What can be
 * done without waiting is done: res.  Else they wait in the file's miss stage,
 * and res is -EINPROGRESS: a DONE event of that stage follows, whose done is this
 * op's user_data, and whose res is what the op's would have been.  -EBUSY: as many
 * as the stage's capacity wait there or have not been harvested.  With
 * SEDA_IO_NOWAIT an op that would have to wait is -EAGAIN instead.  They are done
 * with the rights of the caller, in no order.  -EALREADY after CLOSE.
 *
 * READ, WRITE
 *           len bytes, in buffer buf from its byte addr on, or, with SEDA_IO_VEC,
 *           len segments of struct seda_seg at addr.  -EMSGSIZE past SEDA_MAX_VEC or
 *           SEDA_MAX_IO_LEN bytes.
 *           The buffers have to be the application's (-EINVAL), and are kept from
 *           reuse until it is done.  res: bytes, fewer at the end of the file only,
 *           or if there was an error behind them.  -EBADF: not open for that.
 *           What is read from the page cache is done at once, if the file system
 *           can tell (FMODE_NOWAIT; FUSE and older tmpfs cannot); writes wait,
 *           and are -EFBIG past the caller's RLIMIT_FSIZE.
 *           A file opened with O_DIRECT wants what it wants of read(2).
 * SYNC      len bytes (0: all that follow), as fsync(2), or, with SEDA_SYNC_DATA, as
 *           fdatasync(2).
 * ADVISE    len bytes (0: all that follow) will be needed, or, with
 *           SEDA_ADVISE_DROP, will not.
 * RESIDENT  res: how many of len bytes, from the first on, are in memory.
 *           (0: the file has no page cache.)  -EBADF: not open for reading;
 *           -EPERM: as mincore(2), which tells only who may write the file.
 *
 * SENDFILE  to the connection "source": len bytes of the file "file" (the id of its
 *           source), straight from the page cache.  As SEND, and in order with
 *           SENDs; what is not in memory is read first, which counts as a miss
 *           and can be -EBUSY when the op begins (not in the midst of it).  With
 *           SEDA_IO_NOWAIT -EAGAIN unless all of it is in memory.  -ENODATA: the
 *           file has no len bytes from there on.  When it becomes shorter, or
 *           cannot be read (-EIO), the connection has ERR | CANCELED; so it has
 *           where reading leaves nothing in memory (DAX, holes of tmpfs).  Reads
 *           are done in the name of the worker whose ENTER finds what is missing.
 *
 * An op that does not suit the kind of its source is -EOPNOTSUPP.
 */
struct seda_op {
	__u8 op;
	__u8 pad;
	__u16 flags;
	__s32 res;		/* out */
	__u64 source;
	__u64 user_data;
	__u64 addr;
	__u32 len;
	__u32 buf;
	union {
		struct {
			__u64 first_ns;
			__u64 period_ns;
			__u64 reserved;
		};
		struct seda_addr to;
		struct {
			__u64 offset;
			__u64 file;
		};
	};
};

#define SEDA_SEND_VEC		(1U << 0)
#define SEDA_SEND_BUF		(1U << 1)
#define SEDA_SEND_MORE		(1U << 2)	/* as MSG_MORE */
#define SEDA_CLOSE_ABORT	(1U << 0)
#define SEDA_CLOSE_QUIET	(1U << 1)

#define SEDA_CANCEL_ONE		(1U << 0)
#define SEDA_IO_VEC		(1U << 0)
#define SEDA_IO_NOWAIT		(1U << 1)
/* SENDFILE: SEDA_IO_NOWAIT | SEDA_SEND_MORE */
#define SEDA_SYNC_DATA		(1U << 2)
#define SEDA_ADVISE_DROP	(1U << 2)

struct seda_vec {
	__u64 addr;
	__u64 len;
};

/* Part of a buffer: len bytes from its byte skip on. */
struct seda_seg {
	__u32 buf;
	__u32 skip;
	__u32 len;
	__u32 pad;
};

#endif /* _UAPI_LINUX_SEDA_OP_H */

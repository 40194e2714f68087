/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sedak/conn.h - listeners, connections and their buffers
 *
 * A part of sedak.h, which says what holds throughout; include that.
 */
#ifndef SEDAK_CONN_H
#define SEDAK_CONN_H

#ifndef SEDAK_H
#error "include <sedak.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------- listeners */

#define SEDAK_LISTEN_REUSEPORT	(1u << 0)	/* SO_REUSEPORT */
#define SEDAK_LISTEN_V6ONLY	(1u << 1)	/* IPV6_V6ONLY, else "::" takes both */
#define SEDAK_LISTEN_FD		(1u << 2)	/* take .fd, a listening TCP socket */

/**
 * struct sedak_listen_opts - options of sedak_listen(); zero is the default
 * @size:	sizeof(struct sedak_listen_opts)
 * @host:	numeric IPv4 or IPv6 address; NULL: any, of both families where
 *		the machine has IPv6
 * @port:	0: the system chooses, see sedak_listener_addr()
 * @backlog:	length of the kernel's queue of waiting connections
 * @flags:	SEDAK_LISTEN_*
 * @fd:		with SEDAK_LISTEN_FD: a listening socket, the library's from then on
 * @stage:	gets the ACCEPT events, required
 * @conn_stage:	gets the events of the new connections, NULL: @stage
 * @user:	user pointer of the listener
 */
struct sedak_listen_opts {
	size_t size;
	const char *host;
	uint16_t port;
	int backlog;
	unsigned int flags;
	int fd;
	struct sedak_stage *stage;
	struct sedak_stage *conn_stage;
	void *user;
};

/**
 * sedak_listen - accept TCP connections for a stage
 * @opts:	options; not kept
 * @lp:		receives the listener; sedak_listener_close(), sedak_rt_drain() or
 *		the runtime's end closes it.  The handle lives as long as the
 *		runtime.  May be NULL.
 *
 * SO_REUSEADDR is set, and TCP_NODELAY on every connection.  When the process
 * has no descriptor or memory left it logs that, pauses 100 ms and tries again.
 * Any thread.
 *
 * Return: 0; -EINVAL (@host is no numeric address, ...); -EADDRINUSE, -EACCES
 * and others of bind(2) and listen(2); -ENOMEM; -ESHUTDOWN.  On an error @fd
 * stays the caller's.
 */
SEDAK_API int sedak_listen(const struct sedak_listen_opts *opts,
			   struct sedak_listener **lp);

/**
 * sedak_listener_addr - the address it is bound to
 * @l:		the listener
 * @addr:	receives it
 * @len:	size of @addr, then the length used
 *
 * Any thread.  Return: 0; -EINVAL @len is too small.
 */
SEDAK_API int sedak_listener_addr(const struct sedak_listener *l,
				  struct sockaddr *addr, socklen_t *len);

/**
 * sedak_listener_pause, sedak_listener_resume - stop and go on accepting
 * @l:		the listener
 *
 * Meanwhile connections wait in the kernel's backlog; what a worker has already
 * accepted is still delivered.  Any thread.
 *
 * Return: 0; -ESTALE it is closed.
 */
SEDAK_API int sedak_listener_pause(struct sedak_listener *l);
SEDAK_API int sedak_listener_resume(struct sedak_listener *l);

/**
 * sedak_listener_close - accept no more
 * @l:		the listener
 *
 * What has been accepted may still be delivered.  Any thread.
 *
 * Return: 0; -ESTALE it was closed before.
 */
SEDAK_API int sedak_listener_close(struct sedak_listener *l);

/* ------------------------------------------------------------- connections */

/**
 * struct sedak_connect_opts - options of sedak_connect(); zero is the default
 * @size:	sizeof(struct sedak_connect_opts)
 * @host:	numeric IPv4 or IPv6 address, required
 * @port:	required
 * @timeout_ns:	give up after so long (-ETIMEDOUT); 0: the system's own limit
 * @stage:	gets the events, required
 * @user:	user pointer of the connection
 */
struct sedak_connect_opts {
	size_t size;
	const char *host;
	uint16_t port;
	uint64_t timeout_ns;
	struct sedak_stage *stage;
	void *user;
};

/**
 * sedak_connect - open a TCP connection
 * @opts:	options; not kept
 * @connp:	receives the connection, valid until CLOSED was handled, or NULL
 *
 * SEDAK_EV_CONNECT tells the outcome.  sedak_conn_abort() cancels (CONNECT with
 * -ECANCELED, then CLOSED).  What is sent before waits in the write queue.
 * Any thread.  Because the events may run before this function returns, what a
 * handler needs goes into @user.
 *
 * Return: 0; -EINVAL; -ENOMEM; -EMFILE; -ESHUTDOWN.  Other errors, even those
 * known at once, come as the event.
 */
SEDAK_API int sedak_connect(const struct sedak_connect_opts *opts,
			    struct sedak_conn **connp);

/**
 * sedak_conn_adopt - take over a connected stream socket
 * @stage:	gets the events
 * @fd:		a connected TCP socket; the library's from then on (not on error)
 * @user:	user pointer of the connection
 * @connp:	receives the connection, valid until CLOSED was handled, or NULL
 *
 * Any thread.  Return: 0; -EBADF; -ENOTSOCK; -EPROTONOSUPPORT not TCP;
 * -ENOTCONN; -ENOMEM; -ESHUTDOWN.
 */
SEDAK_API int sedak_conn_adopt(struct sedak_stage *stage, int fd, void *user,
			       struct sedak_conn **connp);

/*
 * Lifetime.  A connection is valid in the handlers of its own events, and until
 * the handler of SEDAK_EV_CLOSED has returned.  Who wants to use it elsewhere (in
 * another pool, say) takes a reference while it is valid.  With a reference every
 * function below is safe at any time; on a connection that is closed, being
 * closed or broken those that send return -EPIPE.
 *
 * Sends may come from any thread.  The library keeps one queue per connection,
 * in the order of the calls, and one writer at a time.  What handlers send is
 * submitted together when the worker has run its batch: a reply of several
 * pieces is one operation.
 */

/** sedak_conn_get - take a reference; returns @conn.  Any thread. */
SEDAK_API struct sedak_conn *sedak_conn_get(struct sedak_conn *conn);

/** sedak_conn_put - drop a reference.  Does not close.  Any thread. */
SEDAK_API void sedak_conn_put(struct sedak_conn *conn);

#define SEDAK_SEND_NOTIFY	(1u << 0)	/* SEDAK_EV_SENT when this is sent */

/**
 * sedak_conn_send - send a copy of some bytes
 * @conn:	the connection
 * @data:	the bytes, the caller's again when this returns
 * @len:	how many; 0 is allowed
 * @flags:	SEDAK_SEND_*
 *
 * Never blocks.  Any thread.
 *
 * Return: 0 accepted; 1 accepted, and the write queue is over its high mark: stop
 * until SEDAK_EV_SENT; -EPIPE closed, being closed, shut down or broken;
 * -ENOBUFS the queue would pass its limit, nothing was taken; -ENOMEM; -EINVAL.
 */
SEDAK_API int sedak_conn_send(struct sedak_conn *conn, const void *data,
			      size_t len, unsigned int flags);

/**
 * sedak_done_fn - the memory of a sedak_conn_sendv() is free again
 * @conn:	the connection, valid during the call
 * @arg:	as given
 * @res:	0 all was handed to TCP; -ECANCELED or another -errno: not all was
 *
 * Called exactly once for every accepted send, in order, by any worker, or by the
 * thread that stops the runtime; never at the same time as a handler of the
 * connection.  It may send and close, and must not block.
 */
typedef void (*sedak_done_fn)(struct sedak_conn *conn, void *arg, int res);

/**
 * sedak_conn_sendv - send the caller's memory without copying it
 * @conn:	the connection
 * @iov:	the pieces; the array itself is copied
 * @n:		how many, 0 to 1024 (IOV_MAX)
 * @flags:	SEDAK_SEND_*
 * @done:	called when the memory is free again; NULL: it never changes (a
 *		constant, or freed after the runtime)
 * @arg:	argument of @done
 *
 * Any thread.  Return: as sedak_conn_send(); on an error @done is not called.
 */
SEDAK_API int sedak_conn_sendv(struct sedak_conn *conn, const struct iovec *iov,
			       int n, unsigned int flags, sedak_done_fn done,
			       void *arg);

/**
 * sedak_conn_send_event - send received bytes on, in place
 * @conn:	where to; the event's connection (an echo) or another (a proxy)
 * @ev:		a DATA event, or the FILE event of a read, in its handler
 * @off:	first byte of it to send
 * @len:	how many
 * @flags:	SEDAK_SEND_*
 *
 * Nothing is copied: the receive buffer is kept until it is sent, and must not
 * be written to any more.  Of a cap of held buffers (half of them) past that the
 * bytes are copied.
 *
 * Return: as sedak_conn_send(); -EINVAL beyond the event's data.
 */
SEDAK_API int sedak_conn_send_event(struct sedak_conn *conn,
				    struct sedak_event *ev, size_t off,
				    size_t len, unsigned int flags);

/**
 * sedak_conn_send_buf - send bytes of a held buffer, in place
 * @conn:	the connection
 * @buf:	from sedak_buf_hold() or sedak_file_read(); the send takes a reference of
 *		its own
 * @off:	first byte
 * @len:	how many
 * @flags:	SEDAK_SEND_*
 *
 * Any thread.  The runtime of @conn, if it is another, must be stopped before that of
 * @buf is destroyed.  Return: as sedak_conn_send_event().
 */
SEDAK_API int sedak_conn_send_buf(struct sedak_conn *conn, struct sedak_buf *buf,
				  size_t off, size_t len, unsigned int flags);

/** sedak_conn_queued - bytes accepted and not yet handed to TCP.  Any thread. */
SEDAK_API size_t sedak_conn_queued(const struct sedak_conn *conn);

/**
 * sedak_conn_set_marks - bounds of the write queue, in bytes
 * @conn:	the connection
 * @low:	SEDAK_EV_SENT comes at this length, once it was over @high
 * @high:	over this length sends return 1, and the connection is not read
 * @max:	over this length sends are refused with -ENOBUFS
 *
 * 0 leaves one as it is.  Any thread.
 *
 * Return: 0; -EINVAL unless low <= high <= max.
 */
SEDAK_API int sedak_conn_set_marks(struct sedak_conn *conn, size_t low,
				   size_t high, size_t max);

/**
 * sedak_conn_pause, sedak_conn_resume - stop and go on reading
 * @conn:	the connection
 *
 * While it is paused data stays in the socket, so TCP slows the peer down.  In
 * the connection's handler no DATA and EOF follow a pause, beyond those of the
 * batch in hand; from elsewhere, or with several workers from the handling of an
 * ITEM or TIMEOUT, one more may be on its way.  Of a reset epoll tells
 * at once; the device not before a send fails or the connection is resumed.  Not
 * counted: one resume ends any number of pauses.  Any thread.
 *
 * Return: 0; -EPIPE.
 */
SEDAK_API int sedak_conn_pause(struct sedak_conn *conn);
SEDAK_API int sedak_conn_resume(struct sedak_conn *conn);

/**
 * sedak_conn_shutdown - send what is queued, then FIN; receiving goes on
 * @conn:	the connection
 *
 * Any thread.  Return: 0; -EPIPE.
 */
SEDAK_API int sedak_conn_shutdown(struct sedak_conn *conn);

/**
 * sedak_conn_close - send what is queued, then close
 * @conn:	the connection
 *
 * No DATA and EOF follow, except those of the batch in hand.  CLOSED comes when
 * the queue is sent or the connection breaks.  A peer that does not read makes
 * that wait: set sedak_conn_timeout(), which still works, and abort.  Any thread.
 *
 * Return: 0; -EPIPE it was closed or broken before.
 */
SEDAK_API int sedak_conn_close(struct sedak_conn *conn);

/**
 * sedak_conn_abort - drop what is queued and reset
 * @conn:	the connection
 *
 * CLOSED with -ECANCELED follows.  Also cancels a sedak_connect(), and a
 * sedak_conn_close() that waits.  Any thread.
 *
 * Return: 0; -EPIPE it is closed already.
 */
SEDAK_API int sedak_conn_abort(struct sedak_conn *conn);

/**
 * sedak_conn_post - give the connection's stage an item, in the order of its events
 * @conn:	the connection
 * @item:	anything, delivered as SEDAK_EV_ITEM with @conn set
 *
 * What another pool found out goes back to the connection so: its handler never
 * runs at the same time as another event of this connection.  Any thread.
 *
 * Return: 0, and it will be delivered before CLOSED; -EPIPE, it will not;
 * -ENOMEM.
 */
SEDAK_API int sedak_conn_post(struct sedak_conn *conn, void *item);

/**
 * sedak_conn_timeout - a timeout in the order of the connection's events
 * @conn:	the connection
 * @ns:		SEDAK_EV_TIMEOUT after so long, once; 0: none.  A new call
 *		replaces the former one.
 *
 * Cheap to move on: meant to be set anew at every request.  Resolution 1 ms.
 * Any thread.
 *
 * Return: 0; -EPIPE; -ENOMEM there is none.
 */
SEDAK_API int sedak_conn_timeout(struct sedak_conn *conn, uint64_t ns);

/** sedak_conn_user, sedak_conn_set_user - the user pointer.  Any thread. */
SEDAK_API void *sedak_conn_user(const struct sedak_conn *conn);
SEDAK_API void sedak_conn_set_user(struct sedak_conn *conn, void *user);

/**
 * sedak_conn_peer - the peer's address
 * @conn:	the connection
 *
 * Return: the address, valid as long as @conn; sa_family is AF_INET, AF_INET6, or
 * AF_UNSPEC if unknown.  Any thread.
 */
SEDAK_API const struct sockaddr *sedak_conn_peer(const struct sedak_conn *conn);

/** sedak_conn_stage - the stage that gets its events.  Any thread. */
SEDAK_API struct sedak_stage *sedak_conn_stage(const struct sedak_conn *conn);

/** sedak_conn_id - a number no other connection of the runtime ever has. */
SEDAK_API uint64_t sedak_conn_id(const struct sedak_conn *conn);

/* ---------------------------------------------------------------- buffers */

/**
 * sedak_buf_hold - keep received bytes after the handler
 * @ev:		a DATA, DATAGRAM or FILE event, in its handler
 * @bufp:	receives a buffer; sedak_buf_put() gives it back
 *
 * The bytes may move: use sedak_buf_data() from then on, not ev->data.  At most
 * half of the receive buffers are held; past that the bytes are copied into
 * memory of the size needed, so that slow clients cannot take them all.
 *
 * Return: 0; -EINVAL the event has no data; -ENOMEM.
 */
SEDAK_API int sedak_buf_hold(struct sedak_event *ev, struct sedak_buf **bufp);

/** sedak_buf_data, sedak_buf_len - its bytes.  Any thread. */
SEDAK_API void *sedak_buf_data(const struct sedak_buf *buf);
SEDAK_API size_t sedak_buf_len(const struct sedak_buf *buf);

/** sedak_buf_put - give it back.  Any thread. */
SEDAK_API void sedak_buf_put(struct sedak_buf *buf);

#ifdef __cplusplus
}
#endif

#endif /* SEDAK_CONN_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sedak/file.h - reading and writing files without waiting for the disk
 *
 * A part of sedak.h, which says what holds throughout; include that.
 *
 * What is in memory is a hit: the call does it at once and returns the result.
 * Else the call returns -EINPROGRESS and the operation goes on without the
 * worker; when it has ended, the file's stage gets SEDAK_EV_FILE.  So that stage
 * sees the misses alone.  It may have a pool and a priority of its own, and its
 * capacity is how many operations may be under way: past it they are refused,
 * before they cost anything, with -EBUSY.
 */
#ifndef SEDAK_FILE_H
#define SEDAK_FILE_H

#ifndef SEDAK_H
#error "include <sedak.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SEDAK_FILE_NOWAIT	(1u << 0)	/* of a read: only what is a hit */
#define SEDAK_FILE_DATA		(1u << 1)	/* of a sync: as fdatasync(2) */
#define SEDAK_FILE_DROP		(1u << 2)	/* of advice: not needed any more */

/**
 * sedak_file_open - operations on a file, for a stage
 * @stage:	gets the FILE events of what had to wait
 * @fd:		a regular file or a block device, opened for what is to be done; the
 *		library's from then on (not on error)
 * @user:	user pointer
 * @filep:	receives the file, which any pool of the runtime may use
 *
 * Any thread.
 *
 * Return: 0; -EBADF; -EINVAL another kind of file; -ENOMEM; -ENFILE the device has no
 * place (where max_conns is set: 1024 beside the connections); -ESHUTDOWN.
 */
SEDAK_API int sedak_file_open(struct sedak_stage *stage, int fd, void *user,
			      struct sedak_file **filep);

/**
 * sedak_file_close - no more operations
 * @file:	the file, or NULL; invalid afterwards, but for handlers of its events
 *
 * What is under way goes on: its events come, and what sedak_conn_sendfile() has
 * accepted is sent.  Then the descriptor is closed.  Any thread.
 */
SEDAK_API void sedak_file_close(struct sedak_file *file);

/*
 * The four operations are for handlers, of any stage of the runtime: to other threads
 * they are -EPERM.  (Post an item to a stage.)  They are done in no order: who needs
 * one waits for the event.  At sedak_rt_stop() what has not ended does so without an
 * event; it may have been done.
 *
 * @op is told by the event, as are @file, @user and @res, which is what the call
 * would have returned.
 */

/**
 * sedak_file_read - read a part of a file
 * @file:	the file
 * @offset:	first byte
 * @len:	how many, at most the runtime's buf_size
 * @flags:	SEDAK_FILE_NOWAIT or 0
 * @op:		the program's, for the event
 * @bufp:	receives a buffer with the bytes if the result is > 0, else NULL;
 *		sedak_buf_put() gives it back
 *
 * The bytes lie in a receive buffer, from where sedak_conn_send_buf() sends them in
 * place.  Those of an event are treated as received ones are: valid until the handler
 * returns, unless sedak_buf_hold() or sedak_conn_send_event() keeps them.
 *
 * Return: the bytes read, fewer than @len only at the end of the file or before what
 * cannot be read; -EINPROGRESS;
 * -EAGAIN it would have to wait, and was not to; -EBUSY the stage has its capacity
 * under way; -ENOBUFS half of the receive buffers are held; -EINVAL; -EBADF not open
 * for reading; -EPERM; -ESTALE it was closed; -ENOMEM; others of pread(2).
 */
SEDAK_API int sedak_file_read(struct sedak_file *file, uint64_t offset, size_t len,
			      unsigned int flags, void *op,
			      struct sedak_buf **bufp);

/**
 * sedak_file_write - write a copy of some bytes
 * @file:	the file
 * @offset:	where to
 * @data:	the bytes, the caller's again when this returns
 * @len:	how many, at most the runtime's buf_size
 * @op:		the program's, for the event
 *
 * Return: -EINPROGRESS, as a write always waits; errors as sedak_file_read().  The
 * event's @res is how many bytes were written, fewer than @len before an error only.
 */
SEDAK_API int sedak_file_write(struct sedak_file *file, uint64_t offset,
			       const void *data, size_t len, void *op);

/**
 * sedak_file_sync - what has been written is to be on the disk
 * @file:	the file
 * @flags:	SEDAK_FILE_DATA or 0: as fsync(2)
 * @op:		the program's, for the event
 *
 * Writes count whose events have come.
 *
 * Return: -EINPROGRESS; errors as sedak_file_read().
 */
SEDAK_API int sedak_file_sync(struct sedak_file *file, unsigned int flags, void *op);

/**
 * sedak_file_advise - a part will be needed soon, or not any more
 * @file:	the file
 * @offset:	first byte
 * @len:	how many, up to 1 GiB; 0: all that follow
 * @flags:	SEDAK_FILE_DROP or 0: read it into memory
 * @op:		the program's, for the event
 *
 * The event does not wait for what is read.
 *
 * Return: -EINPROGRESS; errors as sedak_file_read().
 */
SEDAK_API int sedak_file_advise(struct sedak_file *file, uint64_t offset, size_t len,
				unsigned int flags, void *op);

/**
 * sedak_conn_sendfile - send a part of a file
 * @conn:	the connection
 * @file:	the file, of the same runtime; the send takes a reference of its own
 * @offset:	first byte
 * @len:	how many, up to 1 GiB
 * @flags:	SEDAK_SEND_*
 *
 * In order with the other sends of the connection, and straight from the page cache;
 * what is not there is read as the peer takes it, without a worker that waits.  It
 * makes no FILE events and takes no place in the stage's capacity, as a connection
 * waits for one read at a time; who wants to admit by that reads the first bytes
 * with sedak_file_read().  In the write queue it counts as 4096 bytes, which is what it
 * costs, whatever its length.  When the file has fewer bytes (-ENODATA; -EIO if it
 * became shorter meanwhile) or cannot be read the connection breaks: SEDAK_EV_ERROR.
 * Any thread.
 *
 * Return: as sedak_conn_send(); -EBADF not open for reading; -EINVAL opened with
 * O_DIRECT; -ESTALE the file was closed.
 */
SEDAK_API int sedak_conn_sendfile(struct sedak_conn *conn, struct sedak_file *file,
				  uint64_t offset, size_t len, unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif /* SEDAK_FILE_H */

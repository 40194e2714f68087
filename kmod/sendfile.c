// SPDX-License-Identifier: GPL-2.0
/*
 * SENDFILE: pages of the page cache into a connection, in order with its other
 * sends (send.c).  What is not in memory is read by an item of the app's
 * workqueue, one at a time for a connection, and its send goes on when that is
 * told by SEDA_TCP_FILLED:
 *
 *   the reader                       who pumps, under tcp->lock
 *   ----------                       --------------------------
 *   fill_res, then FILLED            takes FILLED, then fill_res
 *   kicks the connection             else leaves the send as it is
 *
 * The kick leaves AGAIN behind if the connection is owned, and FILLED makes it
 * ready, whether or not there is room.  It may come before EPOLLOUT is in the mask,
 * without which sends are not pumped: seda_sendfile_wait() looks again.
 */
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <net/sock.h>

#include "compat.h"
#include "io.h"

/* Pages that are sent at once. */
#define SEDA_SEND_PAGES	16
/* What is read ahead of a send, at least as much as its readers do by themselves. */
#define SEDA_FILL_LEN	SZ_128K
/* Reads after which a page has still gone, until its send fails. */
#define SEDA_FILL_TRIES	16

static struct seda_tcp *to_tcp(struct seda_source *src)
{
	return container_of(src, struct seda_tcp, s.src);
}

/* By the reader; res: bytes, or why not. */
void seda_tcp_filled(struct seda_source *src, int res)
{
	struct seda_tcp *tcp = to_tcp(src);

	WRITE_ONCE(tcp->fill_res, res);
	/* pairs with the one of seda_fill_over() */
	smp_mb__before_atomic();
	set_bit(SEDA_TCP_FILLED, &src->flags);
	seda_source_kick(src, 0);
}

/* -EIOCBQUEUED: not yet. */
static int seda_fill_over(struct seda_tcp *tcp, const struct seda_send *s)
{
	bool ours = tcp->fill_for == s;
	int res;

	if (!tcp->filling)
		return 0;
	/* a full barrier, as it returns a value */
	if (!test_and_clear_bit(SEDA_TCP_FILLED, &tcp->s.src.flags))
		return -EIOCBQUEUED;
	res = READ_ONCE(tcp->fill_res);
	tcp->filling = false;
	tcp->fill_for = NULL;
	if (!ours || res > 0)
		return 0;
	/* the file has become shorter */
	return res ?: -EIO;
}

static int seda_fill_begin(struct seda_tcp *tcp, struct seda_send *s)
{
	size_t left = min_t(size_t, s->total - s->done, SEDA_FILL_LEN);
	bool first = !s->done && list_empty(&tcp->sends);
	u64 from = s->pos + s->done, to = from + left;
	int ret;

	if (++s->tries > SEDA_FILL_TRIES)
		return -EIO;
	/* all of a page that is there in part, or it would be read without becoming so */
	seda_folio_bounds(seda_disk_mapping(s->disk->file), &from, &to);
	ret = seda_io_fill(s->disk, &tcp->s.src, from, to - from, first);
	if (ret)
		return ret;
	tcp->filling = true;
	tcp->fill_for = s;
	return -EIOCBQUEUED;
}

/*
 * Up to max bytes of what is left of s, as far as it is in memory: 0: nothing is.
 * Others of the file may change them meanwhile, as with sendfile(2).
 */
static int seda_sendfile_some(struct seda_tcp *tcp, struct seda_send *s,
			      size_t max)
{
	struct address_space *mapping = seda_disk_mapping(s->disk->file);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL, ret;
	struct bio_vec bvec[SEDA_SEND_PAGES];
	u64 pos = s->pos + s->done;
	bool more = s->done + max < s->total;
	unsigned int n = 0, i;
	struct page *page;
	size_t len = 0;

	/* its last page would still be there, and zeros behind the end */
	if (s->pos + s->total > i_size_read(mapping->host))
		return -EIO;
	if (s->done + max == s->total)
		more = s->flags & SEDA_SEND_MORE;
	for (; n < SEDA_SEND_PAGES && len < max; n++) {
		page = seda_page_get(mapping, (pos + len) >> PAGE_SHIFT);
		if (!page)
			break;
		bvec[n].bv_page = page;
		bvec[n].bv_offset = offset_in_page(pos + len);
		bvec[n].bv_len = min_t(size_t, max - len,
				       PAGE_SIZE - bvec[n].bv_offset);
		len += bvec[n].bv_len;
	}
	if (!n)
		return 0;
	/* what has to wait for the disk holds up nothing that is there */
	if (len < max)
		more = seda_page_cached(mapping, (pos + len) >> PAGE_SHIFT);
	ret = seda_send_pages(tcp->s.sock, bvec, n, len,
			      more ? flags | MSG_MORE : flags);
	for (i = 0; i < n; i++)
		put_page(bvec[i].bv_page);
	/* kTLS: see seda_tcp_sendmsg() */
	if (ret == -EINTR)
		return -EAGAIN;
	return ret ?: -EIO;
}

/*
 * Sends what is left of s and takes it off *turn.  0: all is sent; -EAGAIN: no
 * room, or the others' turn; -EIOCBQUEUED: it is being read.
 */
int seda_sendfile_push(struct seda_tcp *tcp, struct seda_send *s, size_t *turn)
{
	int n = seda_fill_over(tcp, s);

	lockdep_assert_held(&tcp->lock);
	if (n)
		return n;
	if (s->ask) {
		s->ask = false;
		return seda_fill_begin(tcp, s);
	}
	while (s->done < s->total) {
		if (!*turn || fatal_signal_pending(current))
			return -EAGAIN;
		n = seda_sendfile_some(tcp, s, min(*turn, s->total - s->done));
		if (!n)
			return seda_fill_begin(tcp, s);
		if (n < 0)
			return n;
		s->tries = 0;
		s->done += n;
		*turn -= n;
		if (!list_empty(&tcp->sends))
			tcp->queued -= n;
	}
	return 0;
}

/* The first of the sends is queued as it is being read; that may be over already. */
void seda_sendfile_wait(struct seda_tcp *tcp)
{
	WRITE_ONCE(tcp->s.mask, tcp->s.mask | EPOLLOUT);
	/* the mask, then FILLED; who pumps: FILLED, as it was kicked, then the mask */
	smp_mb();
	if (test_bit(SEDA_TCP_FILLED, &tcp->s.src.flags))
		seda_source_kick(&tcp->s.src, 0);
}

/* It is finished or dropped. */
void seda_sendfile_done(struct seda_send *s)
{
	seda_disk_leave(s->disk);
	seda_source_put(&s->disk->src);
}

/*
 * May the caller read it?  Asked by a read at its end, of nothing, so that the
 * security hooks run, which modules cannot call.
 */
static int seda_sendfile_allowed(struct file *file)
{
	struct iov_iter iter;
	struct kiocb kiocb;
	ssize_t n;

	init_sync_kiocb(&kiocb, file);
	kiocb.ki_flags &= ~IOCB_DIRECT;
	kiocb.ki_flags |= IOCB_NOWAIT | IOCB_NOIO;
	kiocb.ki_pos = i_size_read(file->f_mapping->host);
	iov_iter_discard(&iter, READ, 1);
	n = vfs_iocb_iter_read(file, &kiocb, &iter);
	return n < 0 && n != -EAGAIN && n != -EOPNOTSUPP ? n : 0;
}

static int seda_sendfile_check(struct seda_disk *disk, const struct seda_op *op)
{
	struct file *file = disk->file;
	int ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (op->len > SEDA_MAX_SEND_LEN)
		return -EMSGSIZE;
	if (op->offset > LLONG_MAX - U32_MAX)
		return -EINVAL;
	if (op->offset + op->len > i_size_read(file->f_mapping->host))
		return -ENODATA;
	if (!op->len)
		return 0;
	if (!(file->f_mode & FMODE_NOWAIT))
		return op->flags & SEDA_IO_NOWAIT ? -EAGAIN : 0;
	if (op->flags & SEDA_IO_NOWAIT) {
		ret = seda_disk_resident(disk, op->offset, op->len);
		if (ret != op->len)
			return ret < 0 ? ret : -EAGAIN;
	}
	return seda_sendfile_allowed(file);
}

/* The SENDFILE op. */
int seda_tcp_sendfile(struct seda_worker *w, struct seda_source *src,
		      const struct seda_op *op)
{
	struct seda_disk *disk = seda_disk_get(w->app, op->file);
	struct seda_send s = {
		.user_data = op->user_data,
		.flags = op->flags & SEDA_SEND_MORE,
		.total = op->len,
		.disk = disk,
		.pos = op->offset,
	};
	int ret;

	if (IS_ERR_OR_NULL(disk))
		return disk ? PTR_ERR(disk) : -ESTALE;
	/* one that might wait even for an answer is asked by the reader */
	s.ask = !(disk->file->f_mode & FMODE_NOWAIT) && op->len;
	ret = seda_sendfile_check(disk, op);
	if (!ret)
		ret = seda_disk_enter(disk);
	if (ret) {
		seda_source_put(&disk->src);
		return ret;
	}
	ret = seda_tcp_submit(w, to_tcp(src), &s, NULL);
	/* else it is done with the queued send */
	if (ret != -EINPROGRESS)
		seda_sendfile_done(&s);
	return ret;
}

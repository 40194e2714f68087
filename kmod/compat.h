/* SPDX-License-Identifier: GPL-2.0 */
/* Every difference between kernel versions that the module knows of. */
#ifndef SEDA_COMPAT_H
#define SEDA_COMPAT_H

#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
#include <linux/uio.h>
#include <linux/version.h>
#include <net/af_unix.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma,
				vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/*
 * A reference that we gave back may have been the last, as another thread closed
 * the file meanwhile.  Then fput() leaves the end of it to the way to user mode,
 * for which it wakes nobody: a worker would park first, and the FIN and CLOSED
 * would wait as long as it does.  So it is told to go there.  (Work that an
 * interrupt adds just then ends a wait for nothing; and until the end of ENTER
 * other waits of it end, too, as FUSE's for a file's poll.)
 */
static inline void seda_notice_work(struct callback_head *before)
{
	if (unlikely(READ_ONCE(current->task_works) != before) &&
	    !(current->flags & PF_EXITING))
		set_thread_flag(TIF_NOTIFY_SIGNAL);
}

/* In a call, not in the app's release, which is such work itself. */
static inline void seda_fput(struct file *file)
{
	struct callback_head *works = READ_ONCE(current->task_works);

	fput(file);
	seda_notice_work(works);
}

/*
 * A reference to the file in *slot, or NULL when it is gone or going.  *slot
 * is cleared before the file is freed, so what is still there after the
 * reference was taken is the file that was meant.
 */
static inline struct file *seda_get_file(struct file **slot)
{
	struct file *file;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)

	rcu_read_lock(); /* [file-rcu] */
	file = READ_ONCE(*slot); /* [file-read] */
	if (file && !get_file_rcu(file)) /* [file-ref] */
		file = NULL;
	rcu_read_unlock(); /* [file-rcu-end] */
	if (file && READ_ONCE(*slot) != file) { /* [file-same] */
		seda_fput(file); /* [file-put] */
		file = NULL;
	}
#else
	struct callback_head *works = READ_ONCE(current->task_works);

	/* get_file_rcu() would spin until *slot changes */
	file = get_file_active(slot);
	seda_notice_work(works);
#endif
	return file;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

/* What kernel_bind() and kernel_connect() take; an address of any family. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define seda_sockaddr sockaddr
#else
#define seda_sockaddr sockaddr_unsized
#endif

/* Bytes that a Unix stream has to be read. */
static inline long seda_unix_inq(struct sock *sk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	return unix_inq_len(sk);
#else
	return READ_ONCE(unix_sk(sk)->inq_len);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
seda_hrtimer_setup(struct hrtimer *timer,
		   enum hrtimer_restart (*fn)(struct hrtimer *),
		   clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#else
#define seda_hrtimer_setup hrtimer_setup
#endif

/* vfs_iocb_iter_write(), which came to exclude a frozen file system by itself. */
static inline ssize_t seda_write_iter(struct file *file, struct kiocb *kiocb,
				      struct iov_iter *iter)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	ssize_t ret;

	file_start_write(file);
	ret = vfs_iocb_iter_write(file, kiocb, iter);
	file_end_write(file);
	return ret;
#else
	return vfs_iocb_iter_write(file, kiocb, iter);
#endif
}

/* A page of a file, with a reference, if it is in memory and can be read. */
static inline struct page *seda_page_get(struct address_space *mapping,
					 pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	struct page *page;

	/* NULL before 6.4 */
	if (IS_ERR_OR_NULL(folio))
		return NULL;
	page = folio_file_page(folio, index);
	if (folio_test_uptodate(folio) && !PageHWPoison(page))
		return page;
	folio_put(folio);
	return NULL;
}

/* Extends what is to be read to the folio that *from lies in, if there is one. */
static inline void seda_folio_bounds(struct address_space *mapping, u64 *from,
				     u64 *to)
{
	struct folio *folio = filemap_get_folio(mapping, *from >> PAGE_SHIFT);

	*from = round_down(*from, PAGE_SIZE);
	*to = round_up(*to, PAGE_SIZE);
	if (IS_ERR_OR_NULL(folio))
		return;
	*from = min_t(u64, *from, folio_pos(folio));
	*to = max_t(u64, *to, folio_pos(folio) + folio_size(folio));
	folio_put(folio);
}

/* As sendmsg(2) of n parts of pages, len bytes, which are not copied. */
static inline int seda_send_pages(struct socket *sock, struct bio_vec *bvec,
				  unsigned int n, size_t len, int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	int done = 0, ret;
	unsigned int i;

	for (i = 0; i < n; i++) {
		ret = kernel_sendpage(sock, bvec[i].bv_page, bvec[i].bv_offset,
				      bvec[i].bv_len, i + 1 < n ?
				      flags | MSG_MORE | MSG_SENDPAGE_NOTLAST :
				      flags);
		if (ret < 0)
			return done ?: ret;
		done += ret;
		if (ret < bvec[i].bv_len)
			break;
	}
	return done;
#else
	struct msghdr msg = { .msg_flags = flags | MSG_SPLICE_PAGES };

	iov_iter_bvec(&msg.msg_iter, WRITE, bvec, n, len);
	return sock_sendmsg(sock, &msg);
#endif
}

#endif /* SEDA_COMPAT_H */

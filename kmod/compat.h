/* SPDX-License-Identifier: GPL-2.0 */
/* Every difference between kernel versions that the module knows of. */
#ifndef SEDA_COMPAT_H
#define SEDA_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
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

#endif /* SEDA_COMPAT_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/seda as a file.  An open is an app; it ends with the last descriptor
 * and the last mapping, as each mapping holds the file.
 */
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "compat.h"
#include "seda.h"

static int seda_open(struct inode *inode, struct file *file)
{
	struct seda_app *app = seda_app_open();

	if (IS_ERR(app))
		return PTR_ERR(app);
	file->private_data = app;
	return nonseekable_open(inode, file);
}

static int seda_release(struct inode *inode, struct file *file)
{
	seda_app_release(file->private_data);
	return 0;
}

/*
 * Also when the owner ends, after its mm_users fell to zero by a full barrier:
 * whoever else polls the descriptor is told (pairs with the one in seda_poll()).
 */
static void seda_vma_close(struct vm_area_struct *vma)
{
	struct seda_app *app = vma->vm_file->private_data;

	if (seda_app_is_orphan(app))
		seda_app_poke(app);
}

static const struct vm_operations_struct seda_vm_ops = {
	.close = seda_vma_close,
};

static int seda_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct seda_app *app = file->private_data;
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if (!seda_app_is_ready(app))
		return -EBADFD;
	if (current->mm != app->mm)
		return -EPERM;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vma->vm_ops = &seda_vm_ops;
	/* a child has no use of it, and growing has no meaning */
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, 0);
	if (off == SEDA_MMAP_ARENA)
		return seda_region_map(&app->arena, vma);
	if (off != SEDA_MMAP_COUNTERS)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vm_flags_mod(vma, 0, VM_MAYWRITE);
	return seda_region_map(&app->counters, vma);
}

static __poll_t seda_poll(struct file *file, poll_table *pt)
{
	struct seda_app *app = file->private_data;
	bool work;

	/* epoll offers its queue only once, maybe before SETUP */
	poll_wait(file, &app->wait, pt); /* [poll-wait] */
	if (!seda_app_is_ready(app))
		return EPOLLERR;
	/* pairs with the barrier of linking, before seda_app_poke() */
	smp_mb(); /* [poll-barrier] */
	if (seda_app_is_orphan(app))
		return EPOLLERR | EPOLLHUP;
	work = seda_app_has_work(app); /* [poll-work] */
	return work ? EPOLLIN | EPOLLRDNORM : 0;
}

static long seda_compat_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	return seda_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}

const struct file_operations seda_fops = {
	.owner = THIS_MODULE,
	.open = seda_open,
	.release = seda_release,
	.mmap = seda_mmap,
	.poll = seda_poll,
	.unlocked_ioctl = seda_ioctl,
	.compat_ioctl = seda_compat_ioctl,
	.show_fdinfo = seda_show_fdinfo,
};

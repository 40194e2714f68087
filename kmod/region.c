// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that kernel and application both map: single pages, charged to the
 * memory cgroup, contiguous in the kernel by vmap.  A mapping holds both the
 * device file and the pages, so nothing can outlive what it needs.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "seda.h"

int seda_region_alloc(struct seda_region *r, unsigned long size)
{
	unsigned long nr = PAGE_ALIGN(size) >> PAGE_SHIFT;

	r->pages = kvcalloc(nr, sizeof(*r->pages), GFP_KERNEL_ACCOUNT);
	if (!r->pages)
		return -ENOMEM;
	for (r->nr_pages = 0; r->nr_pages < nr; r->nr_pages++) {
		struct page *page;

		if (fatal_signal_pending(current))
			goto err;
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				  __GFP_NOWARN);
		if (!page)
			goto err;
		r->pages[r->nr_pages] = page;
		cond_resched();
	}
	r->addr = vmap(r->pages, nr, VM_MAP, PAGE_KERNEL);
	if (r->addr)
		return 0;
err:
	seda_region_free(r);
	return -ENOMEM;
}

void seda_region_free(struct seda_region *r)
{
	if (!r->pages)
		return;
	if (r->addr)
		vunmap(r->addr);
	while (r->nr_pages)
		put_page(r->pages[--r->nr_pages]);
	kvfree(r->pages);
	r->pages = NULL;
	r->addr = NULL;
}

/* The whole region or a prefix of it. */
int seda_region_map(struct seda_region *r, struct vm_area_struct *vma)
{
	unsigned long nr = vma_pages(vma);

	if (nr > r->nr_pages)
		return -EINVAL;
	return vm_insert_pages(vma, vma->vm_start, r->pages, &nr);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs with memory and numbers.  Most only read where they must not, so that
 * one guest survives them all, one after the other.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bugs.h"

/* What the compiler knows nothing about. */
#define HIDDEN(x) ({							\
	typeof(x) hidden = (x);						\
	OPTIMIZER_HIDE_VAR(hidden);					\
	hidden;								\
})

static void peek(const char *at)
{
	READ_ONCE(*HIDDEN(at));
}

static void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(HIDDEN(p));
	OPTIMIZER_HIDE_VAR(p);
	peek(p + 8);
}

static void double_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	kfree(HIDDEN(p));
	kfree(HIDDEN(p));
}

static void slab_overrun(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	if (p)
		WRITE_ONCE(*HIDDEN(p + 104), 1);
	kfree(p);
}

static void stack_overrun(void)
{
	char array[16] = "";

	OPTIMIZER_HIDE_VAR(array[0]);
	peek(HIDDEN(&array[0]) + HIDDEN(sizeof(array)));
}

static char global[20];

static void global_overrun(void)
{
	peek(HIDDEN(&global[0]) + HIDDEN(sizeof(global) + 4));
}

/* On a page that is there: no fault would tell. */
static void vmalloc_overrun(void)
{
	char *p = vmalloc(PAGE_SIZE - 64);

	if (p)
		peek(p + HIDDEN(PAGE_SIZE - 32));
	vfree(p);
}

static void page_use_after_free(void)
{
	unsigned long page = __get_free_page(GFP_KERNEL);

	free_page(HIDDEN(page));
	peek((char *)page);
}

static void array_bounds(void)
{
	struct {
		int array[4];
		int after[4];
	} s = { };

	READ_ONCE(s.array[HIDDEN(5)]);
}

static void bad_shift(void)
{
	HIDDEN(1 << HIDDEN(40));
}

static void list_corruption(void)
{
	LIST_HEAD(list);
	LIST_HEAD(stranger);
	struct list_head item;

	list_add(&item, &list);
	list.next = &stranger;
	list_del(&item);
}

static void refcount_underflow(void)
{
	refcount_t ref = REFCOUNT_INIT(0);

	if (refcount_dec_and_test(&ref))
		pr_info("no use is left\n");
}

static void refcount_resurrected(void)
{
	refcount_t ref = REFCOUNT_INIT(0);

	refcount_inc(&ref);
}

static void refcount_saturation(void)
{
	refcount_t ref = REFCOUNT_INIT(INT_MAX);

	refcount_inc(&ref);
}

/* Several: on a stack or in a register an old pointer may keep one. */
static void leak(void)
{
	int i;

	for (i = 0; i < 10; i++)
		HIDDEN(kmalloc(200, GFP_KERNEL));
}

static void warn(void)
{
	WARN_ON(HIDDEN(1));
}

static void null_pointer(void)
{
	peek(HIDDEN((char *)NULL) + 8);
}

const struct seda_bug seda_memory_bugs[] = {
	{ "use_after_free", use_after_free },
	{ "double_free", double_free },
	{ "slab_overrun", slab_overrun },
	{ "stack_overrun", stack_overrun },
	{ "global_overrun", global_overrun },
	{ "vmalloc_overrun", vmalloc_overrun },
	{ "page_use_after_free", page_use_after_free },
	{ "array_bounds", array_bounds },
	{ "bad_shift", bad_shift },
	{ "list_corruption", list_corruption },
	{ "refcount_underflow", refcount_underflow },
	{ "refcount_resurrected", refcount_resurrected },
	{ "refcount_saturation", refcount_saturation },
	{ "leak", leak },
	{ "warn", warn },
	{ "null_pointer", null_pointer },
	{ }
};

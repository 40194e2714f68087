// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --append init_on_alloc=0
 *
 * What the kernel shows of itself: its memory is zero when an app gets it, and
 * no address of the kernel is in it, nor in what is to be read about the app.
 */
#include <kselftest_harness.h>

#include <glob.h>

#include "tests/lib/memcg.h"
#include "tests/lib/stages.h"

#define DIRTY	(256 << 20)

/* Most of the free memory is not zero afterwards. */
static void soil(void)
{
	char *p = mmap(NULL, DIRTY, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	memset(p, 0xff, DIRTY);
	munmap(p, DIRTY);
}

TEST(fresh_memory_is_zero)
{
	struct app app;
	size_t i;
	int n;

	soil();
	for (n = 0; n < 3; n++) {
		ASSERT_EQ(0, app_open(&app, NULL));
		for (i = 0; i < app.setup.arena_size; i += 8)
			ASSERT_EQ(0, *(uint64_t *)(app.arena + i));
		memset(app.arena, 0xff, app.setup.arena_size);
		app_close(&app);
	}
}

/* An address of the kernel on x86-64, and not two numbers, one an error. */
static bool is_address(uint64_t word)
{
	uint32_t high = word >> 32, low = word;

	if (high == 0xffffffff)
		return low >= 0x80000000 && low < 0xff000000;
	return high >= 0xffff8000 && high < 0xfffff000;
}

static uint64_t address_in(const void *memory, size_t size)
{
	const uint64_t *word = memory;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (is_address(word[i]))
			return word[i];
	return 0;
}

static uint64_t address_in_text(const char *text)
{
	const char *p;
	uint64_t word;

	for (p = text; (p = strstr(p, "ffff")); p += 4) {
		word = strtoull(p, NULL, 16);
		if (is_address(word))
			return word;
	}
	return 0;
}

/* In a child; 0, or the line. */
static int shown_at(size_t stage)
{
	static struct life l;
	char pattern[64], text[65536];
	glob_t found;

	MUST(!life_stages[stage].set_up(&l));
	MUST(!address_in(l.r.app.arena, l.r.app.setup.arena_size));
	MUST(!address_in(l.r.app.counters, l.r.app.setup.counters_size));
	app_fdinfo(&l.r.app, text, sizeof(text));
	MUST(text[0] && !address_in_text(text));
	snprintf(pattern, sizeof(pattern),
		 "/sys/kernel/debug/seda/%d-*/sources", getpid());
	MUST(!glob(pattern, 0, NULL, &found) && found.gl_pathc == 1);
	MUST(!address_in_text(get_text(found.gl_pathv[0])));
	return 0;
}

TEST(no_address_is_shown)
{
	int status;
	size_t i;
	pid_t pid;

	for (i = 0; i < LIFE_STAGES; i++) {
		pid = fork();
		if (!pid)
			_exit(shown_at(i));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, WEXITSTATUS(status)) {
			TH_LOG("%s", life_stages[i].name);
		}
	}
	EXPECT_TRUE(await_gone());
}

TEST_HARNESS_MAIN

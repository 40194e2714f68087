// SPDX-License-Identifier: GPL-2.0
/*
 * sedahttpd: the cache keeps to its limit, drops the oldest use first, and never
 * frees what somebody holds.
 */
#include <pthread.h>

#include "kselftest_harness.h"
#include "tools/sedahttpd/cache.h"

static struct cache_entry *make(const char *path, size_t size, char fill)
{
	struct stat st = { .st_size = size, .st_ino = fill };
	struct cache_entry *entry;
	char *data;

	entry = cache_entry_create((struct str){ path, strlen(path) }, &st,
				   "text/plain", &data);
	memset(data, fill, size);
	return entry;
}

static void insert(struct cache *cache, const char *path, size_t size,
		   char fill)
{
	struct cache_entry *entry = make(path, size, fill);

	cache_insert(cache, entry, 1);
	cache_entry_put(entry);
}

static struct cache_entry *get(struct cache *cache, const char *path)
{
	return cache_get(cache, (struct str){ path, strlen(path) }, true);
}

static bool has(struct cache *cache, const char *path)
{
	struct cache_entry *entry = get(cache, path);

	if (entry)
		cache_entry_put(entry);
	return entry;
}

TEST(finds_what_was_put_in)
{
	struct cache *cache = cache_create(1 << 20);
	struct cache_entry *entry;

	EXPECT_FALSE(has(cache, "/a"));
	insert(cache, "/a", 100, 'a');
	insert(cache, "/ab", 100, 'b');
	entry = get(cache, "/a");
	ASSERT_NE(NULL, entry);
	EXPECT_EQ(100, entry->size);
	EXPECT_EQ('a', entry->data[99]);
	EXPECT_STREQ("/a", entry->path);
	cache_entry_put(entry);
	EXPECT_TRUE(has(cache, "/ab"));
	EXPECT_FALSE(has(cache, "/abc"));
	cache_destroy(cache);
}

TEST(a_new_entry_replaces_the_old)
{
	struct cache *cache = cache_create(1 << 20);
	struct cache_entry *old, *entry;
	struct cache_stats st;

	insert(cache, "/a", 100, 'x');
	old = get(cache, "/a");
	insert(cache, "/a", 200, 'y');
	entry = get(cache, "/a");
	EXPECT_EQ('y', entry->data[0]);
	/* Who holds the old one can go on. */
	EXPECT_EQ('x', old->data[99]);
	cache_read_stats(cache, &st);
	EXPECT_EQ(1, st.entries);
	cache_entry_put(old);
	cache_entry_put(entry);
	cache_destroy(cache);
}

TEST(the_limit_holds_and_the_oldest_go)
{
	struct cache *cache = cache_create(100000);
	struct cache_entry *held;
	struct cache_stats st;
	char path[32];
	int i;

	insert(cache, "/used", 9000, 'u');
	insert(cache, "/held", 9000, 'h');
	held = get(cache, "/held");
	for (i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		insert(cache, path, 9000, 'i');
		ASSERT_TRUE(has(cache, path));
		ASSERT_TRUE(has(cache, "/used"));
		cache_read_stats(cache, &st);
		ASSERT_LE(st.bytes, st.limit);
		ASSERT_LE(st.limit, 100000);
	}
	EXPECT_FALSE(has(cache, "/0"));
	EXPECT_FALSE(has(cache, "/held"));
	EXPECT_EQ('h', held->data[8999]);
	cache_entry_put(held);
	EXPECT_LT(980, st.evicted);
	cache_destroy(cache);
}

TEST(too_large_is_left_out)
{
	struct cache *cache = cache_create(1000);
	struct cache_stats st;

	insert(cache, "/large", 1000, 'l');
	EXPECT_FALSE(has(cache, "/large"));
	cache_read_stats(cache, &st);
	EXPECT_EQ(0, st.bytes);
	cache_destroy(cache);
	cache = cache_create(0);
	insert(cache, "/empty", 0, 'e');
	EXPECT_FALSE(has(cache, "/empty"));
	cache_destroy(cache);
}

TEST(removal)
{
	struct cache *cache = cache_create(1 << 20);
	struct cache_entry *entry;
	struct cache_stats st;

	insert(cache, "/a", 100, 'a');
	entry = get(cache, "/a");
	cache_remove(cache, entry);
	/* A second time does no harm. */
	cache_remove(cache, entry);
	EXPECT_FALSE(has(cache, "/a"));
	cache_entry_put(entry);
	cache_read_stats(cache, &st);
	EXPECT_EQ(0, st.bytes);
	EXPECT_EQ(0, st.entries);
	cache_destroy(cache);
}

TEST(changes_are_seen)
{
	struct stat st = { .st_size = 10, .st_ino = 'a' };
	struct cache_entry *entry = make("/a", 10, 'a');

	EXPECT_TRUE(cache_entry_matches(entry, &st));
	st.st_mtim.tv_nsec = 1;
	EXPECT_FALSE(cache_entry_matches(entry, &st));
	st.st_mtim.tv_nsec = 0;
	st.st_size = 11;
	EXPECT_FALSE(cache_entry_matches(entry, &st));
	st.st_size = 10;
	st.st_ino = 'b';
	EXPECT_FALSE(cache_entry_matches(entry, &st));
	cache_entry_put(entry);
}

#define THREADS	4
#define ROUNDS	20000

struct worker {
	struct cache *cache;
	unsigned int seed;
	bool good;
};

/* Every entry of a path is filled with that path's letter. */
static void *work(void *arg)
{
	struct worker *w = arg;
	char path[3] = "/x";
	int i;

	w->good = true;
	for (i = 0; i < ROUNDS; i++) {
		struct cache_entry *entry;

		w->seed = w->seed * 1664525 + 1013904223;
		path[1] = 'a' + (w->seed >> 24) % 20;
		entry = get(w->cache, path);
		if (!entry) {
			insert(w->cache, path, 1000 + i % 500, path[1]);
			continue;
		}
		if (entry->data[0] != path[1] ||
		    entry->data[entry->size - 1] != path[1])
			w->good = false;
		if (w->seed % 16 == 0)
			cache_remove(w->cache, entry);
		cache_entry_put(entry);
	}
	return NULL;
}

TEST(threads)
{
	/* Room for about half of the paths. */
	struct cache *cache = cache_create(15000);
	struct worker workers[THREADS];
	pthread_t thread[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ cache, i, false };
		pthread_create(&thread[i], NULL, work, &workers[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_TRUE(workers[i].good);
	}
	cache_destroy(cache);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hash table in shards, each with its lock, its list from the newest to the
 * oldest use and its part of the limit.  A linked entry holds one reference for
 * the table; readers take theirs under the lock, so the last one to drop is
 * alone with the entry and frees it without a lock.
 */
#include <pthread.h>
#include <stdlib.h>

#include "cache.h"

#define BUCKETS		1024
#define SHARDS_MAX	16
/* A shard smaller than this would refuse files of an ordinary size. */
#define SHARD_MIN	(4u << 20)
/* What a client that does not read can hold on to, whatever is evicted. */
#define OBJECT_MAX	(256u << 10)

struct cache_shard {
	pthread_mutex_t lock;
	struct cache_entry *buckets[BUCKETS];
	struct cache_entry *newest, *oldest;
	size_t bytes, limit;
	uint64_t entries, hits, misses, evicted;
};

struct cache {
	unsigned int count;
	atomic_ullong stale;
	struct cache_shard shards[];
};

/* FNV-1a: short keys, and an attacker can fill a bucket only with real files. */
static uint64_t hash_of(struct str s)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

static struct cache_shard *shard_of(struct cache *cache, uint64_t hash)
{
	return &cache->shards[hash / BUCKETS % cache->count];
}

struct cache *cache_create(size_t limit)
{
	unsigned int count = limit / SHARD_MIN, i;
	struct cache *cache;

	if (count < 1)
		count = 1;
	if (count > SHARDS_MAX)
		count = SHARDS_MAX;
	cache = calloc(1, sizeof(*cache) + count * sizeof(cache->shards[0]));
	if (!cache)
		return NULL;
	cache->count = count;
	for (i = 0; i < count; i++) {
		pthread_mutex_init(&cache->shards[i].lock, NULL);
		cache->shards[i].limit = limit / count;
	}
	return cache;
}

size_t cache_object_max(const struct cache *cache)
{
	size_t max = cache->shards[0].limit / 4;

	return max < OBJECT_MAX ? max : OBJECT_MAX;
}

static void list_add(struct cache_shard *shard, struct cache_entry *entry)
{
	entry->newer = NULL;
	entry->older = shard->newest;
	if (shard->newest)
		shard->newest->newer = entry;
	else
		shard->oldest = entry;
	shard->newest = entry;
}

static void list_del(struct cache_shard *shard, struct cache_entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		shard->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		shard->oldest = entry->newer;
}

static struct cache_entry **find(struct cache_shard *shard, uint64_t hash,
				 struct str path)
{
	struct cache_entry **p = &shard->buckets[hash % BUCKETS];

	while (*p && ((*p)->hash != hash || strlen((*p)->path) != path.n ||
		      memcmp((*p)->path, path.p, path.n)))
		p = &(*p)->chain;
	return p;
}

/* Takes *@p out of its chain and returns it; the caller drops the reference. */
static struct cache_entry *unlink_locked(struct cache_shard *shard,
					 struct cache_entry **p)
{
	struct cache_entry *entry = *p;

	*p = entry->chain;
	entry->linked = false;
	list_del(shard, entry);
	shard->bytes -= entry->cost;
	shard->entries--;
	return entry;
}

struct cache_entry *cache_get(struct cache *cache, struct str path, bool count)
{
	uint64_t hash = hash_of(path);
	struct cache_shard *shard = shard_of(cache, hash);
	struct cache_entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = *find(shard, hash, path);
	if (entry) {
		shard->hits += count;
		atomic_fetch_add_explicit(&entry->refs, 1,
					  memory_order_relaxed);
		if (shard->newest != entry) {
			list_del(shard, entry);
			list_add(shard, entry);
		}
	} else {
		shard->misses += count;
	}
	pthread_mutex_unlock(&shard->lock);
	return entry;
}

struct cache_entry *cache_entry_create(struct str path, const struct stat *st,
				       const char *type, char **data)
{
	size_t cost = sizeof(struct cache_entry) + path.n + 1 + st->st_size;
	struct cache_entry *entry = malloc(cost);
	char *tail = (char *)(entry + 1);

	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	atomic_init(&entry->refs, 1);
	entry->hash = hash_of(path);
	entry->cost = cost;
	entry->size = st->st_size;
	entry->dev = st->st_dev;
	entry->ino = st->st_ino;
	entry->mtime = st->st_mtim;
	validators_of(st, &entry->validators);
	entry->type = type;
	entry->data = tail;
	*data = tail;
	tail += st->st_size;
	memcpy(tail, path.p, path.n);
	tail[path.n] = '\0';
	entry->path = tail;
	return entry;
}

void cache_insert(struct cache *cache, struct cache_entry *entry,
		  uint64_t now_ns)
{
	struct cache_shard *shard = shard_of(cache, entry->hash);
	struct str path = { entry->path, strlen(entry->path) };
	struct cache_entry **p, *old, *drop = NULL;

	atomic_store(&entry->checked_ns, now_ns);
	if (entry->cost > shard->limit)
		return;
	pthread_mutex_lock(&shard->lock);
	p = find(shard, entry->hash, path);
	if (*p) {
		drop = unlink_locked(shard, p);
		drop->chain = NULL;
	}
	while (shard->bytes + entry->cost > shard->limit) {
		old = shard->oldest;
		p = &shard->buckets[old->hash % BUCKETS];
		while (*p != old)
			p = &(*p)->chain;
		unlink_locked(shard, p);
		old->chain = drop;
		drop = old;
		shard->evicted++;
	}
	p = &shard->buckets[entry->hash % BUCKETS];
	entry->chain = *p;
	*p = entry;
	entry->linked = true;
	entry->shard = shard;
	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
	list_add(shard, entry);
	shard->bytes += entry->cost;
	shard->entries++;
	pthread_mutex_unlock(&shard->lock);

	/* Unlinked ones are chained by a field nobody else reads any more. */
	while (drop) {
		old = drop;
		drop = old->chain;
		cache_entry_put(old);
	}
}

void cache_remove(struct cache *cache, struct cache_entry *entry)
{
	struct cache_shard *shard = shard_of(cache, entry->hash);
	struct cache_entry **p;
	bool ours;

	pthread_mutex_lock(&shard->lock);
	ours = entry->linked;
	if (ours) {
		p = &shard->buckets[entry->hash % BUCKETS];
		while (*p != entry)
			p = &(*p)->chain;
		unlink_locked(shard, p);
	}
	pthread_mutex_unlock(&shard->lock);
	if (ours)
		cache_entry_put(entry);
}

void cache_entry_put(struct cache_entry *entry)
{
	/* Release our reads of the entry; acquire those of all the others. */
	if (atomic_fetch_sub_explicit(&entry->refs, 1,
				      memory_order_acq_rel) == 1)
		free(entry);
}

bool cache_entry_matches(const struct cache_entry *entry,
			 const struct stat *st)
{
	return entry->size == (uint64_t)st->st_size &&
	       entry->dev == st->st_dev && entry->ino == st->st_ino &&
	       entry->mtime.tv_sec == st->st_mtim.tv_sec &&
	       entry->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

void cache_count_stale(struct cache *cache)
{
	atomic_fetch_add_explicit(&cache->stale, 1, memory_order_relaxed);
}

void cache_read_stats(struct cache *cache, struct cache_stats *stats)
{
	unsigned int i;

	memset(stats, 0, sizeof(*stats));
	stats->stale = atomic_load_explicit(&cache->stale,
					    memory_order_relaxed);
	for (i = 0; i < cache->count; i++) {
		struct cache_shard *shard = &cache->shards[i];

		pthread_mutex_lock(&shard->lock);
		stats->hits += shard->hits;
		stats->misses += shard->misses;
		stats->evicted += shard->evicted;
		stats->bytes += shard->bytes;
		stats->limit += shard->limit;
		stats->entries += shard->entries;
		pthread_mutex_unlock(&shard->lock);
	}
}

void cache_destroy(struct cache *cache)
{
	struct cache_entry *entry, *older;
	unsigned int i;

	for (i = 0; i < cache->count; i++) {
		for (entry = cache->shards[i].newest; entry; entry = older) {
			older = entry->older;
			cache_entry_put(entry);
		}
		pthread_mutex_destroy(&cache->shards[i].lock);
	}
	free(cache);
}

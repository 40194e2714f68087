/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files kept in memory, by request path.  Entries never change once they are
 * in: a file that changed gets a new entry, and responses under way keep a
 * reference to the old one.  Every call may come from any thread.
 */
#ifndef SEDAHTTPD_CACHE_H
#define SEDAHTTPD_CACHE_H

#include <stdatomic.h>
#include <stdint.h>

#include "cond.h"

struct cache_shard;

struct cache_entry {
	/* Protected by the shard's lock; the rest is constant. */
	struct cache_entry *chain, *newer, *older;
	bool linked;

	atomic_uint refs;
	atomic_ullong checked_ns;	/* when it last matched its file */
	atomic_bool checking;		/* somebody is at it */

	struct cache_shard *shard;
	uint64_t hash;
	size_t cost;			/* bytes that count against the limit */
	uint64_t size;
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	struct validators validators;
	const char *type;		/* of the media, a literal */
	const char *path;		/* both follow the entry in memory */
	const char *data;
};

struct cache_stats {
	uint64_t hits, misses, stale, evicted;
	uint64_t bytes, limit, entries;
};

struct cache;

/* A cache of at most @limit bytes, bookkeeping included.  NULL: no memory. */
struct cache *cache_create(size_t limit);
/* No reference may be held any more. */
void cache_destroy(struct cache *cache);

/* The largest file worth offering. */
size_t cache_object_max(const struct cache *cache);

/*
 * The entry for @path with a reference for the caller, or NULL.  @count says
 * whether this is a hit or a miss of a client.
 */
struct cache_entry *cache_get(struct cache *cache, struct str path, bool count);

/*
 * A new entry with one reference, for the caller, whose st->st_size bytes of
 * data the caller fills in through *@data before anybody else sees it.
 */
struct cache_entry *cache_entry_create(struct str path, const struct stat *st,
				       const char *type, char **data);

/*
 * Makes @entry findable, in place of any other of its path, and drops the oldest
 * ones over the limit.  An entry that is too large is left as it is.
 */
void cache_insert(struct cache *cache, struct cache_entry *entry,
		  uint64_t now_ns);

/* The entry can no longer be found; those who hold a reference keep it. */
void cache_remove(struct cache *cache, struct cache_entry *entry);

void cache_entry_put(struct cache_entry *entry);

/* Whether @st is still what the entry was made of. */
bool cache_entry_matches(const struct cache_entry *entry,
			 const struct stat *st);

/* Counted by the caller when it serves an entry that it could not check. */
void cache_count_stale(struct cache *cache);
void cache_read_stats(struct cache *cache, struct cache_stats *stats);

#endif

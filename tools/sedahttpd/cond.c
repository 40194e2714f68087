// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preconditions.  Entity tags may contain commas, so their lists are walked by
 * quotes.
 */
#include <stdio.h>

#include "cond.h"
#include "httpdate.h"

void validators_of(const struct stat *st, struct validators *v)
{
	snprintf(v->etag, sizeof(v->etag), "\"%llx-%llx-%llx\"",
		 (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_size,
		 (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL +
		 st->st_mtim.tv_nsec);
	v->mtime = st->st_mtim.tv_sec;
}

/* Takes the next entity tag, quotes included, off @list. */
static bool next_tag(struct str *list, struct str *tag, bool *weak)
{
	const char *end;

	while (list->n && (str_is_space(list->p[0]) || list->p[0] == ',')) {
		list->p++;
		list->n--;
	}
	*weak = list->n > 2 && list->p[0] == 'W' && list->p[1] == '/';
	if (*weak) {
		list->p += 2;
		list->n -= 2;
	}
	if (list->n < 2 || list->p[0] != '"')
		return false;
	end = memchr(list->p + 1, '"', list->n - 1);
	if (!end)
		return false;
	tag->p = list->p;
	tag->n = end + 1 - list->p;
	list->p += tag->n;
	list->n -= tag->n;
	return true;
}

static bool list_has(struct str list, const struct validators *v, bool strong)
{
	struct str ours = { v->etag, strlen(v->etag) };
	struct str tag;
	bool weak;

	if (str_eq(list, STR("*")))
		return true;
	while (next_tag(&list, &tag, &weak))
		if (str_eq(tag, ours) && !(strong && weak))
			return true;
	return false;
}

/* If-Match, or else If-Unmodified-Since: false is a 412. */
static bool may_act(const struct request *req, const struct validators *v,
		    time_t now)
{
	struct str since = req->field[FIELD_IF_UNMODIFIED_SINCE];
	time_t date;

	if (req->field[FIELD_IF_MATCH].p)
		return list_has(req->field[FIELD_IF_MATCH], v, true);
	if (!since.p)
		return true;
	date = httpdate_parse(since, now);
	return date < 0 || v->mtime <= date;
}

/* If-None-Match, or else If-Modified-Since: false is a 304. */
static bool is_news(const struct request *req, const struct validators *v,
		    time_t now)
{
	struct str since = req->field[FIELD_IF_MODIFIED_SINCE];
	time_t date;

	if (req->field[FIELD_IF_NONE_MATCH].p)
		return !list_has(req->field[FIELD_IF_NONE_MATCH], v, false);
	if (!since.p)
		return true;
	date = httpdate_parse(since, now);
	return date < 0 || v->mtime > date;
}

int cond_evaluate(const struct request *req, const struct validators *v,
		  time_t now)
{
	if (!may_act(req, v, now))
		return 412;
	return is_news(req, v, now) ? 200 : 304;
}

bool cond_range_applies(const struct request *req, const struct validators *v,
			time_t now)
{
	struct str value = req->field[FIELD_IF_RANGE];
	struct str ours = { v->etag, strlen(v->etag) };

	if (!value.p)
		return true;
	if (value.n && value.p[0] == '"')
		return str_eq(value, ours);
	/*
	 * A date is a strong validator only if the file did not change within
	 * the second that it names.
	 */
	return httpdate_parse(value, now) == v->mtime && v->mtime + 1 < now;
}

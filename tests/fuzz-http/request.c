// SPDX-License-Identifier: GPL-2.0
/*
 * A byte stream of requests, read as sedahttpd reads it: what is found, where and
 * with which status does not depend on how the stream was cut, and a head that
 * is accepted can be framed in one way only.
 *
 * The input: a byte that says how to cut, one that chooses the longest head, the
 * stream.
 */
#include "fuzz.h"
#include "tools/sedahttpd/request.h"

#define FOUND_MAX	64

/* One head, or what was refused. */
struct found {
	int status;
	size_t at, len;
	size_t target, target_len;
	struct request req;
};

struct reader {
	struct str stream;
	size_t max;
	size_t at;		/* where the head that is looked for starts */
	struct head_scan scan;
	bool over;		/* refused, or the last one */
	unsigned int n;
	struct found found[FOUND_MAX];
};

/* What a proxy that reads the fields by the letter makes of them. */
struct framing {
	unsigned int lengths, codings, hosts;
	uint64_t length;
};

static void add_field(struct framing *f, struct str line)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct str name = { line.p, 0 }, value;
	size_t i;

	REQUIRE(colon && colon > line.p);
	name.n = colon - line.p;
	value = str_trim((struct str){ colon + 1, line.n - name.n - 1 });
	if (str_caseeq(name, STR("Content-Length"))) {
		f->lengths++;
		f->length = 0;
		REQUIRE(value.n);
		for (i = 0; i < value.n; i++) {
			REQUIRE(str_is_digit(value.p[i]));
			REQUIRE(!__builtin_mul_overflow(f->length, 10, &f->length));
			REQUIRE(!__builtin_add_overflow(f->length, value.p[i] - '0',
							&f->length));
		}
	} else if (str_caseeq(name, STR("Transfer-Encoding"))) {
		f->codings++;
		REQUIRE(str_caseeq(value, STR("chunked")));
	} else if (str_caseeq(name, STR("Host"))) {
		f->hosts++;
	}
}

static void check_framing(struct str head, const struct request *req)
{
	struct framing f = { 0 };
	struct str line;
	bool fields = false;

	REQUIRE(!memchr(head.p, '\0', head.n));
	while (head.n) {
		line = take_line(&head);
		REQUIRE(line.n && line.p[line.n - 1] == '\r');
		line.n--;
		REQUIRE(!memchr(line.p, '\r', line.n));
		if (fields && !line.n)
			break;
		REQUIRE(!line.n || (line.p[0] != ' ' && line.p[0] != '\t'));
		if (fields)
			add_field(&f, line);
		fields = fields || line.n;
	}
	REQUIRE(fields && !head.n);
	REQUIRE(f.lengths + f.codings <= 1 && f.hosts <= 1);
	REQUIRE(req->body == f.length && req->chunked == f.codings);
	REQUIRE(req->minor ? f.hosts : !f.codings);
	REQUIRE(!req->chunked || !req->keep_alive);
}

static bool inside(struct str head, struct str s)
{
	return !s.p || (s.p >= head.p && s.n <= head.n &&
			s.p + s.n <= head.p + head.n);
}

static void check_accepted(struct str head, const struct request *req)
{
	struct str t = req->target;
	unsigned int i;

	REQUIRE(inside(head, req->line) && inside(head, t) && t.n);
	for (i = 0; i < FIELD_COUNT; i++)
		REQUIRE(inside(head, req->field[i]));
	for (i = 0; i < t.n; i++)
		REQUIRE(t.p[i] > ' ' && t.p[i] < 0x7f && t.p[i] != '#');
	REQUIRE(req->method == METHOD_OTHER || t.p[0] == '/' ||
		(req->method == METHOD_OPTIONS && str_eq(t, STR("*"))));
	check_framing(head, req);
}

/* The head of @len bytes is complete: the stream goes on after its body. */
static void take_head(struct reader *r, struct found *found, size_t len)
{
	struct str head = exact(r->stream.p + r->at, len);
	struct request *req = &found->req;
	uint64_t left;

	found->len = len;
	found->status = request_parse(req, &r->scan, head.p, head.n);
	if (!found->status)
		check_accepted(head, req);
	if (req->target.p) {
		found->target = req->target.p - head.p;
		found->target_len = req->target.n;
	}
	memset(&r->scan, 0, sizeof(r->scan));
	r->at += len;
	left = r->stream.n - r->at;
	r->over = found->status || !req->keep_alive || req->body > left;
	if (!r->over)
		r->at += req->body;
	drop(head);
}

/* The first @upto bytes of the stream have come. */
static void read_upto(struct reader *r, size_t upto)
{
	struct found *found;
	struct str in;
	long len;

	while (!r->over && r->at < upto && r->n < FOUND_MAX) {
		in = exact(r->stream.p + r->at, upto - r->at);
		len = head_scan(&r->scan, in.p, in.n, r->max);
		drop(in);
		if (!len)
			return;
		found = &r->found[r->n++];
		found->at = r->at;
		if (len > 0) {
			REQUIRE((size_t)len <= upto - r->at);
			take_head(r, found, len);
		} else {
			found->status = len;
			r->over = true;
		}
	}
}

static void check_same(const struct found *a, const struct found *b)
{
	REQUIRE(a->status == b->status);
	REQUIRE(a->at == b->at && a->len == b->len);
	REQUIRE(a->target == b->target && a->target_len == b->target_len);
	REQUIRE(a->req.method == b->req.method && a->req.body == b->req.body);
	REQUIRE(a->req.keep_alive == b->req.keep_alive);
	REQUIRE(a->req.expect_continue == b->req.expect_continue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t longest[] = { 64, 256, 1024, 16384 };
	static struct reader whole, pieces;
	struct str in = { (const char *)data, size };
	unsigned int seed = take_number(&in, 1), max = take_number(&in, 1);
	unsigned int most = seed % 8 ? 1 << (seed % 8) : 1, i;
	size_t upto = 0;

	memset(&whole, 0, sizeof(whole));
	whole.stream = in;
	whole.max = longest[max % 4];
	pieces = whole;
	read_upto(&whole, in.n);
	while (upto < in.n) {
		seed = seed * 1664525 + 1013904223;
		upto += 1 + (seed >> 16) % most;
		read_upto(&pieces, upto < in.n ? upto : in.n);
	}
	REQUIRE(whole.n == pieces.n);
	for (i = 0; i < whole.n; i++)
		check_same(&whole.found[i], &pieces.found[i]);
	return 0;
}

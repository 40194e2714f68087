// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two parsers look at a head: a scan of our own, that refuses everything two
 * implementations have ever understood differently (that is how requests are
 * smuggled past a proxy), then Debian's libhttp-parser, for the structure.
 */
#include <http_parser.h>

#include "request.h"

/* What a method or a field name may consist of (RFC 9110's tchar). */
static bool is_token_char(unsigned char c)
{
	return str_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && is_token_char(p[i]))
		i++;
	return i;
}

/* A request line has visible ASCII and spaces. */
static bool line_is_clean(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
			return false;
	return true;
}

/* A field has a name, a colon at once, and no control but the tab. */
static bool field_is_clean(const char *p, size_t n)
{
	size_t i = token_len(p, n);

	if (!i || i == n || p[i] != ':')
		return false;
	for (i++; i < n; i++) {
		unsigned char c = p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* One whole line @p of @n bytes without its CRLF.  1 at the head's end. */
static int scan_line(struct head_scan *scan, const char *p, size_t n,
		     size_t next)
{
	if (!scan->in_fields) {
		if (!n) {
			scan->start = next;
			return 0;
		}
		scan->in_fields = true;
		return line_is_clean(p, n) ? 0 : -400;
	}
	if (!n)
		return 1;
	if (++scan->fields > REQUEST_FIELDS_MAX)
		return -431;
	return field_is_clean(p, n) ? 0 : -400;
}

long head_scan(struct head_scan *scan, const char *buf, size_t len, size_t max)
{
	int verdict;

	while (scan->pos < len) {
		const char *from = buf + scan->pos;
		const char *lf = memchr(from, '\n', len - scan->pos);
		size_t end = lf ? (size_t)(lf - buf) : len;

		/* No need to wait for the line of a client that speaks TLS. */
		if (!scan->in_fields && buf[scan->line] != '\r' &&
		    !is_token_char(buf[scan->line]))
			return -400;
		if (end >= max)
			return scan->in_fields ? -431 : -414;
		scan->pos = lf ? end + 1 : len;
		if (!lf)
			break;
		if (end == scan->line || buf[end - 1] != '\r')
			return -400;
		verdict = scan_line(scan, buf + scan->line,
				    end - 1 - scan->line, scan->pos);
		if (verdict < 0)
			return verdict;
		scan->line = scan->pos;
		if (verdict)
			return scan->pos;
	}
	return 0;
}

static const struct {
	enum field id;
	struct str name;
} known_fields[] = {
	{ FIELD_HOST, { "Host", 4 } },
	{ FIELD_EXPECT, { "Expect", 6 } },
	{ FIELD_TRANSFER_ENCODING, { "Transfer-Encoding", 17 } },
	{ FIELD_RANGE, { "Range", 5 } },
	{ FIELD_IF_RANGE, { "If-Range", 8 } },
	{ FIELD_IF_MATCH, { "If-Match", 8 } },
	{ FIELD_IF_NONE_MATCH, { "If-None-Match", 13 } },
	{ FIELD_IF_MODIFIED_SINCE, { "If-Modified-Since", 17 } },
	{ FIELD_IF_UNMODIFIED_SINCE, { "If-Unmodified-Since", 19 } },
	{ FIELD_REFERER, { "Referer", 7 } },
	{ FIELD_USER_AGENT, { "User-Agent", 10 } },
};

/* What the callbacks of one run of the parser share. */
struct parse {
	struct request *req;
	int field;		/* that the next value belongs to, or -1 */
	bool repeated;
};

static int on_field(http_parser *parser, const char *at, size_t length)
{
	struct parse *parse = parser->data;
	struct str name = { at, length };
	size_t i;

	parse->field = -1;
	for (i = 0; i < ARRAY_SIZE(known_fields); i++)
		if (str_caseeq(name, known_fields[i].name))
			parse->field = known_fields[i].id;
	return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
	struct parse *parse = parser->data;
	struct str *value;

	if (parse->field < 0)
		return 0;
	/*
	 * None of these fields is sent twice by any client.  A repetition is
	 * refused rather than resolved: another server may pick the other one.
	 */
	value = &parse->req->field[parse->field];
	if (value->p)
		parse->repeated = true;
	*value = str_trim((struct str){ at, length });
	return 0;
}

static int on_headers_complete(http_parser *parser)
{
	(void)parser;
	/* 1: the body is not the parser's business, it is skipped elsewhere. */
	return 1;
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
};

/*
 * Splits "METHOD target HTTP/x.y".  Done before the library runs, which calls a
 * version or a method that it does not know simply bad.
 */
static int parse_line(struct request *req)
{
	struct str line = req->line;
	size_t method = token_len(line.p, line.n);
	const char *version;

	if (!method || line.n < method + 11 || line.p[method] != ' ')
		return -400;
	version = line.p + line.n - 8;
	if (version[-1] != ' ' || memcmp(version, "HTTP/", 5) ||
	    !str_is_digit(version[5]) || version[6] != '.' ||
	    !str_is_digit(version[7]))
		return -400;
	req->target.p = line.p + method + 1;
	req->target.n = line.n - method - 10;
	if (memchr(req->target.p, ' ', req->target.n) ||
	    memchr(req->target.p, '#', req->target.n))
		return -400;
	if (version[5] != '1')
		return -505;
	req->minor = version[7] - '0';
	return 0;
}

static enum method method_of(const http_parser *parser)
{
	switch (parser->method) {
	case HTTP_GET:
		return METHOD_GET;
	case HTTP_HEAD:
		return METHOD_HEAD;
	case HTTP_OPTIONS:
		return METHOD_OPTIONS;
	default:
		return METHOD_OTHER;
	}
}

/* RFC 3986's authority without a user: a name, an address in brackets, a port. */
static bool host_is_valid(struct str host)
{
	size_t i;

	for (i = 0; i < host.n; i++) {
		unsigned char c = host.p[i];

		if (!str_is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    !(c && strchr("-._~!$&'()*+,;=%:[]", c)))
			return false;
	}
	return true;
}

/* Reduces "http://host/path" to "/path"; the authority then is the host. */
static int parse_target(struct request *req, bool connect)
{
	struct str *target = &req->target;
	struct str scheme = STR("http://");
	struct str authority;
	const char *path;

	if (connect || target->p[0] == '/' ||
	    (target->n == 1 && target->p[0] == '*' &&
	     req->method == METHOD_OPTIONS))
		return 0;
	if (target->n <= scheme.n ||
	    strncasecmp(target->p, scheme.p, scheme.n))
		return -400;
	target->p += scheme.n;
	target->n -= scheme.n;
	path = memchr(target->p, '/', target->n);
	if (!path && memchr(target->p, '?', target->n))
		return -400;
	/* No user name: "http://known.example@other.example/" is to deceive. */
	authority = *target;
	if (path)
		authority.n = path - target->p;
	if (!host_is_valid(authority))
		return -400;
	if (!path) {
		/* The last slash of the scheme serves as the path. */
		target->p--;
		target->n = 1;
		return 0;
	}
	if (path == target->p)
		return -400;
	target->n -= path - target->p;
	target->p = path;
	return 0;
}

/* Only then can the end of the body be found at all. */
static bool ends_in_chunked(struct str codings)
{
	struct str coding, last = { NULL, 0 };

	while (str_next(&codings, &coding))
		if (coding.n)
			last = coding;
	return str_caseeq(last, STR("chunked"));
}

static int parse_body(struct request *req, const http_parser *parser)
{
	struct str coding = req->field[FIELD_TRANSFER_ENCODING];
	struct str expect = req->field[FIELD_EXPECT];

	if (coding.p) {
		if (!req->minor || parser->flags & F_CONTENTLENGTH ||
		    !ends_in_chunked(coding))
			return -400;
		if (!str_caseeq(coding, STR("chunked")))
			return -501;
		req->chunked = true;
	} else if (parser->flags & F_CONTENTLENGTH) {
		req->body = parser->content_length;
	}
	if (expect.p && req->minor) {
		if (!str_caseeq(expect, STR("100-continue")))
			return -417;
		req->expect_continue = req->body || req->chunked;
	}
	return 0;
}

static int parser_status(const http_parser *parser)
{
	switch (HTTP_PARSER_ERRNO(parser)) {
	case HPE_OK:
		return 0;
	case HPE_INVALID_METHOD:
		return -501;
	case HPE_INVALID_VERSION:
		return -505;
	case HPE_HEADER_OVERFLOW:
		return -431;
	default:
		return -400;
	}
}

int request_parse(struct request *req, const struct head_scan *scan,
		  const char *head, size_t len)
{
	struct parse parse = { .req = req, .field = -1 };
	http_parser parser;
	size_t used;
	int status;

	memset(req, 0, sizeof(*req));
	req->line.p = head + scan->start;
	req->line.n = (const char *)memchr(req->line.p, '\r',
					   len - scan->start) - req->line.p;
	status = parse_line(req);
	if (status)
		return status;

	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = &parse;
	used = http_parser_execute(&parser, &settings, head + scan->start,
				   len - scan->start);
	status = parser_status(&parser);
	if (status)
		return status;
	if ((used != len - scan->start && !parser.upgrade) || parse.repeated)
		return -400;

	req->method = method_of(&parser);
	req->keep_alive = http_should_keep_alive(&parser);
	status = parse_target(req, parser.method == HTTP_CONNECT);
	if (status)
		return status;
	if ((req->minor && !req->field[FIELD_HOST].p) ||
	    !host_is_valid(req->field[FIELD_HOST]))
		return -400;
	status = parse_body(req, &parser);
	if (req->chunked || parser.method == HTTP_CONNECT)
		req->keep_alive = false;
	return status;
}

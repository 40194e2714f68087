// SPDX-License-Identifier: GPL-2.0
/*
 * Programs as text: a line for each call, "THREAD[&] NAME ARGUMENT=VALUE ...",
 * where & says that the next call does not wait; arguments that are 0 are left
 * out.  A line that begins with # is a comment; an empty one ends the program.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>

#include "tests/fuzz/fuzz.h"

static const char arg_letter[NR_ARG_TYPES] = {
	[ARG_DEV] = 'd', [ARG_POOL] = 'p', [ARG_STAGE] = 'g',
	[ARG_WORKER] = 'w', [ARG_SOURCE] = 's', [ARG_FD] = 'f', [ARG_BUF] = 'b',
};

struct out {
	char *to;
	size_t size, len;
};

__attribute__((format(printf, 2, 3)))
static void put(struct out *o, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(o->to + o->len, o->size - o->len, format, list);
	va_end(list);
	if (n > 0)
		o->len += n;
	if (o->len >= o->size)
		o->len = o->size - 1;
}

static void put_call(struct out *o, const struct call *c)
{
	const struct call_type *t = &call_types[c->type];
	unsigned int i;

	put(o, "%u%s %s", c->thread, c->async ? "&" : "", t->name);
	for (i = 0; i < MAX_ARGS && t->arg[i].name; i++) {
		char letter = arg_letter[t->arg[i].type];

		if (letter)
			put(o, " %s=%c%" PRIu64, t->arg[i].name, letter, c->a[i]);
		else if (c->a[i] > 10000000)
			put(o, " %s=%#" PRIx64, t->arg[i].name, c->a[i]);
		else if (c->a[i])
			put(o, " %s=%" PRIu64, t->arg[i].name, c->a[i]);
	}
	put(o, "\n");
}

unsigned int text_print(const struct program *p, char *to, size_t size)
{
	struct out o = { .to = to, .size = size };
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		put_call(&o, &p->call[i]);
	return o.len;
}

static const struct call_type *find_type(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < nr_call_types; i++)
		if (strlen(call_types[i].name) == len &&
		    !memcmp(call_types[i].name, name, len))
			return &call_types[i];
	return NULL;
}

/* "NAME=VALUE" of len bytes. */
static int parse_arg(struct call *c, const char *s, size_t len)
{
	const struct call_type *t = &call_types[c->type];
	const char *value = memchr(s, '=', len);
	unsigned int i;

	if (!value)
		return -EINVAL;
	for (i = 0; i < MAX_ARGS && t->arg[i].name; i++) {
		size_t n = strlen(t->arg[i].name);

		if (n != (size_t)(value - s) || memcmp(s, t->arg[i].name, n))
			continue;
		value++;
		if (isalpha((unsigned char)*value))
			value++;
		c->a[i] = strtoull(value, NULL, 0);
		return 0;
	}
	return -EINVAL;
}

static int parse_line(struct call *c, const char *s, const char *end)
{
	const struct call_type *t;
	static const char stops[] = { ' ', '\n', 0 };
	size_t len;

	memset(c, 0, sizeof(*c));
	c->thread = (unsigned int)(*s++ - '0') % 10;
	if (*s == '&') {
		c->async = true;
		s++;
	}
	s += strspn(s, " ");
	len = strcspn(s, stops);
	t = find_type(s, len);
	if (!t || c->thread >= NR_THREADS)
		return -EINVAL;
	c->type = t - call_types;
	c->run = t->run;
	for (s += len; s < end && *s == ' '; s += len) {
		s += strspn(s, " ");
		len = strcspn(s, stops);
		if (len && parse_arg(c, s, len))
			return -EINVAL;
	}
	return 0;
}

/* The first program in text; *end is behind it.  1: there is none. */
int text_parse(struct program *p, const char *text, const char **end)
{
	const char *eol;

	p->nr = 0;
	for (; *text; text = *eol ? eol + 1 : eol) {
		eol = strchrnul(text, '\n');
		if (*text == '#')
			continue;
		if (eol == text) {
			if (p->nr)
				break;
			continue;
		}
		if (p->nr == MAX_CALLS || parse_line(&p->call[p->nr], text, eol)) {
			fprintf(stderr, "fuzz: cannot read: %.*s\n",
				(int)(eol - text), text);
			return -EINVAL;
		}
		p->nr++;
	}
	*end = text;
	return !p->nr;
}

/* The sources that a reproducer needs are linked in as they are. */
#define SOURCE(symbol, file)						\
	__asm__(".section .rodata\n"					\
		#symbol ": .incbin \"" file "\"\n.byte 0\n.previous\n")

SOURCE(text_box_h, "tests/fuzz/box.h");
SOURCE(text_box_c, "tests/fuzz/box.c");
SOURCE(text_calls_dev, "tests/fuzz/calls_dev.c");
SOURCE(text_calls_enter, "tests/fuzz/calls_enter.c");
SOURCE(text_calls_file, "tests/fuzz/calls_file.c");
SOURCE(text_calls_life, "tests/fuzz/calls_life.c");

static void print_source(const char *s)
{
	static const char ours[] = "#include \"tests/fuzz/";
	const char *eol;

	for (; *s; s = *eol ? eol + 1 : eol) {
		eol = strchrnul(s, '\n');
		if (strncmp(s, ours, sizeof(ours) - 1))
			printf("%.*s\n", (int)(eol - s), s);
	}
}

static const char *run_name(const struct call_type *t)
{
	/* several types may run the same; the plain one is a function's name */
	if (t->run == run_adopt)
		return "adopt";
	if (t->run == run_nest)
		return "nest";
	if (t->run == run_op_close)
		return "op_close";
	if (t->run == run_op_arm)
		return "op_arm";
	return t->run == run_shut ? "shut" : t->name;
}

/* A program in C that plays nr programs, again and again. */
void text_print_c(const struct program *p, unsigned int nr, uint64_t times)
{
	unsigned int i, j, k;
	char line[512];

	printf("/* cc -D_GNU_SOURCE -pthread FILE; as root, with seda.ko */\n");
	print_source(text_box_h);
	print_source(text_box_c);
	print_source(text_calls_dev);
	print_source(text_calls_enter);
	print_source(text_calls_file);
	print_source(text_calls_life);
	for (i = 0; i < nr; i++) {
		printf("\nstatic const struct call program_%u[] = {\n", i);
		for (j = 0; j < p[i].nr; j++) {
			const struct call *c = &p[i].call[j];
			struct out o = { .to = line, .size = sizeof(line) };

			put_call(&o, c);
			printf("\t/* %.*s */\n", (int)o.len - 1, o.to);
			printf("\t{ run_%s, 0, %u, %u, {",
			       run_name(&call_types[c->type]), c->thread,
			       c->async);
			for (k = 0; k < MAX_ARGS; k++)
				printf(" %#" PRIx64 ",", c->a[k]);
			printf(" } },\n");
		}
		printf("};\n");
	}
	printf("\nint main(void)\n");
	printf("{\n\tstatic struct box b;\n\tunsigned long i;\n\n");
	printf("\tbox_init(&b);\n\tfor (i = 0; i < %" PRIu64 "UL; i++) {\n", times);
	for (i = 0; i < nr; i++)
		printf("\t\tbox_play(&b, program_%u, %u);\n\t\tbox_reset(&b);\n",
		       i, p[i].nr);
	printf("\t}\n\treturn 0;\n}\n");
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Directory listings: sorted, escaped, and bounded in length. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "listing.h"
#include "path.h"

/* More helps nobody, and memory must be bounded: while reading, and a page. */
#define LINES_MAX	10000
#define PAGE_MAX	(512 << 10)

struct line {
	char *name;
	bool is_dir;
	struct stat st;
};

struct lines {
	struct line *line;
	size_t count, size;
	bool cut;
};

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->is_dir != y->is_dir)
		return x->is_dir ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int add_line(struct lines *lines, int fd, const char *name)
{
	struct line *line, *grown;

	if (lines->count == LINES_MAX) {
		lines->cut = true;
		return 0;
	}
	if (lines->count == lines->size) {
		lines->size = lines->size ? 2 * lines->size : 64;
		grown = realloc(lines->line, lines->size * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		lines->line = grown;
	}
	line = &lines->line[lines->count];
	/* It may have been removed meanwhile. */
	if (fstatat(fd, name, &line->st, AT_SYMLINK_NOFOLLOW))
		return 0;
	line->is_dir = S_ISDIR(line->st.st_mode);
	line->name = strdup(name);
	if (!line->name)
		return -ENOMEM;
	lines->count++;
	return 0;
}

static int read_lines(DIR *dir, struct lines *lines)
{
	struct dirent *entry;
	int err = 0;

	while (!err && !lines->cut && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = add_line(lines, dirfd(dir), entry->d_name);
	if (lines->count)
		qsort(lines->line, lines->count, sizeof(*lines->line), compare);
	return err;
}

static void free_lines(struct lines *lines)
{
	size_t i;

	for (i = 0; i < lines->count; i++)
		free(lines->line[i].name);
	free(lines->line);
}

static void put_line(FILE *out, const struct line *line)
{
	struct str name = { line->name, strlen(line->name) };
	char link[3 * 256 + 1], text[6 * 256 + 1], date[32], size[32] = "-";
	struct tm tm;

	if (path_encode(name, link, sizeof(link)) < 0 ||
	    html_escape(name, text, sizeof(text)) < 0)
		return;
	gmtime_r(&line->st.st_mtime, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	if (S_ISREG(line->st.st_mode))
		snprintf(size, sizeof(size), "%llu",
			 (unsigned long long)line->st.st_size);
	/* "./" keeps a name with a colon from being read as a scheme. */
	fprintf(out, "<tr><td><a href=\"./%s%s\">%s%s</a><td>%s<td>%s\n",
		link, line->is_dir ? "/" : "", text, line->is_dir ? "/" : "",
		size, date);
}

static const char page_head[] =
"<!doctype html>\n"
"<html lang=\"en\">\n"
"<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width\">\n"
"<title>%s</title>\n"
"<style>:root { color-scheme: light dark; }\n"
"body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;\n"
"  max-width: 60rem; padding: 0 1rem; }\n"
"table { border-collapse: collapse; width: 100%%; }\n"
"td, th { padding: .15rem .6rem; text-align: left; }\n"
"td:nth-child(n+2), th:nth-child(n+2) { text-align: right;\n"
"  font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
"tr:hover { background: #8882; }\n"
"a { text-decoration: none; }</style>\n"
"<h1>%s</h1>\n"
"<table>\n"
"<tr><th>Name<th>Size<th>Modified (UTC)\n";

static void put_page(FILE *out, struct str path, const struct lines *lines)
{
	char *title = malloc(6 * path.n + 1);
	size_t i;

	if (!title || html_escape(path, title, 6 * path.n + 1) < 0)
		path.n = 0;
	fprintf(out, page_head, path.n ? title : "", path.n ? title : "");
	if (path.n > 1)
		fputs("<tr><td><a href=\"../\">../</a><td><td>\n", out);
	for (i = 0; i < lines->count && ftell(out) < PAGE_MAX; i++)
		put_line(out, &lines->line[i]);
	fputs("</table>\n", out);
	if (lines->cut || i < lines->count)
		fprintf(out, "<p>Only %zu names are shown.\n", i);
	free(title);
}

int listing_make(int fd, struct str path, char **text, size_t *len)
{
	DIR *dir = fdopendir(fd);
	struct lines lines = { 0 };
	FILE *out;
	int err;

	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	*text = NULL;
	err = read_lines(dir, &lines);
	out = err ? NULL : open_memstream(text, len);
	if (out) {
		put_page(out, path, &lines);
		if (fclose(out))
			err = -ENOMEM;
	} else if (!err) {
		err = -ENOMEM;
	}
	free_lines(&lines);
	closedir(dir);
	if (err)
		free(*text);
	return err;
}

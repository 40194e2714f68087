// SPDX-License-Identifier: GPL-2.0
/* sedahttpd: media types by name; the table is sorted, so all are found. */
#include "kselftest_harness.h"
#include "tools/sedahttpd/mime.h"

TEST(all_are_found)
{
	static const char extensions[] =
		"3gp 7z aac apng atom avi avif bmp bz2 c conf css csv deb eot "
		"epub flac gif gz h htm html ico ics jar jpeg jpg js json "
		"jsonld jxl log m3u8 m4a m4v map md mid mjs mkv mov mp3 mp4 "
		"mpeg mpg odp ods odt oga ogg ogv opus otf pdf png ps py rss "
		"rtf sh svg svgz tar tgz tif tiff toml ts ttf txt wasm wav "
		"weba webm webmanifest webp woff woff2 xhtml xml xz yaml yml "
		"zip zst";
	char copy[sizeof(extensions)], name[64], *ext, *rest = copy;

	strcpy(copy, extensions);
	while ((ext = strsep(&rest, " "))) {
		snprintf(name, sizeof(name), "/dir.x/file.%s", ext);
		EXPECT_STRNE("application/octet-stream", mime_type(name)) {
			TH_LOG("%s", name);
		}
	}
}

TEST(types)
{
	EXPECT_STREQ("text/html; charset=utf-8", mime_type("/index.html"));
	EXPECT_STREQ("text/html; charset=utf-8", mime_type("INDEX.HTML"));
	EXPECT_STREQ("text/javascript; charset=utf-8", mime_type("a.min.js"));
	EXPECT_STREQ("image/svg+xml", mime_type("a.svg"));
	EXPECT_STREQ("application/wasm", mime_type("a.wasm"));
	EXPECT_STREQ("application/gzip", mime_type("a.tar.gz"));
}

TEST(unknown)
{
	static const char other[] = "application/octet-stream";

	EXPECT_STREQ(other, mime_type(""));
	EXPECT_STREQ(other, mime_type("a"));
	EXPECT_STREQ(other, mime_type("a."));
	EXPECT_STREQ(other, mime_type("a.unknown"));
	EXPECT_STREQ(other, mime_type("/a.html/b"));
	EXPECT_STREQ(other, mime_type("/.html"));
	EXPECT_STREQ(other, mime_type("html"));
}

TEST_HARNESS_MAIN

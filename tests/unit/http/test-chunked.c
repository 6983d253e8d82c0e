/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-chunked.h"

#include <string.h>

#define LIMIT 1000

/* Decodes @text in pieces of @step bytes, in place. Returns the last result, the body, and how much of @text was used. */
static KvHttpChunkedResult
decode (const char *text, gsize length, gsize step, GString *body, gsize *used)
{
  KvHttpChunked chunked;
  KvHttpChunkedResult result = KV_HTTP_CHUNKED_INCOMPLETE;

  kv_http_chunked_init (&chunked, LIMIT);
  g_string_truncate (body, 0);
  *used = 0;
  while (*used < length && result == KV_HTTP_CHUNKED_INCOMPLETE)
    {
      gsize size = MIN (step, length - *used);
      g_autofree char *piece = g_memdup2 (text + *used, size);
      gsize consumed;
      gsize produced;

      result = kv_http_chunked_decode (&chunked, piece, size, piece, &consumed, &produced);
      g_assert_cmpuint (produced, <=, consumed);
      if (result == KV_HTTP_CHUNKED_INCOMPLETE)
        g_assert_cmpuint (consumed, ==, size);
      g_string_append_len (body, piece, (gssize) produced);
      *used += consumed;
    }
  return result;
}

static void
assert_body (const char *text, const char *expected, const char *rest)
{
  g_autoptr (GString) body = g_string_new (NULL);

  for (gsize step = 1; step <= strlen (text); step++)
    {
      gsize used;

      g_assert_cmpint (decode (text, strlen (text), step, body, &used), ==,
                       KV_HTTP_CHUNKED_COMPLETE);
      g_assert_cmpstr (body->str, ==, expected);
      g_assert_cmpstr (text + used, ==, rest);
    }
}

static void
assert_result (const char *text, gsize length, KvHttpChunkedResult expected)
{
  g_autoptr (GString) body = g_string_new (NULL);
  gsize used;

  g_test_message ("%s", text);
  g_assert_cmpint (decode (text, length, 1, body, &used), ==, expected);
  g_assert_cmpint (decode (text, length, length, body, &used), ==, expected);
}

#define ASSERT_MALFORMED(text) assert_result (text, sizeof (text) - 1, KV_HTTP_CHUNKED_MALFORMED)

static void
test_decodes_however_it_is_cut (void)
{
  assert_body ("5\r\nhello\r\n0\r\n\r\n", "hello", "");
  assert_body ("1\r\na\r\nA\r\n0123456789\r\n00\r\n\r\n", "a0123456789", "");
  assert_body ("0\r\n\r\n", "", "");
}

static void
test_leaves_what_follows (void)
{
  assert_body ("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello", "GET / HTTP/1.1\r\n");
}

static void
test_reads_over_extensions_and_trailers (void)
{
  assert_body ("2;a=b;c=\"d e\"\r\nhe\r\n3;\r\nllo\r\n0;x\r\nOne: 1\r\nTwo:\r\n\r\nrest", "hello",
               "rest");
}

static void
test_bounds_extensions_and_trailers (void)
{
  g_autofree char *extension = g_strnfill (KV_HTTP_CHUNKED_MAX_EXTENSIONS, 'x');
  g_autofree char *good = g_strdup_printf ("1;%s\r\na\r\n0\r\n\r\n", extension);
  g_autofree char *bad = g_strdup_printf ("1;%sx\r\na\r\n0\r\n\r\n", extension);
  g_autofree char *trailer = g_strnfill (KV_HTTP_CHUNKED_MAX_TRAILERS, 'x');
  g_autofree char *long_trailer = g_strdup_printf ("0\r\nA: %s\r\n\r\n", trailer);

  assert_result (good, strlen (good), KV_HTTP_CHUNKED_COMPLETE);
  assert_result (bad, strlen (bad), KV_HTTP_CHUNKED_MALFORMED);
  assert_result (long_trailer, strlen (long_trailer), KV_HTTP_CHUNKED_MALFORMED);
}

static void
test_refuses_malformed_chunks (void)
{
  ASSERT_MALFORMED ("\r\n");
  ASSERT_MALFORMED ("g\r\n");
  ASSERT_MALFORMED ("-5\r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("+5\r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("0x5\r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED (" 5\r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5 \r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5\rhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5;a\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5;a\0b\r\nhello\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("5\r\nhello0\r\n\r\n");
  ASSERT_MALFORMED ("5\r\nhello\n0\r\n\r\n");
  ASSERT_MALFORMED ("5\r\nhello\r\r\n0\r\n\r\n");
  ASSERT_MALFORMED ("00000000000000005\r\nhello\r\n0\r\n\r\n");
}

static void
test_refuses_malformed_trailers (void)
{
  ASSERT_MALFORMED ("0\r\n\n");
  ASSERT_MALFORMED ("0\r\nA\r\n\r\n");
  ASSERT_MALFORMED ("0\r\n: a\r\n\r\n");
  ASSERT_MALFORMED ("0\r\nA : a\r\n\r\n");
  ASSERT_MALFORMED ("0\r\n A: a\r\n\r\n");
  ASSERT_MALFORMED ("0\r\nA: a\n\r\n");
  ASSERT_MALFORMED ("0\r\nA: a\r\rn\r\n");
}

static void
test_is_incomplete_until_its_last_byte (void)
{
  static const char text[] = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";

  for (gsize length = 1; length < sizeof text - 1; length++)
    assert_result (text, length, KV_HTTP_CHUNKED_INCOMPLETE);
  assert_result (text, sizeof text - 1, KV_HTTP_CHUNKED_COMPLETE);
}

static void
test_is_too_large_as_soon_as_it_says_so (void)
{
  g_autofree char *most = g_strnfill (LIMIT, 'x');
  g_autofree char *full = g_strdup_printf ("%x\r\n%s\r\n0\r\n\r\n", LIMIT, most);
  g_autofree char *over = g_strdup_printf ("%x\r\n%s\r\n1\r\n", LIMIT, most);
  const char *one = "3e9\r\n";
  const char *huge = "ffffffffffffffff\r\n";

  assert_result (full, strlen (full), KV_HTTP_CHUNKED_COMPLETE);
  assert_result (over, strlen (over), KV_HTTP_CHUNKED_TOO_LARGE);
  assert_result (one, strlen (one), KV_HTTP_CHUNKED_TOO_LARGE);
  assert_result (huge, strlen (huge), KV_HTTP_CHUNKED_TOO_LARGE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/http/chunked/" path, func)
  ADD ("decodes-however-it-is-cut", test_decodes_however_it_is_cut);
  ADD ("leaves-what-follows", test_leaves_what_follows);
  ADD ("reads-over-extensions-and-trailers", test_reads_over_extensions_and_trailers);
  ADD ("bounds-extensions-and-trailers", test_bounds_extensions_and_trailers);
  ADD ("refuses-malformed-chunks", test_refuses_malformed_chunks);
  ADD ("refuses-malformed-trailers", test_refuses_malformed_trailers);
  ADD ("is-incomplete-until-its-last-byte", test_is_incomplete_until_its_last_byte);
  ADD ("is-too-large-as-soon-as-it-says-so", test_is_too_large_as_soon_as_it_says_so);
#undef ADD
  return g_test_run ();
}

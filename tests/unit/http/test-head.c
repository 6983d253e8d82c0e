/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-head.h"

#include <string.h>

#define MAX_SIZE 4096

#define GET "GET /store/k HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"
#define END "\r\n"

static KvHttpHeadResult
parse (KvHttpHead *head, const char *data, gsize length)
{
  /* A copy that ends where the data ends, so that a sanitizer sees who reads on. */
  g_autofree char *copy = g_memdup2 (data, length);
  gsize scanned = 0;

  return kv_http_head_parse (head, copy, length, MAX_SIZE, &scanned);
}

static void
assert_refused (const char *data, gsize length, guint status)
{
  KvHttpHead head;

  g_test_message ("%s", data);
  g_assert_cmpint (parse (&head, data, length), ==, KV_HTTP_HEAD_REFUSED);
  g_assert_cmpuint (head.status, ==, status);
  g_assert_nonnull (head.reason);
  g_assert_cmpuint (head.n_fields, ==, 0);
}

#define ASSERT_REFUSED(text, status) assert_refused (text, sizeof (text) - 1, status)

static void
assert_complete (KvHttpHead *head, const char *text)
{
  g_test_message ("%s", text);
  g_assert_cmpint (parse (head, text, strlen (text)), ==, KV_HTTP_HEAD_COMPLETE);
}

static void
assert_span (KvHttpSpan span, const char *expected)
{
  if (expected == NULL)
    g_assert_null (span.data);
  else
    g_assert_cmpmem (span.data, span.length, expected, strlen (expected));
}

static void
test_takes_a_request (void)
{
  const char *text = "PUT /store/a%2Fb?ttl=5&x=?y HTTP/1.1\r\n"
                     "Host: localhost:3000\r\n"
                     "X-Empty:\r\n"
                     "X-Spaces: \t a b \t \r\n"
                     "content-LENGTH:12\r\n"
                     "\r\n"
                     "what follows";
  KvHttpHead head;

  assert_complete (&head, text);
  g_assert_cmpuint (head.length, ==, strlen (text) - strlen ("what follows"));
  assert_span (kv_http_head_get_span (text, head.method), "PUT");
  assert_span (kv_http_head_get_span (text, head.path), "/store/a%2Fb");
  g_assert_true (head.has_query);
  assert_span (kv_http_head_get_span (text, head.query), "ttl=5&x=?y");
  g_assert_cmpuint (head.minor_version, ==, 1);
  g_assert_true (head.keep_alive);
  g_assert_true (head.has_length);
  g_assert_cmpuint (head.content_length, ==, 12);
  g_assert_false (head.chunked);
  g_assert_false (head.expects_continue);
  g_assert_cmpuint (head.n_fields, ==, 4);
  assert_span (kv_http_head_get (&head, text, "host"), "localhost:3000");
  assert_span (kv_http_head_get (&head, text, "x-empty"), "");
  assert_span (kv_http_head_get (&head, text, "x-spaces"), "a b");
  assert_span (kv_http_head_get (&head, text, "x-absent"), NULL);
}

static void
test_tells_an_empty_query_from_none (void)
{
  KvHttpHead head;

  assert_complete (&head, "GET /? HTTP/1.1\r\n" HOST END);
  g_assert_true (head.has_query);
  g_assert_cmpuint (head.query.length, ==, 0);
  assert_complete (&head, "GET / HTTP/1.1\r\n" HOST END);
  g_assert_false (head.has_query);
}

static void
test_overlooks_one_empty_line_before (void)
{
  KvHttpHead head;
  const char *text = "\r\n" GET HOST END;

  assert_complete (&head, text);
  g_assert_cmpuint (head.length, ==, strlen (text));
  assert_span (kv_http_head_get_span (text, head.method), "GET");
  ASSERT_REFUSED ("\r\n\r\n" GET HOST END, 400);
}

static void
test_comes_byte_by_byte (void)
{
  static const char text[] = "\r\n" GET HOST "Accept: a/b\r\n" END;
  KvHttpHead head;
  gsize scanned = 0;

  for (gsize length = 1; length < sizeof text - 1; length++)
    {
      g_autofree char *copy = g_memdup2 (text, length);

      g_assert_cmpint (kv_http_head_parse (&head, copy, length, MAX_SIZE, &scanned), ==,
                       KV_HTTP_HEAD_INCOMPLETE);
      g_assert_cmpuint (scanned, ==, length);
    }
  g_assert_cmpint (kv_http_head_parse (&head, text, sizeof text - 1, MAX_SIZE, &scanned), ==,
                   KV_HTTP_HEAD_COMPLETE);
  g_assert_cmpuint (head.n_fields, ==, 2);
}

static void
test_survives_every_truncation_and_corruption (void)
{
  static const char text[] =
    "PUT /store/k?ttl=1 HTTP/1.1\r\n" HOST
    "Content-Length: 5\r\nConnection: close, x\r\nExpect: 100-continue\r\n" END;
  KvHttpHead head;

  for (gsize length = 1; length < sizeof text - 1; length++)
    g_assert_cmpint (parse (&head, text, length), ==, KV_HTTP_HEAD_INCOMPLETE);

  for (gsize i = 0; i < sizeof text - 1; i++)
    for (guint byte = 0; byte < 256; byte++)
      {
        g_autofree char *copy = g_memdup2 (text, sizeof text - 1);
        gsize scanned = 0;

        copy[i] = (char) byte;
        if (kv_http_head_parse (&head, copy, sizeof text - 1, MAX_SIZE, &scanned)
            != KV_HTTP_HEAD_COMPLETE)
          continue;
        g_assert_cmpuint (head.length, <=, sizeof text - 1);
        for (guint field = 0; field < head.n_fields; field++)
          g_assert_cmpuint (head.fields[field].value.offset + head.fields[field].value.length, <,
                            head.length);
      }
}

static void
test_keeps_alive_as_the_version_says (void)
{
  static const struct {
    const char *text;
    gboolean keep_alive;
  } cases[] = {
    { GET HOST END, TRUE },
    { GET HOST "Connection: close\r\n" END, FALSE },
    { GET HOST "Connection: CLOSE\r\n" END, FALSE },
    { GET HOST "Connection: a , close ,b\r\n" END, FALSE },
    { GET HOST "Connection: a\r\nConnection: close\r\n" END, FALSE },
    { GET HOST "Connection: keep-alive, close\r\n" END, FALSE },
    { GET HOST "Connection: closed\r\n" END, TRUE },
    { GET HOST "Connection: ,\r\n" END, TRUE },
    { "GET / HTTP/1.0\r\n" END, FALSE },
    { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END, TRUE },
    { "GET / HTTP/1.2\r\n" HOST END, TRUE },
  };
  KvHttpHead head;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      assert_complete (&head, cases[i].text);
      g_assert_cmpint (head.keep_alive, ==, cases[i].keep_alive);
    }
}

static void
test_refuses_connections_that_name_what_is_for_everybody (void)
{
  KvHttpHead head;

  ASSERT_REFUSED (GET HOST "Content-Length: 1\r\nConnection: content-length\r\n" END, 400);
  ASSERT_REFUSED ("PUT / HTTP/1.0\r\nConnection: keep-alive, Content-Length \r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Connection: Transfer-Encoding\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Connection: close, host\r\n" END, 400);
  assert_complete (&head, GET HOST "Connection: TE, Upgrade, Content\r\n" END);
}

static void
test_refuses_lines_that_end_otherwise (void)
{
  ASSERT_REFUSED ("GET / HTTP/1.1\n" HOST END, 400);
  ASSERT_REFUSED (GET "Host: localhost\n" END, 400);
  ASSERT_REFUSED (GET HOST "\n", 400);
  ASSERT_REFUSED (GET "Host: local\rhost\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: b\r\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: b\r\n c\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: b\r\n\tc\r\n" END, 400);
  ASSERT_REFUSED (GET " Host: localhost\r\n" END, 400);
}

static void
test_refuses_request_lines (void)
{
  ASSERT_REFUSED ("GET /\r\n" END, 400);
  ASSERT_REFUSED ("GET\r\n" END, 400);
  ASSERT_REFUSED ("GET  / HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET /  HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET / HTTP/1.1 \r\n" HOST END, 400);
  ASSERT_REFUSED ("GET\t/ HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET / k HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET / http/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET / HTTP/1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET / HTTP/1.10\r\n" HOST END, 400);
  ASSERT_REFUSED ("G(T / HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED (" GET / HTTP/1.1\r\n", 400);
}

static void
test_takes_any_method (void)
{
  static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n" HOST END;
  KvHttpHead head;

  assert_complete (&head, text);
  g_assert_cmpuint (head.method.length, ==, KV_HTTP_HEAD_MAX_METHOD);
  assert_complete (&head, "brew / HTTP/1.1\r\n" HOST END);
}

static void
test_refuses_versions (void)
{
  ASSERT_REFUSED ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  ASSERT_REFUSED ("GET / HTTP/2.0\r\n" HOST END, 505);
  ASSERT_REFUSED ("GET / HTTP/0.9\r\n" HOST END, 505);
}

static void
test_refuses_targets (void)
{
  KvHttpHead head;

  ASSERT_REFUSED ("GET http://localhost/ HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("CONNECT localhost:80 HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET * HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("OPTIONS *x HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET /a#b HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET /\xc3\xa4 HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET /\x7f HTTP/1.1\r\n" HOST END, 400);
  ASSERT_REFUSED ("GET /a\0b HTTP/1.1\r\n" HOST END, 400);
  assert_complete (&head, "OPTIONS * HTTP/1.1\r\n" HOST END);
}

static void
test_refuses_field_lines (void)
{
  ASSERT_REFUSED (GET "Host : localhost\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "nonsense\r\n" END, 400);
  ASSERT_REFUSED (GET HOST ": b\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A(): b\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A\0: b\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: b\0c\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: \x01\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "A: \x7f\r\n" END, 400);
}

static void
test_wants_one_host (void)
{
  KvHttpHead head;

  ASSERT_REFUSED (GET END, 400);
  ASSERT_REFUSED (GET HOST HOST END, 400);
  ASSERT_REFUSED ("GET / HTTP/1.0\r\n" HOST HOST END, 400);
  ASSERT_REFUSED (GET "Host: a b\r\n" END, 400);
  ASSERT_REFUSED (GET "Host: a/b\r\n" END, 400);
  ASSERT_REFUSED (GET "Host: user@a\r\n" END, 400);
  assert_complete (&head, "GET / HTTP/1.0\r\n" END);
  assert_complete (&head, GET "Host:\r\n" END);
  assert_complete (&head, GET "Host: [::1]:3000\r\n" END);
}

static void
test_refuses_two_lengths (void)
{
  ASSERT_REFUSED (GET HOST "Content-Length: 1\r\nContent-Length: 1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 1, 1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n" END, 400);
}

static void
test_refuses_lengths_that_are_no_numbers (void)
{
  KvHttpHead head;

  ASSERT_REFUSED (GET HOST "Content-Length: +1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: -1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 0x1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 1 1\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length:\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 18446744073709551616\r\n" END, 400);
  ASSERT_REFUSED (GET HOST "Content-Length: 9223372036854775808\r\n" END, 400);
  assert_complete (&head, GET HOST "Content-Length: 007\r\n" END);
  g_assert_cmpuint (head.content_length, ==, 7);
}

static void
test_knows_chunked_alone (void)
{
  KvHttpHead head;

  ASSERT_REFUSED (GET HOST "Transfer-Encoding: gzip\r\n" END, 501);
  ASSERT_REFUSED (GET HOST "Transfer-Encoding: gzip, chunked\r\n" END, 501);
  ASSERT_REFUSED (GET HOST "Transfer-Encoding: chunked, chunked\r\n" END, 501);
  ASSERT_REFUSED (GET HOST "Transfer-Encoding:\r\n" END, 501);
  ASSERT_REFUSED (GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, 400);
  ASSERT_REFUSED ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, 400);
  assert_complete (&head, GET HOST "Transfer-Encoding: Chunked\r\n" END);
  g_assert_true (head.chunked);
}

static void
test_knows_one_expectation (void)
{
  KvHttpHead head;

  ASSERT_REFUSED (GET HOST "Expect: something\r\n" END, 417);
  assert_complete (&head, GET HOST "Expect: 100-Continue\r\n" END);
  g_assert_true (head.expects_continue);
  assert_complete (&head, "PUT / HTTP/1.0\r\nExpect: 100-continue\r\n" END);
  g_assert_false (head.expects_continue);
}

static void
test_refuses_repeated_headers (void)
{
  static const char *const names[] = {
    "Content-Type", "Last-Event-ID",    "If-Match",          "If-None-Match",
    "Origin",       "Authorization",    "If-Modified-Since", "If-Unmodified-Since",
    "If-Range",     "Content-Encoding", "Sec-Fetch-Site",    "Range"
  };
  const char *accept = GET HOST "Accept: a/b\r\nAccept: c/d\r\n" END;
  KvHttpHead head;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *text =
        g_strdup_printf (GET HOST "%s: 1\r\n%s: 1\r\n" END, names[i], names[i]);

      assert_refused (text, strlen (text), 400);
    }
  assert_complete (&head, accept);
  assert_span (kv_http_head_get (&head, accept, "accept"), "a/b");
}

static void
test_tells_what_is_asked_for (void)
{
  KvHttpHead head;

  assert_complete (&head, GET HOST "If-Matches: *\r\nAccepts: */*\r\nX-If-None-Match: *\r\n" END);
  g_assert_false (head.conditional || head.accepts);
  assert_complete (&head, GET HOST "IF-MATCH: *\r\n" END);
  g_assert_true (head.conditional && !head.accepts);
  assert_complete (&head, GET HOST "if-none-match:\r\n" END);
  g_assert_true (head.conditional && !head.accepts);
  assert_complete (&head, GET HOST "Accept: a/b\r\n" END);
  g_assert_true (head.accepts && !head.conditional);
}

static void
test_hides_ranges (void)
{
  const char *text = GET HOST "Range: bytes=0-0\r\nAccept: a/b\r\n" END;
  KvHttpHead head;

  assert_complete (&head, text);
  assert_span (kv_http_head_get (&head, text, "range"), NULL);
  assert_span (kv_http_head_get (&head, text, "accept"), "a/b");
}

static void
test_refuses_too_many_headers (void)
{
  g_autoptr (GString) text = g_string_new (GET HOST);
  KvHttpHead head;
  gsize length;

  for (guint i = 1; i < KV_HTTP_HEAD_MAX_FIELDS; i++)
    g_string_append_printf (text, "A%u: b\r\n", i);
  length = text->len;
  g_string_append (text, END);
  assert_complete (&head, text->str);
  g_assert_cmpuint (head.n_fields, ==, KV_HTTP_HEAD_MAX_FIELDS);

  g_string_insert (text, (gssize) length, "One: more\r\n");
  assert_refused (text->str, text->len, 431);
}

static void
test_refuses_what_is_too_long (void)
{
  g_autoptr (GString) text = g_string_new (GET HOST "A: ");
  KvHttpHead head;

  while (text->len < MAX_SIZE - strlen ("\r\n" END))
    g_string_append_c (text, 'x');
  g_string_append (text, "\r\n" END);
  assert_complete (&head, text->str);
  g_string_insert_c (text, (gssize) (text->len - strlen ("\r\n" END)), 'x');
  assert_refused (text->str, text->len, 431);

  /* Also when its end has not come. */
  g_string_truncate (text, MAX_SIZE);
  g_assert_cmpint (parse (&head, text->str, MAX_SIZE), ==, KV_HTTP_HEAD_INCOMPLETE);
  g_string_append_c (text, 'x');
  assert_refused (text->str, text->len, 431);
}

static void
test_tells_other_protocols_at_once (void)
{
  ASSERT_REFUSED ("\x16\x03\x01\x02\x00", 400);
  ASSERT_REFUSED ("\0", 400);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/http/head/" path, func)
  ADD ("takes-a-request", test_takes_a_request);
  ADD ("tells-an-empty-query-from-none", test_tells_an_empty_query_from_none);
  ADD ("overlooks-one-empty-line-before", test_overlooks_one_empty_line_before);
  ADD ("comes-byte-by-byte", test_comes_byte_by_byte);
  ADD ("survives-every-truncation-and-corruption", test_survives_every_truncation_and_corruption);
  ADD ("keeps-alive-as-the-version-says", test_keeps_alive_as_the_version_says);
  ADD ("refuses-connections-that-name-what-is-for-everybody",
       test_refuses_connections_that_name_what_is_for_everybody);
  ADD ("refuses-lines-that-end-otherwise", test_refuses_lines_that_end_otherwise);
  ADD ("refuses-request-lines", test_refuses_request_lines);
  ADD ("takes-any-method", test_takes_any_method);
  ADD ("refuses-versions", test_refuses_versions);
  ADD ("refuses-targets", test_refuses_targets);
  ADD ("refuses-field-lines", test_refuses_field_lines);
  ADD ("wants-one-host", test_wants_one_host);
  ADD ("refuses-two-lengths", test_refuses_two_lengths);
  ADD ("refuses-lengths-that-are-no-numbers", test_refuses_lengths_that_are_no_numbers);
  ADD ("knows-chunked-alone", test_knows_chunked_alone);
  ADD ("knows-one-expectation", test_knows_one_expectation);
  ADD ("refuses-repeated-headers", test_refuses_repeated_headers);
  ADD ("tells-what-is-asked-for", test_tells_what_is_asked_for);
  ADD ("hides-ranges", test_hides_ranges);
  ADD ("refuses-too-many-headers", test_refuses_too_many_headers);
  ADD ("refuses-what-is-too-long", test_refuses_what_is_too_long);
  ADD ("tells-other-protocols-at-once", test_tells_other_protocols_at_once);
#undef ADD
  return g_test_run ();
}

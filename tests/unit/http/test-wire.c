/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-wire.h"

#include <string.h>

/* What is written for @response, with the date replaced by a word. */
static char *
write_response (const KvHttpResponse *response,
                gboolean without_body,
                KvHttpConnectionField connection)
{
  KvHttpBuffer buffer = { 0 };
  g_autofree char *text = NULL;
  g_autoptr (GRegex) date = g_regex_new (
    "Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT", 0,
    0, NULL);
  char *result;

  kv_http_wire_append_response (&buffer, response, without_body, connection);
  text = g_strndup (kv_http_buffer_peek (&buffer), kv_http_buffer_length (&buffer));
  kv_http_buffer_clear (&buffer);
  g_assert_true (g_regex_match (date, text, 0, NULL));
  result = g_regex_replace_literal (date, text, -1, 0, "Date: now", 0, NULL);
  return result;
}

static void
test_writes_a_response (void)
{
  KvHttpResponse response = {
    .status = 404,
    .n_headers = 2,
    .headers = { KV_HTTP_HEADER ("Content-Type", "text/plain"), KV_HTTP_HEADER ("ETag", "\"7\"") },
    .body = "nothing\n",
  };
  g_autofree char *text = write_response (&response, FALSE, KV_HTTP_CONNECTION_DEFAULT);
  g_autofree char *head = write_response (&response, TRUE, KV_HTTP_CONNECTION_CLOSE);
  g_autofree char *kept = NULL;

  g_assert_cmpstr (text, ==,
                   "HTTP/1.1 404 Not Found\r\nDate: now\r\nContent-Type: text/plain\r\n"
                   "ETag: \"7\"\r\nContent-Length: 8\r\n\r\nnothing\n");
  g_assert_cmpstr (head, ==,
                   "HTTP/1.1 404 Not Found\r\nDate: now\r\nContent-Type: text/plain\r\n"
                   "ETag: \"7\"\r\nContent-Length: 8\r\nConnection: close\r\n\r\n");
  response.body = NULL;
  kept = write_response (&response, FALSE, KV_HTTP_CONNECTION_KEEP_ALIVE);
  g_assert_true (g_str_has_suffix (kept, "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
}

static void
test_gives_no_length_where_there_is_none (void)
{
  KvHttpResponse response = { .status = 204, .body = "not to be seen" };
  g_autofree char *none = write_response (&response, FALSE, KV_HTTP_CONNECTION_DEFAULT);
  g_autofree char *unmodified = NULL;
  g_autofree char *endless = NULL;

  g_assert_cmpstr (none, ==, "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
  response.status = 304;
  unmodified = write_response (&response, FALSE, KV_HTTP_CONNECTION_DEFAULT);
  g_assert_cmpstr (unmodified, ==, "HTTP/1.1 304 Not Modified\r\nDate: now\r\n\r\n");
  response.status = 200;
  response.endless = TRUE;
  endless = write_response (&response, TRUE, KV_HTTP_CONNECTION_DEFAULT);
  g_assert_cmpstr (endless, ==, "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n");
}

static void
test_takes_the_body_from_where_it_is (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("bytes", 5);
  g_autoptr (KvEntry) entry = kv_entry_new ("key", -1, "a\0b", 3, KV_NO_DEADLINE, NULL);
  KvHttpResponse response = { .status = 200, .body = "text" };
  KvHttpSpan body = kv_http_wire_get_body (&response);

  g_assert_cmpmem (body.data, body.length, "text", 4);
  response.body_bytes = bytes;
  body = kv_http_wire_get_body (&response);
  g_assert_cmpmem (body.data, body.length, "bytes", 5);
  response.body_entry = entry;
  body = kv_http_wire_get_body (&response);
  g_assert_cmpmem (body.data, body.length, "a\0b", 3);
}

static void
test_buffers_bytes_in_order (void)
{
  KvHttpBuffer buffer = { 0 };
  g_autoptr (GString) expected = g_string_new (NULL);

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *piece = g_strdup_printf ("%u,", i);

      kv_http_buffer_append (&buffer, piece, strlen (piece));
      g_string_append (expected, piece);
      if (expected->len > 100 && i % 3 == 0)
        {
          kv_http_buffer_consume (&buffer, 4);
          g_string_erase (expected, 0, 4);
        }
      if (i % 1000 == 999)
        {
          kv_http_buffer_cut (&buffer, 10, 20);
          g_string_erase (expected, 10, 20);
        }
    }
  g_assert_cmpmem (kv_http_buffer_peek (&buffer), kv_http_buffer_length (&buffer), expected->str,
                   expected->len);

  kv_http_buffer_consume (&buffer, expected->len);
  g_assert_cmpuint (kv_http_buffer_length (&buffer), ==, 0);
  g_assert_nonnull (buffer.data);
  kv_http_buffer_clear (&buffer);
  g_assert_null (buffer.data);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/http/wire/writes-a-response", test_writes_a_response);
  g_test_add_func ("/http/wire/gives-no-length-where-there-is-none",
                   test_gives_no_length_where_there_is_none);
  g_test_add_func ("/http/wire/takes-the-body-from-where-it-is",
                   test_takes_the_body_from_where_it_is);
  g_test_add_func ("/http/wire/buffers-bytes-in-order", test_buffers_bytes_in_order);
  return g_test_run ();
}

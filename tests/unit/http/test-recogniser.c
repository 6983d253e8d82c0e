/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/express/kv-express-recogniser.h"

#include <string.h>

static gboolean
is_taken (const char *text)
{
  KvHttpHead head;
  gsize scanned = 0;
  KvHttpSpan method;

  g_assert_cmpint (kv_http_head_parse (&head, text, strlen (text), 64 * 1024, &scanned), ==,
                   KV_HTTP_HEAD_COMPLETE);
  method = kv_http_head_get_span (text, head.method);
  return kv_express_recognise (&head, kv_http_method_parse (method.data, method.length));
}

#define LINE(method) method " /store/k HTTP/1.1\r\nHost: localhost\r\n"

static void
test_takes_plain_requests (void)
{
  g_assert_true (is_taken (LINE ("GET") "\r\n"));
  g_assert_true (is_taken (LINE ("HEAD") "\r\n"));
  g_assert_true (is_taken (LINE ("DELETE") "\r\n"));
  g_assert_true (is_taken (LINE ("PUT") "Content-Length: 3\r\n\r\n"));
  g_assert_true (is_taken (LINE ("POST") "Content-Length: 3\r\n\r\n"));
  g_assert_true (is_taken (LINE ("GET") "Connection: close\r\n\r\n"));
  g_assert_true (is_taken (LINE ("GET") "Accept: */*\r\nUser-Agent: curl/7.88.1\r\n\r\n"));
}

static void
test_leaves_unusual_ones (void)
{
  g_assert_false (is_taken ("GET /store/k HTTP/1.0\r\n\r\n"));
  g_assert_false (is_taken ("GET /store/k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  g_assert_false (is_taken (LINE ("PUT") "Transfer-Encoding: chunked\r\n\r\n"));
  g_assert_false (is_taken (LINE ("PUT") "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
  g_assert_false (is_taken (LINE ("GET") "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"));
  g_assert_false (is_taken (LINE ("OPTIONS") "\r\n"));
  g_assert_false (is_taken (LINE ("PATCH") "\r\n"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/recogniser/takes-plain-requests", test_takes_plain_requests);
  g_test_add_func ("/http/recogniser/leaves-unusual-ones", test_leaves_unusual_ones);
  return g_test_run ();
}

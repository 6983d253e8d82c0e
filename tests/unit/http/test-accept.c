/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-accept.h"

static void
assert_quality (const char *accept, guint expected)
{
  /* In memory of its own and without a NUL, so that a sanitizer sees who reads past it. */
  g_autofree char *copy = accept != NULL ? g_memdup2 (accept, MAX (strlen (accept), 1)) : NULL;
  KvHttpSpan span = { copy, accept != NULL ? strlen (accept) : 0 };

  g_test_message ("%s", accept != NULL ? accept : "none");
  g_assert_cmpuint (kv_http_accept_get_quality (span, "text/plain"), ==, expected);
}

static void
test_none (void)
{
  assert_quality (NULL, 1000);
  assert_quality ("", 0);
  assert_quality (",", 0);
}

static void
test_ranges (void)
{
  assert_quality ("text/plain", 1000);
  assert_quality ("TEXT/Plain", 1000);
  assert_quality ("text/*", 1000);
  assert_quality ("*/*", 1000);
  assert_quality ("text/html", 0);
  assert_quality ("text/plainer", 0);
  assert_quality ("text/plai", 0);
  assert_quality ("*", 0);
  assert_quality ("text", 0);
  assert_quality ("application/*", 0);
  assert_quality ("text/html , \ttext/plain", 1000);
}

static void
test_weights (void)
{
  assert_quality ("text/plain;q=0.3", 300);
  assert_quality ("text/plain ; q=0.123", 123);
  assert_quality ("text/plain;Q=1.000", 1000);
  assert_quality ("text/plain;q=1", 1000);
  assert_quality ("text/plain;q=0", 0);
  assert_quality ("text/plain;q=0.", 0);
  assert_quality ("text/plain;version=0.0.4;q=0.5", 500);
  assert_quality ("text/plain;version=0.0.4;q=0.5;more=1", 500);
}

static void
test_closest_counts (void)
{
  assert_quality ("*/*;q=0.9, text/*;q=0.2", 200);
  assert_quality ("text/*;q=0.2, text/plain;q=0.1, */*", 100);
  assert_quality ("text/plain;version=1;q=0.1, text/plain;version=2;q=0.6", 600);
  assert_quality ("text/plain;q=0, */*", 0);
}

static void
test_malformed_counts_for_nothing (void)
{
  assert_quality ("text/plain;q=2", 0);
  assert_quality ("text/plain;q=1.1", 0);
  assert_quality ("text/plain;q=0.1234", 0);
  assert_quality ("text/plain;q=-1", 0);
  assert_quality ("text/plain;q=", 0);
  assert_quality ("text/plain;q=x", 0);
  assert_quality ("text/plain;q=0,5", 0);
  assert_quality ("text/plain;a=\"x", 1000);
  assert_quality ("text/html;a=\"\\", 0);
}

static void
test_quotes_hide_marks (void)
{
  assert_quality ("text/html;a=\",text/plain\"", 0);
  assert_quality ("text/plain;a=\"\\\";q=0.1\";q=0.2", 200);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/accept/none-is-anything", test_none);
  g_test_add_func ("/http/accept/ranges", test_ranges);
  g_test_add_func ("/http/accept/weights", test_weights);
  g_test_add_func ("/http/accept/closest-range-counts", test_closest_counts);
  g_test_add_func ("/http/accept/malformed-counts-for-nothing", test_malformed_counts_for_nothing);
  g_test_add_func ("/http/accept/quotes-hide-marks", test_quotes_hide_marks);
  return g_test_run ();
}

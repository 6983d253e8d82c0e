/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "http/kv-http-ttl.h"
#include "http/kv-http-uri.h"

#include <string.h>

/* Of a string literal, so that it may hold U+0000. */
#define SPAN(text) ((KvHttpSpan){ text, sizeof text - 1 })

static void
assert_key (const char *segment, const char *expected)
{
  g_autoptr (GError) error = NULL;
  KvHttpKey key;

  g_assert_true (kv_http_uri_decode_key ((KvHttpSpan){ segment, strlen (segment) }, &key, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (key.text, ==, expected);
  g_assert_cmpuint (key.length, ==, strlen (expected));
}

static void
assert_no_key (const char *segment)
{
  g_autoptr (GError) error = NULL;
  KvHttpKey key;

  g_assert_false (kv_http_uri_decode_key ((KvHttpSpan){ segment, strlen (segment) }, &key, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
}

static void
test_decodes_once (void)
{
  assert_key ("plain", "plain");
  assert_key ("a%2Fb", "a/b");
  assert_key ("a%2fb", "a/b");
  assert_key ("%41%62", "Ab");
  assert_key ("a%2520b", "a%20b");
  assert_key ("%25", "%");
  assert_key ("a%20b", "a b");
  assert_key ("caf%C3%A9", "caf\xc3\xa9");
  assert_key ("caf\xc3\xa9", "caf\xc3\xa9");
  assert_key ("%F0%9F%98%80", "\xf0\x9f\x98\x80");
}

static void
test_plus_is_a_plus (void)
{
  assert_key ("a+b", "a+b");
  assert_key ("a%2Bb", "a+b");
}

static void
test_refuses_broken_escapes (void)
{
  static const char *const segments[] = { "%",   "%4",   "a%",  "a%2", "%zz", "%4g",
                                          "%g4", "%%41", "%-1", "% 1", "%+1", "%0x" };

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++)
    assert_no_key (segments[i]);
}

static void
test_refuses_what_is_no_utf8 (void)
{
  static const char *const segments[] = { "%FF",          "%C3",       "%C0%AF", "%ED%A0%80",
                                          "%F4%90%80%80", "%E0%80%80", "%80",    "a\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++)
    assert_no_key (segments[i]);
}

static void
test_refuses_what_is_no_key (void)
{
  static const char *const segments[] = {
    "", "%00", "a%00b", "%0A", "%0D%0A", "%1F", "%7F", "a\tb"
  };

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++)
    assert_no_key (segments[i]);
}

static void
test_bounds_the_decoded_length (void)
{
  g_autofree char *longest = g_strnfill (KV_KEY_MAX_BYTES, 'k');
  g_autofree char *longer = g_strnfill (KV_KEY_MAX_BYTES + 1, 'k');
  g_autofree char *endless = g_strnfill (100000, 'k');
  GString *escaped = g_string_new (NULL);

  for (guint i = 0; i < KV_KEY_MAX_BYTES; i++)
    g_string_append (escaped, "%6b");
  assert_key (longest, longest);
  assert_key (escaped->str, longest);
  g_string_append (escaped, "%6b");
  assert_no_key (escaped->str);
  assert_no_key (longer);
  assert_no_key (endless);
  g_string_free (escaped, TRUE);
}

static KvHttpSpan
get_parameter (KvHttpSpan query, char *buffer, gsize size)
{
  g_autoptr (GError) error = NULL;
  KvHttpSpan value = { "unset", 5 };

  g_assert_true (kv_http_uri_get_parameter (query, "ttl", buffer, size, &value, &error));
  g_assert_no_error (error);
  return value;
}

static void
assert_parameter (const char *query, const char *expected)
{
  char buffer[16];
  KvHttpSpan value = get_parameter ((KvHttpSpan){ query, strlen (query) }, buffer, sizeof buffer);

  g_assert_nonnull (value.data);
  g_assert_cmpmem (value.data, value.length, expected, strlen (expected));
}

static void
test_finds_a_parameter (void)
{
  assert_parameter ("ttl=5", "5");
  assert_parameter ("a=1&ttl=5", "5");
  assert_parameter ("ttl=5&a=1", "5");
  assert_parameter ("&&ttl=5&&", "5");
  assert_parameter ("%74tl=%35", "5");
  assert_parameter ("ttl=a+b", "a b");
  assert_parameter ("ttl=a%2Bb", "a+b");
  assert_parameter ("ttl=a=b", "a=b");
  assert_parameter ("a=%zz&ttl=5", "5");
  assert_parameter ("%zz&ttl=5", "5");
  assert_parameter ("ttl=", "");
  assert_parameter ("ttl", "");
  assert_parameter ("ttl=0123456789abcdef", "0123456789abcdef");
}

static void
test_misses_a_parameter (void)
{
  static const char *const queries[] = {
    "",     "TTL=5", "ttl2=5",
    "tt=5", "a=ttl", "a=1&b=ttl=5",
    "=ttl", "&",     "a-rather-long-name-that-no-parameter-has=1"
  };
  char buffer[16];

  g_assert_null (get_parameter ((KvHttpSpan){ NULL, 0 }, buffer, sizeof buffer).data);
  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      KvHttpSpan query = { queries[i], strlen (queries[i]) };

      g_assert_null (get_parameter (query, buffer, sizeof buffer).data);
    }
}

static void
test_refuses_a_doubtful_parameter (void)
{
  static const char *const queries[] = { "ttl=1&ttl=1", "ttl&ttl", "ttl=1&a=2&%74tl=3",    "ttl=%",
                                         "ttl=%zz",     "ttl=1%2", "ttl=0123456789abcdefg" };

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      g_autoptr (GError) error = NULL;
      char buffer[16];
      KvHttpSpan query = { queries[i], strlen (queries[i]) };
      KvHttpSpan value;

      g_assert_false (
        kv_http_uri_get_parameter (query, "ttl", buffer, sizeof buffer, &value, &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_parses_decimals (void)
{
  guint64 value;

  g_assert_true (kv_http_uri_parse_decimal (SPAN ("0"), &value));
  g_assert_cmpuint (value, ==, 0);
  g_assert_true (kv_http_uri_parse_decimal (SPAN ("007"), &value));
  g_assert_cmpuint (value, ==, 7);
  g_assert_true (kv_http_uri_parse_decimal (SPAN ("18446744073709551614"), &value));
  g_assert_cmpuint (value, ==, G_MAXUINT64 - 1);
  g_assert_true (kv_http_uri_parse_decimal (SPAN ("00000018446744073709551615"), &value));
  g_assert_cmpuint (value, ==, G_MAXUINT64);
}

static void
test_refuses_other_numbers (void)
{
  static const KvHttpSpan texts[] = { SPAN (""),
                                      SPAN ("18446744073709551616"),
                                      SPAN ("99999999999999999999"),
                                      SPAN ("184467440737095516150"),
                                      SPAN ("-1"),
                                      SPAN ("+1"),
                                      SPAN ("1.5"),
                                      SPAN (" 1"),
                                      SPAN ("1 "),
                                      SPAN ("1e3"),
                                      SPAN ("0x1"),
                                      SPAN ("abc"),
                                      SPAN ("1\0"),
                                      SPAN ("\0"),
                                      SPAN ("1_0"),
                                      SPAN ("1,0"),
                                      SPAN ("/"),
                                      SPAN (":"),
                                      SPAN ("\xd9\xa1") };
  guint64 value;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_false (kv_http_uri_parse_decimal (texts[i], &value));
}

static void
test_deadlines_do_not_overflow (void)
{
  gint64 before = kv_clock_now ();
  gint64 deadline = kv_http_ttl_to_deadline (60);

  g_assert_cmpint (deadline, >=, before + 60 * G_USEC_PER_SEC);
  g_assert_cmpint (deadline, <=, kv_clock_now () + 60 * G_USEC_PER_SEC);
  g_assert_cmpint (kv_http_ttl_to_deadline (0), <=, kv_clock_now ());
  g_assert_cmpint (kv_http_ttl_to_deadline (G_MAXINT64 / G_USEC_PER_SEC), ==, KV_NO_DEADLINE);
  g_assert_cmpint (kv_http_ttl_to_deadline (G_MAXINT64 / G_USEC_PER_SEC + 1), ==, KV_NO_DEADLINE);
  g_assert_cmpint (kv_http_ttl_to_deadline (G_MAXINT64), ==, KV_NO_DEADLINE);
  g_assert_cmpint (kv_http_ttl_to_deadline (G_MAXUINT64), ==, KV_NO_DEADLINE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/uri/" path, func)
  TEST ("key/decodes-once", test_decodes_once);
  TEST ("key/plus-is-a-plus", test_plus_is_a_plus);
  TEST ("key/refuses-broken-escapes", test_refuses_broken_escapes);
  TEST ("key/refuses-what-is-no-utf8", test_refuses_what_is_no_utf8);
  TEST ("key/refuses-what-is-no-key", test_refuses_what_is_no_key);
  TEST ("key/bounds-the-decoded-length", test_bounds_the_decoded_length);
  TEST ("parameter/finds-one", test_finds_a_parameter);
  TEST ("parameter/misses-one-that-is-not-there", test_misses_a_parameter);
  TEST ("parameter/refuses-a-doubtful-one", test_refuses_a_doubtful_parameter);
  TEST ("decimal/parses", test_parses_decimals);
  TEST ("decimal/refuses-other-numbers", test_refuses_other_numbers);
  TEST ("ttl/deadlines-do-not-overflow", test_deadlines_do_not_overflow);
  return g_test_run ();
}

/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-clock.h"
#include "core/kv-timestamp.h"

#include <string.h>

static void
assert_formatted (gint64 wall, const char *expected)
{
  char text[KV_TIMESTAMP_SIZE];

  kv_timestamp_format (wall, text);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_formats (void)
{
  assert_formatted (0, "1970-01-01T00:00:00.000Z");
  assert_formatted (499, "1970-01-01T00:00:00.000Z");
  assert_formatted (500, "1970-01-01T00:00:00.001Z");
  assert_formatted (999999, "1970-01-01T00:00:01.000Z");
  assert_formatted (G_GINT64_CONSTANT (1767323045678901), "2026-01-02T03:04:05.679Z");
  assert_formatted (G_MAXINT64, "9999-12-31T23:59:59.999Z");
}

static void
test_parses (void)
{
  static const struct {
    const char *text;
    gint64 wall;
  } cases[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "2026-01-02T03:04:05.678901Z", G_GINT64_CONSTANT (1767323045678901) },
    { "2026-01-02t03:04:05.678901999z", G_GINT64_CONSTANT (1767323045678901) },
    { "2026-01-02 04:34:05.5+01:30", G_GINT64_CONSTANT (1767323045500000) },
    { "2026-01-01T23:04:05-04:00", G_GINT64_CONSTANT (1767323045000000) },
    { "1969-12-31T23:59:59.5Z", -500000 },
    { "2016-12-31T23:59:60Z", G_GINT64_CONSTANT (1483228799000000) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 wall;

      g_assert_true (kv_timestamp_parse (cases[i].text, strlen (cases[i].text), &wall));
      g_assert_cmpint (wall, ==, cases[i].wall);
    }
}

static void
test_refuses (void)
{
  static const char *const cases[] = {
    "",
    "2026",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05,5Z",
    "2026-13-02T03:04:05Z",
    "2026-02-30T03:04:05Z",
    "2026-01-02T24:00:00Z",
    "2026-01-02T03:04:61Z",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T03:04:05+0100",
    "2026-01-02T03:04:05Zx",
    "20260102T030405Z",
    "+026-01-02T03:04:05Z",
    "2026-01-02_03:04:05Z",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 wall;

      g_assert_false (kv_timestamp_parse (cases[i], strlen (cases[i]), &wall));
    }
}

static void
test_refuses_a_part (void)
{
  static const char whole[] = "2026-01-02T03:04:05.5+01:00";
  gint64 wall;

  for (gsize length = 0; length < strlen (whole); length++)
    g_assert_false (kv_timestamp_parse (whole, length, &wall));
  g_assert_false (kv_timestamp_parse ("2026-01-02\0003:04:05Z", 20, &wall));
}

static void
test_goes_with_deadlines (void)
{
  gint64 deadline = kv_clock_deadline_after (G_TIME_SPAN_HOUR);
  gint64 back = kv_timestamp_to_deadline (kv_clock_to_wall (deadline));

  g_assert_cmpint (ABS (back - deadline), <, G_USEC_PER_SEC);
  g_assert_cmpint (kv_timestamp_to_deadline (G_MAXINT64), >, deadline);
  g_assert_cmpint (kv_timestamp_to_deadline (0), <, 0);
}

/* What somebody gave is what everybody is told, each time. */
static void
test_comes_back_as_it_was_given (void)
{
  static const char *const texts[] = {
    "2126-01-02T03:04:05.000Z",
    "2126-01-02T03:04:05.001Z",
    "2126-12-31T23:59:59.999Z",
  };

  for (guint i = 0; i < 1000; i++)
    {
      const char *text = texts[i % G_N_ELEMENTS (texts)];
      gint64 wall;

      g_assert_true (kv_timestamp_parse (text, strlen (text), &wall));
      assert_formatted (kv_clock_to_wall (kv_timestamp_to_deadline (wall)), text);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/timestamp/formats", test_formats);
  g_test_add_func ("/core/timestamp/parses", test_parses);
  g_test_add_func ("/core/timestamp/refuses", test_refuses);
  g_test_add_func ("/core/timestamp/refuses-a-part", test_refuses_a_part);
  g_test_add_func ("/core/timestamp/goes-with-deadlines", test_goes_with_deadlines);
  g_test_add_func ("/core/timestamp/comes-back-as-it-was-given", test_comes_back_as_it_was_given);
  return g_test_run ();
}

/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-clock.h"
#include "journal/sqlite/kv-sqlite-boots.h"

#define HOUR (3600 * G_GINT64_CONSTANT (1000000))
#define NEAR (10 * G_USEC_PER_SEC)

static gint64
convert (KvSqliteBoots *boots, gint64 number, gint64 deadline)
{
  gint64 converted;

  g_assert_true (kv_sqlite_boots_convert (boots, number, deadline, &converted));
  return converted;
}

static void
test_same_boot (void)
{
  g_autoptr (KvSqliteBoots) boots = kv_sqlite_boots_new ();

  /* Whatever the wall clock has done. */
  kv_sqlite_boots_add (boots, 3, kv_sqlite_boots_get_id (boots), 5, 0);
  g_assert_cmpint (convert (boots, 3, 123456), ==, 123456);
}

static void
test_other_boot (void)
{
  g_autoptr (KvSqliteBoots) boots = kv_sqlite_boots_new ();
  gint64 now = kv_clock_now (), wall = g_get_real_time ();

  kv_sqlite_boots_add (boots, 1, "other", 7 * HOUR, wall - HOUR);
  /* An hour has passed since. */
  g_assert_cmpint (ABS (convert (boots, 1, 10 * HOUR) - (now + 2 * HOUR)), <, NEAR);
  g_assert_cmpint (convert (boots, 1, 7 * HOUR + HOUR / 2), <=, kv_clock_now ());
  g_assert_cmpint (convert (boots, 1, 6 * HOUR), <=, kv_clock_now ());
  g_assert_cmpint (convert (boots, 1, G_MAXINT64 - 1), >, now + HOUR);
  g_assert_cmpint (convert (boots, 1, G_MININT64), <=, kv_clock_now ());
}

static void
test_clock_was_set_back (void)
{
  g_autoptr (KvSqliteBoots) boots = kv_sqlite_boots_new ();
  gint64 now = kv_clock_now ();

  /* The wall clock is a thousand hours behind what it said: nothing lives longer than what was left. */
  kv_sqlite_boots_add (boots, 1, "other", 7 * HOUR, g_get_real_time () + 1000 * HOUR);
  g_assert_cmpint (ABS (convert (boots, 1, 10 * HOUR) - (now + 3 * HOUR)), <, NEAR);
}

static void
test_clock_jumped_ahead (void)
{
  g_autoptr (KvSqliteBoots) boots = kv_sqlite_boots_new ();

  kv_sqlite_boots_add (boots, 1, "other", 7 * HOUR, g_get_real_time () - 1000 * HOUR);
  g_assert_cmpint (convert (boots, 1, 10 * HOUR), <=, kv_clock_now ());
}

static void
test_unused (void)
{
  g_autoptr (KvSqliteBoots) boots = kv_sqlite_boots_new ();
  g_autoptr (GArray) unused = NULL;
  gint64 converted;

  kv_sqlite_boots_add (boots, 1, "a", 0, 0);
  kv_sqlite_boots_add (boots, 2, "b", 0, 0);
  kv_sqlite_boots_add (boots, 3, kv_sqlite_boots_get_id (boots), 0, 0);
  convert (boots, 1, 5);
  g_assert_false (kv_sqlite_boots_convert (boots, 4, 5, &converted));
  unused = kv_sqlite_boots_list_unused (boots);
  g_assert_cmpuint (unused->len, ==, 1);
  g_assert_cmpint (g_array_index (unused, gint64, 0), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/journal/boots/same-boot", test_same_boot);
  g_test_add_func ("/journal/boots/other-boot", test_other_boot);
  g_test_add_func ("/journal/boots/clock-was-set-back", test_clock_was_set_back);
  g_test_add_func ("/journal/boots/clock-jumped-ahead", test_clock_jumped_ahead);
  g_test_add_func ("/journal/boots/unused", test_unused);
  return g_test_run ();
}

/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-change.h"
#include "core/kv-error.h"

#include <string.h>

static void
test_holds (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KvEntry) entry = kv_entry_new ("key!", 3, "va\0ue!", 5, 7, &error);
  gsize length;

  g_assert_no_error (error);
  g_assert_cmpstr (kv_entry_get_key (entry, &length), ==, "key");
  g_assert_cmpuint (length, ==, 3);
  g_assert_cmpmem (kv_entry_get_value (entry, &length), 6, "va\0ue", 6);
  g_assert_cmpuint (length, ==, 5);
  g_assert_cmpuint (kv_entry_get_revision (entry), ==, 0);
  g_assert_cmpint (kv_entry_get_deadline (entry), ==, 7);
}

static void
test_refuses (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (kv_entry_new ("", -1, "v", -1, KV_NO_DEADLINE, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
  g_clear_error (&error);
  g_assert_null (kv_entry_new ("k", -1, "\xff", -1, KV_NO_DEADLINE, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_VALUE);
}

static void
test_expires (void)
{
  g_autoptr (KvEntry) never = kv_entry_new ("k", -1, "", 0, KV_NO_DEADLINE, NULL);
  g_autoptr (KvEntry) now = kv_entry_new ("k", -1, "", 0, kv_clock_deadline_after (0), NULL);
  g_autoptr (KvEntry) past = kv_entry_new ("k", -1, "", 0, kv_clock_deadline_after (-5), NULL);
  g_autoptr (KvEntry) later =
    kv_entry_new ("k", -1, "", 0, kv_clock_deadline_after (G_TIME_SPAN_HOUR), NULL);

  g_assert_false (kv_entry_is_expired (never));
  g_assert_true (kv_entry_is_expired (now));
  g_assert_true (kv_entry_is_expired (past));
  g_assert_false (kv_entry_is_expired (later));
}

static void
test_far_deadlines (void)
{
  g_assert_cmpint (kv_clock_deadline_after (G_MAXINT64), ==, KV_NO_DEADLINE);
  g_assert_cmpint (kv_clock_deadline_after (G_MAXINT64 - 1), ==, KV_NO_DEADLINE);
  g_assert_cmpint (kv_clock_deadline_after (G_MAXINT64 / 2), <, KV_NO_DEADLINE);
}

static void
test_change_key (void)
{
  KvEntry *entry = kv_entry_new ("k", -1, "v", -1, KV_NO_DEADLINE, NULL);
  g_auto (KvChange) removal = { .kind = KV_CHANGE_DELETE, .previous = entry };
  KvChange *copy = kv_change_copy (&removal);

  g_assert_cmpstr (kv_change_get_key (copy, NULL), ==, "k");
  kv_change_free (copy);
  g_assert_cmpstr (kv_change_get_key (&removal, NULL), ==, "k");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/entry/holds-key-value-deadline", test_holds);
  g_test_add_func ("/core/entry/refuses-what-is-not-valid", test_refuses);
  g_test_add_func ("/core/entry/expires-at-its-deadline", test_expires);
  g_test_add_func ("/core/entry/far-deadlines-do-not-overflow", test_far_deadlines);
  g_test_add_func ("/core/change/key-of-a-removal-is-that-of-what-was", test_change_key);
  return g_test_run ();
}

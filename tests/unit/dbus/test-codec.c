/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-clock.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-limits.h"
#include "sample.h"
#include "store/kv-store-list.h"

#include <string.h>

static KvEntry *
entry_new (const char *value, gssize length, gint64 deadline)
{
  g_autoptr (GError) error = NULL;
  KvEntry *entry = kv_entry_new ("key", -1, value, length, deadline, &error);

  g_assert_no_error (error);

  return entry;
}

/* What is to be written, of a type. */
typedef struct {
  KvDbusBuffer buffer;
  KvDbusWriter writer;
} Page;

static void
page_clear (Page *page)
{
  kv_dbus_buffer_clear (&page->buffer);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Page, page_clear)

static KvDbusWriter *
begin (Page *page, const char *signature)
{
  kv_dbus_buffer_clear (&page->buffer);
  sample_begin (&page->writer, &page->buffer, signature);

  return &page->writer;
}

static void
assert_prints (Page *page, const char *expected)
{
  g_autoptr (GVariant) body = sample_end (&page->writer);
  g_autofree char *text = g_variant_print (body, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_result (const KvResult *result, gsize *budget, const char *expected)
{
  g_auto (Page) page = { 0 };

  kv_dbus_codec_write_batch_result (begin (&page, KV_DBUS_BATCH_RESULT_TYPE), result, budget);
  assert_prints (&page, expected);
}

static void
assert_change_in (KvDbusShape shape, const KvWatchEvent *event, const char *expected)
{
  g_auto (Page) page = { 0 };

  kv_dbus_codec_write_change (begin (&page, KV_DBUS_CHANGE_TYPE), event, shape);
  assert_prints (&page, expected);
}

static void
assert_change (const KvWatchEvent *event, const char *expected)
{
  assert_change_in (KV_DBUS_SHAPE_VALUES, event, expected);
}

/* The details alone. */
static GVariant *
details_of (const KvEntry *entry)
{
  g_auto (Page) page = { 0 };
  g_autoptr (GVariant) body = NULL;

  kv_dbus_codec_write_text (begin (&page, "sa{sv}"), entry);
  body = sample_end (&page.writer);

  return g_variant_get_child_value (body, 1);
}

static void
test_tells_no_deadline (void)
{
  g_autoptr (KvEntry) entry = entry_new ("v", -1, KV_NO_DEADLINE);
  g_auto (Page) page = { 0 };

  kv_dbus_codec_write_text (begin (&page, "sa{sv}"), entry);
  assert_prints (&page, "('v', {'revision': <uint64 0>})");
}

static void
test_tells_a_deadline_as_rfc_3339 (void)
{
  gint64 before = g_get_real_time () / 1000 * 1000;
  g_autoptr (KvEntry) entry = entry_new ("v", -1, kv_clock_deadline_after (100 * G_USEC_PER_SEC));
  g_autoptr (GVariant) details = details_of (entry);
  g_autoptr (GDateTime) time = NULL;
  const char *text;
  gint64 after = g_get_real_time () + G_USEC_PER_SEC;
  gint64 expires;

  g_assert_true (g_variant_lookup (details, "expires", "&s", &text));
  g_assert_cmpuint (strlen (text), ==, strlen ("2026-01-02T03:04:05.678Z"));
  g_assert_true (g_str_has_suffix (text, "Z"));
  time = g_date_time_new_from_iso8601 (text, NULL);
  g_assert_nonnull (time);
  expires = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
  g_assert_cmpint (expires - 100 * G_USEC_PER_SEC, >=, before);
  g_assert_cmpint (expires - 100 * G_USEC_PER_SEC, <=, after);
}

static void
test_tells_a_far_deadline (void)
{
  g_autoptr (KvEntry) entry = entry_new ("v", -1, KV_NO_DEADLINE - 1);
  g_autoptr (GVariant) details = details_of (entry);
  const char *text;

  g_assert_true (g_variant_lookup (details, "expires", "&s", &text));
  g_assert_true (g_str_has_prefix (text, "9999-12-31T23:59:59."));
}

static void
test_tells_bytes_that_are_no_text (void)
{
  g_autoptr (KvEntry) text = entry_new ("a", -1, KV_NO_DEADLINE);
  g_autoptr (KvEntry) bytes = entry_new ("a\0b", 3, KV_NO_DEADLINE);
  g_autoptr (KvEntry) none = entry_new ("", 0, KV_NO_DEADLINE);
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  KvResult result = { .status = KV_RESULT_FOUND, .entry = bytes };
  g_auto (Page) page = { 0 };

  g_assert_true (kv_dbus_codec_is_text (text));
  g_assert_true (kv_dbus_codec_is_text (none));
  g_assert_false (kv_dbus_codec_is_text (bytes));
  kv_dbus_codec_write_bytes (begin (&page, "aya{sv}"), bytes);
  assert_prints (&page, "([0x61, 0x00, 0x62], {'revision': <uint64 0>})");
  kv_dbus_codec_write_bytes (begin (&page, "aya{sv}"), none);
  assert_prints (&page, "([], {'revision': <uint64 0>})");
  assert_result (
    &result, &budget,
    "((200, '', {'revision': <uint64 0>, 'value_bytes': <[byte 0x61, 0x00, 0x62]>}),)");
  g_assert_cmpuint (budget, ==, KV_DBUS_MAX_REPLY_BYTES - 3);
}

static void
test_keeps_to_the_budget (void)
{
  g_autoptr (KvEntry) entry = entry_new ("abc", -1, KV_NO_DEADLINE);
  gsize budget = 5;
  KvResult result = { .status = KV_RESULT_FOUND, .entry = entry };

  assert_result (&result, &budget, "((200, 'abc', {'revision': <uint64 0>}),)");
  assert_result (&result, &budget,
                 "((413, '', {'revision': <uint64 0>, 'value_omitted': <true>}),)");
  g_assert_cmpuint (budget, ==, 2);
}

static void
assert_page (KvStore *store, guint limit, KvListContent content, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KvPage) list = kv_store_list (store, NULL, "/", NULL, limit, content, &error);
  g_auto (Page) page = { 0 };
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) items = NULL;
  g_autofree char *text = NULL;
  const char *next;
  guint64 revision;

  g_assert_no_error (error);
  kv_dbus_codec_write_page (begin (&page, "a(sa{sv})st"), list, content == KV_LIST_VALUES);
  body = sample_end (&page.writer);
  g_variant_get (body, "(@a(sa{sv})&st)", &items, &next, &revision);
  text = g_variant_print (items, FALSE);
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpstr (next, ==, kv_page_get_cursor (list) != NULL ? kv_page_get_cursor (list) : "");
  g_assert_cmpuint (revision, ==, kv_page_get_revision (list));
}

static void
test_tells_a_page (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  guint64 revision = kv_store_put (store, "b", "xyz", -1, NULL);
  g_autofree char *entry = g_strdup_printf (
    "('b', {'revision': <uint64 %" G_GUINT64_FORMAT ">, 'size': <uint64 3>})", revision);
  g_autofree char *all = g_strdup_printf ("[('a/', {'folder': <true>}), %s]", entry);
  g_autofree char *values =
    g_strdup_printf ("[('a/', {'folder': <true>}), ('b', {'revision': <uint64 %" G_GUINT64_FORMAT
                     ">, 'size': <uint64 3>, 'value': <'xyz'>})]",
                     revision);

  g_assert_cmpuint (kv_store_put (store, "a/1", "", -1, NULL), >, 0);
  assert_page (store, 10, KV_LIST_ENTRIES, all);
  assert_page (store, 10, KV_LIST_VALUES, values);
  assert_page (store, 1, KV_LIST_VALUES, "[('a/', {'folder': <true>})]");
}

static void
test_tells_results_by_http_status (void)
{
  static const struct {
    KvResultStatus status;
    guint64 revision;
    const char *text;
  } cases[] = {
    { KV_RESULT_CREATED, 7, "((201, '', {'revision': <uint64 7>}),)" },
    { KV_RESULT_REPLACED, 7, "((204, '', {'revision': <uint64 7>}),)" },
    { KV_RESULT_DELETED, 7, "((204, '', {'revision': <uint64 7>}),)" },
    { KV_RESULT_NOT_FOUND, 0, "((404, '', {}),)" },
    { KV_RESULT_NOT_A_NUMBER, 7, "((409, '', {'revision': <uint64 7>}),)" },
    { KV_RESULT_CONDITION_FAILED, 7, "((412, '', {'revision': <uint64 7>}),)" },
    { KV_RESULT_ABORTED, 0, "((412, '', {}),)" },
  };
  gsize budget = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      KvResult result = { .status = cases[i].status, .revision = cases[i].revision };

      assert_result (&result, &budget, cases[i].text);
    }
}

static void
test_tells_what_a_change_has_made_and_replaced (void)
{
  g_autoptr (KvEntry) text = entry_new ("12", -1, KV_NO_DEADLINE);
  g_autoptr (KvEntry) bytes = entry_new ("\0a", 2, KV_NO_DEADLINE);
  gsize budget = 4;
  KvResult result = { .status = KV_RESULT_CREATED, .revision = 7, .entry = text };

  assert_result (&result, &budget, "((201, '12', {'revision': <uint64 0>}),)");
  result.status = KV_RESULT_REPLACED;
  assert_result (&result, &budget, "((200, '12', {'revision': <uint64 0>}),)");
  assert_result (&result, &budget,
                 "((200, '', {'revision': <uint64 0>, 'value_omitted': <true>}),)");
  result.status = KV_RESULT_NOT_A_NUMBER;
  assert_result (&result, &budget, "((409, '', {'revision': <uint64 7>}),)");

  budget = 2;
  result = (KvResult){ .status = KV_RESULT_DELETED, .revision = 7, .previous = bytes };
  assert_result (&result, &budget,
                 "((204, '', {'revision': <uint64 7>, 'prev': <('', {'revision': <uint64 0>, "
                 "'value_bytes': <[byte 0x00, 0x61]>})>}),)");
  result.previous = text;
  assert_result (&result, &budget,
                 "((204, '', {'revision': <uint64 7>, 'prev': <('', {'revision': <uint64 0>, "
                 "'value_omitted': <true>})>}),)");
}

static void
test_tells_events_by_number (void)
{
  g_autoptr (KvEntry) entry = entry_new ("v", -1, KV_NO_DEADLINE);
  KvWatchEvent event = { .type = KV_WATCH_SNAPSHOT, .key = "key", .entry = entry };

  assert_change (&event, "((0, 0, 'key', 'v', {'present': <true>}),)");
  event.entry = NULL;
  assert_change (&event, "((0, 0, 'key', '', {'present': <false>}),)");

  event = (KvWatchEvent){ .type = KV_WATCH_SNAPSHOT_END, .revision = 9 };
  assert_change (&event, "((9, 5, '', '', {}),)");

  event = (KvWatchEvent){ .type = KV_WATCH_CHANGE,
                          .change = { .revision = 9, .kind = KV_CHANGE_PUT, .entry = entry } };
  assert_change (&event, "((9, 1, 'key', 'v', {'more': <true>}),)");
  event.change.last = TRUE;
  assert_change (&event, "((9, 1, 'key', 'v', {}),)");
  event.change.kind = KV_CHANGE_SWAP;
  assert_change (&event, "((9, 3, 'key', 'v', {}),)");

  event.change.previous = g_steal_pointer (&event.change.entry);
  event.change.kind = KV_CHANGE_DELETE;
  assert_change (&event, "((9, 2, 'key', '', {}),)");
  event.change.kind = KV_CHANGE_EXPIRED;
  assert_change (&event, "((9, 4, 'key', '', {}),)");
}

static void
test_tells_changes_in_a_shape (void)
{
  g_autoptr (KvEntry) entry = entry_new ("new", -1, KV_NO_DEADLINE);
  g_autoptr (KvEntry) previous = entry_new ("a\0b", 3, KV_NO_DEADLINE);
  KvWatchEvent event = { .type = KV_WATCH_CHANGE };

  event.change = (KvChange){ .revision = 9, .kind = KV_CHANGE_PUT, .last = TRUE, .entry = entry };
  assert_change_in (KV_DBUS_SHAPE_VALUES | KV_DBUS_SHAPE_PREVIOUS, &event,
                    "((9, 1, 'key', 'new', {}),)");
  assert_change_in (0, &event, "((9, 1, 'key', '', {}),)");
  event.change.previous = previous;
  assert_change (&event, "((9, 1, 'key', 'new', {}),)");
  assert_change_in (KV_DBUS_SHAPE_VALUES | KV_DBUS_SHAPE_PREVIOUS, &event,
                    "((9, 1, 'key', 'new', {'prev': <('', {'revision': <uint64 0>, "
                    "'value_bytes': <[byte 0x61, 0x00, 0x62]>})>}),)");
  assert_change_in (KV_DBUS_SHAPE_PREVIOUS, &event,
                    "((9, 1, 'key', '', {'prev': <('', {'revision': <uint64 0>})>}),)");
  event = (KvWatchEvent){ .type = KV_WATCH_SNAPSHOT, .key = "key", .entry = previous };
  assert_change_in (0, &event, "((0, 0, 'key', '', {'present': <true>}),)");
}

static void
test_tells_what_a_reset_is_about (void)
{
  g_auto (Page) page = { 0 };

  kv_dbus_codec_write_reset (begin (&page, "a{sv}"), 7, 8);
  assert_prints (&page, "({'oldest': <uint64 7>, 'current': <uint64 8>},)");
}

static void
test_sums_up_the_status (void)
{
  KvStoreStatus figures = {
    .keys = 1,
    .gets = 2,
    .puts = 4,
    .deletes = 8,
    .swaps_succeeded = 16,
    .swaps_failed = 32,
    .uptime = G_GINT64_CONSTANT (93784005000),
  };
  g_auto (Page) page = { 0 };
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) status = NULL;
  guint64 total, swaps;
  const char *uptime;

  kv_dbus_codec_write_status (begin (&page, "a{sv}"), &figures);
  body = sample_end (&page.writer);
  status = g_variant_get_child_value (body, 0);
  g_assert_true (g_variant_lookup (status, "total_operations", "t", &total));
  g_assert_cmpuint (total, ==, 62);
  g_assert_true (g_variant_lookup (status, "cas_operations", "t", &swaps));
  g_assert_cmpuint (swaps, ==, 48);
  g_assert_true (g_variant_lookup (status, "uptime", "&s", &uptime));
  g_assert_cmpstr (uptime, ==, "1d 2h 3m 4s 5ms");
}

static void
test_tells_what_was_dumped (void)
{
  g_auto (Page) page = { 0 };
  g_autoptr (GVariant) body = NULL;
  g_autofree char *text = NULL;

  kv_dbus_codec_write_dump (begin (&page, "a{sv}"), 7, 8);
  body = sample_end (&page.writer);
  text = g_variant_print (body, FALSE);
  g_assert_cmpstr (text, ==, "({'revision': <uint64 7>, 'entries': <uint64 8>},)");
}

static void
test_tells_what_was_restored (void)
{
  const KvRestoreCounts counts = {
    .created = 1,
    .replaced = 2,
    .unchanged = 3,
    .deleted = 4,
    .expired = 5,
  };
  g_auto (Page) page = { 0 };
  g_autoptr (GVariant) body = NULL;
  g_autofree char *text = NULL;

  kv_dbus_codec_write_restore (begin (&page, "a{sv}"), &counts, TRUE, 6);
  body = sample_end (&page.writer);
  text = g_variant_print (body, FALSE);
  g_assert_cmpstr (text, ==,
                   "({'created': <uint64 1>, 'replaced': <uint64 2>, 'unchanged': <uint64 3>, "
                   "'deleted': <uint64 4>, 'expired': <uint64 5>, 'dry_run': <true>, "
                   "'revision': <uint64 6>},)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/codec/tells-no-deadline", test_tells_no_deadline);
  g_test_add_func ("/dbus/codec/tells-a-deadline-as-rfc-3339", test_tells_a_deadline_as_rfc_3339);
  g_test_add_func ("/dbus/codec/tells-a-far-deadline", test_tells_a_far_deadline);
  g_test_add_func ("/dbus/codec/tells-bytes-that-are-no-text", test_tells_bytes_that_are_no_text);
  g_test_add_func ("/dbus/codec/keeps-to-the-budget", test_keeps_to_the_budget);
  g_test_add_func ("/dbus/codec/tells-a-page", test_tells_a_page);
  g_test_add_func ("/dbus/codec/tells-results-by-http-status", test_tells_results_by_http_status);
  g_test_add_func ("/dbus/codec/tells-what-a-change-has-made-and-replaced",
                   test_tells_what_a_change_has_made_and_replaced);
  g_test_add_func ("/dbus/codec/tells-events-by-number", test_tells_events_by_number);
  g_test_add_func ("/dbus/codec/tells-changes-in-a-shape", test_tells_changes_in_a_shape);
  g_test_add_func ("/dbus/codec/tells-what-a-reset-is-about", test_tells_what_a_reset_is_about);
  g_test_add_func ("/dbus/codec/sums-up-the-status", test_sums_up_the_status);
  g_test_add_func ("/dbus/codec/tells-what-was-dumped", test_tells_what_was_dumped);
  g_test_add_func ("/dbus/codec/tells-what-was-restored", test_tells_what_was_restored);

  return g_test_run ();
}
